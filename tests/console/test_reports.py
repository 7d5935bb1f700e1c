"""What is not in the MIS: each pupil's latest mark without evidence; as a page, and as CSV without formulas."""

import csv
import io
import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import select

from tests.console.conftest import SignIn
from tests.console.scenes import DAY, NOT_ON_ROLL, add_school, add_writeback, mark
from writeback.store.tables import AuditRow
from writeback.wiring import Services

CONFIRMED = {"status": "confirmed"}
FAILED = {"status": "failed", "findings": [NOT_ON_ROLL]}
Add = Any


@pytest.fixture
async def add(services: Services) -> Add:
    """Add a writeback of Hillside: `await add("failed", [mark("A1")], [FAILED], minutes=5)`."""
    now = services.clock.now()
    await services.reads.db.transact(lambda session: add_school(session, now, "hillside", "Hillside", "wonde", "SIMS"))
    await services.reads.db.transact(lambda session: add_school(session, now, "oakfield", "Oakfield", "wonde", "SIMS"))

    async def added(
        status: str,
        records: Sequence[Mapping[str, Any]],
        progress: Sequence[Mapping[str, Any]] | None = None,
        *,
        minutes: float = 0,
        school: str = "hillside",
        **changes: Any,
    ) -> str:
        at = now + timedelta(minutes=minutes)

        def work(session: Any) -> str:
            return add_writeback(session, at, school, status, records=records, progress=progress, **changes).id

        return await services.reads.db.transact(work)

    return added


async def _rows(sign_in: SignIn, part: str = "", **options: Any) -> list[dict[str, str]]:
    visitor = await sign_in(**options)
    answer = await visitor.get(f"/reports/missing.csv?school=hillside&date={DAY}&part={part}")
    assert answer.status_code == 200, answer.text
    return list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))


async def test_who_takes_a_report_away_is_written_down(sign_in: SignIn, services: Services, add: Add) -> None:
    await add("failed", [mark("A104")], [FAILED])

    await _rows(sign_in, name="ann")

    async with services.reads.db.read() as session:
        noted = (await session.exec(select(AuditRow).where(AuditRow.action == "report.show"))).one()
    assert (noted.actor, noted.subject, noted.school) == ("staff:ann", f"hillside {DAY}", "hillside")


async def test_a_mark_that_failed_is_listed_with_why_and_what_to_do(sign_in: SignIn, add: Add) -> None:
    await add("partial", [mark("A104"), mark("A105")], [FAILED, CONFIRMED])

    page = await (await sign_in("viewer")).get(f"/reports?school=hillside&date={DAY}")
    rows = await _rows(sign_in)

    assert [row["pupil id"] for row in rows] == ["A104"]
    assert rows[0]["why"] == NOT_ON_ROLL["message"]
    assert rows[0]["what to do"] == NOT_ON_ROLL["hint"]
    assert "1 record</strong> of 2 is not in the MIS" in page.text
    assert "A105" not in page.text


async def test_page_shows_the_first_of_very_many_and_the_file_has_all(sign_in: SignIn, add: Add) -> None:
    await add("failed", [mark(f"A{number:04}") for number in range(260)], [FAILED] * 260)

    page = await (await sign_in("viewer")).get(f"/reports?school=hillside&date={DAY}")

    assert "260 records</strong> of 260 are not in the MIS" in page.text
    assert page.text.count('<th role="rowheader"') == 250
    assert "These are the first 250; the file has all of them." in page.text
    assert len(await _rows(sign_in)) == 260


async def test_only_the_latest_mark_of_a_slot_counts(sign_in: SignIn, add: Add) -> None:
    await add("failed", [mark("A1", code="N")], [FAILED])
    await add("confirmed", [mark("A1", code="/")], [CONFIRMED], minutes=1)
    await add("confirmed", [mark("A2", code="N")], [CONFIRMED])
    await add("failed", [mark("A2", code="L")], [FAILED], minutes=1)

    rows = await _rows(sign_in)

    assert [(row["pupil id"], row["mark"], row["mark in the MIS"]) for row in rows] == [("A2", "L", "N")]


async def test_what_waits_is_listed_with_what_it_waits_for(sign_in: SignIn, add: Add) -> None:
    await add("held", [mark("A1")], hold_reason="school_offline")
    await add("queued", [mark("A2")])

    rows = await _rows(sign_in)

    assert [(row["pupil id"], row["state"], row["why"]) for row in rows] == [
        ("A1", "Held", "Its agent does not answer"),
        ("A2", "Queued", "Accepted, waits its turn"),
    ]


