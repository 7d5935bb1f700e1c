"""The second factor: set up, asked for at each sign-in, its codes good for once, and taken away by who may."""

import re
from collections.abc import Awaitable, Callable
from datetime import timedelta

import httpx
import pyotp
import pytest
from sqlmodel import Session

from tests.console.conftest import PASSWORD, SignIn, Visitor, token_in
from writeback.console import create_console
from writeback.core.clock import FakeClock
from writeback.core.secrets import SecretBox
from writeback.core.settings import ConsoleSettings, Settings
from writeback.domain.staff import Person, Role
from writeback.store.people import staff as store
from writeback.store.people.audit import AuditFilter
from writeback.wiring import Services, open_services

Visit = Callable[[], Visitor]


@pytest.fixture
async def ann(services: Services) -> str:
    await services.staff.accounts.add("ann", Role.ADMIN, password=PASSWORD)
    return "ann"


async def _by_password(visitor: Visitor, name: str = "ann", password: str = PASSWORD) -> httpx.Response:
    token = token_in(await visitor.get("/sign-in"))
    return await visitor.post("/sign-in", {"name": name, "password": password}, token=token)


async def _by_code(visitor: Visitor, code: str) -> httpx.Response:
    token = token_in(await visitor.get("/sign-in/code"))
    return await visitor.post("/sign-in/code", {"code": code}, token=token)


async def _set_up(visitor: Visitor, clock: FakeClock) -> tuple[pyotp.TOTP, list[str]]:
    """Set it up as a person does; return their app, and the recovery codes."""
    begun = await visitor.post("/account/second-factor/begin", {"password": PASSWORD})
    assert begun.headers["location"] == "/console/account/second-factor", begun.text
    page = (await visitor.get("/account/second-factor")).text
    found = re.search(r'<code class="secret">([A-Z2-7]+)</code>', page)
    assert found
    phone = pyotp.TOTP(found[1])
    done = await visitor.post("/account/second-factor/confirm", {"code": phone.at(clock.now())})
    listed = re.search(r"<textarea[^>]*>([^<]+)</textarea>", done.text)
    assert listed, done.text
    return phone, listed[1].split()


async def _audited(services: Services) -> list[tuple[str, str]]:
    person = Person("stf_1", "somebody", Role.ADMIN)
    page = await services.corrections.audit.list(person.caller, AuditFilter(action="staff."), limit=100)
    return [(entry.actor, entry.action) for entry in reversed(page.items)]


async def _is_in(visitor: Visitor) -> bool:
    return (await visitor.get("/account")).status_code == 200


async def test_once_set_up_the_password_alone_lets_nobody_in_and_the_code_does(
    visit: Visit, ann: str, fake_clock: FakeClock
) -> None:
    first = visit()
    await _by_password(first)
    phone, _ = await _set_up(first, fake_clock)
    fake_clock.advance(timedelta(minutes=2))
    second = visit()

    half_way = await _by_password(second)

    assert half_way.headers["location"] == "/console/sign-in/code"
    assert not await _is_in(second)
    entered = await _by_code(second, phone.at(fake_clock.now()))
    assert entered.headers["location"] == "/console/now"
    assert await _is_in(second)


async def test_a_code_that_was_used_is_not_taken_again_nor_an_earlier_one(
    visit: Visit, ann: str, fake_clock: FakeClock
) -> None:
    """Whoever looks over somebody's shoulder has it for half a minute."""
    first = visit()
    await _by_password(first)
    phone, _ = await _set_up(first, fake_clock)
    fake_clock.advance(timedelta(minutes=2))
    code, before = phone.at(fake_clock.now()), phone.at(fake_clock.now(), counter_offset=-1)
    await _by_password(second := visit())
    assert (await _by_code(second, code)).status_code == 303

    for late in (code, before):
        await _by_password(stranger := visit())
        answer = await _by_code(stranger, late)

        assert answer.status_code == 401
        assert "used before" in answer.text
        assert not await _is_in(stranger)


