"""`/v1/usage`: what the key's own app called, and what came of it."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query

from writeback.api.front.auth import Reader, Svc
from writeback.api.front.errors_doc import errors
from writeback.api.front.paging import LARGEST, Parameters
from writeback.domain.submission.instants import Instant
from writeback_client.models.usage import Usage

router = APIRouter(tags=["usage"])


class UsageQuery(Parameters):
    """Of which time."""

    since: Instant | None = None
    """From the hour of this instant on, at most 30 days ago; without it the last 24 hours."""
    by: Literal["hour", "day"] = "hour"
    """How long the periods are into which calls are counted."""


@router.get("/v1/usage", responses=errors(400, 401, 403))
async def show_usage(caller: Reader, services: Svc, query: Annotated[UsageQuery, Query()]) -> Usage:
    """Show the app's developers what it called, what was refused and why, and what came of the rest.

    Of the key's own app alone, whatever the key's scopes. A key that is limited to some schools or kinds sees
    writebacks and webhooks of those; calls are counted for the app.
    """
    webhooks = (await services.webhooks.list(caller, limit=LARGEST)).items
    own = [one.id for one in webhooks if one.app == caller.app_id]
    return await services.usages.of(caller, query.since, query.by, own)
