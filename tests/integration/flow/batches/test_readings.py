"""Files of which somebody says what their columns are, and who it is whom they name; and what is remembered of that."""

import contextlib
import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import delete

from tests.integration.flow.batches.test_batches import Crashes, Died
from tests.integration.flow.batches.test_reviews import OFFICE, Reviewed, counts
from tests.integration.flow.batches.test_reviews import files as files
from tests.integration.flow.conftest import CALLER, World
from tests.integration.flow.directory.conftest import PAT
from tests.integration.flow.directory.conftest import people as people
from writeback.batches.days import DayOrder
from writeback.batches.layout import NOTHING_STATED
from writeback.batches.mapping.mapping import ColumnUse
from writeback.core.errors import BadInput, Conflict, Forbidden, InvalidSubmission, NotFound
from writeback.domain.access import Scope
from writeback.flow.batches.mappings import SavedMappings
from writeback.flow.batches.mending import RowChange
from writeback.flow.batches.readings import WantedReading
from writeback.flow.batches.reviews import place_of
from writeback.flow.batches.runner import BatchRunner
from writeback.flow.directory.misses import Misses
from writeback.store.tables import BatchChunkRow, BatchPersonRow
from writeback_client.models.batches import Batch

pytestmark = pytest.mark.sqlite_first

WITHOUT_FIND = replace(CALLER, key_id="key_3", scopes=frozenset({Scope.SUBMIT, Scope.READ}))
UNKNOWN = "Z999999999999"
BY_UPN = (
    f"UPN,Date,Session,Mark,Staff ID\n{PAT.upn},12/01/2026,AM,/,E1\n"
    f"{UNKNOWN},12/01/2026,AM,/,E1\n{UNKNOWN},12/01/2026,PM,N,E1\n"
)
UNNAMED = "Who,Date,Session,Mark,Staff ID\nA1,12/01/2026,AM,/,E1\nA2,12/01/2026,AM,N,E1\n"
"""Nobody can tell what its first column is."""
GRID = "Pupil ID,Staff ID,Mon 12/01/2026 AM,Mon 12/01/2026 PM\nA1,E1,/,Q9\nA2,E1,N,\n"


@pytest.fixture(autouse=True)
async def synced(world: World, people: Any) -> None:
    await world.syncer.sync_school("hillside")


async def confirm(files: Reviewed, batch: Batch, columns: dict[str, str] | None = None, **more: Any) -> Batch:
    """Say what columns are, have the file read, and return how it stands."""
    uses = {place_of(column): ColumnUse(field or None) for column, field in (columns or {}).items()}
    await files.reviews.confirm(CALLER, batch.id, WantedReading(uses, **more), OFFICE)
    await files.runner.run(batch.id)
    return await files.view(batch.id)


# --- people


@pytest.mark.both_databases
async def test_people_are_found_by_upn_and_who_is_not_is_listed_once(files: Reviewed) -> None:
    batch = await files.look(BY_UPN)

    review = await files.reviews.get(CALLER, batch.id)
    (unknown,) = (await files.reviews.people(CALLER, batch.id, matches=["unknown"], limit=10)).items
    assert (counts(batch), review.students.found, review.students.unknown) == ((1, 2, 0, 0), 1, 1)
    assert (unknown.reference, unknown.rows, unknown.row) == ({"upn": UNKNOWN}, 2, 3)
    assert (review.days, review.sessions, review.codes) == ({"2026-01-12": 1}, {"AM": 1}, {"/": 1})


