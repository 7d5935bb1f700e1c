"""Conditions become incidents, and these become messages: one when it begins, one when it is over, whoever looks.

What if the process dies? All of one look is one transaction: before its commit nobody was told, and the next look, here
or in another worker, finds the same.
"""

from collections.abc import Iterable, Sequence
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
            told_schools=len(one.schools),
            writebacks=one.writebacks,
        )
        self.session.add(row)
        log.warning("incident_opened", incident_id=row.id, kind=row.kind, about=row.about, schools=len(row.schools))
        self._tell(row, Told.OPENED, self._receivers)

    def _update(self, row: IncidentRow, one: Condition) -> None:
        """Take over what is amiss now; say so once more where it has become much larger and nobody has it in hand."""
        has_more = not set(one.schools) <= set(row.schools)
        row.schools, row.writebacks, row.cleared_at = list(one.schools), one.writebacks, None
        self.session.add(row)
        if not has_more:
            return
        told = receivers.told_of(self.session, row.id)
        # Whoever is told of some schools alone hears of it when it reaches these.
        self._tell(row, Told.OPENED, [to for to in self._receivers if to.id not in told])
        if has_grown(row.told_schools, len(row.schools)) and row.acknowledged_at is None:
            row.told_schools = len(row.schools)
            self._tell(row, Told.GREW, [to for to in self._receivers if to.id in told])

    def _clear(self, row: IncidentRow) -> None:
        """Count how long nothing is amiss any more; end it after a while."""
        row.cleared_at = row.cleared_at or self.now
        self.session.add(row)
        if self.now - row.cleared_at < timedelta(seconds=self.settings.over_after_s):
            return
        row.ended_at = row.cleared_at
        log.info("incident_over", incident_id=row.id, kind=row.kind, about=row.about)
        for message in receivers.waiting_for(self.session, row.id):
            if message.attempts == 0:
                message.state, message.next_attempt_at = MessageState.DROPPED, None
                self.session.add(message)
        told = receivers.told_of(self.session, row.id)
        self._tell(row, Told.OVER, [to for to in self._receivers if to.id in told])

    def _tell(self, row: IncidentRow, told: Told, to: Sequence[AlertReceiverRow]) -> None:
        for receiver in to:
            schools = schools_for(receiver, AlertKind(row.kind), row.schools)
            if schools is None:
                continue
            self.session.add(message_to(receiver, told, facts_of(row, schools), self.now, incident_id=row.id))


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
