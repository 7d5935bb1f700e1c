"""`/console/rings`: tells pages that are open that something has happened, so that they ask for what is live in them.

It says nothing of what happened: what may be seen is for the page that asks.
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from starlette.responses import Response

from writeback.console.page import Page, Pages
from writeback.console.security import auth
from writeback.core.event_stream import EventStream, kept_alive
from writeback.store.writebacks.event_log import EventFilter

pages = Pages()

_PAUSE_S = 1.0
"""Between rings, however much happens."""
_RING = b"data: changed\n\n"


@pages.get("/rings")
async def follow(page: Page) -> Response:
    """Ring when something happens to a writeback: of one school, or to one, where the query says so."""
    school = page.query("school")
    if school:
        page.require_school(school)
    wanted = EventFilter(
        schools=frozenset({school}) if school else page.person.schools, writeback_id=page.query("writeback") or None
    )
    feed, settings = page.services.feed, page.services.settings.events
    chunks = _chunks(feed.rings(wanted, pause_s=_PAUSE_S))
    kept = kept_alive(chunks, page.services.clock, lambda: _still_allowed(page), every_s=settings.heartbeat_s)
    return EventStream(kept, feed.place(page.person.id), stalled_after_s=settings.stalled_after_s)


async def _chunks(rings: AsyncGenerator[bool, None]) -> AsyncGenerator[bytes | None, None]:
    async with aclosing(rings):
        async for is_rung in rings:
            yield _RING if is_rung else None


async def _still_allowed(page: Page) -> bool:
    return await auth.signed_in(page.kit, page.request) == page.signed_in
