"""Revalidation: what waits is validated again just before it is sent, against the lists and rules of that moment.

Meanwhile a pupil may have left, a code been renamed, a lesson moved, the school changed its MIS. What no longer passes
is not sent. Where only a list speaks against it, the list is fetched again first.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import structlog

from validators import ListFinding, validate
from writeback.domain.finding import Finding
from writeback.domain.kinds import KINDS
from writeback.domain.lookups import LookupView
from writeback.domain.school import School
from writeback.domain.superseding import Waiting
from writeback.flow.engine.former_ids import is_stopped, stop
from writeback.flow.engine.last_look import fail_waiting, may_be_there
from writeback.flow.engine.status_changes import Changes, OpenWriteback
from writeback.store.writebacks import holds
from writeback.store.writebacks.requests import was_carried
from writeback.store.writebacks.writebacks import LISTS_IN_DOUBT, touch

log = structlog.get_logger()

_PATIENCE = timedelta(seconds=5)
"""How long a fresh list is waited for at a time."""
_AGAIN = timedelta(seconds=30)
"""How long a sync may take; where it was without success, the next one comes so much later."""
_LONGEST = timedelta(minutes=2)
_FOR_THE_PROVIDER = frozenset({"permission_missing"})
"""Findings that are left to the provider's answer: it holds the school instead of failing what waits."""


@dataclass(frozen=True)
class Revalidation:
    """Drops from a turn what can no longer be sent."""

    changes: Changes
    school: School
    lookups: LookupView
    full_within: timedelta
    """How long before a list came into doubt it may have been fetched in full, and still settle it."""

    def drop_invalid(self, chosen: Sequence[Waiting], opened: Mapping[str, OpenWriteback]) -> bool:
        """Fail or put off what no longer passes; return whether there was any."""
        indexes: defaultdict[str, list[int]] = defaultdict(list)
        for record in chosen:
            indexes[record.writeback_id].append(record.index)
        dropped = [one for one, records in indexes.items() if self._drops_invalid_of(opened[one], records)]
        return bool(dropped)

    def _drops_invalid_of(self, one: OpenWriteback, indexes: Sequence[int]) -> bool:
        stopped = [index for index in indexes if is_stopped(one.progress[index])]
        if stopped:
            stop(self.changes, one, stopped)
            return True
        errors = self._errors(one, indexes)
        if self._waits_for_lists(one, indexes) or (errors and self._rests_on_an_old_list(one, errors, indexes)):
            self._put_off(one, indexes)
        elif errors:
            self._fail(one, errors, indexes)
        else:
            return False
        return True

    def _waits_for_lists(self, one: OpenWriteback, indexes: Sequence[int]) -> bool:
        """Whether it was refused for a possible error of our lists, and none has been fetched since; not for ever."""
        refused = [entry.doubted_at for index in indexes if (entry := one.progress[index]).healed and entry.doubted_at]
        if not refused:
            return False
        lists = [lookup for name in KINDS[one.row.kind].lists if (lookup := self.lookups.get(name))]
        is_fresh = any(lookup.is_settled(max(refused), self.full_within) for lookup in lists)
        return not is_fresh and self.changes.now - max(refused) < _LONGEST

    def _errors(self, one: OpenWriteback, indexes: Sequence[int]) -> list[Finding]:
        records = [one.record(index) for index in indexes]
        kind, today = KINDS[one.row.kind], self.school.latest_day(self.changes.now)
        found = validate(kind, records, self.school, self.lookups, positions=indexes, today=today)
        return [finding for finding in found if finding.is_error and finding.code not in _FOR_THE_PROVIDER]

    def _rests_on_an_old_list(self, one: OpenWriteback, errors: Sequence[Finding], indexes: Sequence[int]) -> bool:
        """Whether only lists speak against it that have not been fetched since they came into doubt."""
        lists = [self.lookups.get(error.list) for error in errors if isinstance(error, ListFinding) and error.list]
        if len(lists) < len(errors):
            return False
        about = [index for index in indexes if any(error.record in (None, index) for error in errors)]
        doubts = [one.progress[index].doubted_at for index in about]
        first = [at for at in doubts if at is not None]
        if len(first) < len(doubts):
            return True
        return any(lookup is not None and not lookup.is_settled(max(first), self.full_within) for lookup in lists)

    def _put_off(self, one: OpenWriteback, indexes: Sequence[int]) -> None:
        """Let it wait until the lists have been fetched: at once, the first time, and every now and then where that
        was without success. What else becomes of the writeback meanwhile is no new doubt."""
        row, now, session = one.row, self.changes.now, self.changes.session
        doubts = [one.progress[index].doubted_at or now for index in indexes]
        for index, at in zip(indexes, doubts, strict=True):
            one.keep(index, replace(one.progress[index], doubted_at=at))
        if max(doubts) == now:
            touch(row, now)
            holds.schedule_sync(session, self.school.id, now)
            log.info("lists_doubted", writeback_id=row.id, school=self.school.id)
        elif now - max(doubts) >= _AGAIN:
            holds.bring_sync_forward(session, self.school.id, now + _AGAIN)
        row.hold_reason, row.next_attempt_at = LISTS_IN_DOUBT, now + _PATIENCE
        session.add(row)

    def _fail(self, one: OpenWriteback, errors: Sequence[Finding], indexes: Sequence[int]) -> None:
        said: Mapping[int, list[Finding]] = {
            index: [error for error in errors if error.record in (None, index)] for index in indexes
        }
        named = {index: findings for index, findings in said.items() if findings}
        fail_waiting(self.changes, one, named, detail=f"no longer passes validation; {self._how_far(one)}")

    def _how_far(self, one: OpenWriteback) -> str:
        """Return whether it was sent: only what no request ever carried was not."""
        if may_be_there(one):
            return "a request before got no answer, so it may have arrived"
        return "it does not go again" if was_carried(self.changes.session, one.row.id) else "it was not sent"
