"""`/console/reports`: what is not in the MIS at the end of a session, for a school and a day; as a page and as CSV."""

from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta

from starlette.responses import Response

from writeback.batches.csv_files import csv_line
from writeback.console.page import Page, Pages
from writeback.console.presenters.words import cause_words, hold_words, kind_words, status_badge
from writeback.core.errors import BadInput, NotFound
from writeback.flow.directory.names_shown import Look, Names
from writeback.flow.projections.reports import Apart, Missing, Part, Report

pages = Pages()

_PARTS = {
    "": ("The whole day", tuple(Part)),
    "AM": ("Morning session", (Part.AM,)),
    "PM": ("Afternoon session", (Part.PM,)),
    "lessons": ("Lessons", (Part.LESSONS,)),
    "other": ("Incidents, detentions, absences", (Part.OTHER,)),
}
_SHOWN = 250
"""Records on the page; the CSV has all of them."""
_COLUMNS = (
    "school",
    "date",
    "pupil id",
    "session or lesson",
    "mark",
    "state",
    "why",
    "what to do",
    "mark in the MIS",
    "app",
    "register",
    "accepted at",
    "writeback",
    "the provider says",
    "kept apart as",
)
_APART = {
    Apart.FAILED: ("Failed", "bad"),
    Apart.DIFFERS: ("The MIS differs, or somebody has to decide", "warn"),
    Apart.AWAITED: ("With the provider, no evidence yet", "busy"),
    Apart.WAITS: ("Not sent yet", "wait"),
}


@pages.get("/reports")
async def show(page: Page) -> Response:
    """Show the report that is asked for, or the form that asks."""
    schools = await page.services.reports.schools(page.caller)
    problem, report, closed_for = "", None, None
    if page.query("school") or page.query("date"):
        try:
            report = await _report(page)
            closed_for = await page.services.years.closed_for(report.school_id, report.day)
        except (BadInput, NotFound) as error:
            problem = error.detail
    shown = report.missing[:_SHOWN] if report else ()
    return page.render(
        "reports.html",
        title=f"Not in the MIS: {report.school}, {_day(report.day)}" if report else "Reports",
        status=422 if problem else 200,
        schools=[("", "Choose a school"), *schools],
        parts=[(value, words) for value, (words, _) in _PARTS.items()],
        day=page.query("date") or f"{page.times.local(page.now).date()}",
        part_words=_PARTS[_part(page)][0].lower(),
        problem=problem,
        report=report,
        closed_for=closed_for,
        shown=shown,
        apart=_apart(report) if report else (),
        people=await _names(page, report, shown) if report else Names(),
        day_words=_day(report.day) if report else "",
        why=_why,
        what=_what,
    )


@pages.get("/reports/missing.csv")
async def as_csv(page: Page) -> Response:
    """Send the report as CSV in which no cell can be taken for a formula; that it was sent is written down."""
    report = await _report(page)
    audit, subject = page.services.corrections.audit, f"{report.school_id} {report.day}"
    await audit.note_shown(page.actor(), "report", subject, app=None, school=report.school_id)
    lines = [csv_line(_COLUMNS), *(csv_line(_cells(page, report, one)) for one in report.missing)]
    name = f"not-in-mis-{report.school_id}-{report.day}{'-' + _part(page) if _part(page) else ''}.csv"
    return Response(
        # With the mark that has spreadsheets read it as UTF-8.
        "\ufeff" + "".join(lines),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _apart(report: Report) -> Sequence[tuple[Apart, str, str, int]]:
    """Return what is kept apart, with words, a tone and how many records; what there is none of is left out."""
    counts = Counter(one.apart for one in report.missing)
    return [(apart, *_APART[apart], counts[apart]) for apart in Apart if counts[apart]]


async def _report(page: Page) -> Report:
    """Return the report; raise BadInput for a date that is none, NotFound for a school that is not to be seen."""
    day, school = _date(page.query("date")), page.query("school")
    if not school:
        raise BadInput("school_missing", "choose a school")
    page.require_school(school)
    begins, ends = page.times.midnight_of(day), page.times.midnight_of(day + timedelta(days=1))
    return await page.services.reports.missing(page.caller, school, day, _PARTS[_part(page)][1], begins, ends)


async def _names(page: Page, report: Report, shown: Sequence[Missing]) -> Names:
    """Return what the pupils on the page are called; that they were shown is written down."""
    look = Look("people.show", f"report {report.day}", {"writebacks": sorted({one.writeback_id for one in shown})})
    pupils = {pupil for one in shown for pupil in one.pupils}
    return await page.services.names.of(page.caller, report.school_id, look, pupils=pupils)


def _date(text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise BadInput("date_invalid", f"{text[:20]!r} is no date: write it like 2026-01-12") from None
    if not 2000 <= day.year <= 2100:
        raise BadInput("date_invalid", f"{day} is not a date of this century")
    return day


def _part(page: Page) -> str:
    return page.query("part") if page.query("part") in _PARTS else ""


def _day(day: date) -> str:
    return f"{day:%A} {day.day} {day:%B %Y}"


def _what(one: Missing) -> str:
    if one.part in (Part.AM, Part.PM):
        return one.what
    return f"Lesson {one.what}" if one.part is Part.LESSONS else kind_words(one.what)


def _why(one: Missing) -> str:
    """Return why it is not there, in words."""
    if one.why:
        return one.why
    if one.hold_reason:
        return hold_words(one.hold_reason)
    return status_badge(one.status).meaning or cause_words(one.status)


def _cells(page: Page, report: Report, one: Missing) -> Sequence[str]:
    return (
        report.school,
        report.day.isoformat(),
        ", ".join(one.pupils),
        _what(one),
        one.code,
        status_badge(one.status).words,
        _why(one),
        one.hint,
        one.in_mis,
        one.app,
        one.ref,
        f"{page.times.local(one.accepted_at):%Y-%m-%d %H:%M}",
        one.writeback_id,
        one.words,
        one.apart.value,
    )