@pytest.mark.both_databases
async def test_who_is_chosen_is_meant_in_all_rows_that_name_them_so(files: Reviewed) -> None:
    batch = await files.look(BY_UPN)
    (unknown,) = (await files.reviews.people(CALLER, batch.id, matches=["unknown"], limit=10)).items

    chosen = await files.reviews.choose(CALLER, batch.id, unknown.key, "A2", OFFICE)
    review = await files.reviews.get(CALLER, batch.id)
    await files.send(batch)

    assert (counts(chosen.batch), [one.number for one in chosen.rows]) == ((3, 0, 0, 0), [3, 4])
    assert (review.students.found, review.students.chosen, review.students.unknown) == (1, 1, 0)
    assert await files.pupils() == ["A1", "A2", "A2"]
    (first, _) = await files.writebacks()
    said = (await files.world.records(first.id))[1]["findings"]
    assert [(one["code"], one["message"]) for one in said] == [
        ("person_chosen", "student: who it is was chosen by staff:Office")
    ]
    assert await files.count(BatchPersonRow) == 0


async def test_neither_the_log_nor_a_path_has_what_a_upn_could_be_found_out_by(files: Reviewed) -> None:
    one, other = await files.look(BY_UPN), await files.look(BY_UPN + "\n")
    keys = set()
    for batch in (one, other):
        (unknown,) = (await files.reviews.people(CALLER, batch.id, matches=["unknown"], limit=10)).items
        await files.reviews.choose(CALLER, batch.id, unknown.key, "A2", OFFICE)
        keys.add(unknown.key)

    (line,) = [row for row in await files.audited(one) if row.action == "batch.person"]
    assert line.changed == {"row": 3, "rows": 2, "is_chosen": True}
    assert len(keys) == 2  # the same UPN has another name in each file: no table of such names can be made


