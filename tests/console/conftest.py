"""The console over its own ASGI app, with real services: SQL, Redis, accounts, sessions. Time is moved by hand."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import jinja2
import pytest
from jinja2.bccache import Bucket

from tests.secret_key import SECRET_KEY
from writeback.console import create_console, templating
from writeback.core.background_pace import Pace
from writeback.core.clock import FakeClock
from writeback.core.settings import SandboxSettings, Settings
from writeback.domain.staff import Role
from writeback.flow.correct.bulk_runner import BulkRunner
from writeback.flow.registry.entries import NewSchool
from writeback.store.people import staff as store
from writeback.wiring import Services, open_services

ORIGIN = "http://console.example"
PASSWORD = "four words make sense"


@dataclass
class Visitor:
    """A browser: it keeps cookies, follows nothing, and sends forms with their tokens."""

    http: httpx.AsyncClient
    name: str = ""

    async def get(self, path: str, **options: Any) -> httpx.Response:
        return await self.http.get(f"/console{path}", **options)

    async def post(
        self, path: str, data: Mapping[str, Any] | None = None, *, token: str | None = None, **options: Any
    ) -> httpx.Response:
        """Post a form; with the token of this session unless another is given."""
        given = await self.token() if token is None else token
        options.setdefault("headers", {"Origin": ORIGIN})
        return await self.http.post(f"/console{path}", data={"csrf": given, **(data or {})}, **options)

    async def token(self) -> str:
        """Return the token of the forms that this browser is shown."""
        answer = await self.get("/account")
        return token_in(await self.get("/sign-in") if answer.is_redirect else answer)


def token_in(answer: httpx.Response) -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', answer.text)
    assert found, answer.text
    return found[1]


SignIn = Callable[..., Awaitable[Visitor]]
WorkOff = Callable[[httpx.Response], Awaitable[str]]


class _Compiled(jinja2.BytecodeCache):
    """Templates, compiled once for all tests: each has an environment of its own, and that was half of its time."""

    def __init__(self) -> None:
        self._code: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self._code:
            bucket.bytecode_from_string(self._code[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._code[bucket.key] = bucket.bytecode_to_string()


_COMPILED = _Compiled()


@pytest.fixture(autouse=True)
def _templates_compiled_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(templating, "Environment", partial(jinja2.Environment, bytecode_cache=_COMPILED))


@pytest.fixture(autouse=True)
def _passwords_that_cost_little(cheap_passwords: None) -> None:
    """In all tests of the console."""


@pytest.fixture
def settings(tmp_path: Path, sqlite_url: str, redis_url: str) -> Settings:
    """SQLite alone; what differs between databases is tested in `tests/integration`."""
    return Settings(
        data_dir=tmp_path,
        database_url=sqlite_url,
        redis_url=redis_url,
        secret_key=SECRET_KEY,
        public_url=ORIGIN,
        sandbox=SandboxSettings(urls=["http://127.0.0.1:8402"]),
    )


@pytest.fixture
async def services(settings: Settings, fake_clock: FakeClock) -> AsyncIterator[Services]:
    async with open_services(settings, clock=fake_clock) as opened:
        yield opened


@pytest.fixture
async def visit(services: Services) -> AsyncIterator[Callable[[], Visitor]]:
    """Make browsers in which nobody is signed in."""
    app, opened = create_console(services), list[httpx.AsyncClient]()

    def make() -> Visitor:
        opened.append(httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=ORIGIN))
        return Visitor(opened[-1])

    yield make
    for http in opened:
        await http.aclose()


@pytest.fixture
async def sign_in(services: Services, visit: Callable[[], Visitor]) -> SignIn:
    """Make browsers with somebody signed in: `await sign_in("support", schools=["hillside"])`.

    The account is made where there is none of that name. It needs no password, which would take time.
    """

    async def signed_in(role: str = "admin", *, name: str = "", schools: Sequence[str] | None = None) -> Visitor:
        name = name or f"{role}-{len(await services.staff.accounts.list())}"
        if name not in [account.name for account in await services.staff.accounts.list()]:
            await services.staff.accounts.add(name, Role(role), schools=schools)

        def begin(session: Any) -> str:
            row = store.by_name(session, name)
            assert row is not None
            return services.staff.sessions.begin(session, row)

        visitor = visit()
        visitor.name = name
        visitor.http.cookies.set("wb_console", await services.reads.db.transact(begin))
        return visitor

    return signed_in


@pytest.fixture
def work_off(services: Services) -> WorkOff:
    """Do a bulk job that a form has begun, as a worker does; return the path of its page, to which the answer leads."""

    async def work(begun: httpx.Response) -> str:
        path = begun.headers["location"].removeprefix("/console")
        runner = BulkRunner(
            services.accept.flow, services.corrections.many, Pace(services.clock, share=1.0), "the tests' worker"
        )
        await runner.run(path.removeprefix("/bulks/"))
        return path

    return work


@pytest.fixture
def add_school(services: Services) -> Callable[..., Awaitable[None]]:
    """Register a school: `await add_school("hillside", provider="xporter")`."""

    async def add(school_id: str = "hillside", **changes: Any) -> None:
        entry = {
            "id": school_id,
            "name": school_id.title(),
            "provider": "wonde",
            "mis": "SIMS",
            "provider_school_id": f"A-{school_id}",
            "credentials": {"token": "secret"},
        }
        await services.registry.add(NewSchool(**{**entry, **changes}))

    return add
