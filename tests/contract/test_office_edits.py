"""A create whose answer is lost, and which the office changes in the MIS before anybody has looked: never twice.

The whole flow with each provider's adapter, over real HTTP, against the sandbox; time moves by hand.
"""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from tests.contract.conftest import World
from tests.contract.service import Service
from tests.contract.service import service as service  # the fixture
from tests.contract.test_kinds import CREATES, in_the_mis

EDITS: Mapping[str, Mapping[str, Any]] = {
    "achievement.create": {
        "points": {"students": "with points"},
        "day": {"date": "a week before"},
        "type": {"type": "another"},
        "a pupil more": {"students": "one more"},
    },
    "behaviour.create": {
        "points": {"students": "with points"},
        "day": {"date": "a week before"},
        "type": {"type": "another"},
        "status": {"status": "another"},
        "a pupil fewer": {"remove_students": "the second"},
        "words": {"comment": "Seen by nobody but the office"},
    },
    "detention.create": {
        "end": {"end_time": "13:20"},
        "day": {"date": "a week before"},
        "start": {"start_time": "12:10"},
        "a pupil fewer": {"remove_students": "the second"},
        "words": {"comment": "Bring a book"},
    },
    "student_absence.create": {
        "start": {"start_at": "09:10:00"},
        "day": {"start_at": "a week before"},
        "event": {"event": "sign in"},
        "words": {"comment": "Called at nine"},
    },
    "employee_absence.create": {
        "end": {"end_at": "15:00:00"},
        "day": {"start_at": "a week before", "end_at": "a week before"},
        "start": {"start_at": "07:00:00"},
        "hours": {"hours": "3"},
        "words": {"comment": "Called at nine"},
    },
}
CASES = [(provider, kind, edit) for provider, kind in CREATES for edit in EDITS[kind]]
UNSEEN = {
    ("wonde", "achievement.create", "a pupil more"),
    ("wonde", "behaviour.create", "status"),
    ("wonde", "behaviour.create", "words"),
    ("wonde", "detention.create", "words"),
    ("wonde", "student_absence.create", "words"),
    ("wonde", "employee_absence.create", "words"),
    ("xporter", "detention.create", "words"),
}
"""What no reading holds against a record: it is found, and confirmed."""

each = pytest.mark.parametrize(("world", "kind"), CREATES, indirect=["world"])
each_edit = pytest.mark.parametrize(("world", "kind", "edit"), CASES, indirect=["world"])


async def edit_of(service: Service, name: str) -> dict[str, Any]:
    """Return what the office makes of the thing that was made last."""
    world, held = service.world, (await in_the_mis(service.world, service.kind))[-1]
    family = service.kind.partition(".")[0]
    change = dict(EDITS[service.kind][name])
    if family.endswith("absence"):  # which is said whole
        kept = {field: held[field] for field in held if field not in _MADE_BY_MIS}
        clocks = {field: _moment(world, held[field], change[field]) for field in _DAYS if field in change}
        whole = {**kept, **change, **clocks}
        return {field: str(value).replace("T", " ") if "_at" in field else value for field, value in whole.items()}
    if change.get("date") == _WEEK_BEFORE:
        change["date"] = f"{date.fromisoformat(held['date']) - timedelta(days=7)}"
    for field in ("type", "status"):
        if change.get(field) == "another":
            rows = (await world.ask("schools/{school}/attributes", list=family, type=field))["attributes"]
            change[field] = next(row["code"] for row in rows if row["active"] and row["code"] != held[field])
    match change.get("students"):
        case "with points":
            change["students"] = [{"student_id": world.pupils[0], "points": 9}]
        case "one more":
            change["students"] = [{"student_id": world.pupils[2], "points": 5}]
    if "remove_students" in change:
        change["remove_students"] = [world.pupils[1]]
    return change


def days_before(service: Service, back: int) -> dict[str, Any]:
    """Return what makes a record one of an earlier day."""
    day = service.world.today - timedelta(days=back)
    match service.kind:
        case "student_absence.create":
            return {"start_at": f"{day}T08:30:00"}
        case "employee_absence.create":
            return {"start_at": f"{day}T08:00:00", "end_at": f"{day}T12:00:00"}
        case _:
            return {"date": day.isoformat()}


def _moment(world: World, held: str, wanted: str) -> str:
    """Return an instant at the clock that is wanted, or that it has a week before."""
    if wanted == _WEEK_BEFORE:
        return f"{datetime.fromisoformat(held) - timedelta(days=7)}"
    return f"{world.today} {wanted}"


_WEEK_BEFORE = "a week before"
_DAYS = ("start_at", "end_at")
_MADE_BY_MIS = ("mis_id", "source", "created_at", "updated_at")


