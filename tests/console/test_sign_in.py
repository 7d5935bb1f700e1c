"""Signing in and out: cookies, failures, limits, time running out; all of it in the audit log."""

from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from ipaddress import ip_network

import httpx
import pytest

from tests.console.conftest import ORIGIN, PASSWORD, SignIn, Visitor, token_in
from tests.secret_key import SECRET_KEY
from writeback.console import create_console
from writeback.console.security.forms_and_headers import Csrf
from writeback.core.clock import FakeClock
from writeback.core.secrets import SecretBox
from writeback.core.settings import ApiSettings, ConsoleSettings, Settings
from writeback.domain.staff import Person, Role
from writeback.store.people.audit import AuditFilter
from writeback.store.tables import StaffSessionRow
from writeback.wiring import Services, open_services

Visit = Callable[[], Visitor]


@pytest.fixture
async def ann(services: Services) -> str:
    await services.staff.accounts.add("Ann@Example.org", Role.ADMIN, password=PASSWORD)
    return "ann@example.org"


async def _sign_in(visitor: Visitor, name: str, password: str = PASSWORD, **options: str) -> httpx.Response:
    token = token_in(await visitor.get("/sign-in"))
    headers = {"Origin": ORIGIN, **options}
    return await visitor.post("/sign-in", {"name": name, "password": password}, token=token, headers=headers)


async def _actions(services: Services) -> list[str]:
    person = Person("stf_1", "somebody", Role.ADMIN)
    page = await services.corrections.audit.list(person.caller, AuditFilter(action="staff."), limit=50)
    return [entry.action for entry in reversed(page.items)]


async def test_who_is_not_signed_in_is_sent_to_the_sign_in_page_and_on_from_there(visit: Visit, ann: str) -> None:
    visitor = visit()
    sent = await visitor.get("/reports?school=hillside")
    assert sent.status_code == 303
    form = await visitor.http.get(sent.headers["location"])

    answer = await visitor.post(
        "/sign-in",
        {"name": ann, "password": PASSWORD, "next": "/reports?school=hillside"},
        token=token_in(form),
    )

    assert sent.headers["location"] == "/console/sign-in?next=%2Freports%3Fschool%3Dhillside"
    assert answer.status_code == 303
    assert answer.headers["location"] == "/console/reports?school=hillside"


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example", "/\\evil.example", "/../../v1", "x"])
async def test_signing_in_leads_to_no_other_site(visit: Visit, ann: str, elsewhere: str) -> None:
    visitor = visit()
    token = token_in(await visitor.get("/sign-in"))

    answer = await visitor.post("/sign-in", {"name": ann, "password": PASSWORD, "next": elsewhere}, token=token)

    assert answer.headers["location"] == "/console/now"


async def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(visit: Visit, ann: str) -> None:
    answer = await _sign_in(visit(), ann)

    cookie = next(one for one in answer.headers.get_list("set-cookie") if one.startswith("wb_console="))
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Path=/" in cookie
    assert "Domain" not in cookie


async def test_with_https_the_cookie_is_bound_to_the_host(settings: Settings, fake_clock: FakeClock) -> None:
    secure = settings.model_copy(update={"public_url": "https://console.example"})
    async with open_services(secure, clock=fake_clock) as services:
        await services.staff.accounts.add("ann", Role.VIEWER, password=PASSWORD)
        transport = httpx.ASGITransport(create_console(services))
        async with httpx.AsyncClient(transport=transport, base_url="https://console.example") as http:
            form = await http.get("/console/sign-in")
            data = {"csrf": token_in(form), "name": "ann", "password": PASSWORD}
            answer = await http.post("/console/sign-in", data=data, headers={"Origin": "https://console.example"})

    cookie = next(one for one in answer.headers.get_list("set-cookie") if one.startswith("__Host-wb_console="))
    assert "Secure" in cookie
    assert "strict-transport-security" in answer.headers


async def test_only_a_hash_of_the_cookie_is_kept(services: Services, visit: Visit, ann: str) -> None:
    visitor = visit()
    await _sign_in(visitor, ann)

    async with services.reads.db.read() as session:
        row = await session.get(StaffSessionRow, visitor.http.cookies["wb_console"])

    assert row is None


async def test_a_wrong_password_and_an_unknown_name_read_the_same(visit: Visit, ann: str) -> None:
    wrong = await _sign_in(visit(), ann, "not the password")
    unknown = await _sign_in(visit(), "nobody@example.org", "not the password")

    assert wrong.status_code == unknown.status_code == 401
    assert "The name or the password is wrong" in wrong.text
    assert "The name or the password is wrong" in unknown.text
    assert "not the password" not in wrong.text


