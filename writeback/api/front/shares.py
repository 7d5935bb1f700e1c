"""What one app may hold of this process: calls under way, the bytes of their bodies, files, and reads of the database.

Each call takes its part when its key is known and gives it back when it has been answered, so one app that opens
thousands, or sends bodies that never end, finds its own limit and delays no other. Streams of events have a limit of
their own (`flow/projections/feed.py`). A submission costs some microseconds.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from starlette.types import Scope

from writeback.api.batches.uploads import is_upload
from writeback.api.front import trace
from writeback.api.front.body import header
from writeback.core.errors import TooManyAtOnce
from writeback.core.settings import Settings
from writeback.flow.batches.uploads import too_many_files

_RETRY_AFTER_S = 1
_WITHOUT_BODY = frozenset({"GET", "HEAD", "DELETE", "OPTIONS"})


@dataclass(slots=True)
class _Held:
    """What an app holds now."""

    reading: asyncio.Semaphore
    """Its turns at reading: whoever waits for one waits behind calls of the same app alone."""
    calls: int = 0
    bytes: int = 0
    files: int = 0


@dataclass(slots=True)
class Part:
    """What one call holds. `give_back` once."""

    shares: "AppShares" = field(repr=False)
    app: str
    bytes: int
    files: int

    def give_back(self) -> None:
        self.shares.give_back(self)


class AppShares:
    """What every app holds, by its id: an entry for each that has called, of which there are few."""

    def __init__(self, settings: Settings) -> None:
        self._limits, self._most_files = settings.api, settings.batches.max_under_way_per_app
        self._held: dict[str, _Held] = {}

    def take(self, scope: Scope) -> None:
        """Take a call's part, kept in its trace; raise TooManyAtOnce where the app holds as much as it may."""
        call = trace.of(scope)
        if call.caller is None or call.part is not None or scope["path"].endswith("/events"):
            return
        app = call.caller.app_id
        held = self._held.get(app)
        if held is None:
            held = self._held[app] = _Held(asyncio.Semaphore(self._limits.reads_at_once_per_app))
        part = self._part(scope, app)
        self._check(held, part)
        held.calls += 1
        held.bytes += part.bytes
        held.files += part.files
        call.part = part

    def give_back(self, part: Part) -> None:
        held = self._held[part.app]
        held.calls -= 1
        held.bytes -= part.bytes
        held.files -= part.files

    @asynccontextmanager
    async def reading(self, scope: Scope) -> AsyncIterator[None]:
        """Wait for the app's turn at reading, where the call reads."""
        part = trace.of(scope).part
        if part is None or scope["method"] != "GET":
            yield
            return
        async with self._held[part.app].reading:
            yield

    def _part(self, scope: Scope, app: str) -> Part:
        """Return what the call will hold. A file is kept in pieces; a body whose length nobody says is a long one."""
        if scope["method"] in _WITHOUT_BODY:
            return Part(self, app, 0, 0)
        if is_upload(scope["method"], scope["path"]):
            return Part(self, app, 0, 1)
        length = header(scope["headers"], b"content-length")
        if length is not None and length.isdigit():
            return Part(self, app, min(int(length), self._limits.max_body_bytes), 0)
        is_chunked = header(scope["headers"], b"transfer-encoding") is not None
        return Part(self, app, self._limits.max_body_bytes if is_chunked else 0, 0)

    def _check(self, held: _Held, part: Part) -> None:
        limits = self._limits
        if part.files and held.files >= self._most_files:
            raise too_many_files(self._most_files)
        if held.calls >= limits.max_calls_per_app:
            raise TooManyAtOnce(
                "calls_too_many",
                f"{limits.max_calls_per_app} calls of the app are under way, which is the most",
                retry_after_s=_RETRY_AFTER_S,
                hint="Wait for answers before you send more.",
            )
        if part.bytes and held.bytes and held.bytes + part.bytes > limits.max_bytes_per_app:
            raise TooManyAtOnce(
                "bytes_too_many",
                f"bodies of the app that are under way would have more than {limits.max_bytes_per_app} bytes",
                retry_after_s=_RETRY_AFTER_S,
                hint="Send fewer large bodies at once, and each with its Content-Length.",
            )
