"""`/healthz`, `/readyz`, `/metrics`: what machines ask of the process. No key, no ids."""

from fastapi import APIRouter, Request
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.responses import JSONResponse, Response
from starlette.status import HTTP_503_SERVICE_UNAVAILABLE

from writeback.api.front.auth import Svc
from writeback.api.front.metrics import Metrics
from writeback.flow.metrics.exposition import registry_of
from writeback.flow.upkeep.readiness import standing
from writeback.flow.upkeep.restores import EpochView
from writeback_client.models.access import Live, Ready, Restore

router = APIRouter(tags=["health"])


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
    counted: Metrics = request.app.state.metrics
    await services.figures.refresh()
    shown = registry_of(services.meters, services.figures)
    return Response(generate_latest(shown) + generate_latest(counted.registry), media_type=CONTENT_TYPE_LATEST)
