"""Follow writebacks by asking again and again, until they are final or patience ends."""

import time
from collections.abc import Iterator
from typing import Any, Protocol

from writeback.core.clock import Clock, SystemClock

FINAL = frozenset({"confirmed", "partial", "failed", "superseded", "cancelled", "expired"})
"""As in the API's vocabulary: nothing happens any more unless a person does something."""


class Source(Protocol):
    """What a follower needs of the API."""

    def get(self, path: str, **params: Any) -> Any: ...


def changes(
    api: Source, writeback_id: str, *, patience_s: float, every_s: float = 0.3, clock: Clock | None = None
) -> Iterator[dict[str, Any]]:
    """Yield the writeback now and whenever its status or counts change; stop when it is final or patience ends."""
    clock = clock or SystemClock()
    deadline = clock.monotonic() + patience_s
    last: tuple[Any, ...] | None = None
    while True:
        writeback = api.get(f"/v1/writebacks/{writeback_id}")
        look = (writeback["status"], writeback.get("counts"), writeback.get("hold_reason"), writeback.get("attempts"))
        if look != last:
            yield writeback
            last = look
        if writeback["status"] in FINAL or clock.monotonic() >= deadline:
            return
        time.sleep(every_s)
