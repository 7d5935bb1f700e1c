"""Events of writebacks as chunks of a stream of server-sent events."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from pydantic_core import to_json

from writeback.domain.mode import Mode
from writeback.store.writebacks.event_log import LoggedEvent


def as_text(event: LoggedEvent) -> bytes:
    """Return the event as it goes out: its id for Last-Event-ID, and JSON as `schemas/event.json` says."""
    data = {
        "id": event.id,
        "writeback_id": event.writeback_id,
        "app": event.app,
        "school": event.school,
        "mode": Mode.of(event.school),
        "kind": event.kind,
        "ref": event.ref,
        "at": event.at,
        "actor": event.actor,
        "event": event.event,
        "status": event.status,
        "detail": event.detail,
    }
    return b"id: %d\ndata: %b\n\n" % (event.id, to_json(data))


async def chunks_of(events: AsyncGenerator[LoggedEvent | None, None]) -> AsyncGenerator[bytes | None, None]:
    """Yield each event as it goes out; None stays None."""
    async with aclosing(events):
        async for event in events:
            yield None if event is None else as_text(event)
