"""Resubmitting what failed, was cancelled or was never sent: validated again, corrected, and recorded."""

import asyncio
import json
from datetime import timedelta

import pytest

from tests.integration.flow.confirm.test_creates import confirm, in_doubt, patience, serve
from tests.integration.flow.conftest import CALLER, LANE, TODAY, Evidenced, World, mark
from writeback.core.errors import Conflict, Forbidden, InvalidSubmission, NotFound
from writeback.domain.access import Caller, Scope
from writeback.domain.actor import Actor, staff
from writeback.domain.lookups import ListName
from writeback.domain.outcome import NotReached, ReadBack
from writeback.domain.school import HoldReason
from writeback.flow.correct.draft import Draft, Edit, Order
from writeback.flow.correct.revalidate import DraftRevalidation

pytestmark = pytest.mark.sqlite_first

ANN = staff("ann", "the office asked for it")
OTHER_APP = Caller("key_2", "another", frozenset({Scope.SUBMIT, Scope.READ}))


async def _again(world: World, writeback_id: str, order: Order | None = None, actor: Actor = ANN, **options):
    return await world.corrections.resubmits.one(CALLER, writeback_id, order or Order(), actor, **options)


async def _confirm(world: World) -> None:
    await world.serve()
    world.provider.verdicts.append(Evidenced("webhook"))
    await world.confirm()


async def test_what_failed_goes_again_and_what_was_confirmed_does_not(world: World) -> None:
    failed = await world.fail(mark("A1"), mark("A2"))
    assert await world.status(failed) == "partial"
    world.waker.wakes.clear()

    view = await _again(world, failed)

    assert (view.status, [record.index for record in view.records]) == ("queued", [0])
    assert ("serve_lane", LANE) in world.waker.wakes
    await _confirm(world)
    assert await world.status(failed) == "confirmed"
    assert [one["student_id"] for one in world.provider.sent[-1]] == ["A1"]
    assert (await world.events(failed))[-4:] == ["resubmitted", "sending", "sent", "confirmed"]


async def test_it_begins_anew_and_keeps_what_was_said(world: World) -> None:
    failed = await world.fail()
    before = await world.writeback(failed)
    assert before.attempts == 1

    await _again(world, failed)

    row = await world.writeback(failed)
    assert (row.attempts, row.failures, row.next_attempt_at, row.hold_reason) == (0, 0, None, None)
    assert await world.records(failed) == []  # queued, and nothing to be said
    (kept,) = await world.corrected(failed)
    assert (kept["action"], kept["actor"], kept["reason"]) == ("resubmit", "staff:ann", "the office asked for it")
    (record,) = kept["records"]
    assert record["findings_before"][0]["code"] == "school_closed"
    assert (record["status_before"], record["status_after"], record["before"]) == ("failed", "queued", None)


async def test_an_edited_record_goes_instead_and_the_original_is_kept_beside_it(world: World) -> None:
    failed = await world.fail(mark("A1", code="I"), mark("A2"))
    corrected = mark("A1", code="N")

    await _again(world, failed, Order([Edit(0, corrected)]))
    await _confirm(world)

    assert world.provider.sent[-1] == [corrected]
    records = json.loads((await world.writeback(failed)).records)
    assert [record["code"] for record in records] == ["N", "/"]
    (kept,) = await world.corrected(failed)
    assert kept["records"][0]["before"]["code"] == "I"
    assert kept["records"][0]["after"] == corrected
    entry = (await world.audited())[-1]
    assert entry.action == "writeback.resubmit"
    assert (entry.subject, entry.school, entry.app, entry.actor) == (failed, "hillside", "app", "staff:ann")
    assert entry.changed["edited"] == [{"record": 0, "fields": ["code"]}]
    assert entry.changed["status"] == ["partial", "queued"]
    assert "A1" not in json.dumps(entry.changed)


