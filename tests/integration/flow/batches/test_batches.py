"""Files of many rows: what of them is queued, what comes back, and that no row is taken twice whoever dies when."""

import asyncio
import contextlib
import io
import json
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import Any

import pytest
from openpyxl import Workbook, load_workbook
from sqlmodel import select

from tests.integration.flow.conftest import CALLER, LANE, World, submission
from writeback.batches.days import DayOrder
from writeback.batches.layout import NOTHING_STATED, Format, Stated
from writeback.core.errors import BadInput, BodyTooLarge, Conflict, InvalidSubmission, NotFound, TooManyAtOnce
from writeback.core.settings import BatchSettings
from writeback.domain.access import Caller, Scope
from writeback.domain.actor import actor_of
from writeback.domain.corrections import Action
from writeback.domain.lookups import ListName, Lookup
from writeback.domain.outcome import NotReached
from writeback.flow.batches.batches import Batches
from writeback.flow.batches.lease import Turn
from writeback.flow.batches.runner import BatchRunner
from writeback.flow.batches.uploads import NewBatch, UploadAnswer
from writeback.flow.correct.by_filter import Work
from writeback.store.batches import batches as stored
from writeback.store.reads.filters import Filter
from writeback.store.reads.selection import Selection
from writeback.store.reads.writebacks_read import Reads
from writeback.store.schools import lists
from writeback.store.tables import App, BatchChunkRow, BatchLine, BatchRow, WritebackRow
from writeback_client.models.batches import Batch

pytestmark = pytest.mark.sqlite_first

HEADER = "Pupil ID,Date,Session,Mark,Staff ID\n"
BRITISH = Stated(DayOrder.DAY_FIRST)
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class Files:
    """Uploads files into a world and works through them."""

    def __init__(self, world: World) -> None:
        self.world, self.flow = world, world.flow
        self.batches = Batches(world.flow)
        self.runner = BatchRunner(world.flow, world.syncer, "worker-1")

    async def upload(self, content: bytes | str, *, caller: Caller = CALLER, **said: Any) -> UploadAnswer:
        said = {"school": "hillside", "kind": "attendance.session", "media_type": "text/csv", "stated": BRITISH, **said}
        upload = await self.batches.begin(caller, NewBatch(**said))
        try:
            await upload.add(content.encode() if isinstance(content, str) else content)
            return await upload.finish()
        except BaseException:
            await upload.abandon()
            raise

    async def take(self, content: bytes | str, **said: Any) -> Batch:
        """Upload a file, work through it, and return how it stands."""
        answer = await self.upload(content, **said)
        await self.runner.run(answer.batch_id)
        return await self.view(answer.batch_id)

    async def view(self, batch_id: str) -> Batch:
        return await self.batches.get(CALLER, batch_id)

    async def errors(self, batch_id: str, format_: Format = Format.CSV) -> bytes:
        file = await self.batches.errors(CALLER, batch_id, format_)
        return b"".join([piece async for piece in file.pieces])

    async def writebacks(self) -> Sequence[WritebackRow]:
        async with self.flow.db.read() as session:
            return (await session.exec(select(WritebackRow).order_by(WritebackRow.seq))).all()

    async def pupils(self) -> list[str]:
        """Return the pupil of every record that was queued, in order."""
        return [record["student_id"] for row in await self.writebacks() for record in json.loads(row.records)]

    async def count(self, table: Any) -> int:
        async with self.flow.db.read() as session:
            return len((await session.exec(select(table))).all())

    def settings(self, **changes: Any) -> None:
        self.flow.settings.batches = BatchSettings(**changes)


@pytest.fixture
async def files(world: World) -> Files:
    async with world.flow.db.write() as session:
        session.add(App(id=CALLER.app_id, name="Registers", created_at=world.clock.now()))
    return Files(world)


def marks(*rows: str) -> str:
    return HEADER + "".join(f"{row}\n" for row in rows)


def row(number: int, *, day: str = "12/01/2026", session: str = "AM", code: str = "N") -> str:
    return f"A{number},{day},{session},{code},E1"


# --- what is queued


@pytest.mark.both_databases
async def test_good_rows_are_queued_as_they_would_be_by_hand(files: Files) -> None:
    batch = await files.take(
        marks(row(1), row(2, session="PM"), row(3), row(4, day="13/01/2026"), row(5, session="PM"))
    )

    assert (batch.status, batch.rows.read, batch.rows.good, batch.rows.bad) == ("delivering", 5, 5, 0)
    assert batch.rows.queued == 5
    found = [[one["student_id"] for one in json.loads(one.records)] for one in await files.writebacks()]
    assert found == [["A1", "A3"], ["A2", "A5"], ["A4"]]
    first = (await files.writebacks())[0]
    assert (first.batch_id, first.priority, first.status, first.lane_id) == (batch.id, 10, "queued", LANE)
    assert await files.world.events(first.id) == ["accepted"]
    assert ("serve_lane", LANE) in files.world.waker.wakes


async def test_rows_of_a_class_are_a_register_of_their_own(files: Files) -> None:
    rows = [f"A{n},2026-01-12,AM,/,E1,{'7A' if n % 2 else '7B'}" for n in range(1, 7)]
    batch = await files.take("student_id,date,session,code,staff_id,Form\n" + "\n".join(rows))

    assert batch.rows.queued == 6
    found = [[one["student_id"] for one in json.loads(one.records)] for one in await files.writebacks()]
    assert found == [["A1", "A3", "A5"], ["A2", "A4", "A6"]]


