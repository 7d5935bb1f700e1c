"""People at the console: who sees what they are called, that each look is written down, finding one of one school, and
what was asked for them on a day."""

import dataclasses
import json
import logging
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import col, select

from tests.console.conftest import SignIn, Visitor
from tests.console.names import ADA, BEN, KAY, ZOE, keep_codes, keep_names
from tests.console.scenes import DAY, add_school, add_writeback, mark
from writeback.core.errors import BadInput
from writeback.domain.actor import staff
from writeback.domain.corrections import Action
from writeback.domain.directory import Directory
from writeback.domain.outcome import NotReached, ReadBack, SlotReadBack
from writeback.domain.staff import Person, Role
from writeback.flow.correct.by_filter import Work
from writeback.providers.base import SentRequest
from writeback.store.reads.filters import Filter
from writeback.store.reads.selection import Selection
from writeback.store.tables import AuditRow, WritebackRow
from writeback.wiring import Services

DONE = {"status": "confirmed", "evidence": "webhook+poll"}
FAILED = {"status": "failed", "findings": [{"code": "x", "severity": "error", "message": "It is not so", "hint": ""}]}
SECRETS = ("Example", "Sample", "Zoe", "Teacher", "999432113")


@pytest.fixture
async def two_schools(services: Services) -> dict[str, str]:
    """Two schools that both have a pupil A1, who are two people; return writebacks by what they are."""
    now = services.clock.now()
    for school in ("hillside", "oakfield"):
        await services.reads.db.transact(
            lambda session, school=school: add_school(session, now, school, school.title(), "wonde", "SIMS")
        )
    await keep_names(services, "hillside", {"A1": ADA, "A2": BEN}, {"E1": KAY})
    await keep_names(services, "oakfield", {"A1": ZOE})
    await keep_codes(services, "hillside", {"/": "Present", "M": "Medical", "L": "Late"})

    async def add(school: str, *args: Any, **changes: Any) -> str:
        at = now - timedelta(minutes=10)
        return await services.reads.db.transact(lambda session: add_writeback(session, at, school, *args, **changes).id)

    register = [mark("A2"), {**mark("A1", code="M"), "employee_id": "E1", "comment": "at the dentist"}]
    return {
        "register": await add("hillside", "partial", records=register, progress=[DONE, FAILED]),
        "earlier": await add("hillside", "confirmed", records=[mark("A1", session="PM", code="/")], progress=[DONE]),
        "later": await add("hillside", "confirmed", records=[mark("A1", session="PM", code="L")], progress=[DONE]),
        "elsewhere": await add("oakfield", "failed", records=[mark("A1", code="O")], progress=[FAILED]),
    }


async def _noted(services: Services, *actions: str) -> Sequence[AuditRow]:
    async with services.reads.db.read() as session:
        query = select(AuditRow).where(col(AuditRow.action).in_(actions or ("people.show", "pupil.show")))
        return (await session.exec(query.order_by(col(AuditRow.id)))).all()


def _named(text: str) -> list[str]:
    return [one for one in SECRETS if one in text]


PAGES = ("/writebacks?school=hillside", "/writebacks/{register}", f"/reports?school=hillside&date={DAY}")


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("role", ["support", "admin"])
async def test_people_are_called_by_name_and_one_line_says_who_saw_it(
    path: str, role: str, sign_in: SignIn, services: Services, two_schools: dict[str, str]
) -> None:
    visitor = await sign_in(role, name="ann")

    first = await visitor.get(path.format(**two_schools))
    await visitor.get(path.format(**two_schools))

    assert "Example, Ada" in first.text
    assert "8B" in first.text
    (noted,) = await _noted(services)
    assert (noted.actor, noted.action, noted.school) == ("staff:ann", "people.show", "hillside")
    assert two_schools["register"] in json.dumps([noted.subject, noted.changed])
    assert not _named(json.dumps(noted.changed))


