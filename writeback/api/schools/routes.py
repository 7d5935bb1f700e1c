"""`/v1/schools`: the registry, and what support staff do with a school."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from starlette.status import HTTP_201_CREATED

from writeback.api.front.auth import Admin, Reader, Supporter, Svc, check_school
from writeback.api.front.errors_doc import ACTING, READING, WRITING, errors
from writeback.api.front.paging import Paging
from writeback.api.schools.registry_models import HoldIn, RemovalsIn, ResumeIn, SchoolChange, SchoolIn, SyncQuery
from writeback.core.errors import Forbidden
from writeback.domain.access import Caller, Scope
from writeback.domain.actor import actor_of
from writeback.domain.lookups import ListName, Row
from writeback.domain.mode import Mode
from writeback.domain.school import HoldReason
from writeback.flow.registry.entries import NewSchool
from writeback.wiring import Services
from writeback_client.models.base import Page
from writeback_client.models.schools import School, Synced

router = APIRouter(tags=["schools"])


@router.get("/v1/schools", responses=errors(400, 401, 403))
async def list_schools(caller: Reader, services: Svc, query: Annotated[Paging, Query()]) -> Page[School]:
    """List the schools that the key may touch, by id."""
    page = await services.registry.list(only=caller.schools, mode=caller.mode, limit=query.limit, cursor=query.cursor)
    return Page(items=[_for(caller, school) for school in page.items], next_cursor=page.next_cursor)


@router.post(
    "/v1/schools",
    status_code=HTTP_201_CREATED,
    responses=errors(400, 401, 403, 409, 413, 415, 422),
)
async def add_school(caller: Admin, services: Svc, body: SchoolIn, response: Response) -> School:
    """Register a school. Its pupils, staff, codes and lessons are fetched at once, in the background.

    With `mode` test, or a test key, it is a test school: its requests go to the sandbox alone, for good.
    """
    new = NewSchool(**{**body.model_dump(), "mode": _mode_for(caller, body)})
    check_school(caller, new.draft().id)
    school = await services.registry.add(new, actor=actor_of(caller))
    response.headers["Location"] = f"/v1/schools/{school.id}"
    return school


@router.get("/v1/schools/{school}", responses=READING)
async def show_school(caller: Reader, services: Svc, school: str) -> School:
    """Show one school."""
    return _for(caller, await services.registry.get(school))


@router.patch("/v1/schools/{school}", responses={**WRITING, **errors(409)})
async def change_school(caller: Admin, services: Svc, school: str, body: SchoolChange) -> School:
    """Change what is given of a school, credentials as a whole.

    Credentials belong to the address that they were given for: where `base_url` changes to another scheme, host or
    port, they are sent again with it. A key that is limited to some schools leads one only to hosts that the settings
    name, and neither has our own account serve it nor names another school of that account.
    """
    changes = body.model_dump(exclude_unset=True)
    is_limited = caller.schools is not None
    return await services.registry.patch(school, changes, actor=actor_of(caller), is_limited=is_limited)


@router.post("/v1/schools/{school}/sync", responses=ACTING)
async def sync_school(caller: Supporter, services: Svc, school: str, query: Annotated[SyncQuery, Query()]) -> Synced:
    """Fetch the school's lists from its provider now, and say what came of it.

    Usually what has changed is fetched. `full=true` fetches everything, which also finds what the changes left out.
    """
    return await services.sync.sync_school(school, actor=actor_of(caller), full=query.full, lists=frozenset(query.list))


@router.post("/v1/schools/{school}/hold", responses=WRITING)
async def hold_school(caller: Supporter, services: Svc, school: str, body: HoldIn) -> School:
    """Hold a school: what is submitted is kept and waits, until then or until somebody resumes it."""
    actor = actor_of(caller, body.reason)
    await services.holds.hold(school, HoldReason.BY_STAFF, body.reason, actor, until=body.until)
    return await _changed(caller, services, school)


@router.post("/v1/schools/{school}/resume", responses=WRITING)
async def resume_school(caller: Supporter, services: Svc, school: str, body: ResumeIn | None = None) -> School:
    """Resume a held school; what waited is sent in its order. The reason, if any, goes into the audit log."""
    await services.holds.resume(school, actor_of(caller, body.reason if body is not None else ""))
    return await _changed(caller, services, school)


@router.get(
    "/v1/schools/{school}/lookups/{list}", responses=READING, response_model=Page[dict[str, Any]], tags=["lookups"]
)
async def show_lookup(
    caller: Reader, services: Svc, school: str, list: ListName, query: Annotated[Paging, Query()]
) -> Page[Row]:
    """List the rows of one cached list, by id: what submissions are checked against."""
    return await services.registry.lookup_rows(school, list, limit=query.limit, cursor=query.cursor)


@router.post(
    "/v1/schools/{school}/lookups/{list}/removals",
    responses={**WRITING, **errors(409)},
    tags=["lookups"],
)
async def decide_removals(caller: Supporter, services: Svc, school: str, list: ListName, body: RemovalsIn) -> School:
    """Say of what fell out of a list at once whether it is true: until then it stays in use.

    Where nothing waits, nothing is done.
    """
    actor = actor_of(caller, body.reason)
    await services.removals.decide(school, list, body.decision, count=body.count, actor=actor)
    return await _changed(caller, services, school)


def _mode_for(caller: Caller, body: SchoolIn) -> str | None:
    """Return the mode that a new school is to have. A test key makes test schools alone, a live one both."""
    if caller.mode is not Mode.TEST:
        return body.mode
    if body.mode == Mode.LIVE:
        raise Forbidden("key_is_test", "this is a test key: it registers test schools", hint="Leave `mode` out.")
    return Mode.TEST


async def _changed(caller: Caller, services: Services, school_id: str) -> School:
    services.registry.forget(school_id)
    return _for(caller, await services.registry.get(school_id))


def _for(caller: Caller, school: School) -> School:
    """Return what the caller may see: the hook's URL holds a token."""
    return school if caller.may(Scope.ADMIN) else school.model_copy(update={"hook_url": None})
