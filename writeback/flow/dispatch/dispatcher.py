"""Dispatch: serve lanes, each for one request. Choose in SQL, send without SQL, finish in SQL.

Of many lanes the first step is one transaction, and so is the last for those whose answers come at about the same time.

What if the process dies? Before the first commit: nothing has happened. After it: the request is `sending` under a
lease; when that runs out, the next turn finds it (`recovery.py`). After the provider has it and before the second
commit: the same, treated as an answer that never came.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cached_property, partial

import structlog

from writeback.core import failpoints, outage_logs, tracing
from writeback.core.background_tasks import end_tasks
from writeback.core.loggable_errors import class_of
from writeback.domain.outcome import Blocked, NotReached, Outcome, Uncertain
from writeback.flow.dispatch.begin import Begin
from writeback.flow.dispatch.finish import Finish, Finished
from writeback.flow.dispatch.only_if_blank import Precondition
from writeback.flow.engine.context import FlowContext
from writeback.flow.engine.gathering import Gathering
from writeback.flow.engine.provider_calls import provider_call
from writeback.flow.engine.turn import Answered, Turn, nobody_waits
from writeback.store.sql.engines import is_unavailable
from writeback.store.writebacks import lanes

log = structlog.get_logger()


@dataclass(frozen=True)
class Dispatcher:
    """Serves lanes; `owner` names this worker in leases."""

    flow: FlowContext
    owner: str

    async def serve(self, lane_id: str) -> None:
        """Send one request of the lane, if one is due, and wake again when more is due."""
        for turn in await self.begin([lane_id]):
            await self.carry_on(turn)

    async def begin(self, lane_ids: Sequence[str]) -> Sequence[Turn]:
        """Take the lanes in which something is due, and commit what is sent first of each.

        One request a turn: a lane with much to send goes to the back of the queue, so that no school starves. Where
        lanes cannot begin together, each begins by itself, and one that cannot is logged.
        """
        if failpoints.hit("dispatch.before_begin"):
            await self._begin.turns(lane_ids)
        try:
            turns = await self._begin.turns(lane_ids)
        except Exception as error:
            if len(lane_ids) == 1 or is_unavailable(error):
                raise
            turns = [turn for lane_id in lane_ids for turn in await self._begin_alone(lane_id)]
        failpoints.hit("dispatch.after_begin")
        return turns

    async def _begin_alone(self, lane_id: str) -> Sequence[Turn]:
        try:
            return await self._begin.turns([lane_id])
        except Exception as error:
            outage_logs.error("job_failed", error, job="serve_lane", lane=lane_id)
            return []

    async def carry_on(self, turn: Turn, answered: Answered = nobody_waits) -> None:
        """Send what a turn has begun with, record what came of it, and wake what that makes due."""
        with tracing.spans("dispatch", turn.traces, request_id=turn.request_id) as spans:
            if tracing.is_on():
                spans.note(lane=turn.lane_id, attempt=turn.attempt)
                turn = replace(turn, traces=spans.parents)
            async with self._heartbeat(turn):
                turn, outcome = await self._carry_out(turn)
            await answered()
            wakes: Sequence[str]
            if outcome is None:  # nothing had to be sent
                wakes = ["serve_lane"]
            elif isinstance(outcome, Blocked):
                (wakes,) = await Finish(self.flow).record([Finished(turn, outcome)])
            else:
                wakes = await self._finishing.add(Finished(turn, outcome))
        for job in wakes:
            await self.flow.waker.wake(job, [turn.lane_id])

    @cached_property
    def _begin(self) -> Begin:
        return Begin(self.flow, self.owner)

    @cached_property
    def _finishing(self) -> Gathering[Finished, Sequence[str]]:
        return Gathering(Finish(self.flow).record, 0)  # until then the lane sends nothing more

    async def _carry_out(self, turn: Turn) -> tuple[Turn, Outcome | None]:
        """Look first where a record asks for it, and send; return what was sent in the end, and what came of it."""
        if turn.to_look_at:
            looked = await self._look_first(turn)
            if not isinstance(looked, Turn):
                return turn, looked
            turn = looked
        return turn, await self._send(turn)

    async def _look_first(self, turn: Turn) -> Turn | Outcome | None:
        """Return what may be written; an adapter that fails here has sent nothing."""
        try:
            return await Precondition(self.flow).settle(turn)
        except Exception as error:
            outage_logs.error("look_failed", error, request_id=turn.request_id)
            return NotReached(f"the MIS could not be looked at: {class_of(error)}")

    async def _send(self, turn: Turn) -> Outcome:
        """Return the provider's answer; an adapter that fails leaves open whether the request went out."""
        if not await self._may_still_send(turn):
            log.warning("lease_lost", lane=turn.lane_id, request_id=turn.request_id)
            return NotReached("this worker was stopped for so long that another has the lane")
        try:
            failpoints.hit("dispatch.before_send")
            with provider_call(self.flow, turn.account.provider, "send", turn.request_id, turn.traces) as call:
                outcome = await turn.provider.send(turn.account, turn.request)
                call.ended(outcome)
            failpoints.hit("dispatch.after_send")
            return outcome
        except Exception as error:
            outage_logs.error("adapter_failed", error, request_id=turn.request_id)
            return Uncertain(f"our adapter failed: {class_of(error)}")

    async def _may_still_send(self, turn: Turn) -> bool:
        """Whether the lane is still ours; SQL is asked only after so long a time that it may not be.

        Else a process that was paused would send what another has long settled.
        """
        lease = timedelta(seconds=self.flow.settings.dispatch.lease_s)
        if turn.begun_at is None or self.flow.clock.now() - turn.begun_at < lease:
            return True
        return await self.flow.db.transact(partial(lanes.is_held, lane_id=turn.lane_id, fence=turn.fence))

    @asynccontextmanager
    async def _heartbeat(self, turn: Turn) -> AsyncIterator[None]:
        """Keep the lease while the request is under way."""
        beating = asyncio.create_task(self._beat(turn))
        try:
            yield
        finally:
            await end_tasks([beating])

    async def _beat(self, turn: Turn) -> None:
        dispatch = self.flow.settings.dispatch
        while True:
            await asyncio.sleep(dispatch.heartbeat_s)
            until = self.flow.clock.now() + timedelta(seconds=dispatch.lease_s)
            extend = partial(lanes.extend, lane_id=turn.lane_id, fence=turn.fence, until=until)
            try:
                failpoints.hit("dispatch.before_heartbeat")
                is_ours = await self.flow.db.transact(extend)
                failpoints.hit("dispatch.after_heartbeat")
            except Exception as error:
                outage_logs.warning("heartbeat_missed", error, request_id=turn.request_id)
                continue
            if not is_ours:
                log.warning("lease_lost", lane=turn.lane_id, request_id=turn.request_id)
                return
