"""What the API needs, by name. `wiring` builds it; tests put fakes in the places of accept, sync, holds and hooks."""

from collections.abc import Mapping
from typing import Any, Protocol

from writeback.core.clock import Clock
from writeback.core.settings import Settings
from writeback.domain.access import Caller
from writeback.domain.school import HoldReason
from writeback.flow.keys import Keys
from writeback.flow.registry import Registry
from writeback.store.reads import Reads


class SubmitAnswer(Protocol):
    """What a submission is answered with; `body` is JSON and goes out as it is."""

    @property
    def status(self) -> int: ...

    @property
    def body(self) -> bytes: ...

    @property
    def writeback_id(self) -> str | None: ...

    @property
    def replayed(self) -> bool: ...


class Accept(Protocol):
    async def submit(
        self, caller: Caller, school_id: str, body: bytes, *, dry_run: bool, idempotency_key: str | None
    ) -> SubmitAnswer: ...


class SyncReport(Protocol):
    def as_json(self) -> dict[str, Any]: ...


class Sync(Protocol):
    async def sync_school(self, school_id: str) -> SyncReport: ...


class Holds(Protocol):
    async def hold(self, school_id: str, reason: HoldReason, detail: str, actor: str) -> None: ...

    async def resume(self, school_id: str, actor: str) -> None: ...


class Hooks(Protocol):
    async def receive(self, provider: str, token: str, query: Mapping[str, str], body: bytes) -> None: ...


class Readiness(Protocol):
    async def readiness(self) -> dict[str, str]:
        """Return `ok`, or what is wrong, for each part."""
        ...


class Services(Protocol):
    """Everything behind the API."""

    @property
    def settings(self) -> Settings: ...

    @property
    def clock(self) -> Clock: ...

    @property
    def accept(self) -> Accept: ...

    @property
    def keys(self) -> Keys: ...

    @property
    def registry(self) -> Registry: ...

    @property
    def reads(self) -> Reads: ...

    @property
    def sync(self) -> Sync: ...

    @property
    def holds(self) -> Holds: ...

    @property
    def hooks(self) -> Hooks: ...

    @property
    def readiness(self) -> Readiness: ...