async def test_a_phone_whose_clock_is_half_a_minute_off_is_believed_and_no_more(
    visit: Visit, ann: str, fake_clock: FakeClock
) -> None:
    await _by_password(first := visit())
    phone, _ = await _set_up(first, fake_clock)
    for offset, expected in ((3, 401), (-3, 401), (1, 303)):
        fake_clock.advance(timedelta(minutes=5))
        await _by_password(visitor := visit())
        assert (await _by_code(visitor, phone.at(fake_clock.now(), counter_offset=offset))).status_code == expected


async def test_a_recovery_code_lets_in_once_however_it_is_written(
    visit: Visit, ann: str, fake_clock: FakeClock, services: Services
) -> None:
    await _by_password(first := visit())
    _, codes = await _set_up(first, fake_clock)
    assert len(set(codes)) == 10

    await _by_password(second := visit())
    assert (await _by_code(second, f" {codes[3].upper().replace('-', ' ')} ")).status_code == 303
    await _by_password(third := visit())
    assert (await _by_code(third, codes[3])).status_code == 401

    assert "9 recovery codes left" in (await second.get("/account/second-factor")).text
    assert ("staff:ann", "staff.recovery_code_used") in await _audited(services)


async def test_guesses_of_somebody_who_has_the_password_are_bounded_and_do_not_lock_the_owner_out(
    visit: Visit, ann: str, fake_clock: FakeClock, settings: Settings, services: Services
) -> None:
    owner = visit()
    await _by_password(owner)
    phone, _ = await _set_up(owner, fake_clock)
    await owner.post("/sign-out")
    fake_clock.advance(timedelta(minutes=2))
    thief = visit()
    await _by_password(thief)

    answers = [
        (await _by_code(thief, f"{guess:06}")).status_code for guess in range(settings.console.tries_per_account + 2)
    ]

    assert answers == [401] * settings.console.tries_per_account + [429] * 2
    await _by_password(owner)
    assert (await _by_code(owner, phone.at(fake_clock.now()))).status_code == 303
    failed = [one for one in await _audited(services) if one[1] == "staff.sign_in_failed"]
    assert len(failed) == settings.console.tries_per_account


async def test_what_was_half_done_ends_after_five_minutes_and_with_the_password(
    visit: Visit, ann: str, fake_clock: FakeClock, services: Services
) -> None:
    await _by_password(first := visit())
    phone, _ = await _set_up(first, fake_clock)
    fake_clock.advance(timedelta(minutes=2))
    await _by_password(slow := visit())
    fake_clock.advance(timedelta(seconds=301))
    late = await _by_code(slow, phone.at(fake_clock.now()))
    await _by_password(quick := visit())
    fake_clock.advance(timedelta(seconds=1))
    await services.staff.accounts.set_password("ann", "four other words here")

    outdated = await _by_code(quick, phone.at(fake_clock.now()))

    assert "begun too long ago" in late.text
    assert "begun too long ago" in outdated.text


async def test_a_forged_half_is_none(visit: Visit, ann: str) -> None:
    visitor = visit()
    visitor.http.cookies.set("wb_console_half_way", "forged")

    answer = await visitor.get("/sign-in/code")

    assert answer.headers["location"] == "/console/sign-in"


async def test_setting_it_up_asks_for_the_password_and_signs_other_browsers_out(
    visit: Visit, ann: str, fake_clock: FakeClock
) -> None:
    await _by_password(here := visit())
    await _by_password(elsewhere := visit())
    refused = await here.post("/account/second-factor/begin", {"password": "something else"})

    await _set_up(here, fake_clock)

    assert refused.status_code == 401
    assert "the password is wrong" in refused.text
    assert await _is_in(here)
    assert not await _is_in(elsewhere)


