"""The doors whole: the service over real HTTP and SQL, with the sandbox behind it, and an app that listens."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
import uvicorn
from sqlmodel import select

from tests.secret_key import SECRET_KEY
from writeback.api.app import create_app
from writeback.core.clock import FakeClock
from writeback.core.network.tls import trusted
from writeback.core.settings import DropInSettings, Settings, WebhookSettings
from writeback.domain.access import Scope
from writeback.domain.states import Status
from writeback.flow.confirm.confirmer import Confirmer
from writeback.flow.dispatch.dispatcher import Dispatcher
from writeback.flow.registry.entries import NewSchool
from writeback.flow.webhooks.notify import Notifier
from writeback.notifier.sender import WebhookSender
from writeback.sandbox.testing import PromptServer, running_sandbox, until
from writeback.store.tables import Lane, WebhookRow, WritebackRow
from writeback.wiring import Services, open_services

_MOST_TURNS = 12


@dataclass
class Ear:
    """Hears what is posted to `url`: the path, the query, and the body."""

    url: str = ""
    heard: list[tuple[str, Mapping[str, str], Any]] = field(default_factory=list)
    status: int = 200

    async def hear(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        split = urlsplit(lines[0].split(" ")[1])
        self.heard.append((split.path, dict(parse_qsl(split.query, keep_blank_values=True)), json.loads(body)))
        writer.write(f"HTTP/1.1 {self.status} X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
        await writer.drain()
        writer.close()


@dataclass
class World:
    """One school of a provider in the sandbox, registered with us, and an app with a key."""

    services: Services
    clock: FakeClock
    http: httpx.AsyncClient
    control: httpx.AsyncClient
    ear: Ear
    school: Mapping[str, Any]
    key: str
    notifier: Notifier

    def __post_init__(self) -> None:
        flow = self.services.accept.flow
        self.flow, self.dispatcher, self.confirmer = flow, Dispatcher(flow, "worker-1"), Confirmer(flow)

    @property
    def estab(self) -> str:
        return str(self.school["provider_school_id"])

    @property
    def today(self) -> str:
        return self.clock.now().date().isoformat()

    @property
    def pupils(self) -> list[str]:
        return list(self.school["registers"][0]["student_ids"])

    async def make_key(self, *scopes: str, app: str = "Registers", schools: list[str] | None = None) -> str:
        return (await self.services.keys.create(app, "", [Scope(one) for one in scopes], schools)).key

    async def add_school(self, school_id: str, school: Mapping[str, Any], provider: str, mis: str = "") -> None:
        await self.services.registry.add(
            NewSchool(
                id=school_id,
                name=school_id.title(),
                provider=provider,
                mis=mis or school["mis"],
                provider_school_id=school["provider_school_id"],
                base_url=school["base_url"],
                credentials=school["credentials"],
            )
        )

    async def ask(self, path: str, **params: str) -> Any:
        response = await self.control.get(f"/_sandbox/{path.replace('{school}', self.estab)}", params=params)
        assert response.status_code == 200, response.text
        return response.json()

    async def order(self, path: str, /, **body: Any) -> Any:
        response = await self.control.post(f"/_sandbox/{path.replace('{school}', self.estab)}", json=body)
        assert response.is_success, response.text
        return response.json()

    async def rows(self, name: str) -> list[Mapping[str, Any]]:
        """A lookup of the school's, as we have it."""
        view = await self.flow.lookups.view("hillside", fresh=True)
        return list(getattr(view, name).rows.values())

    async def attribute(self, name: str, type_: str) -> str:
        """The id of an active choice."""
        rows = [row for row in await self.rows(name) if row["type"] == type_ and row.get("active") is not False]
        return str(rows[0]["id"])

    async def writebacks(self) -> list[WritebackRow]:
        async with self.flow.db.read() as session:
            return list((await session.exec(select(WritebackRow).order_by(WritebackRow.seq))).all())

    async def statuses(self) -> list[str]:
        return [row.status for row in await self.writebacks()]

    async def settle(self) -> list[str]:
        """Have everything sent, written and confirmed; return the writebacks' statuses."""
        for _ in range(_MOST_TURNS):
            async with self.flow.db.read() as session:
                lanes = (await session.exec(select(Lane.id))).all()
            for lane in lanes:
                await self.dispatcher.serve(lane)
            await self.order("advance")
            self.clock.advance(timedelta(seconds=5))
            for lane in lanes:
                await self.confirmer.confirm(lane)
            if all(Status(status).is_final for status in await self.statuses()):
                break
        return await self.statuses()

    async def notify(self) -> None:
        async with self.flow.db.read() as session:
            webhooks = (await session.exec(select(WebhookRow.id))).all()
        for webhook in webhooks:
            await self.notifier.wake(webhook)
        await self.notifier.settled()

    async def mis(self, path: str, **params: str) -> Any:
        return await self.ask(f"schools/{{school}}/{path}", **params)


@pytest.fixture
async def make_world(database_url: str, redis_url: str, tmp_path: Path, fake_clock: FakeClock) -> AsyncIterator[Any]:
    """Make the world of a provider: `await make_world("wonde", mis="Bromcom")`."""
    listener = socket.create_server(("127.0.0.1", 0))
    settings = Settings(
        data_dir=tmp_path / "data",
        database_url=database_url,
        redis_url=redis_url,
        secret_key=SECRET_KEY,
        public_url=f"http://127.0.0.1:{listener.getsockname()[1]}",
        webhooks=WebhookSettings(allow_http=True, allow_private_addresses=True),
        doors=DropInSettings(sync_wait_s=0.3),
    )
    ear = Ear()
    listening = await asyncio.start_server(ear.hear, "127.0.0.1", 0)
    ear.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    async with (
        running_sandbox(fake_clock) as sandbox,
        open_services(settings, clock=fake_clock) as services,
        _serving(services, listener),
        httpx.AsyncClient(base_url=sandbox.url, trust_env=False, verify=trusted()) as control,
        httpx.AsyncClient(base_url=settings.public_url, trust_env=False, verify=trusted(), timeout=30) as http,
    ):
        notifier = Notifier(services.accept.flow, WebhookSender(settings.webhooks, fake_clock))

        async def make(provider: str, *, mis: str = "SIMS", pupils: int = 60) -> World:
            seeded = await control.post("/_sandbox/schools", json={"provider": provider, "pupils": pupils, "mis": mis})
            assert seeded.status_code == 201, seeded.text
            key = (await services.keys.create("Registers", "", [Scope.SUBMIT, Scope.READ], None)).key
            world = World(services, fake_clock, http, control, ear, seeded.json(), key, notifier)
            await world.add_school("hillside", seeded.json(), provider)
            await services.sync.sync_school("hillside")
            return world

        yield make
        await notifier.aclose()
    listening.close()


@asynccontextmanager
async def _serving(services: Services, listener: socket.socket) -> AsyncIterator[None]:
    config = uvicorn.Config(create_app(services), log_config=None, lifespan="off", loop="none", access_log=False)
    server = PromptServer(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        await until(lambda: server.started or task.done())
        yield
    finally:
        server.should_exit = True
        await task
