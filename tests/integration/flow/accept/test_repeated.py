"""The same thing posted twice within minutes is accepted, with a warning that has the first one's id."""

import json
from datetime import timedelta

import pytest

from tests.integration.flow.confirm.test_creates import _lists, incident
from tests.integration.flow.conftest import CALLER, TODAY, World, mark, submission
from tests.integration.flow.correct.test_cancel import BOB
from writeback.domain.access import Caller, Scope

pytestmark = pytest.mark.sqlite_first


async def post(world: World, *records, kind: str = "behaviour.create", caller: Caller = CALLER, **more):
    await _lists(world)
    body = json.dumps({"kind": kind, "records": list(records) or [incident()]}).encode()
    answer = await world.acceptor.submit(caller, "hillside", body, **more)
    return json.loads(answer.body)


def warned(answer) -> list[list[str]]:
    return [[one["code"] for one in record["findings"]] for record in answer["records"]]


async def test_the_second_of_a_double_click_names_the_first(world: World):
    first = await post(world)
    world.clock.advance(timedelta(seconds=1))

    second = await post(world)

    assert warned(first) == [[]]
    (finding,) = second["records"][0]["findings"]
    assert second["status"] == "queued"
    assert (finding["code"], finding["severity"], finding["pointer"]) == ("accepted_before", "warning", "/records/0")
    assert finding["message"] == f"The same incident was accepted 1 s ago as {first['id']}"


async def test_the_warning_is_kept_with_the_record(world: World):
    first = await post(world)

    second = await post(world)

    (record,) = await world.records(second["id"])
    assert first["id"] in record["findings"][0]["message"]


async def test_only_what_says_the_same_is_the_same(world: World):
    await post(world, incident(ref="1"))

    answer = await post(world, incident("A2"), incident(comment="Again"), incident(ref="2"))

    assert warned(answer) == [[], [], ["accepted_before"]]


async def test_a_trial_is_told_of_the_first_and_keeps_nothing(world: World):
    assert warned(await post(world, dry_run=True)) == [[]]
    await post(world)

    assert warned(await post(world, dry_run=True)) == [["accepted_before"]]


async def test_no_app_learns_what_another_one_has_said_but_support_does(world: World):
    other = Caller(**{**vars(CALLER), "app_id": "other", "scopes": frozenset({Scope.SUBMIT})})
    support = Caller(**{**vars(other), "scopes": frozenset({Scope.SUBMIT, Scope.SUPPORT})})
    await post(world)

    assert warned(await post(world, caller=other, dry_run=True)) == [[]]
    assert warned(await post(world, caller=support, dry_run=True)) == [["accepted_before"]]


async def test_after_ten_minutes_it_is_new_again_and_then_forgotten(world: World):
    await post(world)
    world.clock.advance(timedelta(seconds=601))
    assert warned(await post(world)) == [[]]

    world.clock.advance(timedelta(seconds=300))
    await world.forget()

    assert warned(await post(world)) == [["accepted_before"]]


async def test_what_was_cancelled_is_not_there_any_more(world: World):
    first = await post(world)
    await world.corrections.cancels.one(CALLER, first["id"], BOB)

    assert warned(await post(world)) == [[]]


async def test_a_key_replays_the_first_answer_without_a_warning(world: World):
    first = await post(world, idempotency_key="k")

    assert await post(world, idempotency_key="k") == first


async def test_a_mark_once_more_is_no_second_one(world: World):
    await world.acceptor.submit(CALLER, "hillside", submission(mark(date=str(TODAY))))

    answer = await world.acceptor.submit(CALLER, "hillside", submission(mark(date=str(TODAY))))

    assert warned(json.loads(answer.body)) == [[]]