@pytest.mark.both_databases
async def test_no_row_goes_as_whom_it_was_before_where_another_choice_breaks_off(
    files: Reviewed, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = await files.look(BY_UPN)
    (unknown,) = (await files.reviews.people(CALLER, batch.id, matches=["unknown"], limit=10)).items
    await files.reviews.choose(CALLER, batch.id, unknown.key, "A2", OFFICE)
    with monkeypatch.context() as patched:
        patched.setattr(files.flow.db, "transact", Crashes(files, at=1, after=True))
        with pytest.raises(Died):
            await files.reviews.choose(CALLER, batch.id, unknown.key, "A3", OFFICE)

    broken_off = await files.view(batch.id)
    (row, _) = (await files.reviews.rows(CALLER, batch.id, states=["bad"], limit=10)).items
    again = await files.reviews.choose(CALLER, batch.id, unknown.key, "A3", OFFICE)
    await files.send(batch)

    assert (counts(broken_off), row.findings[-1].code) == ((1, 2, 0, 0), "person_not_checked")
    assert (counts(again.batch), "person_not_checked" in str(again.rows)) == ((3, 0, 0, 0), False)
    assert await files.pupils() == ["A1", "A3", "A3"]


async def test_of_a_file_without_column_names_no_row_is_lost_and_none_is_remembered(files: Reviewed) -> None:
    batch = await files.look("A1,12/01/2026,AM,/,E1\nA2,12/01/2026,AM,N,E1\n")
    fields = {"A": "student_id", "B": "date", "C": "session", "D": "code", "E": "employee_id"}

    read = await confirm(files, batch, fields)

    assert counts(read) == (2, 0, 0, 0)
    assert not (await SavedMappings(files.flow).list(CALLER, "hillside", limit=10)).items


async def test_a_person_of_a_grid_who_was_no_text_is_mended(files: Reviewed) -> None:
    batch = await files.look(GRID.replace("A2,E1,N", "#N/A,E1,N"))

    mended = await files.mend(batch, 3004, {"A": "A2"})

    assert [one.code for one in mended.rows[0].findings] == ["row_mended"]


async def test_a_choice_can_be_taken_back(files: Reviewed) -> None:
    batch = await files.look(BY_UPN)
    (unknown,) = (await files.reviews.people(CALLER, batch.id, matches=["unknown"], limit=10)).items
    await files.reviews.choose(CALLER, batch.id, unknown.key, "A2", OFFICE)

    again = await files.reviews.choose(CALLER, batch.id, unknown.key, None, OFFICE)

    assert counts(again.batch) == (1, 2, 0, 0)
    assert (await files.reviews.get(CALLER, batch.id)).students.unknown == 1


async def test_a_choice_outlives_reading_the_file_again(files: Reviewed) -> None:
    batch = await files.look(BY_UPN)
    (unknown,) = (await files.reviews.people(CALLER, batch.id, matches=["unknown"], limit=10)).items
    await files.reviews.choose(CALLER, batch.id, unknown.key, "A2", OFFICE)

    again = await confirm(files, batch, date_order=DayOrder.DAY_FIRST)

    people = (await files.reviews.people(CALLER, batch.id, limit=10)).items
    assert (again.status, counts(again)) == ("reviewing", (3, 0, 0, 0))
    assert sorted((one.match, one.rows, one.chosen_by) for one in people) == [
        ("found", 1, None),
        ("found", 2, "staff:Office"),
    ]


async def test_a_upn_that_is_mended_names_somebody_else(files: Reviewed) -> None:
    batch = await files.look(BY_UPN)

    mended = await files.mend(batch, 3, {"A": str(PAT.upn)})

    (unknown,) = (await files.reviews.people(CALLER, batch.id, matches=["unknown"], limit=10)).items
    assert mended.rows[0].people != (unknown.key,)
    assert (unknown.rows, unknown.row) == (1, 4)


async def test_only_somebody_who_is_there_can_be_chosen(files: Reviewed) -> None:
    batch = await files.look(BY_UPN)
    (unknown,) = (await files.reviews.people(CALLER, batch.id, matches=["unknown"], limit=10)).items

    with pytest.raises(BadInput) as refused:
        await files.reviews.choose(CALLER, batch.id, unknown.key, "X9", OFFICE)
    with pytest.raises(NotFound):
        await files.reviews.choose(CALLER, batch.id, "nobody", "A2", OFFICE)

    assert refused.value.code == "person_not_listed"


async def test_a_key_that_may_not_find_people_learns_of_nobody(files: Reviewed) -> None:
    batch = await files.take(BY_UPN, caller=WITHOUT_FIND)
    reviewed = await files.look(BY_UPN)
    (unknown,) = (await files.reviews.people(WITHOUT_FIND, reviewed.id, matches=["unknown"], limit=10)).items

    assert (batch.rows.good, {one.code for one in batch.problems}) == (0, {"people_not_allowed"})
    assert unknown.candidates == ()
    with pytest.raises(Forbidden):
        await files.reviews.mend(WITHOUT_FIND, reviewed.id, RowChange(3, {0: str(PAT.upn)}), OFFICE)
    with pytest.raises(Forbidden):
        await files.reviews.choose(WITHOUT_FIND, reviewed.id, unknown.key, "A2", OFFICE)


@pytest.mark.parametrize(
    ("content", "column"), [(UNNAMED, "student.upn"), (UNNAMED.replace("Who", "Pupil ID"), "student.upn"), (BY_UPN, "")]
)
async def test_a_key_that_may_not_find_people_has_no_column_of_another_keys_file_name_any(
    files: Reviewed, content: str, column: str
) -> None:
    batch = await files.look(content)
    wanted = WantedReading({0: ColumnUse(column)} if column else {}, date_order=DayOrder.DAY_FIRST)

    with pytest.raises(Forbidden):
        await files.reviews.confirm(WITHOUT_FIND, batch.id, wanted, OFFICE)

    assert (await files.view(batch.id)).version == batch.version


async def test_a_key_that_may_not_find_people_says_of_its_own_file_what_the_columns_are(files: Reviewed) -> None:
    batch = await files.take(UNNAMED, caller=WITHOUT_FIND, review=True)

    await files.reviews.confirm(WITHOUT_FIND, batch.id, WantedReading({0: ColumnUse("student.upn")}), OFFICE)
    await files.runner.run(batch.id)

    assert {one.code for one in (await files.view(batch.id)).problems} == {"people_not_allowed"}


async def test_a_file_that_names_too_many_who_are_not_there_is_stopped(files: Reviewed) -> None:
    files.settings(max_people_missed=1)
    content = BY_UPN + "Y999999999999,12/01/2026,AM,/,E1\n"

    plain = await files.take(content)
    reviewed = await files.look(content)

    assert (plain.status, [one.code for one in plain.findings]) == ("refused", ["people_missed"])
    assert (reviewed.status, reviewed.findings[-1].code, reviewed.rows.read) == ("reviewing", "people_missed", 0)


async def test_whoever_tries_names_out_row_by_row_is_soon_told_nothing(files: Reviewed) -> None:
    batch = await files.look(BY_UPN)
    files.finder.misses = Misses(files.world.clock, 2)

    for upn in ("Y999999999991", "Y999999999991", "Y999999999992"):  # who is named again counts once
        await files.mend(batch, 3, {"A": upn})
    for upn in ("Y999999999993", str(PAT.upn)):
        with pytest.raises(InvalidSubmission) as refused:
            await files.mend(batch, 3, {"A": upn})
        assert [one["code"] for one in refused.value.extra["findings"]] == ["people_missed_lately"]
    files.world.clock.advance(timedelta(hours=1))

    assert (await files.mend(batch, 3, {"A": str(PAT.upn)})).rows[0].state == "good"


async def test_names_tried_out_in_many_small_files_are_counted_together(files: Reviewed) -> None:
    files.runner._finder.misses = Misses(files.world.clock, 1)
    first, row = BY_UPN.splitlines()[0], f"{PAT.upn},12/01/2026,AM,/,E1"

    before = await files.take(f"{first}\n{row.replace(str(PAT.upn), UNKNOWN)}\n")
    plain = await files.take(f"{first}\n{row}\n")
    reviewed = await files.look(f"{first}\n{row}\n")

    assert [one.code for one in before.problems] == ["person_unknown"]
    assert (plain.status, [one.code for one in plain.findings]) == ("refused", ["people_missed_lately"])
    assert (reviewed.status, reviewed.findings[-1].code) == ("reviewing", "people_missed_lately")


# --- columns


@pytest.mark.both_databases
async def test_a_file_of_which_nobody_can_tell_the_columns_waits_for_somebody_to_say(files: Reviewed) -> None:
    batch = await files.look(UNNAMED)
    before = await files.reviews.get(CALLER, batch.id)

    read = await confirm(files, batch, {"A": "student_id"})
    after = await files.reviews.get(CALLER, batch.id)
    await files.send(read)

    assert before.reading is not None
    assert after.reading is not None
    assert (batch.status, before.is_read, before.reading.missing) == ("reviewing", False, ("student_id",))
    assert (read.status, after.is_read, after.reading.missing, counts(read)) == ("reviewing", True, (), (2, 0, 0, 0))
    assert (after.reading.confirmed_by, after.reading.is_remembered) == ("staff:Office", False)
    assert await files.pupils() == ["A1", "A2"]


async def test_without_a_review_such_a_file_says_how_to_confirm_it(files: Reviewed) -> None:
    batch = await files.take(UNNAMED)

    assert batch.status == "refused"
    assert any("review=true" in one.hint for one in batch.findings)


@pytest.mark.both_databases
async def test_what_was_confirmed_holds_for_the_next_file_with_this_header_and_is_said(files: Reviewed) -> None:
    first = await files.look(UNNAMED)
    await confirm(files, first, {"A": "student_id"})

    second = await files.take(UNNAMED.replace("A1", "A3"))

    assert (second.status, counts(second)) == ("delivering", (2, 0, 0, 2))
    (said,) = [one for one in second.findings if one.code == "mapping_used"]
    assert "as staff:Office confirmed at " in said.message
    (saved,) = (await SavedMappings(files.flow).list(CALLER, "hillside", limit=10)).items
    assert (saved.header[0], saved.columns[0].field, saved.confirmed_by) == ("Who", "student_id", "staff:Office")
    assert saved.used_at == files.world.clock.now()


@pytest.mark.parametrize(
    "changes",
    [
        {"content": UNNAMED.replace("Who,Date", "Which,Date")},
        {"caller": replace(CALLER, app_id="other")},
        {"kind": "attendance.lesson"},
    ],
    ids=["another header", "another app", "another kind"],
)
async def test_what_was_confirmed_holds_for_nothing_else(files: Reviewed, changes: dict[str, Any]) -> None:
    await confirm(files, await files.look(UNNAMED), {"A": "student_id"})

    answer = await files.upload(**{"content": UNNAMED, **changes})
    await files.runner.run(answer.batch_id)

    other = await files.batches.get(replace(CALLER, app_id="other"), answer.batch_id)
    assert (other.status, "mapping_used" in {one.code for one in other.findings}) == ("refused", False)


async def test_what_holds_for_one_file_alone_is_not_remembered(files: Reviewed) -> None:
    content = UNNAMED.replace("Session,", "").replace("AM,/", "N").replace("AM,", "")
    first = await files.look(content)

    read = await confirm(files, first, {"A": "student_id"}, constants={"session": "PM"}, is_remembered=False)
    second = await files.take(content)

    assert counts(read) == (2, 0, 0, 0)
    assert (await files.reviews.get(CALLER, first.id)).sessions == {"PM": 2}
    assert second.status == "refused"


async def test_a_mapping_that_is_deleted_holds_no_longer(files: Reviewed) -> None:
    await confirm(files, await files.look(UNNAMED), {"A": "student_id"})
    mappings = SavedMappings(files.flow)
    (saved,) = (await mappings.list(CALLER, "hillside", limit=10)).items
    other = replace(WITHOUT_FIND, app_id="other")

    with pytest.raises(NotFound):
        await mappings.forget(other, "hillside", saved.id, OFFICE)
    await mappings.forget(CALLER, "hillside", saved.id, OFFICE)

    assert (await mappings.list(CALLER, "hillside", limit=10)).items == ()
    assert (await files.take(UNNAMED)).status == "refused"


async def test_a_reading_that_cannot_be_is_refused_and_changes_nothing(files: Reviewed) -> None:
    batch = await files.look(UNNAMED)

    with pytest.raises(InvalidSubmission) as refused:
        await confirm(files, batch, {"A": "student"})
    with pytest.raises(BadInput):
        await confirm(files, batch, {"Z": "student_id"})

    codes = {one["code"] for one in refused.value.extra["findings"]}
    assert codes == {"mapping_field_unknown", "column_missing"}
    assert (await files.view(batch.id)).version == batch.version


async def test_days_that_may_be_read_both_ways_wait_for_somebody_to_say(files: Reviewed) -> None:
    content = "Pupil ID,Date,Session,Mark,Staff ID\nA1,01/12/2026,AM,/,E1\n"

    batch = await files.look(content, stated=NOTHING_STATED)
    read = await confirm(files, batch, date_order=DayOrder.MONTH_FIRST)

    assert (batch.status, batch.findings[-1].code) == ("reviewing", "days_either_way")
    assert counts(read) == (1, 0, 0, 0)
    assert (await files.reviews.get(CALLER, batch.id)).days == {"2026-01-12": 1}


async def test_mends_are_not_lost_unless_that_is_meant(files: Reviewed) -> None:
    batch = await files.look(BY_UPN)
    await files.mend(batch, 3, left_out=True)

    with pytest.raises(Conflict) as refused:
        await confirm(files, batch, date_order=DayOrder.DAY_FIRST)
    again = await confirm(files, batch, date_order=DayOrder.DAY_FIRST, discards_mends=True)

    assert refused.value.code == "mends_would_be_lost"
    assert counts(again) == (1, 2, 0, 0)


async def test_a_file_that_is_deleted_cannot_be_read_in_another_way_and_can_be_sent(files: Reviewed) -> None:
    batch = await files.look(BY_UPN)
    async with files.flow.db.write() as session:
        await session.exec(delete(BatchChunkRow))  # type: ignore[call-overload] # as an erasure does

    with pytest.raises(Conflict) as refused:
        await confirm(files, batch, date_order=DayOrder.DAY_FIRST)

    assert refused.value.code == "batch_file_gone"
    assert counts(await files.send(batch)) == (1, 2, 0, 1)


async def test_who_confirmed_what_is_in_the_audit_log(files: Reviewed) -> None:
    batch = await files.look(UNNAMED)
    await confirm(files, batch, {"A": "student_id"})

    (entry,) = [one for one in await files.audited(batch) if one.action == "batch.mapping"]
    assert (entry.actor, entry.changed["remembered"]) == ("staff:Office", True)
    assert entry.changed["columns"]["A"] == "student_id"


@pytest.mark.both_databases
async def test_each_mark_of_a_grid_is_a_row_that_can_be_mended(files: Reviewed) -> None:
    batch = await files.look(GRID)
    (bad,) = (await files.reviews.rows(CALLER, batch.id, states=["bad"], limit=10)).items
    columns = (await files.reviews.get(CALLER, batch.id)).columns
    code = next(one.column for one in columns if one.field == "code")

    mended = await files.mend(batch, bad.number, {code: "N"})
    await files.send(batch)

    assert (counts(batch), bad.shown) == ((2, 1, 0, 0), "2 (D)")
    assert counts(mended.batch) == (3, 0, 0, 0)
    found = [[one["student_id"] for one in json.loads(one.records)] for one in await files.writebacks()]
    assert sorted(found) == [["A1"], ["A1", "A2"]]


async def test_what_reading_said_of_a_grid_s_cell_goes_when_its_mark_is_mended(files: Reviewed) -> None:
    batch = await files.look(GRID.replace("Q9", "#N/A"))
    (bad,) = (await files.reviews.rows(CALLER, batch.id, states=["bad"], limit=10)).items
    columns = (await files.reviews.get(CALLER, batch.id)).columns
    code = next(one.column for one in columns if one.field == "code")

    mended = await files.mend(batch, bad.number, {code: "N"})

    assert "cell_error" in {one.code for one in bad.findings}
    assert mended.rows[0].state == "good", mended.rows[0].findings


# --- whoever dies when


@pytest.mark.parametrize("after", [False, True], ids=["before a commit", "after a commit"])
async def test_a_review_stands_as_it_would_whenever_a_worker_dies(
    files: Reviewed, monkeypatch: pytest.MonkeyPatch, *, after: bool
) -> None:
    files.settings(lease_s=60)
    dead = 0
    for number in range(1, 40):
        batch = await files.upload(BY_UPN, review=True)
        with monkeypatch.context() as patch, contextlib.suppress(Died):
            patch.setattr(files.flow.db, "transact", Crashes(files, number, after=after))
            await BatchRunner(files.flow, files.world.syncer, "dying").run(batch.batch_id)
        files.world.clock.advance(timedelta(seconds=61))
        is_done = (await files.view(batch.batch_id)).status == "reviewing"
        dead += not is_done
        await files.runner.run(batch.batch_id)

        found = await files.view(batch.batch_id)
        review = await files.reviews.get(CALLER, batch.batch_id)
        assert (found.status, counts(found)) == ("reviewing", (1, 2, 0, 0)), number
        assert (review.students.found, review.students.unknown, review.codes) == (1, 1, {"/": 1}), number
        await files.batches.cancel(CALLER, batch.batch_id, OFFICE)
        if is_done:
            break

    assert dead > 3
