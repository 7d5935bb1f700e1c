"""Looking at once for the evidence of what is sent or unknown."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.integration.flow.conftest import CALLER, LANE, World, mark
from writeback.core.errors import Conflict, Forbidden, NotFound
from writeback.domain.access import Scope
from writeback.domain.actor import Actor
from writeback.domain.corrections import Action
from writeback.domain.outcome import Evidenced, Pending, ReadBack, SlotReadBack, Uncertain
from writeback.domain.school import HoldReason
from writeback.flow.correct.by_filter import Work
from writeback.store.reads.filters import Filter
from writeback.store.reads.selection import Selection

pytestmark = pytest.mark.sqlite_first

SAM = Actor("staff:sam", "the head asks")


async def sent(world: World, *marks) -> str:
    writeback_id = await world.submit(*marks)
    await world.serve()
    return writeback_id


async def ask(world: World, writeback_id: str, caller=CALLER):
    return await world.corrections.checks.one(caller, writeback_id, SAM)


async def test_the_provider_is_asked_at_once_and_not_at_the_next_check(world: World):
    writeback_id = await sent(world)
    for _ in range(6):
        await world.confirm(after_s=130)  # it has no answer yet, and is asked less and less often
    (request,) = await world.requests()
    assert request.check_at > world.clock.now() + timedelta(seconds=60)

    answer = await ask(world, writeback_id)
    assert (answer.status, answer.check_at, answer.asked_before) == ("sent", world.clock.now(), False)
    assert ("confirm_lane", LANE) in world.waker.wakes
    world.provider.verdicts = [Evidenced("poll")]
    await world.confirmer.confirm(LANE)
    assert await world.status(writeback_id) == "confirmed"


async def test_where_only_a_callback_could_tell_the_mis_is_read_before_that_is_overdue(world: World):
    world.provider.tries_for = timedelta(minutes=75)
    writeback_id = await sent(world)
    world.provider.verdicts = [Pending(awaits_callback=True)]
    await world.confirm(after_s=20)
    assert await world.status(writeback_id) == "sent"

    await ask(world, writeback_id)
    world.provider.verdicts = [Pending(awaits_callback=True)]
    world.provider.readings = [ReadBack({0: SlotReadBack("/", True)})]
    await world.confirmer.confirm(LANE)
    row = await world.writeback(writeback_id)
    assert (row.status, row.evidence) == ("confirmed", "read-back")


async def test_what_is_not_there_yet_is_not_sent_again_for_having_been_looked_at(world: World):
    world.provider.tries_for = timedelta(minutes=75)
    writeback_id = await sent(world)
    await ask(world, writeback_id)
    world.provider.verdicts = [Pending(awaits_callback=True)]
    world.provider.readings = [ReadBack({0: SlotReadBack(None, False)})]
    await world.confirmer.confirm(LANE)
    assert await world.status(writeback_id) == "sent"
    assert (await world.requests())[0].check_at >= world.clock.now() + timedelta(seconds=110)


async def test_what_is_in_doubt_is_read_at_once(world: World):
    writeback_id = await world.submit()
    world.provider.outcomes = [Uncertain("no answer came in time")] * 12
    for _ in range(12):
        await world.serve()
        world.clock.advance(timedelta(seconds=400))
    assert await world.status(writeback_id) == "unknown"
    await ask(world, writeback_id)
    world.provider.readings = [ReadBack({0: SlotReadBack("/", True)})]
    await world.confirmer.confirm(LANE)
    assert await world.status(writeback_id) == "confirmed"


async def test_twice_within_seconds_is_one_check_and_is_written_down_once(world: World):
    writeback_id = await sent(world)
    first = await ask(world, writeback_id)
    world.clock.advance(timedelta(seconds=4))
    second = await ask(world, writeback_id)
    assert (first.asked_before, second.asked_before) == (False, True)
    assert second.check_at == first.check_at
    world.clock.advance(timedelta(seconds=10))
    assert not (await ask(world, writeback_id)).asked_before
    audited = [row for row in await world.audited() if row.action == "writeback.check"]
    assert [(row.actor, row.subject, row.reason) for row in audited] == [("staff:sam", writeback_id, SAM.reason)] * 2
    assert audited[0].changed == {"requests": [(await world.requests())[0].id]}


@pytest.mark.parametrize("status", ["queued", "failed", "confirmed", "needs_attention"])
async def test_where_no_evidence_is_awaited_it_says_why_there_is_nothing_to_check(world: World, status: str):
    if status == "failed":
        writeback_id = await world.fail()
    else:
        writeback_id = await (world.submit() if status == "queued" else sent(world))
    if status == "confirmed":
        world.provider.verdicts = [Evidenced("poll")]
        await world.confirm()
    elif status == "needs_attention":
        await world.confirm(after_s=world.flow.settings.confirm.give_up_s + 1)
    assert await world.status(writeback_id) == status
    with pytest.raises(Conflict) as refused:
        await ask(world, writeback_id)
    assert refused.value.code == "nothing_to_check"
    assert f"is {status}: " in refused.value.detail
    assert refused.value.hint


async def test_a_held_school_is_reported(world: World):
    writeback_id = await sent(world)
    await world.holds.hold("hillside", HoldReason.OFFLINE, "its agent is away", SAM)
    answer = await ask(world, writeback_id)
    assert answer.hold_reason == HoldReason.OFFLINE
    assert answer.left_alone is None


async def test_a_school_that_is_left_alone_is_reported(world: World):
    writeback_id = await sent(world, mark("A1"))
    await world.submit(mark("A2"))
    world.provider.outcomes = [Uncertain("no answer came in time")] * 20
    for _ in range(8):
        await world.serve()
        world.clock.advance(timedelta(seconds=11))
    assert "no answer" in ((await ask(world, writeback_id)).left_alone or "")


async def test_others_may_not_ask(world: World):
    writeback_id = await sent(world)
    with pytest.raises(Forbidden):
        await ask(world, writeback_id, replace(CALLER, scopes=frozenset({Scope.READ})))
    with pytest.raises(NotFound):
        await ask(world, writeback_id, replace(CALLER, app_id="other", scopes=frozenset({Scope.SUBMIT})))
    with pytest.raises(NotFound):
        await ask(world, writeback_id, replace(CALLER, schools=frozenset({"elsewhere"})))
    assert not [row for row in await world.audited() if row.action == "writeback.check"]


async def test_all_that_a_filter_finds_and_that_awaits_evidence_are_looked_at(world: World):
    one, two = await sent(world, mark("A1"), mark("A2")), await sent(world, mark("A3"))
    waits = await world.submit(mark("A4"))
    many = world.corrections.many
    everything = Selection(Filter(school="hillside"))
    check = Work(Action.CHECK, everything, SAM)

    count = await many.count(CALLER, Action.CHECK, everything)
    assert (count.writebacks, count.records) == (2, 3)
    report = await many.run(CALLER, check)
    assert {done.id: done.records for done in report.done} == {one: 2, two: 1}
    assert {row.check_at for row in await world.requests()} == {world.clock.now()}
    audited = [row for row in await world.audited() if row.action == "writeback.check"]
    assert {row.changed["bulk"] for row in audited} == {report.id}

    again = await many.run(CALLER, Work(Action.CHECK, Selection(Filter(), [one, two, waits]), SAM))
    assert (again.done, again.unchanged) == ((), 2)
    elsewhere = await many.run(replace(CALLER, schools=frozenset({"elsewhere"})), check)
    assert elsewhere.matched == 0
    lessons = await many.run(replace(CALLER, kinds=frozenset({"attendance.lesson"})), check)
    assert lessons.matched == 0
