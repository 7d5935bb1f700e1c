"""A school or an app that leaves: all of it goes, nothing of others, and it stays away when a backup is restored."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete
from sqlmodel import Session, SQLModel, col, select

from tests.integration.flow.data_subjects import planting
from tests.integration.flow.data_subjects.planting import ELSEWHERE, NAME, PUPIL, SCHOOL
from tests.integration.flow.data_subjects.test_erase import everything, left_of
from tests.secret_key import SECRET_KEY
from writeback.core.clock import FakeClock
from writeback.core.errors import BadInput, Conflict, NotFound
from writeback.core.secrets import SecretBox
from writeback.core.settings import Settings
from writeback.domain.actor import Actor
from writeback.domain.staff import console_app
from writeback.flow.data_subjects.data_subjects import DataSubjects
from writeback.flow.data_subjects.leaving import Leaving
from writeback.flow.upkeep.restores import RestoreWatch
from writeback.store import tables as t
from writeback.store.batches import batches
from writeback.store.batches.batches import LeaseLost
from writeback.store.people.leaving import of_school
from writeback.store.sql.database import Database
from writeback.store.sql.high_water import InDataDir

ANN = Actor("staff:ann", "contract ended")
TRAIL = {"audit", "erasure"}
"""What outlives a school: who did what, and that it is not to come back."""


@pytest.fixture
def plant(database: Database, fake_clock: FakeClock) -> Callable[[], Any]:
    """Return what fills an empty database: a school with a pupil, another, and two apps."""
    now = fake_clock.now()

    def put(session: Session) -> None:
        for table in reversed(SQLModel.metadata.sorted_tables):
            session.connection().execute(delete(table))
        planting.plant_school(session, now)
        planting.plant(session, SecretBox(SECRET_KEY), now, PUPIL, NAME, 0)
        session.add(t.App(id="other", name="Other", created_at=now))
        session.add(t.App(id=console_app(SCHOOL), name=console_app(SCHOOL), created_at=now))
        session.flush()
        for key, schools in (("key_1", [SCHOOL]), ("key_2", [SCHOOL, ELSEWHERE]), ("key_3", None)):
            app = "app" if key == "key_1" else "other"
            session.add(t.ApiKey(id=key, app_id=app, hash=key, scopes=["read"], schools=schools, created_at=now))
        _writeback(session, now, "wb_elsewhere", ELSEWHERE, "other")
        _writeback(session, now, "wb_others", SCHOOL, "other")
        request = session.get(t.RequestRow, "req_0_0")
        assert request is not None
        session.add(
            t.RequestRow(
                id="req_shared", lane_id=request.lane_id, school_id=SCHOOL, provider="wonde", kind=request.kind,
                state="settled", fence=1, members=[["wb_0_0", [0]], ["wb_others", [0]]], created_at=now,
            )
        )  # fmt: skip

    return partial(database.transact, put)


def _writeback(session: Session, now: Any, id_: str, school: str, app: str) -> None:
    session.add(
        t.WritebackRow(
            id=id_, app_id=app, school_id=school, lane_id=f"{school}:session-marks", kind="attendance.session",
            status="confirmed", records='[{"student_id": "B1"}]', created_at=now, updated_at=now,
        )
    )  # fmt: skip


@pytest.fixture
def subjects(database: Database, fake_clock: FakeClock, tmp_path: Path) -> DataSubjects:
    settings = Settings(data_dir=tmp_path / "data", secret_key=SECRET_KEY)
    made = DataSubjects.of(settings, database, fake_clock, SecretBox(SECRET_KEY))
    return replace(made, leaving=replace(made.leaving, until_noticed_s=0.0))


@pytest.fixture
def leaving(subjects: DataSubjects) -> Leaving:
    return subjects.leaving


async def test_a_school_goes_with_all_that_is_kept_of_it(leaving: Leaving, plant: Callable[[], Any]) -> None:
    await plant()
    planted = {name for name, rows in (await everything(leaving.db)).items() if rows}

    left = await leaving.remove_school(SCHOOL, ANN)

    after = await everything(leaving.db)
    assert {name for name, _ in left_of(after, (SCHOOL, PUPIL, NAME))} <= TRAIL
    assert planted - set(left.rows) <= {"staff", "audit", "webhook"}
    assert left.rows["app"] == 1, "the console's app at the school"
    async with leaving.db.read() as session:
        keys = {key.id: key.schools for key in (await session.exec(select(t.ApiKey))).all()}
        rows = (await session.exec(select(t.WritebackRow.id))).all()
    assert keys == {"key_1": [], "key_2": [ELSEWHERE], "key_3": None}  # an empty list is no school, not all
    assert rows == ["wb_elsewhere"]


async def test_a_removal_is_not_taken_for_a_restore(leaving: Leaving, plant: Callable[[], Any], tmp_path: Path) -> None:
    """The newest event's number is what a database is compared by, and the next one is to be higher."""
    await plant()
    (tmp_path / "memory").mkdir()
    watch = RestoreWatch(leaving.db, leaving.clock, [InDataDir(tmp_path / "memory")])
    await watch.look()

    await leaving.remove_app("app", ANN)
    await leaving.remove_school(SCHOOL, ANN)

    assert await watch.behind() == 0
    assert (await watch.look()).suspected_at is None
    async with leaving.db.read() as session:
        (event,) = (await session.exec(select(t.EventRow))).all()
    assert (event.writeback_id, event.app_id, event.detail) == ("", "", None)


