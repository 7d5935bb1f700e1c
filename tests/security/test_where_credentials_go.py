"""Attacks on credentials by moving a school's address: over the API, in rows from before, and at the provider itself.

`home` is where the settings say that providers are, `evil` somebody else's server; both write down what reaches them.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlmodel import select

from tests.secret_key import SECRET_KEY
from writeback.api.app import create_app
from writeback.core.clock import FakeClock
from writeback.core.settings import Settings, WondeSettings, XporterSettings
from writeback.domain.access import Scope
from writeback.store.tables import AuditRow, SchoolRow
from writeback.wiring import Services, open_services

ACCOUNT_TOKEN, OWN_TOKEN, SECRET = "token-of-our-account", "token-of-the-school", "password-of-the-school"
WONDE = {"name": "Hillside", "provider": "wonde", "mis": "SIMS", "provider_school_id": "A1"}
XPORTER = {"name": "Riverbank", "provider": "xporter", "mis": "SIMS", "provider_school_id": "8301234"}


@dataclass
class Listener:
    """A server that answers `{}` to everything and keeps what it heard."""

    url: str = ""
    heard: bytes = b""

    async def hear(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.heard += await reader.read(65_536)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
        writer.close()

    @property
    def host(self) -> str:
        return self.url.removeprefix("http://")


@asynccontextmanager
async def listening() -> AsyncIterator[Listener]:
    listener = Listener()
    server = await asyncio.start_server(listener.hear, "127.0.0.1", 0)
    listener.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield listener
    finally:
        server.close()


@dataclass
class World:
    services: Services
    http: httpx.AsyncClient
    home: Listener
    evil: Listener
    keys: dict[str, str] = field(default_factory=dict)

    async def call(self, who: str, method: str, path: str, **body: Any) -> httpx.Response:
        """Call as `admin`, or as `limited`: an admin whose key has only the schools that there are by then."""
        if who not in self.keys:
            there = [school.id for school in (await self.services.registry.list(limit=10)).items]
            schools = there if who == "limited" else None
            self.keys[who] = (await self.services.keys.create("Registers", "", list(Scope), schools)).key
        headers = {"authorization": f"Bearer {self.keys[who]}"}
        return await self.http.request(method, f"/v1/schools{path}", headers=headers, json=body or None)

    async def add(self, school_id: str, entry: dict[str, Any], **more: Any) -> None:
        answer = await self.call("admin", "POST", "", id=school_id, **entry, **more)
        assert answer.status_code == 201, answer.text

    async def sync(self, school_id: str) -> None:
        assert (await self.call("admin", "POST", f"/{school_id}/sync")).status_code == 200

    async def store(self, school_id: str, **columns: Any) -> None:
        """Write to the row as a version did that did not ask."""
        async with self.services.accept.flow.db.write() as session:
            row = (await session.exec(select(SchoolRow).where(SchoolRow.id == school_id))).one()
            session.add(row.sqlmodel_update(columns))
        self.services.registry.forget(school_id)

    async def audited(self) -> Sequence[AuditRow]:
        async with self.services.accept.flow.db.read() as session:
            return (await session.exec(select(AuditRow).where(AuditRow.action == "school.change"))).all()


@pytest.fixture
async def world(sqlite_url: str, redis_url: str, tmp_path: Path, fake_clock: FakeClock) -> AsyncIterator[World]:
    async with listening() as home, listening() as evil:
        settings = Settings(
            data_dir=tmp_path / "data",
            database_url=sqlite_url,
            redis_url=redis_url,
            secret_key=SECRET_KEY,
            wonde=WondeSettings(base_url=f"{home.url}/v1.0", token=ACCOUNT_TOKEN),
            xporter=XporterSettings(base_url=home.url, sts_url=f"{home.url}/GetToken"),
        )
        async with (
            open_services(settings, clock=fake_clock) as services,
            httpx.AsyncClient(transport=httpx.ASGITransport(create_app(services)), base_url="http://api") as http,
        ):
            yield World(services, http, home, evil)


def codes(answer: httpx.Response) -> list[str]:
    return [finding["code"] for finding in answer.json().get("findings", [answer.json()])]


@pytest.mark.parametrize(("who", "code"), [("admin", "account_host_not_named"), ("limited", "address_not_named")])
async def test_our_accounts_token_does_not_follow_a_school_elsewhere(world: World, who: str, code: str) -> None:
    await world.add("hillside", WONDE)

    answer = await world.call(who, "PATCH", "/hillside", base_url=f"{world.evil.url}/v1.0")
    await world.sync("hillside")

    assert codes(answer) == [code]
    assert "127.0.0.1" in answer.json()["detail"]
    assert not world.evil.heard
    assert ACCOUNT_TOKEN.encode() in world.home.heard


async def test_no_school_is_registered_elsewhere_with_our_accounts_token(world: World) -> None:
    answer = await world.call("admin", "POST", "", **WONDE, id="hillside", base_url=world.evil.url)

    assert (answer.status_code, codes(answer)) == (422, ["account_host_not_named"])
    assert "WRITEBACK_WONDE__HOSTS" in answer.json()["findings"][0]["hint"]


async def test_a_row_from_before_gets_no_token_of_our_account_and_is_held_with_the_reason(world: World) -> None:
    await world.add("hillside", WONDE)
    await world.store("hillside", base_url=f"{world.evil.url}/v1.0")

    await world.sync("hillside")

    assert not world.evil.heard
    hold = (await world.call("admin", "GET", "/hillside")).json()["hold"]
    assert hold["reason"] == "token_refused"
    assert "our account's token goes only to api.wonde.com, api-*.wonde.com, 127.0.0.1:" in hold["detail"]
    assert "WRITEBACK_WONDE__HOSTS" in hold["detail"]


@pytest.mark.parametrize(
    ("entry", "credentials"),
    [(WONDE, {"token": OWN_TOKEN}), (XPORTER, {"secret": SECRET})],
    ids=["a token", "an STS password"],
)
@pytest.mark.parametrize("who", ["admin", "limited"])
async def test_a_schools_own_credentials_do_not_follow_it_elsewhere(
    world: World, who: str, entry: dict[str, Any], credentials: dict[str, str]
) -> None:
    school = entry["name"].lower()
    await world.add(school, entry, credentials=credentials)

    answer = await world.call(who, "PATCH", f"/{school}", base_url=world.evil.url)
    await world.sync(school)

    assert codes(answer) == ["address_not_named" if who == "limited" else "credentials_of_another_address"]
    assert world.home.heard
    assert not world.evil.heard


async def test_credentials_that_come_with_the_new_address_go_there_and_the_old_ones_do_not(world: World) -> None:
    await world.add("riverbank", XPORTER, credentials={"secret": SECRET})

    answer = await world.call("admin", "PATCH", "/riverbank", base_url=world.evil.url, credentials={"secret": "other"})
    await world.sync("riverbank")

    assert answer.status_code == 200
    assert b"other" in world.evil.heard
    assert SECRET.encode() not in world.evil.heard


async def test_the_address_of_an_sts_does_not_change_without_the_secret(world: World) -> None:
    await world.add("riverbank", XPORTER, credentials={"secret": SECRET})

    answer = await world.call("admin", "PATCH", "/riverbank", credentials={"sts_url": f"{world.evil.url}/GetToken"})

    assert codes(answer) == ["credential_missing"]


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        ("/hillside", {"provider_school_id": "A2"}, "account_not_yours"),
        ("/riverbank", {"credentials": {"secret": "x", "sts_url": "https://sts.evil.example"}}, "address_not_named"),
    ],
    ids=["another of the account's schools", "an STS elsewhere"],
)
async def test_a_key_of_some_schools_reaches_neither_elsewhere_nor_the_accounts_other_schools(
    world: World, path: str, body: dict[str, Any], code: str
) -> None:
    await world.add("hillside", WONDE)
    await world.add("riverbank", XPORTER, credentials={"secret": SECRET})

    answer = await world.call("limited", "PATCH", path, **body)

    assert (answer.status_code, answer.json()["code"]) == (403, code)
    assert answer.json()["hint"]


async def test_a_key_of_some_schools_does_not_have_our_account_take_the_place_of_a_schools_own_token(
    world: World,
) -> None:
    """With a token that it made up it names another school of the account, then takes that token away."""
    await world.add("hillside", WONDE, credentials={"token": OWN_TOKEN})
    moved = await world.call("limited", "PATCH", "/hillside", provider_school_id="A2", credentials={"token": "made-up"})

    answer = await world.call("limited", "PATCH", "/hillside", credentials={})

    assert moved.status_code == 200
    assert (answer.status_code, answer.json()["code"]) == (403, "account_not_yours")


async def test_a_key_of_some_schools_may_still_look_after_them(world: World) -> None:
    await world.add("hillside", WONDE)
    for change in (
        {"name": "Hillside High", "mis": "Arbor"},
        {"base_url": "https://api-ap-southeast-2.wonde.com/v1.0"},
        {"provider_school_id": "A2", "credentials": {"token": OWN_TOKEN}},
    ):
        answer = await world.call("limited", "PATCH", "/hillside", **change)
        assert answer.is_success, answer.text


@pytest.mark.parametrize(
    ("entry", "more", "pointer"),
    [
        (WONDE, {"base_url": "http://api.wonde.com/v1.0"}, "/base_url"),
        (WONDE, {"base_url": "http://127.0.0.1.evil.example", "credentials": {"token": "x"}}, "/base_url"),
        (
            XPORTER,
            {"credentials": {"secret": "x", "sts_url": "HTTP://sts.example/GetToken"}},
            "/credentials/sts_url",
        ),
    ],
)
async def test_no_credentials_go_by_plain_http(
    world: World, entry: dict[str, Any], more: dict[str, Any], pointer: str
) -> None:
    answer = await world.call("admin", "POST", "", **entry, **more)

    assert (answer.status_code, codes(answer)[0]) == (422, "url_not_https")
    assert answer.json()["findings"][0]["pointer"] == pointer


async def test_a_row_from_before_with_a_plain_address_gets_no_credentials(world: World) -> None:
    await world.add("hillside", WONDE, credentials={"token": OWN_TOKEN})
    await world.store("hillside", base_url="http://wonde.example/v1.0")

    account = await world.services.registry.account("hillside")

    assert account.credentials == {}
    assert "plain http" in account.withheld


async def test_the_audit_log_names_the_hosts_of_a_move_and_no_secret(world: World) -> None:
    await world.add("riverbank", XPORTER, credentials={"secret": SECRET})
    moved = {"secret": "another-password", "sts_url": "https://sts.example/GetToken"}

    await world.call("admin", "PATCH", "/riverbank", base_url="https://xporter.example", credentials=moved)

    (entry,) = await world.audited()
    assert entry.changed == {
        "fields": ["base_url", "credentials"],
        "hosts": {
            "base_url": {"before": "", "after": "xporter.example"},
            "sts_url": {"before": "", "after": "sts.example"},
        },
    }
