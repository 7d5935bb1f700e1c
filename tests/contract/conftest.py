"""One world a provider: its adapter, the sandbox over real HTTP, a school, and an ear for webhooks and callbacks."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from writeback.core.clock import FakeClock
from writeback.core.network.tls import trusted
from writeback.core.settings import DispatchSettings, Settings, WondeSettings, XporterSettings
from writeback.domain.kinds import KINDS, Record
from writeback.domain.kinds.attendance_lesson import LessonMark
from writeback.domain.kinds.attendance_session import SessionMark
from writeback.domain.lookups import ListName, Lookup, LookupView
from writeback.domain.outcome import Outcome, Taken, Verdict
from writeback.domain.school import Account
from writeback.providers.base import Hint, Provider, ProviderRequest, SentRequest
from writeback.providers.http import ProviderClient, create_client
from writeback.providers.registry import PROVIDERS, create_providers
from writeback.sandbox.testing import running_sandbox

KIND_OF = {kind.record: kind for kind in KINDS.values()}


@dataclass
class Ear:
    """Hears what is posted to `url`."""

    url: str = ""
    heard: list[tuple[Mapping[str, str], bytes]] = field(default_factory=list)

    async def hear(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        lines = head.decode().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        method, target, _ = lines[0].split(" ")
        if method == "POST":  # another test may ask whether its own server is at a port that has become ours
            self.heard.append((dict(parse_qsl(urlsplit(target).query, keep_blank_values=True)), body))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        writer.close()


@asynccontextmanager
async def listening() -> AsyncIterator[Ear]:
    ear = Ear()
    server = await asyncio.start_server(ear.hear, "127.0.0.1", 0)
    ear.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook"
    try:
        yield ear
    finally:
        server.close()


class Heard(httpx.AsyncByteStream):
    """An answer as it is read; a copy of it is kept when that ends."""

    def __init__(self, response: httpx.Response, kept: list[httpx.Response]) -> None:
        self._response, self._stream, self._kept = response, response.stream, kept
        self._parts: list[bytes] = []

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._stream:
            self._parts.append(part)
            yield part

    async def aclose(self) -> None:
        await self._stream.aclose()
        if "content-encoding" not in self._response.headers:
            copy = httpx.Response(self._response.status_code, content=b"".join(self._parts))
            copy.headers, copy.request = self._response.headers, self._response.request
            self._kept.append(copy)


@dataclass
class World:
    """What a test of the contract needs."""

    provider: Provider
    account: Account
    clock: FakeClock
    ear: Ear
    control: httpx.AsyncClient
    school: Mapping[str, Any]
    client: ProviderClient
    """The one that the adapter calls with."""
    answers: list[httpx.Response] = field(default_factory=list)
    """Everything that the provider answered to the adapter, oldest first."""
    request_id: str = "req_01"

    @property
    def name(self) -> str:
        return self.provider.name

    @property
    def today(self) -> date:
        return self.clock.now().date()

    @property
    def window(self) -> tuple[date, date]:
        return self.today - timedelta(days=1), self.today + timedelta(days=8)

    @property
    def pupils(self) -> list[str]:
        """The first register's."""
        return list(self.school["registers"][0]["student_ids"])

    async def ask(self, path: str, **params: str) -> Any:
        response = await self.control.get(self._path(path), params=params)
        assert response.status_code == 200, response.text
        return response.json()

    async def order(self, path: str, /, **body: Any) -> Any:
        response = await self.control.post(self._path(path), json=body)
        assert response.is_success, response.text
        return response.json()

    def _path(self, path: str) -> str:
        return f"/_sandbox/{path.replace('{school}', self.account.provider_school_id)}"

    async def change(self, **changes: Any) -> None:
        await self.order("schools/{school}", **changes)

    async def advance(self, seconds: float | None = None) -> None:
        """Let the simulated provider do what it has to do, and have it told."""
        await self.order("advance", **({} if seconds is None else {"seconds": seconds}))

    async def lookups(self) -> LookupView:
        """Every list, as the adapter fetches it."""
        found = {}
        for name in ListName:
            change = await self.provider.fetch(self.account, name, None, self.window)
            found[name.value] = Lookup(name, 1, self.clock.now(), change.rows, change.cursor)
        return LookupView(**found)

    def register(self, code: str = "/", *, pupils: Sequence[str] | None = None, **changes: Any) -> list[SessionMark]:
        given = {"date": self.today, "session": "AM", "code": code, **changes}
        return [SessionMark(student_id=pupil, **given) for pupil in (pupils or self.pupils[:3])]

    async def lesson_register(self, code: str = "L") -> list[LessonMark]:
        lesson = (await self.ask("schools/{school}/lessons", date=self.today.isoformat()))["lessons"][0]
        return [
            LessonMark(student_id=pupil, lesson_id=lesson["lesson_id"], code=code)
            for pupil in lesson["student_ids"][:3]
        ]

    def build(self, records: Sequence[Record], lookups: LookupView, account: Account | None = None) -> ProviderRequest:
        account = account or self.account
        kind = KIND_OF[type(records[0])]
        url = f"{self.ear.url}?id={self.request_id}&estab={account.provider_school_id}"
        return self.provider.build(kind, records, lookups, account=account, callback_url=url)

    async def send(self, records: Sequence[Record], lookups: LookupView, account: Account | None = None) -> Outcome:
        request = self.build(records, lookups, account)
        return await self.provider.send(account or self.account, request)

    async def take(self, records: Sequence[Record], lookups: LookupView) -> SentRequest:
        """Send what will be taken."""
        outcome = await self.send(records, lookups)
        assert isinstance(outcome, Taken), outcome
        kind = KIND_OF[type(records[0])]
        return SentRequest(self.request_id, kind, records, outcome.provider_ref, self.clock.now())

    def hints(self) -> list[Hint]:
        return [self.provider.parse_hook(query, body) for query, body in self.ear.heard]

    async def check(self, sent: SentRequest, *, with_hints: bool = True) -> Verdict:
        hints = [hint.payload for hint in self.hints()] if with_hints else []
        return await self.provider.check(self.account, replace(sent, hints=hints), self.clock.now())

    async def marks(self, kind: str = "session") -> dict[str, str]:
        """What the MIS holds today, by pupil."""
        found = await self.ask("schools/{school}/marks", date=self.today.isoformat(), type=kind)
        return {mark["student_id"]: mark["code"] for mark in found["marks"]}


