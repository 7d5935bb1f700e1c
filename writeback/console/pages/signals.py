"""`/console/signals`: signals to open pages that something has happened, so that they fetch their live pieces.

The signal says nothing of what happened: the page that fetches decides what may be seen.
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
"""Between signals, however much happens."""
_SIGNAL = b"data: changed\n\n"


@pages.get("/signals")
async def follow(page: Page) -> Response:
    """Signal each change of a writeback: of one school, or of one writeback, where the query says so."""
    school = page.query("school")
    if school:
        page.require_school(school)
    wanted = EventFilter(
        schools=frozenset({school}) if school else page.person.schools, writeback_id=page.query("writeback") or None
    )
    feed, settings = page.services.feed, page.services.settings.events
    chunks = _chunks(feed.signals(wanted, pause_s=_PAUSE_S))
    kept = kept_alive(chunks, page.services.clock, lambda: _still_allowed(page), every_s=settings.heartbeat_s)
    return EventStream(kept, feed.place(page.person.id), stalled_after_s=settings.stalled_after_s)


async def _chunks(signals: AsyncGenerator[bool, None]) -> AsyncGenerator[bytes | None, None]:
    async with aclosing(signals):
        async for is_signalled in signals:
            yield _SIGNAL if is_signalled else None


async def _still_allowed(page: Page) -> bool:
    return await auth.signed_in(page.kit, page.request) == page.signed_in
