"""Words for codes on their way: into submissions, files, corrections and what waits, marked wherever one was used."""

import json
from typing import Any

import pytest
from sqlmodel import select

from tests.integration.flow.batches.test_batches import HEADER, Files
from tests.integration.flow.conftest import CALLER, World, mark, submission
from writeback.core.errors import InvalidSubmission
from writeback.domain.access import Caller, Scope
from writeback.domain.actor import staff
from writeback.domain.school_settings.words import Word
from writeback.flow.correct.draft import Edit, Order
from writeback.flow.filling.word_lists import WordLists
from writeback.store.tables import App, EventRow, UnknownWordRow

pytestmark = pytest.mark.sqlite_first

ANN = staff("ann", "the office says so")
CODE = "attendance.code"


async def give(world: World, *words: Word, app: str = "") -> None:
    await WordLists(world.flow).put(CALLER, "hillside", words, ANN, app)


async def unknown(world: World) -> dict[str, int]:
    async with world.flow.db.read() as session:
        rows = (await session.exec(select(UnknownWordRow).order_by(UnknownWordRow.word))).all()
    return {row.word: row.times for row in rows}


def codes_of(records: str) -> list[str]:
    return [one["code"] for one in json.loads(records)]


@pytest.mark.both_databases
async def test_a_word_goes_out_as_the_schools_code_and_is_marked(world: World) -> None:
    await give(world, Word(CODE, "Ill – at home", "I"))

    writeback_id = await world.submit(mark("A1", code="ill - AT HOME"), mark("A2"))
    await world.serve()

    assert [one["code"] for one in world.provider.sent[-1]] == ["I", "/"]
    assert codes_of((await world.writeback(writeback_id)).records) == ["I", "/"]
    said = (await world.records(writeback_id))[0]["findings"]
    assert [(one["code"], one["severity"], one["pointer"]) for one in said] == [
        ("word_used", "warning", "/records/0/code")
    ]
    assert "ill - AT HOME" in said[0]["message"]
    async with world.flow.db.read() as session:
        (accepted,) = (await session.exec(select(EventRow).where(EventRow.event == "accepted"))).all()
    assert accepted.detail == "the school's settings speak in a record: see the findings"


@pytest.mark.both_databases
async def test_what_is_accepted_without_any_word_says_nothing_of_words(world: World) -> None:
    await give(world, Word(CODE, "Ill", "I"))

    writeback_id = await world.submit(mark("A1"))

    assert (await world.writeback(writeback_id)).progress == ""


@pytest.mark.both_databases
async def test_the_same_word_posted_again_is_the_same_submission(world: World) -> None:
    await give(world, Word(CODE, "Ill", "I"))
    body = submission(mark("A1", code="Ill"))
    first = await world.acceptor.submit(CALLER, "hillside", body, idempotency_key="k1")

    again = await world.acceptor.submit(CALLER, "hillside", body, idempotency_key="k1")

    assert (again.replayed, again.body) == (True, first.body)


@pytest.mark.both_databases
async def test_what_was_refused_as_no_code_is_counted(world: World) -> None:
    for _ in range(2):
        with pytest.raises(InvalidSubmission):
            await world.submit(mark("A1", code="Late"), mark("A2", code="Late"), mark("A999", code="/"))

    assert await unknown(world) == {"Late": 4}
    await world.acceptor.submit(CALLER, "hillside", submission(mark("A1", code="Dry")), dry_run=True)
    assert await unknown(world) == {"Late": 4}  # nothing is kept of a dry run


async def test_counting_keeps_nobody_from_their_answer(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*args: Any, **named: Any) -> None:
        raise RuntimeError("no")

    monkeypatch.setattr("writeback.store.schools.words.note_unknown", fails)

    with pytest.raises(InvalidSubmission):
        await world.submit(mark("A1", code="Late"))


async def test_a_file_has_its_words_meant_and_counts_those_that_are_none(world: World) -> None:
    await give(world, Word(CODE, "Ill", "I"))
    files = Files(world)

    batch = await files.take(
        HEADER + "A1,12/01/2026,AM,Ill,E1\nA2,12/01/2026,AM,Late,E1\nA3,12/01/2026,AM,late,E1\nA4,12/01/2026,AM,/,E1\n"
    )

    assert (batch.rows.queued, batch.rows.bad) == (2, 2)
    (row,) = await files.writebacks()
    assert codes_of(row.records) == ["I", "/"]
    assert [one["code"] for one in (await world.records(row.id))[0]["findings"]] == ["word_used"]
    assert await unknown(world) == {"Late": 1, "late": 1}
    async with world.flow.db.read() as session:
        (accepted,) = (await session.exec(select(EventRow).where(EventRow.event == "accepted"))).all()
    assert accepted.detail == f"from {batch.id}; the school's settings speak in a record: see the findings"


async def _failed_for_a_word(world: World) -> str:
    """Return a writeback that says a word, as one does that was accepted before the list of codes had been fetched."""
    failed = await world.fail(mark("A1", code="I"), mark("A2"))
    row = await world.writeback(failed)
    async with world.flow.db.write() as session:
        row.records = row.records.replace('"code":"I"', '"code":"Ill"')
        session.add(row)
    return failed


@pytest.mark.both_databases
async def test_a_word_that_came_later_is_used_when_what_failed_goes_again(world: World) -> None:
    failed = await _failed_for_a_word(world)
    with pytest.raises(InvalidSubmission):
        await world.corrections.resubmits.one(CALLER, failed, Order(), ANN)
    await give(world, Word(CODE, "Ill", "I"))

    await world.corrections.resubmits.one(CALLER, failed, Order(), ANN)
    await world.serve()

    assert [one["code"] for one in world.provider.sent[-1]] == ["I"]
    assert [one["code"] for one in (await world.records(failed))[0]["findings"]] == ["word_used"]
    (kept,) = await world.corrected(failed)
    assert (kept["records"][0]["before"]["code"], kept["records"][0]["after"]["code"]) == ("Ill", "I")


async def test_an_edit_may_say_a_word(world: World) -> None:
    failed = await world.fail(mark("A1"))
    await give(world, Word(CODE, "Ill", "I"))

    await world.corrections.resubmits.one(CALLER, failed, Order([Edit(0, mark("A1", code="ill"))]), ANN)

    assert codes_of((await world.writeback(failed)).records) == ["I"]


async def test_a_code_that_stands_for_a_word_stays_when_it_goes_again(world: World) -> None:
    """Two codes that change places would else change back."""
    await give(world, Word(CODE, "I", "N", always=True), Word(CODE, "N", "I", always=True))
    failed = await world.fail(mark("A1", code="I"))
    assert codes_of((await world.writeback(failed)).records) == ["N"]

    await world.corrections.resubmits.one(CALLER, failed, Order(), ANN)

    assert codes_of((await world.writeback(failed)).records) == ["N"]
    assert [one["code"] for one in (await world.records(failed))[0]["findings"]] == ["word_used"]
    assert (await world.corrected(failed))[0]["records"][0]["before"] is None


async def test_resubmitting_uses_the_words_of_the_app_that_sent_it(world: World) -> None:
    other = Caller("key_2", "support-tool", frozenset({Scope.SUPPORT, Scope.SUBMIT}))
    failed = await _failed_for_a_word(world)
    await give(world, Word(CODE, "Ill", "N"))
    async with world.flow.db.write() as session:
        session.add(App(id="app", name="App", created_at=world.clock.now()))
    await give(world, Word(CODE, "Ill", "I"), app="app")

    await world.corrections.resubmits.one(other, failed, Order(), ANN)

    assert codes_of((await world.writeback(failed)).records)[0] == "I"
