"""Hooks: where providers call, and the addresses to register with them.

`/hooks/{provider}/{token}` takes no key: the token in the path is what lets them in.
"""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import JSONResponse, Response
from starlette.status import HTTP_202_ACCEPTED

from writeback.api.front.auth import Admin, Svc, check_all_schools
from writeback.api.front.body import Disconnected, check_length, read_body
from writeback.api.front.errors_doc import errors
from writeback.domain.access import Caller
from writeback_client.models.access import Hook
from writeback_client.models.base import Page

router = APIRouter(tags=["hooks"])


@router.post(
    "/hooks/{provider}/{token}",
    status_code=HTTP_202_ACCEPTED,
    responses={**errors(400, 404, 413, 503), HTTP_202_ACCEPTED: {"content": {"application/json": {"example": {}}}}},
    response_class=JSONResponse,
)
async def receive_hook(services: Svc, request: Request, provider: str, token: str) -> Response:
    """Take a webhook (Wonde 181) or callback (Xporter 14119). It is written down, and confirmed by asking."""
    await services.hooks.check(provider, token)  # nobody else's body is read
    limit = services.settings.api.max_hook_bytes
    check_length(request.scope["headers"], limit)
    try:
        body = await read_body(request.receive, limit)
    except Disconnected:
        return Response(status_code=400)
    await services.hooks.receive(provider, token, dict(request.query_params), body)
    return JSONResponse({}, HTTP_202_ACCEPTED)


def _of_all_schools(caller: Admin) -> Caller:
    check_all_schools(caller)
    return caller


AccountAdmin = Annotated[Caller, Depends(_of_all_schools)]
"""An admin whose key is not limited to some schools: what is asked is about our whole account with a provider."""


@router.get("/v1/hooks", responses=errors(400, 401, 403))
async def list_hooks(caller: AccountAdmin, services: Svc) -> Page[Hook]:
    """List the hooks of our accounts: one for all schools, to be registered with the provider once."""
    return Page(items=await services.hooks.addresses.account_hooks())
