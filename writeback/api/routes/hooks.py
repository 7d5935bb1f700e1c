"""`/hooks/{provider}/{token}`: what providers call. No key: the token in the path is what lets them in."""

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response
from starlette.status import HTTP_202_ACCEPTED

from writeback.api.auth import Svc
from writeback.api.body import Disconnected, read_body
from writeback.api.errors_doc import errors

router = APIRouter(tags=["hooks"])


@router.post(
    "/hooks/{provider}/{token}",
    status_code=HTTP_202_ACCEPTED,
    responses={**errors(400, 404, 413), HTTP_202_ACCEPTED: {"content": {"application/json": {"example": {}}}}},
    response_class=JSONResponse,
)
async def receive_hook(services: Svc, request: Request, provider: str, token: str) -> Response:
    """Take a webhook (Wonde 181) or callback (Xporter 14119). It is written down, and confirmed by asking."""
    try:
        body = await read_body(request.receive, services.settings.api.max_body_bytes)
    except Disconnected:
        return Response(status_code=400)
    await services.hooks.receive(provider, token, dict(request.query_params), body)
    return JSONResponse({}, HTTP_202_ACCEPTED)
