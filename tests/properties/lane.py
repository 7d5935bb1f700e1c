"""One lane of the real flow, over SQLite, with a model of a provider and MIS on its other side."""

import asyncio
import json
import random
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from sqlmodel import col, func, select

from tests.integration.flow.conftest import CALLER, World, hook_token, lists
from tests.properties.model_provider import Died, ModelProvider, Mood
from tests.secret_key import SECRET_KEY
from writeback.core.clock import FakeClock
from writeback.core.secrets import SecretBox
from writeback.core.settings import DispatchSettings, Settings
from writeback.domain.lookups import ListName, Lookup, attribute_key
from writeback.domain.states import FINAL, Status
from writeback.domain.writeback import RecordProgress, overall_status, unpack_progress
from writeback.flow.dispatch.dispatcher import Dispatcher
from writeback.flow.engine.context import FlowContext
from writeback.flow.engine.hook_urls import hook_url
from writeback.flow.registry.entries import NewSchool, Registry
from writeback.flow.schools.cached_lists import lookup_cache
from writeback.queue.port import RecordingWaker
from writeback.store.schools import lists as lookups
from writeback.store.sql.database import Database
from writeback.store.tables import AttemptRow, WritebackRow
from writeback.store.writebacks.committer import Committer

CODES = ("/", "N", "I", "L", "M", "O")
_TURNS = 400
_STEP_S = 31.0


