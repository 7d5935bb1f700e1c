"""After a lost answer, what the MIS shows that is nearly what was to be made is for a person, and is not made again."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.integration.flow.confirm.test_creates import (
    ABSENT,
    confirm,
    in_doubt,
    incident,
    patience,
    serve,
    submit,
    taken_and_confirmed,
    there,
)
from tests.integration.flow.conftest import CALLER, World
from writeback.core.errors import Conflict
from writeback.domain.actor import staff
from writeback.domain.corrections import Outcome
from writeback.domain.near_matches import Compared, Near
from writeback.domain.outcome import ReadBack, SlotReadBack, Taken, Uncertain
from writeback.store.reads.writebacks_read import Reads

pytestmark = pytest.mark.sqlite_first

EVE = staff("eve", "the office has changed it")
POINTS = Compared("points", "1", "3", differs=True)


def near(*ids: str, created_at=None) -> SlotReadBack:
    things = tuple(Near(one, (POINTS,), created_at) for one in ids)
    return SlotReadBack("one like it with other points", matches=False, near=things)


async def read(world: World, *readings: SlotReadBack, after_s: float = 3.0) -> None:
    world.provider.readings = [ReadBack(dict(enumerate(readings)))]
    await confirm(world, after_s=after_s)
    await serve(world)


async def undecided(world: World, *ids: str) -> str:
    writeback_id = await in_doubt(world)
    await read(world, near(*ids), after_s=patience(world))
    return writeback_id


async def test_what_is_nearly_it_is_shown_to_a_person_and_not_made_again(world: World) -> None:
    writeback_id = await undecided(world, "B7")

    found = await Reads(world.flow.db).show(CALLER, writeback_id)

    assert found.status == "needs_attention"
    (record,) = found.records
    assert [one.code for one in record.findings] == ["nearly_the_same_in_mis"]
    assert record.comparison is not None
    (shown,) = record.comparison.near
    assert (shown.mis_id, [one.model_dump() for one in shown.fields]) == ("B7", [vars(POINTS)])
    assert len(world.provider.sent) == 1


async def test_it_is_waited_for_as_long_as_the_very_same_may_show(world: World) -> None:
    writeback_id = await in_doubt(world)
    await read(world, near("B7"))
    assert await world.status(writeback_id) == "unknown"
    await read(world, replace(near("B7"), matches=True, found=there("B8").found), after_s=100)
    (record,) = await world.records(writeback_id)
    assert (record["status"], record["mis_ids"], record.get("near")) == ("confirmed", ["B8"], None)


async def test_what_was_seen_once_and_is_gone_was_there_all_the_same(world: World) -> None:
    writeback_id = await in_doubt(world)
    await read(world, near("B7"))
    await read(world, SlotReadBack(None, matches=False), after_s=patience(world))
    (record,) = await world.records(writeback_id)
    assert (record["status"], record["near"][0]["mis_id"]) == ("needs_attention", "B7")
    assert len(world.provider.sent) == 1


@pytest.mark.parametrize("is_gone", [False, True])
async def test_what_turns_out_to_be_anothers_is_not_held_against_it(world: World, is_gone: bool) -> None:
    await in_doubt(world, incident(comment="first"))
    await read(world, near("B7"))
    other = await in_doubt(world, incident(comment="second"))
    await read(world, there("B7"), after_s=0)
    assert await world.status(other) == "confirmed"
    await read(world, SlotReadBack(None, matches=False) if is_gone else near("B7"), after_s=patience(world))
    assert [sent[0]["comment"] for sent in world.provider.sent] == ["first", "second", "first"]


async def test_what_was_there_before_the_request_is_no_reason_to_ask(world: World) -> None:
    long_ago = world.clock.now() - timedelta(hours=3)
    writeback_id = await in_doubt(world)
    await read(world, near("B7", created_at=long_ago), after_s=patience(world))
    assert await world.status(writeback_id) == "sent"
    assert len(world.provider.sent) == 2


async def test_what_is_exactly_anothers_is_that_ones(world: World) -> None:
    await taken_and_confirmed(world, incident(comment="first"))
    lost = await in_doubt(world, incident(comment="second"))
    await read(world, near("B1"), there("B1"), after_s=patience(world))
    assert await world.status(lost) == "sent"
    assert [sent[0]["comment"] for sent in world.provider.sent] == ["first", "second", "second"]


async def test_what_is_exactly_anothers_that_is_in_doubt_as_well_is_that_ones(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def read_back(account, sent, lookups) -> ReadBack:
        shown = [there("B7") if record.comment == "second" else near("B7") for record in sent.records]
        return ReadBack(dict(enumerate(shown)))

    monkeypatch.setattr(world.provider, "read_back", read_back)
    monkeypatch.setattr("writeback.flow.confirm.confirmer._AT_ONCE", 1)  # the first is settled first
    first = await in_doubt(world, incident(comment="first"))
    world.clock.advance(timedelta(seconds=patience(world)))
    second = await in_doubt(world, incident(comment="second"))
    await confirm(world)
    await confirm(world)
    assert [await world.status(one) for one in (first, second)] == ["queued", "confirmed"]


@pytest.mark.parametrize("others", [("B1",), ("B1", "B2")])
async def test_another_accounts_for_one_thing_and_no_more(world: World, others: tuple[str, ...]) -> None:
    """Of two that look the same to the other record, or not even that, one may be what was lost."""
    await taken_and_confirmed(world, incident(comment="first"))
    lost = await in_doubt(world, incident(comment="second"))
    await read(world, near("B1", "B2"), there(*others), after_s=patience(world))
    assert await world.status(lost) == "needs_attention"
    assert len(world.provider.sent) == 2


async def test_of_two_alike_one_that_was_changed_is_neither_taken_nor_made_again(world: World) -> None:
    await taken_and_confirmed(world, incident(comment="first"))
    lost = await in_doubt(world, incident(comment="second"))
    one_left = replace(there("B1"), near=near("B2").near)
    await read(world, one_left, one_left, after_s=patience(world))
    assert await world.status(lost) == "needs_attention"
    assert len(world.provider.sent) == 2


async def test_confirming_it_takes_what_is_nearly_it(world: World) -> None:
    writeback_id = await undecided(world, "B7")
    await world.corrections.resolves.one(CALLER, writeback_id, Outcome.CONFIRMED, EVE)
    (record,) = await world.records(writeback_id)
    assert (record["status"], record["mis_ids"]) == ("confirmed", ["B7"])
    assert (await world.audited())[-1].changed["mis_ids"] == {"0": "B7"}
    another = await undecided(world, "B7")  # which is claimed now: it is sent again
    assert await world.status(another) == "sent"


async def test_of_several_a_person_says_which(world: World) -> None:
    writeback_id = await undecided(world, "B7", "B8")
    with pytest.raises(Conflict, match="B7 and B8"):
        await world.corrections.resolves.one(CALLER, writeback_id, Outcome.CONFIRMED, EVE)
    await world.corrections.resolves.one(CALLER, writeback_id, Outcome.CONFIRMED, EVE, mis_ids={0: "B8"})
    assert (await world.records(writeback_id))[0]["mis_ids"] == ["B8"]


async def test_what_another_has_made_cannot_be_chosen(world: World) -> None:
    first = await in_doubt(world)
    await read(world, there("B1"))
    second = await undecided(world, "B7")
    with pytest.raises(Conflict) as taken:
        await world.corrections.resolves.one(CALLER, second, Outcome.CONFIRMED, EVE, mis_ids={0: "B1"})
    assert taken.value.code == "mis_id_taken"
    assert [await world.status(one) for one in (first, second)] == ["confirmed", "needs_attention"]


async def test_a_person_may_have_it_made_all_the_same(world: World) -> None:
    writeback_id = await undecided(world, "B7")
    await world.corrections.resolves.one(CALLER, writeback_id, Outcome.RESEND, EVE)
    await serve(world)
    assert await world.status(writeback_id) == "sent"
    assert len(world.provider.sent) == 2


async def test_what_goes_again_says_that_nothing_like_it_was_seen(world: World) -> None:
    writeback_id = await in_doubt(world)
    await read(world, SlotReadBack(None, matches=False), after_s=patience(world))
    timeline = (await Reads(world.flow.db).show(CALLER, writeback_id)).timeline
    assert [one.detail for one in timeline if "nothing like it" in (one.detail or "")] != []


@pytest.mark.parametrize(
    ("last", "status", "code"),
    [
        (ReadBack({0: ABSENT}), "failed", "provider_refused"),
        (ReadBack({0: near("B7")}), "needs_attention", "nearly_the_same_in_mis"),
        (ReadBack({0: ABSENT}, removed=("B7",)), "needs_attention", "may_have_been_removed"),
    ],
)
async def test_what_gets_no_clear_answer_fails_only_where_nothing_may_be_it(
    world: World, last: ReadBack, status: str, code: str
) -> None:
    async def answer() -> None:
        is_bad = world.provider.sent[-1][0]["students"][0]["student_id"] == "A2"
        world.provider.outcomes = [Uncertain("Wonde answered 500")] if is_bad else [Taken("T")]

    world.provider.before_answer = answer
    writeback_id = await submit(world, incident("A2"))
    for turn, reading in enumerate((ReadBack({0: ABSENT}), last)):
        await serve(world)
        await submit(world, incident(f"A{10 + turn}"))  # another, which gets through
        await serve(world)
        world.provider.readings = [reading for _ in range(3)]
        await confirm(world, after_s=patience(world))
        await serve(world)
    (record,) = await world.records(writeback_id)
    assert (record["status"], [one["code"] for one in record["findings"]]) == (status, [code])
