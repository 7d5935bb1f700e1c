"""The functions that arq runs: each calls a step of the flow, for one id or for the lanes that wait. Thin on purpose.

None lets an exception out: arq does not retry those, and SQL already says what is due. What went wrong is logged, and
the sweeper wakes it again.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from functools import partial
from typing import Any, Protocol, TypeVar

from writeback.core import failpoints, outage_logs
from writeback.core.settings import Settings
from writeback.flow.engine.breakers import keys_of
from writeback.flow.engine.bulkhead import Bulkhead, job_place
from writeback.flow.engine.turn import Answered
from writeback.queue.shifts import LANES_A_TAKE, LONGEST_S, Shift
from writeback.wiring import WorkerServices

_TO_END_S = 10.0
"""What is left between the longest request of a shift and arq's timeout, for what stands around it."""
_TAKES_AT_ONCE = 16
"""Takes of lanes that one shift has under way; what comes meanwhile is another's, perhaps another worker's."""


async def serve_lanes(ctx: dict[str, Any], _: str) -> None:
    """Send one request of each lane that waits for that, and of those that come."""
    services: WorkerServices = ctx["services"]
    shift = _shift(ctx, "serve_lane")
    await _serve(services, "serve_lane", shift, services.dispatcher.begin, services.dispatcher.carry_on)


async def confirm_lanes(ctx: dict[str, Any], _: str) -> None:
    """Ask about the requests that are due of each lane that waits for that, and of those that come.

    Nobody waits for a confirmation as for a register: it waits a moment for others.
    """
    services: WorkerServices = ctx["services"]
    shift = _shift(ctx, "confirm_lane", gather_s=services.settings.dispatch.gather_s)
    await _serve(services, "confirm_lane", shift, services.confirmer.claim, services.confirmer.carry_on)


def _shift(ctx: dict[str, Any], job: str, gather_s: float = 0.0) -> Shift:
    """Return a shift after which there is time for the longest request, before arq ends the job for taking too long."""
    settings: Settings = ctx["services"].settings
    longest_s = settings.queue.job_timeout_s - settings.dispatch.request_timeout_s - _TO_END_S
    return Shift(ctx["redis"], job, ctx["ending"], longest_s=max(0.0, min(LONGEST_S, longest_s)), gather_s=gather_s)


class _OfLane(Protocol):
    """What a first step has taken of one lane."""

    @property
    def lane_id(self) -> str: ...


Taken = TypeVar("Taken", bound=_OfLane)


async def _serve(
    services: WorkerServices,
    job: str,
    shift: Shift,
    begin: Callable[[Sequence[str]], Awaitable[Sequence[Taken]]],
    carry_on: Callable[[Taken, Answered], Awaitable[None]],
) -> None:
    """Run both steps for what a shift takes, each take beside the others."""
    room = asyncio.Semaphore(_TAKES_AT_ONCE)

    async def run(lanes: Sequence[str]) -> None:
        async with room:
            await _run_lanes(services, job, lanes, begin, carry_on)

    try:
        async with asyncio.TaskGroup() as running, aclosing(shift.takes()) as takes:
            async for lanes in takes:
                if len(lanes) > LANES_A_TAKE:
                    await services.flow.waker.wake(job, [lanes.pop()])
                running.create_task(run(lanes))
                async with room:  # there is none while as many as may be are under way
                    pass
    except Exception as error:
        outage_logs.error("job_failed", error, job=job)


