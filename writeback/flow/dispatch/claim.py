"""What one lane sends now: what is overdue, held, superseded, waiting for its slot, and what goes.

Called by `flow/dispatch/begin.py`, for each of the lanes that it has taken, with what it has read of them.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sqlmodel import Session

from writeback.core import outage_logs
from writeback.core.ids import new_id
from writeback.domain.finding import Finding
from writeback.domain.kinds import KINDS, Action, Kind, Record, field_of
from writeback.domain.lookups import LookupView
from writeback.domain.school import Account, LateRegisters, OfficeMarks, School
from writeback.domain.sending.next_request import Limits, Plan, plan
from writeback.domain.states import Event
from writeback.domain.superseding import Accepted, Waiting
from writeback.domain.writeback import RecordStatus, move_alike
from writeback.flow.dispatch.after_restore import AfterRestore
from writeback.flow.dispatch.building import build
from writeback.flow.dispatch.deadlines import expire
from writeback.flow.dispatch.late_registers import (
    Sent,
    another_apps_mark_stands,
    later_stands,
    sent_for,
    sent_though_late,
)
from writeback.flow.dispatch.office_marks import asks_school
from writeback.flow.dispatch.revalidation import Revalidation
from writeback.flow.engine.breakers import Breakers, keys_of
from writeback.flow.engine.context import FlowContext
from writeback.flow.engine.hook_urls import callback_url
from writeback.flow.engine.last_look import fail_waiting
from writeback.flow.engine.refusals import placed
from writeback.flow.engine.slots import ONCE_SENT, keep_latest, marks_of, seen_at
from writeback.flow.engine.status_changes import Changes, OpenWriteback
from writeback.flow.engine.turn import SeenBefore, Turn, members_json, waiting_records
from writeback.providers.base import CannotBuild, ListsMissing, Provider, ProviderRequest
from writeback.store.tables import BreakerRow, WritebackRow
from writeback.store.writebacks import holds, lanes, requests, writebacks
from writeback.store.writebacks.holds import HoldState
from writeback.store.writebacks.lanes import Lease
from writeback.store.writebacks.requests import Unsettled
from writeback.store.writebacks.writebacks import LISTS_MISSING, SLOT_IN_FLIGHT

_CHANGES = (Action.SET, Action.UPDATE, Action.DELETE)
MOST_QUEUED = 300
"""Queued writebacks looked at in one turn; more than fill any request."""
_ENOUGH = 100
"""Records looked at where a request takes few: the first of them may have to wait for their slots."""
_IN_ORDER: Mapping[str, Collection[str]] = {
    family: [kind.name for kind in KINDS.values() if kind.family == family and kind.action in _CHANGES]
    for family in {kind.family.value for kind in KINDS.values() if kind.action in _CHANGES and not kind.overwrites}
}
"""By family: the kinds that keep the order of a slot, for not each of them makes what came before it needless."""
_PATIENCE = timedelta(seconds=30)
"""When a writeback that waits for its slot or for a list is looked at again, should no wake come."""


@dataclass
class Choice:
    """Chooses the next request of a leased lane and writes it down as `sending`."""

    flow: FlowContext
    changes: Changes
    lane_id: str
    lease: Lease
    account: Account
    school: School
    lookups: LookupView
    hold: HoldState
    unsettled: Sequence[Unsettled]
    """What is on its way in the lane."""
    queued: Sequence[WritebackRow]
    """What waits in it, in the order in which it is looked at, `MOST_QUEUED` at most; locked."""
    sent_since: Sequence[WritebackRow]
    """What was accepted after the first of these and has been sent at least in part."""
    failed: Mapping[str, BreakerRow]
    """The breakers that have failures."""
    had_failures: bool = False
    sent: Sent = field(default_factory=Sent)
    """What was accepted since the first that waits and has been sent; and all that may be later than what says when it
    was seen."""

    @property
    def session(self) -> Session:
        return self.changes.session

    @property
    def now(self) -> datetime:
        return self.changes.now

    @property
    def _after_restore(self) -> AfterRestore:
        return AfterRestore(self.hold.epoch, self.changes, self.account, self.lane_id, self.lease.fence)

    @property
    def provider(self) -> Provider:
        return self.flow.providers[self.account.provider]

    def make(self) -> Turn | None:
        """Return what goes now; None when nothing does."""
        held_for = self.hold.reason or self.lease.hold_reason
        if held_for is not None:
            self._hold(self.queued, held_for)
            return None
        if self.hold.epoch is not None and self.hold.epoch.is_suspected:
            return None
        opened = self._open(self.queued)
        while opened:
            chosen = self._plan(opened)
            if not chosen.chosen:
                return None
            if self._after_restore.put_in_doubt(chosen.chosen, opened):
                self.unsettled = requests.unsettled_in_lanes(self.session, [self.lane_id])[self.lane_id]
                continue
            if self._revalidation().drop_invalid(chosen.chosen, opened):
                continue
            request_id = new_id("req", self.now)
            try:
                request = self._build(chosen.chosen, opened, request_id)
            except CannotBuild as error:
                self._fail(chosen.chosen, error.findings, opened)
            except ListsMissing as error:
                opened = self._wait_for_lists(chosen.chosen, opened, error)
            else:
                # Asked last: whoever is let through to try a provider that failed has something to try it with.
                return None if self._is_shut() else self._write_down(chosen, opened, request_id, request)
        return None

    def _is_shut(self) -> bool:
        """Whether a breaker lets nothing through; the lane is left alone until it does."""
        breakers = Breakers(self.flow, self.session, self.now)
        until, self.had_failures = breakers.shut_until(keys_of(self.account), self.failed)
        if until is not None:
            lanes.leave_alone(self.session, self.lane_id, until)
        return until is not None

    def _open(self, rows: Sequence[WritebackRow]) -> dict[str, OpenWriteback]:
        """Open what may go: twice what a request can take is enough, however much waits."""
        opened: dict[str, OpenWriteback] = {}
        records = 0
        for row in rows:
            if row.expires_at is not None and row.expires_at <= self.now:
                expire(self.changes, row)
                continue
            if self.school.former_ids_until is not None:
                self._wait(row, LISTS_MISSING)  # until those that have former ids have been carried over
                continue
            opened[row.id] = OpenWriteback(row)
            records += len(opened[row.id].records)
            if records >= max(_ENOUGH, 2 * self._limits_of(row.kind).max_records):
                break
        return opened

    def _hold(self, rows: Iterable[WritebackRow], reason: str) -> None:
        for row in rows:
            row.hold_reason = reason
            self.changes.event(row, Event.HELD, detail=reason)

    def _plan(self, opened: Mapping[str, OpenWriteback]) -> Plan:
        waiting = [record for one in opened.values() for record in self._waiting_in(one, is_due=self._is_due(one.row))]
        if not waiting:
            return Plan()
        self.sent = self._sent(waiting)
        made = plan(
            [*waiting, *self._ahead_of(opened)],
            busy={slot for request in self.unsettled for slot in request.slots},
            newest=self.sent.latest,
            limits_of=self._limits_of,
        )
        self._supersede([(one, later) for one, later in made.superseded if one.writeback_id in opened], opened)
        self._wait_for_slots([record for record in made.blocked if record.writeback_id in opened], opened)
        return made

    def _ahead_of(self, opened: Mapping[str, OpenWriteback]) -> list[Waiting]:
        """Return writebacks accepted before some of the opened ones but sent later: slots of the opened may wait for
        them."""
        kinds = _IN_ORDER.get(self.lane_id.rpartition(":")[2], ())
        last = max((one.row.seq or 0 for one in opened.values() if one.row.kind in kinds), default=0)
        if not last:
            return []
        rows = writebacks.queued_before(self.session, self.lane_id, last, kinds)
        left = [OpenWriteback(row) for row in rows if row.id not in opened]
        records = (record for one in left for record in self._waiting_in(one, is_due=False))
        return [replace(record, is_due=False) for record in records]

    def _waiting_in(self, one: OpenWriteback, *, is_due: bool) -> list[Waiting]:
        return waiting_records(one, is_due=is_due, lookups=self.lookups, heeds_seen_at=self._heeds_seen_at)

    @property
    def _heeds_seen_at(self) -> bool:
        return self.school.late_registers is LateRegisters.LEAVE

    def _limits_of(self, kind: str) -> Limits:
        return self.provider.limits(KINDS[kind])

    def _revalidation(self) -> Revalidation:
        full_within = timedelta(seconds=self.flow.settings.lookups.miss_full_again_after_s)
        return Revalidation(self.changes, self.school, self.lookups, full_within)

    def _is_due(self, row: WritebackRow) -> bool:
        return row.next_attempt_at is None or row.next_attempt_at <= self.now

    def _sent(self, waiting: Sequence[Waiting]) -> Sent:
        sent = sent_for(self.session, self.lane_id, waiting, self.now)
        for row in self.sent_since:
            for slot, mark in marks_of(OpenWriteback(row), ONCE_SENT, heeds_seen_at=self._heeds_seen_at):
                keep_latest(sent.latest, slot, mark)
        return sent

    def _supersede(self, superseded: Sequence[tuple[Waiting, Accepted]], opened: Mapping[str, OpenWriteback]) -> None:
        for record, later in superseded:
            progress = opened[record.writeback_id].progress
            moved = progress[record.index].moved(RecordStatus.SUPERSEDED)
            if later.seq < record.seq:
                moved = moved.with_findings([later_stands(record, later, self.school)])
            elif later.app_id != record.app_id:
                moved = moved.with_findings([another_apps_mark_stands(record, later, self.school)])
            progress[record.index] = moved
        for writeback_id in {record.writeback_id for record, _ in superseded}:
            self.changes.settle(opened[writeback_id], detail="a later mark for the same slot took its place")

    def _wait_for_slots(self, blocked: Sequence[Waiting], opened: Mapping[str, OpenWriteback]) -> None:
        for writeback_id in {record.writeback_id for record in blocked}:
            row = opened[writeback_id].row
            if self._is_due(row):  # a later retry keeps its time
                self._wait(row, SLOT_IN_FLIGHT)

    def _wait(self, row: WritebackRow, reason: str) -> None:
        row.hold_reason, row.next_attempt_at = reason, self.now + _PATIENCE
        self.session.add(row)

    def _wait_for_lists(
        self, chosen: Sequence[Waiting], opened: Mapping[str, OpenWriteback], error: ListsMissing
    ) -> dict[str, OpenWriteback]:
        """Let what needs a list that was never fetched wait until it has been; return the others."""
        waiting = {record.writeback_id for record in chosen}
        for writeback_id in waiting:
            self._wait(opened[writeback_id].row, LISTS_MISSING)
        if not error.lists <= set(self.school.facts.get("lists_not_available", ())):
            holds.schedule_sync(self.session, self.account.school_id, self.now)
        lists, of = sorted(one.value for one in error.lists), keys_of(self.account)[0]
        outage_logs.of_provider("lists_missing", "ListsMissing", of=of, lane=self.lane_id, lists=lists)
        return {writeback_id: one for writeback_id, one in opened.items() if writeback_id not in waiting}

    def _build(
        self, chosen: Sequence[Waiting], opened: Mapping[str, OpenWriteback], request_id: str
    ) -> ProviderRequest:
        return build(
            self.provider,
            KINDS[chosen[0].kind],
            [opened[member.writeback_id].record(member.index) for member in chosen],
            self.lookups,
            of={"lane": self.lane_id, "writeback_ids": list(dict.fromkeys(one.writeback_id for one in chosen))},
            account=self.account,
            callback_url=callback_url(self.flow, self.account, request_id),
        )

    def _fail(
        self,
        chosen: Sequence[Waiting],
        findings: Mapping[int, Sequence[Finding]],
        opened: Mapping[str, OpenWriteback],
    ) -> None:
        """Fail the records that cannot be put into a request."""
        of_each: defaultdict[str, dict[int, Sequence[Finding]]] = defaultdict(dict)
        for position, said in findings.items():
            member = chosen[position]
            of_each[member.writeback_id][member.index] = placed(said, member.index)
        for writeback_id, named in of_each.items():
            fail_waiting(self.changes, opened[writeback_id], named, detail="cannot be put into a request")

    def _write_down(
        self, chosen: Plan, opened: Mapping[str, OpenWriteback], request_id: str, request: ProviderRequest
    ) -> Turn:
        """Write request, attempt and the records' new status, before anything goes out."""
        members = chosen.chosen
        indexes: defaultdict[str, list[int]] = defaultdict(list)
        for member in members:
            indexes[member.writeback_id].append(member.index)
        attempts = 0
        if not self._heeds_seen_at:
            self._say_what_is_late(members, opened)
        for writeback_id, chosen_of in indexes.items():
            row = opened[writeback_id].row
            move_alike(opened[writeback_id].progress, chosen_of, RecordStatus.SENDING)
            row.attempts += 1
            row.next_attempt_at = row.hold_reason = None
            attempts = max(attempts, row.attempts)
            self.changes.settle(opened[writeback_id], detail=request_id)
        requests.add(
            self.session,
            id=request_id,
            lane_id=self.lane_id,
            school_id=self.account.school_id,
            provider=self.account.provider,
            kind=members[0].kind,
            fence=self.lease.fence,
            members=members_json((member.writeback_id, member.index) for member in members),
            slots=[member.slot for member in members if member.slot is not None],
            created_at=self.now,
        )
        records = [opened[member.writeback_id].record(member.index) for member in members]
        kind = KINDS[members[0].kind]
        seen_before = self._seen_before(kind, members, records)
        return Turn(
            self.lane_id,
            self.lease.fence,
            request_id,
            self.account,
            self.provider,
            request,
            kind,
            records,
            to_look_at=[
                place for place, record in enumerate(records) if place in seen_before or self._must_look(kind, record)
            ],
            seen_before=seen_before,
            office_marks=self.school.office_marks,
            begun_at=self.now,
            rechecks=self.hold.rechecks,
            lane_rechecks=self.lease.rechecks,
            had_failures=self.had_failures,
            attempt=attempts,
            writeback_ids=list(indexes),
            traces=[trace for one in indexes if (trace := opened[one].row.traceparent) is not None],
        )

    def _seen_before(self, kind: Kind, members: Sequence[Waiting], records: Sequence[Record]) -> dict[int, SeenBefore]:
        """Return those in whose slots something may have been entered since they were seen."""
        found: dict[int, SeenBefore] = {}
        for place, (member, record) in enumerate(zip(members, records, strict=True)):
            if member.seen_at is None or member.is_conditional or not self._is_late(member.seen_at):
                continue
            if not self.provider.writes_only_if_blank(kind, record, self.lookups):
                ours = self.sent.ours(member, self.lookups)
                found[place] = SeenBefore(self.school.clock(member.seen_at), ours)
        return found

    def _is_late(self, seen: datetime) -> bool:
        return self.now - seen > timedelta(seconds=self.flow.settings.dispatch.late_register_s)

    def _say_what_is_late(self, members: Sequence[Waiting], opened: Mapping[str, OpenWriteback]) -> None:
        """Say once of each late mark that it goes over whatever was entered since."""
        for member in members:
            one = opened[member.writeback_id]
            seen, entry = seen_at(one.record(member.index), member.accepted_at), one.progress[member.index]
            if seen is not None and self._is_late(seen) and not one.row.attempts:
                one.progress[member.index] = entry.with_findings([sent_though_late(member.index, seen, self.school)])

    def _must_look(self, kind: Kind, record: Record) -> bool:
        """Whether the MIS is read before a record is written: where it may be written only over nothing, and the
        provider does not check that itself, and where the school has a say in what becomes of the office's marks."""
        asks = bool(field_of(record, "only_if_blank"))
        if self.school.office_marks is not OfficeMarks.OVERWRITE:
            asks = asks or asks_school(record)
        return asks and not self.provider.writes_only_if_blank(kind, record, self.lookups)