async def test_a_writeback_has_no_more_records_than_one_may(files: Files) -> None:
    files.flow.settings.api.max_records = 4

    await files.take(marks(*(row(n) for n in range(1, 11))))

    assert [len(json.loads(one.records)) for one in await files.writebacks()] == [4, 4, 2]
    assert await files.pupils() == [f"A{n}" for n in range(1, 11)]


async def test_what_was_queued_is_delivered_and_the_batch_says_so(files: Files) -> None:
    batch = await files.take(marks(row(1), row(2)))
    await files.world.serve()

    assert [mark["student_id"] for mark in files.world.provider.sent[0]] == ["A1", "A2"]
    shown = (await files.view(batch.id)).writebacks
    assert (shown.total, shown.waiting, shown.by_status) == (1, 1, {"sent": 1})


@pytest.mark.both_databases
async def test_writebacks_of_a_batch_can_be_listed(files: Files) -> None:
    batch = await files.take(marks(row(1)))
    await files.world.submit()

    page = await Reads(files.flow.db).list(CALLER, Filter(batch=batch.id), limit=10)

    assert [one.batch_id for one in page.items] == [batch.id]


async def test_a_trial_checks_everything_and_queues_nothing(files: Files) -> None:
    batch = await files.take(marks(row(1), row(2, code="Q9")), dry_run=True)

    assert (batch.status, batch.rows.good, batch.rows.bad, batch.rows.queued) == ("done", 1, 1, 0)
    assert await files.writebacks() == []
    assert b"A2" in await files.errors(batch.id)


async def test_a_warning_stays_with_its_record(files: Files) -> None:
    content = "student_id,date,session,code,employee_id,minutes_late\nA1,2026-01-12,AM,/,E1,\nA2,2026-01-12,AM,/,E1,5\n"

    batch = await files.take(content)

    (writeback,) = await files.writebacks()
    (warning,) = (await files.world.records(writeback.id))[1]["findings"]
    assert (warning["severity"], warning["record"], warning["pointer"]) == ("warning", 1, "/records/1/minutes_late")
    assert [(one.code, one.severity, one.row) for one in batch.problems] == [(warning["code"], "warning", 3)]


# --- what comes back


async def test_a_file_that_does_not_say_who_took_the_register_goes_under_the_schools_default(files: Files) -> None:
    await files.flow.registry.patch("hillside", {"defaults": {"attendance.session": {"employee_id": "E1"}}})

    batch = await files.take("Pupil ID,Date,Session,Mark\nA1,12/01/2026,AM,/\nA2,12/01/2026,AM,N\n")

    assert batch.rows.bad == 0
    (queued,) = await files.writebacks()
    assert [one["employee_id"] for one in json.loads(queued.records)] == ["E1", "E1"]
    assert queued.progress.count("default_used") == 2


async def test_bad_rows_come_back_as_the_same_file_and_only_they_are_sent_again(files: Files) -> None:
    batch = await files.take(
        "Session;Pupil ID;Code;Date;Staff ID\r\n"
        "AM;A1;/;12/01/2026;E1\r\nAM;X9;/;12/01/2026;E1\r\nAM;A3;/;31/02/2026;E1\r\n"
    )
    errors = (await files.errors(batch.id)).decode()

    assert (batch.rows.good, batch.rows.bad) == (1, 2)
    lines = errors.splitlines()
    assert lines[0] == "Session;Pupil ID;Code;Date;Staff ID;problem;what to do"
    assert lines[1].startswith("AM;X9;/;12/01/2026;E1;")
    assert "X9" in lines[1].split(";", 5)[5]
    assert "date is 31/02/2026: send a real calendar date" in lines[2]

    corrected = await files.take(errors.replace("X9", "A2").replace("31/02", "12/01"))

    assert (corrected.rows.read, corrected.rows.good, corrected.rows.bad) == (2, 2, 0)
    assert await files.pupils() == ["A1", "A2", "A3"]


async def test_a_workbook_comes_back_as_a_workbook(files: Files) -> None:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["Hillside, week 3"])
    sheet.merge_cells("A1:E1")
    sheet.append(["Pupil ID", "Date", "Session", "Mark", "Staff ID"])
    sheet.append(["A1", date(2026, 1, 12), "AM", "/", "E1"])
    sheet.append(["=A3", date(2026, 1, 12), "PM", "/", "E1"])
    content = io.BytesIO()
    book.save(content)

    batch = await files.take(content.getvalue(), media_type=XLSX, file_name="week 3.xlsx")
    back = load_workbook(io.BytesIO(await files.errors(batch.id, Format.XLSX)))

    assert (batch.rows.good, batch.rows.bad, batch.errors) == (1, 1, f"/v1/batches/{batch.id}/errors.xlsx")
    rows = list(back.worksheets[0].iter_rows(values_only=True))
    assert rows[0] == ("Pupil ID", "Date", "Session", "Mark", "Staff ID", "problem", "what to do")
    assert rows[1][:4] == ("'=A3", "2026-01-12", "PM", "/")
    assert rows[1][5] == "Cell A4 holds a formula"
    assert b"'=A3,2026-01-12" in await files.errors(batch.id, Format.CSV)


