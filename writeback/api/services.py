"""What the API needs, by name. `wiring` builds it; tests put fakes in the places of accept, sync, holds and hooks."""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from writeback.core.clock import Clock
from writeback.core.settings import Settings
from writeback.domain.access import Caller
from writeback.domain.actor import Actor
from writeback.domain.lookups import ListName
from writeback.domain.school import HoldReason
from writeback.flow.batches.batches import Batches
from writeback.flow.correct.corrections import Mendings
from writeback.flow.dropin.requests import Doors
from writeback.flow.engine.hook_urls import AccountHook
from writeback.flow.people.keys import Keys
from writeback.flow.projections.feed import EventFeed
from writeback.flow.registry.entries import Registry
from writeback.flow.registry.features import Features
from writeback.flow.schools.discovery import ListedSchool
from writeback.flow.schools.removals import Removals
from writeback.flow.schools.sync import SyncReport
from writeback.flow.upkeep.readiness import Look
from writeback.flow.upkeep.restores import EpochView
from writeback.flow.webhooks.endpoints import Webhooks
from writeback.providers.base import ListingState
from writeback.store.reads.reader import Reads


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


class Sync(Protocol):
    async def sync_school(
        self, school_id: str, *, actor: Actor, full: bool = False, lists: Collection[ListName] = ()
    ) -> SyncReport: ...


class Holds(Protocol):
    async def hold(self, school_id: str, reason: HoldReason, detail: str, actor: Actor) -> None: ...

    async def resume(self, school_id: str, actor: Actor) -> None: ...


class Hooks(Protocol):
    def check(self, provider: str, token: str) -> None: ...

    async def receive(self, provider: str, token: str, query: Mapping[str, str], body: bytes) -> None: ...

    def account_hooks(self) -> Sequence[AccountHook]: ...


class Discovery(Protocol):
    async def schools(self, provider: str, state: ListingState) -> Sequence[ListedSchool]: ...


class Readiness(Protocol):
    async def look(self) -> Look: ...


class Restores(Protocol):
    async def standing(self) -> EpochView | None: ...


class Committer(Protocol):
    @property
    def is_alive(self) -> bool:
        """Whether what is submitted gets an answer."""
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
    def committer(self) -> Committer: ...

    @property
    def doors(self) -> Doors: ...

    @property
    def keys(self) -> Keys: ...

    @property
    def registry(self) -> Registry: ...

    @property
    def reads(self) -> Reads: ...

    @property
    def removals(self) -> Removals: ...

    @property
    def sync(self) -> Sync: ...

    @property
    def holds(self) -> Holds: ...

    @property
    def mendings(self) -> Mendings: ...

    @property
    def hooks(self) -> Hooks: ...

    @property
    def discovery(self) -> Discovery: ...

    @property
    def webhooks(self) -> Webhooks: ...

    @property
    def batches(self) -> Batches: ...

    @property
    def feed(self) -> EventFeed: ...

    @property
    def features(self) -> Features: ...

    @property
    def readiness(self) -> Readiness: ...
    @property
    def restores(self) -> Restores: ...
