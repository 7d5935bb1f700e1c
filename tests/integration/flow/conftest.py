"""The flow with real SQL, a provider that says what the test tells it to, and a clock that is moved by hand."""

import json
import random
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cache, partial
from typing import Any

import pytest
from sqlalchemy import Connection, Table, insert
from sqlmodel import SQLModel, select

from tests.secret_key import SECRET_KEY
from writeback.core.clock import FakeClock
from writeback.core.ids import new_id
from writeback.core.secrets import SecretBox
from writeback.core.settings import DispatchSettings, Settings
from writeback.domain.access import Caller, Scope
from writeback.domain.finding import Finding
from writeback.domain.lookups import ListName, Lookup
from writeback.domain.outcome import Blocked, Evidenced, Pending, ReadBack, Refused, Taken, Unclear
from writeback.domain.school import HoldReason
from writeback.domain.writeback import stored_progress
from writeback.flow.accept.accept import Acceptor
from writeback.flow.confirm.confirmer import Confirmer
from writeback.flow.confirm.provider_hooks import Hooks
from writeback.flow.correct.corrections import create_corrections
from writeback.flow.directory.asking import PeopleAsked
from writeback.flow.directory.find import PeopleFinder
from writeback.flow.dispatch.dispatcher import Dispatcher
from writeback.flow.engine.context import FlowContext
from writeback.flow.engine.holds import Holds
from writeback.flow.engine.hook_urls import hook_token, hook_url
from writeback.flow.registry.entries import NewSchool, Registry
from writeback.flow.schools.cached_lists import lookup_cache
from writeback.flow.schools.sync import Syncer
from writeback.flow.schools.unknown_id_refresh import ListRefresher
from writeback.flow.schools.waiting_schools import SchoolWatch
from writeback.flow.upkeep.retention import Retention
from writeback.flow.upkeep.sweeper import Sweeper
from writeback.providers.base import Hint, Limits, ListChange, ListsMissing, LookupFailed, ProviderRequest, SchoolReport
from writeback.queue.port import RecordingWaker
from writeback.store.schools import lists as lookups
from writeback.store.sql.database import Database
from writeback.store.tables import AttemptRow, AuditRow, CorrectionRow, EventRow, RequestRow, WritebackRow
from writeback.store.writebacks.committer import Committer

CALLER = Caller("key_1", "app", frozenset(Scope))
LANE = "hillside:session-marks"
TODAY = date(2026, 1, 12)


@dataclass
class ScriptedProvider:
    """Gives the outcomes that the test puts in; by default takes everything and waits for word."""

    name: str = "wonde"
    outcomes: list[Any] = field(default_factory=list)
    verdicts: list[Any] = field(default_factory=list)
    readings: list[Any] = field(default_factory=list)
    rows: dict[ListName, dict[str, Any]] = field(default_factory=dict)
    school: Any = field(default_factory=lambda: SchoolReport(is_online=True))
    max_records: int = 100
    one_date: bool = False
    sent: list[Sequence[dict[str, Any]]] = field(default_factory=list)
    fetched: list[ListName] = field(default_factory=list)
    before_answer: Callable[[], Any] | None = None
    missing: frozenset[ListName] = frozenset()
    no_lists: dict[ListName, Any] = field(default_factory=dict)
    cursors: dict[ListName, str | None] = field(default_factory=dict)
    refused_tokens: set[str] = field(default_factory=set)
    listed: Any = ()
    listed_with: list[str] = field(default_factory=list)

    sees_to_blanks: bool = False
    tries_for: timedelta = timedelta(0)

    def limits(self, kind):
        return Limits(self.max_records, self.one_date)

    def writes_only_if_blank(self, kind, record, lookups):
        return self.sees_to_blanks

    def keeps_trying(self):
        return self.tries_for

    def build(self, kind, records, lookups, *, account, callback_url):
        if self.missing:
            raise ListsMissing(self.missing)
        marks = [json.loads(record.model_dump_json(exclude_none=True)) for record in records]
        return ProviderRequest("POST", "/marks", {"marks": marks, "callback": callback_url})

    async def send(self, account, request):
        self.sent.append(request.body["marks"])
        if self.before_answer is not None:
            await self.before_answer()
        outcome = self.outcomes.pop(0) if self.outcomes else Taken(f"A{len(self.sent)}")
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    async def check(self, account, sent, now):
        verdict = self.verdicts.pop(0) if self.verdicts else Pending()
        if isinstance(verdict, Exception):
            raise verdict
        return verdict

    async def read_back(self, account, sent, lookups):
        return self.readings.pop(0) if self.readings else ReadBack({})

    def parse_hook(self, query, body):
        content = json.loads(body)
        return Hint(
            payload={name: value for name, value in content.items() if name != "school_token"},
            provider_ref=content.get("writeback_id"),
            event=content.get("payload_type", "writeback"),
            provider_school_id=content.get("school_id"),
            name=content.get("school_name"),
            credential=content.get("school_token"),
        )

    async def fetch(self, account, name, cursor, window):
        self.fetched.append(name)
        self.cursors[name] = cursor
        if name in self.no_lists:
            raise LookupFailed(name, self.no_lists[name], f"no {name.value} here")
        return ListChange(self.rows.get(name, {}), is_full=True, cursor="c1")

    async def report(self, account):
        if account.credentials.get("token") in self.refused_tokens:
            return SchoolReport(is_online=True, blocked=Blocked(HoldReason.TOKEN_REFUSED, "the token is refused"))
        return self.school

    async def schools(self, token, base_url, state):
        self.listed_with.append(token)
        return self.listed

    async def aclose(self):
        pass


