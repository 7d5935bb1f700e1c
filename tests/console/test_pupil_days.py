"""One pupil's day: what was asked, by whom, and what is in the MIS; of nobody else, and who looked is written down."""

import json
import logging
from collections.abc import Mapping
from typing import Any

import pytest
from sqlmodel import select

from tests.console.conftest import SignIn
from tests.console.names import (
    DONE,
    PAGES,
    named,
    noted,
    search,
    two_schools_with_one_id,
)
from tests.console.scenes import DAY, add_writeback, mark
from writeback.domain.outcome import NotReached, ReadBack, SlotReadBack
from writeback.providers.base import SentRequest
from writeback.store.tables import AuditRow, WritebackRow
from writeback.wiring import Services

HERE = f"/schools/hillside/pupil?pupil=A1&date={DAY}"


@pytest.fixture
async def two_schools(services: Services) -> dict[str, str]:
    return await two_schools_with_one_id(services)


async def test_a_day_says_what_was_asked_by_whom_and_with_what_evidence(
    sign_in: SignIn, services: Services, two_schools: dict[str, str]
) -> None:
    page = (await (await sign_in("support", name="sam")).get(f"/schools/hillside/pupil?pupil=A1&date={DAY}")).text

    morning, afternoon = page.index("Morning session"), page.index("Afternoon session")
    assert morning < afternoon
    assert "M – Medical" in page
    assert "Teacher, Kay, through registers" in page
    assert "It is not so" in page
    assert page.index("L – Late", afternoon) < page.index("/ – Present", afternoon), "the latest first"
    assert page.count("earlier, or withdrawn") == 1
    assert "the provider told, and said so when it was asked" in page
    assert "dentist" not in page
    assert not [word for word in ("A2", "Sample", "Ben") if word in page], "nobody but this pupil"
    (line,) = await noted(services)
    assert (line.action, line.subject, line.school, line.changed["day"]) == ("pupil.show", "A1", "hillside", DAY)


async def test_another_day_has_what_is_of_that_day(
    sign_in: SignIn, services: Services, two_schools: dict[str, str]
) -> None:
    visitor, now = await sign_in("support"), services.clock.now()
    records = [mark("A1", day="2026-01-09", code="N")]
    await services.reads.db.transact(
        lambda session: add_writeback(session, now, "hillside", "confirmed", records=records, progress=[DONE]).id
    )

    friday = (await visitor.get("/schools/hillside/pupil?pupil=A1&date=2026-01-09")).text
    sunday = (await visitor.get("/schools/hillside/pupil?pupil=A1&date=yesterday")).text
    wrong = await visitor.get("/schools/hillside/pupil?pupil=A1&date=2026-02-31")

    assert "<strong>N</strong>" in friday
    assert "M – Medical" not in friday
    assert "Nothing was asked for" in sunday
    assert (wrong.status_code, "is no day" in wrong.text) == (422, True)


async def test_of_an_incident_of_several_pupils_only_this_ones_part_is_shown(
    sign_in: SignIn, services: Services, two_schools: dict[str, str]
) -> None:
    now = services.clock.now()
    record = {"type": "T1", "date": DAY, "points": 2, "students": [{"student_id": "A1"}, {"student_id": "A2"}]}
    await services.reads.db.transact(
        lambda session: (
            add_writeback(
                session, now, "hillside", "confirmed", records=[record], progress=[DONE], kind="behaviour.create"
            ).id
        )
    )

    page = (await (await sign_in("support")).get(f"/schools/hillside/pupil?pupil=A1&date={DAY}")).text

    assert "Behaviour, new" in page
    assert not [word for word in ("A2", "Sample", "Ben") if word in page]


