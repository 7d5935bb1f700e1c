"""After a move of MIS, or where somebody has a new id, what waits or has failed is carried over if that is certain."""

import json
from dataclasses import replace
from datetime import timedelta
from functools import partialmethod
from typing import Any

import pytest

from tests.integration.flow.conftest import CALLER, World, mark
from tests.integration.flow.directory.conftest import JO, KIM, PAT, people
from writeback.core.errors import InvalidSubmission
from writeback.domain.actor import Actor
from writeback.domain.changes import Changes, Settable, Substitution
from writeback.domain.directory import PersonDetails
from writeback.domain.lookups import ListName
from writeback.domain.outcome import NotReached, Rejected, Uncertain
from writeback.flow.correct.draft import Edit, Order
from writeback.flow.directory.find import PeopleFinder
from writeback.flow.moves.carry_over import CarryOver
from writeback.providers.registry import PROVIDERS

pytestmark = pytest.mark.sqlite_first

__all__ = ["people"]

People = dict[ListName, dict[str, PersonDetails]]


@pytest.fixture
def carry_over(world: World) -> CarryOver:
    return CarryOver(world.flow, PeopleFinder(world.flow))


@pytest.fixture(autouse=True)
def ids_of_the_mis(monkeypatch: pytest.MonkeyPatch) -> None:
    """The provider's ids are the MIS's: after a move one may be another's."""
    monkeypatch.setitem(PROVIDERS, "wonde", replace(PROVIDERS["wonde"], keeps_ids=False))


async def move(world: World, people: People, **students: PersonDetails) -> None:
    """Move the school to another MIS, whose ids are others, and fetch its lists."""
    world.clock.advance(timedelta(minutes=1))
    await world.flow.registry.patch("hillside", {"mis": "Arbor"})
    people[ListName.STUDENTS] = dict(students)
    people[ListName.EMPLOYEES] = {"F1": JO}
    world.provider.rows[ListName.STUDENTS] = {one: {"id": one} for one in students}
    world.provider.rows[ListName.EMPLOYEES] = {"F1": {"id": "F1"}}
    codes = {"/": "D1", "I": "D2", "N": "D3"}
    world.provider.rows[ListName.ATTENDANCE_CODES] = {
        one: {"id": one, "code": code, "active": True, "type": "PRESENT"} for code, one in codes.items()
    }
    world.clock.advance(timedelta(minutes=1))


async def synced(world: World) -> None:
    await world.syncer.sync_school("hillside")


