"""From bytes to a durable writeback, or to a precise refusal."""

import json
from datetime import timedelta

import pytest

from tests.integration.flow.conftest import CALLER, LANE, World, mark, submission
from writeback.core.errors import BadInput, Conflict, Forbidden, InvalidSubmission, NotFound
from writeback.domain.access import Caller, Scope
from writeback.domain.lookups import ListName

pytestmark = pytest.mark.sqlite_first


@pytest.mark.both_databases
async def test_what_is_accepted_is_in_sql_and_its_lane_is_rung(world: World):
    writeback_id = await world.submit(mark("A1"), ref="7A morning")
    row = await world.writeback(writeback_id)
    assert (row.status, row.ref, row.app_id, row.lane_id) == ("queued", "7A morning", "app", LANE)
    assert ("serve_lane", LANE) in world.waker.wakes
    assert await world.events(writeback_id) == ["accepted"]


@pytest.mark.both_databases
async def test_a_refusal_has_all_findings_at_once(world: World):
    with pytest.raises(InvalidSubmission) as refused:
        await world.submit(mark("A1", code="\\"), mark("A999"), mark("A2"))
    codes = {(one["record"], one["code"]) for one in refused.value.extra["findings"]}
    assert {(0, "code_unknown"), (1, "student_not_on_roll")} <= codes


async def test_what_a_record_of_the_wrong_shape_names_is_looked_up_too(world: World):
    marks = mark("A99", session="Morning", code="/9", date="2026-02-30"), mark("A1", session="AM", minutes_late=-1)

    with pytest.raises(InvalidSubmission) as refused:
        await world.acceptor.submit(CALLER, "hillside", submission(*marks))

    assert [(one["code"], one["pointer"]) for one in refused.value.extra["findings"]] == [
        ("field_invalid", "/records/0/date"),
        ("session_invalid", "/records/0/session"),
        ("field_invalid", "/records/1/minutes_late"),
        ("student_not_on_roll", "/records/0/student_id"),
        ("code_unknown", "/records/0/code"),
    ]


async def test_a_pupil_who_came_today_is_not_refused_for_another_field(world: World):
    world.provider.rows[ListName.STUDENTS] = {"A77": {"id": "A77"}}

    with pytest.raises(InvalidSubmission) as refused:
        await world.acceptor.submit(CALLER, "hillside", submission(mark("A77", session="Morning")))

    assert [one["code"] for one in refused.value.extra["findings"]] == ["session_invalid"]


async def test_with_skip_the_good_records_are_kept_and_the_bad_ones_come_back(world: World):
    body = submission(mark("A1"), {"student_id": "A2"}, mark("A999"), on_invalid="skip")
    answer = await world.acceptor.submit(CALLER, "hillside", body)
    records = json.loads(answer.body)["records"]
    assert [one["status"] for one in records] == ["queued", "refused", "refused"]
    assert records[2]["findings"][0]["pointer"].startswith("/records/2")
    await world.serve()
    assert [one["student_id"] for one in world.provider.sent[0]] == ["A1"]


async def test_with_skip_and_nothing_good_it_is_refused(world: World):
    with pytest.raises(InvalidSubmission):
        await world.submit(mark("A999"), on_invalid="skip")


async def test_a_dry_run_keeps_nothing(world: World):
    answer = await world.acceptor.submit(CALLER, "hillside", submission(), dry_run=True)
    assert (answer.status, json.loads(answer.body)["status"], answer.writeback_id) == (200, "valid", None)
    assert world.waker.wakes == []


@pytest.mark.both_databases
async def test_a_pupil_who_came_today_is_found_by_a_refresh(world: World):
    world.provider.rows[ListName.STUDENTS]["A777"] = {"id": "A777"}
    writeback_id = await world.submit(mark("A777"))
    assert await world.status(writeback_id) == "queued"
    assert world.provider.fetched == [ListName.STUDENTS]


@pytest.mark.both_databases
async def test_a_list_that_a_refresh_did_not_help_is_not_refreshed_again_at_once(world: World):
    for _ in range(3):
        with pytest.raises(InvalidSubmission):
            await world.submit(mark("A999"))
    assert world.provider.fetched == [ListName.STUDENTS]
    world.clock.advance(timedelta(seconds=world.flow.settings.lookups.miss_again_after_s + 1))
    with pytest.raises(InvalidSubmission):
        await world.submit(mark("A999"))
    assert len(world.provider.fetched) == 2


async def test_a_list_that_comes_back_empty_does_not_replace_the_one_that_is_there(world: World):
    world.provider.rows[ListName.STUDENTS] = {}
    report = await world.syncer.sync_school("hillside")
    students = next(one for one in report.lists if one.list is ListName.STUDENTS)
    assert (students.rows, students.held_back, students.error) == (59, 59, None)
    assert await world.submit(mark("A1"))


@pytest.mark.both_databases
async def test_the_same_key_and_body_have_the_same_answer(world: World):
    first, second = [
        await world.acceptor.submit(CALLER, "hillside", submission(), idempotency_key="k1") for _ in range(2)
    ]
    assert (first.replayed, second.replayed) == (False, True)
    assert first.body == second.body


@pytest.mark.both_databases
async def test_the_same_key_with_another_body_is_a_conflict(world: World):
    await world.acceptor.submit(CALLER, "hillside", submission(), idempotency_key="k1")
    with pytest.raises(Conflict):
        await world.acceptor.submit(CALLER, "hillside", submission(mark("A2")), idempotency_key="k1")


async def test_an_unprintable_key_is_refused(world: World):
    with pytest.raises(BadInput):
        await world.acceptor.submit(CALLER, "hillside", submission(), idempotency_key="a\nb")


@pytest.mark.both_databases
async def test_a_school_that_is_not_the_keys_is_forbidden(world: World):
    caller = Caller("key_2", "app", frozenset({Scope.SUBMIT}), frozenset({"riverbank"}))
    with pytest.raises(Forbidden):
        await world.acceptor.submit(caller, "hillside", submission())


@pytest.mark.both_databases
async def test_an_unknown_school_is_not_found(world: World):
    with pytest.raises(NotFound):
        await world.acceptor.submit(CALLER, "nowhere", submission())


async def test_a_deadline_that_has_passed_is_refused(world: World):
    with pytest.raises(InvalidSubmission, match="has passed"):
        await world.submit(mark("A1"), expires_at="2020-01-01T00:00:00Z")
