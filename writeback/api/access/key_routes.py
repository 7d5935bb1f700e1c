"""`/v1/keys`: API keys of apps."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.status import HTTP_201_CREATED, HTTP_204_NO_CONTENT

from writeback.api.front.auth import Admin, Svc, check_may_make_keys
from writeback.api.front.errors_doc import ACTING, WRITING, error, errors
from writeback.api.front.paging import Paging
from writeback.api.schools.registry_models import KeyIn, RotateKeyIn
from writeback.domain.actor import actor_of
from writeback_client.models.access import Key, NewKey
from writeback_client.models.base import Page

router = APIRouter(tags=["keys"])


@router.post(
    "/v1/keys",
    status_code=HTTP_201_CREATED,
    responses=errors(400, 401, 403, 413, 415, 422),
)
async def create_key(caller: Admin, services: Svc, body: KeyIn) -> NewKey:
    """Make a key for an app. The key itself is in this answer and nowhere else."""
    check_may_make_keys(caller)
    return await services.keys.create(
        body.app,
        body.name,
        body.scopes,
        body.schools,
        kinds=body.kinds,
        mode=body.mode,
        actor=actor_of(caller),
    )


@router.get("/v1/keys", responses=errors(400, 401, 403))
async def list_keys(caller: Admin, services: Svc, query: Annotated[Paging, Query()]) -> Page[Key]:
    """List the keys, the newest first, revoked ones too."""
    check_may_make_keys(caller)
    return await services.keys.list(limit=query.limit, cursor=query.cursor)


@router.post(
    "/v1/keys/{key}/rotate",
    responses={**WRITING, 409: error(409, code="key_revoked", detail="key key_1 was revoked")},
)
async def rotate_key(caller: Admin, services: Svc, key: str, body: RotateKeyIn | None = None) -> NewKey:
    """Give a key a new secret: it is in this answer and nowhere else. The old one works beside it for a day."""
    check_may_make_keys(caller)
    overlap = timedelta(seconds=(body or RotateKeyIn()).overlap_s)
    return await services.keys.rotate(key, overlap=overlap, actor=actor_of(caller))


@router.delete("/v1/keys/{key}", status_code=HTTP_204_NO_CONTENT, responses=ACTING)
async def revoke_key(caller: Admin, services: Svc, key: str) -> None:
    """Revoke a key. It stops working at once here, and within seconds on other machines."""
    check_may_make_keys(caller)
    await services.keys.revoke(key, actor=actor_of(caller))
