"""`/console/schools/{school}/settings`: what stands where a record is silent, the office's marks, the school's year."""

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.datastructures import UploadFile
from starlette.responses import Response

from writeback.console.page import Page, Pages
from writeback.console.presenters.school_settings import (
    countries,
    default_fields,
    given_defaults,
    late_registers,
    policies,
    stretch_rows,
)
from writeback.console.presenters.times import counted
from writeback.core.errors import InvalidSubmission
from writeback.domain.staff import Permission
from writeback.flow.schools.year_files import text_in

pages = Pages()

_LARGEST_FILE = 1_000_000
"""Bytes: a year has some dozens of rows."""


@pages.get("/schools/{school}/settings", needs=Permission.MANAGE)
async def show(page: Page) -> Response:
    """Show what the school's settings say."""
    return await _page(page)


@pages.post("/schools/{school}/settings", needs=Permission.MANAGE)
async def change(page: Page) -> Response:
    """Change what is added to records, what marks do that meet others, and whose codes it uses, together."""
    page.require_school(page.part("school"))
    given = given_defaults(page.field)
    changes = {
        "defaults": given,
        "office_marks": page.field("office_marks"),
        **{name: page.field(name) or None for name in ("late_registers", "country") if name in page.form},
    }
    try:
        await page.services.registry.patch(page.part("school"), changes, actor=page.actor())
    except InvalidSubmission as problem:
        return await _page(page, given=given, findings=problem.extra["findings"])
    return _back(page, "What its records do not say is as you have said from now on.")


@pages.post("/schools/{school}/settings/year", needs=Permission.MANAGE)
async def load_year(page: Page) -> Response:
    """Load the school's year from a file."""
    page.require_school(page.part("school"))
    file = page.form.get("file")
    data = await file.read(_LARGEST_FILE + 1) if isinstance(file, UploadFile) else b""
    if not data or len(data) > _LARGEST_FILE:
        said = "Choose a file." if not data else f"The file has more than {_LARGEST_FILE} bytes: a year has fewer."
        return await _page(page, year_errors=[said])
    try:
        loaded = await page.services.years.load(page.part("school"), text_in(data), page.actor())
    except InvalidSubmission as problem:
        return await _page(page, year_errors=[one["message"] for one in problem.extra["findings"]])
    said = f"{counted(len(loaded.stretches), 'entry', 'entries')} of its year loaded."
    if loaded.passed_over:
        return await _page(page, flash=said, passed_over=loaded.passed_over)
    return _back(page, said)


@pages.post("/schools/{school}/settings/year/forget", needs=Permission.MANAGE)
async def forget_year(page: Page) -> Response:
    """Forget the year that the school has given, once somebody has said that it is meant."""
    page.require_school(page.part("school"))
    view = await page.services.years.show(page.part("school"))
    if page.field("confirmed") and page.field("reason"):
        await page.services.years.put(view.school, [], page.actor(page.field("reason")))
        return _back(page, "Its year is forgotten. What its provider tells of closures is used on.")
    return page.confirm(
        title="Forget the year of this school?",
        count=len(view.stretches),
        noun="entry is forgotten" if len(view.stretches) == 1 else "entries are forgotten",
        what="No day is taken for one without pupils any more, but for what its provider tells.",
        action=f"/schools/{view.school}/settings/year/forget",
        button="Forget it",
        back=f"/schools/{view.school}/settings",
        danger=True,
        error="Say why." if page.field("confirmed") else "",
    )


async def _page(
    page: Page,
    *,
    given: Mapping[str, Mapping[str, str]] | None = None,
    findings: Sequence[Mapping[str, Any]] = (),
    year_errors: Sequence[str] = (),
    passed_over: Sequence[str] = (),
    flash: str = "",
) -> Response:
    page.require_school(page.part("school"))
    view = await page.services.registry.get(page.part("school"))
    _, kinds = await page.services.features.of(view.id)
    year = await page.services.years.show(view.id)
    errors = {one["pointer"].removeprefix("/defaults/").replace("/", "."): one["message"] for one in findings}
    said = {"flash": {"text": flash, "tone": "ok"}} if flash else {}
    return page.render(
        "school_settings.html",
        title=f"Settings of {view.name}",
        status=422 if findings or year_errors else 200,
        school=view,
        groups=default_fields(view.defaults if given is None else given, kinds, errors),
        policies=policies(),
        policy=page.field("office_marks") or view.office_marks,
        late=late_registers(),
        late_choice=page.field("late_registers") or view.late_registers,
        countries=countries(),
        country=page.field("country") or view.country or "",
        stretches=stretch_rows(year),
        has_own_year=bool(year.stretches),
        year_errors=year_errors,
        passed_over=passed_over,
        **said,
    )


def _back(page: Page, flash: str) -> Response:
    return page.redirect(f"/schools/{page.part('school')}/settings", flash=flash)
