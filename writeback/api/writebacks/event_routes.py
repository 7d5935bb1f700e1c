"""`/v1/events` and `/v1/writebacks/{id}/events`: changes as they happen, as server-sent events."""

from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request
from pydantic import AfterValidator, BeforeValidator
from starlette.responses import Response

from writeback.api.front.auth import Reader, Svc, authenticate, check_school
from writeback.api.front.errors_doc import READING, errors
from writeback.api.front.event_stream import chunks_of
from writeback.api.front.paging import Parameters, split
from writeback.api.writebacks.routes import known_kind
from writeback.core.errors import BadInput, Forbidden, Unauthenticated
from writeback.core.event_stream import MEDIA_TYPE, EventStream, kept_alive
from writeback.domain.access import Caller, check_kind
from writeback.domain.states import Status
from writeback.domain.submission.instants import Instant
from writeback.store.writebacks.event_log import EventFilter
from writeback.wiring import Services

router = APIRouter(tags=["events"])

_LONGEST_ID = 18
_STREAMED: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Server-sent events: `id` is for Last-Event-ID, `data` JSON as schemas/event.json says.",
        "content": {MEDIA_TYPE: {}},
    },
    **errors(503),
}


class StreamQuery(Parameters):
    """Which events of a stream."""

    since: Instant | None = None
    """Begin with what happened at or after this instant; a Last-Event-ID goes before it."""
    follow: bool = True
    """False: end after what has happened so far."""


class EventQuery(StreamQuery):
    """Filters; all that are given must hold."""

    school: str | None = None
    kind: Annotated[list[Annotated[str, AfterValidator(known_kind)]], BeforeValidator(split)] = []
    """One or several, repeated or separated by commas."""
    status: Annotated[list[Status], BeforeValidator(split)] = []
    """One or several, repeated or separated by commas."""
    app: str | None = None
    """Of use to keys that see every app."""


LastEventId = Annotated[
    str | None, Header(alias="Last-Event-ID", description="The `id` of the last event that you have had.")
]


@router.get(
    "/v1/events", responses={**errors(400, 401, 403), **_STREAMED}, response_class=Response, response_model=None
)
async def follow_events(
    request: Request,
    caller: Reader,
    services: Svc,
    query: Annotated[EventQuery, Query()],
    last_event_id: LastEventId = None,
) -> EventStream:
    """Follow what happens to writebacks, from now on or from where you left off.

    A key sees its own app's; one with the scope support or admin sees every app's; one limited to some schools, or to
    some kinds, sees those.
    """
    if query.school is not None:
        check_school(caller, query.school)
    for kind in query.kind:
        check_kind(caller, kind)
    wanted = EventFilter(
        app=_app(caller, query.app),
        schools=caller.schools if query.school is None else frozenset({query.school}),
        mode=caller.mode,
        kinds=frozenset(query.kind) or caller.kinds,
        statuses=frozenset(query.status),
        since=query.since,
    )
    start = await services.feed.start_of(last_id=_number(last_event_id), since=query.since)
    if start is None and not query.follow:
        raise BadInput("parameter_invalid", "follow=false without since", hint="Say since when, or follow.")
    return _stream(request, services, caller, wanted, start, follow=query.follow)


@router.get(
    "/v1/writebacks/{writeback}/events",
    responses={**READING, **_STREAMED},
    response_class=Response,
    response_model=None,
)
async def follow_writeback(
    request: Request,
    caller: Reader,
    services: Svc,
    writeback: str,
    query: Annotated[StreamQuery, Query()],
    last_event_id: LastEventId = None,
) -> EventStream:
    """Follow one writeback, from its first event on."""
    await services.reads.show(caller, writeback)
    wanted = EventFilter(writeback_id=writeback, since=query.since)
    start = await services.feed.start_of(last_id=_number(last_event_id), since=query.since, whole=True)
    return _stream(request, services, caller, wanted, start, follow=query.follow)


def _stream(
    request: Request, services: Services, caller: Caller, wanted: EventFilter, start: int | None, *, follow: bool
) -> EventStream:
    async def still_allowed() -> bool:
        try:
            return await authenticate(request.scope, services.keys) == caller
        except Unauthenticated:
            return False

    feed, settings = services.feed, services.settings.events
    events = feed.follow(wanted, start, to_end=follow)
    chunks = kept_alive(chunks_of(events), services.clock, still_allowed, every_s=settings.heartbeat_s)
    return EventStream(chunks, feed.place(caller.app_id), stalled_after_s=settings.stalled_after_s)


def _app(caller: Caller, app: str | None) -> str | None:
    if app is not None and caller.sees_app not in (None, app):
        raise Forbidden(
            "app_not_allowed",
            f"this key is not one of the app {app[:64]!r}",
            hint="Leave app out: it is the key's own.",
        )
    return app or caller.sees_app


def _number(last_event_id: str | None) -> int | None:
    if not last_event_id:
        return None
    if not (last_event_id.isascii() and last_event_id.isdigit() and len(last_event_id) <= _LONGEST_ID):
        raise BadInput(
            "last_event_id_invalid",
            f"Last-Event-ID is {last_event_id[:64]!r}: it is no id of an event",
            hint="Send the id of the last event that you have had, or leave it out.",
        )
    return int(last_event_id)