async def test_an_app_goes_with_its_keys_and_what_others_sent_stays(leaving: Leaving, plant: Callable[[], Any]) -> None:
    await plant()

    left = await leaving.remove_app("app", ANN)

    assert {"app", "api_key", "webhook", "delivery", "batch", "batch_row", "writeback", "request"} <= set(left.rows)
    async with leaving.db.read() as session:
        rows = (await session.exec(select(t.WritebackRow.id).order_by(col(t.WritebackRow.id)))).all()
        requests = {row.id: row.members for row in (await session.exec(select(t.RequestRow))).all()}
        apps = (await session.exec(select(t.App.id))).all()
    assert rows == ["wb_elsewhere", "wb_others"]
    assert requests == {"req_shared": [["wb_others", [0]]]}
    assert set(apps) == {"other", console_app(SCHOOL)}


async def test_it_is_refused_while_something_is_on_its_way_unless_told(
    leaving: Leaving, plant: Callable[[], Any]
) -> None:
    await plant()

    def queue(session: Session) -> None:
        row = session.exec(select(t.WritebackRow).where(t.WritebackRow.id == "wb_0_0")).one()
        row.status = "queued"
        session.add(row)

    await leaving.db.transact(queue)

    for remove, id_ in ((leaving.remove_school, SCHOOL), (leaving.remove_app, "app")):
        with pytest.raises(Conflict, match="1 writebacks"):
            await remove(id_, ANN)
    assert len((await everything(leaving.db))["writeback"]) > 2

    await leaving.remove_school(SCHOOL, ANN, even_if_waiting=True)

    assert len((await everything(leaving.db))["writeback"]) == 1


async def test_whoever_works_on_a_file_adds_nothing_to_what_leaves(
    leaving: Leaving, plant: Callable[[], Any], fake_clock: FakeClock
) -> None:
    await plant()
    now = fake_clock.now()

    def begin(session: Session) -> None:
        for id_, status, fence in (("bat_1", "queueing", 3), ("bat_2", "uploading", 0)):
            said = {"app_id": "app", "school_id": SCHOOL, "format": "csv", "status": status, "fence": fence}
            session.add(t.BatchRow(id=id_, created_at=now, updated_at=now, **said))

    def queue(session: Session, number: int) -> None:
        batches.change(session, "bat_1", 3, rows_queued=number)
        _writeback(session, now, f"wb_late_{number}", SCHOOL, "app")

    await leaving.db.transact(begin)
    more = partial(batches.add_chunk, batch_id="bat_2", data=PUPIL.encode())

    for number, piece in enumerate(of_school(SCHOOL)):
        while await leaving.db.transact(piece):
            pass
        for work in (queue, more):
            with suppress(LeaseLost):
                await leaving.db.transact(partial(work, number=number))

    assert {name for name, _ in left_of(await everything(leaving.db), (SCHOOL, PUPIL))} <= TRAIL