@dataclass
class World:
    """Everything that a test of the flow touches."""

    flow: FlowContext
    clock: FakeClock
    provider: ScriptedProvider
    waker: RecordingWaker
    committer: Committer

    def __post_init__(self) -> None:
        self.syncer = Syncer(self.flow)
        self.refresher = ListRefresher(self.flow, self.syncer)
        self.people = PeopleAsked(self.flow, PeopleFinder(self.flow, self.refresher))
        self.acceptor = Acceptor(self.flow, self.committer, self.refresher, self.people)
        self.dispatcher = Dispatcher(self.flow, "worker-1")
        self.confirmer = Confirmer(self.flow)
        self.holds = Holds(self.flow)
        self.watch = SchoolWatch(self.flow, self.syncer)
        self.hooks = Hooks(self.flow)
        self.sweeper = Sweeper(self.flow)
        self.retention = Retention(self.flow.db, self.clock, self.flow.settings)
        self.corrections = create_corrections(self.flow, self.refresher)

    async def submit(self, *marks: dict[str, Any], caller: Caller = CALLER, **envelope: Any) -> str:
        """Submit session marks and return the writeback's id."""
        answer = await self.acceptor.submit(caller, "hillside", submission(*marks, **envelope))
        assert answer.status == 202
        assert answer.writeback_id is not None
        return answer.writeback_id

    async def forget(self) -> Mapping[str, int]:
        """Delete what is too old, and return how much of what."""
        run = await self.retention.run()
        assert run is not None
        return run.deleted

    async def serve(self) -> None:
        await self.dispatcher.serve(LANE)

    async def confirm(self, after_s: float = 3.0) -> None:
        self.clock.advance(timedelta(seconds=after_s))
        await self.confirmer.confirm(LANE)

    async def writeback(self, writeback_id: str) -> WritebackRow:
        async with self.flow.db.read() as session:
            return (await session.exec(select(WritebackRow).where(WritebackRow.id == writeback_id))).one()

    async def fail(self, *marks: dict[str, Any], bad: Sequence[int] = (0,), **envelope: Any) -> str:
        """Submit marks of which the provider refuses those at `bad`, and confirm the others."""
        writeback_id = await self.submit(*marks, **envelope)
        said = {place: [Finding("school_closed", "The school is closed.", "Choose another day.")] for place in bad}
        self.provider.outcomes.append(Refused("closed", said))
        await self.serve()
        if len(bad) < max(1, len(marks)):
            await self.serve()
            self.provider.verdicts.append(Evidenced("webhook"))
            await self.confirm()
        return writeback_id

    async def corrected(self, writeback_id: str) -> list[dict[str, Any]]:
        """Return what people did to the records, as it is kept."""
        async with self.flow.db.read() as session:
            query = select(CorrectionRow).where(CorrectionRow.writeback_id == writeback_id).order_by(CorrectionRow.id)
            return [{**vars(row), "records": json.loads(row.records)} for row in (await session.exec(query)).all()]

    async def audited(self) -> list[AuditRow]:
        async with self.flow.db.read() as session:
            return list((await session.exec(select(AuditRow).order_by(AuditRow.id))).all())

    async def status(self, writeback_id: str) -> str:
        return (await self.writeback(writeback_id)).status

    async def events(self, writeback_id: str) -> list[str]:
        async with self.flow.db.read() as session:
            query = select(EventRow.event).where(EventRow.writeback_id == writeback_id).order_by(EventRow.id)
            return list((await session.exec(query)).all())

    async def requests(self) -> Sequence[RequestRow]:
        async with self.flow.db.read() as session:
            return (await session.exec(select(RequestRow).order_by(RequestRow.created_at, RequestRow.id))).all()

    async def attempts(self) -> Sequence[AttemptRow]:
        async with self.flow.db.read() as session:
            return (await session.exec(select(AttemptRow).order_by(AttemptRow.id))).all()

    async def records(self, writeback_id: str) -> Sequence[Mapping[str, Any]]:
        """Return the progress of the records, as it is stored."""
        return [
            {name: value for name, value in entry.items() if name != "times"}
            for entry in stored_progress((await self.writeback(writeback_id)).progress)
        ]


