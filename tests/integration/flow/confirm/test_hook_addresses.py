"""A hook's address is renewed: for a while both work, then the new one alone; nothing that providers tell is lost."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from urllib.parse import unquote, urlsplit

import pytest
from sqlalchemy import text
from sqlmodel import select
from structlog.testing import capture_logs

from tests.integration.flow.conftest import World
from tests.secret_key import SECRET_KEY
from writeback.core.errors import Conflict, NotFound
from writeback.core.secrets import SecretBox
from writeback.domain.actor import COMMAND_LINE
from writeback.flow.confirm.provider_hooks import Hooks
from writeback.flow.engine.hook_urls import account_hook_token, callback_url, called, hook_token
from writeback.store.schools import hook_addresses
from writeback.store.tables import AuditRow

pytestmark = pytest.mark.sqlite_first

DAY, NOTHING = timedelta(days=1), timedelta(0)
SOON = timedelta(seconds=5)
"""Until then every process has noticed."""


def token_of(url: str | None) -> str:
    return unquote(urlsplit(url or "").path.rpartition("/")[2])


async def school_token(world: World) -> str:
    return token_of((await world.flow.registry.get("hillside")).hook_url)


async def takes(world: World, token: str) -> bool:
    try:
        await world.hooks.check("wonde", token)
    except NotFound:
        return False
    return True


async def test_an_address_that_was_never_renewed_is_what_it_always_was(world: World) -> None:
    assert await school_token(world) == hook_token(world.flow.secrets, "wonde", "hillside")
    assert "~" not in hook_token(world.flow.secrets, "wonde", "hillside").partition("~")[2]


async def test_old_and_new_address_of_a_school_work_until_the_overlap_is_over(world: World) -> None:
    old = await school_token(world)

    address = await world.hooks.addresses.renew_of_school("hillside", DAY, COMMAND_LINE)

    new = await school_token(world)
    assert new != old
    assert address.old_until == world.clock.now() + DAY
    assert [await takes(world, token) for token in (old, new)] == [True, True]
    world.clock.advance(DAY)
    assert [await takes(world, token) for token in (old, new)] == [False, True]


@pytest.mark.both_databases
async def test_without_an_overlap_the_old_address_ends_at_once(world: World) -> None:
    old = await school_token(world)
    assert await takes(world, old)

    await world.hooks.addresses.renew_of_school("hillside", NOTHING, COMMAND_LINE)

    world.clock.advance(SOON)
    assert not await takes(world, old)
    assert await takes(world, await school_token(world))


async def test_requests_carry_the_new_address_and_those_under_way_are_still_answered(world: World) -> None:
    before = callback_url(world.flow, await world.flow.registry.account("hillside"), "req_1")

    await world.hooks.addresses.renew_of_school("hillside", DAY, COMMAND_LINE)

    after = callback_url(world.flow, await world.flow.registry.account("hillside"), "req_2")
    assert token_of(after) == await school_token(world)
    assert [await takes(world, token_of(url)) for url in (before, after)] == [True, True]


@pytest.mark.both_databases
async def test_the_hook_of_the_account_is_renewed_in_the_same_way(world: World) -> None:
    (old,) = await world.hooks.addresses.account_hooks()
    assert await takes(world, token_of(old.url))

    new = await world.hooks.addresses.renew_of_account("wonde", DAY, COMMAND_LINE)

    assert (await world.hooks.addresses.account_hooks())[0] == new
    assert new.old_until == world.clock.now() + DAY
    assert [await takes(world, token_of(hook.url)) for hook in (old, new)] == [True, True]
    world.clock.advance(DAY)
    assert [await takes(world, token_of(hook.url)) for hook in (old, new)] == [False, True]


@pytest.mark.both_databases
async def test_two_people_may_renew_it_for_the_first_time_at_once(world: World) -> None:
    db = world.flow.db
    if db.dialect != "postgresql":
        pytest.skip("SQLite has one writer")
    looked = asyncio.Event()

    async def renew() -> None:
        async with db.write() as session:
            row = await hook_addresses.lock_of_account(session, "wonde")
            row.number += 1
            session.add(row)
            looked.set()

    async def is_waiting() -> bool:
        async with db.read() as session:
            waits = await (await session.connection()).execute(text("SELECT 1 FROM pg_locks WHERE NOT granted"))
            return waits.first() is not None

    async with db.write() as session:
        first = await hook_addresses.lock_of_account(session, "wonde")
        first.number += 1
        session.add(first)
        await session.flush()
        second = asyncio.create_task(renew())
        while not (looked.is_set() or await is_waiting()):  # noqa: ASYNC110 - of the server
            await asyncio.sleep(0.01)
    await second

    async with db.read() as session:
        assert [row.number for row in await hook_addresses.of_accounts(session)] == [2]


async def test_a_second_renewal_does_not_cut_off_an_address_that_is_still_to_work(world: World) -> None:
    old = await school_token(world)
    await world.hooks.addresses.renew_of_school("hillside", DAY, COMMAND_LINE)

    with pytest.raises(Conflict, match="works until"):
        await world.hooks.addresses.renew_of_school("hillside", DAY, COMMAND_LINE)

    assert await takes(world, old)
    await world.hooks.addresses.renew_of_school("hillside", NOTHING, COMMAND_LINE)
    world.clock.advance(SOON)
    assert not await takes(world, old)


async def test_the_first_address_does_not_come_back_with_a_later_renewal(world: World) -> None:
    first = await school_token(world)
    await world.hooks.addresses.renew_of_school("hillside", NOTHING, COMMAND_LINE)

    await world.hooks.addresses.renew_of_school("hillside", DAY, COMMAND_LINE)

    world.clock.advance(SOON)
    assert not await takes(world, first)


async def test_a_process_that_has_not_heard_of_the_renewal_takes_the_new_address(world: World) -> None:
    await takes(world, await school_token(world))  # and remembers the school

    assert await takes(world, hook_token(world.flow.secrets, "wonde", "hillside", 1))


@pytest.mark.parametrize("spelt", ["hillside~01~{}", "hillside~0~{}", "hillside~-1~{}", "hillside~1~1~{}", "~1~{}"])
async def test_an_address_is_taken_as_we_spell_it_and_in_no_other_way(world: World, spelt: str) -> None:
    secrets = world.flow.secrets
    for number in (0, 1):
        secret = hook_token(secrets, "wonde", "hillside", number).rpartition("~")[2]

        with pytest.raises(NotFound):
            called(secrets, "wonde", spelt.format(secret))


async def test_who_calls_an_address_of_an_older_key_is_logged_once_in_ten_minutes(world: World) -> None:
    token = await school_token(world)
    turned = replace(world.flow, secrets=SecretBox("a newer key", SECRET_KEY))
    hooks = Hooks(turned)

    with capture_logs() as logged:
        for _ in range(3):
            await hooks.check("wonde", token)
        await hooks.check("wonde", hook_token(turned.secrets, "wonde", "hillside"))

    assert [(one["event"], one["hook_of"]) for one in logged] == [("hook_called_with_older_key", "hillside")]


async def test_secrets_of_one_number_open_no_other(world: World) -> None:
    secrets = world.flow.secrets
    first, second = (hook_token(secrets, "wonde", "hillside", number).rpartition("~")[2] for number in (1, 2))
    account = account_hook_token(secrets, "wonde", 1).rpartition("~")[2]

    for forged in (f"hillside~2~{first}", f"hillside~1~{second}", f"hillside~1~{account}", f"all~1~{first}"):
        with pytest.raises(NotFound):
            called(secrets, "wonde", forged)


@pytest.mark.both_databases
async def test_a_hook_of_a_school_that_is_not_here_is_none(world: World) -> None:
    assert not await takes(world, hook_token(world.flow.secrets, "wonde", "gone"))


@pytest.mark.both_databases
async def test_a_provider_without_a_hook_of_its_account_has_none_to_renew(world: World) -> None:
    with pytest.raises(NotFound):
        await world.hooks.addresses.renew_of_account("xporter", DAY, COMMAND_LINE)


@pytest.mark.both_databases
async def test_renewals_are_audited(world: World) -> None:
    await world.hooks.addresses.renew_of_school("hillside", DAY, COMMAND_LINE)
    await world.hooks.addresses.renew_of_account("wonde", NOTHING, COMMAND_LINE)

    async with world.flow.db.read() as session:
        noted = (await session.exec(select(AuditRow).where(AuditRow.action == "hook.renew"))).all()
    until = (world.clock.now() + DAY).isoformat()
    assert [(row.subject, row.changed) for row in noted] == [
        ("hillside", {"old_until": until}),
        ("wonde", {"old_until": None}),
    ]
