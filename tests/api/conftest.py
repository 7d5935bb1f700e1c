"""The API over its own ASGI app: real SQL, keys, registry and reads; fakes of accept, sync, holds and hooks."""

import json
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import httpx
import pytest

from writeback.api.app import create_app
from writeback.core.clock import FakeClock
from writeback.core.errors import NotFound
from writeback.core.meters import Meters
from writeback.core.secrets import SecretBox
from writeback.core.settings import ApiSettings, Settings
from writeback.domain.access import Caller, Scope
from writeback.domain.actor import Actor
from writeback.domain.lookups import ListName
from writeback.domain.school import HoldReason
from writeback.flow.batches.batches import Batches
from writeback.flow.batches.mappings import SavedMappings
from writeback.flow.batches.reviews import Reviews
from writeback.flow.correct.corrections import Corrections, create_corrections
from writeback.flow.data_subjects.data_subjects import DataSubjects
from writeback.flow.directory.asking import PeopleAsked
from writeback.flow.directory.find import PeopleFinder
from writeback.flow.engine.context import FlowContext
from writeback.flow.engine.hook_urls import account_hooks
from writeback.flow.filling.word_lists import WordLists
from writeback.flow.metrics.reading import FigureReader, SharedFigures
from writeback.flow.people.keys import Keys
from writeback.flow.projections.feed import EventFeed
from writeback.flow.projections.usage import Usages
from writeback.flow.projections.usage_counter import UsageCounter
from writeback.flow.registry.entries import NewSchool, Registry
from writeback.flow.registry.features import Features
from writeback.flow.schools.cached_lists import lookup_cache
from writeback.flow.schools.removals_held_back import Removals
from writeback.flow.schools.school_years import SchoolYears
from writeback.flow.schools.sync import Syncer
from writeback.flow.schools.unknown_id_refresh import ListRefresher
from writeback.flow.upkeep.readiness import Look
from writeback.flow.upkeep.restores import EpochView
from writeback.flow.upkeep.retention import Retention
from writeback.flow.webhooks.endpoints import Webhooks
from writeback.providers.base import ListingState
from writeback.queue.port import RecordingWaker
from writeback.store.reads.writebacks_read import Reads
from writeback.store.sql.database import Database
from writeback_client.models.access import Hook
from writeback_client.models.schools import ListedSchool, Synced, SyncedList

HOOK_TOKEN = "hillside~let-me-in"


@dataclass(frozen=True)
class FakeAnswer:
    status: int = 202
    body: bytes = b'{"id":"wb_1","status":"queued"}'
    writeback_id: str | None = "wb_1"
    replayed: bool = False


@dataclass
class FakeAccept:
    """Answers what it is told to, and remembers what it was asked."""

    answer: FakeAnswer = FakeAnswer()
    error: Exception | None = None
    asked: list[dict[str, Any]] = field(default_factory=list)

    async def submit(
        self, caller: Caller, school_id: str, body: bytes, *, dry_run: bool, idempotency_key: str | None
    ) -> FakeAnswer:
        self.asked.append(
            {"caller": caller, "school": school_id, "body": body, "dry_run": dry_run, "key": idempotency_key}
        )
        if self.error is not None:
            raise self.error
        return self.answer


@dataclass
class FakeSync:
    registry: Registry
    asked: list[tuple[str, bool, frozenset[ListName]]] = field(default_factory=list)

    async def sync_school(
        self, school_id: str, *, actor: Actor, full: bool = False, lists: Collection[ListName] = ()
    ) -> Synced:
        self.asked.append((actor.name, full, frozenset(lists)))
        account = await self.registry.account(school_id)
        at = datetime(2026, 1, 12, 9, 0, tzinfo=UTC)
        students = SyncedList(list=ListName.STUDENTS, rows=3, changed=True, fetched_at=at)
        return Synced(school=account.school_id, lists=[students], report={"is_online": True})