def mark(student: str = "A1", **changes: Any) -> dict[str, Any]:
    """A session mark of a pupil."""
    return {"student_id": student, "date": str(TODAY), "session": "AM", "code": "/", "employee_id": "E1", **changes}


def submission(*marks: dict[str, Any], **envelope: Any) -> bytes:
    return json.dumps({"kind": "attendance.session", "records": list(marks) or [mark()], **envelope}).encode()


def lists(now: datetime) -> list[Lookup]:
    codes = {
        f"C{code}": {"id": f"C{code}", "code": code, "active": True, "type": "PRESENT"} for code in ("/", "N", "I")
    }
    return [
        Lookup(ListName.STUDENTS, 1, now, {f"A{n}": {"id": f"A{n}"} for n in range(1, 60)}),
        Lookup(ListName.EMPLOYEES, 1, now, {"E1": {"id": "E1"}}),
        Lookup(ListName.ATTENDANCE_CODES, 1, now, codes),
        Lookup(ListName.LESSONS, 1, now, {}),
    ]


@cache
def _settings() -> Settings:
    return Settings(secret_key=SECRET_KEY, dispatch=DispatchSettings(gather_s=0))


_HILLSIDE: dict[datetime, list[tuple[Table, list[dict[str, Any]]]]] = {}
"""The rows that Hillside consists of, by the instant at which it was added: as they were when it was added first."""


async def _add_hillside(registry: Registry, database: Database, now: datetime) -> None:
    """Add the school with its lists; all but the first time by its rows, which takes a tenth of the time."""
    if now in _HILLSIDE:
        await database.write_core(partial(_insert, _HILLSIDE[now]))
        return
    await registry.add(NewSchool("Hillside", "wonde", "Bromcom", "A1930499544", {"token": "t"}, id="hillside"))
    async with database.write() as session:
        for lookup in lists(now):
            await lookups.save(session, "hillside", lookup)
    _HILLSIDE[now] = await database.write_core(_rows_of_all)


def _rows_of_all(connection: Connection) -> list[tuple[Table, list[dict[str, Any]]]]:
    found = []
    for table in SQLModel.metadata.sorted_tables:
        counted = [column.name for column in table.primary_key if column.autoincrement is True]
        rows = [dict(row) for row in connection.execute(select(table)).mappings()]
        if rows and table.name not in _OF_EVERY_DATABASE:
            found.append((table, [{name: row[name] for name in row if name not in counted} for row in rows]))
    return found


_OF_EVERY_DATABASE = {"schema_compatibility", "epoch"}


def _insert(rows: Sequence[tuple[Table, list[dict[str, Any]]]], connection: Connection) -> None:
    for table, values in rows:
        connection.execute(insert(table), values)


@pytest.fixture
async def world(database: Database, fake_clock: FakeClock) -> AsyncIterator[World]:
    """A school called Hillside with its lists, on SQLite and then on PostgreSQL."""
    settings, secrets = _settings().model_copy(deep=True), SecretBox(SECRET_KEY)  # tests change them
    provider, waker = ScriptedProvider(), RecordingWaker()
    registry = Registry(
        database,
        secrets,
        fake_clock,
        known_providers=("wonde", "xporter"),
        hook_url=partial(hook_url, settings, secrets),
        provider_urls={"wonde": "", "xporter": ""},
        cache_s=0.0,
    )
    flow = FlowContext(
        db=database,
        clock=fake_clock,
        settings=settings,
        registry=registry,
        lookups=lookup_cache(database, fake_clock),
        providers={"wonde": provider},
        waker=waker,
        secrets=secrets,
        rng=random.Random(7),
    )
    for lookup in lists(fake_clock.now()):
        provider.rows[lookup.list] = dict(lookup.rows)
    await _add_hillside(registry, database, fake_clock.now())
    committer = Committer(database, fake_clock, max_waiting=100, on_commit=partial(waker.wake, "serve_lane"))
    await committer.start()
    made = World(flow, fake_clock, provider, waker, committer)
    yield made
    await made.refresher.aclose()
    await committer.aclose()


__all__ = [
    "CALLER",
    "LANE",
    "TODAY",
    "Evidenced",
    "ReadBack",
    "Unclear",
    "hook_token",
    "lists",
    "mark",
    "new_id",
    "submission",
]