async def test_a_wrong_first_code_puts_nothing_into_use(visit: Visit, ann: str) -> None:
    await _by_password(visitor := visit())
    await visitor.post("/account/second-factor/begin", {"password": PASSWORD})

    answer = await visitor.post("/account/second-factor/confirm", {"code": "abcdef"})

    assert answer.status_code == 401
    assert (await _by_password(visit())).headers["location"] == "/console/now"


async def test_turning_it_off_and_new_recovery_codes_take_a_code(visit: Visit, ann: str, fake_clock: FakeClock) -> None:
    """Whoever finds a browser signed in does not take the second factor away with it."""
    await _by_password(visitor := visit())
    phone, codes = await _set_up(visitor, fake_clock)
    for what in ("recovery-codes", "remove"):
        answer = await visitor.post(f"/account/second-factor/{what}", {"code": "000000"})
        assert answer.status_code == 401

    renewed = await visitor.post("/account/second-factor/recovery-codes", {"code": codes[0]})
    assert "Your earlier ones work no longer" in renewed.text
    old = await visitor.post("/account/second-factor/remove", {"code": codes[1]})
    fake_clock.advance(timedelta(minutes=1))
    gone = await visitor.post("/account/second-factor/remove", {"code": phone.at(fake_clock.now())})

    assert old.status_code == 401
    assert gone.status_code == 303
    assert (await _by_password(visit())).headers["location"] == "/console/now"


async def test_whoever_knows_the_password_and_has_a_session_does_not_guess_codes_without_end(
    visit: Visit, ann: str, fake_clock: FakeClock, settings: Settings
) -> None:
    await _by_password(visitor := visit())
    await _set_up(visitor, fake_clock)
    answers = []

    for guess in range(settings.console.tries_per_account + 2):
        answers.append((await visitor.post("/account/second-factor/remove", {"code": f"{guess:06}"})).status_code)
        right = await visitor.post("/account/password", {"password": PASSWORD, "new": "short"})
        assert right.status_code == 422  # the password was right: no count of passwords is left

    assert answers == [401] * settings.console.tries_per_account + [429] * 2


async def test_the_secret_is_sealed_and_recovery_codes_are_hashes(
    visit: Visit, ann: str, fake_clock: FakeClock, services: Services
) -> None:
    await _by_password(visitor := visit())
    phone, codes = await _set_up(visitor, fake_clock)

    async with services.reads.db.read() as session:
        row = await store.find(session, ann)

    assert row is not None
    stored = repr(row.model_dump())
    assert phone.secret not in stored
    assert not any(code in stored or code.replace("-", "") in stored for code in codes)
    assert "totp_secret" not in repr(row)


async def test_under_another_secret_key_a_recovery_code_still_lets_in(
    visit: Visit, ann: str, fake_clock: FakeClock, services: Services
) -> None:
    await _by_password(first := visit())
    phone, codes = await _set_up(first, fake_clock)

    def seal_otherwise(session: Session) -> None:
        row = store.by_name(session, ann)
        assert row is not None
        row.totp_secret = SecretBox("another key").seal({"totp": phone.secret})
        session.add(row)

    await services.reads.db.transact(seal_otherwise)
    fake_clock.advance(timedelta(minutes=1))
    await _by_password(visitor := visit())

    assert (await _by_code(visitor, phone.at(fake_clock.now()))).status_code == 401
    assert (await _by_code(visitor, codes[0])).status_code == 303


