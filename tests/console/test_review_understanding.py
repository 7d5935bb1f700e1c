"""Saying what the columns of a file are, and who those are whom nobody could find."""

import html
import re
from collections.abc import Mapping, Sequence
from datetime import date

import httpx
import pytest
from sqlmodel import select

from tests.console.conftest import SignIn, Visitor
from tests.console.reviews import UNSURE, file_in_review, keep_people, schools_just_synced, version_of
from writeback.console.pages.batches import review_page
from writeback.domain.directory import PersonDetails
from writeback.flow.batches.runner import BatchRunner
from writeback.store.tables import AuditRow
from writeback.wiring import Services

PAT, KIM, LEE = "Y999432113104", "Y999432113105", "Y999432113106"
PEOPLE = {
    "A200": PersonDetails(upn=PAT, surname="Example", forename="Pat", date_of_birth=date(2013, 9, 4), classes=("8B",)),
    "A201": PersonDetails(upn=KIM, surname="Example", forename="Kim", classes=("8B",)),
    "A202": PersonDetails(upn=LEE, surname="Example", forename="Lee", classes=("8C",)),
}
NO_SESSION = "Pupil ID,Date,Mark\nA200,2026-01-12,N\n"
GRID = f"UPN,Surname,Mon 12/01/2026 AM,Mon 12/01/2026 PM\n{PAT},Example,/,N\n{KIM},Example,L,N\nZ123,Example,/,N\n"