class Lane:
    """Drives one lane. Everything happens in the loop of `runner`, at the model's clock."""

    def __init__(self, runner: asyncio.Runner, path: Path, lane_id: str) -> None:
        self._runner, self.lane_id = runner, lane_id
        self.clock = FakeClock()
        self.provider = ModelProvider(clock=self.clock)
        self.world = self.run(_open_world(path, self.provider, self.clock))
        self.accepted: list[str] = []
        self._owners = 0
        self._stalled: asyncio.Task[None] | None = None
        self._stalled_at: float | None = None

    def run(self, what: Any) -> Any:
        return self._runner.run(what)

    def submit(self, kind: str, records: Sequence[Mapping[str, Any]]) -> None:
        body = json.dumps({"kind": kind, "records": list(records)}).encode()
        answer = self.run(self.world.acceptor.submit(CALLER, "hillside", body))
        assert answer.status == 202
        self.accepted.append(answer.writeback_id)

    def serve(self, mood: Mood = Mood.TAKES) -> None:
        """Serve the lane once, by a worker of its own."""
        self.provider.mood = mood
        self.run(self._serve())

    async def _serve(self) -> None:
        self._owners += 1
        dispatcher = Dispatcher(self.world.flow, f"worker-{self._owners}")
        if self.provider.mood is not Mood.STALLS or self._stalled is not None:
            if self.provider.mood is Mood.STALLS:
                self.provider.mood = Mood.TAKES
            try:
                await dispatcher.serve(self.lane_id)
            except Died:
                return
            return
        self.provider.resume.clear()
        self.provider.stalled.clear()
        serving = asyncio.create_task(dispatcher.serve(self.lane_id))
        waiting = asyncio.create_task(self.provider.stalled.wait())
        await asyncio.wait({serving, waiting}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if serving.done():
            serving.result()
        else:
            self._stalled, self._stalled_at = serving, self.clock.monotonic()

    @property
    def has_stopped(self) -> bool:
        """Whether a worker stands still."""
        return self._stalled is not None

    def wake(self) -> None:
        """Let a worker that was stopped go on."""
        if self._stalled is not None:
            self.run(self._wake())

    async def _wake(self) -> None:
        assert self._stalled is not None
        self.provider.resume.set()
        await self._stalled
        self._stalled = self._stalled_at = None

    def let_pass(self, seconds: float) -> None:
        """Move time on. Nobody stays stopped for longer than a request may be late."""
        late_after_s = self.world.flow.settings.confirm.late_after_s
        if self._stalled_at is not None and self.clock.monotonic() + seconds > self._stalled_at + late_after_s - 10:
            self.wake()
        self.provider.let_pass(seconds)

    def confirm(self) -> None:
        self.run(self.world.confirmer.confirm(self.lane_id))

    def sweep(self) -> None:
        self.run(self.world.sweeper.sweep())

    def hook(self, ref: str, status: str = "SUCCESS") -> None:
        """Have the provider's webhook come, true or not."""
        answer = json.dumps({"payload_type": "writeback", "writeback_id": ref, "status": status}).encode()
        token = hook_token(self.world.flow.secrets, "wonde", "hillside")
        self.run(self.world.hooks.receive("wonde", token, {}, answer))

    def drain(self) -> None:
        """Let everything go well, until nothing waits any more but for a person."""
        self.wake()
        self.provider.fails_next = False
        for _ in range(_TURNS):
            if not self._waiting():
                self.let_pass(self.world.flow.settings.confirm.late_after_s)  # whatever is late comes now
                if not self._waiting():
                    return
            self.sweep()
            self.serve()
            self.let_pass(_STEP_S)
            self.confirm()
        raise AssertionError(f"never ended: {[(row.id, row.status, row.hold_reason) for row in self._waiting()]}")

    def rows(self) -> Sequence[WritebackRow]:
        """Return every writeback, in the order of acceptance."""
        return self.run(self._rows())  # type: ignore[no-any-return]

    def progress(self) -> Iterator[tuple[WritebackRow, Mapping[str, Any], RecordProgress]]:
        """Yield every record: its writeback, what it says, how far it is."""
        for row in self.rows():
            says = json.loads(row.records)
            for record, entry in zip(says, unpack_progress(row.progress, len(says)), strict=True):
                yield row, record, entry

    def check_books(self) -> None:
        """See that nothing is lost and that each status is what follows from its records."""
        rows = {row.id: row for row in self.rows()}
        assert set(rows) == set(self.accepted)
        for row in rows.values():
            progress = unpack_progress(row.progress, len(json.loads(row.records)))
            follows = overall_status(progress)
            assert row.status == follows or (row.status == Status.HELD and follows is Status.QUEUED)
        assert self.run(self._count_attempts()) >= self.provider.sent_count

    def close(self) -> None:
        self.wake()
        self.run(self._close())

    async def _close(self) -> None:
        await self.world.refresher.aclose()
        await self.world.committer.aclose()
        await self.world.flow.db.dispose()

    def _waiting(self) -> list[WritebackRow]:
        settled = (*FINAL, Status.NEEDS_ATTENTION)
        return [row for row in self.rows() if row.status not in settled]

    async def _rows(self) -> Sequence[WritebackRow]:
        async with self.world.flow.db.read() as session:
            return (await session.exec(select(WritebackRow).order_by(col(WritebackRow.seq)))).all()

    async def _count_attempts(self) -> int:
        async with self.world.flow.db.read() as session:
            return (await session.exec(select(func.count(col(AttemptRow.id))))).one()


async def _open_world(path: Path, provider: ModelProvider, clock: FakeClock) -> World:
    db, settings = (
        Database.open(f"sqlite+aiosqlite:///{path}"),
        Settings(secret_key=SECRET_KEY, dispatch=DispatchSettings(gather_s=0)),
    )
    secrets = SecretBox(SECRET_KEY)
    waker = RecordingWaker()
    registry = Registry(
        db,
        secrets,
        clock,
        known_providers=("wonde", "xporter"),
        hook_url=partial(hook_url, settings, secrets),
        provider_urls={"wonde": "", "xporter": ""},
    )
    flow = FlowContext(
        db=db,
        clock=clock,
        settings=settings,
        registry=registry,
        lookups=lookup_cache(db, clock),
        providers={"wonde": provider},
        waker=waker,
        secrets=secrets,
        rng=random.Random(7),
    )
    await registry.add(
        NewSchool(
            id="hillside",
            name="Hillside",
            provider="wonde",
            mis="Bromcom",
            provider_school_id="A1930499544",
            credentials={"token": "t"},
        )
    )
    attributes = {
        attribute_key(kind, code): {"id": code, "code": code, "type": kind, "active": True}
        for kind, code in (("type", "BULL"), ("status", "OPEN"))
    }
    codes = {f"C{code}": {"id": f"C{code}", "code": code, "active": True, "type": "PRESENT"} for code in CODES}
    now = clock.now()
    own = {ListName.BEHAVIOUR_ATTRIBUTES: attributes, ListName.ATTENDANCE_CODES: codes}
    async with db.write() as session:
        for lookup in (
            *(one for one in lists(now) if one.list not in own),
            *(Lookup(name, 1, now, rows) for name, rows in own.items()),
        ):
            provider.rows[lookup.list] = dict(lookup.rows)
            await lookups.save(session, "hillside", lookup)
    committer = Committer(db, clock, max_waiting=100, on_commit=partial(waker.wake, "serve_lane"))
    await committer.start()
    return World(flow, clock, provider, waker, committer)


@contextmanager
def copied(template: Path, folder: Path, name: str) -> Iterator[Path]:
    """Give a copy of a migrated database, and delete it afterwards."""
    path = folder / f"{name}.db"
    shutil.copy(template, path)
    try:
        yield path
    finally:
        for one in folder.glob(f"{name}.db*"):
            one.unlink()
