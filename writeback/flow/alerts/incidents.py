"""Conditions become incidents, and these become messages: one when it begins, one when it is over, whoever looks.

What if the process dies? All of one look is one transaction: before its commit nobody was told, and the next look, here
or in another worker, finds the same.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlmodel import Session

from writeback.core.ids import new_id
from writeback.core.settings import AlertSettings
from writeback.domain.alerts import AlertKind, Condition, Told, has_grown
from writeback.flow.alerts.messages import facts_of
from writeback.flow.alerts.quiet import first_free
from writeback.store.alerts import incidents, receivers
from writeback.store.alerts.receivers import MessageState
from writeback.store.tables import AlertMessageRow, AlertReceiverRow, IncidentRow

log = structlog.get_logger()


@dataclass
class Look:
    """One look: what is amiss at an instant, written down in the caller's transaction."""

    session: Session
    now: datetime
    settings: AlertSettings

    def __post_init__(self) -> None:
        self._receivers = receivers.all_of(self.session)

    def record(self, conditions: Iterable[Condition]) -> None:
        """Open, update and end incidents so that they are what the conditions say, and have everybody told."""
        still = {(row.kind, row.about): row for row in incidents.of_now(self.session)}
        for one in conditions:
            row = still.pop(one.key, None)
            if row is None:
                self._open(one)
            else:
                self._update(row, one)
        for row in still.values():
            self._clear(row)

    def _open(self, one: Condition) -> None:
        row = IncidentRow(
            id=new_id("inc", self.now),
            kind=one.kind.value,
            about=one.about,
            since=one.since,
            opened_at=self.now,
            schools=list(one.schools),
            writebacks=one.writebacks,
        )
        self.session.add(row)
        log.warning("incident_opened", incident_id=row.id, kind=row.kind, about=row.about, schools=len(row.schools))
        self._tell_all(row, {})

    def _update(self, row: IncidentRow, one: Condition) -> None:
        """Take over what is amiss now, and tell each receiver what that is to it."""
        has_changed = set(one.schools) != set(row.schools)
        row.schools, row.writebacks, row.cleared_at = list(one.schools), one.writebacks, None
        self.session.add(row)
        if has_changed:
            self._tell_all(row, receivers.last_about(self.session, row.id))

    def _tell_all(self, row: IncidentRow, said: Mapping[str, AlertMessageRow]) -> None:
        """Tell whom it has reached, whom it has left, and for whom it has become much larger; `said`: the last that
        each receiver was told of it."""
        for to in self._receivers:
            own, last = schools_for(to, AlertKind(row.kind), row.schools), said.get(to.id)
            if own is None:
                self._over(row, to, last)
            elif last is None or last.told == Told.OVER:
                self._say(Told.OPENED, row, to, own)
            elif row.acknowledged_at is None and has_grown(_count_in(last), len(own)):
                self._say(Told.GREW, row, to, own)

    def _clear(self, row: IncidentRow) -> None:
        """Count how long nothing is amiss any more; end it after a while."""
        row.cleared_at = row.cleared_at or self.now
        self.session.add(row)
        if self.now - row.cleared_at < timedelta(seconds=self.settings.over_after_s):
            return
        row.ended_at = row.cleared_at
        log.info("incident_over", incident_id=row.id, kind=row.kind, about=row.about)
        said = receivers.last_about(self.session, row.id)
        for to in self._receivers:
            self._over(row, to, said.get(to.id))

    def _over(self, row: IncidentRow, to: AlertReceiverRow, last: AlertMessageRow | None) -> None:
        """Tell a receiver that it is over for it, if it was told of it; what has not been sent yet need not be."""
        if last is None or last.told == Told.OVER:
            return
        if last.told == Told.OPENED and last.state == MessageState.PENDING and last.attempts == 0:
            last.state, last.next_attempt_at = MessageState.DROPPED, None
            self.session.add(last)
            return
        schools = last.content["schools"]
        self._say(Told.OVER, row, to, list(schools) if isinstance(schools, list) else [], count=_count_in(last))

    def _say(
        self, told: Told, row: IncidentRow, to: AlertReceiverRow, schools: Sequence[str], *, count: int | None = None
    ) -> None:
        facts = facts_of(row, schools, ended_at=row.ended_at or self.now if told is Told.OVER else None, count=count)
        self.session.add(message_to(to, told, facts, self.now, incident_id=row.id))


def _count_in(message: AlertMessageRow) -> int:
    count = message.content["school_count"]
    return count if isinstance(count, int) else 0


def schools_for(receiver: AlertReceiverRow, kind: AlertKind, schools: Sequence[str]) -> Sequence[str] | None:
    """Return of which of the schools a receiver is told; None: it is not told of this at all."""
    if receiver.kinds is not None and kind.value not in receiver.kinds:
        return None
    if receiver.schools is None:
        return schools
    own = [school for school in schools if school in set(receiver.schools)]
    return own or None


def message_to(
    receiver: AlertReceiverRow,
    told: Told,
    content: dict[str, object],
    now: datetime,
    *,
    incident_id: str | None = None,
) -> AlertMessageRow:
    """Return a message that goes out as soon as the receiver's quiet hours let it."""
    return AlertMessageRow(
        id=new_id("alm", now),
        receiver_id=receiver.id,
        incident_id=incident_id,
        told=told.value,
        content=content,
        state=MessageState.PENDING,
        next_attempt_at=now if told is Told.TEST else first_free(receiver, now),
        created_at=now,
    )
