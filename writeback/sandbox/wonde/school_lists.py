"""Wonde's lists about how a school is made up: classes (3020), groups (6072), subjects (8631), counts (4375).

The simulated MIS has registration groups alone, which are taught together: each is a group and a class. Its years are
groups too.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from writeback.sandbox.http import answer, entry_of
from writeback.sandbox.mis.school import SandboxSchool
from writeback.sandbox.mis.timetable import SUBJECTS, Group
from writeback.sandbox.wonde import rows
from writeback.sandbox.wonde.access import bad_request, not_found, school_for
from writeback.sandbox.wonde.includes import named, year_group
from writeback.sandbox.wonde.lists import listing, updated_between

GROUP_INCLUDES: Final = ("students", "employees")
CLASS_INCLUDES: Final = ("subject", "students", "employees")
Row = rows.Row
_COUNTS: Final[dict[str, Callable[[SandboxSchool], int]]] = {
    "students": lambda school: len(school.mis.pupils),
    "employees": lambda school: len(school.mis.staff),
    "behaviours": lambda school: len(list(school.mis.conduct.rows("behaviour"))),
    "achievements": lambda school: len(list(school.mis.conduct.rows("achievement"))),
    "rooms": lambda school: len(school.mis.lists.rooms),
    "subjects": lambda school: len(SUBJECTS),
    "lessons": lambda school: len(school.mis.timetable.by_id),
    "periods": lambda school: len(school.mis.timetable.periods),
    "groups": lambda school: len(school.mis.timetable.groups),
    "classes": lambda school: len(school.mis.timetable.groups),
    "detentions": lambda school: len(school.mis.detentions.by_id),
}
"""What is counted here, of what the document names (4425)."""


async def classes(request: Request) -> Response:
    """List the classes; `class_name` is exact (3107)."""
    school = school_for(request, "classes.read")
    wanted, name = _asked_for(request, CLASS_INCLUDES), request.query_params.get("class_name")
    found = [group for group in _changed(request, school) if name in (None, group.name)]
    return listing(request, found, lambda row: _class(school, row, wanted), includes=CLASS_INCLUDES)


async def one_class(request: Request) -> Response:
    school = school_for(request, "classes.read")
    return _one(request, _class(school, _group_in_path(request, school), _asked_for(request, CLASS_INCLUDES)))


async def groups(request: Request) -> Response:
    """List the registration groups and the years, or those of one `type` (6156)."""
    school, type_ = school_for(request, "groups.read"), request.query_params.get("type")
    wanted = _asked_for(request, GROUP_INCLUDES)
    found = [_registration(school, group, wanted) for group in _changed(request, school)]
    found += [_year(school, year, wanted) for year in sorted({group.year for group in school.mis.timetable.groups})]
    shown = [row for row in found if type_ in (None, row["type"])]
    return listing(request, shown, lambda row: row, includes=GROUP_INCLUDES)


async def one_group(request: Request) -> Response:
    school = school_for(request, "groups.read")
    return _one(request, _registration(school, _group_in_path(request, school), _asked_for(request, GROUP_INCLUDES)))


async def subjects(request: Request) -> Response:
    school = school_for(request, "classes.read")
    return listing(request, list(enumerate(SUBJECTS)), lambda row: _subject(school, *row))


async def counts(request: Request) -> Response:
    """Count what `include` names; nothing without it."""
    school = school_for(request)
    wanted = _asked_for(request, tuple(_COUNTS))
    entry_of(request).effect = "read"
    shown = {name: {"data": {"count": _COUNTS[name](school)}} for name in wanted}
    return answer({"data": shown, "meta": {"includes": list(_COUNTS)}})


def _asked_for(request: Request, known: Sequence[str]) -> list[str]:
    """Return what the call includes; raise Denied 400 for what this sandbox does not have."""
    wanted = [one for one in request.query_params.get("include", "").split(",") if one]
    if unknown := sorted(set(wanted) - set(known)):
        raise bad_request(f"include is {', '.join(unknown)}: this list has {', '.join(known)} here")
    return wanted


def _changed(request: Request, school: SandboxSchool) -> list[Group]:
    return updated_between(request, school.mis.timetable.groups, lambda row: school.created_at)


def _group_in_path(request: Request, school: SandboxSchool) -> Group:
    wanted = request.path_params["id"]
    found = next((group for group in school.mis.timetable.groups if group.id == wanted), None)
    if found is None:
        raise not_found(wanted)
    return found


def _class(school: SandboxSchool, group: Group, wanted: Sequence[str]) -> Row:
    members = {**_members(school, [group], wanted), **({"subject": {"data": None}} if "subject" in wanted else {})}
    return {**named(group), "subject": None, "alternative": False, **_stamps(school), **members}


def _registration(school: SandboxSchool, group: Group, wanted: Sequence[str]) -> Row:
    members = _members(school, [group], wanted)
    return {**named(group), "type": "REGISTRATION", "notes": None, **_stamps(school), **members}


def _year(school: SandboxSchool, year: int, wanted: Sequence[str]) -> Row:
    members = _members(school, [group for group in school.mis.timetable.groups if group.year == year], wanted)
    return {**year_group(year), "type": "YEAR", "notes": None, **_stamps(school), **members}


def _members(school: SandboxSchool, of: Sequence[Group], wanted: Sequence[str]) -> dict[str, Any]:
    mis = school.mis
    pupils = [rows.student(mis.pupils[one]) for group in of for one in group.student_ids if one in mis.pupils]
    staff = [rows.employee(mis.staff[group.tutor_id]) for group in of if group.tutor_id in mis.staff]
    return {name: {"data": found} for name, found in (("students", pupils), ("employees", staff)) if name in wanted}


def _subject(school: SandboxSchool, place: int, subject: tuple[str, str]) -> Row:
    code, name = subject
    return {
        "id": f"A{1_100_000 + place}",
        "mis_id": place,
        "code": code,
        "name": name,
        "active": True,
        **_stamps(school),
    }


def _stamps(school: SandboxSchool) -> Row:
    at = rows.moment(school.created_at)
    return {"restored_at": None, "created_at": at, "updated_at": at}


def _one(request: Request, row: Row) -> Response:
    entry_of(request).effect = "read"
    return answer({"data": row})
