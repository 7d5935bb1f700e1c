"""Looking at a file before it goes: its bad rows are mended in place, left out, and the good ones sent."""

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import httpx
import pytest
from sqlmodel import col, select

from tests.console.conftest import SignIn, Visitor
from tests.console.reviews import SAM, file_in_review, schools_just_synced, version_of
from writeback.flow.batches.runner import BatchRunner
from writeback.flow.batches.uploads import NewBatch
from writeback.store.tables import AuditRow, BatchRow, WritebackRow
from writeback.wiring import Services

HEADER = "Pupil ID,Name,Date,Session,Mark"
GOOD = 'A200,"Example, Pat",2026-01-12,AM,/'
BAD_CODE = 'A201,"Example, Sam",2026-01-12,AM,Q7'
BAD_DAY = 'A202,"Example, Kim",31/02/2026,AM,/'
WorkOn = Callable[[], Awaitable[None]]


@pytest.fixture(autouse=True)
async def _schools(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    await schools_just_synced(services, monkeypatch)


@pytest.fixture
def work(services: Services) -> WorkOn:
    """Work on all files, as a worker does."""
    runner = BatchRunner(services.accept.flow, services.sync, "the tests' worker")

    async def run() -> None:
        async with services.reads.db.read() as session:
            ids = (await session.exec(select(BatchRow.id).where(BatchRow.app_id == "console.st-marys"))).all()
        for batch_id in ids:
            await runner.run(batch_id)

    return run


@pytest.fixture
def upload(work: WorkOn) -> Callable[..., Awaitable[str]]:
    """Upload rows and have them read; return the path of the page that they are looked at on."""

    async def hand_in(visitor: Visitor, *rows: str, header: str = HEADER) -> str:
        files: Any = {"file": ("marks.csv", "\r\n".join([header, *rows]).encode(), "text/csv")}
        answer = await visitor.post("/upload", {"school": "st-marys", "kind": "attendance.session"}, files=files)
        assert answer.status_code == 303, answer.text
        await work()
        return answer.headers["location"].removeprefix("/console")

    return hand_in


Upload = Callable[..., Awaitable[str]]


async def _mend(visitor: Visitor, path: str, changes: Mapping[str, str], *, version: str = "") -> httpx.Response:
    """Post the form as the page shows it, with changes."""
    page = await visitor.get(path)
    assert page.status_code == 200, page.text
    shown = {"version": version or version_of(page), "show": "bad", "code": "", "cursor": ""}
    return await visitor.post(f"{path}/rows", {**shown, **changes})


async def _audited(services: Services, action: str) -> list[tuple[str, dict[str, Any]]]:
    async with services.reads.db.read() as session:
        rows = (await session.exec(select(AuditRow).where(AuditRow.action == action))).all()
    return [(row.actor, row.changed or {}) for row in rows]


async def _marks(services: Services) -> list[str]:
    async with services.reads.db.read() as session:
        query = select(WritebackRow.records).where(WritebackRow.app_id == "console.st-marys")
        return [*(await session.exec(query.order_by(col(WritebackRow.id)))).all()]


async def test_nothing_is_sent_before_somebody_has_looked(
    sign_in: SignIn, upload: Upload, services: Services, work: WorkOn
) -> None:
    visitor = await sign_in("support")
    path = await upload(visitor, GOOD)
    await work()

    page = await visitor.get(path)

    assert "Nothing of it has been sent" in page.text
    assert "Send the 1 good row" in page.text
    assert await _marks(services) == []
    assert path in (await visitor.get("/upload")).text, "it is found again another day"


async def test_bad_rows_stand_in_place_with_what_is_wrong_beside_the_cell(sign_in: SignIn, upload: Upload) -> None:
    visitor = await sign_in("support")
    path = await upload(visitor, GOOD, BAD_CODE, BAD_DAY)

    page = (await visitor.get(path)).text

    assert "Row 3 <" in page
    assert "Row 4 <" in page
    assert "Row 2 <" not in page
    assert "Example, Sam" in page, "one sees whose row it is"
    assert re.search(r'id="e-r3\.E">.*?Q7', page, re.DOTALL), "the mark's cell says what is wrong with it"
    assert re.search(r'id="e-r4\.C">.*?31/02/2026', page, re.DOTALL)
    assert '<option value="Q7" selected>Q7 (not in the school’s list)</option>' in page
    assert '<option value="L">L – Late</option>' in page


async def test_what_is_mended_is_checked_again_and_goes(
    sign_in: SignIn, upload: Upload, services: Services, work: WorkOn
) -> None:
    visitor = await sign_in("support", name="sam")
    path = await upload(visitor, GOOD, BAD_CODE, BAD_DAY)

    answer = await _mend(visitor, path, {"r3.E": "L", "r4.C": "12/01/2026", "r4.E": "/"})
    page = await visitor.get(path)
    sent = await visitor.post(f"{path}/send", {"version": version_of(page)})
    await work()

    assert answer.status_code == 303
    assert "2 rows changed and checked: nothing is left to be corrected" in page.text
    assert "Send the 3 good rows" in page.text
    assert sent.headers["location"] == "/console" + path.removesuffix("/review")
    (marks,) = await _marks(services)
    assert '"code":"L"' in marks
    assert marks.count('"date":"2026-01-12"') == 3
    assert [actor for actor, _ in await _audited(services, "batch.mend")] == ["staff:sam"] * 2
    assert [actor for actor, _ in await _audited(services, "batch.send")] == ["staff:sam"]
    log = (await visitor.get("/audit?action=batch.")).text
    assert "Corrected or left out a row of a file" in log
    assert "row 3, E" in log
    assert "3 rows; 0 bad, 0 left out" in log


async def test_a_row_that_is_still_bad_says_so(sign_in: SignIn, upload: Upload) -> None:
    visitor = await sign_in("support")
    path = await upload(visitor, GOOD, BAD_CODE)

    await _mend(visitor, path, {"r3.E": "Q8"})
    page = (await visitor.get(path)).text

    assert "1 row changed and checked: 1 row to be corrected" in page
    assert '<option value="Q8" selected>' in page
    assert "E was “Q7”" in page


async def test_a_row_is_left_out_and_taken_back(sign_in: SignIn, upload: Upload) -> None:
    visitor = await sign_in("support")
    path = await upload(visitor, GOOD, BAD_CODE)

    await _mend(visitor, path, {"r3.out": "yes"})
    left_out = await visitor.get(f"{path}?show=left_out")
    nothing = await visitor.get(f"{path}?show=bad")
    back = {"version": version_of(left_out), "show": "left_out", "code": "", "cursor": ""}
    await visitor.post(f"{path}/rows", back)
    again = await visitor.get(path)

    assert "Row 3 <" in left_out.text
    assert "Row 3 <" not in nothing.text
    assert "Row 3 <" in again.text


async def test_only_the_good_rows_are_sent_and_the_others_can_be_fetched(
    sign_in: SignIn, upload: Upload, services: Services, work: WorkOn
) -> None:
    visitor = await sign_in("support")
    path = await upload(visitor, GOOD, BAD_CODE)
    page = await visitor.get(path)

    await visitor.post(f"{path}/send", {"version": version_of(page)})
    await work()
    after = await visitor.get(path.removesuffix("/review"))

    assert "Send only the 1 good row" in page.text
    assert len(await _marks(services)) == 1
    assert "The bad rows as a file" in after.text
    assert (await visitor.get(path)).headers["location"] == "/console" + path.removesuffix("/review")


async def test_what_somebody_else_has_changed_meanwhile_is_not_passed_over(
    sign_in: SignIn, upload: Upload, services: Services
) -> None:
    visitor, other = await sign_in("support"), await sign_in("support")
    path = await upload(visitor, GOOD, BAD_CODE)
    seen = version_of(await visitor.get(path))
    await _mend(other, path, {"r3.E": "L"})

    mended = await _mend(visitor, path, {"r3.E": "N"}, version=seen)
    sent = await visitor.post(f"{path}/send", {"version": seen})
    unsaid = await visitor.post(f"{path}/send")

    for answer in (mended, sent, unsaid):
        assert answer.headers["location"].startswith("/console" + path)
    assert "Somebody else has changed it meanwhile" in (await visitor.get(path)).text
    assert len(await _audited(services, "batch.mend")) == 1
    assert await _audited(services, "batch.send") == []


async def test_a_good_row_can_be_changed_too(sign_in: SignIn, upload: Upload) -> None:
    visitor = await sign_in("support")
    path = await upload(visitor, GOOD)
    page = await visitor.get(f"{path}?row=2")

    given = {
        "version": version_of(page),
        "show": "all",
        "code": "",
        "cursor": re.findall(r'name="cursor" value="(.*?)"', page.text)[0],
    }
    await visitor.post(f"{path}/rows", {**given, "r2.E": "N"})

    assert "E was “/”" in (await visitor.get(f"{path}?row=2")).text


async def test_it_is_thrown_away_without_a_reason_for_nothing_was_sent(
    sign_in: SignIn, upload: Upload, services: Services
) -> None:
    visitor = await sign_in("support")
    path = await upload(visitor, GOOD)
    stop = path.replace("/review", "/stop")

    asked = await visitor.get(stop)
    done = await visitor.post(stop, {"confirmed": "yes"})

    assert "Nothing of it has been sent, and nothing will be" in asked.text
    assert done.headers["location"] == "/console/upload"
    assert "Thrown away" in (await visitor.get("/upload")).text
    assert [actor for actor, _ in await _audited(services, "batch.cancel")] == [f"staff:{visitor.name}"]


async def test_while_it_is_read_the_page_says_how_far_it_is(sign_in: SignIn, services: Services) -> None:
    visitor = await sign_in("support")
    files: Any = {"file": ("marks.csv", f"{HEADER}\r\n{GOOD}".encode(), "text/csv")}
    answer = await visitor.post("/upload", {"school": "st-marys", "kind": "attendance.session"}, files=files)
    path = answer.headers["location"].removeprefix("/console")

    page = await visitor.get(path)
    await BatchRunner(services.accept.flow, services.sync, "w").run(path.split("/")[2])
    piece = await visitor.get(f"{path}/live", headers={"X-Live": "1"})

    assert "Being read" in page.text
    assert "data-next" not in page.text
    assert "data-next" in piece.text


async def test_file_that_nobody_is_to_look_at_has_no_review(sign_in: SignIn, services: Services, work: WorkOn) -> None:
    visitor = await sign_in("support")
    upload = await services.batches.begin(SAM.uploader("st-marys"), NewBatch("st-marys", "attendance.session"))
    await upload.add(f"{HEADER}\n{GOOD}\n".encode())
    batch_id = (await upload.finish()).batch_id

    before = await visitor.get(f"/batches/{batch_id}/review")

    assert before.headers["location"] == f"/console/batches/{batch_id}"
    assert batch_id not in (await visitor.get("/upload")).text
    assert "by people in the console" in (await visitor.get(f"/batches/{batch_id}")).text


async def test_pupils_of_an_incident_are_mended_row_by_row(sign_in: SignIn, services: Services) -> None:
    visitor = await sign_in("support")
    rows = "incident,student_id,date,employee_id,type,points\n1,A200,2026-01-12,E1,B,1\n1,A201,2026-01-12,E1,B,many\n"
    path = f"/batches/{await file_in_review(services, rows, kind='behaviour.create')}/review"

    page = (await visitor.get(path)).text

    assert re.search(r'id="e-r3\.F">.*?many', page, re.DOTALL)
    assert "Row 2 <" in page, "it is held back with the other"


async def test_code_of_staff_is_not_taken_for_a_mark(sign_in: SignIn, services: Services) -> None:
    visitor = await sign_in("support")
    rows = "Pupil ID,Date,Session,Staff Code,Mark\nA200,2026-01-12,AM,ZZZ,Q7\n"
    path = f"/batches/{await file_in_review(services, rows)}/review"

    page = (await visitor.get(path)).text

    assert '<input id="f-r2.D"' in page
    assert re.search(r'id="e-r2\.D">.*?employee', page, re.DOTALL), "nobody could be found by that code"
    assert '<select id="f-r2.E"' in page
    assert 'id="e-r2.E"' not in page


async def test_that_rows_were_shown_is_written_down_once(sign_in: SignIn, upload: Upload, services: Services) -> None:
    visitor = await sign_in("support", name="sam")
    path = await upload(visitor, GOOD, BAD_CODE)

    await visitor.get(path)
    await visitor.get(f"{path}?show=all")

    assert [actor for actor, _ in await _audited(services, "batch.show")] == ["staff:sam"]


@pytest.mark.parametrize(("role", "schools", "status"), [("viewer", None, 403), ("support", ["oakfield"], 404)])
async def test_who_may_not_correct_there_sees_and_does_nothing(
    sign_in: SignIn, upload: Upload, services: Services, role: str, schools: list[str] | None, status: int
) -> None:
    path = await upload(await sign_in("support"), GOOD, BAD_CODE)
    other = await sign_in(role, schools=schools)

    answers = [await other.get(path), await other.get(f"{path}/live")]
    answers += [await other.post(f"{path}/rows", {"r3.E": "L"}), await other.post(f"{path}/send", {"version": "1"})]

    assert {answer.status_code for answer in answers} == {status}
    assert "Example" not in "".join(answer.text for answer in answers)
    assert await _audited(services, "batch.mend") == []
