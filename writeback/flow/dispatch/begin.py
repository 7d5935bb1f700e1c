"""The first transaction of a turn, of many lanes at once: their leases, what waits in them, and what goes now.

What the lanes need is read in as many statements as for one; `claim.py` then chooses for each.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import NamedTuple

from sqlmodel import Session

from writeback.core import failpoints
from writeback.domain.lookups import LookupView
from writeback.domain.school import Account, School
from writeback.flow.dispatch.claim import MOST_QUEUED, Choice
from writeback.flow.engine.breakers import Breakers, keys_of
from writeback.flow.engine.context import FlowContext
from writeback.flow.engine.recovery import recover_abandoned
from writeback.flow.engine.status_changes import Changes
from writeback.flow.engine.turn import Turn
from writeback.store.sql.write_out import write_out
from writeback.store.writebacks import holds, lanes, requests, writebacks
from writeback.store.writebacks.lanes import Lease


class LaneOf(NamedTuple):
    """The school of a lane, as this process knows it."""

    account: Account
    school: School
    lookups: LookupView


@dataclass(frozen=True)
class Begin:
    """Begins turns; `owner` names this worker in leases."""

    flow: FlowContext
    owner: str

    async def turns(self, lane_ids: Sequence[str]) -> list[Turn]:
        """Take the leases of lanes, choose what goes in each, and commit it as `sending`."""
        known = {lane_id: await self._lane_of(lane_id) for lane_id in lane_ids}
        return await self.flow.db.transact(partial(self._begin, known))

    async def _lane_of(self, lane_id: str) -> LaneOf:
        school_id, registry = lane_id.rsplit(":", 1)[0], self.flow.registry
        lookups = await self.flow.lookups.view(school_id)
        return LaneOf(await registry.account(school_id), await registry.school(school_id), lookups)

    def _begin(self, known: Mapping[str, LaneOf], session: Session) -> list[Turn]:
        now = self.flow.clock.now()  # in the transaction: what was accepted while we waited for it came before
        until = now + timedelta(seconds=self.flow.settings.dispatch.lease_s)
        leases = lanes.acquire(session, known, owner=self.owner, now=now, until=until)
        if not leases:
            return []
        choices = self._choices(session, {lane_id: known[lane_id] for lane_id in leases}, leases, now)
        turns = [turn for choice in choices if (turn := choice.make()) is not None]
        if turns:
            requests.start_attempts(session, {turn.request_id: turn.attempt for turn in turns}, now)
        write_out(session)
        idle = leases.keys() - {turn.lane_id for turn in turns}
        if idle:
            lanes.release(session, [(lane_id, leases[lane_id].fence) for lane_id in idle])
        failpoints.hit("dispatch.begin_uncommitted")
        return turns

    def _choices(
        self, session: Session, known: Mapping[str, LaneOf], leases: Mapping[str, Lease], now: datetime
    ) -> Collection[Choice]:
        accounts = {lane_id: lane.account for lane_id, lane in known.items()}
        held = holds.holds_of(session, {account.school_id for account in accounts.values()})
        unsettled = requests.unsettled_in_lanes(session, leases)
        changes = Changes(session, now, "worker")
        recovered = [  # before what waits is locked: requests come before writebacks
            recover_abandoned(self.flow, changes, unsettled[lane_id], lease.fence)
            for lane_id, lease in sorted(leases.items())
        ]
        if any(recovered):
            unsettled = requests.unsettled_in_lanes(session, leases)
        queued = writebacks.queued_in_lanes(session, leases, now, MOST_QUEUED)
        first = {lane_id: min(row.seq or 0 for row in rows) for lane_id, rows in queued.items() if rows}
        sent_since = writebacks.sent_after(session, first) if first else {}
        failed = Breakers(self.flow, session, now).that_failed(
            {key for account in accounts.values() for key in keys_of(account)}
        )
        return [
            Choice(
                self.flow,
                changes,
                lane_id,
                lease,
                *known[lane_id],
                hold=held[accounts[lane_id].school_id],
                unsettled=unsettled[lane_id],
                queued=queued[lane_id],
                sent_since=sent_since.get(lane_id, ()),
                failed=failed,
            )
            for lane_id, lease in sorted(leases.items())
        ]
