"""Lists that lost something: how it comes back, who is asked, and what an app is notified meanwhile."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest

from tests.integration.flow.conftest import CALLER, World, mark, submission
from writeback.core.errors import Conflict, InvalidSubmission
from writeback.domain.actor import Actor
from writeback.domain.lookups import Decision, ListName
from writeback.domain.outcome import NotReached
from writeback.flow.schools.removals_held_back import Removals
from writeback.providers.base import ListChange, LookupFailed
from writeback.store.tables import LookupRow

pytestmark = pytest.mark.sqlite_first

PUPILS = ListName.STUDENTS
ANN = Actor("staff:ann", "checked with the school")


@pytest.fixture(autouse=True)
def changes_only(world: World) -> None:
    """Have the provider answer as real ones do: all rows from the beginning, and with a cursor what has changed."""

    async def fetch(account: Any, name: ListName, cursor: str | None, window: Any) -> ListChange:
        world.provider.fetched.append(name)
        if name in world.provider.no_lists:
            return await plain(account, name, cursor, window)
        followed = name in (ListName.STUDENTS, ListName.EMPLOYEES)
        if cursor is not None and followed:
            return ListChange({}, is_full=False, deleted=said_gone.pop(name, ()), cursor="c2")
        return ListChange(world.provider.rows.get(name, {}), is_full=True, cursor="c1" if followed else None)

    plain, said_gone = world.provider.fetch, dict[ListName, list[str]]()
    world.provider.fetch = fetch
    world.said_gone = said_gone  # type: ignore[attr-defined]


async def lose(world: World, *ids: str) -> None:
    """Have the whole list lack these once."""
    rows = world.provider.rows[PUPILS]
    world.provider.rows[PUPILS] = {row_id: row for row_id, row in rows.items() if row_id not in ids}
    await world.syncer.sync_school("hillside", full=True)
    world.provider.rows[PUPILS] = rows
    world.provider.fetched.clear()


async def say_gone(world: World, *ids: str) -> int:
    """Have a change say once that these are gone; return how often the list was fetched for that."""
    await world.syncer.sync_school("hillside")
    world.provider.fetched.clear()
    world.said_gone[PUPILS] = list(ids)  # type: ignore[attr-defined]
    await world.syncer.sync_school("hillside")
    return world.provider.fetched.count(PUPILS)


async def pupils(world: World) -> Any:
    (found,) = [one for one in (await world.flow.registry.get("hillside")).lookups if one.list == PUPILS.value]
    return found


async def is_listed(world: World, pupil: str) -> bool:
    lookup = (await world.flow.lookups.view("hillside", fresh=True)).students
    assert lookup is not None
    return pupil in lookup.rows


async def test_a_wrong_deletion_takes_nobody_out_for_the_whole_list_is_looked_into_first(world: World) -> None:
    assert await say_gone(world, "A1") == 2
    assert await is_listed(world, "A1")
    assert await world.status(await world.submit(mark("A1"))) == "queued"


async def test_nor_do_many_wrong_ones_wait_for_a_person(world: World) -> None:
    assert await say_gone(world, *(f"A{number}" for number in range(1, 30))) == 2
    assert (await pupils(world)).held_back is None


async def test_a_true_deletion_is_believed_once_the_whole_list_says_the_same(world: World) -> None:
    await world.syncer.sync_school("hillside")
    del world.provider.rows[PUPILS]["A1"]
    assert await say_gone(world, "A1") == 2
    assert not await is_listed(world, "A1")
    assert await say_gone(world, "A1") == 1  # it is known by now


async def test_a_deletion_whose_list_cannot_be_looked_into_changes_nothing(world: World) -> None:
    await world.syncer.sync_school("hillside")
    fetch = world.provider.fetch

    async def down(account: Any, name: ListName, cursor: str | None, window: Any) -> ListChange:
        if cursor is None and name is PUPILS:
            raise LookupFailed(name, NotReached("down"), "down")
        return await fetch(account, name, cursor, window)

    world.provider.fetch = down
    await say_gone(world, "A1")
    assert await is_listed(world, "A1")


async def test_a_sync_of_changes_never_brings_back_whom_the_whole_list_lacked(world: World) -> None:
    await lose(world, "A1")
    await world.syncer.sync_school("hillside")
    assert not await is_listed(world, "A1")


async def test_a_full_sync_that_is_asked_for_brings_them_back_and_is_audited(world: World) -> None:
    await lose(world, "A1")
    for _ in range(2):
        report = await world.syncer.sync_school("hillside", actor=ANN, full=True, lists=[PUPILS])
    assert [(one.list, one.rows, one.changed) for one in report.lists] == [(PUPILS, 59, False)]
    assert await is_listed(world, "A1")
    noted = [(row.actor, row.changed) for row in await world.audited() if row.action == "school.sync"]
    assert noted == [("staff:ann", {"full": True, "lists": ["students"]})] * 2
    assert (await pupils(world)).full_at == world.clock.now()


async def test_a_full_sync_is_not_lost_to_one_of_changes_that_was_quicker(world: World) -> None:
    await lose(world, "A1")
    fetch, quicker = world.provider.fetch, [True]

    async def overtaken(account: Any, name: ListName, cursor: str | None, window: Any) -> ListChange:
        change = await fetch(account, name, cursor, window)
        if cursor is None and quicker:
            quicker.clear()
            world.clock.advance(timedelta(seconds=1))
            await world.syncer.sync_lists(account, [PUPILS])
        return change

    world.provider.fetch = overtaken
    await world.syncer.sync_school("hillside", full=True, lists=[PUPILS])
    assert await is_listed(world, "A1")


async def test_the_first_sync_of_a_school_day_is_a_full_one(world: World) -> None:
    await lose(world, "A1")
    world.clock.advance(timedelta(days=1) - timedelta(hours=2))  # 07:00 on the next day
    await world.syncer.sync_due("hillside")
    assert await is_listed(world, "A1")


async def test_a_pupil_who_fell_out_is_asked_for_before_their_mark_is_refused(world: World) -> None:
    await lose(world, "A1")
    world.clock.advance(timedelta(minutes=11))
    assert await world.status(await world.submit(mark("A1"))) == "queued"
    assert world.provider.fetched == [PUPILS]


async def test_wrong_ids_have_the_whole_list_fetched_but_once_in_a_while(world: World) -> None:
    world.clock.advance(timedelta(hours=1))
    asked = list[str | None]()
    fetch = world.provider.fetch

    async def noting(account: Any, name: ListName, cursor: str | None, window: Any) -> ListChange:
        asked.append(cursor)
        return await fetch(account, name, cursor, window)

    world.provider.fetch = noting
    for number in range(300):
        world.clock.advance(timedelta(seconds=1))
        with pytest.raises(InvalidSubmission):
            await world.acceptor.submit(CALLER, "hillside", submission(mark(f"X{number}")))
    assert (asked.count(None), len(asked)) == (1, 5)  # every minute for what has changed, all in ten minutes


async def test_what_cannot_be_asked_for_is_taken_with_a_warning_and_waits_for_the_list(world: World) -> None:
    world.provider.no_lists[PUPILS] = NotReached("down")
    answer = await world.acceptor.submit(CALLER, "hillside", submission(mark("A999"), mark("A2")))
    assert answer.status == 202
    (finding,) = json.loads(answer.body)["records"][0]["findings"]
    assert (finding["code"], finding["severity"]) == ("student_not_on_roll", "warning")
    assert "checked again" in finding["hint"]
    await world.serve()
    assert answer.writeback_id is not None
    assert world.provider.sent == []
    assert await world.status(answer.writeback_id) == "queued"

    del world.provider.no_lists[PUPILS]
    world.provider.rows[PUPILS]["A999"] = {"id": "A999"}
    world.clock.advance(timedelta(minutes=1))
    await world.syncer.sync_due("hillside")
    await world.serve()
    assert [len(sent) for sent in world.provider.sent] == [2]


async def test_a_slow_list_holds_up_nobody_for_long(world: World) -> None:
    object.__setattr__(world.flow.settings.lookups, "miss_patience_s", 0.01)
    answering = asyncio.Event()
    fetch = world.provider.fetch

    async def slow(*asked: Any) -> ListChange:
        await answering.wait()
        return await fetch(*asked)

    world.provider.fetch = slow
    writeback_id = await world.submit(mark("A999"))
    answering.set()
    assert await world.status(writeback_id) == "queued"


async def test_whoever_is_in_question_before_sending_fails_only_after_a_full_look(world: World) -> None:
    writeback_id = await world.submit(mark("A1"))
    await lose(world, "A1")
    world.clock.advance(timedelta(minutes=11))
    await world.serve()
    assert await world.status(writeback_id) == "queued"
    world.clock.advance(timedelta(seconds=1))
    await world.syncer.sync_due("hillside")
    world.clock.advance(timedelta(seconds=6))
    await world.serve()
    assert await world.status(writeback_id) == "sent"


async def shrink(world: World, to: int) -> Removals:
    world.provider.rows[PUPILS] = {f"A{number}": {"id": f"A{number}"} for number in range(1, to + 1)}
    await world.syncer.sync_school("hillside", full=True)
    return Removals(world.flow.db, world.flow.clock)


async def test_marks_of_those_who_fell_out_at_once_are_taken_until_somebody_decides(world: World) -> None:
    removals = await shrink(world, 40)
    held_back = (await pupils(world)).held_back
    assert (held_back.count, held_back.since) == (19, world.clock.now())
    assert await world.submit(mark("A59"))
    assert await removals.waiting() == 1

    assert await removals.decide("hillside", PUPILS, Decision.ACCEPT, count=19, actor=ANN) == 19
    assert await removals.decide("hillside", PUPILS, Decision.ACCEPT, actor=ANN) == 0
    world.clock.advance(timedelta(seconds=3))
    with pytest.raises(InvalidSubmission):
        await world.submit(mark("A59"))
    assert ((await pupils(world)).rows, (await pupils(world)).held_back) == (40, None)
    noted = [(row.reason, row.changed) for row in await world.audited() if row.action.startswith("school.removals")]
    assert noted == [("checked with the school", {"list": "students", "removals": 19})]


async def test_somebody_who_saw_another_number_decides_nothing(world: World) -> None:
    removals = await shrink(world, 40)
    with pytest.raises(Conflict, match="19 entries of students wait"):
        await removals.decide("hillside", PUPILS, Decision.ACCEPT, count=12, actor=ANN)
    assert (await pupils(world)).rows == 59


async def test_what_is_discarded_stays_and_waits_no_longer(world: World) -> None:
    removals = await shrink(world, 40)
    assert await removals.decide("hillside", PUPILS, Decision.DISCARD, actor=ANN) == 19
    assert ((await pupils(world)).rows, (await pupils(world)).held_back) == (59, None)


async def test_removals_that_are_held_back_are_given_up_when_the_rows_come_again(world: World) -> None:
    removals = await shrink(world, 40)
    since = world.clock.now()
    world.clock.advance(timedelta(hours=1))
    await shrink(world, 30)
    assert ((await pupils(world)).held_back.count, (await pupils(world)).held_back.since) == (29, since)
    await shrink(world, 59)
    assert await removals.waiting() == 0


async def test_another_account_brings_lists_of_its_own_and_nothing_stays_of_the_old(world: World) -> None:
    await world.syncer.sync_school("hillside")
    await shrink(world, 30)
    await world.flow.registry.patch("hillside", {"provider_school_id": "B2"})
    world.provider.rows[PUPILS] = {"B1": {"id": "B1"}}
    await world.syncer.sync_due("hillside")
    assert ((await pupils(world)).rows, (await pupils(world)).held_back) == (1, None)


async def test_a_school_whose_first_list_of_pupils_is_empty_refuses_nobody(world: World) -> None:
    async with world.flow.db.write() as session:
        await session.delete(await session.get_one(LookupRow, ("hillside", PUPILS.value)))
    world.provider.rows[PUPILS] = {}
    (first, *_) = (await world.syncer.sync_school("hillside")).lists
    assert (first.list, first.error) == (PUPILS, "it came back empty")
    assert await world.submit(mark("A999"))
