"""Whoever knows a name can neither lock that member of staff out nor guess for long: strangers block themselves."""

from collections.abc import AsyncIterator, Callable, Sequence
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from tests.console.conftest import PASSWORD, Visitor, token_in
from tests.secret_key import SECRET_KEY
from writeback.console import create_console
from writeback.core.clock import FakeClock
from writeback.core.errors import Overloaded, Unauthenticated
from writeback.core.settings import ConsoleSettings, Settings
from writeback.domain.staff import Role
from writeback.flow.people import sign_in, tries
from writeback.flow.people.sign_in import Entry
from writeback.wiring import Services, open_services

pytestmark = pytest.mark.usefixtures("cheap_passwords")

LIMITS = ConsoleSettings(tries_per_account=2, tries_of_strangers=5, tries_per_address=8)
HOME, OFFICE = "198.51.100.7", "203.0.113.20"
WRONG = "not the password"
OUT, WAIT, IN = "refused", "too many", "in"


@pytest.fixture
async def services(
    tmp_path: Path, sqlite_url: str, redis_url: str, fake_clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Services]:
    settings = Settings(
        data_dir=tmp_path,
        database_url=sqlite_url,
        redis_url=redis_url,
        secret_key=SECRET_KEY,
        public_url="https://console.example",
        console=LIMITS,
    )
    async with open_services(settings, clock=fake_clock) as opened:
        for name in ("ann", "bob"):
            await opened.staff.accounts.add(name, Role.SUPPORT, password=PASSWORD)
        yield opened


Try = Callable[..., object]


async def _sign_in(services: Services, name: str, password: str, address: str, device: str = "") -> Entry:
    entry = await services.staff.sign_ins.by_password(name, password, address, device)
    assert isinstance(entry, Entry)
    return entry


async def _try(services: Services, name: str, password: str, address: str, device: str = "") -> str:
    try:
        await _sign_in(services, name, password, address, device)
    except Unauthenticated:
        return OUT
    except Overloaded:
        return WAIT
    return IN


async def _strangers(services: Services, name: str, addresses: Sequence[str], tries: int = 2) -> list[str]:
    """Fail an account from many addresses."""
    return [await _try(services, name, WRONG, address) for address in addresses for _ in range(tries)]


def _botnet(size: int) -> list[str]:
    return [f"192.0.2.{number}" for number in range(1, size + 1)]


async def test_one_stranger_blocks_only_themselves(services: Services) -> None:
    said = await _strangers(services, "ann", [HOME], tries=20)

    assert said == [OUT, OUT, *[WAIT] * 18]
    assert await _try(services, "ann", PASSWORD, OFFICE) == IN
    assert await _try(services, "ann", PASSWORD, HOME) == WAIT, "not even with the right password from there"


async def test_many_strangers_do_not_block_a_browser_that_has_signed_in_before(services: Services) -> None:
    entry = await _sign_in(services, "ann", PASSWORD, OFFICE)

    said = await _strangers(services, "ann", _botnet(10))

    assert said.count(OUT) == LIMITS.tries_of_strangers, "that many guesses, from wherever"
    assert await _try(services, "ann", PASSWORD, "203.0.113.99") == WAIT, "a browser that is new here waits"
    assert await _try(services, "ann", PASSWORD, HOME, entry.device) == IN


async def test_strangers_at_the_same_address_do_not_block_a_browser_that_is_known(services: Services) -> None:
    """A school, an office and a proxy that is not named in the settings are one address."""
    entry = await _sign_in(services, "ann", PASSWORD, OFFICE)
    for number in range(LIMITS.tries_per_address + 1):
        await _try(services, f"name-{number}", WRONG, OFFICE)

    assert await _try(services, "bob", PASSWORD, OFFICE) == WAIT
    assert await _try(services, "ann", PASSWORD, OFFICE, entry.device) == IN


async def test_a_browser_that_is_known_may_guess_no_more_than_another(
    services: Services, fake_clock: FakeClock
) -> None:
    """A stolen computer, or a copied cookie."""
    entry = await _sign_in(services, "ann", PASSWORD, OFFICE)

    said = [await _try(services, "ann", WRONG, address, entry.device) for address in _botnet(6)]

    assert said == [OUT, OUT, *[WAIT] * 4]
    fake_clock.advance(timedelta(seconds=LIMITS.tries_forgotten_after_s))
    assert await _try(services, "ann", PASSWORD, OFFICE, entry.device) == IN


async def test_signing_in_where_one_is_known_gives_strangers_no_tries_back(services: Services) -> None:
    entry = await _sign_in(services, "ann", PASSWORD, OFFICE)
    await _strangers(services, "ann", _botnet(3))

    assert await _try(services, "ann", PASSWORD, OFFICE, entry.device) == IN
    assert await _try(services, "ann", WRONG, HOME) == WAIT