@pytest.fixture
def mis(services: Services, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the provider answers, and what it was asked; `answer`: by session."""
    state: dict[str, Any] = {"answer": {"AM": "M"}, "asked": []}

    async def read_back(account: Any, sent: SentRequest, lookups: Any) -> Any:
        state["asked"].append([one.model_dump() for one in sent.records])
        if not isinstance(state["answer"], Mapping):
            return state["answer"]
        values = [state["answer"].get(getattr(one, "session", "")) for one in sent.records]
        codes = [getattr(one, "code", "") for one in sent.records]
        return ReadBack({at: SlotReadBack(value, value == codes[at]) for at, value in enumerate(values)})

    monkeypatch.setattr(services.accept.flow.providers["wonde"], "read_back", read_back)
    return state


async def test_the_mis_is_read_when_a_person_asks_and_that_is_written_down(
    sign_in: SignIn, services: Services, two_schools: dict[str, str], mis: dict[str, Any]
) -> None:
    visitor = await sign_in("support", name="sam")

    page = (await visitor.post(HERE)).text
    await visitor.post(HERE)

    said = page[page.index("What the MIS says now") : page.index("What was asked for</h2>")]
    assert "M – Medical" in said
    assert "as it was asked for" in said
    assert "no mark" in said
    assert "not what was asked for last" in said
    (asked,) = mis["asked"]
    assert {(one["student_id"], one["session"], one["code"]) for one in asked} == {("A1", "AM", "M"), ("A1", "PM", "L")}
    lines = await noted(services, "pupil.read")
    assert [(row.actor, row.subject, row.school) for row in lines] == [("staff:sam", "A1", "hillside")] * 2
    async with services.reads.db.read() as session:
        row = (await session.exec(select(WritebackRow).where(WritebackRow.id == two_schools["register"]))).one()
    assert row.status == "partial", "nothing changes by it"


async def test_both_sessions_are_read_where_nothing_was_asked_for(
    sign_in: SignIn, two_schools: dict[str, str], mis: dict[str, Any]
) -> None:
    page = (await (await sign_in("support")).post("/schools/hillside/pupil?pupil=A1&date=2026-01-08")).text

    assert "M – Medical" in page
    assert page.count("nothing was asked for") == 2


async def test_a_provider_that_does_not_answer_is_said(
    sign_in: SignIn, two_schools: dict[str, str], mis: dict[str, Any]
) -> None:
    mis["answer"] = NotReached("the connection was refused")

    page = await (await sign_in("support")).post(HERE)

    assert page.status_code == 200
    assert "There was no answer: the connection was refused." in page.text
    assert "M – Medical" in page.text, "what was asked for is shown all the same"


async def test_a_viewer_does_not_read_the_mis(
    sign_in: SignIn, two_schools: dict[str, str], mis: dict[str, Any]
) -> None:
    visitor = await sign_in("viewer")

    assert (await visitor.post(HERE)).status_code == 403
    assert "What does the MIS say now?" not in (await visitor.get("/schools/hillside/pupil?pupil=A1")).text
    assert mis["asked"] == []


async def test_nothing_of_it_is_in_a_log(
    sign_in: SignIn, two_schools: dict[str, str], mis: dict[str, Any], caplog: pytest.LogCaptureFixture, capsys: Any
) -> None:
    visitor = await sign_in("support")
    with caplog.at_level(logging.INFO):
        await search(visitor, "Ada Example")
        await visitor.post(HERE)
        for path in PAGES:
            await visitor.get(path.format(**two_schools))

    said = capsys.readouterr()
    assert named("".join(one.getMessage() for one in caplog.records) + said.out + said.err) == []


async def test_who_is_erased_is_gone_from_what_was_looked_at(
    sign_in: SignIn, services: Services, two_schools: dict[str, str], mis: dict[str, Any]
) -> None:
    visitor = await sign_in("admin")
    await search(visitor, "ada")
    await visitor.post(HERE)
    await (await sign_in("admin")).get(f"/schools/oakfield/pupil?pupil=A1&date={DAY}")
    assert len([row for row in await _all(services, "hillside") if "A1" in json.dumps(row)]) == 3

    given = {"role": "student", "person": "A1", "reason": "request 18", "confirmed": "yes"}
    assert (await visitor.post("/schools/hillside/people/erase", given)).status_code == 200

    assert [row for row in await _all(services, "hillside") if "A1" in json.dumps(row)] == []
    assert [row for row in await _all(services, "oakfield") if "A1" in json.dumps(row)] != [], "another pupil"
    gone = (await visitor.get(f"/schools/hillside/pupil?pupil=A1&date={DAY}")).text
    assert named(gone) == []
    assert "Nothing was asked for" in gone


async def _all(services: Services, school: str) -> list[Any]:
    async with services.reads.db.read() as session:
        rows = (await session.exec(select(AuditRow).where(AuditRow.school == school))).all()
    return [[row.action, row.subject, row.changed] for row in rows]


async def test_the_audit_log_leads_to_what_was_looked_at(sign_in: SignIn, two_schools: dict[str, str]) -> None:
    visitor = await sign_in("admin")
    await visitor.get(f"/schools/hillside/pupil?pupil=A1&date={DAY}")
    await visitor.get(f"/writebacks/{two_schools['register']}")

    page = (await visitor.get("/audit")).text

    assert f"/console/schools/hillside/pupil?pupil=A1&amp;date={DAY}" in page
    assert f'/console/writebacks/{two_schools["register"]}"' in page
    assert "Saw a pupil’s day" in page