@pytest.mark.parametrize("path", [*PAGES, f"/schools/hillside/pupil?pupil=A1&date={DAY}"])
async def test_a_viewer_sees_ids_alone(
    path: str, sign_in: SignIn, services: Services, two_schools: dict[str, str]
) -> None:
    answer = await (await sign_in("viewer")).get(path.format(**two_schools))

    assert answer.status_code == 200
    assert "A1" in answer.text
    assert _named(answer.text) == []
    assert [row.action for row in await _noted(services)] == (["pupil.show"] if "pupil?" in path else [])


@pytest.mark.parametrize("mode", [Directory.HASHED, Directory.OFF])
async def test_nobody_is_named_where_the_school_keeps_no_names(
    mode: Directory, sign_in: SignIn, services: Services, two_schools: dict[str, str]
) -> None:
    await services.registry.patch("hillside", {"directory": mode.value})
    visitor = await sign_in("admin")

    for path in PAGES:
        assert _named((await visitor.get(path.format(**two_schools))).text) == []
    assert await _noted(services) == []


async def test_over_several_schools_nobody_is_named(
    sign_in: SignIn, services: Services, two_schools: dict[str, str]
) -> None:
    answer = await (await sign_in("admin")).get("/writebacks")

    assert _named(answer.text) == []
    assert "Choose a school, and pupils are shown by name." in answer.text
    assert await _noted(services) == []


async def test_a_list_shows_marks_and_those_first_that_are_not_in_the_mis(
    sign_in: SignIn, two_schools: dict[str, str]
) -> None:
    page = (await (await sign_in("support")).get("/writebacks?school=hillside&status=partial")).text

    assert page.index("Example, Ada") < page.index("O’Sample, Ben")
    assert '<strong class="mono">M</strong>' in page


async def test_staff_are_named_and_comments_stay_hidden_on_a_writeback(
    sign_in: SignIn, two_schools: dict[str, str]
) -> None:
    page = (await (await sign_in("support")).get(f"/writebacks/{two_schools['register']}")).text

    assert "Teacher, Kay (E1)" in page
    assert f"Example, Ada, 8B, UPN {ADA.upn} (A1)" in page
    assert "dentist" not in page


async def test_the_same_id_is_another_pupil_at_each_school(sign_in: SignIn, two_schools: dict[str, str]) -> None:
    visitor = await sign_in("support")

    ours = (await visitor.get(f"/schools/hillside/pupil?pupil=A1&date={DAY}")).text
    theirs = (await visitor.get(f"/schools/oakfield/pupil?pupil=A1&date={DAY}")).text

    assert "Example, Ada" in ours
    assert "Other, Zoe" in theirs
    assert two_schools["elsewhere"] not in ours
    assert not {two_schools["register"], two_schools["later"]} & set(theirs.split('"'))
    assert not {one for one in two_schools.values() if one in theirs} - {two_schools["elsewhere"]}


async def test_a_list_by_pupil_asks_for_the_school_where_several_have_the_id(
    sign_in: SignIn, services: Services, two_schools: dict[str, str]
) -> None:
    asked = await (await sign_in("support")).get("/writebacks?student=A1")
    limited = await (await sign_in("support", schools=["oakfield"])).get("/writebacks?student=A1")

    assert asked.status_code == 422
    assert "Several schools have somebody of this id" in asked.text
    assert not [one for one in two_schools.values() if one in asked.text]
    assert limited.status_code == 200
    assert two_schools["elsewhere"] in limited.text


async def test_nothing_is_done_by_a_pupils_id_at_several_schools_at_once(
    services: Services, two_schools: dict[str, str]
) -> None:
    caller, many = Person("stf_1", "ann", Role.ADMIN).caller, services.corrections.many

    with pytest.raises(BadInput, match="several schools"):
        await many.count(caller, Action.RESUBMIT, Selection(Filter(student="A1")))
    with pytest.raises(BadInput, match="several schools"):
        await many.run(caller, Work(Action.RESUBMIT, Selection(Filter(student="A1")), staff("ann", "why")))
    assert (
        await many.count(caller, Action.RESUBMIT, Selection(Filter(student="A1", school="oakfield")))
    ).writebacks == 1


