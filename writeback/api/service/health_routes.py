"""`/healthz`, `/readyz`, `/metrics`: what machines ask of the process. No key, no ids."""

import asyncio

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response
from starlette.status import HTTP_503_SERVICE_UNAVAILABLE

from writeback.api.front.auth import Svc
from writeback.api.front.metrics import CONTENT_TYPE, Metrics
from writeback.core import outage_logs
from writeback.flow.upkeep.readiness import standing
from writeback.flow.upkeep.restores import EpochView
from writeback_client.models.access import Live, Ready, Restore

router = APIRouter(tags=["health"])
_PATIENCE_S = 2.0


def _restore(epoch: EpochView) -> Restore:
    return Restore(
        taken_at=epoch.taken_at,
        announced_at=epoch.began_at,
        compare_until=epoch.compare_until,
        waiting=epoch.waiting,
        being_looked_for=epoch.being_looked_for,
    )


@router.get("/healthz", responses={HTTP_503_SERVICE_UNAVAILABLE: {"model": Live, "description": "Stuck: restart it"}})
async def live(services: Svc) -> Live:
    """Answer while the process makes progress; 503 when only a restart helps, because nothing is committed any more."""
    if services.committer.is_alive:
        return Live()
    return JSONResponse(Live(status="stuck").model_dump(), HTTP_503_SERVICE_UNAVAILABLE)  # type: ignore[return-value]


@router.get(
    "/readyz",
    response_model_exclude_none=True,
    responses={HTTP_503_SERVICE_UNAVAILABLE: {"model": Ready, "description": "Takes nothing"}},
)
async def ready(services: Svc) -> Ready:
    """Say whether the process can take submissions now, and what is amiss; 503 only where it cannot."""
    checks, epoch = await services.readiness.look()
    answer = Ready(status=standing(checks), checks=checks, restore=_restore(epoch) if epoch else None)
    if answer.status != "not ready":
        return answer
    return JSONResponse(answer.model_dump(mode="json", exclude_none=True), HTTP_503_SERVICE_UNAVAILABLE)  # type: ignore[return-value]


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
async def metrics(request: Request, services: Svc) -> Response:
    """Show the numbers, for Prometheus; those that only the database knows as they last were, while it is down."""
    numbers: Metrics = request.app.state.metrics
    try:
        async with asyncio.timeout(_PATIENCE_S):
            numbers.lists_held_back.set(await services.removals.waiting())
            numbers.of_restore(await services.restores.standing())
            numbers.of_retention(await services.retention.state())
    except Exception as error:
        outage_logs.warning("metrics_not_read", error)
    return Response(numbers.exposed(), media_type=CONTENT_TYPE)