@pytest.mark.sqlite_first
@pytest.mark.parametrize(("remove", "id_"), [("remove_school", SCHOOL), ("remove_app", "app")])
async def test_what_is_accepted_before_everybody_knows_is_not_deleted_unasked(
    leaving: Leaving, plant: Callable[[], Any], remove: str, id_: str
) -> None:
    await plant()

    def accept(session: Session) -> None:
        row = session.exec(select(t.WritebackRow).where(t.WritebackRow.id == "wb_0_0")).one()
        row.status = "queued"
        session.add(row)

    async def accept_meanwhile(seconds: float) -> None:
        await leaving.db.transact(accept)

    with pytest.raises(Conflict, match="1 writebacks"):
        await getattr(replace(leaving, sleep=accept_meanwhile), remove)(id_, ANN)

    assert any("wb_0_0" in row for row in (await everything(leaving.db))["writeback"])
    assert await leaving.list.merged() == {}


async def test_a_school_that_is_resumed_meanwhile_stays(leaving: Leaving, plant: Callable[[], Any]) -> None:
    await plant()

    def resume(session: Session) -> None:
        session.get_one(t.SchoolRow, SCHOOL).hold_reason = None

    async def resume_meanwhile(seconds: float) -> None:
        await leaving.db.transact(resume)

    with pytest.raises(Conflict, match="resumed"):
        await replace(leaving, sleep=resume_meanwhile).remove_school(SCHOOL, ANN)

    assert any(SCHOOL in row for row in (await everything(leaving.db))["writeback"])


async def test_a_school_that_a_worker_serves_is_held_and_stays(
    leaving: Leaving, plant: Callable[[], Any], fake_clock: FakeClock
) -> None:
    await plant()

    def serve(session: Session) -> None:
        lane = session.get(t.Lane, f"{SCHOOL}:session-marks")
        assert lane is not None
        lane.lease_until = fake_clock.now() + timedelta(seconds=30)
        session.add(lane)

    await leaving.db.transact(serve)

    with pytest.raises(Conflict, match="a worker is sending"):
        await leaving.remove_school(SCHOOL, ANN, even_if_waiting=True)
    assert await leaving.list.merged() == {}  # it may stay

    fake_clock.advance(timedelta(minutes=1))
    await leaving.remove_school(SCHOOL, ANN, even_if_waiting=True)  # goes on where it was left


async def test_what_has_left_does_not_come_back_with_a_backup(
    subjects: DataSubjects, plant: Callable[[], Any], fake_clock: FakeClock
) -> None:
    await plant()
    fake_clock.advance(timedelta(hours=1))
    await subjects.leaving.remove_school(SCHOOL, ANN)
    await subjects.leaving.remove_app("other", ANN)
    await plant()  # a backup from before

    again = await subjects.erase_again(ANN)

    assert (again.schools, again.apps) == (1, 1)
    assert {name for name, _ in left_of(await everything(subjects.db), (SCHOOL, PUPIL))} <= TRAIL


@pytest.mark.sqlite_first
async def test_a_reason_and_a_known_name_are_needed(leaving: Leaving, plant: Callable[[], Any]) -> None:
    await plant()

    with pytest.raises(BadInput, match="no reason"):
        await leaving.remove_school(SCHOOL, Actor("staff:ann"))
    with pytest.raises(NotFound, match="nowhere"):
        await leaving.remove_school("nowhere", ANN)
    with pytest.raises(NotFound, match="nobody"):
        await leaving.remove_app("nobody", ANN)