async def test_an_edit_that_validation_refuses_changes_nothing(world: World) -> None:
    failed = await world.fail(mark("A1"))
    before = await world.writeback(failed)

    with pytest.raises(InvalidSubmission) as refused:
        await _again(world, failed, Order([Edit(0, mark("A1", code="??"))]))
    assert refused.value.extra["findings"][0]["code"] == "code_unknown"
    with pytest.raises(InvalidSubmission) as refused:
        await _again(world, failed, Order([Edit(0, {**mark("A1"), "session": "noon"})]))
    assert refused.value.extra["findings"][0]["pointer"] == "/records/0/session"
    with pytest.raises(InvalidSubmission) as refused:
        await _again(world, failed, Order([Edit(0, mark("A1", date=str(TODAY + timedelta(days=1))))]))
    assert refused.value.extra["findings"][0]["code"] == "present_in_future"

    assert (await world.writeback(failed)).updated_at == before.updated_at
    assert await world.status(failed) == "failed"
    assert await world.corrected(failed) == []


async def test_the_lists_that_it_needs_are_fetched_anew_first(world: World) -> None:
    failed = await world.fail(mark("A1"))
    world.clock.advance(timedelta(minutes=5))
    del world.provider.rows[ListName.STUDENTS]["A1"]
    world.provider.fetched.clear()

    with pytest.raises(InvalidSubmission) as refused:
        await _again(world, failed)

    assert refused.value.extra["findings"][0]["code"] == "student_not_on_roll"
    assert ListName.STUDENTS in world.provider.fetched
    assert len(world.provider.fetched) == len(set(world.provider.fetched))


async def test_the_good_ones_go_where_the_bad_may_be_skipped(world: World) -> None:
    failed = await world.fail(mark("A1"), mark("A2"), bad=(0, 1))
    world.clock.advance(timedelta(minutes=5))
    del world.provider.rows[ListName.STUDENTS]["A1"]

    view = await _again(world, failed, Order(on_invalid="skip"))

    assert [(record.index, record.status) for record in view.records] == [(0, "failed"), (1, "queued")]
    assert view.records[0].findings[0].code == "student_not_on_roll"
    await _confirm(world)
    assert await world.status(failed) == "partial"


async def test_a_dry_run_only_says_what_would_happen(world: World) -> None:
    failed = await world.fail(mark("A1"))
    later = await world.submit(mark("A1", code="N"))

    good = await _again(world, failed, dry_run=True)
    bad = await _again(world, failed, Order([Edit(0, mark("A99"))]), dry_run=True)

    assert (good.id, good.status, good.records[0].superseded_by) == ("", "valid", later)
    assert (bad.status, bad.records[0].status) == ("invalid", "invalid")
    assert await world.status(failed) == "failed"
    assert await world.audited() == [entry for entry in await world.audited() if entry.action == "school.add"]


async def test_a_later_mark_of_the_slot_still_wins_and_the_answer_says_so(world: World) -> None:
    failed = await world.fail(mark("A1", code="I"))
    later = await world.submit(mark("A1", code="N"))
    await _confirm(world)
    sent = len(world.provider.sent)

    view = await _again(world, failed)
    await world.serve()

    assert view.records[0].superseded_by == later
    assert await world.status(failed) == "superseded"
    assert len(world.provider.sent) == sent


@pytest.mark.both_databases
async def test_a_later_mark_wins_also_while_another_part_of_its_writeback_still_waits(world: World) -> None:
    world.provider.one_date = True
    failed = await world.fail(mark("A1", code="I"))
    later = await world.submit(mark("A1", code="N"), mark("A1", code="N", date="2026-01-09"))
    await _confirm(world)
    world.provider.outcomes = [NotReached("connection refused")]
    await world.serve()
    assert [one["status"] for one in await world.records(later)] == ["confirmed", "queued"]

    view = await _again(world, failed)
    await world.serve()

    assert view.records[0].superseded_by == later
    assert await world.status(failed) == "superseded"


async def test_a_confirmed_record_can_be_neither_edited_nor_resent(world: World) -> None:
    partial = await world.fail(mark("A1"), mark("A2"))
    whole = await world.submit(mark("A3"))
    await _confirm(world)

    with pytest.raises(Conflict) as refused:
        await _again(world, partial, Order([Edit(1, mark("A2", code="N"))]))
    assert refused.value.code == "record_not_editable"
    with pytest.raises(Conflict) as refused:
        await _again(world, whole)
    assert refused.value.code == "not_resubmittable"


async def test_an_edit_cannot_move_a_record_onto_a_confirmed_one(world: World) -> None:
    partial = await world.fail(mark("A1"), mark("A2"))

    with pytest.raises(InvalidSubmission) as refused:
        await _again(world, partial, Order([Edit(0, mark("A2", code="N"))]))

    assert refused.value.extra["findings"][0]["code"] == "duplicate_slot"