@each_edit
async def test_what_the_office_changed_is_found_and_not_made_again(service: Service, edit: str) -> None:
    writeback_id = await service.lose_answer()
    await service.office(update=await edit_of(service, edit))

    await service.settle()

    found = await service.show(writeback_id)
    assert await service.created() == 1
    if (service.world.name, service.kind, edit) in UNSEEN:
        assert (found.status, found.evidence) == ("confirmed", "read-back")
        return
    assert found.status == "needs_attention"
    (held,) = await in_the_mis(service.world, service.kind)
    comparison = found.records[0].comparison
    assert comparison is not None
    (near,) = comparison.near
    assert near.mis_id in (held["id"], held["mis_id"])
    assert [one.field for one in near.fields if one.differs] != []
    assert "Seen by" not in comparison.model_dump_json()


@each
async def test_what_never_arrived_is_made_once(service: Service) -> None:
    writeback_id = await service.lose_answer(takes_effect=False)

    await service.settle()

    assert await service.created() == 1
    assert len((await service.show(writeback_id)).requests) == 2


@each
async def test_the_same_on_the_days_before_stops_nothing(service: Service) -> None:
    """A pupil has the same incident each day; each was made on its day, and one is lost on its way."""
    for back in (7, 1):
        earlier = await service.submit(**days_before(service, back))
        await service.serve()
        await service.world.advance()
        await service.settle()
        assert (await service.show(earlier)).status == "confirmed"
        service.world.clock.advance(timedelta(days=1))
    await service.lose_answer(takes_effect=False)

    await service.settle()

    assert await service.created() == 3


@each
async def test_one_that_was_moved_is_found_beside_the_same_one_of_before(service: Service) -> None:
    """What was there before the request answers no question about what it has made."""
    earlier = await service.submit()
    await service.serve()
    await service.world.advance()
    await service.settle()
    moved = await service.lose_answer()
    await service.office(update=await edit_of(service, "day"))

    await service.settle()

    assert await service.created() == 2
    assert [(await service.show(one)).status for one in (earlier, moved)] == ["confirmed", "needs_attention"]


@pytest.mark.parametrize(("world", "kind"), [case for case in CREATES if case[0] == "wonde"], indirect=["world"])
async def test_one_that_was_removed_is_asked_about_beside_the_same_one_of_before(service: Service) -> None:
    await service.submit()
    await service.serve()
    await service.world.advance()
    await service.settle()
    removed = await service.lose_answer()
    await service.office(delete=[(await in_the_mis(service.world, service.kind))[-1]["id"]])

    await service.settle()

    assert await service.created() == 2
    assert (await service.show(removed)).status == "needs_attention"


@each
async def test_what_is_there_as_it_was_sent_is_confirmed(service: Service) -> None:
    writeback_id = await service.lose_answer()

    await service.settle()

    assert await service.created() == 1
    assert (await service.show(writeback_id)).status == "confirmed"


@each
async def test_what_was_seen_changed_and_is_removed_since_is_not_made_again(service: Service) -> None:
    writeback_id = await service.lose_answer()
    await service.office(update=await edit_of(service, next(iter(EDITS[service.kind]))))
    await service.look()
    held = await in_the_mis(service.world, service.kind)
    await service.office(delete=[held[0]["id"]])

    await service.settle()

    assert await service.created() == 1
    assert (await service.show(writeback_id)).status == "needs_attention"


@each
async def test_of_two_at_once_the_one_that_was_changed_is_not_made_again(service: Service) -> None:
    first = await service.lose_answer()
    second = await service.lose_answer()
    await service.office(update=await edit_of(service, next(iter(EDITS[service.kind]))))

    await service.settle()

    assert await service.created() == 2
    states = sorted([(await service.show(one)).status for one in (first, second)])
    assert states == ["confirmed", "needs_attention"]


@each
async def test_what_is_removed_before_anybody_looks_is_asked_about_where_the_provider_lists_it(
    service: Service,
) -> None:
    """Wonde has a list of what is gone (117-171), Xporter none: there it is made again, and the timeline says why."""
    writeback_id = await service.lose_answer()
    (held,) = await in_the_mis(service.world, service.kind)
    await service.office(delete=[held["id"]])

    await service.settle()

    found = await service.show(writeback_id)
    if service.world.name == "wonde":
        assert (found.status, await service.created()) == ("needs_attention", 1)
        assert [one.code for one in found.records[0].findings] == ["may_have_been_removed"]
        assert held["id"] in found.records[0].findings[0].message
    else:
        assert any("had the office removed it" in (event.detail or "") for event in found.timeline)