@dataclass
class FakeDiscovery:
    """Lists what it is told to, and remembers what it was asked."""

    listed: Sequence[ListedSchool] = ()
    error: Exception | None = None
    asked: list[tuple[str, str]] = field(default_factory=list)

    async def schools(self, provider: str, state: ListingState) -> Sequence[ListedSchool]:
        self.asked.append((provider, state))
        if self.error is not None:
            raise self.error
        return self.listed


@dataclass
class FakeHolds:
    registry: Registry
    calls: list[tuple[Any, ...]] = field(default_factory=list)

    async def hold(
        self, school_id: str, reason: HoldReason, detail: str, actor: Actor, *, until: datetime | None = None
    ) -> None:
        await self.registry.school(school_id)
        self.calls.append(("hold", school_id, reason, detail, actor, *([until] if until is not None else [])))

    async def resume(self, school_id: str, actor: Actor) -> None:
        await self.registry.school(school_id)
        self.calls.append(("resume", school_id, actor))


@dataclass
class FakeHooks:
    received: list[tuple[str, Mapping[str, str], bytes]] = field(default_factory=list)

    async def check(self, provider: str, token: str) -> None:
        if token != HOOK_TOKEN:
            raise NotFound("hook_unknown", "there is no such hook")

    async def receive(self, provider: str, token: str, query: Mapping[str, str], body: bytes) -> None:
        await self.check(provider, token)
        self.received.append((provider, query, body))

    @property
    def addresses(self) -> "FakeHooks":
        return self

    async def account_hooks(self) -> Sequence[Hook]:
        return account_hooks(Settings(public_url="https://writeback.example"), SecretBox("test"), {})


@dataclass
class FakeReadiness:
    answers: dict[str, str] = field(default_factory=lambda: {"database": "ok", "redis": "ok"})
    epoch: EpochView | None = None

    async def look(self) -> Look:
        return Look(self.answers, self.epoch)

    async def standing(self) -> EpochView | None:
        return self.epoch


@dataclass
class FakeCommitter:
    is_alive: bool = True


@dataclass
class FakeServices:
    settings: Settings
    clock: FakeClock
    keys: Keys
    registry: Registry
    reads: Reads
    sync: FakeSync
    holds: FakeHolds
    removals: Removals
    features: Features
    words: WordLists
    years: SchoolYears
    webhooks: Webhooks
    feed: EventFeed
    corrections: Corrections
    data_subjects: DataSubjects
    people: PeopleAsked
    batches: Any
    reviews: Any
    mappings: Any
    usage: UsageCounter
    usages: Usages
    accept: FakeAccept = field(default_factory=FakeAccept)
    committer: FakeCommitter = field(default_factory=FakeCommitter)
    hooks: FakeHooks = field(default_factory=FakeHooks)
    discovery: FakeDiscovery = field(default_factory=FakeDiscovery)
    readiness: FakeReadiness = field(default_factory=FakeReadiness)

    meters: Meters = field(default_factory=Meters)

    def __post_init__(self) -> None:
        reader = FigureReader(
            self.reads.db, self.clock, self.settings, self.removals, cast(Any, self.restores), self.retention
        )
        self.figures = SharedFigures(reader)

    @property
    def restores(self) -> FakeReadiness:
        return self.readiness

    @property
    def retention(self) -> Retention:
        return Retention(self.reads.db, self.clock, self.settings)


