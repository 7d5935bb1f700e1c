"""The functions that arq runs: each calls a step of the flow, for one id or for the lanes that wait. Thin on purpose.

None lets an exception out: arq does not retry those, and SQL already says what is due. What went wrong is logged, and
the sweeper wakes it again.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, Protocol, TypeVar

from writeback.core import failpoints, outage_logs
from writeback.flow.engine.breakers import keys_of
from writeback.flow.engine.bulkhead import Bulkhead, job_place
from writeback.flow.engine.turn import Answered
from writeback.queue.arq_wakes import take_waiting
from writeback.wiring import WorkerServices

_LANES_A_JOB = 50
"""Lanes that one job takes: they begin in one transaction. More are another job's, perhaps another worker's."""


async def serve_lanes(ctx: dict[str, Any], _: str) -> None:
    """Send one request of each lane that waits for that."""
    services: WorkerServices = ctx["services"]
    await _run_lanes(ctx, "serve_lane", services.dispatcher.begin, services.dispatcher.carry_on)


async def confirm_lanes(ctx: dict[str, Any], _: str) -> None:
    """Ask about the requests that are due of each lane that waits for that, and of those that come within a moment.

    Nobody waits for a confirmation as for a register; and where one job waits already, it takes these lanes as well.
    """
    services: WorkerServices = ctx["services"]
    gathering: set[str] = ctx["gathering"]
    if "confirm_lane" in gathering:
        return
    gathering.add("confirm_lane")
    try:
        await asyncio.sleep(services.settings.dispatch.gather_s)
    finally:
        gathering.discard("confirm_lane")
    await _run_lanes(ctx, "confirm_lane", services.confirmer.claim, services.confirmer.carry_on)


class _OfLane(Protocol):
    """What a first step has taken of one lane."""

    @property
    def lane_id(self) -> str: ...


Taken = TypeVar("Taken", bound=_OfLane)


async def _run_lanes(
    ctx: dict[str, Any],
    job: str,
    begin: Callable[[Sequence[str]], Awaitable[Sequence[Taken]]],
    carry_on: Callable[[Taken, Answered], Awaitable[None]],
) -> None:
    """Run both steps for the lanes that wait: the first for all together, the second for each by itself."""
    services: WorkerServices = ctx["services"]
    places: dict[str, str] = {}

    async def leave(lane_id: str) -> None:
        if (name := places.pop(lane_id, None)) is not None:
            await _leave(services, services.bulkhead, name)

    async def finish(taken: Taken) -> None:
        try:
            await carry_on(taken, partial(leave, taken.lane_id))
        except Exception as error:
            outage_logs.error("job_failed", error, job=job, subject=taken.lane_id)
        finally:
            await leave(taken.lane_id)

    async def both() -> None:
        taken = await begin(list(places)) if places else ()
        for lane_id in places.keys() - {one.lane_id for one in taken}:
            await leave(lane_id)
        await asyncio.gather(*(finish(one) for one in taken))

    try:
        waiting = await take_waiting(ctx["redis"], job, _LANES_A_JOB + 1)
        if len(waiting) > _LANES_A_JOB:
            await services.flow.waker.wake(job, [waiting.pop()])
        for lane_id in waiting:
            if (name := await _enter(services, job, lane_id)) is not None:
                places[lane_id] = name
        await _take_step(both)
    except Exception as error:
        # No traceback: exception texts may quote a pupil's record.
        outage_logs.error("job_failed", error, job=job, subject=f"{len(places)} lanes")
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
        outage_logs.error("job_failed", error, job=job, subject=lane_id)
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
        outage_logs.error("job_failed", error, job=job, subject=school_id)


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