async def test_ndjson_comes_back_as_ndjson(files: Files) -> None:
    mark = {"student_id": "A1", "date": "2026-01-12", "session": "AM", "code": "/", "employee_id": "E1"}
    lines = [mark, {**mark, "student_id": "X9"}, {**mark, "student_id": "A3", "cod": "/"}]
    content = "\n".join(json.dumps(line) for line in lines)

    batch = await files.take(content, media_type="application/x-ndjson")
    back = [json.loads(line) for line in (await files.errors(batch.id, Format.NDJSON)).splitlines()]

    assert (batch.rows.good, batch.rows.bad) == (1, 2)
    assert [one["student_id"] for one in back] == ["X9", "A3"]
    assert "cod is not a field" in back[1]["problem"]
    assert back[1]["what to do"].startswith("Did you mean code?")
    with pytest.raises(NotFound, match=r"no errors\.csv"):
        await files.errors(batch.id, Format.CSV)
    again = await files.take(json.dumps({**back[0], "student_id": "A2"}), media_type="application/x-ndjson")
    assert again.rows.good == 1


async def test_a_row_that_says_the_same_as_one_before_is_an_error_that_names_the_first(files: Files) -> None:
    batch = await files.take(marks(row(1), row(2), row(1), row(1, session="PM")))

    assert (batch.rows.good, batch.rows.bad) == (3, 1)
    assert "It says the same as row 2" in (await files.errors(batch.id)).decode()
    assert await files.pupils() == ["A1", "A2", "A1"]


@pytest.mark.parametrize("piece", [1, 2, 500])
@pytest.mark.parametrize("dies_after", [None, 1, 2, 3])
async def test_rows_that_contradict_each_other_all_come_back_wherever_they_stand(
    files: Files, monkeypatch: pytest.MonkeyPatch, piece: int, dies_after: int | None
) -> None:
    monkeypatch.setattr("writeback.flow.batches.checking._UNITS", piece)
    answer = await files.upload(
        marks(row(1), row(2), row(3), row(1, code="I"), row(4), row(1), row(1, code="/"), row(2), row(4, code="I"))
    )
    if dies_after is not None:
        await _die_while(files, answer.batch_id, "checking", dies_after)
    await files.runner.run(answer.batch_id)

    batch = await files.view(answer.batch_id)
    assert await files.pupils() == ["A2", "A3"]
    assert (batch.rows.read, batch.rows.good, batch.rows.bad) == (9, 2, 7)
    lines = (await files.errors(batch.id)).decode().splitlines()[1:]
    assert [line.split(",")[0] for line in lines] == ["A1", "A1", "A4", "A1", "A1", "A2", "A4"]
    said = [line.split(",", 5)[5].split(":")[0] for line in lines]
    assert said[0] == "Row 5 says something else of the same pupil and session"
    assert said[1] == said[3] == said[4] == "Row 2 says something else of the same pupil and session"
    assert (said[2], said[6]) == tuple(f"Row {n} says something else of the same pupil and session" for n in (10, 6))
    assert said[5].startswith("It says the same as row 3")
    problems = {one.code: (one.count, one.row) for one in batch.problems}
    assert problems == {"row_contradicts": (6, 2), "row_duplicate": (1, 9)}


async def _die_while(files: Files, batch_id: str, step: str, pieces: int) -> None:
    """Have a worker die once it has committed so many pieces of a step."""
    commit, left = Turn.commit, [pieces]

    async def dying(turn: Turn, *args: Any, **changes: Any) -> Any:
        if turn.batch.status == step:
            if not left[0]:
                raise asyncio.CancelledError
            left[0] -= 1
        return await commit(turn, *args, **changes)

    with pytest.MonkeyPatch.context() as patch, contextlib.suppress(asyncio.CancelledError):
        patch.setattr(Turn, "commit", dying)
        await BatchRunner(files.flow, files.world.syncer, "dying").run(batch_id)
    files.world.clock.advance(timedelta(seconds=61))


