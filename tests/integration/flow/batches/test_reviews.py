"""Files that somebody looks at first: nothing goes before it is sent, what is mended is checked again."""

import json
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import select

from tests.integration.flow.batches.test_batches import HEADER, Files, marks, row, with_achievement_types
from tests.integration.flow.conftest import CALLER, World
from writeback.core.errors import BadInput, Conflict, NotFound, TooManyAtOnce
from writeback.core.settings import BatchSettings
from writeback.domain.access import Caller, Scope
from writeback.domain.actor import Actor, actor_of
from writeback.domain.data_subject import Person, Role
from writeback.flow.batches.mending import RowChange
from writeback.flow.batches.reviews import Reviews, cells_at
from writeback.flow.data_subjects.data_subjects import DataSubjects
from writeback.flow.directory.find import PeopleFinder
from writeback.flow.moves.carry_over import CarryOver
from writeback.flow.schools.unknown_id_refresh import ListRefresher
from writeback.store.batches import batches as stored
from writeback.store.tables import App, AuditRow, BatchChunkRow, BatchLine, BatchReviewRow
from writeback_client.models.batches import Batch
from writeback_client.models.reviews import Mended

pytestmark = pytest.mark.sqlite_first

OFFICE = Actor("staff:Office")


class Reviewed(Files):
    """Files in review."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.refresher = ListRefresher(world.flow, world.syncer)
        self.finder = PeopleFinder(world.flow, self.refresher)
        self.reviews = Reviews(world.flow, self.refresher, self.finder)

    async def look(self, content: str, **said: Any) -> Batch:
        return await self.take(content, review=True, **said)

    async def mend(
        self,
        batch: Batch,
        number: int,
        cells: dict[str, str] | None = None,
        *,
        left_out: bool | None = None,
        **more: Any,
    ) -> Mended:
        change = RowChange(number, cells_at(cells or {}), left_out)
        return await self.reviews.mend(CALLER, batch.id, change, OFFICE, **more)

    async def send(self, batch: Batch, **more: Any) -> Batch:
        await self.reviews.send(CALLER, batch.id, OFFICE, **more)
        await self.runner.run(batch.id)
        return await self.view(batch.id)

    async def states(self, batch: Batch) -> dict[int, str]:
        page = await self.reviews.rows(CALLER, batch.id, limit=100)
        return {one.number: one.state for one in page.items}

    async def audited(self, batch: Batch) -> Sequence[AuditRow]:
        async with self.flow.db.read() as session:
            query = select(AuditRow).where(AuditRow.subject == batch.id).order_by(AuditRow.id)
            return (await session.exec(query)).all()


@pytest.fixture
async def files(world: World) -> AsyncIterator[Reviewed]:
    async with world.flow.db.write() as session:
        session.add(App(id=CALLER.app_id, name="Registers", created_at=world.clock.now()))
    reviewed = Reviewed(world)
    yield reviewed
    await reviewed.refresher.aclose()


def counts(batch: Batch) -> tuple[int, int, int, int]:
    return batch.rows.good, batch.rows.bad, batch.rows.left_out, batch.rows.queued


# --- nothing goes before it is sent


@pytest.mark.both_databases
async def test_a_file_in_review_waits_until_it_is_sent(files: Reviewed) -> None:
    batch = await files.look(marks(row(1), row(2, code="Q9")))

    assert (batch.status, counts(batch)) == ("reviewing", (1, 1, 0, 0))
    assert await files.writebacks() == []
    sent = await files.send(batch)
    assert (sent.status, counts(sent)) == ("delivering", (1, 1, 0, 1))
    assert await files.pupils() == ["A1"]
    assert b"Q9" in await files.errors(batch.id)


async def test_nobody_works_on_a_file_in_review(files: Reviewed) -> None:
    batch = await files.look(marks(row(1)))

    due = await files.flow.db.transact(lambda session: stored.due(session, files.world.clock.now(), 10))
    await files.runner.run(batch.id)

    assert due == []
    assert (await files.view(batch.id)).status == "reviewing"


async def test_a_file_without_a_good_row_is_not_sent(files: Reviewed) -> None:
    batch = await files.look(marks(row(1, code="Q9")))

    with pytest.raises(Conflict) as refused:
        await files.send(batch)

    assert (batch.status, refused.value.code) == ("reviewing", "batch_nothing_to_send")


async def test_a_file_is_sent_once(files: Reviewed) -> None:
    batch = await files.look(marks(row(1)))
    await files.send(batch)

    with pytest.raises(Conflict) as refused:
        await files.send(batch)

    assert refused.value.code == "batch_not_in_review"
    assert await files.pupils() == ["A1"]


async def test_what_somebody_else_has_changed_is_not_sent_unseen(files: Reviewed) -> None:
    batch = await files.look(marks(row(1), row(2)))
    await files.mend(batch, 2, left_out=True)

    with pytest.raises(Conflict) as refused:
        await files.send(batch, version=batch.version)

    assert refused.value.code == "batch_changed"
    assert await files.writebacks() == []


async def test_of_two_changes_that_meet_one_is_refused(files: Reviewed, monkeypatch: pytest.MonkeyPatch) -> None:
    batch = await files.look(marks(row(1), row(2)))
    validate = files.flow.lookups.view
    has_come = False

    async def meanwhile(*args: Any, **more: Any) -> Any:
        nonlocal has_come
        if not has_come:
            has_come = True
            await files.mend(batch, 3, left_out=True)
        return await validate(*args, **more)

    monkeypatch.setattr(type(files.flow.lookups), "view", lambda self, *args, **more: meanwhile(*args, **more))
    with pytest.raises(Conflict) as refused:
        await files.mend(batch, 2, {"D": "/"})

    assert refused.value.code == "batch_changed"
    assert await files.states(batch) == {2: "good", 3: "left_out"}


@pytest.mark.both_databases
async def test_a_review_that_is_over_is_cancelled_and_nothing_of_it_stays(files: Reviewed) -> None:
    batch = await files.look(marks(row(1)))
    files.world.clock.advance(timedelta(days=14))

    (due,) = await files.flow.db.transact(lambda session: stored.due(session, files.world.clock.now(), 10))
    await files.runner.run(due)

    over = await files.view(batch.id)
    assert (over.status, [one.code for one in over.findings]) == ("cancelled", ["review_over"])
    for table in (BatchLine, BatchChunkRow, BatchReviewRow):
        assert await files.count(table) == 0
    with pytest.raises(Conflict):
        await files.send(batch)


async def test_a_file_in_review_can_be_cancelled(files: Reviewed) -> None:
    batch = await files.look(marks(row(1)))

    cancelled = await files.batches.cancel(CALLER, batch.id, OFFICE)

    assert cancelled.status == "cancelled"
    for table in (BatchLine, BatchChunkRow, BatchReviewRow):
        assert await files.count(table) == 0


async def test_the_file_is_kept_while_it_is_looked_at_and_no_longer(files: Reviewed) -> None:
    batch = await files.look(marks(row(1), row(2, code="Q9")))
    kept = await files.count(BatchChunkRow)

    await files.send(batch)

    assert (kept, await files.count(BatchChunkRow), await files.count(BatchReviewRow)) == (1, 0, 0)


async def test_an_app_has_no_more_files_in_review_than_it_may(files: Reviewed) -> None:
    files.settings(max_in_review_per_app=1)
    await files.look(marks(row(1)))

    with pytest.raises(TooManyAtOnce) as refused:
        await files.look(marks(row(2)))

    assert refused.value.code == "reviews_too_many"
    await files.take(marks(row(3)))


async def test_a_file_is_looked_at_or_only_checked(files: Reviewed) -> None:
    with pytest.raises(BadInput) as refused:
        await files.look(marks(row(1)), dry_run=True)

    assert refused.value.code == "review_or_dry_run"


# --- what is mended


@pytest.mark.both_databases
async def test_a_mended_row_is_checked_again_and_marked(files: Reviewed) -> None:
    batch = await files.look(marks(row(1), row(2, code="Q9")))

    mended = await files.mend(batch, 3, {"D": "/"})

    assert counts(mended.batch) == (2, 0, 0, 0)
    (line,) = mended.rows
    assert (line.state, line.cells[3], line.before, line.mended_by) == ("good", "/", {"D": "Q9"}, "staff:Office")
    assert [one.code for one in mended.batch.problems] == ["row_mended"]
    await files.send(batch)
    (writeback,) = await files.writebacks()
    found = [one.get("findings", []) for one in await files.world.records(writeback.id)]
    assert [[one["code"] for one in findings] for findings in found] == [[], ["row_mended"]]
    assert "Mark (D), by staff:Office" in found[1][0]["message"]


async def test_a_cell_that_is_put_back_is_no_longer_mended(files: Reviewed) -> None:
    batch = await files.look(marks(row(1, code="Q9")))

    await files.mend(batch, 2, {"D": "/"})
    mended = await files.mend(batch, 2, {"D": "Q9"})

    assert (counts(mended.batch), mended.rows[0].before, mended.rows[0].mended_by) == ((0, 1, 0, 0), {}, None)


async def test_a_row_that_is_left_out_is_not_sent_and_may_come_back(files: Reviewed) -> None:
    batch = await files.look(marks(row(1), row(2), row(3, code="Q9")))

    await files.mend(batch, 2, left_out=True)
    out = await files.mend(batch, 4, left_out=True)
    back = await files.mend(batch, 2, left_out=False)
    sent = await files.send(batch)

    assert counts(out.batch) == (1, 0, 2, 0)
    assert out.batch.problems == ()
    assert counts(back.batch) == (2, 0, 1, 0)
    assert await files.pupils() == ["A1", "A2"]
    assert sent.errors is None
    assert await files.count(BatchLine) == 2


@pytest.mark.both_databases
async def test_leaving_out_one_of_two_that_contradict_each_other_clears_the_other(files: Reviewed) -> None:
    batch = await files.look(marks(row(1, code="/"), row(2), row(1, code="N")))

    mended = await files.mend(batch, 4, left_out=True)

    assert counts(batch) == (1, 2, 0, 0)
    assert counts(mended.batch) == (2, 0, 1, 0)
    assert sorted((one.number, one.state) for one in mended.rows) == [(2, "good"), (4, "left_out")]
    assert mended.batch.problems == ()


async def test_a_mend_that_contradicts_another_row_is_said_of_both(files: Reviewed) -> None:
    batch = await files.look(marks(row(1, code="/"), row(2, code="N")))

    mended = await files.mend(batch, 3, {"A": "A1"})

    assert counts(mended.batch) == (0, 2, 0, 0)
    problems = {one.code: (one.count, one.row) for one in mended.batch.problems}
    assert problems == {"row_contradicts": (2, 2), "row_mended": (1, 3)}


async def test_the_row_that_shows_a_problem_is_one_that_still_has_it(files: Reviewed) -> None:
    batch = await files.look(marks(row(1, code="Q9"), row(2, code="Q8")))
    (before,) = batch.problems

    mended = await files.mend(batch, 2, {"D": "/"})

    (after,) = [one for one in mended.batch.problems if one.code == before.code]
    assert (before.count, before.row, after.count, after.row) == (2, 2, 1, 3)
    assert "Q8" in after.message


async def test_what_reading_said_of_a_cell_stays_until_that_cell_is_mended(files: Reviewed) -> None:
    batch = await files.look(marks(row(1, code="#N/A"), row(2)))

    other = await files.mend(batch, 2, {"E": " E1"})
    mended = await files.mend(batch, 2, {"D": "/"})

    assert other.rows[0].findings[0].code == "cell_error"
    assert mended.rows[0].state == "good"


async def test_a_mended_day_is_queued_in_a_writeback_of_its_own(files: Reviewed) -> None:
    batch = await files.look(marks(row(1), row(2), row(3)))

    await files.mend(batch, 2, {"B": "13/01/2026"})
    await files.send(batch)

    found = [[one["student_id"] for one in json.loads(one.records)] for one in await files.writebacks()]
    assert sorted(found) == [["A1"], ["A2", "A3"]]


@pytest.mark.parametrize(
    ("number", "cells", "error"),
    [(99, {"A": "x"}, NotFound), (2, {"Z": "x"}, BadInput), (2, {"Mark": "x"}, BadInput), (2, {"": "x"}, BadInput)],
)
async def test_what_cannot_be_mended_is_said(
    files: Reviewed, number: int, cells: dict[str, str], error: type[Exception]
) -> None:
    batch = await files.look(marks(row(1)))

    with pytest.raises(error):
        await files.mend(batch, number, cells)


async def test_who_mended_and_sent_is_in_the_audit_log_and_no_cell_is(files: Reviewed) -> None:
    batch = await files.look(marks(row(1), row(2, code="Q9")))
    await files.mend(batch, 3, {"D": "/"})
    await files.mend(batch, 2, left_out=True)
    await files.send(batch)

    said = [(one.actor, one.action, one.changed) for one in await files.audited(batch)][1:4]
    assert said == [
        ("staff:Office", "batch.mend", {"row": 3, "columns": ["D"]}),
        ("staff:Office", "batch.mend", {"row": 2, "left_out": True}),
        ("staff:Office", "batch.send", {"good": 1, "bad": 0, "left_out": 1, "mended": 1}),
    ]


# --- rows of one incident


async def _incidents(files: Reviewed) -> Batch:
    await with_achievement_types(files)
    return await files.look(
        "incident,student_id,points,employee_id,date,type\n1,A1,2,E1,12/01/2026,NYPA\n1,X9,3,E1,12/01/2026,NYPA\n"
        "2,A2,1,E1,12/01/2026,NYPA\n",
        kind="achievement.create",
    )


async def _pupils_of_incidents(files: Reviewed) -> list[list[str]]:
    records = [record for one in await files.writebacks() for record in json.loads(one.records)]
    return [[one["student_id"] for one in record["students"]] for record in records]


async def test_mending_one_row_of_an_incident_frees_all_of_it(files: Reviewed) -> None:
    batch = await _incidents(files)

    mended = await files.mend(batch, 3, {"B": "A3"})
    await files.send(batch)

    assert (counts(batch), counts(mended.batch)) == ((1, 2, 0, 0), (3, 0, 0, 0))
    assert await _pupils_of_incidents(files) == [["A1", "A3"], ["A2"]]


async def test_an_incident_goes_without_the_row_that_is_left_out(files: Reviewed) -> None:
    batch = await _incidents(files)
    await files.mend(batch, 3, {"B": "A3"})

    first_out = await files.mend(batch, 2, left_out=True)
    both = await files.mend(batch, 2, left_out=False)
    bad_out = await files.mend(batch, 3, left_out=True)
    await files.send(batch)

    assert [counts(one.batch)[:3] for one in (first_out, both, bad_out)] == [(2, 0, 1), (3, 0, 0), (2, 0, 1)]
    assert await _pupils_of_incidents(files) == [["A1"], ["A2"]]


async def test_a_row_can_be_moved_to_another_incident(files: Reviewed) -> None:
    batch = await _incidents(files)
    await files.mend(batch, 3, {"B": "A3"})

    mended = await files.mend(batch, 2, {"A": "2"})
    await files.send(batch)

    assert counts(mended.batch) == (3, 0, 0, 0)
    assert await _pupils_of_incidents(files) == [["A1", "A2"], ["A3"]]


# --- who may


async def test_another_app_s_key_finds_no_review(files: Reviewed) -> None:
    batch = await files.look(marks(row(1)))
    other = Caller("key_2", "app_2", frozenset({Scope.SUBMIT, Scope.READ}))
    change = RowChange(2, left_out=True)

    with pytest.raises(NotFound):
        await files.reviews.get(other, batch.id)
    with pytest.raises(NotFound):
        await files.reviews.rows(other, batch.id, limit=10)
    with pytest.raises(NotFound):
        await files.reviews.mend(other, batch.id, change, actor_of(other))
    with pytest.raises(NotFound):
        await files.reviews.send(other, batch.id, actor_of(other))


async def test_a_review_shows_columns_and_until_when_it_may_be_sent(files: Reviewed) -> None:
    batch = await files.look(marks(row(1)))

    review = await files.reviews.get(CALLER, batch.id)

    assert [(one.column, one.header, one.field) for one in review.columns][:2] == [
        ("A", "Pupil ID", "student_id"),
        ("B", "Date", "date"),
    ]
    assert (review.is_read, review.version) == (True, batch.version)
    assert review.until == files.world.clock.now() + timedelta(days=BatchSettings().review_days)
    assert HEADER.startswith(review.columns[0].header)


async def test_who_is_erased_is_in_no_row_of_a_review_and_the_others_go(files: Reviewed) -> None:
    batch = await files.look(marks(row(1), row(2)))
    subjects = DataSubjects.of(files.flow.settings, files.flow.db, files.flow.clock, files.flow.secrets)

    await subjects.erase(Person("hillside", Role.STUDENT, "A1"), OFFICE.because("asked for"))
    lines = (await files.reviews.rows(CALLER, batch.id, limit=10)).items
    await files.send(batch)

    assert (lines[0].state, lines[0].record) == ("left_out", None)
    assert "A1" not in str(lines[0].cells)
    assert await files.pupils() == ["A2"]


@pytest.mark.both_databases
async def test_a_file_that_is_looked_at_while_its_school_moves_is_stopped(files: Reviewed) -> None:
    batch = await files.look(marks(row(1)))

    await files.flow.registry.patch("hillside", {"mis": "Arbor"})

    with pytest.raises(Conflict):
        await files.send(batch)
    over = await files.view(batch.id)
    assert (over.status, [one.code for one in over.findings]) == ("cancelled", ["school_moved"])
    for table in (BatchLine, BatchChunkRow, BatchReviewRow):
        assert await files.count(table) == 0
    assert [one.action for one in await files.audited(batch)][-1] == "batch.cancel"


async def test_a_file_waits_until_the_new_ids_of_its_school_are_there(files: Reviewed) -> None:
    await files.flow.registry.patch("hillside", {"mis": "Arbor"})

    batch = await files.look(marks(row(1)))
    before = (await files.view(batch.id)).status
    files.world.clock.advance(timedelta(minutes=1))
    await files.world.syncer.sync_school("hillside")
    assert await CarryOver(files.flow, files.finder).of_school("hillside")
    await files.runner.run(batch.id)

    assert (before, (await files.view(batch.id)).status) == ("reading", "reviewing")
