"""Attacks on the wall between tests and what is real: by key, by address, by redirect, by row, by drop-in endpoint.

`real` is where the settings say that providers are, `sandbox` what they name as the sandbox; both write down what
reaches them.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import ValidationError
from sqlmodel import select

from tests.secret_key import SECRET_KEY
from writeback.api.app import create_app
from writeback.core.clock import FakeClock
from writeback.core.errors import InvalidSubmission
from writeback.core.settings import DropInSettings, SandboxSettings, Settings, WondeSettings, XporterSettings
from writeback.domain.access import Scope
from writeback.domain.mode import Mode
from writeback.domain.outcome import NotReached
from writeback.flow.registry.entries import NewSchool
from writeback.providers.http import call, create_client
from writeback.store.tables import SchoolRow
from writeback.wiring import Services, open_services

WONDE = {"provider": "wonde", "mis": "SIMS", "provider_school_id": "A1", "credentials": {"token": "token-of-hillside"}}
XPORTER = {
    "provider": "xporter",
    "mis": "SIMS",
    "provider_school_id": "8301234",
    "credentials": {"secret": "secret-of-riverbank"},
}
MARK = {"kind": "attendance.session", "records": []}


@dataclass
class Listener:
    """A server that answers everything alike and keeps what it heard."""

    url: str = ""
    heard: bytes = b""
    answer: bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"

    async def hear(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.heard += await reader.read(65_536)
        writer.write(self.answer)
        writer.close()


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
    real: Listener
    sandbox: Listener
    keys: dict[Mode, str] = field(default_factory=dict)

    async def call(self, mode: Mode, method: str, path: str, **options: Any) -> httpx.Response:
        if mode not in self.keys:
            made = await self.services.keys.create("Registers", "", list(Scope), mode=mode)
            self.keys[mode] = made.key
        headers = {"authorization": f"Bearer {self.keys[mode]}", **options.pop("headers", {})}
        return await self.http.request(method, path, headers=headers, **options)

    async def add(self, mode: Mode, name: str, entry: dict[str, Any], /, **more: Any) -> str:
        answer = await self.call(mode, "POST", "/v1/schools", json={"name": name, **entry, **more})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    async def store(self, school_id: str, **columns: Any) -> None:
        """Write to the row what no call can."""
        async with self.services.accept.flow.db.write() as session:
            row = (await session.exec(select(SchoolRow).where(SchoolRow.id == school_id))).one()
            session.add(row.sqlmodel_update(columns))
        self.services.registry.forget(school_id)


@pytest.fixture
async def world(sqlite_url: str, redis_url: str, tmp_path: Path, fake_clock: FakeClock) -> AsyncIterator[World]:
    async with listening() as real, listening() as sandbox:
        settings = Settings(
            data_dir=tmp_path / "data",
            database_url=sqlite_url,
            redis_url=redis_url,
            secret_key=SECRET_KEY,
            wonde=WondeSettings(base_url=f"{real.url}/v1.0", token="token-of-our-account"),
            xporter=XporterSettings(base_url=real.url, sts_url=f"{real.url}/GetToken"),
            sandbox=SandboxSettings(urls=[sandbox.url]),
            doors=DropInSettings(reads=True),
        )
        async with (
            open_services(settings, clock=fake_clock) as services,
            httpx.AsyncClient(transport=httpx.ASGITransport(create_app(services)), base_url="http://api") as http,
        ):
            yield World(services, http, real, sandbox)


def codes(answer: httpx.Response) -> list[str]:
    return [finding["code"] for finding in answer.json().get("findings", [answer.json()])]


# --- addresses


@pytest.mark.parametrize("entry", [WONDE, XPORTER], ids=["wonde", "xporter"])
async def test_all_that_a_test_school_asks_goes_to_the_sandbox(world: World, entry: dict[str, Any]) -> None:
    school = await world.add(Mode.TEST, "Hillside", entry)

    assert (await world.call(Mode.TEST, "POST", f"/v1/schools/{school}/sync")).status_code == 200

    assert school == "test_hillside"
    assert b"POST /idaas/sts/" in world.sandbox.heard or b"Bearer token-of-hillside" in world.sandbox.heard
    assert world.real.heard == b""


@pytest.mark.parametrize("entry", [WONDE, XPORTER], ids=["wonde", "xporter"])
async def test_a_test_school_cannot_be_registered_or_moved_elsewhere(world: World, entry: dict[str, Any]) -> None:
    school = await world.add(Mode.TEST, "Hillside", entry)

    refused = await world.call(
        Mode.TEST, "POST", "/v1/schools", json={"name": "Other", **entry, "base_url": world.real.url}
    )
    moved = await world.call(
        Mode.TEST,
        "PATCH",
        f"/v1/schools/{school}",
        json={"base_url": world.real.url, "credentials": entry["credentials"]},
    )

    assert codes(refused) == codes(moved) == ["address_not_sandbox"]


async def test_nor_can_its_token_service(world: World) -> None:
    school = await world.add(Mode.TEST, "Riverbank", XPORTER)
    leaky = {"secret": "s", "sts_url": f"{world.real.url}/GetToken"}

    moved = await world.call(Mode.TEST, "PATCH", f"/v1/schools/{school}", json={"credentials": leaky})

    assert codes(moved) == ["address_not_sandbox"]


async def test_a_test_school_that_gives_up_its_address_keeps_that_of_the_sandbox(world: World) -> None:
    school = await world.add(Mode.TEST, "Hillside", WONDE)

    answer = await world.call(Mode.TEST, "PATCH", f"/v1/schools/{school}", json={"base_url": ""})

    assert answer.json()["base_url"] == world.sandbox.url


@pytest.mark.parametrize("address", ["", "real"])
async def test_a_row_that_leads_elsewhere_gets_no_credentials(world: World, address: str) -> None:
    school = await world.add(Mode.TEST, "Hillside", WONDE)
    await world.store(school, base_url=address and world.real.url)

    synced = await world.call(Mode.TEST, "POST", f"/v1/schools/{school}/sync")

    account = await world.services.registry.account(school)
    assert not account.credentials
    assert "a test school is called at a sandbox alone" in account.withheld
    assert "token-of-" not in synced.text
    assert world.real.heard == b""


async def test_no_live_school_is_at_the_sandbox(world: World) -> None:
    school = await world.add(Mode.LIVE, "Hillside", WONDE)

    moved = await world.call(
        Mode.LIVE,
        "PATCH",
        f"/v1/schools/{school}",
        json={"base_url": world.sandbox.url, "credentials": {"token": "t"}},
    )
    await world.store(school, base_url=world.sandbox.url)

    assert codes(moved) == ["address_is_sandbox"]
    assert "this is a live school" in (await world.services.registry.account(school)).withheld


async def test_our_accounts_token_serves_no_test_school(world: World) -> None:
    entry = {**WONDE, "credentials": {}}

    answer = await world.call(Mode.TEST, "POST", "/v1/schools", json={"name": "Hillside", **entry})

    assert codes(answer) == ["credential_missing"]


@pytest.mark.parametrize(("mode", "to"), [(Mode.TEST, "real"), (Mode.LIVE, "sandbox")])
async def test_the_transport_itself_refuses_the_wrong_side(world: World, mode: Mode, to: str) -> None:
    """Whatever an adapter was told: rows, credentials and code may all be wrong."""
    settings = world.services.settings
    client = create_client(settings.dispatch, sandbox=settings.sandbox.named_hosts)
    async with client:
        outcome = await call(client, world.services.clock, "POST", f"{getattr(world, to).url}/x", mode=mode, body={})

    assert isinstance(outcome, NotReached)
    assert f"nothing of a {mode} school is sent there" in outcome.reason
    assert world.real.heard == world.sandbox.heard == b""


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("status", [301, 307])
async def test_no_redirect_leaves_the_sandbox(world: World, method: str, status: int) -> None:
    world.sandbox.answer = (
        f"HTTP/1.1 {status} Moved\r\nLocation: {world.real.url}/v1.0\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    ).encode()
    settings = world.services.settings
    async with create_client(settings.dispatch, sandbox=settings.sandbox.named_hosts) as client:
        await call(client, world.services.clock, method, f"{world.sandbox.url}/x", mode=Mode.TEST)

    assert world.sandbox.heard
    assert world.real.heard == b""


async def test_no_next_page_leads_out_of_the_sandbox(world: World) -> None:
    body = f'{{"data": [], "meta": {{"pagination": {{"more": true, "next": "{world.real.url}/v1.0/schools?page=2"}}}}}}'
    world.sandbox.answer = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}".encode()
    school = await world.add(Mode.TEST, "Hillside", WONDE)

    await world.call(Mode.TEST, "POST", f"/v1/schools/{school}/sync")

    assert b"GET /v1.0/schools/A1" in world.sandbox.heard
    assert world.real.heard == b""


async def test_without_a_sandbox_there_are_no_test_schools(sqlite_url: str, redis_url: str, tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, database_url=sqlite_url, redis_url=redis_url, secret_key=SECRET_KEY)
    async with open_services(settings) as services:
        with pytest.raises(InvalidSubmission) as refused:
            await services.registry.add(NewSchool(name="Hillside", mode="test", **WONDE))

    (finding,) = refused.value.extra["findings"]
    assert finding["code"] == "no_sandbox"
    assert "WRITEBACK_SANDBOX__URLS" in finding["hint"]


@pytest.mark.parametrize(
    "url",
    [
        "https://api.wonde.com/v1.0",
        "https://API.wonde.com.:443",
        "https://api-eu.wonde.com",
        "https://xporter.groupcall.com",
        "https://login.groupcall.com/elsewhere",
        "https://gateway.example",
        "http://sandbox.example:8401",
        "https://*.example",
        "sandbox:8401",
        "https://",
    ],
)
def test_what_is_real_cannot_be_named_as_the_sandbox(url: str) -> None:
    """Neither as the settings have it, nor as providers publish it, whatever the settings say."""
    with pytest.raises(ValidationError, match=r"sandbox\.urls has"):
        Settings(
            wonde=WondeSettings(base_url="https://gateway.example", hosts=[]),
            xporter=XporterSettings(base_url="https://x.example", sts_url="https://s.example"),
            sandbox=SandboxSettings(urls=[url]),
        )


# --- who sees what

ROUTES = [
    ("GET", "/v1/schools/{school}", None),
    ("PATCH", "/v1/schools/{school}", {"name": "Mine"}),
    ("POST", "/v1/schools/{school}/remove", {"reason": "mine"}),
    ("POST", "/v1/schools/{school}/people/export", {"student_id": "A1", "reason": "mine"}),
    ("POST", "/v1/schools/{school}/sync", None),
    ("POST", "/v1/schools/{school}/hold", {"reason": "mine"}),
    ("POST", "/v1/schools/{school}/resume", {}),
    ("GET", "/v1/schools/{school}/features", None),
    ("GET", "/v1/schools/{school}/lookups/students", None),
    ("GET", "/v1/schools/{school}/words", None),
    ("GET", "/v1/schools/{school}/year", None),
    ("POST", "/v1/schools/{school}/writebacks", MARK),
    ("POST", "/v1/schools/{school}/writebacks?dry_run=true", MARK),
    ("POST", "/v1/schools/{school}/lookups/students/find", {"people": [{"upn": "A999432113104"}]}),
]
SIDES = [(Mode.TEST, Mode.LIVE), (Mode.LIVE, Mode.TEST)]


@pytest.mark.parametrize(("method", "path", "body"), ROUTES, ids=lambda value: value if isinstance(value, str) else "")
@pytest.mark.parametrize(("own", "other"), SIDES, ids=["test-key", "live-key"])
async def test_a_school_of_the_other_mode_is_none(
    world: World, own: Mode, other: Mode, method: str, path: str, body: Any
) -> None:
    there = await world.add(other, "Hillside", WONDE)
    nowhere = there.replace("hillside", "nowhere")

    answer = await world.call(own, method, path.replace("{school}", there), json=body)
    unknown = await world.call(own, method, path.replace("{school}", nowhere), json=body)
    in_own_mode = await world.call(own, method, path.replace("{school}", "nowhere"), json=body)

    assert answer.status_code == unknown.status_code == in_own_mode.status_code == 404
    assert codes(answer) == codes(unknown) == codes(in_own_mode) == ["school_unknown"]
    assert answer.text.replace("hillside", "nowhere") == unknown.text
    assert (await world.services.registry.get(there)).name.startswith("Hillside")


@pytest.mark.parametrize("path", ["/v1/writebacks", "/v1/writebacks/counts", "/v1/batches", "/v1/audit"])
async def test_filters_find_nothing_of_the_other_mode(world: World, path: str) -> None:
    there = await world.add(Mode.LIVE, "Hillside", WONDE)

    answer = await world.call(Mode.TEST, "GET", path, params={"school": there})
    unknown = await world.call(Mode.TEST, "GET", path, params={"school": "nowhere"})

    assert answer.json() == unknown.json()


@pytest.mark.parametrize(("own", "other"), SIDES, ids=["test-key", "live-key"])
async def test_lists_have_schools_of_the_keys_mode_alone(world: World, own: Mode, other: Mode) -> None:
    mine = await world.add(own, "Hillside", WONDE)
    await world.add(other, "Hillside", WONDE)

    shown = (await world.call(own, "GET", "/v1/schools")).json()["items"]

    assert [(one["id"], one["mode"]) for one in shown] == [(mine, own)]


async def test_a_test_key_does_nothing_that_concerns_live_schools(world: World) -> None:
    await world.call(Mode.LIVE, "GET", "/v1/keys")

    answers = [
        await world.call(Mode.TEST, "GET", "/v1/keys"),
        await world.call(Mode.TEST, "POST", "/v1/keys", json={"app": "Mine", "scopes": ["admin"]}),
        await world.call(Mode.TEST, "GET", "/v1/hooks"),
        await world.call(Mode.TEST, "GET", "/v1/providers/wonde/schools"),
        await world.call(Mode.TEST, "POST", "/v1/apps/registers/remove", json={"reason": "mine"}),
        await world.call(Mode.TEST, "POST", "/v1/schools", json={"name": "Live", "mode": "live", **WONDE}),
    ]

    assert [answer.status_code for answer in answers] == [403] * len(answers)
    assert {code for answer in answers for code in codes(answer)} == {"key_is_test"}
    assert world.real.heard == b""


async def test_a_key_cannot_be_made_for_schools_of_the_other_mode(world: World) -> None:
    live, test = await world.add(Mode.LIVE, "Hillside", WONDE), await world.add(Mode.TEST, "Hillside", WONDE)

    for mode, schools in ((Mode.TEST, [live]), (Mode.LIVE, [test])):
        wanted = {"app": "Registers", "scopes": ["submit"], "mode": mode, "schools": schools}
        assert codes(await world.call(Mode.LIVE, "POST", "/v1/keys", json=wanted)) == ["school_unknown"]


@pytest.mark.parametrize("app", ["Registers", "registers", "test_registers", "Registers (test)"])
async def test_no_name_makes_a_key_of_one_mode_one_of_the_other(world: World, app: str) -> None:
    for mode in (Mode.LIVE, Mode.TEST, Mode.LIVE, Mode.TEST):
        made = await world.services.keys.create(app, "", [Scope.SUBMIT], mode=mode)
        caller = await world.services.keys.authenticate(made.key)
        rotated = await world.services.keys.rotate(made.id)

        assert made.mode == caller.mode == rotated.mode == mode
        assert (await world.services.keys.authenticate(rotated.key)).mode == mode
        assert made.key.startswith("wbk_test_") == rotated.key.startswith("wbk_test_") == (mode is Mode.TEST)


@pytest.mark.parametrize("mode", ["test", "live"])
async def test_a_school_keeps_its_mode(world: World, mode: str) -> None:
    school = await world.add(Mode(mode), "Hillside", WONDE)
    other = Mode.LIVE if mode == "test" else Mode.TEST

    same = await world.call(Mode(mode), "PATCH", f"/v1/schools/{school}", json={"mode": mode, "id": school})
    changed = await world.call(Mode(mode), "PATCH", f"/v1/schools/{school}", json={"mode": other})

    assert same.status_code == 200
    assert codes(changed) == ["school_mode_fixed"]


async def test_no_live_school_can_have_a_test_schools_id(world: World) -> None:
    wanted = {"name": "Hillside", "id": "test_hillside", "mode": "live", **WONDE}

    answer = await world.call(Mode.LIVE, "POST", "/v1/schools", json=wanted)

    assert codes(answer) == ["mode_of_another_id"]


async def test_a_live_admin_may_register_a_test_school_and_then_not_see_it(world: World) -> None:
    """Somebody has to: such a key can make itself a test key anyway."""
    school = await world.add(Mode.LIVE, "Hillside", WONDE, mode="test")

    assert school == "test_hillside"
    assert (await world.services.registry.get(school)).name == "Hillside (test)"
    assert (await world.call(Mode.LIVE, "GET", f"/v1/schools/{school}")).status_code == 404
    assert (await world.call(Mode.TEST, "GET", f"/v1/schools/{school}")).status_code == 200


# --- apps


async def test_idempotency_keys_of_one_mode_say_nothing_to_the_other(world: World) -> None:
    """An app that tries out what it will send sends the same keys."""
    live, test = await world.add(Mode.LIVE, "Hillside", WONDE), await world.add(Mode.TEST, "Hillside", WONDE)
    body = {"kind": "attendance.session", "records": [{"student_id": "S1", "date": "2026-01-12", "session": "AM"}]}

    for mode, school in ((Mode.LIVE, live), (Mode.TEST, test)):
        answer = await world.call(
            mode, "POST", f"/v1/schools/{school}/writebacks", json=body, headers={"idempotency-key": "one"}
        )
        assert answer.status_code == 422, answer.text  # it has no code; not 409


async def test_webhooks_of_one_mode_are_not_there_for_the_other(world: World) -> None:
    made = await world.call(Mode.LIVE, "POST", "/v1/webhooks", json={"url": "https://app.example/hook"})
    webhook = made.json()["id"]

    assert (await world.call(Mode.TEST, "GET", f"/v1/webhooks/{webhook}")).status_code == 404
    assert (await world.call(Mode.TEST, "GET", "/v1/webhooks")).json()["items"] == []
    stolen = {"url": "https://evil.example/hook", "app": made.json()["app"]}
    assert (await world.call(Mode.TEST, "POST", "/v1/webhooks", json=stolen)).status_code == 403


# --- drop-in endpoints


async def test_wondes_drop_in_endpoint_has_schools_of_the_keys_mode(world: World) -> None:
    """Both have the same id with Wonde: the key alone says which is meant."""
    await world.add(Mode.LIVE, "Hillside", WONDE)
    await world.add(Mode.TEST, "Playground", WONDE)

    for mode, name in ((Mode.LIVE, "Hillside"), (Mode.TEST, "Playground (test)")):
        listed = (await world.call(mode, "GET", "/wonde/v1.0/schools")).json()["data"]
        one = (await world.call(mode, "GET", "/wonde/v1.0/schools/A1")).json()["data"]
        assert [school["name"] for school in listed] == [one["name"]] == [name]
    for own, other in ((Mode.LIVE, "test_playground"), (Mode.TEST, "hillside")):
        assert (await world.call(own, "GET", f"/wonde/v1.0/schools/{other}")).status_code == 404


async def test_what_is_read_through_wondes_endpoint_with_a_test_key_comes_from_the_sandbox(world: World) -> None:
    await world.add(Mode.LIVE, "Hillside", WONDE)
    await world.add(Mode.TEST, "Playground", WONDE)

    await world.call(Mode.TEST, "GET", "/wonde/v1.0/schools/A1/students")

    assert b"GET /v1.0/schools/A1/students" in world.sandbox.heard
    assert world.real.heard == b""


async def test_xporters_token_service_gives_a_test_key_tokens_for_test_schools(world: World) -> None:
    await world.add(Mode.LIVE, "Riverbank", XPORTER)
    asked = {"estab": "8301234", "relyingParty": "app.example", "thirdpartyid": "XporterOnDemand"}

    async def token(mode: Mode) -> str | None:
        await world.call(mode, "GET", "/v1/schools")
        body = {**asked, "password": world.keys[mode]}
        answer = await world.http.post("/xporter/idaas/sts/STS/GetToken", json=body)
        given: str | None = answer.json()["token"]
        return given

    assert await token(Mode.LIVE) is not None
    assert await token(Mode.TEST) is None, "only a live school has this estab"
    await world.add(Mode.TEST, "Playground", XPORTER)
    granted = await token(Mode.TEST)
    assert granted is not None
    details = await world.http.get("/xporter/api/v1/TokenDetails", headers={"authorization": f"Idaas {granted}"})
    assert details.json()["Estab"] == "8301234"
    assert world.services.drop_in.granted(granted).school == "test_playground"  # type: ignore[union-attr]