@pytest.mark.both_databases
@pytest.mark.parametrize("edits", [[Edit(5, mark())], [Edit(0, mark()), Edit(0, mark())]])
async def test_an_edit_of_no_record_or_of_one_twice_is_refused(world: World, edits: list[Edit]) -> None:
    failed = await world.fail()

    with pytest.raises(InvalidSubmission) as refused:
        await _again(world, failed, Order(edits))

    assert refused.value.code == "edits_invalid"


@pytest.mark.both_databases
async def test_what_expired_goes_with_a_new_deadline(world: World) -> None:
    expires_at = world.clock.now() + timedelta(hours=1)
    expired = await world.submit(mark("A1"), expires_at=expires_at.isoformat())
    world.clock.advance(timedelta(hours=2))
    await world.sweeper.sweep()
    assert await world.status(expired) == "expired"

    await _again(world, expired)
    await _confirm(world)

    row = await world.writeback(expired)
    assert row.status == "confirmed"
    assert row.expires_at is not None
    assert row.expires_at > world.clock.now() + timedelta(days=6)


@pytest.mark.both_databases
async def test_of_two_who_resubmit_at_once_one_is_told_that_it_is_on_its_way(world: World) -> None:
    failed = await world.fail()

    came = await asyncio.gather(_again(world, failed), _again(world, failed), return_exceptions=True)

    conflicts = [one for one in came if isinstance(one, Conflict)]
    assert [conflict.code for conflict in conflicts] == ["not_resubmittable"]
    assert len(await world.corrected(failed)) == 1
    await _confirm(world)
    assert len(world.provider.sent) == 2


@pytest.mark.both_databases
async def test_what_changes_while_it_is_checked_is_read_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    failed = await world.fail()
    check = DraftRevalidation.check

    async def check_while_another_edits(revalidation: DraftRevalidation, draft: Draft) -> Draft:
        monkeypatch.setattr(DraftRevalidation, "check", check)
        checked = await check(revalidation, draft)
        await _again(world, failed, Order([Edit(0, mark("A1", code="N"))]))
        await world.corrections.cancels.one(CALLER, failed, ANN)
        return checked

    monkeypatch.setattr(DraftRevalidation, "check", check_while_another_edits)
    await _again(world, failed)
    await world.serve()

    assert world.provider.sent[-1][0]["code"] == "N"


async def test_a_create_that_was_cancelled_in_doubt_goes_only_after_a_read_back(world: World) -> None:
    uncertain = await in_doubt(world)
    world.provider.readings = [ReadBack({})]
    await confirm(world, after_s=patience(world))
    assert await world.status(uncertain) == "needs_attention"
    await world.corrections.cancels.one(CALLER, uncertain, ANN)
    assert await world.status(uncertain) == "cancelled"

    with pytest.raises(Conflict) as refused:
        await _again(world, uncertain)
    assert refused.value.code == "may_be_in_mis"
    await _again(world, uncertain, Order(not_in_mis=True))
    await serve(world)

    assert await world.status(uncertain) == "sent"
    assert len(world.provider.sent) == 2


@pytest.mark.both_databases
async def test_another_apps_writeback_is_not_there_but_for_support_of_its_schools(world: World) -> None:
    failed = await world.fail()
    resubmits = world.corrections.resubmits
    reader = Caller("key_3", "app", frozenset({Scope.READ}))
    elsewhere = Caller("key_4", "support", frozenset({Scope.SUPPORT}), frozenset({"riverbank"}))
    support = Caller("key_5", "support", frozenset({Scope.SUPPORT}), frozenset({"hillside"}))

    for caller in (OTHER_APP, elsewhere):
        with pytest.raises(NotFound):
            await resubmits.one(caller, failed, Order(), ANN)
    with pytest.raises(Forbidden):
        await resubmits.one(reader, failed, Order(), ANN)
    assert (await resubmits.one(support, failed, Order(), ANN)).status == "queued"


async def test_a_held_school_holds_it_again(world: World) -> None:
    failed = await world.fail()
    await world.holds.hold("hillside", HoldReason.BY_STAFF, "inset day", ANN)

    await _again(world, failed)
    await world.serve()

    assert await world.status(failed) == "held"