async def test_superseded_and_withdrawn_marks_are_left_out(sign_in: SignIn, add: Add) -> None:
    await add("superseded", [mark("A1")], [{"status": "superseded"}])
    await add("cancelled", [mark("A2")], [{"status": "cancelled"}])

    assert await _rows(sign_in) == []


async def test_a_part_of_the_day_can_be_chosen(sign_in: SignIn, add: Add) -> None:
    await add("queued", [mark("A1"), mark("A2", session="PM")])
    lesson = {"student_id": "A3", "lesson_id": "L7", "code": "/"}
    await add("queued", [lesson], kind="attendance.lesson")
    incident = {"date": DAY, "students": [{"student_id": "A4", "points": 1}, {"student_id": "A5", "points": 1}]}
    await add("queued", [incident], kind="behaviour.create")

    found = {part: [row["pupil id"] for row in await _rows(sign_in, part)] for part in ("AM", "PM", "lessons", "other")}

    assert found == {"AM": ["A1"], "PM": ["A2"], "lessons": ["A3"], "other": ["A4, A5"]}
    assert len(await _rows(sign_in)) == 4


async def test_other_days_and_other_schools_are_not_in_it(sign_in: SignIn, add: Add) -> None:
    await add("queued", [mark("A1", day="2026-01-09")])
    await add("queued", [mark("A2")], school="oakfield")

    assert await _rows(sign_in) == []


async def test_no_cell_can_be_taken_for_a_formula(sign_in: SignIn, add: Add) -> None:
    await add("queued", [mark("=HYPERLINK(1)", code="+1")], ref="@SUM(A1)")

    row = (await _rows(sign_in))[0]

    assert row["pupil id"] == "'=HYPERLINK(1)"
    assert row["mark"] == "'+1"
    assert row["register"] == "'@SUM(A1)"


async def test_what_an_app_sends_is_shown_as_text_and_never_as_a_page(sign_in: SignIn, add: Add) -> None:
    await add("queued", [mark("<script>alert(1)</script>")], ref='"><img src=x>')

    page = await (await sign_in("viewer")).get(f"/reports?school=hillside&date={DAY}")

    assert "<script>alert" not in page.text
    assert "<img" not in page.text


@pytest.mark.parametrize(
    "query", ["school=hillside&date=2026-02-30", "date=2026-01-12", "school=nowhere&date=2026-01-12"]
)
async def test_a_report_that_cannot_be_made_says_why_beside_the_field(sign_in: SignIn, add: Add, query: str) -> None:
    answer = await (await sign_in("viewer")).get(f"/reports?{query}")

    assert answer.status_code == 422
    assert 'aria-invalid="true"' in answer.text


async def test_a_session_that_is_all_in_the_mis_is_shown_as_such(sign_in: SignIn, add: Add) -> None:
    await add("confirmed", [mark("A1"), mark("A2")], [CONFIRMED, CONFIRMED])

    answer = await (await sign_in("viewer")).get(f"/reports?school=hillside&date={DAY}")

    assert "Everything is in the MIS" in answer.text
    assert "There is evidence for all 2 records." in answer.text


async def test_what_failed_differs_is_awaited_or_waits_is_kept_apart(sign_in: SignIn, add: Add) -> None:
    differs = {"status": "needs_attention", "mis_holds": "B"}
    await add("queued", [mark("A1")])
    await add("sent", [mark("A2")], [{"status": "sent"}])
    await add("needs_attention", [mark("A3")], [differs])
    await add("failed", [mark("A4")], [FAILED])
    await add("unknown", [mark("A5")], [{"status": "unknown"}])
    await add("confirmed", [mark("A6")], [CONFIRMED])
    visitor = await sign_in("viewer")

    page = await visitor.get(f"/reports?school=hillside&date={DAY}")
    file = await visitor.get(f"/reports/missing.csv?school=hillside&date={DAY}")

    found = [(row["pupil id"], row["kept apart as"]) for row in csv.DictReader(io.StringIO(file.text.lstrip("\ufeff")))]
    assert found == [("A4", "failed"), ("A3", "differs"), ("A2", "awaited"), ("A5", "awaited"), ("A1", "waits")]
    assert re.findall(r'<h3 id="(\w+)"', page.text) == ["failed", "differs", "awaited", "waits"]
    assert page.text.index(">A4<") < page.text.index(">A3<") < page.text.index(">A2<") < page.text.index(">A1<")
