"""People at the console: who sees what they are called, that each look is written down, finding one of one school, and
what was asked for them on a day."""

import dataclasses
import json

import pytest

from tests.console.conftest import SignIn
from tests.console.names import (
    ADA,
    BEN,
    PAGES,
    keep_names,
    named,
    noted,
    search,
    two_schools_with_one_id,
)
from tests.console.scenes import DAY, add_school
from writeback.core.errors import BadInput
from writeback.domain.actor import staff
from writeback.domain.corrections import Action
from writeback.domain.directory import Directory
from writeback.domain.staff import Person, Role
from writeback.flow.correct.by_filter import Work
from writeback.store.reads.filters import Filter
from writeback.store.reads.selection import Selection
from writeback.wiring import Services


@pytest.fixture
async def two_schools(services: Services) -> dict[str, str]:
    return await two_schools_with_one_id(services)


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
    (line,) = await noted(services)
    assert (line.actor, line.action, line.school) == ("staff:ann", "people.show", "hillside")
    assert two_schools["register"] in json.dumps([line.subject, line.changed])
    assert not named(json.dumps(line.changed))


@pytest.mark.parametrize("path", [*PAGES, f"/schools/hillside/pupil?pupil=A1&date={DAY}"])
async def test_a_viewer_sees_ids_alone(
    path: str, sign_in: SignIn, services: Services, two_schools: dict[str, str]
) -> None:
    answer = await (await sign_in("viewer")).get(path.format(**two_schools))

    assert answer.status_code == 200
    assert "A1" in answer.text
    assert named(answer.text) == []
    assert [row.action for row in await noted(services)] == (["pupil.show"] if "pupil?" in path else [])


@pytest.mark.parametrize("mode", [Directory.HASHED, Directory.OFF])
async def test_nobody_is_named_where_the_school_keeps_no_names(
    mode: Directory, sign_in: SignIn, services: Services, two_schools: dict[str, str]
) -> None:
    await services.registry.patch("hillside", {"directory": mode.value})
    visitor = await sign_in("admin")

    for path in PAGES:
        assert named((await visitor.get(path.format(**two_schools))).text) == []
    assert await noted(services) == []


async def test_over_several_schools_nobody_isnamed(
    sign_in: SignIn, services: Services, two_schools: dict[str, str]
) -> None:
    answer = await (await sign_in("admin")).get("/writebacks")

    assert named(answer.text) == []
    assert "Choose a school, and pupils are shown by name." in answer.text
    assert await noted(services) == []


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


@pytest.mark.parametrize("text", ["ada", "Example", "exam ada", "8b ada", ADA.upn, ADA.upn.lower(), "4505", "A1"])
async def test_a_pupil_is_found_by_name_upn_number_or_id(
    text: str, sign_in: SignIn, services: Services, two_schools: dict[str, str]
) -> None:
    found = await search(await sign_in("support"), text, date="2026-01-11")

    assert found.status_code == 303
    assert found.headers["location"] == "/console/schools/hillside/pupil?pupil=A1&date=2026-01-11"
    assert text not in found.headers["location"] or text == "A1"
    (line,) = await noted(services, "people.find")
    assert line.changed.get("pupils") == (["A1"] if text != "A1" else None)


async def test_several_are_shown_to_choose_from(
    sign_in: SignIn, services: Services, two_schools: dict[str, str]
) -> None:
    twin = dataclasses.replace(ADA, upn="D1", admission_number="9", forename="Adam", classes=("8C",))
    now = services.clock.now()
    await services.reads.db.transact(lambda session: add_school(session, now, "third", "Third", "wonde", "SIMS"))
    await keep_names(services, "third", {"A9": twin, "A8": ADA})

    page = (await search(await sign_in("support"), "exa ad", school="third")).text

    assert page.index("Example, Ada<") < page.index("Example, Adam<")
    assert ADA.upn in page
    assert "8C" in page


async def test_names_are_looked_for_at_one_school_alone(sign_in: SignIn, two_schools: dict[str, str]) -> None:
    visitor = await sign_in("support")

    elsewhere = await search(visitor, "zoe")
    without = await search(visitor, "zoe", school="")

    assert "Nobody is found" in elsewhere.text
    assert (without.status_code, "Choose a school" in without.text) == (422, True)
    assert (await search(visitor, "zoe", school="oakfield")).status_code == 303


async def test_a_viewer_finds_by_id_and_by_nothing_else(sign_in: SignIn, two_schools: dict[str, str]) -> None:
    visitor = await sign_in("viewer")

    assert (await search(visitor, "A1")).status_code == 303
    for text in ("ada", ADA.upn, "4505"):
        assert "Nobody is found" in (await search(visitor, text)).text


async def test_names_that_cannot_be_read_lead_to_ids(
    sign_in: SignIn, services: Services, two_schools: dict[str, str]
) -> None:
    now = services.clock.now()
    await services.reads.db.transact(lambda session: add_school(session, now, "hashed", "Hashed", "wonde", "SIMS"))
    await keep_names(services, "hashed", {"A1": ADA, "A2": BEN}, mode=Directory.HASHED)
    visitor = await sign_in("support")

    for text in ("Ada Example", "Example, Ada", "ada example 8b", ADA.upn):
        found = await search(visitor, text, school="hashed")
        assert "pupil=A1" in found.headers["location"], text
    assert "Nobody is found" in (await search(visitor, "Ada", school="hashed")).text


@pytest.mark.parametrize("path", ["/schools/hillside/pupil?pupil=A1", "/writebacks?school=hillside&student=A1"])
async def test_other_schools_pupils_are_not_there_for_a_limited_account(
    path: str, sign_in: SignIn, two_schools: dict[str, str]
) -> None:
    visitor = await sign_in("support", schools=["oakfield"])

    assert (await visitor.get(path)).status_code == 404
    assert (await search(visitor, "ada")).status_code == 404
    assert (await visitor.post("/schools/hillside/pupil?pupil=A1")).status_code == 404