async def test_where_it_is_required_nothing_else_is_seen_before(settings: Settings, fake_clock: FakeClock) -> None:
    required = settings.model_copy(update={"console": ConsoleSettings(second_factor=True)})
    async with open_services(required, clock=fake_clock) as services:
        await services.staff.accounts.add("ann", Role.ADMIN, password=PASSWORD)
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(create_console(services)), base_url="http://console.example"
        ) as http:
            visitor = Visitor(http)
            await _by_password(visitor)
            for path in ("/now", "/writebacks", "/staff", "/account"):
                assert (await visitor.get(path)).headers["location"] == "/console/account/second-factor"
            live = await visitor.get("/now", headers={"x-live": "1"})
            form = token_in(await visitor.get("/account/second-factor"))
            made = await visitor.post("/apps/new", {"app": "mine", "scope": "admin"}, token=form)
            await visitor.post("/account/second-factor/begin", {"password": PASSWORD}, token=form)
            page = (await visitor.get("/account/second-factor")).text
            phone = pyotp.TOTP(re.search(r'<code class="secret">([A-Z2-7]+)</code>', page)[1])  # type: ignore[index]
            await visitor.post("/account/second-factor/confirm", {"code": phone.at(fake_clock.now())}, token=form)

            assert live.status_code == 401
            assert made.headers["location"] == "/console/account/second-factor"
            assert not (await services.keys.list(limit=5)).items
            assert await _is_in(visitor)
            fake_clock.advance(timedelta(minutes=1))
            kept = await visitor.post("/account/second-factor/remove", {"code": phone.at(fake_clock.now())})
            assert kept.status_code == 409
            assert "required here" in kept.text


async def test_an_admin_signs_somebody_out_everywhere_and_resets_a_second_factor_with_a_reason(
    visit: Visit, ann: str, sign_in: SignIn, fake_clock: FakeClock, services: Services
) -> None:
    await _by_password(hers := visit())
    await _set_up(hers, fake_clock)
    admin = await sign_in("admin", name="bob")
    account = next(one for one in await services.staff.accounts.list() if one.name == ann)
    asked = await admin.post(f"/staff/{account.id}/sign-out")
    assert "Sign this account out everywhere?" in asked.text
    assert await _is_in(hers)

    await admin.post(f"/staff/{account.id}/sign-out", {"confirmed": "yes", "reason": "a laptop was stolen"})
    assert not await _is_in(hers)
    await admin.post(f"/staff/{account.id}/reset-second-factor", {"confirmed": "yes", "reason": "she lost her phone"})

    assert (await _by_password(visit())).headers["location"] == "/console/now"
    noted = await _audited(services)
    assert ("staff:bob", "staff.sign_out_everywhere") in noted
    assert ("staff:bob", "staff.second_factor_reset") in noted


@pytest.mark.parametrize(("role", "schools"), [("viewer", None), ("support", None), ("admin", ["hillside"])])
async def test_nobody_else_sees_or_changes_accounts(
    visit: Visit,
    ann: str,
    sign_in: SignIn,
    add_school: Callable[..., Awaitable[None]],
    services: Services,
    role: str,
    schools: list[str] | None,
) -> None:
    """An admin of some schools neither: they could become one of all by another's account."""
    await add_school("hillside")
    account = (await services.staff.accounts.list())[0]
    await _by_password(hers := visit())
    other = await sign_in(role, schools=schools)

    seen = await other.get("/staff")
    done = await other.post(f"/staff/{account.id}/sign-out", {"confirmed": "yes", "reason": "x"})

    assert (seen.status_code, done.status_code) == (403, 403)
    assert await _is_in(hers)


async def test_somebody_changes_their_own_password_with_the_present_one_and_is_signed_out_everywhere(
    visit: Visit, ann: str, services: Services
) -> None:
    await _by_password(here := visit())
    await _by_password(elsewhere := visit())
    wrong = await here.post("/account/password", {"password": "not it at all", "new": "another four words"})
    short = await here.post("/account/password", {"password": PASSWORD, "new": "short"})

    done = await here.post("/account/password", {"password": PASSWORD, "new": " another four words"})

    assert (wrong.status_code, short.status_code, done.status_code) == (401, 422, 303)
    assert "the password is wrong" in wrong.text
    assert "has 5 characters" in short.text
    assert not await _is_in(here)
    assert not await _is_in(elsewhere)
    assert (await _by_password(visit())).status_code == 401
    assert (await _by_password(visit(), password=" another four words")).headers["location"] == "/console/now"
    assert ("staff:ann", "staff.password") in await _audited(services)
