"""Schools registered, tried and changed at the console, against the simulated providers over HTTP."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlmodel import select

from tests.console.conftest import SignIn
from tests.secret_key import SECRET_KEY
from writeback.core.clock import FakeClock
from writeback.core.settings import Settings
from writeback.domain.actor import SERVICE
from writeback.domain.lookups import ListName
from writeback.flow.schools.sync import FIRST_LISTS, LISTS_FAILED
from writeback.sandbox.testing import RunningSandbox, running_sandbox
from writeback.store.tables import AuditRow, SchoolRow
from writeback.wiring import Services

ORIGIN = "http://console.example"
TOKEN, SECRET = "wonde-secret-of-hillside", "xporter-secret-of-riverbank"
HILLSIDE = {
    "provider": "wonde",
    "name": "Hillside",
    "mis": "SIMS",
    "provider_school_id": "A1930499544",
    "credentials.token": TOKEN,
}
RIVERBANK = {"provider": "xporter", "name": "Riverbank", "mis": "SIMS", "provider_school_id": "3015401"}


@pytest.fixture
async def sandbox(fake_clock: FakeClock) -> AsyncIterator[RunningSandbox]:
    async with running_sandbox(fake_clock) as running, httpx.AsyncClient() as http:
        for provider, entry, secret in (
            ("wonde", HILLSIDE, {"token": TOKEN}),
            ("xporter", RIVERBANK, {"secret": SECRET}),
        ):
            seeded = {"provider": provider, "id": entry["provider_school_id"], "name": entry["name"], "mis": "SIMS"}
            answer = await http.post(f"{running.url}/_sandbox/schools", json={**seeded, **secret, "pupils": 30})
            assert answer.status_code == 201, answer.text
        yield running


@pytest.fixture
def settings(tmp_path: Path, sqlite_url: str, redis_url: str, sandbox: RunningSandbox) -> Settings:
    of_sandbox: dict[str, Any] = {
        "wonde": {"base_url": f"{sandbox.url}/v1.0", "token": TOKEN},
        "xporter": {"base_url": sandbox.url, "sts_url": f"{sandbox.url}/idaas/sts/STS/GetToken"},
    }
    return Settings(
        data_dir=tmp_path,
        database_url=sqlite_url,
        redis_url=redis_url,
        secret_key=SECRET_KEY,
        public_url=ORIGIN,
        **of_sandbox,
    )


async def _audited(services: Services, action: str) -> Sequence[tuple[str, str, str, Mapping[str, Any]]]:
    async with services.reads.db.read() as session:
        rows = (await session.exec(select(AuditRow).where(AuditRow.action == action))).all()
    return [(row.actor, row.subject, row.reason, row.changed) for row in rows]


async def _row(services: Services, school: str) -> SchoolRow:
    async with services.reads.db.read() as session:
        return (await session.exec(select(SchoolRow).where(SchoolRow.id == school))).one()


async def _schools(services: Services) -> list[str]:
    return [one.id for one in (await services.registry.list(limit=10)).items]


async def test_school_is_tried_then_registered_and_its_credentials_are_shown_nowhere(
    sign_in: SignIn, services: Services
) -> None:
    admin = await sign_in("admin", name="ann")

    done = await admin.post("/schools/new", HILLSIDE)
    page = await admin.get("/schools/hillside")
    connection = await admin.get("/schools/hillside/connection")

    assert done.headers["location"] == "/console/schools/hillside", done.text
    assert "Wonde takes these, and knows the school." in page.text
    assert (await services.registry.account("hillside")).credentials["token"] == TOKEN
    for answer in (done, page, connection, await admin.get("/audit")):
        assert TOKEN not in answer.text
    assert TOKEN not in (await _row(services, "hillside")).credentials
    assert await _audited(services, "school.test") == [
        ("staff:ann", "hillside", "", {"provider": "wonde", "takes_them": True})
    ]
    assert [one[:2] for one in await _audited(services, "school.add")] == [("staff:ann", "hillside")]


async def test_school_whose_credentials_are_refused_is_not_registered_unless_it_is_meant(
    sign_in: SignIn, services: Services
) -> None:
    admin = await sign_in("admin")
    wrong = {**HILLSIDE, "credentials.token": "another-token"}

    refused = await admin.post("/schools/new", wrong)
    before = await _schools(services)
    await admin.post("/schools/new", {**wrong, "anyway": "yes"})

    assert refused.status_code == 422
    assert "The provider refuses our credentials" in refused.text
    assert 'value="A1930499544"' in refused.text, "what was typed stays"
    assert "another-token" not in refused.text, "but not a credential"
    assert (before, await _schools(services)) == ([], ["hillside"])


async def test_school_whose_provider_names_another_mis_is_asked_about(sign_in: SignIn, services: Services) -> None:
    admin = await sign_in("admin")

    asked = await admin.post("/schools/new", {**HILLSIDE, "mis": "Arbor"})
    before = await _schools(services)
    await admin.post("/schools/new", {**HILLSIDE, "mis": "sims"})
    changed = await admin.post("/schools/hillside/connection", {"name": "Hillside", "mis": "Arbor"})
    kept = (await services.registry.get("hillside")).mis
    await admin.post("/schools/hillside/connection", {"name": "Hillside", "mis": "Arbor", "anyway": "yes"})

    assert "It says that the MIS is SIMS, not Arbor" in asked.text
    assert (asked.status_code, before) == (422, [])
    assert (changed.status_code, kept) == (422, "sims")
    assert (await services.registry.get("hillside")).mis == "Arbor"


async def test_what_is_wrong_with_an_entry_stands_beside_its_field(sign_in: SignIn, services: Services) -> None:
    admin = await sign_in("admin")
    await admin.post("/schools/new", HILLSIDE)

    wrong = await admin.post("/schools/new", {"provider": "xporter", "provider_school_id": "12", "base_url": "ftp://x"})
    taken = await admin.post("/schools/new", {**HILLSIDE, "id": "another"})
    same_id = await admin.post("/schools/new", {**RIVERBANK, "credentials.secret": SECRET, "id": "hillside"})

    for name in ("name", "mis", "provider_school_id", "base_url", "credentials.secret"):
        assert f'id="e-{name}"' in wrong.text, name
    assert "Type it in: the provider cannot be called without it." in wrong.text
    assert (taken.status_code, 'id="e-provider_school_id"' in taken.text) == (422, True)
    assert (same_id.status_code, 'id="e-id"' in same_id.text) == (422, True)
    assert await _schools(services) == ["hillside"]


async def test_school_is_chosen_from_those_that_the_provider_lists(sign_in: SignIn, services: Services) -> None:
    admin = await sign_in("admin")

    choice = await admin.get("/schools/new")
    listed = await admin.get("/schools/new/listed?provider=wonde")
    form = await admin.get("/schools/new?provider=wonde&listed=A1930499544")
    gone = await admin.get("/schools/new?provider=wonde&listed=A0000000001")
    no_account = await admin.get("/schools/new/listed?provider=xporter")
    filtered = await admin.get("/schools/new/listed?provider=wonde&q=nothing")
    await admin.post("/schools/new", {key: value for key, value in HILLSIDE.items() if key != "credentials.token"})
    after = await admin.get("/schools/new/listed?provider=wonde")

    assert "Choose from Wonde’s list" in choice.text
    assert "Choose from Xporter’s list" not in choice.text, "there is no account of ours"
    assert "listed=A1930499544" in listed.text
    assert ('value="Hillside"' in form.text, 'value="A1930499544"' in form.text) == (True, True)
    assert gone.headers["location"] == "/console/schools/new/listed?provider=wonde"
    assert "there is no token of our account with xporter" in no_account.text
    assert "No school is called that" in filtered.text
    assert (await _row(services, "hillside")).credentials == "", "our account serves it"
    assert 'href="/console/schools/hillside"' in after.text


async def test_new_credentials_are_kept_once_the_provider_takes_them(
    sign_in: SignIn, services: Services, sandbox: RunningSandbox
) -> None:
    admin = await sign_in("admin", name="ann")
    await admin.post("/schools/new", {**RIVERBANK, "credentials.secret": SECRET})
    path, entry = (
        "/schools/riverbank/connection",
        {name: value for name, value in RIVERBANK.items() if name != "provider"},
    )
    sandbox.state.schools["3015401"].secret = "another-secret"

    stored = await admin.post(path, {"test": "yes"})
    wrong = await admin.post(path, {**entry, "credentials.secret": "mistyped", "reason": "it ran out"})
    kept = (await services.registry.account("riverbank")).credentials["secret"]
    only_tried = await admin.post(path, {**entry, "credentials.secret": "another-secret", "test": "yes"})
    still = (await services.registry.account("riverbank")).credentials["secret"]
    right = await admin.post(path, {**entry, "credentials.secret": " another-secret ", "reason": "it ran out"})

    assert "The provider refuses our credentials" in stored.text
    assert (wrong.status_code, "mistyped" in wrong.text) == (422, False)
    assert 'name="anyway"' in wrong.text
    assert (kept, still) == (SECRET, SECRET)
    assert "Xporter takes these" in only_tried.text
    assert right.headers["location"] == "/console/schools/riverbank"
    services.registry.forget("riverbank")
    assert (await services.registry.account("riverbank")).credentials["secret"] == "another-secret"
    (changed,) = await _audited(services, "school.change")
    assert (changed[:3], changed[3]["fields"]) == (("staff:ann", "riverbank", "it ran out"), ["credentials"])


async def test_name_is_changed_without_asking_and_nothing_without_a_change(
    sign_in: SignIn, services: Services, sandbox: RunningSandbox
) -> None:
    admin = await sign_in("admin")
    await admin.post("/schools/new", HILLSIDE)
    sandbox.state.schools["A1930499544"].secret = "another"
    same = {"name": "Hillside", "mis": "SIMS", "provider_school_id": "A1930499544", "base_url": ""}

    await admin.post("/schools/hillside/connection", same)
    unchanged = await _audited(services, "school.change")
    await admin.post("/schools/hillside/connection", {**same, "name": "Hillside School"})
    moved = await admin.post("/schools/hillside/connection", {**same, "base_url": "http://elsewhere.example"})

    assert unchanged == []
    assert (await services.registry.get("hillside")).name == "Hillside School"
    assert (moved.status_code, 'id="e-base_url"' in moved.text) == (422, True)


@pytest.mark.parametrize("role", ["viewer", "support"])
async def test_schools_are_registered_and_connected_by_administrators(
    sign_in: SignIn, services: Services, role: str
) -> None:
    await (await sign_in("admin")).post("/schools/new", HILLSIDE)
    visitor, limited = await sign_in(role), await sign_in("admin", schools=["hillside"])

    answers = [
        await one.get(path)
        for one in (visitor, limited)
        for path in ("/schools/new", "/schools/new/listed?provider=wonde", "/schools/hillside/connection")
    ]
    answers += [await one.post("/schools/new", RIVERBANK) for one in (visitor, limited)]
    answers += [await one.post("/schools/hillside/connection", {"test": "yes"}) for one in (visitor, limited)]

    assert {one.status_code for one in answers} == {403}
    assert len(await _audited(services, "school.test")) == 1, "of whoever registered it"


async def test_full_sync_shows_how_far_it_is_and_what_could_not_be_fetched(
    sign_in: SignIn, services: Services, sandbox: RunningSandbox, fake_clock: FakeClock
) -> None:
    await (await sign_in("admin")).post("/schools/new", HILLSIDE)
    support = await sign_in("support", name="sam")
    await services.sync.sync_due("hillside")
    fake_clock.advance(timedelta(minutes=5))

    await support.post("/schools/hillside/sync", {"full": "1"})
    begun = await support.get("/schools/hillside")
    account = await services.registry.account("hillside")
    await services.sync.sync_lists(account, FIRST_LISTS[:2], full_since=fake_clock.now())
    halfway = await support.get("/schools/hillside/full-sync/live")
    await services.sync.sync_due("hillside")
    over = await support.get("/schools/hillside/full-sync/live")
    fake_clock.advance(timedelta(hours=2))
    later = await support.get("/schools/hillside")

    assert '<progress id="full-sync-progress"' in begun.text
    assert 'value="0"' in begun.text
    assert 'value="2"' in halfway.text
    assert "All of its lists were fetched from the beginning." in over.text
    assert "data-ended" in over.text
    assert "full-sync" not in later.text
    assert [one[:2] for one in await _audited(services, "school.sync")] == [("staff:sam", "hillside")]


async def test_full_sync_names_the_lists_that_could_not_be_fetched(
    sign_in: SignIn, services: Services, fake_clock: FakeClock
) -> None:
    await (await sign_in("admin")).post("/schools/new", HILLSIDE)
    support = await sign_in("support")
    await services.full_syncs.ask("hillside", SERVICE)
    async with services.reads.db.write() as session:
        row = await session.get(SchoolRow, "hillside")
        assert row is not None
        row.provider_school_id = "A0000000009"  # which nobody knows there
    services.registry.forget("hillside")

    fake_clock.advance(timedelta(minutes=2))
    await services.sync.sync_due("hillside")
    page = await support.get("/schools/hillside")

    failed = (await _row(services, "hillside")).facts[LISTS_FAILED]
    assert ListName.STUDENTS in failed
    assert "Not all of its lists could be fetched." in page.text
    assert f"Pupils: {failed[ListName.STUDENTS]}." in page.text.replace("&#39;", "'")
