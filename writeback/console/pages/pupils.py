"""`/console/pupils`, `/console/schools/{school}/pupil`: find a pupil of one school; what was asked for them on a day,
what is in the MIS, and with what evidence, as an answer to a parent."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from starlette.responses import Response

from writeback.console.navigation import ROOT
from writeback.console.page import Page, Pages
from writeback.console.presenters.naming import called, class_of, people_in
from writeback.console.presenters.pupil_day import answer_of, seen_in
from writeback.console.presenters.times import day_words
from writeback.core.errors import NotFound, TooManyAtOnce
from writeback.core.moments import EXAMPLES
from writeback.domain.directory import Directory
from writeback.domain.staff import Permission
from writeback.flow.correct.read_mis_now import MisNow, Wanted
from writeback.flow.directory.asking import MOST_SHOWN
from writeback.flow.directory.names_shown import Look
from writeback.flow.projections.pupil_days import PupilDay

pages = Pages()

_LONGEST = 128


@pages.get("/pupils")
async def ask(page: Page) -> Response:
    """Ask for whom to look."""
    return await _form(page, {"school": page.query("school")}, {})


@pages.post("/pupils", needs=Permission.VIEW)
async def find(page: Page) -> Response:
    """Show the pupils of a school whom it may be, or the one whom it is. Posted: a name stands in no address."""
    given = {name: page.field(name)[:_LONGEST] for name in ("school", "pupil", "date")}
    problems: dict[str, str] = {}
    if not given["school"]:
        problems["school"] = "Choose a school: pupils of two schools may have one id."
    if not given["pupil"]:
        problems["pupil"] = "Write a name, a UPN or an id."
    day = _day(page, given["date"], problems)
    if problems:
        return await _form(page, given, problems)
    page.require_school(given["school"])
    try:
        found = await _found(page, given["school"], given["pupil"])
    except TooManyAtOnce as problem:
        return await _form(page, given, {"pupil": f"{problem.detail.capitalize()}. {problem.hint}"})
    if len(found) == 1:
        return page.redirect(_path(page, given["school"], next(iter(found)), day))
    return await _form(page, given, {}, found=found, day=day)


@pages.get("/schools/{school}/pupil")
async def show(page: Page) -> Response:
    """Show one pupil's day."""
    return await _show(page, page.query("pupil"), page.query("date"))


@pages.post("/schools/{school}/pupil", needs=Permission.CORRECT)
async def read(page: Page) -> Response:
    """Show the same with what the MIS says now."""
    return await _show(page, page.query("pupil"), page.query("date"), reads=True)


async def _show(page: Page, pupil: str, date_text: str, *, reads: bool = False) -> Response:
    page.require_school(page.part("school"))
    if not pupil or len(pupil) > _LONGEST:
        raise NotFound("pupil_unknown", "no pupil is named", hint="Look for one by name, UPN or id.")
    problems: dict[str, str] = {}
    day = _day(page, date_text, problems)
    school = await page.services.registry.get(page.part("school"))
    begins, ends = page.times.midnight_of(day), page.times.midnight_of(day + timedelta(days=1))
    found = await page.services.pupil_days.of(page.caller, school.id, pupil, day, begins, ends)
    _, staff = people_in([one.record.record for one in found.asked])
    noted = {"day": day.isoformat(), "writebacks": list(dict.fromkeys(one.writeback.id for one in found.asked))}
    look = Look("pupil.show", pupil, noted, is_always=True)
    names = await page.services.names.of(page.caller, school.id, look, pupils=[pupil], staff=staff)
    now = await _read(page, found) if reads else None
    _, kinds = await page.services.features.of(school.id, {one.writeback.kind for one in found.asked} or {""})
    details = names.pupils.get(pupil, {})
    return page.render(
        "pupil.html",
        title=f"{called(details) or pupil}, {day_words(day)}",
        status=422 if problems else 200,
        school=school,
        pupil=pupil,
        details=details,
        day=day,
        day_said=f"{day:%A} {day.day} {day:%B %Y}",
        this_page=_path(page, school.id, pupil, day),
        before=_path(page, school.id, pupil, day - timedelta(days=1)),
        after=_path(page, school.id, pupil, day + timedelta(days=1)),
        answers=[answer_of(one, kinds[one.writeback.kind]["fields"], names) for one in found.asked],
        more=found.more,
        mis_now=now,
        seen=seen_in(now, found.asked) if now else [],
        why_no_name=_why_no_name(page, school.directory) if not called(details) else "",
        closed_for=await page.services.years.closed_for(school.id, day),
        problems=problems,
    )


async def _read(page: Page, found: PupilDay) -> MisNow:
    """Return what the MIS has of all that stands; what was withdrawn is not looked for."""
    wanted = [
        Wanted(one.writeback.kind, one.record.record, one.writeback.created_at, one.what)
        for one in found.asked
        if one.is_latest and one.record.record and not one.record.erased
    ]
    return await page.services.mis_reads.of(page.caller, page.actor(), found.school_id, found.pupil, found.day, wanted)


async def _found(page: Page, school: str, text: str) -> Mapping[str, Mapping[str, Any]]:
    """Return whom a text may mean, by id: by an id for everybody, else for those who are shown names."""
    found: dict[str, Mapping[str, Any]] = {}
    if await page.services.pupil_days.knows(page.caller, school, text):
        found[text] = {}
    if page.caller.sees_names:
        found |= await page.services.people.search(page.caller, school, text)
    return found


async def _form(
    page: Page,
    given: Mapping[str, str],
    problems: Mapping[str, str],
    *,
    found: Mapping[str, Mapping[str, Any]] | None = None,
    day: date | None = None,
) -> Response:
    schools = await page.services.reports.schools(page.caller)
    return page.render(
        "pupils.html",
        title="Find a pupil",
        status=422 if problems else 200,
        schools=schools,
        given={"school": "", "pupil": "", "date": "", **given},
        problems=problems,
        found=None if found is None else _rows(found),
        more=max(0, len(found or ()) - MOST_SHOWN),
        day=day,
    )


def _rows(found: Mapping[str, Mapping[str, Any]]) -> Sequence[tuple[str, str, str, str]]:
    """Return id, name, class and UPN of those who are shown."""
    shown = list(found.items())[:MOST_SHOWN]
    return [(one, called(details), class_of(details), str(details.get("upn") or "")) for one, details in shown]


def _day(page: Page, text: str, problems: dict[str, str]) -> date:
    """Return the day that was typed; today, and what is wrong, where it is none."""
    today = page.times.local(page.now).date()
    try:
        return page.times.local(page.times.read(text, page.now)).date() if text else today
    except ValueError:
        problems["date"] = f"“{text[:40]}” is no day: write it like {EXAMPLES}."
        return today


def _path(page: Page, school: str, pupil: str, day: date) -> str:
    """Return the way to a pupil's day, within the console."""
    return page.url(f"/schools/{school}/pupil", pupil=pupil, date=day).removeprefix(ROOT)


def _why_no_name(page: Page, directory: str) -> str:
    """Return why the pupil is called by an id alone."""
    if not page.caller.sees_names:
        return "Your role sees ids alone."
    if directory != Directory.NAMED:
        return f"Names are not kept: the school’s directory is {directory}."
    return "Nobody of this id is on the school’s list with a name."
