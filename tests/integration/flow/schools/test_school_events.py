"""What a provider tells of schools, from the webhook to a school that goes on or waits; nothing is lost on the way."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import select

from tests.integration.flow.conftest import World, hook_token, mark
from writeback.core.errors import BadInput, NotFound, Overloaded
from writeback.core.settings import WondeSettings
from writeback.domain.actor import Actor
from writeback.domain.lookups import ListName
from writeback.domain.outcome import Blocked, NotReached
from writeback.domain.school import HoldReason
from writeback.flow.engine.hook_urls import account_hook_token, account_hooks
from writeback.flow.schools.sync import FIRST_LISTS
from writeback.providers.base import SchoolListing, SchoolReport
from writeback.store.tables import LookupRow, SchoolRow

pytestmark = pytest.mark.sqlite_first

HILLSIDE, RIVERBANK = "A1930499544", "A1329183376"
APPROVED = {"payload_type": "schoolApproved", "school_id": HILLSIDE, "school_name": "Hillside"}
REVOKED = {"payload_type": "accessRevoked", "school_id": HILLSIDE, "revoke_reason": "We change supplier"}
MOVE = {"payload_type": "schoolMigration", "school_id": HILLSIDE, "migrate_from": "SIMS", "migrate_to": "Arbor"}
LISTED = SchoolListing(RIVERBANK, "Riverbank", "SIMS", "https://api-ap-southeast-2.wonde.com/v1.0")
GONE = SchoolReport(is_online=True, blocked=Blocked(HoldReason.REVOKED, "not approved"))


def says_mis(mis: str | None) -> SchoolReport:
    return SchoolReport(is_online=True, facts={"mis": mis} if mis else {})


async def tell(world: World, event: dict[str, Any], *, hook_of: str | None = None) -> None:
    """Call the hook of the account, or that of a school."""
    secrets = world.flow.secrets
    token = hook_token(secrets, "wonde", hook_of) if hook_of else account_hook_token(secrets, "wonde")
    await world.hooks.receive("wonde", token, {}, json.dumps(event).encode())


async def school(world: World, school_id: str = "hillside") -> SchoolRow:
    async with world.flow.db.read() as session:
        row: SchoolRow = (await session.exec(select(SchoolRow).where(SchoolRow.id == school_id))).one()
    return row


async def school_ids(world: World) -> list[str]:
    async with world.flow.db.read() as session:
        return list((await session.exec(select(SchoolRow.id).order_by(SchoolRow.id))).all())


async def sweep(world: World, after: timedelta = timedelta(0)) -> None:
    """Let time pass, and do what the sweeper wakes, as a worker does."""
    world.clock.advance(after)
    world.waker.wakes.clear()
    await world.sweeper.sweep()
    for job, subject in list(world.waker.wakes):
        if job == "recheck_school":
            await world.watch.recheck(subject)
        elif job == "sync_school":
            await world.syncer.sync_school(subject)


async def settle(world: World) -> None:
    """Let a move that is over be done: fetch the lists, let every process take note, go on."""
    await sweep(world)
    await sweep(world, timedelta(seconds=6))


async def test_the_hook_of_the_account_is_not_that_of_a_school_called_all(world: World):
    (hook,) = account_hooks(world.flow.settings, world.flow.secrets, {})
    token = hook.url.rpartition("/")[2]
    assert hook.provider == "wonde"
    assert token == account_hook_token(world.flow.secrets, "wonde")
    assert token != hook_token(world.flow.secrets, "wonde", "all")
    with pytest.raises(NotFound):
        await world.hooks.receive("xporter", token, {}, b"{}")


async def test_a_webhook_of_the_account_reaches_the_school_that_it_names(world: World):
    await tell(world, REVOKED)
    assert ("recheck_school", "hillside") in world.waker.wakes
    assert (await school(world)).facts["access"]["reason"] == "We change supplier"


async def test_a_webhook_of_the_account_without_a_school_is_refused(world: World):
    with pytest.raises(BadInput):
        await tell(world, {"payload_type": "accessRevoked"})


async def test_a_schools_hook_may_not_speak_of_another_school(world: World):
    with pytest.raises(NotFound):
        await tell(world, {**REVOKED, "school_id": RIVERBANK}, hook_of="hillside")
    assert "access" not in (await school(world)).facts
    await tell(world, REVOKED, hook_of="hillside")
    assert "access" in (await school(world)).facts


async def test_a_withdrawal_that_is_borne_out_holds_the_school_with_its_reason(world: World):
    writeback_id = await world.submit(mark("A1"))
    await tell(world, REVOKED)
    world.provider.school = GONE
    await sweep(world)
    row = await school(world)
    assert (row.hold_reason, row.hold_detail) == (
        "access_revoked",
        "the school has revoked access: We change supplier",
    )
    assert await world.status(writeback_id) == "held"


async def test_a_school_that_declines_is_held_with_its_reason(world: World):
    await tell(world, {"payload_type": "accessDeclined", "school_id": HILLSIDE, "decline_reason": "Not this year"})
    world.provider.school = GONE
    await sweep(world)
    row = await school(world)
    assert (row.hold_reason, row.hold_detail) == ("access_revoked", "the school has declined access: Not this year")


async def test_a_token_that_died_with_the_withdrawal_is_no_other_fault(world: World):
    await tell(world, {"payload_type": "accessDeclined", "school_id": HILLSIDE, "decline_reason": "No contract"})
    world.provider.refused_tokens.add("t")
    await sweep(world)
    assert (await school(world)).hold_detail == "the school has declined access: No contract"


async def test_a_withdrawal_that_is_not_borne_out_changes_nothing_and_is_forgotten(world: World):
    await tell(world, REVOKED)
    await sweep(world)
    assert (await school(world)).hold_reason is None
    for _ in range(20):
        await sweep(world, timedelta(minutes=1))
    row = await school(world)
    assert (row.hold_reason, row.recheck_at, "access" in row.facts) == (None, None, False)


async def test_a_withdrawal_that_shows_late_is_believed_then(world: World):
    await tell(world, REVOKED)
    await sweep(world)
    world.provider.school = GONE
    await sweep(world, timedelta(minutes=2))
    assert (await school(world)).hold_reason == "access_revoked"


async def test_an_approval_lets_a_school_go_on_with_its_new_token(world: World):
    await tell(world, REVOKED)
    world.provider.refused_tokens.add("t")
    await sweep(world)
    writeback_id = await world.submit(mark("A1"))
    await world.serve()
    assert await world.status(writeback_id) == "held"
    await tell(world, {**APPROVED, "school_token": "new-token"})
    assert "new-token" not in (await school(world)).credentials
    await sweep(world)
    assert (await school(world)).hold_reason is None
    assert (await world.flow.registry.account("hillside")).credentials == {"token": "new-token"}
    assert await world.status(writeback_id) == "queued"
    await world.serve()
    assert await world.status(writeback_id) == "sent"


async def test_a_false_token_takes_nothing_away(world: World):
    world.provider.refused_tokens.add("forged")
    await tell(world, {**APPROVED, "school_token": "forged"})
    await sweep(world)
    assert (await school(world)).hold_reason is None
    assert (await world.flow.registry.account("hillside")).credentials == {"token": "t"}


async def test_a_token_that_cannot_be_tried_yet_is_kept(world: World):
    world.provider.school = NotReached("down")
    await tell(world, {**APPROVED, "school_token": "new-token"})
    await sweep(world)
    assert (await world.flow.registry.account("hillside")).credentials["token"] == "t"
    world.provider.school = SchoolReport(is_online=True)
    await sweep(world, timedelta(hours=1))
    assert (await world.flow.registry.account("hillside")).credentials == {"token": "new-token"}


async def test_an_approval_does_not_end_a_hold_by_staff(world: World):
    await world.holds.hold("hillside", HoldReason.BY_STAFF, "inset day", Actor("staff:ann"))
    await tell(world, {**APPROVED, "school_token": "new-token"})
    await sweep(world)
    row = await school(world)
    assert (row.hold_reason, row.recheck_at) == ("held_by_staff", None)
    assert (await world.flow.registry.account("hillside")).credentials == {"token": "new-token"}


async def test_an_unknown_school_that_approves_is_registered_as_its_provider_lists_it(world: World):
    world.provider.listed = [LISTED]
    for _ in range(2):
        await tell(world, {**APPROVED, "school_id": RIVERBANK, "school_name": "River", "school_token": "rt"})
    row = await school(world, "riverbank")
    assert (row.name, row.mis, row.provider_school_id) == ("Riverbank", "SIMS", RIVERBANK)
    assert row.base_url == LISTED.base_url
    assert (await world.flow.registry.account("riverbank")).credentials["token"] == "rt"
    assert world.provider.listed_with == ["rt"]
    assert await school_ids(world) == ["hillside", "riverbank"]
    assert ("sync_school", "riverbank") in world.waker.wakes


def with_account(world: World) -> None:
    """Have an account with Wonde, at its usual hosts."""
    registry = world.flow.registry
    accounts, hosts = {"wonde": {"token": "account-token"}}, {"wonde": WondeSettings().named_hosts}
    registry._rules = replace(registry._rules, accounts=accounts, named_hosts=hosts)


async def test_the_accounts_token_serves_no_school_that_is_listed_at_a_host_that_nobody_named(world: World):
    with_account(world)
    world.provider.listed = [replace(LISTED, base_url="https://wonde.evil.example/v1.0")]
    await tell(world, {**APPROVED, "school_id": RIVERBANK})
    assert await school_ids(world) == ["hillside"]


async def test_without_a_token_of_its_own_that_of_the_account_serves_it(world: World):
    with_account(world)
    world.provider.listed = [LISTED]
    await tell(world, {**APPROVED, "school_id": RIVERBANK})
    assert world.provider.listed_with == ["account-token"]
    assert (await school(world, "riverbank")).credentials == ""
    assert (await world.flow.registry.account("riverbank")).credentials == {"token": "account-token"}


@pytest.mark.parametrize("listed", [[], Blocked(HoldReason.TOKEN_REFUSED, "refused")], ids=["not listed", "refused"])
async def test_a_school_that_its_provider_does_not_bear_out_is_not_registered(world: World, listed: Any):
    world.provider.listed = listed
    await tell(world, {**APPROVED, "school_id": RIVERBANK, "school_token": "rt"})
    assert await school_ids(world) == ["hillside"]


async def test_a_school_that_cannot_be_looked_up_now_is_to_be_told_of_again(world: World):
    world.provider.listed = NotReached("down")
    with pytest.raises(Overloaded):
        await tell(world, {**APPROVED, "school_id": RIVERBANK, "school_token": "rt"})
    assert await school_ids(world) == ["hillside"]


async def test_a_school_of_a_name_that_is_taken_has_an_id_of_its_own(world: World):
    world.provider.listed = [SchoolListing(RIVERBANK, "Hillside", "", "")]
    await tell(world, {**APPROVED, "school_id": RIVERBANK, "school_token": "rt"})
    row = await school(world, "hillside-a1329183376")
    assert row.mis == "unknown"
    world.provider.school = says_mis("Arbor")
    await sweep(world)
    assert (await school(world, "hillside-a1329183376")).mis == "Arbor"


async def test_a_withdrawal_by_an_unknown_school_registers_nothing(world: World):
    world.provider.listed = [LISTED]
    await tell(world, {**REVOKED, "school_id": RIVERBANK})
    assert await school_ids(world) == ["hillside"]


async def test_a_move_that_is_planned_holds_the_school_when_it_begins(world: World):
    begins = world.clock.now() + timedelta(hours=8)
    await tell(world, {**MOVE, "scheduled_at": begins.isoformat()})
    await sweep(world)
    row = await school(world)
    assert (row.hold_reason, row.recheck_at) == (None, begins)
    world.provider.school = NotReached("down for the move")
    await sweep(world, timedelta(hours=8))
    row = await school(world)
    assert (row.hold_reason, row.hold_detail) == (
        "migration",
        "Hillside is moving from SIMS to Arbor; ids are being refreshed",
    )


async def test_a_move_that_has_begun_holds_at_once_and_a_good_report_does_not_end_it(world: World):
    writeback_id = await world.submit(mark("A1"))
    await tell(world, {**MOVE, "scheduled_at": world.clock.now().isoformat()})
    assert (await school(world)).hold_reason == "migration"
    assert await world.status(writeback_id) == "held"
    world.provider.school = says_mis("SIMS")
    for _ in range(4):
        await sweep(world, timedelta(minutes=16))
    assert (await school(world)).hold_reason == "migration"


async def test_after_a_move_every_list_is_fetched_anew_before_anything_goes_on(world: World):
    await world.syncer.sync_school("hillside")
    writeback_id = await world.submit(mark("A1"))
    await tell(world, {**MOVE, "scheduled_at": world.clock.now().isoformat()})
    await sweep(world)
    world.provider.school = says_mis("Arbor")
    world.provider.rows[ListName.STUDENTS] = {"B1": {"id": "B1"}}
    world.provider.cursors.clear()
    await tell(world, {**MOVE, "completed_at": world.clock.now().isoformat()})
    await world.watch.recheck("hillside")
    row = await school(world)
    assert (row.mis, row.hold_reason) == ("Arbor", "migration")
    assert set(world.provider.cursors.values()) == {None}
    assert set(world.provider.cursors) >= set(FIRST_LISTS)
    assert set((await world.flow.lookups.view("hillside", fresh=True)).students.rows) == {"B1"}
    assert await world.status(writeback_id) == "held"
    await sweep(world, timedelta(seconds=6))
    row = await school(world)
    assert (row.hold_reason, row.recheck_at, "migration" in row.facts) == (None, None, False)
    assert row.facts["migrated"]["becomes"] == "Arbor"
    assert await world.status(writeback_id) == "queued"


async def test_a_word_of_completion_that_the_provider_contradicts_is_waited_for(world: World):
    world.provider.school = says_mis("SIMS")
    await tell(world, {**MOVE, "completed_at": world.clock.now().isoformat()})
    await sweep(world)
    row = await school(world)
    assert (row.mis, row.hold_reason) == ("Bromcom", "migration")
    world.provider.school = says_mis("Arbor")
    await sweep(world, timedelta(minutes=20))
    await sweep(world, timedelta(seconds=6))
    row = await school(world)
    assert (row.mis, row.hold_reason) == ("Arbor", None)


async def test_a_lost_word_of_completion_is_found_out_by_asking(world: World):
    await tell(world, {**MOVE, "scheduled_at": world.clock.now().isoformat()})
    await sweep(world)
    world.provider.school = says_mis("Arbor")
    await sweep(world, timedelta(minutes=20))
    await sweep(world, timedelta(seconds=6))
    row = await school(world)
    assert (row.mis, row.hold_reason) == ("Arbor", None)


async def test_a_school_is_not_held_for_closures_of_which_no_record_has_an_id(world: World):
    world.provider.no_lists[ListName.CLOSURES] = NotReached("down")
    world.provider.school = says_mis("Arbor")
    await tell(world, {**MOVE, "completed_at": world.clock.now().isoformat()})
    await settle(world)
    await sweep(world, timedelta(seconds=6))
    assert (await school(world)).hold_reason is None


async def test_a_school_stays_held_until_its_lists_could_be_fetched(world: World):
    world.provider.no_lists[ListName.STUDENTS] = NotReached("down")
    world.provider.school = says_mis("Arbor")
    await tell(world, {**MOVE, "completed_at": world.clock.now().isoformat()})
    await settle(world)
    assert (await school(world)).hold_reason == "migration"
    world.provider.no_lists.clear()
    world.provider.fetched.clear()
    await sweep(world, timedelta(minutes=20))
    assert ListName.STUDENTS in world.provider.fetched
    await sweep(world, timedelta(seconds=6))
    assert (await school(world)).hold_reason is None


async def test_an_empty_timetable_after_a_move_is_taken_as_it_is(world: World):
    world.provider.rows[ListName.LESSONS] = {"L1": {"id": "L1"}}
    await world.syncer.sync_school("hillside")
    world.provider.rows[ListName.LESSONS] = {}
    world.provider.school = says_mis("Arbor")
    await tell(world, {**MOVE, "completed_at": world.clock.now().isoformat()})
    await settle(world)
    assert (await school(world)).hold_reason is None
    assert (await world.flow.lookups.view("hillside", fresh=True)).lessons.rows == {}


async def test_a_webhook_of_a_move_that_comes_again_changes_nothing(world: World):
    scheduled = {**MOVE, "scheduled_at": world.clock.now().isoformat()}
    completed = {**scheduled, "completed_at": (world.clock.now() + timedelta(hours=1)).isoformat()}
    world.provider.school = says_mis("Arbor")
    await tell(world, completed)
    await settle(world)
    for event in (completed, scheduled):
        await tell(world, event)
        await sweep(world)
        assert (await school(world)).hold_reason is None


async def test_a_sync_that_outlasts_a_move_does_not_put_the_old_lists_back(world: World):
    async def fetch_while_it_moves(account: Any, name: ListName, cursor: str | None, window: Any) -> Any:
        change = await type(world.provider).fetch(world.provider, account, name, cursor, window)
        if name is ListName.STUDENTS and world.provider.rows[name] != {"B1": {"id": "B1"}}:
            world.provider.rows[name] = {"B1": {"id": "B1"}}
            await tell(world, {**MOVE, "completed_at": world.clock.now().isoformat()})
            await world.watch.recheck("hillside")
        return change

    world.provider.school = says_mis("Arbor")
    world.provider.fetch = fetch_while_it_moves
    account = await world.flow.registry.account("hillside")
    await world.syncer.sync_lists(account, [ListName.STUDENTS])
    assert set((await world.flow.lookups.view("hillside", fresh=True)).students.rows) == {"B1"}


async def test_staff_may_let_a_school_go_on_that_moves(world: World):
    await tell(world, {**MOVE, "scheduled_at": world.clock.now().isoformat()})
    await world.holds.resume("hillside", Actor("staff:ann"))
    await sweep(world, timedelta(hours=1))
    row = await school(world)
    assert (row.hold_reason, "migration" in row.facts) == (None, False)


async def test_a_hold_by_staff_outlasts_a_move(world: World):
    await world.holds.hold("hillside", HoldReason.BY_STAFF, "inset day", Actor("staff:ann"))
    world.provider.school = says_mis("Arbor")
    await tell(world, {**MOVE, "completed_at": world.clock.now().isoformat()})
    await settle(world)
    row = await school(world)
    assert (row.hold_reason, row.mis, row.recheck_at) == ("held_by_staff", "Arbor", None)


async def test_a_move_without_a_new_mis_only_has_the_school_asked_about(world: World):
    await tell(world, {"payload_type": "schoolMigration", "school_id": HILLSIDE})
    await sweep(world)
    assert (await school(world)).hold_reason is None


async def test_what_is_told_while_the_school_is_known_reaches_validation(world: World):
    assert (await world.flow.registry.school("hillside")).facts.get("permissions") is None
    world.provider.school = SchoolReport(is_online=True, facts={"permissions": ["attendance.write"]})
    await world.syncer.sync_school("hillside")
    assert (await world.flow.registry.school("hillside")).facts["permissions"] == ["attendance.write"]


async def test_neither_tokens_nor_reasons_are_logged(world: World, capfd: pytest.CaptureFixture[str]):
    world.provider.listed = [LISTED]
    await tell(world, {**APPROVED, "school_token": "very-secret"})
    await tell(world, {**APPROVED, "school_id": RIVERBANK, "school_token": "very-secret"})
    await tell(world, REVOKED)
    await sweep(world)
    logged = "".join(capfd.readouterr())
    assert "school_event" in logged
    assert "very-secret" not in logged
    assert "We change supplier" not in logged


async def test_versions_go_on_after_a_move(world: World):
    async def version() -> int:
        async with world.flow.db.read() as session:
            row = await session.get(LookupRow, ("hillside", "students"))
            assert row is not None
            return row.version

    before = await version()
    world.provider.school = says_mis("Arbor")
    world.provider.rows[ListName.STUDENTS] = {"B1": {"id": "B1"}}
    await tell(world, {**MOVE, "completed_at": world.clock.now().isoformat()})
    await sweep(world)
    assert await version() > before