async def test_a_disabled_account_cannot_sign_in(services: Services, visit: Visit, ann: str) -> None:
    await services.staff.accounts.disable(ann)

    answer = await _sign_in(visit(), ann)

    assert answer.status_code == 401


async def test_an_account_that_fails_too_often_waits_with_the_right_password_too(
    services: Services, visit: Visit, ann: str, fake_clock: FakeClock
) -> None:
    limit = services.settings.console.tries_per_account
    for _ in range(limit):
        assert (await _sign_in(visit(), ann, "wrong wrong wrong")).status_code == 401

    blocked = await _sign_in(visit(), ann)
    fake_clock.advance(timedelta(seconds=services.settings.console.tries_forgotten_after_s))
    let_in = await _sign_in(visit(), ann)

    assert blocked.status_code == 429
    assert int(blocked.headers["retry-after"]) > 0
    assert "Wait 15 minutes" in blocked.text
    assert let_in.status_code == 303
    assert (await _actions(services)).count("staff.sign_in_blocked") == 1


async def test_an_address_that_fails_too_often_waits_whatever_account_it_tries(
    settings: Settings, fake_clock: FakeClock
) -> None:
    strict = settings.model_copy(update={"console": ConsoleSettings(tries_per_address=3)})
    async with open_services(strict, clock=fake_clock) as services:
        app = create_console(services)
        statuses = []
        for number in range(5):
            async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=ORIGIN) as http:
                visitor = Visitor(http)
                # Anybody may send this header: it counts only where a proxy that we trust has sent it.
                forged = {"X-Forwarded-For": f"10.0.0.{number}"}
                statuses.append((await _sign_in(visitor, f"name-{number}", "wrong wrong", **forged)).status_code)

    assert statuses == [401, 401, 401, 429, 429]


async def test_behind_a_trusted_proxy_the_address_that_it_names_waits(
    settings: Settings, fake_clock: FakeClock
) -> None:
    proxied = ApiSettings(trusted_proxies=[ip_network("127.0.0.0/8")])
    strict = settings.model_copy(update={"console": ConsoleSettings(tries_per_address=1), "api": proxied})
    async with open_services(strict, clock=fake_clock) as services:
        app = create_console(services)
        statuses = []
        for address in ("203.0.113.7", "203.0.113.7", "203.0.113.8"):
            async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=ORIGIN) as http:
                named = {"X-Forwarded-For": f"198.51.100.1, {address}"}
                statuses.append((await _sign_in(Visitor(http), "ann", "wrong wrong", **named)).status_code)

    assert statuses == [401, 429, 401]


@pytest.mark.parametrize("is_chunked", [False, True])
async def test_a_form_of_a_stranger_that_is_long_or_of_unknown_length_is_not_read(
    visit: Visit, is_chunked: bool
) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        raise AssertionError("somebody reads it")
        yield b""

    length = {} if is_chunked else {"Content-Length": "20000"}
    response = await visit().http.post(
        "/console/sign-in",
        content=pieces(),
        headers={"Content-Type": "application/x-www-form-urlencoded", "Origin": ORIGIN, **length},
    )

    assert response.status_code == 413


async def test_sign_ins_that_succeed_do_not_use_an_address_up(settings: Settings, fake_clock: FakeClock) -> None:
    strict = settings.model_copy(update={"console": ConsoleSettings(tries_per_address=2)})
    async with open_services(strict, clock=fake_clock) as services:
        await services.staff.accounts.add("ann", Role.VIEWER, password=PASSWORD)
        app = create_console(services)
        for _ in range(4):
            async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=ORIGIN) as http:
                assert (await _sign_in(Visitor(http), "ann")).status_code == 303


async def test_whoever_does_nothing_is_signed_out(services: Services, sign_in: SignIn, fake_clock: FakeClock) -> None:
    visitor = await sign_in("viewer")
    idle = timedelta(seconds=services.settings.console.idle_timeout_s)

    fake_clock.advance(idle - timedelta(seconds=1))
    in_time = await visitor.get("/account")
    fake_clock.advance(idle - timedelta(seconds=1))
    still = await visitor.get("/account")
    fake_clock.advance(idle)
    late = await visitor.get("/account")

    assert [in_time.status_code, still.status_code, late.status_code] == [200, 200, 303]


