"""The functions that arq runs: each takes one id and calls one step of the flow. Thin on purpose.

None lets an exception out: arq does not retry those, and SQL already says what is due. What went wrong is logged, and
the sweeper rings again.
"""

from collections.abc import Awaitable, Callable
from typing import Any

import structlog

from writeback.core.failures import class_of, place_of
from writeback.wiring import WorkerServices

log = structlog.get_logger()


async def _run(ctx: dict[str, Any], job: str, subject: str) -> None:
    services: WorkerServices = ctx["services"]
    steps: dict[str, Callable[[str], Awaitable[object]]] = {
        "serve_lane": services.dispatcher.serve,
        "confirm_lane": services.confirmer.confirm,
        "recheck_school": services.holds.recheck,
        "sync_school": services.syncer.sync_school,
    }
    try:
        await steps[job](subject)
    except Exception as error:
        # No traceback: exception texts may quote a pupil's record.
        log.error("job_failed", job=job, subject=subject, error=class_of(error), place=place_of(error))


async def serve_lane(ctx: dict[str, Any], lane_id: str) -> None:
    """Send one request of a lane."""
    await _run(ctx, "serve_lane", lane_id)


async def confirm_lane(ctx: dict[str, Any], lane_id: str) -> None:
    """Ask about the requests of a lane that are due."""
    await _run(ctx, "confirm_lane", lane_id)


async def recheck_school(ctx: dict[str, Any], school_id: str) -> None:
    """Ask whether a held school can go on."""
    await _run(ctx, "recheck_school", school_id)


async def sync_school(ctx: dict[str, Any], school_id: str) -> None:
    """Sync a school's lookups."""
    await _run(ctx, "sync_school", school_id)


FUNCTIONS = (serve_lane, confirm_lane, recheck_school, sync_school)