async def test_a_browser_is_known_for_its_own_account_alone(services: Services) -> None:
    entry = await _sign_in(services, "bob", PASSWORD, OFFICE)
    await _strangers(services, "ann", _botnet(5))

    assert await _try(services, "ann", PASSWORD, HOME, entry.device) == WAIT
    assert await _try(services, "nobody", PASSWORD, HOME, entry.device) == OUT


@pytest.mark.parametrize("place", [0, 1, 2])
async def test_a_token_that_was_changed_is_a_strangers(services: Services, place: int) -> None:
    entry = await _sign_in(services, "ann", PASSWORD, OFFICE)
    parts = entry.device.split(".")
    parts[place] = parts[place][:-1] + ("1" if parts[place][-1] != "1" else "2")
    await _strangers(services, "ann", _botnet(5))

    for device in (".".join(parts), "", "..", "x" * 5_000, "\udcff.1.é"):
        assert await _try(services, "ann", PASSWORD, HOME, device) == WAIT


async def test_a_browser_is_a_stranger_after_a_new_password_and_after_its_time(
    services: Services, fake_clock: FakeClock
) -> None:
    before, other = [await _sign_in(services, name, PASSWORD, OFFICE) for name in ("ann", "bob")]
    await services.staff.accounts.set_password("ann", "another few words")
    fake_clock.advance(timedelta(seconds=LIMITS.browser_known_s - 1))
    assert await _try(services, "bob", PASSWORD, OFFICE, other.device) == IN
    fake_clock.advance(timedelta(seconds=1))
    for name in ("ann", "bob"):
        await _strangers(services, name, _botnet(5))

    assert await _try(services, "ann", "another few words", HOME, before.device) == WAIT
    assert await _try(services, "bob", PASSWORD, HOME, other.device) == WAIT


async def test_an_ipv6_network_is_one_address(services: Services) -> None:
    within = [f"2001:db8:1:2::{number:x}" for number in range(1, 10)]

    said = [await _try(services, "ann", WRONG, address) for address in within]

    assert said == [OUT, OUT, *[WAIT] * 7]
    assert await _try(services, "ann", PASSWORD, "2001:db8:1:3::1") == IN
    assert tries._site_of("::ffff:192.0.2.1") == "192.0.2.1"


async def test_a_name_that_nobody_has_is_counted_and_compared_like_one_that_somebody_has(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[bool] = []

    async def is_password(password: str, stored: str | None) -> bool:
        compared.append(stored is not None)
        return False

    monkeypatch.setattr(sign_in, "is_password", is_password)

    known = await _strangers(services, "ann", _botnet(4))
    unknown = await _strangers(services, "nobody", [f"198.51.100.{number}" for number in range(4)])

    assert known == unknown
    assert compared == [True] * 5 + [False] * 5


async def test_sessions_that_are_open_go_on_while_strangers_fail_the_account(services: Services) -> None:
    entry = await _sign_in(services, "ann", PASSWORD, OFFICE)

    await _strangers(services, "ann", [*_botnet(5), OFFICE])

    assert await services.staff.sessions.find(entry.session, by_hand=True) is not None


async def test_the_browser_keeps_who_was_there_out_of_reach_and_out_of_sight(services: Services) -> None:
    transport = httpx.ASGITransport(create_console(services), client=(OFFICE, 4711))
    async with httpx.AsyncClient(transport=transport, base_url="https://console.example") as http:
        visitor, form = Visitor(http), {"name": "ann", "password": PASSWORD}
        headers = {"Origin": "https://console.example"}
        token = token_in(await visitor.get("/sign-in"))
        answer = await visitor.post("/sign-in", form, token=token, headers=headers)
        cookie = next(
            one for one in answer.headers.get_list("set-cookie") if one.startswith("__Host-wb_console_device=")
        )
        http.cookies.delete("__Host-wb_console")  # as after signing out
        await _strangers(services, "ann", [*_botnet(5), OFFICE])

        token = token_in(await visitor.get("/sign-in"))
        again = await visitor.post("/sign-in", form, token=token, headers=headers)
        http.cookies.delete("__Host-wb_console")
        http.cookies.delete("__Host-wb_console_device")
        token = token_in(await visitor.get("/sign-in"))
        elsewhere = await visitor.post("/sign-in", form, token=token, headers=headers)

    assert {"HttpOnly", "Secure", "SameSite=lax", "Path=/"} <= set(cookie.split("; "))
    assert "ann" not in cookie
    assert again.status_code == 303
    assert elsewhere.status_code == 429
    assert "A browser in which you have signed in before need not wait" in elsewhere.text