async def says(world: World, writeback_id: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((await world.writeback(writeback_id)).records)
    return found


async def test_what_waits_is_carried_over_by_upn_and_code_and_its_timeline_says_so(
    world: World, people: People, carry_over: CarryOver
) -> None:
    await synced(world)
    waits = await world.submit(mark("A1", code="CI"), mark("A2"))
    await move(world, people, B1=PAT, A1=KIM)  # A1 is another child by now
    await synced(world)

    assert await carry_over.of_school("hillside")
    await world.serve()

    sent = [(one["student_id"], one["code"], one["employee_id"]) for marks in world.provider.sent for one in marks]
    assert sent == [("B1", "I", "F1"), ("A1", "/", "F1")]
    assert "ids_carried_over" in await world.events(waits)
    noted = [one for one in await world.audited() if one.action == "school.ids_carried_over"]
    assert [one.changed for one in noted] == [{"carried": 2, "uncertain": 0}]


async def test_nothing_with_former_ids_is_sent_before_it_has_been_carried_over(
    world: World, people: People, carry_over: CarryOver
) -> None:
    await synced(world)
    waits = await world.submit(mark("A1"))
    await move(world, people, B1=PAT, A1=KIM)

    await world.serve()
    is_done_without_lists = await carry_over.of_school("hillside")
    await synced(world)
    await world.serve()

    assert not is_done_without_lists
    assert world.provider.sent == []
    assert await world.status(waits) == "queued"


@pytest.mark.both_databases
async def test_what_is_not_certain_fails_for_a_person_and_goes_with_the_right_id(
    world: World, people: People, carry_over: CarryOver
) -> None:
    await synced(world)
    waits = await world.submit(mark("A1"), mark("A3"))  # nobody knows A3's number
    await move(world, people, B1=PAT, A3=KIM)
    await synced(world)
    await carry_over.of_school("hillside")

    first, second = await world.records(waits)
    assert (first["status"], second["status"]) == ("queued", "failed")
    assert second["findings"][0]["code"] == "id_of_former_mis"
    assert second["findings"][0]["message"].startswith("student_id is A3, from before the school's ids changed")
    await world.serve()
    assert [[one["student_id"] for one in marks] for marks in world.provider.sent] == [["B1"]]


async def test_what_has_failed_is_carried_over_so_that_it_can_be_sent_again(
    world: World, people: People, carry_over: CarryOver
) -> None:
    await synced(world)
    failed = await world.fail(mark("A1"))
    await move(world, people, B1=PAT)
    await synced(world)
    await carry_over.of_school("hillside")

    assert [one["student_id"] for one in await says(world, failed)] == ["B1"]
    assert await world.status(failed) == "failed"
    await world.corrections.resubmits.one(CALLER, failed, Order(), Actor("staff:ann"))
    await world.serve()
    assert world.provider.sent[-1][0]["student_id"] == "B1"


@pytest.mark.both_databases
async def test_what_a_person_has_corrected_meanwhile_keeps_the_ids_that_they_gave(
    world: World, people: People, carry_over: CarryOver
) -> None:
    await synced(world)
    failed = await world.fail(mark("A1"))
    await move(world, people, B1=PAT, A1=KIM)
    await synced(world)
    edit = Edit(0, mark("A1", employee_id="F1"))
    await world.corrections.resubmits.one(CALLER, failed, Order([edit]), Actor("staff:ann"))
    await carry_over.of_school("hillside")

    assert [one["student_id"] for one in await says(world, failed)] == ["A1"]


async def test_a_mark_that_may_be_in_the_mis_and_is_not_certain_is_for_a_person_to_decide(
    world: World, people: People, carry_over: CarryOver
) -> None:
    await synced(world)
    waits = await world.submit(mark("A3"))
    world.provider.outcomes = [Uncertain("no answer")]
    await world.serve()
    await move(world, people, B1=PAT)
    await synced(world)
    await carry_over.of_school("hillside")

    assert await world.status(waits) == "needs_attention"


async def test_a_look_that_ended_in_the_middle_goes_on_where_it_was(
    world: World, people: People, carry_over: CarryOver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("writeback.flow.moves.carry_over._AT_ONCE", 1)
    await synced(world)
    both = [await world.submit(mark("A1")), await world.submit(mark("A2"))]
    await move(world, people, A2=PAT, A1=KIM)  # they have changed places
    await synced(world)
    pieces: list[object] = []
    with monkeypatch.context() as broken:
        broken.setattr(CarryOver, "_carry", partialmethod(_die_after_the_first_piece, pieces, CarryOver._carry))
        await carry_over.look()
    halfway = [(await says(world, one))[0]["student_id"] for one in both]
    await carry_over.look()

    assert halfway == ["A2", "A2"]
    assert [(await says(world, one))[0]["student_id"] for one in both] == ["A2", "A1"]
    assert (await world.flow.registry.school("hillside")).former_ids_until is None


def _die_after_the_first_piece(self: CarryOver, pieces: list[object], carry: Any, *given: Any) -> None:
    pieces.append(given)
    if len(pieces) > 1:
        raise RuntimeError
    carry(self, *given)


async def test_ids_of_a_provider_that_keeps_them_stay_where_they_are_on_the_new_lists(
    world: World, people: People, carry_over: CarryOver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(PROVIDERS, "wonde", replace(PROVIDERS["wonde"], keeps_ids=True))
    await synced(world)
    waits = await world.submit(mark("A3"))
    await move(world, people, A3=PersonDetails(), E1=PersonDetails())
    world.provider.rows[ListName.EMPLOYEES]["E1"] = {"id": "E1"}
    await synced(world)
    await carry_over.of_school("hillside")

    assert await world.status(waits) == "queued"
    assert [one["student_id"] for one in await says(world, waits)] == ["A3"]


async def test_somebody_with_a_new_id_at_a_school_that_has_not_moved_is_carried_over_and_nobody_else_touched(
    world: World, people: People, carry_over: CarryOver
) -> None:
    await synced(world)
    failed, other = await world.fail(mark("A1")), await world.fail(mark("A3"))
    world.clock.advance(timedelta(days=1))
    people[ListName.STUDENTS] = {"B1": PAT, "A2": KIM}
    rows = {f"A{n}": {"id": f"A{n}"} for n in range(2, 60)}
    world.provider.rows[ListName.STUDENTS] = {**rows, "B1": {"id": "B1"}}
    await world.syncer.sync_school("hillside", full=True)
    await carry_over.look()

    assert [(await says(world, one))[0]["student_id"] for one in (failed, other)] == ["B1", "A3"]
    assert "id_of_former_mis" not in json.dumps((await world.records(other))[0])


@pytest.mark.both_databases
async def test_an_id_that_somebody_had_before_a_move_is_later_only_that_of_who_has_it_now(
    world: World, people: People, carry_over: CarryOver
) -> None:
    await synced(world)
    await move(world, people, B1=PAT, A1=KIM)  # A1 was Pat's
    await synced(world)
    await carry_over.of_school("hillside")
    failed, other = await world.fail(mark("A1", employee_id="F1")), await world.fail(mark("B1", employee_id="F1"))
    world.clock.advance(timedelta(days=1))
    people[ListName.STUDENTS] = {"C1": PAT, "A1": KIM}
    world.provider.rows[ListName.STUDENTS] = {one: {"id": one} for one in ("C1", "A1")}
    await world.syncer.sync_school("hillside", full=True)
    await carry_over.look()

    assert [(await says(world, one))[0]["student_id"] for one in (failed, other)] == ["A1", "C1"]


async def test_what_came_after_the_move_and_was_checked_by_the_former_list_is_carried_over_too(
    world: World, people: People, carry_over: CarryOver
) -> None:
    await synced(world)
    await move(world, people, B1=PAT, A1=KIM)
    between = await world.submit(mark("A1"))
    world.clock.advance(timedelta(minutes=1))
    await synced(world)
    world.clock.advance(timedelta(minutes=1))
    after = await world.submit(mark("A1", employee_id="F1"))
    await carry_over.of_school("hillside")

    assert [(await says(world, one))[0]["student_id"] for one in (between, after)] == ["B1", "A1"]


@pytest.mark.both_databases
async def test_what_was_checked_by_the_new_list_keeps_its_ids_while_another_list_is_still_the_former(
    world: World, people: People, carry_over: CarryOver
) -> None:
    await synced(world)
    await move(world, people, B1=PAT, A1=KIM)
    world.provider.no_lists = {ListName.ATTENDANCE_CODES: NotReached("no answer")}
    await synced(world)
    world.clock.advance(timedelta(minutes=1))
    after = await world.submit(mark("A1", employee_id="F1"))  # Kim, as the new list has it
    waits_for_codes = not await carry_over.of_school("hillside")
    world.clock.advance(timedelta(minutes=1))
    world.provider.no_lists = {}
    await synced(world)
    await carry_over.of_school("hillside")

    assert waits_for_codes
    assert [one["student_id"] for one in await says(world, after)] == ["A1"]
    assert await world.status(after) == "queued"


async def test_nothing_waits_for_closures_of_which_no_record_has_an_id(
    world: World, people: People, carry_over: CarryOver
) -> None:
    world.provider.rows[ListName.CLOSURES] = {
        "C1": {"id": "C1", "kind": "holiday", "first": "2026-02-16", "last": "2026-02-20"}
    }
    await synced(world)
    await move(world, people, B1=PAT)
    world.provider.no_lists = {ListName.CLOSURES: NotReached("no answer")}
    await synced(world)

    assert (await world.flow.lookups.view("hillside", fresh=True)).closures is not None
    assert await carry_over.of_school("hillside")


@pytest.mark.both_databases
async def test_what_came_while_the_new_list_was_fetched_is_not_taken_for_checked_by_it(
    world: World, people: People, carry_over: CarryOver, monkeypatch: pytest.MonkeyPatch
) -> None:
    await synced(world)
    await move(world, people, B1=PAT, A1=KIM)
    world.provider.rows[ListName.EMPLOYEES]["E1"] = {"id": "E1"}
    submitted, fetch = list[str](), world.provider.fetch

    async def fetch_slowly(account: Any, name: ListName, cursor: Any, window: Any) -> Any:
        if name is ListName.STUDENTS and not submitted:
            world.clock.advance(timedelta(seconds=30))
            submitted.append(await world.submit(mark("A1")))
            world.clock.advance(timedelta(seconds=1))
        return await fetch(account, name, cursor, window)

    monkeypatch.setattr(world.provider, "fetch", fetch_slowly)
    await synced(world)
    world.clock.advance(timedelta(seconds=5))
    at_once = await world.submit(mark("A1", employee_id="F1"))
    await carry_over.of_school("hillside")
    await world.serve()

    assert [one["student_id"] for marks in world.provider.sent for one in marks] == []
    assert [await world.status(one) for one in (*submitted, at_once)] == ["failed", "failed"]


@pytest.mark.both_databases
async def test_defaults_are_carried_over_where_they_are_certain_and_no_longer_there_where_not(
    world: World, people: People, carry_over: CarryOver
) -> None:
    people[ListName.EMPLOYEES]["E2"] = PersonDetails(surname="Sample", forename="Alex")  # nobody knows their e-mail
    world.provider.rows[ListName.EMPLOYEES]["E2"] = {"id": "E2"}
    await synced(world)
    said = {"attendance.session": {"employee_id": "E1"}, "attendance.lesson": {"employee_id": "E2"}}
    await world.flow.registry.patch("hillside", {"defaults": said})
    await move(world, people, B1=PAT)
    world.provider.rows[ListName.EMPLOYEES]["E2"] = {"id": "E2"}  # somebody else
    await synced(world)
    await carry_over.of_school("hillside")

    now = {"attendance.session": {"employee_id": "F1"}}
    assert (await world.flow.registry.school("hillside")).defaults == now
    noted = [one for one in await world.audited() if one.action == "school.ids_carried_over"]
    assert [(one.changed["defaults_changed"], one.changed["defaults_dropped"]) for one in noted] == [
        (["attendance.session employee_id"], ["attendance.lesson employee_id"])
    ]


async def test_what_is_on_its_way_and_comes_back_goes_with_the_new_id_or_not_at_all(
    world: World, people: People, carry_over: CarryOver
) -> None:
    await synced(world)
    known, unknown = await world.submit(mark("A1")), await world.submit(mark("A3"))
    await world.serve()  # both are with the provider
    await move(world, people, B1=PAT, A3=KIM)
    await synced(world)
    await carry_over.of_school("hillside")
    world.provider.verdicts = [Rejected("the MIS was away"), Rejected("the MIS was away")]
    await world.confirm()
    for _ in range(4):
        world.clock.advance(timedelta(minutes=10))
        await world.serve()

    later = [one["student_id"] for marks in world.provider.sent[1:] for one in marks]
    assert "A3" not in later
    assert set(later) <= {"B1"}
    assert await world.status(unknown) in ("needs_attention", "failed")
    assert "ids_carried_over" in await world.events(known)


@pytest.mark.both_databases
async def test_nothing_is_carried_over_while_a_request_is_under_way(
    world: World, people: People, carry_over: CarryOver
) -> None:
    await synced(world)
    await world.submit(mark("A1"))

    async def meanwhile() -> None:
        await move(world, people, B1=PAT)
        await synced(world)
        assert not await carry_over.of_school("hillside")

    world.provider.before_answer = meanwhile
    await world.serve()
    assert await carry_over.of_school("hillside")


async def test_what_is_not_certain_goes_again_only_with_an_id_that_somebody_has_given(
    world: World, people: People, carry_over: CarryOver
) -> None:
    await synced(world)
    failed = await world.fail(mark("A3"))
    await move(world, people, B1=PAT, A3=KIM)  # A3 is another child by now
    await synced(world)
    await carry_over.of_school("hillside")
    again = world.corrections.resubmits.one

    with pytest.raises(InvalidSubmission) as refused:
        await again(CALLER, failed, Order(), Actor("staff:ann"))
    to_n = Order(on_invalid="skip", changes=Changes((Substitution(Settable.CODE, "/", "N"),)))
    with pytest.raises(InvalidSubmission) as changed:
        await again(CALLER, failed, to_n, Actor("staff:ann"))
    said = [one["code"] for one in changed.value.extra["findings"]]
    assert "id_of_former_mis" in said, "another code is no other child"
    await again(CALLER, failed, Order([Edit(0, mark("B1", employee_id="F1"))]), Actor("staff:ann"))
    await world.serve()

    assert refused.value.extra["findings"][0]["code"] == "id_of_former_mis"
    assert world.provider.sent[-1][0]["student_id"] == "B1"
