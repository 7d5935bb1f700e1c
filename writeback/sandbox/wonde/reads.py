"""Wonde's GET calls."""

from datetime import UTC, date, datetime, timedelta
from functools import partial

from starlette.requests import Request
from starlette.responses import Response

from writeback.sandbox.http import answer, base_url, entry_of, sandbox_of
from writeback.sandbox.mis.codes import dfe_codes
from writeback.sandbox.mis.mis import Mark, Slot
from writeback.sandbox.mis.roll import Person
from writeback.sandbox.mis.school import WONDE_PERMISSIONS, SandboxSchool
from writeback.sandbox.mis.timetable import LONDON, Lesson
from writeback.sandbox.wonde import includes, rows
from writeback.sandbox.wonde.access import not_found, school_for, schools_for
from writeback.sandbox.wonde.includes import asked_for
from writeback.sandbox.wonde.lists import calendar_day, instant, listing, updated_between

LESSON_INCLUDES = ("class", "employee", "period", "room")


async def schools(request: Request, *, state: str = "approved") -> Response:
    """List the schools in one state (266, 371, 477, 582, 691, 796, 896); without one, the approved."""
    shown = [
        rows.school(school, base_url(request))
        for school in updated_between(request, schools_for(request), lambda row: row.created_at)
        if _is_in_state(school, state)
    ]
    return listing(request, [row for row in shown if _is_asked_for(request, row)], lambda row: row)


async def one_school(request: Request) -> Response:
    return _one(request, rows.school(school_for(request), base_url(request)))


async def school_meta(request: Request) -> Response:
    """Answer what 972 shows."""
    school = school_for(request)
    return _one(
        request,
        {
            "online": school.is_online,
            "approved": school.access == "approved",
            "audited": school.is_audited,
            "custom_attendance_codes": school.has_custom_codes,
        },
    )


async def permissions(request: Request) -> Response:
    """Answer every permission, approved or not (996)."""
    school = school_for(request)
    known = sorted(set(WONDE_PERMISSIONS) | school.grants)
    return _one(request, [_permission(school, identity) for identity in known])


async def students(request: Request) -> Response:
    school = school_for(request, "students.read")
    people = [pupil for pupil in school.mis.pupils.values() if pupil.id not in school.left_out]
    wanted = asked_for(request, school, includes.OF_STUDENTS)
    found = updated_between(request, people, lambda row: row.updated_at)
    groups = {group.id: group for group in school.mis.timetable.groups}
    return listing(
        request,
        found,
        lambda row: {**rows.student(row), **includes.of_student(row, groups[row.group_id], wanted)},
        includes=includes.OF_STUDENTS,
    )


async def one_student(request: Request) -> Response:
    return _one(request, rows.student(_person(request, school_for(request, "students.read").mis.pupils)))


async def employees(request: Request) -> Response:
    school = school_for(request, "employees.read")
    people = [person for person in school.mis.staff.values() if person.id not in school.left_out]
    wanted = asked_for(request, school, includes.OF_EMPLOYEES)
    found = updated_between(request, people, lambda row: row.updated_at)
    return listing(
        request,
        found,
        lambda row: {**rows.employee(row), **includes.of_employee(row, wanted)},
        includes=includes.OF_EMPLOYEES,
    )


async def one_employee(request: Request) -> Response:
    return _one(request, rows.employee(_person(request, school_for(request, "employees.read").mis.staff)))


async def lessons(request: Request) -> Response:
    """List the lessons of one academic week (6230): that of `lessons_start_after`, else of the end, else this one."""
    school = school_for(request, "lessons.read")
    sandbox_of(request).keep_timetable(school)
    after, before = instant(request, "lessons_start_after"), instant(request, "lessons_start_before")
    anchor = after or (before - timedelta(microseconds=1) if before else None)
    found = [
        lesson
        for day in _week_of(anchor.date() if anchor else sandbox_of(request).today())
        for lesson in school.mis.timetable.on(day)
        if (after is None or _starts_at(lesson) > after) and (before is None or _starts_at(lesson) < before)
    ]
    found = updated_between(request, found, lambda row: row.updated_at)
    wanted = asked_for(request, school, LESSON_INCLUDES)
    return listing(
        request,
        found,
        lambda row: {**_lesson(school, row), **includes.of_lesson(school, row, wanted)},
        includes=LESSON_INCLUDES,
    )


