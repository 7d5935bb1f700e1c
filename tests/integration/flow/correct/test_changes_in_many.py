"""Many at once with one code, or member of staff, in the place of another: seen first, then done, and only there."""

import json
from datetime import timedelta

from tests.integration.flow.conftest import CALLER, World, mark
from writeback.domain.actor import staff
from writeback.domain.changes import Changes, Settable, Substitution
from writeback.domain.corrections import Action
from writeback.domain.lookups import ListName
from writeback.flow.correct.by_filter import Work
from writeback.flow.correct.draft import Order
from writeback.store.reads.filters import Filter
from writeback.store.reads.selection import Selection
from writeback_client.models.corrections import Preview, Report

KIM = staff("kim", "N was meant")
FAILED = Selection(Filter(school="hillside", code="school_closed"))
SLASH_TO_N = Changes((Substitution(Settable.CODE, "/", "N"),))


def work(changes: Changes) -> Work:
    return Work(Action.RESUBMIT, FAILED, KIM, Order(on_invalid="skip", changes=changes))


async def preview(world: World, changes: Changes) -> Preview:
    return await world.corrections.many.preview(CALLER, work(changes), limit=50)


async def run(world: World, changes: Changes) -> Report:
    return await world.corrections.many.run(CALLER, work(changes))


async def codes(world: World, writeback_id: str) -> list[str]:
    return [one["code"] for one in json.loads((await world.writeback(writeback_id)).records)]


async def test_a_code_becomes_another_in_all_of_them_and_in_nothing_else(world: World) -> None:
    first, second = await world.fail(mark("A1")), await world.fail(mark("A2", code="I"), mark("A3"), bad=(0, 1))
    other = await world.fail(mark("A4", code="I"))

    seen = await preview(world, SLASH_TO_N)
    assert [
        (one.id, [(field.before, field.after) for record in one.records for field in record.changed])
        for one in seen.items
    ] == [
        (first, [("/", "N")]),
        (second, [("/", "N")]),
    ]
    assert (seen.writebacks, seen.looked_at, seen.unchanged) == (3, 3, 1)
    assert await codes(world, first) == ["/"], "it was only looked at"
    assert {await world.status(one) for one in (first, second, other)} == {"failed"}

    report = await run(world, SLASH_TO_N)

    assert ([one.id for one in report.done], report.unchanged) == ([first, second], 1)
    assert (await codes(world, first), await codes(world, second)) == (["N"], ["I", "N"])
    assert [one["status"] for one in await world.records(second)] == ["failed", "queued"]
    assert await world.status(other) == "failed"
    kept = [entry for entry in await world.audited() if entry.action == "writeback.resubmit"]
    assert {(entry.subject, entry.actor, entry.reason) for entry in kept} == {
        (one, "staff:kim", "N was meant") for one in (first, second)
    }


async def test_what_would_still_fail_is_shown_and_stays_as_it_is(world: World) -> None:
    failed = await world.fail(mark("A1"))
    to_nothing = Changes((Substitution(Settable.CODE, "/", "Z9"),))

    (seen,) = (await preview(world, to_nothing)).items
    report = await run(world, to_nothing)

    assert (seen.records, [finding.code for finding in seen.findings]) == ((), ["code_unknown"])
    assert [one.id for one in report.not_done] == [failed]
    assert (await codes(world, failed), await world.status(failed)) == (["/"], "failed")


async def test_a_member_of_staff_who_has_left_is_replaced(world: World) -> None:
    failed = await world.fail(mark("A1"))
    replaced = Changes((Substitution(Settable.STAFF, "E1", "E9"),))

    assert [one.code for one in (await preview(world, replaced)).items[0].findings] == ["employee_unknown"]
    world.provider.rows[ListName.EMPLOYEES] = {"E1": {"id": "E1"}, "E9": {"id": "E9"}}
    world.clock.advance(timedelta(minutes=11))

    report = await run(world, replaced)

    assert [one.id for one in report.done] == [failed]
    assert json.loads((await world.writeback(failed)).records)[0]["employee_id"] == "E9"


async def test_pupils_and_causes_are_left_out(world: World) -> None:
    both, alone = await world.fail(mark("A1"), mark("A2"), bad=(0, 1)), await world.fail(mark("A1", code="I"))

    report = await run(world, Changes(without_pupils=("A1",)))

    assert ([one.id for one in report.done], report.unchanged) == ([both], 1)
    assert [one["status"] for one in await world.records(both)] == ["failed", "queued"]
    assert await world.status(alone) == "failed"
    nothing = await run(world, Changes(without_findings=("school_closed",)))
    assert (nothing.done, nothing.not_done) == ((), ())


async def test_what_changes_between_looking_and_doing_is_left_alone(world: World) -> None:
    failed = await world.fail(mark("A1"))
    await preview(world, SLASH_TO_N)
    await world.corrections.resubmits.one(CALLER, failed, Order(), KIM)  # somebody else was quicker

    report = await run(world, SLASH_TO_N)

    assert (report.done, report.matched) == ((), 0)
    assert await codes(world, failed) == ["/"]