async def test_pupils_left_out_of_a_change_are_of_one_school(sign_in: SignIn, two_schools: dict[str, str]) -> None:
    visitor = await sign_in("support")
    given = {"id": [two_schools["register"], two_schools["elsewhere"]], "which": "ticked", "step": "preview"}

    refused = await visitor.post("/writebacks/change", {**given, "pupils": "A1"})
    taken = await visitor.post("/writebacks/change", {**given, "id": two_schools["register"], "pupils": "A1"})

    assert refused.status_code == 422
    assert "These are of several schools" in refused.text
    assert "These are of several schools" not in taken.text


async def _search(visitor: Visitor, text: str, school: str = "hillside", **given: str) -> Any:
    return await visitor.post("/pupils", {"school": school, "pupil": text, **given})


@pytest.mark.parametrize("text", ["ada", "Example", "exam ada", "8b ada", ADA.upn, ADA.upn.lower(), "4505", "A1"])
async def test_a_pupil_is_found_by_name_upn_number_or_id(
    text: str, sign_in: SignIn, services: Services, two_schools: dict[str, str]
) -> None:
    found = await _search(await sign_in("support"), text, date="2026-01-11")

    assert found.status_code == 303
    assert found.headers["location"] == "/console/schools/hillside/pupil?pupil=A1&date=2026-01-11"
    assert text not in found.headers["location"] or text == "A1"
    (noted,) = await _noted(services, "people.find")
    assert noted.changed.get("pupils") == (["A1"] if text != "A1" else None)


async def test_several_are_shown_to_choose_from(
    sign_in: SignIn, services: Services, two_schools: dict[str, str]
) -> None:
    twin = dataclasses.replace(ADA, upn="D1", admission_number="9", forename="Adam", classes=("8C",))
    now = services.clock.now()
    await services.reads.db.transact(lambda session: add_school(session, now, "third", "Third", "wonde", "SIMS"))
    await keep_names(services, "third", {"A9": twin, "A8": ADA})

    page = (await _search(await sign_in("support"), "exa ad", school="third")).text

    assert page.index("Example, Ada<") < page.index("Example, Adam<")
    assert ADA.upn in page
    assert "8C" in page


async def test_names_are_looked_for_at_one_school_alone(sign_in: SignIn, two_schools: dict[str, str]) -> None:
    visitor = await sign_in("support")

    elsewhere = await _search(visitor, "zoe")
    without = await _search(visitor, "zoe", school="")

    assert "Nobody is found" in elsewhere.text
    assert (without.status_code, "Choose a school" in without.text) == (422, True)
    assert (await _search(visitor, "zoe", school="oakfield")).status_code == 303


async def test_a_viewer_finds_by_id_and_by_nothing_else(sign_in: SignIn, two_schools: dict[str, str]) -> None:
    visitor = await sign_in("viewer")

    assert (await _search(visitor, "A1")).status_code == 303
    for text in ("ada", ADA.upn, "4505"):
        assert "Nobody is found" in (await _search(visitor, text)).text


async def test_names_that_cannot_be_read_lead_to_ids(
    sign_in: SignIn, services: Services, two_schools: dict[str, str]
) -> None:
    now = services.clock.now()
    await services.reads.db.transact(lambda session: add_school(session, now, "hashed", "Hashed", "wonde", "SIMS"))
    await keep_names(services, "hashed", {"A1": ADA, "A2": BEN}, mode=Directory.HASHED)
    visitor = await sign_in("support")

    for text in ("Ada Example", "Example, Ada", "ada example 8b", ADA.upn):
        found = await _search(visitor, text, school="hashed")
        assert "pupil=A1" in found.headers["location"], text
    assert "Nobody is found" in (await _search(visitor, "Ada", school="hashed")).text


