"""What waits is validated again just before it is sent, against the lists and rules as they are by then.

While it waited a pupil may have left, a code been renamed, a lesson moved, the school gone to another MIS. What no
longer passes is not sent. Where only a list says so, the list is fetched once more before it is believed.
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
from writeback.domain.writeback import RecordStatus
from writeback.flow.engine.status_changes import Changes, OpenWriteback
from writeback.store.writebacks import holds
from writeback.store.writebacks.writebacks import LISTS_DOUBTED

log = structlog.get_logger()

_PATIENCE = timedelta(seconds=5)
"""How long a fresh list is waited for at a time."""
_AGAIN = timedelta(seconds=30)
"""How long a sync may take; where it was in vain, the next one comes so much later."""
_LONGEST = timedelta(minutes=2)
_FOR_THE_PROVIDER = frozenset({"permission_missing"})
"""What the provider's answer decides: it holds the school instead of failing what waits."""


@dataclass(frozen=True)
class SecondLook:
    """Weeds out what is not fit to be sent any more."""

    changes: Changes
    school: School
    lookups: LookupView
    full_within: timedelta
    """How long before a doubt a list may have been fetched as a whole to settle it."""

    def weed_out(self, chosen: Sequence[Waiting], opened: Mapping[str, OpenWriteback]) -> bool:
        """Fail or put off what no longer passes; return whether there was any."""
        indexes: defaultdict[str, list[int]] = defaultdict(list)
        for record in chosen:
            indexes[record.writeback_id].append(record.index)
        weeded = [one for one, records in indexes.items() if self._weed_out_of(opened[one], records)]
        return bool(weeded)

    def _weed_out_of(self, one: OpenWriteback, indexes: Sequence[int]) -> bool:
        errors = self._errors(one, indexes)
        if self._waits_for_lists(one, indexes) or (errors and self._is_doubtful(one, errors, indexes)):
            self._put_off(one, indexes)
        elif errors:
            self._fail(one, errors, indexes)
        else:
            return False
        return True

    def _waits_for_lists(self, one: OpenWriteback, indexes: Sequence[int]) -> bool:
        """Whether it was refused for what our lists may have wrong, and none has been fetched since; not for ever."""
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

    def _is_doubtful(self, one: OpenWriteback, errors: Sequence[Finding], indexes: Sequence[int]) -> bool:
        """Whether a list that has not been fetched since the first doubt is all that speaks against it."""
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
        was in vain. What else becomes of the writeback meanwhile is no new doubt."""
        row, now, session = one.row, self.changes.now, self.changes.session
        doubts = [one.progress[index].doubted_at or now for index in indexes]
        for index, at in zip(indexes, doubts, strict=True):
            one.keep(index, replace(one.progress[index], doubted_at=at))
        if max(doubts) == now:
            row.updated_at = now
            holds.schedule_sync(session, self.school.id, now)
            log.info("lists_doubted", writeback_id=row.id, school=self.school.id)
        elif now - max(doubts) >= _AGAIN:
            holds.bring_sync_forward(session, self.school.id, now + _AGAIN)
        row.hold_reason, row.next_attempt_at = LISTS_DOUBTED, now + _PATIENCE
        session.add(row)

    def _fail(self, one: OpenWriteback, errors: Sequence[Finding], indexes: Sequence[int]) -> None:
        said: Mapping[int, list[Finding]] = {
            index: [error for error in errors if error.record in (None, index)] for index in indexes
        }
        for index, findings in said.items():
            if findings:
                one.progress[index] = one.progress[index].moved(RecordStatus.FAILED).with_findings(findings)
        self.changes.settle(one, detail="no longer passes validation; it was not sent")
