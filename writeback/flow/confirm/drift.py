"""Drift: a sample of confirmed marks is read once more, later; what differs is reported, and never written over.

The last check on everything before it: it shows what the office has changed since, and would show a provider that
applies a lost request later than we wait for. Several workers may do this: rows say who reads what.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import NamedTuple
from zlib import crc32

import structlog
from sqlmodel import Session

from writeback.core import outage_logs
from writeback.domain.finding import Finding, Severity
from writeback.domain.kinds import KINDS
from writeback.domain.outcome import ReadBack, SlotReadBack
from writeback.domain.school import Account
from writeback.domain.states import Remark
from writeback.domain.writeback import RecordStatus, pack_progress
from writeback.flow.engine.breakers import keys_of
from writeback.flow.engine.context import FlowContext
from writeback.flow.engine.provider_calls import provider_call
from writeback.flow.engine.slots import LEFT, later_ones
from writeback.flow.engine.status_changes import OpenWriteback
from writeback.providers.base import SentRequest
from writeback.store.tables import DriftCheckRow
from writeback.store.writebacks import breakers, holds, writebacks
from writeback.store.writebacks import drift as store
from writeback.store.writebacks.event_log import SPAN, Horizon

log = structlog.get_logger()

_KINDS = frozenset(kind.name for kind in KINDS.values() if kind.is_repeatable)
"""Those that put a value into a slot, which can be compared."""
_AT_ONCE = 5
"""Writebacks read in one look, each of another school, one after the other: it is in no hurry."""
_CLAIM, _LATER = timedelta(minutes=10), timedelta(minutes=10)
_TRIES = 5


class Sampled(NamedTuple):
    """A writeback of the sample, and those of its records that are to be read."""

    writeback_id: str
    school_id: str
    indexes: Sequence[int]
    sent: SentRequest
    """`sent_at`: when it was confirmed; an older reading proves nothing."""


@dataclass
class Drift:
    """Looks for drift."""

    flow: FlowContext
    _horizon: Horizon = field(init=False)

    def __post_init__(self) -> None:
        self._horizon = Horizon(self.flow.db)

    async def look(self) -> int:
        """Choose the sample of what was confirmed since the last look, read what is due, and return how much was."""
        settled = await self._horizon.settled()
        await self.flow.db.transact(partial(self._choose, settled))
        due = await self.flow.db.transact(self._claim)
        for check in due:
            try:
                await self._check(check)
            except Exception as error:
                outage_logs.error("drift_check_failed", error, writeback_id=check.writeback_id)
        return len(due)

    def _choose(self, settled: int, session: Session) -> None:
        confirm = self.flow.settings.confirm
        cursor = store.lock_cursor(session, settled)  # the first time, the past is left out
        upto = max(cursor.event_id, min(settled, cursor.event_id + SPAN))
        for one in store.confirmations(session, cursor.event_id, upto, _KINDS):
            if _is_sampled(one.writeback_id, confirm.drift_sample):
                store.add(session, one, one.at + timedelta(seconds=confirm.drift_after_s))
        cursor.event_id = upto
        session.add(cursor)

    def _claim(self, session: Session) -> Sequence[DriftCheckRow]:
        now = self.flow.clock.now()
        return store.claim_due(session, now, now + _CLAIM, _AT_ONCE)

    async def _check(self, check: DriftCheckRow) -> None:
        """Read one and record what has changed; a school that waits or fails is postponed."""
        account = await self.flow.registry.account(check.school_id)
        sampled = await self.flow.db.transact(partial(self._open, check, account))
        if sampled is None:
            return
        lookups = await self.flow.lookups.view(check.school_id)
        with provider_call(self.flow, account.provider, "read_back") as call:
            read = await self.flow.providers[account.provider].read_back(account, sampled.sent, lookups)
            call.ended(read)
        if isinstance(read, ReadBack) and (read.as_of is None or read.as_of >= sampled.sent.sent_at):
            readings = {index: read.readings.get(place) for place, index in enumerate(sampled.indexes)}
            await self.flow.db.transact(partial(self._report, sampled, readings, account.provider))
        elif check.tries >= _TRIES:
            await self.flow.db.transact(partial(store.forget, writeback_id=check.writeback_id))

    def _open(self, check: DriftCheckRow, account: Account, session: Session) -> Sampled | None:
        """Return what is to be read; None where there is nothing, or where this is not the time."""
        now = self.flow.clock.now()
        is_held = holds.holds_of(session, [check.school_id])[check.school_id].reason is not None
        if is_held or any(row.open_until is not None for row in breakers.of(session, keys_of(account))):
            store.put_off(session, check.writeback_id, now + _LATER)
            return None
        row = writebacks.find(session, [check.writeback_id]).get(check.writeback_id)
        opened = OpenWriteback(row) if row is not None else None
        indexes = _to_read(session, opened) if opened is not None else []
        if opened is None or not indexes:
            store.forget(session, check.writeback_id)
            return None
        sent = SentRequest(
            request_id=check.writeback_id,
            kind=KINDS[opened.row.kind],
            records=[opened.record(index) for index in indexes],
            provider_ref=None,
            sent_at=opened.row.updated_at,
        )
        return Sampled(check.writeback_id, check.school_id, indexes, sent)

    def _report(
        self, sampled: Sampled, readings: Mapping[int, SlotReadBack | None], provider: str, session: Session
    ) -> None:
        """Say of each record what the MIS has instead. Its status stays: it was there, and nothing is sent."""
        store.forget(session, sampled.writeback_id)
        row = writebacks.lock(session, [sampled.writeback_id])[sampled.writeback_id]
        opened = OpenWriteback(row)
        still = set(_to_read(session, opened))  # a correction may have been accepted while we read
        changed = [
            index
            for index, reading in readings.items()
            if index in still and reading is not None and not reading.matches
        ]
        for index in changed:
            reading = readings[index]
            value = reading.value if reading is not None else None
            opened.progress[index] = opened.progress[index].with_findings([_changed(opened, index, value)])
        if changed:
            now = self.flow.clock.now()
            row.progress = pack_progress(opened.progress)
            session.add(row)
            detail = f"{len(changed)} of {len(readings)} that were read"
            actor = f"provider:{provider}"
            writebacks.add_event(session, row, Remark.CHANGED_IN_MIS, now=now, actor=actor, detail=detail)
        log.info(
            "drift_checked",
            writeback_id=row.id,
            school=row.school_id,
            records=len(readings),
            changed=len(changed),
        )


def _is_sampled(writeback_id: str, part: float) -> bool:
    """Whether it belongs to the sample: the same answer each time, and for each worker."""
    return crc32(writeback_id.encode()) < part * 2**32


def _to_read(session: Session, opened: OpenWriteback) -> list[int]:
    """Return the records that should be in the MIS: confirmed, written by us, the latest of their slot."""
    row = opened.row
    indexes = [
        index
        for index, progress in enumerate(opened.progress)
        if progress.status is RecordStatus.CONFIRMED
        and not progress.erased
        and progress.evidence != LEFT
        and all(finding["code"] not in _SAID for finding in progress.findings)
    ]
    later = later_ones(session, row, opened.records, indexes)
    return [index for index in indexes if index not in later]


_SAID = frozenset({"changed_in_mis", "confirmed_with_a_note"})
"""Findings after which nobody can say what should be there."""


def _changed(opened: OpenWriteback, index: int, value: str | None) -> Finding:
    kind = KINDS[opened.row.kind]
    return Finding(
        code="changed_in_mis",
        severity=Severity.WARNING,
        message=f"It was written; since then the MIS holds {value or 'nothing'} in this slot.",
        hint=f"Nothing is written over it; to do so, send the {kind.noun} again.",
        pointer=f"/records/{index}",
        record=index,
    )
