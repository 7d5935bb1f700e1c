"""`/console/schools/{school}/people`: what is kept of one pupil or member of staff, given out or erased."""

from starlette.responses import Response

from writeback.console.page import Page, Pages
from writeback.core.errors import BadInput, Conflict
from writeback.domain.data_subject import Person, Role
from writeback.domain.staff import Permission
from writeback.flow.data_subjects.data_subjects import person_of
from writeback.flow.data_subjects.places import PLACES
from writeback.flow.data_subjects.readable import archive_of

pages = Pages()

_ROLES = ((Role.STUDENT.value, "Pupil"), (Role.EMPLOYEE.value, "Member of staff"))
_FIELDS = ("role", "person", "names")


@pages.get("/schools/{school}/people", needs=Permission.MANAGE)
async def ask(page: Page) -> Response:
    """Ask who is meant, and why."""
    return await _form(page)


@pages.post("/schools/{school}/people/export", needs=Permission.MANAGE)
async def export(page: Page) -> Response:
    """Give out all that is kept of the person, as a file."""
    try:
        found = await page.services.data_subjects.export(_person(page), page.actor(page.field("reason")))
    except (BadInput, Conflict) as problem:
        return await _form(page, problem)
    headers = {"Content-Disposition": 'attachment; filename="export.zip"', "Cache-Control": "no-store"}
    return Response(archive_of(found), media_type="application/zip", headers=headers)


@pages.post("/schools/{school}/people/erase", needs=Permission.MANAGE)
async def erase(page: Page) -> Response:
    """Ask, then erase the person, and say what is left."""
    try:
        person = _person(page)
        if not (page.field("confirmed") and page.field("reason")):
            return _confirm(page, "Say why." if page.field("confirmed") else "")
        done = await page.services.data_subjects.erase(person, page.actor(page.field("reason")))
    except (BadInput, Conflict) as problem:
        return await _form(page, problem)
    school = await page.services.registry.get(page.part("school"))
    where = {place.name: place.holds for place in PLACES}
    return page.render("erased.html", title="What was erased", done=done, school=school, where=where)


def _person(page: Page) -> Person:
    page.require_school(page.part("school"))
    given = page.field("person")
    student, employee = (given, None) if page.field("role") == Role.STUDENT else (None, given)
    return person_of(page.part("school"), student, employee, page.field("names").splitlines())


def _confirm(page: Page, error: str) -> Response:
    school = page.part("school")
    return page.confirm(
        title="Erase this person?",
        count=1,
        noun="pupil" if page.field("role") == Role.STUDENT else "member of staff",
        what="All that is kept of them in this school goes: records, comments, rows of files, messages. States and "
        "counts stay. What is on its way stays, and is named. It cannot be brought back.",
        action=f"/schools/{school}/people/erase",
        button="Erase them",
        back=f"/schools/{school}/people",
        fields={name: page.field(name) for name in _FIELDS},
        danger=True,
        error=error,
    )


async def _form(page: Page, problem: BadInput | Conflict | None = None) -> Response:
    page.require_school(page.part("school"))
    return page.render(
        "people.html",
        title="One person",
        status=problem.status if problem else 200,
        school=await page.services.registry.get(page.part("school")),
        roles=_ROLES,
        given={name: page.field(name) for name in (*_FIELDS, "reason")},
        error=f"{problem.detail[0].upper()}{problem.detail[1:]}. {problem.hint}" if problem else "",
    )
