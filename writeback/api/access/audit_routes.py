"""`/v1/audit`: who did what, to which writeback or school, and why."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from writeback.api.front.auth import Supporter, Svc, check_school
from writeback.api.front.errors_doc import errors
from writeback.api.front.paging import Paging
from writeback.domain.submission.instants import Instant
from writeback.store.people.audit import AuditFilter
from writeback_client.models.access import AuditEntry
from writeback_client.models.base import Page

router = APIRouter(tags=["audit"])

_Text = Annotated[str, Field(min_length=1, max_length=200)]


class AuditQuery(Paging):
    """Filters; all that are given must hold."""

    school: str | None = None
    app: str | None = None
    """The app that it is about."""
    actor: _Text | None = None
    """Whole, or how it begins: `staff:ann`, `app:registers`."""
    action: _Text | None = None
    """Whole, or how it begins: `writeback.cancel`, `writeback.`, `school.`."""
    subject: _Text | None = None
    """Id of a writeback, school, key, webhook, batch or bulk job."""
    bulk: _Text | None = None
    """Id of a bulk job, or of a call by filter: what it did to each writeback, and what it could not do."""
    since: Instant | None = None
    """At or after this instant."""
    until: Instant | None = None
    """Before this instant."""


@router.get("/v1/audit", responses=errors(400, 401, 403))
async def list_audit(caller: Supporter, services: Svc, query: Annotated[AuditQuery, Query()]) -> Page[AuditEntry]:
    """List what people did, the latest first: at the key's schools; with the scope admin and all schools everything."""
    if query.school is not None:
        check_school(caller, query.school)
    wanted = AuditFilter(**query.model_dump(exclude={"limit", "cursor"}))
    return await services.corrections.audit.list(caller, wanted, limit=query.limit, cursor=query.cursor)