@pytest.fixture(autouse=True)
async def _schools(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    """At St Mary's people are found by their UPN."""
    await schools_just_synced(services, monkeypatch)
    await keep_people(services, PEOPLE)


def shown(page: httpx.Response) -> dict[str, str]:
    """Return what the fields of the page's forms have: what a browser would send."""
    text = page.text
    fields = dict(re.findall(r'<input[^>]* name="([^"]+)" type="(?:text|date|time|number)" value="([^"]*)"', text))
    for name, options in re.findall(r'<select id="[^"]*" name="([^"]+)"[^>]*>(.*?)</select>', text, re.DOTALL):
        chosen = re.search(r'value="([^"]*)" selected', options) or re.search(r'value="([^"]*)"', options)
        fields[name] = chosen[1] if chosen else ""
    return {name: html.unescape(value) for name, value in fields.items()} | {"version": version_of(page)}


def words(page: httpx.Response) -> str:
    """Return what somebody reads on the page."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page.text)).split())


async def _say(visitor: Visitor, path: str, form: str, changes: Mapping[str, str]) -> httpx.Response:
    page = await visitor.get(path)
    return await visitor.post(f"{path}/{form}", {**shown(page), **changes})


async def _read(services: Services, path: str) -> None:
    await BatchRunner(services.accept.flow, services.sync, "w").run(path.split("/")[2])


async def _audited(services: Services, action: str) -> Sequence[AuditRow]:
    async with services.reads.db.read() as session:
        return (await session.exec(select(AuditRow).where(AuditRow.action == action))).all()


async def test_column_of_which_nobody_can_tell_is_asked_about_and_read_as_said(
    sign_in: SignIn, services: Services
) -> None:
    visitor = await sign_in("support", name="sam")
    path = f"/batches/{await file_in_review(services, UNSURE)}/review"
    asked = await visitor.get(path)

    said = await _say(visitor, path, "columns", {"c.D": "code", "remember": "yes"})
    await _read(services, path)
    page = await visitor.get(path)

    assert "2 of them to be looked at" in words(asked)
    assert "Say below what its columns are" in words(asked)
    assert re.search(r'<label for="f-c\.D">D: One</label>', asked.text)
    assert said.status_code == 303
    assert "Send the 2 good rows" in words(page)
    assert "read as confirmed by sam" in words(page)
    (noted,) = await _audited(services, "batch.mapping")
    assert noted.actor == "staff:sam"


async def test_what_was_confirmed_holds_for_the_next_file_of_that_header_and_is_said(
    sign_in: SignIn, services: Services
) -> None:
    visitor = await sign_in("support", name="sam")
    path = f"/batches/{await file_in_review(services, UNSURE)}/review"
    await _say(visitor, path, "columns", {"c.D": "code", "remember": "yes"})

    following = f"/batches/{await file_in_review(services, UNSURE.replace('-12', '-09'))}/review"

    page = await visitor.get(following)
    assert "Send the 2 good rows" in words(page)
    assert "read as confirmed by sam" in words(page)


async def test_what_no_column_says_is_said_for_all_rows(sign_in: SignIn, services: Services) -> None:
    visitor = await sign_in("support")
    path = f"/batches/{await file_in_review(services, NO_SESSION)}/review"

    asked = await visitor.get(path)
    await _say(visitor, path, "columns", {"k.session": "PM"})
    await _read(services, path)

    assert "No column says: Session" in words(asked)
    page = await visitor.get(path)
    assert "Send the 1 good row" in words(page)
    assert "PM (1)" in words(page)


async def test_days_that_can_be_read_either_way_are_asked_about(sign_in: SignIn, services: Services) -> None:
    visitor = await sign_in("support")
    content = "Pupil ID,Date,Session,Mark\nA200,01/12/2026,AM,/\n"
    path = f"/batches/{await file_in_review(services, content)}/review"

    asked = await visitor.get(path)
    await _say(visitor, path, "columns", {"date_order": "mdy"})
    await _read(services, path)

    assert "Say below what days like 11/02 have first" in words(asked)
    assert "Mon 12 January 2026 (1)" in words(await visitor.get(path))


async def test_columns_that_cannot_be_read_so_say_why_beside_them_and_keep_what_was_chosen(
    sign_in: SignIn, services: Services
) -> None:
    visitor = await sign_in("support")
    path = f"/batches/{await file_in_review(services, UNSURE)}/review"

    answer = await _say(visitor, path, "columns", {"c.D": "date", "c.C": "session", "date_order": "dmy"})

    assert answer.status_code == 422
    assert "are both date" in words(answer)
    assert shown(answer)["c.D"] == "date"
    assert shown(answer)["date_order"] == "dmy"
    assert await _audited(services, "batch.mapping") == []


async def test_reading_it_again_asks_before_what_was_done_by_hand_is_lost(sign_in: SignIn, services: Services) -> None:
    visitor = await sign_in("support")
    path = f"/batches/{await file_in_review(services)}/review"
    page = await visitor.get(f"{path}?show=bad")
    await visitor.post(f"{path}/rows", {**shown(page), "show": "bad", "r3.C": "2026-01-12"})

    asked = await _say(visitor, path, "columns", {})
    done = await visitor.post(f"{path}/columns", {**shown(asked), "discard": "yes"})

    assert "what was done by hand is lost" in words(asked)
    assert done.status_code == 303


async def test_whom_nobody_could_find_is_asked_once_for_all_rows(sign_in: SignIn, services: Services) -> None:
    visitor = await sign_in("support", name="sam")
    path = f"/batches/{await file_in_review(services, GRID)}/review"
    before = await visitor.get(path)
    number = next(name for name in shown(before) if name.startswith("n."))

    await _say(visitor, path, "people", {number: LEE})
    after = await visitor.get(path)

    assert "2 found, 1 unknown" in words(before)
    assert "Z123" in words(before)
    assert "2 rows" in words(before)
    assert "1 person chosen: nothing is left to be corrected" in words(after)
    assert "Send the 6 good rows" in words(after)
    assert "Who could not be found" not in words(after)
    assert {row.actor for row in await _audited(services, "people.find")} == {"staff:sam"}


async def test_whoever_is_nearly_named_can_be_chosen_by_name(sign_in: SignIn, services: Services) -> None:
    visitor = await sign_in("support")
    content = "Surname,Forename,DOB,Date,Session,Mark\nExample,Patrick,04/09/2013,12/01/2026,AM,/\n"
    path = f"/batches/{await file_in_review(services, content)}/review"
    before = await visitor.get(path)
    choice = next(name for name in shown(before) if name.startswith("p."))

    await _say(visitor, path, "people", {choice: "A200"})

    assert "Example, Pat, 8B" in words(before)
    assert "Send the 1 good row" in words(await visitor.get(path))


async def test_number_that_nobody_has_changes_nothing_and_says_so(sign_in: SignIn, services: Services) -> None:
    visitor = await sign_in("support")
    path = f"/batches/{await file_in_review(services, GRID)}/review"
    number = next(name for name in shown(await visitor.get(path)) if name.startswith("n."))

    await _say(visitor, path, "people", {number: "Y000000000000"})

    page = await visitor.get(path)
    assert "Nobody has this UPN or admission number" in words(page)
    assert "1 unknown" in words(page)


async def test_many_who_were_not_found_come_page_by_page(
    sign_in: SignIn, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(review_page, "_PEOPLE", 1)
    visitor = await sign_in("support")
    path = f"/batches/{await file_in_review(services, GRID.replace(KIM, 'X1'))}/review"
    first = await visitor.get(path)
    following = re.search(r'href="/console([^"]*people=[^"]*)#people"', first.text)
    assert following

    second = await visitor.get(html.unescape(following[1]))
    number = next(name for name in shown(second) if name.startswith("n."))
    cursor = re.search(r'name="people" value="([^"]+)"', second.text)
    assert cursor
    await visitor.post(f"{path}/people", {**shown(second), "people": cursor[1], number: LEE})

    assert number not in shown(first)
    assert "1 found, 1 chosen by hand, 1 unknown" in words(await visitor.get(path))


async def test_mark_of_a_grid_is_called_by_its_row_and_column(sign_in: SignIn, services: Services) -> None:
    visitor = await sign_in("support")
    path = f"/batches/{await file_in_review(services, GRID.replace('Z123', LEE).replace('L,N', 'Q7,N'))}/review"

    page = await visitor.get(path)

    assert "Row 3 (C)" in words(page)
    assert "Mon 12 January 2026 (5)" in words(page)


@pytest.mark.parametrize("form", ["columns", "people"])
async def test_viewer_says_nothing(sign_in: SignIn, services: Services, form: str) -> None:
    path = f"/batches/{await file_in_review(services, UNSURE)}/review"

    answer = await (await sign_in("viewer")).post(f"{path}/{form}", {"version": "1", "c.D": "code"})

    assert answer.status_code == 403