async def one_lesson(request: Request) -> Response:
    school = school_for(request, "lessons.read")
    lesson = school.mis.timetable.by_id.get(request.path_params["id"])
    if lesson is None:
        raise not_found(f"Lesson {request.path_params['id']}")
    return _one(request, _lesson(school, lesson))


async def periods(request: Request) -> Response:
    school = school_for(request, "lessons.read")
    return listing(request, school.mis.timetable.periods, partial(rows.period, made_at=school.created_at))


async def national_codes(request: Request) -> Response:
    schools_for(request)
    return listing(request, [code for code in dfe_codes() if code.is_active], rows.attendance_code, includes=None)


async def attendance_codes(request: Request) -> Response:
    """List the school's own codes, or the DfE's (2427). Disabled ones are left out: the object has no flag."""
    codes = school_for(request, "attendance.read").mis.codes.values()
    return listing(request, [code for code in codes if code.is_active], rows.attendance_code, includes=None)


async def attendance(request: Request, *, kind: str) -> Response:
    """List session or lesson marks. `attendance_date_after` and `…_before` exclude their own day: "entries after
    date" (2117) is taken at its word."""
    school = school_for(request, "attendance.read")
    after, before = calendar_day(request, "attendance_date_after"), calendar_day(request, "attendance_date_before")
    student = request.query_params.get("student")
    found = [
        (slot, mark)
        for day in sorted(school.mis.marks)
        if (after is None or day > after) and (before is None or day < before)
        for slot, mark in school.mis.marks[day].items()
        if slot.kind == ("S" if kind == "session" else "L") and student in (None, slot.student_id)
    ]
    ids = {code.code: code.id for code in sorted(school.mis.codes.values(), key=lambda code: code.is_active)}

    def render(row: tuple[Slot, Mark]) -> rows.Row:
        return rows.mark(row[0], row[1], ids[row[1].code])

    return listing(request, updated_between(request, found, lambda row: row[1].updated_at), render)


async def deletions(request: Request) -> Response:
    wanted = request.query_params.get("type")
    found = [row for row in school_for(request).mis.deletions if wanted in (None, row.type)]
    return listing(request, updated_between(request, found, lambda row: row.at), rows.deletion)


async def writeback(request: Request) -> Response:
    """Answer how a writeback stands (8744)."""
    write = sandbox_of(request).writes.get(request.path_params["id"])
    if write is None or write.school not in schools_for(request) or write.school.provider != "wonde":
        raise not_found(f"Writeback {request.path_params['id']}")
    return _one(request, rows.writeback(write))


def _one(request: Request, row: rows.Row | list[rows.Row]) -> Response:
    entry_of(request).effect = "read"
    return answer({"data": row})


def _lesson(school: SandboxSchool, lesson: Lesson) -> rows.Row:
    room = school.mis.lists.room(lesson.room)
    return rows.lesson(lesson, room.id if room else None)


def _person(request: Request, people: dict[str, Person]) -> Person:
    person = people.get(request.path_params["id"])
    if person is None:
        raise not_found(f"{request.path_params['id']}")
    return person


def _is_in_state(school: SandboxSchool, wanted: str) -> bool:
    match wanted:
        case "all":
            return True
        case "offline":
            return school.access == "approved" and not school.is_online
        case "audited":
            return school.access == "approved" and school.is_audited
        case _:
            return school.access == wanted


def _is_asked_for(request: Request, school: rows.Row) -> bool:
    """Whether a school fits `la_code`, `establishment_number`, `urn` and the search string `postcode` (367-369)."""
    query = request.query_params
    exact = ("la_code", "establishment_number", "urn")
    return all(query.get(name) in (None, str(school[name])) for name in exact) and (
        query.get("postcode", "").replace(" ", "").upper() in school["address"]["address_postcode"].replace(" ", "")
    )


def _permission(school: SandboxSchool, identity: str) -> rows.Row:
    subject, _, action = identity.partition(".")
    return {
        "identity": identity,
        "name": f"{subject.title()} {action}",
        "description": f"{action.title()} {subject} data",
        "parent": None,
        "group": subject.title(),
        "active_from": rows.moment(school.created_at),
        "optional": False,
        "approved": school.access == "approved" and identity in school.grants,
        "audited": school.is_audited,
    }


def _week_of(day: date) -> list[date]:
    monday = day - timedelta(days=day.weekday())
    return [monday + timedelta(days=offset) for offset in range(7)]


def _starts_at(lesson: Lesson) -> datetime:
    return lesson.start.replace(tzinfo=LONDON).astimezone(UTC)
