"""After the database was restored nothing is sent that may have been sent since the backup, before the MIS was read."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.integration.flow.confirm import test_creates as creates
from tests.integration.flow.confirm.test_creates import ABSENT, incident, patience, there
from tests.integration.flow.conftest import CALLER, LANE, World, mark
from writeback.core import failpoints
from writeback.core.errors import BadInput, Conflict
from writeback.core.ids import new_id
from writeback.domain.actor import COMMAND_LINE, staff
from writeback.domain.corrections import Outcome
from writeback.domain.kinds import KINDS
from writeback.domain.near_matches import Compared, Near
from writeback.domain.outcome import Evidenced, Found, ReadBack, SlotReadBack, Taken, Uncertain
from writeback.domain.restore_epoch import Epoch
from writeback.domain.school import HoldReason
from writeback.flow.correct.draft import Order
from writeback.flow.upkeep.restores import EpochView, Restores, RestoreWatch
from writeback.store.people import audit
from writeback.store.sql.high_water import InDataDir
from writeback.store.tables import EpochRow
from writeback.store.writebacks import lanes

pytestmark = pytest.mark.sqlite_first

EVE = staff("eve", "she has looked")
OTHER, NO_REASON = SlotReadBack("I", matches=False), SlotReadBack("N", matches=False)
BLANK, OURS = SlotReadBack(None, matches=False), SlotReadBack("/", matches=True)


def restores(world: World) -> Restores:
    return Restores(world.flow.db, world.clock, world.flow.settings.restore)


async def restored(world: World, *, ago_s: float = 600) -> EpochView:
    """Announce a restore to what was then; what the world holds is what came with the backup."""
    return await restores(world).announce(world.clock.now() - timedelta(seconds=ago_s), COMMAND_LINE)


async def settle_marks(world: World, *readings: SlotReadBack, after_s: float = 121) -> None:
    await world.serve()
    world.provider.readings = [ReadBack(dict(enumerate(readings)))]
    await world.confirm(after_s=after_s)


async def settle_incident(world: World, reading: SlotReadBack, after_s: float | None = None) -> None:
    await creates.serve(world)
    world.provider.readings = [ReadBack({0: reading})]
    await creates.confirm(world, after_s=patience(world) if after_s is None else after_s)


async def test_a_mark_that_was_open_is_looked_for_and_not_sent_when_it_is_there(world: World) -> None:
    writeback_id = await world.submit()
    await restored(world)

    await settle_marks(world, OURS)

    assert await world.status(writeback_id) == "confirmed"
    assert await world.events(writeback_id) == ["accepted", "in_doubt", "confirmed"]
    assert world.provider.sent == []
    assert await world.attempts() == []


@pytest.mark.parametrize("reading", [BLANK, NO_REASON])
async def test_a_mark_that_is_provably_not_there_goes_once(world: World, reading: SlotReadBack) -> None:
    writeback_id = await world.submit()
    await restored(world)

    await settle_marks(world, reading)
    await world.serve()

    assert await world.status(writeback_id) == "sent"
    assert len(world.provider.sent) == 1


async def test_a_mark_does_not_go_over_what_the_office_has_entered_since(world: World) -> None:
    writeback_id = await world.submit()
    await restored(world)

    await settle_marks(world, OTHER)
    await world.serve()

    (record,) = await world.records(writeback_id)
    assert (record["status"], record["mis_holds"]) == ("needs_attention", "I")
    assert [one["code"] for one in record["findings"]] == ["other_value_in_mis"]
    assert world.provider.sent == []


async def test_what_may_still_arrive_from_before_the_restore_is_waited_for(world: World) -> None:
    writeback_id = await world.submit()
    await restored(world)

    await settle_marks(world, BLANK, after_s=3)
    assert await world.status(writeback_id) == "unknown"
    world.provider.readings = [ReadBack({0: OURS})]
    await world.confirm(after_s=121)

    assert await world.status(writeback_id) == "confirmed"
    assert world.provider.sent == []


@pytest.mark.both_databases
async def test_marks_that_are_posted_anew_are_a_new_wish_and_go_at_once(world: World) -> None:
    await restored(world)

    writeback_id = await world.submit()
    await world.serve()

    assert await world.status(writeback_id) == "sent"


async def test_a_mark_posted_anew_takes_the_place_of_one_that_was_open(world: World) -> None:
    old = await world.submit()
    await restored(world)
    new = await world.submit(mark(code="I"))

    await world.serve()

    assert (await world.status(old), await world.status(new)) == ("superseded", "sent")


async def test_what_cannot_be_read_back_goes_only_on_a_persons_word(world: World) -> None:
    writeback_id = await world.submit()
    await restored(world)
    await settle_marks(world)
    (record,) = await world.records(writeback_id)
    assert record["status"] == "needs_attention"
    assert "restored from a backup" in record["findings"][0]["message"]

    await world.corrections.resolves.one(CALLER, writeback_id, Outcome.RESEND, EVE)
    await world.serve()

    assert await world.status(writeback_id) == "sent"


@pytest.mark.both_databases
async def test_an_incident_that_was_open_and_is_there_is_not_made_again(world: World) -> None:
    writeback_id = await creates.submit(world)
    await restored(world)

    await settle_incident(world, there("B7"), after_s=3)
    await creates.serve(world)

    (record,) = await world.records(writeback_id)
    assert (record["status"], record["mis_ids"]) == ("confirmed", ["B7"])
    assert world.provider.sent == []


async def test_an_incident_goes_once_the_mis_would_show_it_and_does_not(world: World) -> None:
    writeback_id = await creates.submit(world)
    await restored(world)

    await settle_incident(world, ABSENT, after_s=3)
    assert await world.status(writeback_id) == "unknown"
    await settle_incident(world, ABSENT)
    await creates.serve(world)

    assert await world.status(writeback_id) == "sent"
    assert len(world.provider.sent) == 1


async def test_how_long_it_is_looked_for_counts_from_the_restore_and_not_from_its_turn(world: World) -> None:
    await restored(world)
    world.clock.advance(timedelta(seconds=patience(world)))
    writeback_id = await creates.submit(world)

    await settle_incident(world, ABSENT, after_s=3)
    await creates.serve(world)

    assert await world.status(writeback_id) == "sent"


@pytest.mark.both_databases
async def test_what_an_app_posts_again_is_attributed_what_was_made_since_the_backup(world: World) -> None:
    made_at = world.clock.now() - timedelta(seconds=300)
    await restored(world, ago_s=600)
    writeback_id = await creates.submit(world)

    seen = SlotReadBack(None, matches=True, found=(Found("B7", created_at=made_at),))
    await settle_incident(world, seen, after_s=3)

    assert await world.status(writeback_id) == "confirmed"
    assert world.provider.sent == []


async def test_what_was_made_before_the_backup_is_not_taken_for_what_is_posted(world: World) -> None:
    made_at = world.clock.now() - timedelta(seconds=3_000)
    await restored(world, ago_s=600)
    writeback_id = await creates.submit(world)

    await settle_incident(world, SlotReadBack(None, matches=True, found=(Found("B7", created_at=made_at),)))
    await creates.serve(world)

    assert await world.status(writeback_id) == "sent"


async def test_what_is_nearly_the_same_is_for_a_person_and_goes_on_their_word(world: World) -> None:
    await restored(world)
    writeback_id = await creates.submit(world)
    near = SlotReadBack("one like it", matches=False, near=(Near("B7", (Compared("points", "1", "3", differs=True),)),))
    await settle_incident(world, near)
    (record,) = await world.records(writeback_id)
    assert [one["code"] for one in record["findings"]] == ["nearly_the_same_in_mis"]

    await world.corrections.resolves.one(CALLER, writeback_id, Outcome.RESEND, EVE)
    await creates.serve(world)

    assert await world.status(writeback_id) == "sent"


@pytest.mark.both_databases
async def test_two_that_are_alike_each_get_one(world: World) -> None:
    await restored(world)
    first, second = await creates.submit(world), await creates.submit(world)
    await creates.serve(world)

    world.provider.readings = [ReadBack({0: there("B7", "B8"), 1: there("B7", "B8")})]
    await creates.confirm(world)

    assert {await world.status(first), await world.status(second)} == {"confirmed"}
    ids = [record["mis_ids"] for one in (first, second) for record in await world.records(one)]
    assert sorted(ids) == [["B7"], ["B8"]]


@pytest.mark.both_databases
async def test_creates_are_compared_for_a_while_and_then_sent_as_ever(world: World) -> None:
    await restored(world)
    world.clock.advance(timedelta(seconds=world.flow.settings.restore.compare_creates_s))

    writeback_id = await creates.submit(world)
    await creates.serve(world)

    assert await world.status(writeback_id) == "sent"


async def test_one_in_doubt_when_the_backup_was_made_may_have_been_sent_again_since(world: World) -> None:
    writeback_id = await creates.in_doubt(world)
    world.clock.advance(timedelta(seconds=patience(world)))
    await restored(world)

    await settle_incident(world, ABSENT, after_s=3)
    assert await world.status(writeback_id) == "unknown"
    await settle_incident(world, ABSENT)

    assert await world.status(writeback_id) == "queued"
    await creates.serve(world)
    assert await world.status(writeback_id) == "unknown", "once for itself, and once for what came after the backup"


async def test_one_that_the_provider_had_goes_on_being_confirmed(world: World) -> None:
    writeback_id = await world.submit()
    await world.serve()
    await restored(world)

    world.provider.verdicts = [Evidenced("webhook")]
    await world.confirm()

    assert await world.status(writeback_id) == "confirmed"
    assert len(world.provider.sent) == 1


@pytest.mark.both_databases
async def test_what_a_person_sends_again_from_before_is_looked_for_first(world: World) -> None:
    writeback_id = await world.fail()
    await restored(world)

    await world.corrections.resubmits.one(CALLER, writeback_id, Order(), EVE)
    await settle_marks(world, OURS)

    assert await world.status(writeback_id) == "confirmed"
    assert len(world.provider.sent) == 1


@pytest.mark.both_databases
async def test_what_is_held_is_looked_for_when_its_school_goes_on(world: World) -> None:
    writeback_id = await world.submit()
    await world.holds.hold("hillside", HoldReason.BY_STAFF, "half-term", EVE)
    await restored(world)
    world.clock.advance(timedelta(days=3))
    assert (await world.status(writeback_id), (await standing(world)).waiting) == ("held", 1)

    await world.holds.resume("hillside", EVE)
    await settle_marks(world, OURS)

    assert (await world.status(writeback_id), (await standing(world)).waiting) == ("confirmed", 0)
    assert world.provider.sent == []


async def test_each_record_of_a_writeback_is_looked_for_by_itself(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def all_but_one_are_there(account, sent, lookups) -> ReadBack:
        return ReadBack({place: BLANK if one.student_id == "A2" else OURS for place, one in enumerate(sent.records)})

    monkeypatch.setattr(world.provider, "read_back", all_but_one_are_there)
    world.provider.max_records = 2
    writeback_id = await world.submit(mark("A1"), mark("A2"), mark("A3"))
    await restored(world)
    await world.serve()

    await world.confirm(after_s=121)
    await world.serve()

    assert [one["status"] for one in await world.records(writeback_id)] == ["confirmed", "sent", "confirmed"]
    assert [len(marks) for marks in world.provider.sent] == [1]


async def test_one_that_fails_after_it_was_looked_for_is_tried_again_as_ever(world: World) -> None:
    writeback_id = await world.submit()
    await restored(world)
    await settle_marks(world, BLANK)
    world.provider.outcomes = [Uncertain("no answer in 25 s"), Taken("A1")]

    await world.serve()
    world.clock.advance(timedelta(hours=1))
    await world.serve()

    assert await world.status(writeback_id) == "sent"
    assert len(world.provider.sent) == 2


async def standing(world: World) -> EpochView:
    view = await restores(world).standing()
    assert view is not None
    return view


async def test_it_says_how_many_wait_and_when_it_is_over(world: World) -> None:
    await world.submit()
    await restored(world)
    before = await standing(world)
    await world.serve()
    during = await standing(world)
    world.provider.readings = [ReadBack({0: OURS})]
    await world.confirm(after_s=121)
    world.clock.advance(timedelta(seconds=world.flow.settings.restore.compare_creates_s))
    after = await standing(world)

    assert [(view.is_open, view.waiting, view.being_looked_for) for view in (before, during, after)] == [
        (True, 1, 0),
        (True, 0, 1),
        (False, 0, 0),
    ]
    assert after.says == "ok"
    assert before.says.endswith("1 writebacks wait to be looked for in the MIS, 0 are being looked for")


@pytest.mark.both_databases
async def test_the_same_restore_said_twice_is_one(world: World) -> None:
    taken_at = world.clock.now() - timedelta(minutes=10)
    first = await restores(world).announce(taken_at, COMMAND_LINE)
    second = await restores(world).announce(taken_at, COMMAND_LINE)

    assert first == second
    assert [row.action for row in await world.audited()].count("database.restored") == 1


async def test_an_earlier_time_of_the_backup_counts_and_a_later_one_takes_nothing_back(world: World) -> None:
    now = world.clock.now()
    for minutes in (10, 30, 20):
        view = await restores(world).announce(now - timedelta(minutes=minutes), COMMAND_LINE)

    assert (view.number, view.taken_at) == (4, now - timedelta(minutes=30))


@pytest.mark.both_databases
async def test_a_time_to_come_and_one_without_an_offset_are_refused(world: World) -> None:
    with pytest.raises(BadInput, match="is yet to come"):
        await restores(world).announce(world.clock.now() + timedelta(seconds=1), COMMAND_LINE)
    with pytest.raises(BadInput, match="has no offset"):
        await restores(world).announce(datetime(2026, 1, 12, 8, 0), COMMAND_LINE)  # noqa: DTZ001
    assert datetime(2026, 1, 12, 8, 0, tzinfo=UTC) < world.clock.now()


@pytest.fixture
def watch(world: World, tmp_path) -> RestoreWatch:
    return RestoreWatch(world.flow.db, world.clock, [InDataDir(tmp_path)])


async def _behind(watch: RestoreWatch) -> EpochRow:
    """Remember more than the database has, as if it had been restored, and look."""
    epoch = await watch.look()
    for place in watch.places:
        await place.remember(epoch.lineage, 1_000)
    return await watch.look()


async def test_a_restore_that_nobody_announced_stops_sending_until_somebody_does(
    world: World, watch: RestoreWatch
) -> None:
    writeback_id = await world.submit()
    await _behind(watch)
    later = await world.submit(mark("A2"))
    await world.serve()
    assert (await world.status(writeback_id), world.provider.sent) == ("queued", [])
    assert "nothing is sent until" in (await standing(world)).says

    await restored(world)
    await settle_marks(world, OURS)
    await world.serve()

    assert (await watch.look()).suspected_at is None
    assert (await world.status(writeback_id), await world.status(later)) == ("confirmed", "sent")
    assert [one["student_id"] for marks in world.provider.sent for one in marks] == ["A2"]


@pytest.mark.both_databases
async def test_while_it_is_suspected_no_lane_is_due(world: World, watch: RestoreWatch) -> None:
    await world.submit()

    async def due() -> list[str]:
        return list(await world.flow.db.transact(lambda session: lanes.due_for_serving(session, world.clock.now(), 9)))

    assert await due() == [LANE]
    await _behind(watch)
    assert await due() == []


@pytest.mark.both_databases
async def test_one_who_knows_that_nothing_was_sent_may_say_so(world: World, watch: RestoreWatch) -> None:
    writeback_id = await world.submit()
    await _behind(watch)

    await restores(world).nothing_was_sent(COMMAND_LINE)
    await world.serve()

    assert await world.status(writeback_id) == "sent"
    assert (await watch.look()).suspected_at is None
    with pytest.raises(Conflict, match="no restore is suspected"):
        await restores(world).nothing_was_sent(COMMAND_LINE)


async def test_what_an_earlier_restore_left_in_doubt_outlives_a_false_alarm(world: World, watch: RestoreWatch) -> None:
    await restored(world)
    writeback_id = await creates.submit(world, incident())
    await _behind(watch)
    await restores(world).nothing_was_sent(COMMAND_LINE)

    await creates.serve(world)

    assert await world.status(writeback_id) == "unknown"


@pytest.mark.both_databases
async def test_a_database_that_goes_on_is_not_suspected_whoever_else_remembers(
    world: World, watch: RestoreWatch, tmp_path
) -> None:
    for _ in range(3):
        await world.submit()
        assert (await watch.look()).suspected_at is None
    other_host = RestoreWatch(world.flow.db, world.clock, [InDataDir(tmp_path / "other")])
    assert (await other_host.look()).suspected_at is None
    await InDataDir(tmp_path).remember("db_another", 5_000)
    assert (await watch.look()).suspected_at is None


@pytest.mark.both_databases
async def test_a_file_that_cannot_be_read_warns_of_nothing(world: World, watch: RestoreWatch, tmp_path) -> None:
    for text in ("", "{", "[]", '{"db_1": "many"}'):
        (tmp_path / "high-water.json").write_text(text)
        assert (await watch.look()).suspected_at is None


async def test_what_a_batch_from_before_goes_on_to_queue_is_an_old_wish() -> None:
    began_at = datetime(2026, 1, 12, 9, 0, tzinfo=UTC)
    taken_at, compare_until = began_at - timedelta(minutes=10), began_at + timedelta(days=2)
    epoch = Epoch(2, began_at, taken_at, last_seq=7, compare_until=compare_until)
    kind, later = KINDS["attendance.session"], began_at + timedelta(seconds=5)
    before, after = new_id("bat", began_at - timedelta(seconds=1)), new_id("bat", began_at + timedelta(seconds=1))

    assert [epoch.is_in_doubt(kind, 99, later, one) for one in (None, before, after)] == [False, True, False]
    assert not replace(epoch, taken_at=None).is_in_doubt(kind, 0, later, before)


@pytest.mark.both_databases
async def test_a_turn_that_was_not_committed_is_as_if_it_had_not_been(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(point: str) -> bool:
        if point == "dispatch.begin_uncommitted":
            raise failpoints.FailpointReached(point)
        return False

    writeback_id = await world.submit()
    await restored(world)
    with monkeypatch.context() as patch:
        patch.setattr(failpoints, "hit", lost)
        with pytest.raises(failpoints.FailpointReached):
            await world.serve()
    assert (await world.status(writeback_id), await world.requests()) == ("queued", [])

    await settle_marks(world, OURS)

    assert await world.status(writeback_id) == "confirmed"
    assert len(await world.requests()) == 1


@pytest.mark.both_databases
async def test_a_restore_that_is_not_committed_is_not_announced(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    writeback_id = await world.submit()

    def lost(*_: object, **__: object) -> None:
        raise OSError("the connection was lost")

    with monkeypatch.context() as patch:
        patch.setattr(audit, "note", lost)
        with pytest.raises(OSError, match="lost"):
            await restored(world)
    assert await restores(world).standing() is None
    await restored(world)
    await settle_marks(world, OURS)

    assert await world.status(writeback_id) == "confirmed"