async def _run_lanes(
    services: WorkerServices,
    job: str,
    lanes: Sequence[str],
    begin: Callable[[Sequence[str]], Awaitable[Sequence[Taken]]],
    carry_on: Callable[[Taken, Answered], Awaitable[None]],
) -> None:
    """Run both steps for some lanes: the first for all together, the second for each by itself."""
    places: dict[str, str] = {}

    async def leave(lane_id: str) -> None:
        if (name := places.pop(lane_id, None)) is not None:
            await _leave(services, services.bulkhead, name)

    async def finish(taken: Taken) -> None:
        try:
            await carry_on(taken, partial(leave, taken.lane_id))
        except Exception as error:
            outage_logs.error("job_failed", error, job=job, lane=taken.lane_id)
        finally:
            await leave(taken.lane_id)

    async def both() -> None:
        taken = await begin(list(places)) if places else ()
        for lane_id in places.keys() - {one.lane_id for one in taken}:
            await leave(lane_id)
        await asyncio.gather(*(finish(one) for one in taken))

    try:
        for lane_id in lanes:
            if (name := await _enter(services, job, lane_id)) is not None:
                places[lane_id] = name
        await _take_step(both)
    except Exception as error:
        # No traceback: exception texts may quote a pupil's record.
        outage_logs.error("job_failed", error, job=job, lanes=len(places))
    finally:
        for lane_id in list(places):
            await leave(lane_id)


async def _enter(services: WorkerServices, job: str, lane_id: str) -> str | None:
    """Take one of the places that the provider of the lane may have, and return its name; None where there is none.

    A lane that is turned away is woken again when another gives its place back.
    """
    try:
        name = keys_of(await services.flow.registry.account(lane_id.rsplit(":", 1)[0]))[0]
    except Exception as error:
        outage_logs.error("job_failed", error, job=job, lane=lane_id)
        return None
    return name if services.bulkhead.enter(name, (job, lane_id)) else None


async def _take_step(step: Callable[[], Awaitable[object]]) -> None:
    if failpoints.hit("job.before_step"):
        await asyncio.gather(step(), step())
    await step()


async def _leave(services: WorkerServices, places: Bulkhead, name: str) -> None:
    following = places.leave(name)
    if following is not None:
        await services.flow.waker.wake(following[0], [following[1]])


async def _run_school(ctx: dict[str, Any], job: str, school_id: str) -> None:
    services: WorkerServices = ctx["services"]
    steps: dict[str, Callable[[str], Awaitable[object]]] = {
        "recheck_school": services.watch.recheck_due,
        "sync_school": lambda of: services.pace.run(services.syncer.sync_due(of)),
    }
    try:
        account = await services.flow.registry.account(school_id)
        name = job_place(job, keys_of(account)[0])
        if not services.school_places.enter(name, (job, school_id)):
            return
        try:
            await _take_step(partial(steps[job], school_id))
        finally:
            await _leave(services, services.school_places, name)
    except Exception as error:
        outage_logs.error("job_failed", error, job=job, school=school_id)


async def recheck_school(ctx: dict[str, Any], school_id: str) -> None:
    """Ask how a school stands: whether a held one can be resumed, whether a webhook is true."""
    await _run_school(ctx, "recheck_school", school_id)


async def sync_school(ctx: dict[str, Any], school_id: str) -> None:
    """Sync a school's lookups."""
    await _run_school(ctx, "sync_school", school_id)


async def notify(ctx: dict[str, Any], webhook_id: str) -> None:
    """Have a webhook's deliveries sent, beside arq's jobs: its receiver may take its time."""
    services: WorkerServices = ctx["services"]
    await services.notifier.wake(webhook_id)


async def run_batch(ctx: dict[str, Any], batch_id: str) -> None:
    """Have a file of many rows worked through, beside arq's jobs: it may take longer than one of these may."""
    services: WorkerServices = ctx["services"]
    await services.batches.wake(batch_id)


async def run_bulk(ctx: dict[str, Any], bulk_id: str) -> None:
    """Have a bulk job gone on with, beside arq's jobs: it may take longer than one of these may."""
    services: WorkerServices = ctx["services"]
    await services.bulks.wake(bulk_id)


LANE_FUNCTIONS = (serve_lanes, confirm_lanes, notify, run_batch)
"""Those of arq's usual queue; `main` gives each of the others, which wait in a queue of their own, its own timeout."""