@dataclass
class Api:
    """The API under test: `call` with a key of some scopes and schools."""

    services: FakeServices
    http: httpx.AsyncClient
    database: Database

    async def key(self, *scopes: str, app: str = "Registers", schools: list[str] | None = None) -> str:
        made = await self.services.keys.create(app, "", [Scope(scope) for scope in scopes], schools)
        return made.key

    async def call(self, method: str, path: str, key: str | None = None, **options: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        return await self.http.request(method, path, headers={**headers, **options.pop("headers", {})}, **options)

    async def add_school(self, school_id: str = "hillside", **changes: Any) -> None:
        entry = {
            "id": school_id,
            "name": school_id.title(),
            "provider": "wonde",
            "mis": "Bromcom",
            "provider_school_id": f"A-{school_id}",
            "credentials": {"token": "very-secret"},
        }
        await self.services.registry.add(NewSchool(**{**entry, **changes}))


@pytest.fixture
async def database(sqlite_url: str) -> AsyncIterator[Database]:
    """SQLite alone: what differs between databases is tested with `any_database`."""
    db = Database.open(sqlite_url)
    yield db
    await db.dispose()


@pytest.fixture
async def any_database(database_url: str) -> AsyncIterator[Database]:
    """The test runs on SQLite, then on PostgreSQL."""
    db = Database.open(database_url)
    yield db
    await db.dispose()


@pytest.fixture
def services(database: Database, fake_clock: FakeClock, tmp_path: Path) -> FakeServices:
    settings = Settings(api=ApiSettings(max_body_bytes=1_000, max_hook_bytes=1_000), data_dir=tmp_path)
    subjects = DataSubjects.of(settings, database, fake_clock, SecretBox("test"))
    registry = Registry(
        database,
        SecretBox("test"),
        fake_clock,
        known_providers=("wonde", "xporter"),
        hook_url=lambda provider, school_id, _: f"https://writeback.example/hooks/{provider}/{school_id}~token",
        provider_urls={"wonde": "https://api.wonde.com/v1.0", "xporter": "https://xporter.groupcall.com"},
    )
    flow = FlowContext(
        db=database,
        clock=fake_clock,
        settings=settings,
        registry=registry,
        lookups=lookup_cache(database, fake_clock),
        providers={},
        waker=RecordingWaker(),
        secrets=SecretBox("test"),
    )
    return FakeServices(
        settings=settings,
        clock=fake_clock,
        keys=Keys(database, fake_clock, cache_s=settings.api.key_cache_s),
        registry=registry,
        reads=Reads(database),
        sync=FakeSync(registry),
        holds=FakeHolds(registry),
        removals=Removals(database, fake_clock),
        features=Features(registry, lookup_cache(database, fake_clock)),
        words=WordLists(flow),
        years=SchoolYears(registry, lookup_cache(database, fake_clock)),
        webhooks=Webhooks(flow),
        feed=EventFeed(database, settings.events),
        corrections=create_corrections(flow, ListRefresher(flow, Syncer(flow))),
        people=PeopleAsked(flow, PeopleFinder(flow)),
        batches=Batches(flow),
        reviews=Reviews(flow, ListRefresher(flow, Syncer(flow)), PeopleFinder(flow)),
        mappings=SavedMappings(flow),
        usage=UsageCounter(database, fake_clock),
        usages=Usages(database, fake_clock, Reads(database)),
        data_subjects=replace(subjects, leaving=replace(subjects.leaving, until_noticed_s=0.0)),
    )


@pytest.fixture
async def api(services: FakeServices, database: Database) -> AsyncIterator[Api]:
    transport = httpx.ASGITransport(create_app(services))
    async with httpx.AsyncClient(transport=transport, base_url="http://writeback.example") as http:
        yield Api(services, http, database)
    await services.feed.aclose()
    await services.keys.aclose()
    await services.usage.aclose()


_documents: list[bytes] = []


@pytest.fixture
async def document(api: Api) -> dict[str, Any]:
    """What the API says of itself; made once, each test has a copy."""
    if not _documents:
        _documents.append((await api.call("GET", "/openapi.json")).content)
    found: dict[str, Any] = json.loads(_documents[0])
    return found


@pytest.fixture
def is_problem() -> Any:
    """Check that an answer is a problem of a status and a code, whole, and return it."""

    def check(response: httpx.Response, status: int, code: str) -> dict[str, Any]:
        assert response.status_code == status, response.text
        assert response.headers["content-type"] == "application/problem+json"
        problem: dict[str, Any] = response.json()
        assert problem["code"] == code, problem
        assert problem["status"] == status
        assert problem["type"] == f"/problems/{code}"
        assert problem["instance"] == response.request.url.path
        assert problem["title"]
        assert problem["detail"]
        return problem

    return check