@pytest.fixture(scope="session")
def synced(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the databases are kept whose school has been synced, one for each provider: every sandbox starts alike."""
    return tmp_path_factory.mktemp("synced")


@pytest.fixture(params=sorted(PROVIDERS))
async def world(request: pytest.FixtureRequest, fake_clock: FakeClock) -> AsyncIterator[World]:
    """The world of each provider in turn. Pages are small, so that every list has several."""
    settings = Settings(
        dispatch=DispatchSettings(request_timeout_s=3.0, connect_timeout_s=1.5),
        wonde=WondeSettings(page_size=25),
        xporter=XporterSettings(page_size=25),
    )
    async with (
        running_sandbox(fake_clock) as sandbox,
        listening() as ear,
        create_client(settings.dispatch) as client,
        httpx.AsyncClient(base_url=sandbox.url, trust_env=False, verify=trusted()) as control,
    ):
        name: str = request.param
        seeded = await control.post(
            "/_sandbox/schools", json={"provider": name, "pupils": 60, "changes": {"strict": True}}
        )
        assert seeded.status_code == 201, seeded.text
        school = seeded.json()
        account = Account(
            school_id="sch_1",
            provider=name,
            provider_school_id=school["provider_school_id"],
            mis=school["mis"],
            base_url=school["base_url"],
            credentials=school["credentials"],
        )
        provider = create_providers(settings, fake_clock, client)[name]
        made = World(provider, account, fake_clock, ear, control, school, client)

        async def keep(response: httpx.Response) -> None:
            response.stream = Heard(response, made.answers)

        client.event_hooks["response"].append(keep)
        await made.order("webhooks", url=ear.url)
        yield made
        await provider.aclose()