@pytest.mark.parametrize("path", ["/schools/hillside/pupil?pupil=A1", "/writebacks?school=hillside&student=A1"])
async def test_other_schools_pupils_are_not_there_for_a_limited_account(
    path: str, sign_in: SignIn, two_schools: dict[str, str]
) -> None:
    visitor = await sign_in("support", schools=["oakfield"])

    assert (await visitor.get(path)).status_code == 404
    assert (await _search(visitor, "ada")).status_code == 404
    assert (await visitor.post("/schools/hillside/pupil", {"pupil": "A1"})).status_code == 404


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
    (noted,) = await _noted(services)
    assert (noted.action, noted.subject, noted.school, noted.changed["day"]) == ("pupil.show", "A1", "hillside", DAY)


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

    page = (await visitor.post("/schools/hillside/pupil", {"pupil": "A1", "date": DAY})).text
    await visitor.post("/schools/hillside/pupil", {"pupil": "A1", "date": DAY})

    said = page[page.index("What the MIS says now") : page.index("What was asked for</h2>")]
    assert "M – Medical" in said
    assert "as it was asked for" in said
    assert "no mark" in said
    assert "not what was asked for last" in said
    (asked,) = mis["asked"]
    assert {(one["student_id"], one["session"], one["code"]) for one in asked} == {("A1", "AM", "M"), ("A1", "PM", "L")}
    noted = await _noted(services, "pupil.read")
    assert [(row.actor, row.subject, row.school) for row in noted] == [("staff:sam", "A1", "hillside")] * 2
    async with services.reads.db.read() as session:
        row = (await session.exec(select(WritebackRow).where(WritebackRow.id == two_schools["register"]))).one()
    assert row.status == "partial", "nothing changes by it"


async def test_both_sessions_are_read_where_nothing_was_asked_for(
    sign_in: SignIn, two_schools: dict[str, str], mis: dict[str, Any]
) -> None:
    given = {"pupil": "A1", "date": "2026-01-08"}

    page = (await (await sign_in("support")).post("/schools/hillside/pupil", given)).text

    assert "M – Medical" in page
    assert page.count("nothing was asked for") == 2


async def test_a_provider_that_does_not_answer_is_said(
    sign_in: SignIn, two_schools: dict[str, str], mis: dict[str, Any]
) -> None:
    mis["answer"] = NotReached("the connection was refused")

    page = await (await sign_in("support")).post("/schools/hillside/pupil", {"pupil": "A1", "date": DAY})

    assert page.status_code == 200
    assert "There was no answer: the connection was refused." in page.text
    assert "M – Medical" in page.text, "what was asked for is shown all the same"


async def test_a_viewer_does_not_read_the_mis(
    sign_in: SignIn, two_schools: dict[str, str], mis: dict[str, Any]
) -> None:
    visitor = await sign_in("viewer")

    assert (await visitor.post("/schools/hillside/pupil", {"pupil": "A1"})).status_code == 403
    assert "What does the MIS say now?" not in (await visitor.get("/schools/hillside/pupil?pupil=A1")).text
    assert mis["asked"] == []


async def test_nothing_of_it_is_in_a_log(
    sign_in: SignIn, two_schools: dict[str, str], mis: dict[str, Any], caplog: pytest.LogCaptureFixture, capsys: Any
) -> None:
    visitor = await sign_in("support")
    with caplog.at_level(logging.INFO):
        await _search(visitor, "Ada Example")
        await visitor.post("/schools/hillside/pupil", {"pupil": "A1", "date": DAY})
        for path in PAGES:
            await visitor.get(path.format(**two_schools))

    said = capsys.readouterr()
    assert _named("".join(one.getMessage() for one in caplog.records) + said.out + said.err) == []


async def test_who_is_erased_is_gone_from_what_was_looked_at(
    sign_in: SignIn, services: Services, two_schools: dict[str, str], mis: dict[str, Any]
) -> None:
    visitor = await sign_in("admin")
    await _search(visitor, "ada")
    await visitor.post("/schools/hillside/pupil", {"pupil": "A1", "date": DAY})
    await (await sign_in("admin")).get(f"/schools/oakfield/pupil?pupil=A1&date={DAY}")
    assert len([row for row in await _all(services, "hillside") if "A1" in json.dumps(row)]) == 3

    given = {"role": "student", "person": "A1", "reason": "request 18", "confirmed": "yes"}
    assert (await visitor.post("/schools/hillside/people/erase", given)).status_code == 200

    assert [row for row in await _all(services, "hillside") if "A1" in json.dumps(row)] == []
    assert [row for row in await _all(services, "oakfield") if "A1" in json.dumps(row)] != [], "another pupil"
    gone = (await visitor.get(f"/schools/hillside/pupil?pupil=A1&date={DAY}")).text
    assert _named(gone) == []
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