async def test_duplicates_are_found_across_pieces_of_the_file(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("writeback.flow.batches.checking._UNITS", 3)

    batch = await files.take(marks(*(row(n) for n in range(1, 20)), row(1), row(19)))

    assert (batch.rows.good, batch.rows.bad) == (19, 2)


async def test_lists_are_fetched_again_once_for_a_file_before_pupils_are_refused(
    files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("writeback.flow.batches.checking._UNITS", 2)
    provider = files.world.provider
    provider.rows[ListName.STUDENTS] = {**provider.rows[ListName.STUDENTS], "NEW1": {"id": "NEW1"}}

    batch = await files.take(marks("NEW1,12/01/2026,AM,/,E1", *(row(n) for n in (900, 901, 902, 903)), row(1)))

    assert (batch.rows.good, batch.rows.bad) == (2, 4)
    assert provider.fetched.count(ListName.STUDENTS) == 1
    assert [(one.code, one.count, one.row) for one in batch.problems] == [("student_not_on_roll", 4, 3)]


# --- what only the whole file tells

NOTHING = NOTHING_STATED


async def test_no_row_of_a_month_first_file_is_queued_as_another_day(
    files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The day that proves it stands last, in another piece than the days which may be either."""
    monkeypatch.setattr("writeback.flow.batches.parsing._ROWS", 2)
    content = marks(
        row(1, day="01/02/2026"), row(2, day="01/05/2026"), row(3, day="01/06/2026"), row(4, day="01/09/2026")
    )
    content += marks(row(5, day="01/12/2026"), row(6, day="01/13/2026")).removeprefix(HEADER)

    batch = await files.take(content, stated=NOTHING)

    days = [record["date"] for one in await files.writebacks() for record in json.loads(one.records)]
    assert days == [f"2026-01-{day:02}" for day in (2, 5, 6, 9, 12, 13)]
    assert [one.code for one in batch.findings] == ["days_month_first"]
    assert batch.file["date_order"] == "mdy"


@pytest.mark.parametrize("pieces", [1, 2, 3])
async def test_the_order_of_days_is_found_again_when_a_worker_has_died(
    files: Files, monkeypatch: pytest.MonkeyPatch, pieces: int
) -> None:
    monkeypatch.setattr("writeback.flow.batches.parsing._ROWS", 1)
    content = marks(row(1, day="01/13/2026"), row(2, day="01/05/2026"), row(3, day="01/06/2026"))
    answer = await files.upload(content, stated=NOTHING)
    await _die_while(files, answer.batch_id, "reading", pieces)

    await files.runner.run(answer.batch_id)

    days = [record["date"] for one in await files.writebacks() for record in json.loads(one.records)]
    assert days == ["2026-01-13", "2026-01-05", "2026-01-06"]


async def test_a_file_whose_days_contradict_each_other_is_refused_and_none_of_its_rows_stays(files: Files) -> None:
    batch = await files.take(marks(row(1, day="13/01/2026"), row(2, day="01/14/2026")), stated=NOTHING)

    assert (batch.status, [one.code for one in batch.findings]) == ("refused", ["days_contradict"])
    assert await files.writebacks() == []
    assert await files.count(BatchLine) == await files.count(BatchChunkRow) == 0


async def test_days_that_may_be_either_are_asked_about_and_the_answer_is_taken(files: Files) -> None:
    content = marks(row(1, day="01/12/2026"))  # today is 12 January: month first it is today

    asked = await files.take(content, stated=NOTHING)
    answer = await files.take(content, stated=Stated(DayOrder.MONTH_FIRST))

    assert (asked.status, [one.code for one in asked.findings]) == ("refused", ["days_either_way"])
    assert (answer.rows.queued, answer.findings) == (1, ())
    assert json.loads((await files.writebacks())[0].records)[0]["date"] == "2026-01-12"


async def test_bad_rows_of_a_month_first_file_come_back_with_days_that_say_what_they_are(files: Files) -> None:
    batch = await files.take(marks(row(1, day="01/05/2026", code="Q9"), row(2, day="01/13/2026")), stated=NOTHING)
    errors = (await files.errors(batch.id)).decode()

    corrected = await files.take(errors.replace("Q9", "N"), stated=NOTHING)

    assert (corrected.rows.good, corrected.findings) == (1, ())
    assert json.loads((await files.writebacks())[1].records)[0]["date"] == "2026-01-05"


async def test_the_same_key_with_another_order_of_days_is_a_conflict(files: Files) -> None:
    await files.upload(marks(row(1)), idempotency_key="k")

    with pytest.raises(Conflict, match="Idempotency-Key"):
        await files.upload(marks(row(1)), idempotency_key="k", stated=Stated(DayOrder.MONTH_FIRST))


async def test_a_day_to_come_has_the_finding_that_it_has_by_itself(files: Files) -> None:
    mark = {"student_id": "A2", "date": "2026-08-20", "session": "AM", "code": "/", "employee_id": "E1"}
    answer = await files.world.acceptor.submit(CALLER, "hillside", submission(mark), dry_run=True)
    wanted = {one["code"] for record in json.loads(answer.body)["records"] for one in record["findings"]}

    batch = await files.take(marks(row(1, day="2026-08-20", code="/")))

    assert wanted
    assert {one.code for one in batch.problems} == wanted


# --- incidents


async def test_rows_of_one_incident_become_one_record(files: Files) -> None:
    await with_achievement_types(files)
    batch = await files.take(
        "incident,student_id,points,employee_id,date,type\n"
        "1,A1,2,E1,12/01/2026,NYPA\n2,A2,1,E1,12/01/2026,NYPA\n1,A3,3,E1,12/01/2026,NYPA\n,A4,1,E1,12/01/2026,NYPA\n",
        kind="achievement.create",
    )

    assert (batch.rows.good, batch.rows.bad, batch.rows.queued) == (4, 0, 4), batch.problems
    (writeback,) = await files.writebacks()
    pupils = [[one["student_id"] for one in record["students"]] for record in json.loads(writeback.records)]
    assert pupils == [["A1", "A3"], ["A2"], ["A4"]]


async def test_an_incident_is_held_back_whole_where_one_of_its_rows_is_bad(files: Files) -> None:
    await with_achievement_types(files)
    batch = await files.take(
        "incident,student_id,points,employee_id,date,type\n"
        "1,A1,2,E1,12/01/2026,NYPA\n1,X9,3,E1,12/01/2026,NYPA\n2,A2,1,E1,12/01/2026,NYPA\n2,A3,1,E1,13/01/2026,NYPA\n",
        kind="achievement.create",
    )
    errors = (await files.errors(batch.id)).decode().splitlines()

    assert (batch.rows.good, batch.rows.bad) == (0, 4)
    assert "Row 3, of the same incident, has errors" in errors[1]
    assert "X9" in errors[2].split(",", 6)[6]
    assert "date is not as in row 4" in errors[4]
    assert batch.status == "done"
    assert await files.writebacks() == []


# --- files that are of no use


@pytest.mark.parametrize(
    ("content", "said", "code"),
    [
        ("", {}, None),
        ("\n\n", {}, "file_empty"),
        (HEADER, {}, "file_empty"),
        ("one,two\n1,2\n", {}, "header_missing"),
        ("Pupil ID,Date,Session,Mark,Comentt\nA1,12/01/2026,AM,/,late bus\n", {}, "column_unsure"),
        ("Pupil ID,Date,Session\nA1,12/01/2026,AM\n", {}, "column_missing"),
        (f"Pupil ID,Date,Session,Mark{',x' * 500_000}\nA1,12/01/2026,AM,/\n", {}, "file_too_many_columns"),
        ('Pupil ID,Date,Session,Mark\nA1,12/01/2026,AM,"/\n', {}, "file_unreadable"),
        ("Pupil ID,Date,Session,Mark\nA1,12/01/2026,AM,/\n", {"kind": None}, "kind_missing"),
        (b"PK\x03\x04 not a workbook", {"media_type": XLSX}, "file_unreadable"),
    ],
)
async def test_a_file_that_is_of_no_use_is_refused_with_what_to_do(
    files: Files, content: bytes | str, said: dict[str, Any], code: str | None
) -> None:
    if code is None:
        with pytest.raises(BadInput):
            await files.upload(content, **said)
        return
    batch = await files.take(content, **said)

    assert batch.status == "refused"
    assert code in [finding.code for finding in batch.findings]
    assert all(finding.hint for finding in batch.findings)
    assert await files.count(BatchLine) == await files.count(BatchChunkRow) == 0


async def test_a_file_with_too_many_rows_is_refused_and_nothing_of_it_stays(files: Files) -> None:
    files.settings(max_rows=1_500)

    batch = await files.take(marks(*(row(1) for _ in range(1_501))))

    assert (batch.status, [one.code for one in batch.findings]) == ("refused", ["file_too_many_rows"])
    assert await files.count(BatchLine) == 0


async def test_a_kind_that_the_school_does_not_take_is_refused_at_once(files: Files) -> None:
    with pytest.raises(InvalidSubmission):
        await files.upload("{}", kind="xporter.raw", media_type="application/x-ndjson")
    with pytest.raises(InvalidSubmission, match="does not fit into columns"):
        await files.upload("detention_id\n1\n", kind="detention.create")
    assert await files.count(BatchChunkRow) == 0


# --- uploading


@pytest.mark.both_databases
async def test_the_same_key_and_file_are_taken_once(files: Files) -> None:
    first = await files.upload(marks(row(1)), idempotency_key="k1")
    again = await files.upload(marks(row(1)), idempotency_key="k1")

    assert (again.batch_id, again.body, again.replayed) == (first.batch_id, first.body, True)
    with pytest.raises(Conflict):
        await files.upload(marks(row(2)), idempotency_key="k1")
    page = await files.batches.list(CALLER, limit=10)
    assert [one.id for one in page.items] == [first.batch_id]


async def test_a_file_that_was_uploaded_before_is_taken_with_a_warning(files: Files) -> None:
    first = await files.take(marks(row(1)))
    second = await files.take(marks(row(1)))

    assert [one.code for one in second.findings] == ["file_uploaded_before"]
    assert first.id in second.findings[0].message
    assert second.rows.queued == 1


async def test_a_file_that_is_too_large_leaves_nothing_behind(files: Files) -> None:
    files.settings(max_file_bytes=1_000_000)
    upload = await files.batches.begin(CALLER, NewBatch("hillside", "attendance.session"))
    await upload.add(b"x" * 900_000)

    with pytest.raises(BodyTooLarge):
        await upload.add(b"x" * 200_000)
    await upload.abandon()

    assert await files.count(BatchChunkRow) == 0
    assert (await files.batches.list(CALLER, limit=10)).items == ()


@pytest.mark.both_databases
@pytest.mark.both_databases
async def test_an_upload_that_was_ended_meanwhile_is_told_and_keeps_nothing_more(files: Files) -> None:
    upload = await files.batches.begin(CALLER, NewBatch("hillside", "attendance.session", media_type="text/csv"))
    async with files.flow.db.write() as session:
        (batch,) = (await session.exec(select(BatchRow))).all()
        await session.delete(batch)  # given up, or its school removed

    with pytest.raises(Conflict, match="was given up"):
        await upload.add(b"x" * 600_000)

    assert await files.count(BatchChunkRow) == 0


async def test_an_app_has_only_so_many_files_under_way(files: Files) -> None:
    files.settings(max_under_way_per_app=2)
    first = await files.upload(marks(row(1)))
    await files.upload(marks(row(2)))

    with pytest.raises(TooManyAtOnce):
        await files.upload(marks(row(3)))
    await files.runner.run(first.batch_id)

    await files.upload(marks(row(3)))


async def test_another_apps_batch_is_not_there(files: Files) -> None:
    batch = await files.take(marks(row(1), row(2, code="Q9")))
    other = Caller("key_2", "other", frozenset({Scope.READ, Scope.SUBMIT}))
    elsewhere = Caller("key_3", CALLER.app_id, frozenset({Scope.READ}), frozenset({"riverbank"}))

    for caller in (other, elsewhere):
        with pytest.raises(NotFound):
            await files.batches.get(caller, batch.id)
        with pytest.raises(NotFound):
            await files.batches.errors(caller, batch.id, Format.CSV)
        assert (await files.batches.list(caller, limit=10)).items == ()


async def test_bad_rows_are_not_to_be_had_before_all_are_checked(files: Files) -> None:
    answer = await files.upload(marks(row(1)))

    with pytest.raises(Conflict, match="still reading"):
        await files.errors(answer.batch_id)


# --- who dies when


def _pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("writeback.flow.batches.parsing._ROWS", 3)
    monkeypatch.setattr("writeback.flow.batches.checking._UNITS", 4)
    monkeypatch.setattr("writeback.flow.batches.queueing._UNITS", 5)


class Died(BaseException):
    """As if the process were gone: nothing catches it."""


class Crashes:
    """Has the process die at the n-th transaction, before it or after it."""

    def __init__(self, files: Files, at: int, *, after: bool) -> None:
        self._transact, self._left, self._after = files.flow.db.transact, at, after
        self.has_died = False

    async def __call__(self, work: Callable[..., Any]) -> Any:
        self._left -= 1
        if self._left == 0 and not self._after:
            self.has_died = True
            raise Died
        result = await self._transact(work)
        if self._left == 0:
            self.has_died = True
            raise Died
        return result


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.both_databases
async def test_a_process_that_dies_at_any_transaction_doubles_no_row_and_loses_none(
    files: Files, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    _pieces(monkeypatch)
    files.flow.settings.api.max_records = 4
    rows = [row(n, session="AM" if n % 3 else "PM") for n in range(1, 18)]
    expected = sorted(f"A{n}" for n in range(1, 18))
    content = marks(*rows, row(5), row(99))
    at, has_died = 0, True
    while has_died:
        at += 1
        before = await files.pupils()
        answer = await files.upload(content)
        crashes = Crashes(files, at, after=after)
        with monkeypatch.context() as patch:
            patch.setattr(files.flow.db, "transact", crashes)
            with contextlib.suppress(Died):
                await BatchRunner(files.flow, files.world.syncer, "dying").run(answer.batch_id)
        has_died = crashes.has_died
        files.world.clock.advance(timedelta(seconds=61))
        await files.runner.run(answer.batch_id)

        batch = await files.view(answer.batch_id)
        assert (batch.status, batch.rows.read, batch.rows.good, batch.rows.bad) == ("delivering", 19, 17, 2), at
        assert batch.rows.queued == 17
        assert sorted((await files.pupils())[len(before) :]) == expected, at
        assert [one.count for one in batch.problems] == [1, 1]
    assert at > 15


@pytest.mark.both_databases
async def test_a_worker_that_lost_its_lease_commits_nothing_more(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    _pieces(monkeypatch)
    answer = await files.upload(marks(*(row(n) for n in range(1, 18))))
    slow = BatchRunner(files.flow, files.world.syncer, "slow")
    transact, calls = files.flow.db.transact, 0

    async def overtaken(work: Callable[..., Any]) -> Any:
        nonlocal calls
        calls += 1
        if calls == 5:
            monkeypatch.setattr(files.flow.db, "transact", transact)
            files.world.clock.advance(timedelta(seconds=61))
            await files.runner.run(answer.batch_id)
        return await transact(work)

    monkeypatch.setattr(files.flow.db, "transact", overtaken)
    await slow.run(answer.batch_id)

    assert sorted(await files.pupils()) == sorted(f"A{n}" for n in range(1, 18))
    assert (await files.view(answer.batch_id)).rows.queued == 17


@pytest.mark.both_databases
async def test_incidents_are_still_one_record_after_a_crash_in_the_middle(
    files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    await with_achievement_types(files)
    _pieces(monkeypatch)
    rows = [f"{n % 4},A{n},1,E1,12/01/2026,NYPA" for n in range(1, 13)]
    answer = await files.upload(
        "incident,student_id,points,employee_id,date,type\n" + "\n".join(rows), kind="achievement.create"
    )
    with monkeypatch.context() as patch:
        patch.setattr(files.flow.db, "transact", Crashes(files, 4, after=True))
        with pytest.raises(Died):
            await BatchRunner(files.flow, files.world.syncer, "dying").run(answer.batch_id)
    files.world.clock.advance(timedelta(seconds=61))
    await files.runner.run(answer.batch_id)

    records = [record for one in await files.writebacks() for record in json.loads(one.records)]
    assert [len(record["students"]) for record in records] == [3, 3, 3, 3]


async def test_a_batch_that_breaks_off_is_tried_again_later_and_given_up_in_the_end(
    files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = await files.upload(marks(row(1)))

    def broken(*_: Any, **__: Any) -> Any:
        raise RuntimeError("a row's text that belongs into no log")

    monkeypatch.setattr("writeback.flow.batches.parsing.open_table", broken)
    for _ in range(20):
        await files.runner.run(answer.batch_id)
        if (await files.view(answer.batch_id)).status == "refused":
            break
        async with files.flow.db.read() as session:
            due = await session.run_sync(lambda plain: stored.due(plain, files.world.clock.now(), 10))  # type: ignore[arg-type]
        assert due == []
        files.world.clock.advance(timedelta(seconds=301))

    batch = await files.view(answer.batch_id)
    assert (batch.status, [one.code for one in batch.findings]) == ("refused", ["batch_failed"])


@pytest.mark.both_databases
async def test_the_sweeper_wakes_a_file_that_nobody_works_on(files: Files) -> None:
    answer = await files.upload(marks(row(1)))
    files.world.waker.wakes.clear()

    await files.world.sweeper.sweep()

    assert ("run_batch", answer.batch_id) in files.world.waker.wakes


@pytest.mark.both_databases
async def test_a_runner_that_is_closed_gives_its_lease_back_at_the_end_of_a_piece(
    files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    _pieces(monkeypatch)
    answer = await files.upload(marks(*(row(n) for n in range(1, 40))))
    runner = BatchRunner(files.flow, files.world.syncer, "stopping")
    transact, first = files.flow.db.transact, asyncio.Event()

    async def noted(work: Callable[..., Any]) -> Any:
        first.set()
        return await transact(work)

    monkeypatch.setattr(files.flow.db, "transact", noted)
    await runner.wake(answer.batch_id)
    await first.wait()
    await runner.aclose()
    await files.runner.run(answer.batch_id)  # at once: the lease is free

    assert len(await files.pupils()) == 39


# --- cancelling


async def _cancel(files: Files, batch_id: str, caller: Caller = CALLER) -> Batch:
    return await files.batches.cancel(caller, batch_id, actor_of(caller, "the wrong file"))


@pytest.mark.parametrize("step", ["reading", "checking", "queueing"])
@pytest.mark.both_databases
async def test_a_batch_that_is_cancelled_under_way_queues_nothing_more(files: Files, step: str) -> None:
    files.flow.settings.api.max_records = 1
    batch_id = (await files.upload(marks(*(row(pupil) for pupil in range(1, 40))))).batch_id
    commit, cancelled = Turn.commit, list[Batch]()

    async def cancel_before(turn: Turn, *args: Any, **changes: Any) -> Any:
        if turn.batch.status == step and not cancelled:
            cancelled.append(await _cancel(files, batch_id))
        return await commit(turn, *args, **changes)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Turn, "commit", cancel_before)
        await files.runner.run(batch_id)
    await files.runner.run(batch_id)

    assert (await files.view(batch_id)).status == cancelled[0].status == "cancelled"
    assert await files.writebacks() == []
    assert await files.count(BatchLine) == await files.count(BatchChunkRow) == 0
    (entry,) = [one for one in await files.world.audited() if one.action == "batch.cancel"]
    assert (entry.actor, entry.subject, entry.reason) == ("app:app/key:key_1", batch_id, "the wrong file")


@pytest.mark.both_databases
async def test_what_was_queued_before_the_cancelling_stays_and_can_be_withdrawn_by_filter(files: Files) -> None:
    files.flow.settings.api.max_records = 1
    batch_id = (await files.upload(marks(*(row(pupil) for pupil in range(1, 1_200))))).batch_id
    commit, cancelled = Turn.commit, list[Batch]()

    async def cancel_after_the_first_piece(turn: Turn, *args: Any, **changes: Any) -> Any:
        if turn.batch.rows_queued and not cancelled:
            cancelled.append(await _cancel(files, batch_id))
        return await commit(turn, *args, **changes)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Turn, "commit", cancel_after_the_first_piece)
        await files.runner.run(batch_id)

    assert 0 < cancelled[0].rows.queued < 1_199
    assert cancelled[0].rows.queued == cancelled[0].writebacks.waiting == len(await files.writebacks())
    wanted = Selection(Filter(batch=batch_id))
    report = await files.world.corrections.many.run(
        CALLER, Work(Action.CANCEL, wanted, actor_of(CALLER, "the wrong file"))
    )
    assert len(report.done) == cancelled[0].rows.queued
    assert (await files.view(batch_id)).writebacks.by_status == {"cancelled": len(report.done)}


async def test_a_batch_that_is_done_cannot_be_cancelled_nor_one_twice_nor_anothers(files: Files) -> None:
    done = await files.take(marks(row(1)))
    waiting = await files.upload(marks(row(2)))
    other = Caller("key_2", "other", frozenset({Scope.SUBMIT}))

    with pytest.raises(Conflict, match="done: nothing of its file waits"):
        await _cancel(files, done.id)
    with pytest.raises(NotFound):
        await _cancel(files, waiting.batch_id, other)
    await _cancel(files, waiting.batch_id)
    with pytest.raises(Conflict, match="cancelled already"):
        await _cancel(files, waiting.batch_id)
    with pytest.raises(Conflict, match="its rows are deleted"):
        await files.errors(waiting.batch_id)


async def test_a_cancelled_file_of_which_nothing_was_queued_may_come_again_without_a_warning(files: Files) -> None:
    first = await files.upload(marks(row(1)))
    await _cancel(files, first.batch_id)

    again = await files.take(marks(row(1)))

    assert (again.findings, again.rows.queued) == ((), 1)


# --- the audit log

_FILE = {"file_name": "7A.csv", "format": "csv", "kind": "attendance.session"}


async def _audited(files: Files) -> list[tuple[str, str, str, dict[str, Any]]]:
    entries = await files.world.audited()
    assert all((one.app, one.school) == ("app", "hillside") for one in entries if one.action.startswith("batch."))
    return [(one.actor, one.action, one.subject, one.changed) for one in entries if one.action.startswith("batch.")]


async def test_the_audit_log_has_who_uploaded_which_file_and_how_many_rows(files: Files) -> None:
    content = marks(row(1), row(2, code="Q9"), row(3))

    batch = await files.take(content, file_name="7A.csv")

    uploaded = {**_FILE, "size": len(content), "dry_run": False, "review": False}
    assert await _audited(files) == [
        ("app:app/key:key_1", "batch.upload", batch.id, uploaded),
        ("writeback", "batch.done", batch.id, {"rows": 3, "bad": 1, "queued": 2}),
    ]


async def test_the_audit_log_has_why_a_file_was_refused_and_that_one_was_only_tried(files: Files) -> None:
    refused = await files.take("Pupil ID,Favourite\nA1,cats\n", file_name="7A.csv")
    tried = await files.take(marks(row(1)), dry_run=True)

    found = {(subject, action): changed for _, action, subject, changed in await _audited(files)}
    assert "column_missing" in found[refused.id, "batch.refused"]["reasons"]
    assert found[tried.id, "batch.upload"]["dry_run"] is True
    assert found[tried.id, "batch.done"] == {"rows": 1, "bad": 0, "queued": 0}


async def test_an_upload_that_is_sent_again_by_its_key_is_one_entry(files: Files) -> None:
    first = await files.upload(marks(row(1)), idempotency_key="k1")
    again = await files.upload(marks(row(1)), idempotency_key="k1")

    assert again.replayed
    assert [(action, subject) for _, action, subject, _ in await _audited(files)] == [("batch.upload", first.batch_id)]


async def test_a_files_name_is_forgotten_in_the_audit_log_with_its_rows(files: Files) -> None:
    batch = await files.take(marks(row(1, code="Q9")), file_name="Zoe A.csv")
    files.world.clock.advance(timedelta(days=31))

    await files.world.forget()

    (_, _, subject, changed), *_ = await _audited(files)
    assert (subject, changed["format"]) == (batch.id, "csv")
    assert "Zoe" not in json.dumps([one[3] for one in await _audited(files)])


# --- forgetting


@pytest.mark.both_databases
async def test_rows_are_forgotten_after_their_time_and_counts_stay(files: Files) -> None:
    batch = await files.take(marks(row(1), row(2, code="Q9")), file_name="7A.csv")
    files.world.clock.advance(timedelta(days=29))
    assert not await files.world.forget()
    files.world.clock.advance(timedelta(days=2))

    forgotten = await files.world.forget()
    assert (forgotten["batch_rows"], forgotten["batch_quotes"]) == (2, 1)
    assert not await files.world.forget()

    after = await files.view(batch.id)
    assert (after.rows.good, after.rows.bad, after.errors, after.file_name) == (1, 1, None, "")
    assert await files.count(BatchLine) == 0
    with pytest.raises(NotFound, match="deleted after their time"):
        await files.errors(batch.id)


async def test_an_upload_that_never_ended_is_dropped(files: Files) -> None:
    upload = await files.batches.begin(CALLER, NewBatch("hillside", "attendance.session"))
    await upload.add(b"x" * 600_000)
    files.world.clock.advance(timedelta(hours=2))

    assert (await files.world.forget())["uploads"] == 1
    assert await files.count(BatchChunkRow) == 0


@pytest.mark.both_databases
async def test_the_file_and_the_rows_that_were_queued_are_not_kept_twice(files: Files) -> None:
    await files.take(marks(row(1)))

    async with files.flow.db.read() as session:
        (line,) = (await session.exec(select(BatchLine))).all()
    assert (line.state, line.cells, line.record) == ("queued", "", "")
    assert line.writeback_id == (await files.writebacks())[0].id
    assert await files.count(BatchChunkRow) == 0


# --- templates


@pytest.mark.parametrize("format_", [Format.CSV, Format.XLSX])
async def test_a_template_that_is_filled_in_is_taken(files: Files, format_: Format) -> None:
    template = await files.batches.template("hillside", "attendance.session", format_)

    unchanged = await files.take(template, media_type="application/octet-stream")

    assert (unchanged.rows.read, unchanged.rows.bad) == (1, 1)
    assert unchanged.problems[0].code == "student_not_on_roll"
    assert unchanged.problems[0].row == 2


async def test_a_template_lists_the_schools_codes(files: Files) -> None:
    book = load_workbook(io.BytesIO(await files.batches.template("hillside", "attendance.session", Format.XLSX)))
    sheet = book["attendance.session"]

    header = [cell.value for cell in sheet[1]]
    note = sheet.cell(1, header.index("code") + 1).comment
    assert header[:4] == ["student_id", "date", "session", "code"]
    assert note is not None
    assert "N" in note.text
    assert {"/", "N", "I"} <= {cell.value for column in book["Codes"].columns for cell in column}


async def test_there_is_no_template_for_what_does_not_fit_into_columns(files: Files) -> None:
    with pytest.raises(NotFound):
        await files.batches.template("hillside", "detention.create", Format.CSV)


async def with_achievement_types(files: Files) -> None:
    now = files.world.clock.now()
    rows = {"type:T1": {"id": "T1", "type": "type", "code": "NYPA", "description": "Merit", "active": True}}
    async with files.flow.db.write() as session:
        await lists.save(session, "hillside", Lookup(ListName.ACHIEVEMENT_ATTRIBUTES, 1, now, rows))
    files.world.provider.rows[ListName.ACHIEVEMENT_ATTRIBUTES] = rows
    await files.flow.lookups.view("hillside", fresh=True)


async def test_thousands_of_wrong_ids_in_a_file_cost_one_fetch_of_the_list(files: Files) -> None:
    files.world.clock.advance(timedelta(hours=1))
    batch = await files.take(marks(*(row(1_000 + number) for number in range(1_200))))
    assert (batch.rows.bad, files.world.provider.fetched) == (1_200, [ListName.STUDENTS])


async def test_rows_of_pupils_who_could_not_be_asked_for_are_taken_with_a_warning(files: Files) -> None:
    files.world.clock.advance(timedelta(hours=1))
    files.world.provider.no_lists[ListName.STUDENTS] = NotReached("down")
    batch = await files.take(marks(row(1), row(1_000)))
    assert (batch.rows.good, batch.rows.bad) == (2, 0)
    assert [(one.code, one.severity) for one in batch.problems] == [("student_not_on_roll", "warning")]
