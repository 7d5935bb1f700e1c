"""What becomes of a mark that the office has made: left, written over with a word, or written over."""

from datetime import timedelta
from typing import Any

import pytest

from tests.integration.flow.conftest import World, mark
from writeback.domain.outcome import Blocked, Evidenced, NotReached, ReadBack, SlotReadBack, Uncertain
from writeback.domain.school import HoldReason

pytestmark = pytest.mark.sqlite_first


async def having(world: World, policy: str, *values: str | None) -> World:
    """A school with that setting, whose MIS has these values when it is read."""
    await world.flow.registry.patch("hillside", {"office_marks": policy})
    world.provider.readings = [ReadBack({0: SlotReadBack(value, matches=False)}) for value in values]
    return world


async def confirmed(world: World, *marks: dict[str, Any]) -> str:
    """Submit marks that are written and confirmed."""
    writeback_id = await world.submit(*marks)
    await world.serve()
    world.provider.verdicts.append(Evidenced("webhook"))
    await world.confirm()
    assert await world.status(writeback_id) == "confirmed"
    return writeback_id


def codes_of(records: Any) -> list[list[str]]:
    return [[one["code"] for one in record.get("findings", ())] for record in records]


async def test_where_the_school_says_nothing_nobody_looks(world: World) -> None:
    async def look(*_: Any) -> Any:
        raise AssertionError("nobody asked")

    world.provider.read_back = look  # type: ignore[method-assign, assignment] # in its place
    await world.submit(mark("A1"))

    await world.serve()

    assert len(world.provider.sent) == 1


async def test_the_offices_mark_is_left_where_the_school_has_it_so(world: World) -> None:
    await having(world, "leave", "I")

    writeback_id = await world.submit(mark("A1"))
    await world.serve()

    assert world.provider.sent == []
    (record,) = await world.records(writeback_id)
    assert (record["status"], record["evidence"]) == ("confirmed", "left as it was")
    assert record["findings"][0]["code"] == "left_as_it_was"
    assert "only_if_blank false" in record["findings"][0]["hint"]


@pytest.mark.parametrize("value", [None, "N"])
async def test_a_mark_goes_where_the_office_has_made_none(world: World, value: str | None) -> None:
    await having(world, "leave", value)

    await world.submit(mark("A1"))
    await world.serve()

    assert len(world.provider.sent) == 1


async def test_a_record_that_wants_it_written_whatever_is_there_beats_the_school(world: World) -> None:
    await having(world, "leave", "I")

    await world.submit(mark("A1", only_if_blank=False))
    await world.serve()

    assert len(world.provider.sent) == 1
    assert len(world.provider.readings) == 1  # nobody looked


async def test_a_record_that_wants_it_left_beats_a_school_that_has_it_written_over(world: World) -> None:
    await having(world, "overwrite", "I")

    writeback_id = await world.submit(mark("A1", only_if_blank=True))
    await world.serve()

    assert world.provider.sent == []
    assert (await world.records(writeback_id))[0]["evidence"] == "left as it was"


@pytest.mark.both_databases
async def test_an_app_may_correct_its_own_mark(world: World) -> None:
    await having(world, "leave", None, "/")
    await confirmed(world, mark("A1"))

    await world.submit(mark("A1", code="I"))
    await world.serve()

    assert [one[0]["code"] for one in world.provider.sent] == ["/", "I"]


async def test_an_app_that_gave_the_codes_id_may_correct_it_too(world: World) -> None:
    await having(world, "leave", None, "/")
    await confirmed(world, mark("A1", code="C/"))

    await world.submit(mark("A1", code="I"))
    await world.serve()

    assert len(world.provider.sent) == 2


async def test_a_mark_that_may_have_arrived_is_ours_too(world: World) -> None:
    await having(world, "leave", None)
    world.provider.outcomes.append(Uncertain("no answer"))
    first = await world.submit(mark("A1"))
    await world.serve()
    assert await world.status(first) in ("queued", "unknown")
    world.provider.readings = [ReadBack({0: SlotReadBack("/", matches=True)})] * 2

    await world.confirm(after_s=600)
    await world.serve()

    assert await world.status(first) in ("sent", "confirmed")


async def test_an_older_mark_of_ours_that_the_provider_still_shows_is_not_the_offices(world: World) -> None:
    await having(world, "leave", None, "/", "/")
    await confirmed(world, mark("A1"))
    await confirmed(world, mark("A1", code="I"))

    await world.submit(mark("A1", code="N"))  # a moment later the provider shows its copy of before
    await world.serve()

    assert len(world.provider.sent) == 3


