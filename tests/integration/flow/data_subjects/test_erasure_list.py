"""The erasure list: whoever was erased stays erased when the database is put back to what it was before."""

import json
import stat
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete
from sqlmodel import Session, SQLModel

from tests.integration.flow.data_subjects import planting
from tests.integration.flow.data_subjects.planting import NAME, OTHER, OTHER_NAME, PUPIL, SCHOOL
from tests.integration.flow.data_subjects.test_erase import ANN, everything, left_of
from tests.secret_key import SECRET_KEY
from writeback.core.clock import FakeClock
from writeback.core.errors import Conflict
from writeback.core.secrets import SecretBox
from writeback.core.settings import Settings
from writeback.domain.data_subject import Person, Role
from writeback.flow.data_subjects.data_subjects import DataSubjects
from writeback.flow.data_subjects.erasure_list import ErasureList
from writeback.flow.upkeep.resealing import Resealing
from writeback.store import tables as t
from writeback.store.sql.database import Database

pytestmark = pytest.mark.sqlite_first

ANOTHER_KEY = "Wc2-aK7_pQ9xLr4vTz8mBn3yHs6dJf5gUe1oRi0qX"


@pytest.fixture
def restore(database: Database, fake_clock: FakeClock) -> Callable[[], Any]:
    """Return what puts the database to the state of a backup from before anybody was ever erased."""
    taken_at = fake_clock.now()

    def put(session: Session) -> None:
        for table in reversed(SQLModel.metadata.sorted_tables):
            session.connection().execute(delete(table))
        planting.plant_school(session, taken_at)
        planting.plant(session, SecretBox(SECRET_KEY), taken_at, PUPIL, NAME, 0)
        planting.plant(session, SecretBox(SECRET_KEY), taken_at, OTHER, OTHER_NAME, 1)

    return partial(database.transact, put)


@pytest.fixture
def subjects(database: Database, fake_clock: FakeClock, tmp_path: Path) -> DataSubjects:
    settings = Settings(data_dir=tmp_path / "data", secret_key=SECRET_KEY)
    return DataSubjects.of(settings, database, fake_clock, SecretBox(SECRET_KEY))


async def test_who_was_erased_is_erased_again_after_a_restore(
    subjects: DataSubjects, restore: Callable[[], Any], fake_clock: FakeClock
) -> None:
    await restore()
    others = left_of(await everything(subjects.db), (OTHER,))
    fake_clock.advance(timedelta(hours=1))
    await subjects.erase(Person(SCHOOL, Role.STUDENT, PUPIL), ANN)
    fake_clock.advance(timedelta(days=20))
    await restore()
    assert left_of(await everything(subjects.db), (PUPIL,)) != []

    again = await subjects.erase_again(ANN)

    assert (again.persons, again.waiting) == (1, [])
    assert left_of(await everything(subjects.db), (PUPIL, PUPIL.lower())) == []
    assert len(left_of(await everything(subjects.db), (OTHER,))) == len(others)
    assert (await subjects.erase_again(ANN)).persons == 0


@pytest.mark.both_databases
async def test_who_stands_in_a_row_of_a_file_alone_is_found_by_the_list(
    subjects: DataSubjects, fake_clock: FakeClock
) -> None:
    def plant(session: Session) -> None:
        planting.plant_school(session, fake_clock.now())
        planting.plant(session, SecretBox(SECRET_KEY), fake_clock.now(), OTHER, OTHER_NAME, 1)
        line = session.get(t.BatchLine, ("bat_csv_1", 2))
        assert line is not None
        line.cells, line.record = json.dumps(["B7", "12/01/2026", "AM", "Q", "", ""]), ""
        session.add(line)

    await subjects.db.transact(plant)
    await subjects.list.add(SCHOOL, "student", "B7", fake_clock.now())

    again = await subjects.erase_again(ANN)

    assert (again.persons, dict(again.rows)) == (1, {"batch_row": 1})


