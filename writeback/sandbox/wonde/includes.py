"""What a list of pupils or staff includes where it is asked to (7126-7175, 4546-4575): those parts that name people."""

from collections.abc import Collection
from typing import Final

from starlette.requests import Request

from writeback.sandbox.mis.roll import Person
from writeback.sandbox.mis.school import SandboxSchool
from writeback.sandbox.mis.timetable import Group, Lesson
from writeback.sandbox.wonde import record_rows, rows
from writeback.sandbox.wonde.access import Denied, bad_request
from writeback.sandbox.wonde.rows import Row

OF_STUDENTS: Final = ("classes", "education_details", "registration", "year")
OF_EMPLOYEES: Final = ("contact_details", "employment_details")
_PERMISSIONS: Final = {
    "classes": "classes.read",
    "registration": "groups.read",
    "year": "groups.read",
    "class": "classes.read",
}
"""Beside that of the list itself (3152, 6200)."""


def asked_for(request: Request, school: SandboxSchool, known: Collection[str]) -> frozenset[str]:
    """Return what the call includes. Raise Denied 403 for what the school does not share, which is a guess, and 400 for
    what this sandbox does not have."""
    wanted = frozenset(filter(None, request.query_params.get("include", "").split(",")))
    if unknown := sorted(wanted - set(known)):
        raise bad_request(f"include is {', '.join(unknown)}: this list has {', '.join(known)} here")
    for name in sorted(wanted):
        permission = _PERMISSIONS.get(name)
        if permission is not None and permission not in school.grants:
            raise Denied(403, "forbidden", f"Incorrect permissions: {permission} is not approved for {school.id}.")
    return wanted


def of_student(pupil: Person, group: Group, wanted: Collection[str]) -> Row:
    """Return the parts of a pupil (7308, 6174, 3131). The group is the only class: it is taught together here."""
    found = {
        "education_details": {
            "data": {
                "admission_number": pupil.admission_number,
                "upn": pupil.upn,
                "local_upn": None,
                "former_upn": None,
                "learner_number": None,
                "current_nc_year": str(group.year),
                "part_time": False,
            }
        },
        "registration": {"data": {**named(group), "type": "REGISTRATION", "notes": None}},
        "year": {"data": {**year_group(group.year), "type": "YEAR", "notes": None}},
        "classes": {"data": [{**named(group), "subject": None, "alternative": False}]},
    }
    return {name: part for name, part in found.items() if name in wanted}


def of_employee(person: Person, wanted: Collection[str]) -> Row:
    """Return the parts of a member of staff (4673, 3445)."""
    found = {
        "employment_details": {"data": {"teaching_staff": True, "current": True, "staff_code": person.code}},
        "contact_details": {
            "data": {
                "phones": {"phone": "01632960000", "primary": None, "home": "01632960000", "work": None},
                "emails": {"email": person.email, "primary": None, "home": None, "work": person.email},
                "addresses": {"home": {"street": "Lane Street", "town": "Cambridge"}},
            }
        },
    }
    return {name: part for name, part in found.items() if name in wanted}


def of_lesson(school: SandboxSchool, lesson: Lesson, wanted: Collection[str]) -> Row:
    """Return the parts of a lesson (6299), each in place of its id where it has one."""
    mis, room = school.mis, school.mis.lists.room(lesson.room)
    teacher = mis.staff.get(lesson.employee_id)
    found = {
        "class": {"data": {**named(lesson.group), "subject": None, "alternative": False}},
        "employee": {"data": rows.employee(teacher) if teacher else None},
        "period": {"data": rows.period(lesson.period, school.created_at)},
        "room": {"data": record_rows.room(room) if room else None},
    }
    return {name: part for name, part in found.items() if name in wanted}


def year_group(year: int) -> Row:
    """Return a year group; the simulated MIS has none of its own, so its id is made of the year's number."""
    return {
        "id": f"A{1_000_000 + year}",
        "mis_id": str(year),
        "name": str(year),
        "code": str(year),
        "description": f"Year {year}",
    }


def named(group: Group) -> Row:
    return {"id": group.id, "mis_id": group.id, "name": group.name, "code": group.name, "description": group.name}
