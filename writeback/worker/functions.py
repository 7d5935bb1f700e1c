"""The functions that arq runs: each takes one id and calls one step of the flow. Thin on purpose.

None lets an exception out: arq does not retry those, and SQL already says what is due. What went wrong is logged, and
the sweeper wakes it again.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from writeback.core import failpoints, outage_logs
from writeback.flow.engine.breakers import keys_of
from writeback.flow.engine.bulkhead import job_place
from writeback.queue.arq_wakes import SCHOOL_QUEUE, queue_of
from writeback.wiring import WorkerServices


async def _run(ctx: dict[str, Any], job: str, subject: str) -> None:
    services: WorkerServices = ctx["services"]
    steps: dict[str, Callable[[str], Awaitable[object]]] = {
        "serve_lane": services.dispatcher.serve,
        "confirm_lane": services.confirmer.confirm,
        "recheck_school": services.watch.recheck_due,
        "sync_school": lambda school_id: services.pace.run(services.syncer.sync_due(school_id)),
    }
    try:
        async with _place_for(services, job, subject) as has_place:
            if has_place:
                if failpoints.hit("job.before_step"):
                    await asyncio.gather(steps[job](subject), steps[job](subject))
                await steps[job](subject)
    except Exception as error:
        # No traceback: exception texts may quote a pupil's record.
        outage_logs.error("job_failed", error, job=job, subject=subject)


@asynccontextmanager
async def _place_for(services: WorkerServices, job: str, subject: str) -> AsyncIterator[bool]:
    """Hold one of the places that the school's provider may have; yield whether there was one.

    A job that is turned away is woken again when another gives its place back.
    """
    account = await services.flow.registry.account(subject.rsplit(":", 1)[0])
    places, name = services.bulkhead, keys_of(account)[0]
    if queue_of(job) == SCHOOL_QUEUE:
        places, name = services.school_places, job_place(job, name)
    if not places.enter(name, (job, subject)):
        yield False
        return
    try:
        yield True
    finally:
        following = places.leave(name)
        if following is not None:
            await services.flow.waker.wake(following[0], [following[1]])


async def serve_lane(ctx: dict[str, Any], lane_id: str) -> None:
    """Send one request of a lane."""
    await _run(ctx, "serve_lane", lane_id)


async def confirm_lane(ctx: dict[str, Any], lane_id: str) -> None:
    """Ask about the requests of a lane that are due."""
    await _run(ctx, "confirm_lane", lane_id)


async def recheck_school(ctx: dict[str, Any], school_id: str) -> None:
    """Ask how a school stands: whether a held one can be resumed, whether a webhook is true."""
    await _run(ctx, "recheck_school", school_id)


async def sync_school(ctx: dict[str, Any], school_id: str) -> None:
    """Sync a school's lookups."""
    await _run(ctx, "sync_school", school_id)


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


LANE_FUNCTIONS = (serve_lane, confirm_lane, notify, run_batch)
"""Those of arq's usual queue; `main` gives each of the others, which wait in a queue of their own, its own timeout."""