@pytest.mark.parametrize("as_of_says_so", [True, False])
async def test_an_older_mark_of_ours_that_somebody_has_put_back_is_the_offices(
    world: World, as_of_says_so: bool
) -> None:
    await having(world, "leave", None, "/")
    await confirmed(world, mark("A1"))
    await confirmed(world, mark("A1", code="I"))
    world.clock.advance(timedelta(minutes=1) if as_of_says_so else timedelta(hours=4))
    as_of = world.clock.now() if as_of_says_so else None
    world.provider.readings = [ReadBack({0: SlotReadBack("/", matches=False)}, as_of=as_of)]

    third = await world.submit(mark("A1", code="N"))
    await world.serve()

    assert len(world.provider.sent) == 2
    assert (await world.records(third))[0]["evidence"] == "left as it was"


async def test_what_the_office_has_made_of_our_mark_is_the_offices(world: World) -> None:
    await having(world, "leave", None, "I")
    await confirmed(world, mark("A1"))

    second = await world.submit(mark("A1", code="N"))
    await world.serve()

    assert len(world.provider.sent) == 1
    assert (await world.records(second))[0]["evidence"] == "left as it was"


async def test_a_mark_of_ours_that_was_left_makes_the_offices_none_of_ours(world: World) -> None:
    await having(world, "leave", "I", "I")
    await world.submit(mark("A1", code="/"))
    await world.serve()
    again = await world.submit(mark("A1", code="N"))

    await world.serve()

    assert world.provider.sent == []
    assert (await world.records(again))[0]["evidence"] == "left as it was"


async def test_where_the_school_wants_a_warning_it_goes_and_says_what_was_there(world: World) -> None:
    await having(world, "warn", "I")

    writeback_id = await world.submit(mark("A1"))
    await world.serve()

    assert len(world.provider.sent) == 1
    (record,) = await world.records(writeback_id)
    assert (record["status"], codes_of([record])) == ("sent", [["office_mark_overwritten"]])
    assert "had I there" in record["findings"][0]["message"]
    assert await world.events(writeback_id) == ["accepted", "sending", "sent"]


async def test_what_is_tried_again_is_warned_of_once(world: World) -> None:
    await having(world, "warn", "I", "I")
    world.provider.outcomes.append(NotReached("refused"))
    writeback_id = await world.submit(mark("A1"))
    await world.serve()
    world.clock.advance(timedelta(minutes=10))

    await world.serve()

    assert len(world.provider.sent) == 2
    assert codes_of(await world.records(writeback_id)) == [["office_mark_overwritten"]]


@pytest.mark.parametrize("answer", [NotReached("refused"), Blocked(HoldReason.SCOPE_MISSING, "403"), ReadBack({})])
async def test_no_mark_waits_for_a_warning(world: World, answer: Any) -> None:
    await having(world, "warn")
    world.provider.readings = [answer]

    await world.submit(mark("A1"))
    await world.serve()

    assert len(world.provider.sent) == 1


async def test_what_cannot_be_read_is_not_written_over_where_the_school_has_it_left(world: World) -> None:
    await having(world, "leave")
    world.provider.readings = [ReadBack({})]

    writeback_id = await world.submit(mark("A1"))
    await world.serve()

    assert world.provider.sent == []
    (record,) = await world.records(writeback_id)
    assert (record["status"], codes_of([record])) == ("failed", [["cannot_be_read_first"]])


async def test_of_a_register_only_the_pupils_whom_the_office_has_marked_are_left(world: World) -> None:
    await world.flow.registry.patch("hillside", {"office_marks": "leave"})
    there = {0: "I", 1: None, 2: "I"}
    world.provider.readings = [ReadBack({at: SlotReadBack(value, matches=False) for at, value in there.items()})]

    writeback_id = await world.submit(
        mark("A1"), mark("A2"), mark("A3", only_if_blank=True), mark("A4", only_if_blank=False)
    )
    await world.serve()

    assert [[one["student_id"] for one in marks] for marks in world.provider.sent] == [["A2", "A4"]]
    records = await world.records(writeback_id)
    assert [one["status"] for one in records] == ["confirmed", "sent", "confirmed", "sent"]


async def test_what_may_have_arrived_and_cannot_be_read_is_for_a_person(world: World) -> None:
    await having(world, "leave", None)
    world.provider.outcomes.append(NotReached("refused"))
    writeback_id = await world.submit(mark("A1"))
    await world.serve()
    world.provider.readings = [ReadBack({})]
    world.clock.advance(timedelta(minutes=10))

    await world.serve()

    (record,) = await world.records(writeback_id)
    assert (record["status"], codes_of([record])) == ("needs_attention", [["cannot_be_read_first"]])