async def test_a_page_that_refreshes_by_itself_keeps_nobody_signed_in(
    services: Services, sign_in: SignIn, fake_clock: FakeClock
) -> None:
    visitor = await sign_in("viewer")
    half = timedelta(seconds=services.settings.console.idle_timeout_s / 2)

    fake_clock.advance(half)
    polled = await visitor.get("/now/live", headers={"X-Live": "1"})
    fake_clock.advance(half)
    late = await visitor.get("/now/live", headers={"X-Live": "1"})

    assert polled.status_code == 200
    assert late.status_code == 401


async def test_a_session_ends_however_busy_it_is(services: Services, sign_in: SignIn, fake_clock: FakeClock) -> None:
    visitor = await sign_in("viewer")
    for _ in range(int(services.settings.console.session_s / 1_800) - 1):
        fake_clock.advance(timedelta(minutes=30))
        assert (await visitor.get("/account")).status_code == 200

    fake_clock.advance(timedelta(minutes=30))

    assert (await visitor.get("/account")).status_code == 303


async def test_signing_out_ends_the_session_here_and_nowhere_else(sign_in: SignIn) -> None:
    here, there = await sign_in(name="ann"), await sign_in(name="ann")
    cookie = here.http.cookies["wb_console"]

    answer = await here.post("/sign-out")
    here.http.cookies.set("wb_console", cookie)

    assert answer.headers["location"] == "/console/sign-in"
    assert (await here.get("/account")).status_code == 303
    assert (await there.get("/account")).status_code == 200


async def test_signing_out_everywhere_ends_them_all(services: Services, sign_in: SignIn) -> None:
    here, there, other = await sign_in(name="ann"), await sign_in(name="ann"), await sign_in(name="bob")

    await here.post("/sign-out-everywhere")

    assert (await there.get("/account")).status_code == 303
    assert (await other.get("/account")).status_code == 200


async def test_disabling_an_account_or_changing_its_password_ends_its_sessions(
    services: Services, sign_in: SignIn
) -> None:
    disabled, changed = await sign_in(name="ann"), await sign_in(name="bob")

    await services.staff.accounts.disable("ann")
    await services.staff.accounts.set_password("bob", "another few words")

    assert (await disabled.get("/account")).status_code == 303
    assert (await changed.get("/account")).status_code == 303


async def test_another_role_holds_from_the_next_page_on(services: Services, sign_in: SignIn) -> None:
    visitor = await sign_in("admin", name="ann")

    await services.staff.accounts.set_role("ann", Role.VIEWER)

    assert "Viewer" in (await visitor.get("/account")).text


async def test_signing_in_gives_another_session_than_before(visit: Visit, ann: str) -> None:
    visitor = visit()
    await _sign_in(visitor, ann)
    first = visitor.http.cookies["wb_console"]
    token = await visitor.token()

    await visitor.post("/sign-in", {"name": ann, "password": PASSWORD}, token=token)
    second = visitor.http.cookies["wb_console"]
    visitor.http.cookies.set("wb_console", first)

    assert second != first
    assert (await visitor.get("/account")).status_code == 303


async def test_signing_in_failing_and_signing_out_is_in_the_audit_log(
    services: Services, visit: Visit, ann: str
) -> None:
    visitor = visit()
    await _sign_in(visitor, ann, "not the password")
    await _sign_in(visitor, "nobody@example.org", "not the password")
    await _sign_in(visitor, ann)
    await visitor.post("/sign-out")

    actions = await _actions(services)

    assert actions == [
        "staff.add",
        "staff.sign_in_failed",
        "staff.sign_in_failed",
        "staff.sign_in",
        "staff.sign_out",
    ]


async def test_passwords_can_be_turned_off(settings: Settings, fake_clock: FakeClock) -> None:
    without = settings.model_copy(update={"console": ConsoleSettings(passwords=False)})
    async with open_services(without, clock=fake_clock) as services:
        await services.staff.accounts.add("ann", Role.ADMIN, password=PASSWORD)
        transport = httpx.ASGITransport(create_console(services))
        async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as http:
            visitor = Visitor(http)
            form = await visitor.get("/sign-in")
            assert 'type="password"' not in form.text
            before = http.cookies["wb_console_before"]
            token = Csrf(SecretBox(SECRET_KEY), ORIGIN).token(f"before:{before}")
            answer = await visitor.post("/sign-in", {"name": "ann", "password": PASSWORD}, token=token)

    assert answer.status_code == 401