@pytest.mark.both_databases
async def test_what_came_after_the_erasure_stays(
    subjects: DataSubjects, restore: Callable[[], Any], fake_clock: FakeClock
) -> None:
    await restore()
    await subjects.erase(Person(SCHOOL, Role.STUDENT, PUPIL), ANN)
    fake_clock.advance(timedelta(days=3))
    later = fake_clock.now()

    def come_back(session: Session) -> None:
        row = t.WritebackRow(
            id="wb_later", app_id="app", school_id=SCHOOL, lane_id=f"{SCHOOL}:session-marks", status="confirmed",
            kind="attendance.session", records=json.dumps([{"student_id": PUPIL}]), created_at=later, updated_at=later,
        )  # fmt: skip
        session.add(row)
        session.flush()
        session.add(t.SearchTermRow(what="pupil", term=PUPIL.lower(), school_id=SCHOOL, seq=row.seq or 0))

    await subjects.db.transact(come_back)

    assert (await subjects.erase_again(ANN)).persons == 0
    left = {name for name, _ in left_of(await everything(subjects.db), (PUPIL, PUPIL.lower()))}
    assert left == {"writeback", "search_term"}  # they are still found by it


async def test_the_file_names_nobody_and_is_for_its_owner_alone(
    subjects: DataSubjects, restore: Callable[[], Any]
) -> None:
    await restore()
    await subjects.erase(Person(SCHOOL, Role.STUDENT, PUPIL, (NAME,)), ANN)

    text = subjects.list.path.read_text()

    assert stat.S_IMODE(subjects.list.path.stat().st_mode) == 0o600
    assert PUPIL.lower() not in text.lower()
    assert "Quillfeather" not in text
    assert [sorted(json.loads(line)) for line in text.splitlines()] == [["key"], ["at", "hash", "school"]]


async def test_hashes_can_be_checked_when_the_secret_key_has_turned(
    subjects: DataSubjects, restore: Callable[[], Any]
) -> None:
    await restore()
    await subjects.erase(Person(SCHOOL, Role.STUDENT, PUPIL), ANN)
    both = SecretBox(ANOTHER_KEY, SECRET_KEY)
    await Resealing(subjects.db, both, subjects.clock).run(ANN, lambda name, seen: None)
    await ErasureList(subjects.db, both, subjects.list.path).follow()
    await restore()  # the database has neither the key nor the hash

    settings = Settings(erasure_list=subjects.list.path, secret_key=ANOTHER_KEY)
    with_new_alone = DataSubjects.of(settings, subjects.db, subjects.clock, SecretBox(ANOTHER_KEY))

    assert (await with_new_alone.erase_again(ANN)).persons == 1


async def test_a_key_that_nobody_can_open_is_said_to_be_so(subjects: DataSubjects, restore: Callable[[], Any]) -> None:
    await restore()
    await subjects.erase(Person(SCHOOL, Role.STUDENT, PUPIL), ANN)

    other = ErasureList(subjects.db, SecretBox(ANOTHER_KEY), subjects.list.path)

    with pytest.raises(Conflict, match="sealed with another secret key"):
        await other.add(SCHOOL, "student", "A1", subjects.clock.now())


@pytest.mark.both_databases
async def test_a_line_that_a_crash_cut_off_costs_itself(subjects: DataSubjects, fake_clock: FakeClock) -> None:
    first = await subjects.list.add(SCHOOL, "student", "A1", fake_clock.now())
    subjects.list.path.write_text(subjects.list.path.read_text() + '{"hash": "half')

    second = await subjects.list.add(SCHOOL, "student", "A2", fake_clock.now())

    assert set(await subjects.list.merged()) == {first, second}


async def test_each_place_is_given_what_it_lacks(subjects: DataSubjects, fake_clock: FakeClock) -> None:
    """On another machine the file is another one; after a restore the database lacks what the file has."""
    in_both = await subjects.list.add(SCHOOL, "student", "A1", fake_clock.now())
    subjects.list.path.unlink()

    await subjects.list.merged()

    assert in_both in subjects.list.path.read_text()

    def forget(session: Session) -> None:
        session.connection().execute(delete(SQLModel.metadata.tables["erasure"]))

    await subjects.db.transact(forget)

    assert set(await subjects.list.merged()) == {in_both}
    async with subjects.db.read() as session:
        assert await session.get(t.ErasureRow, in_both) is not None
