"""Wonde's GET calls for conduct, detentions and absences."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol, TypeVar

from starlette.requests import Request
from starlette.responses import Response

from writeback.sandbox.http import answer, entry_of
from writeback.sandbox.mis.absences import EmployeeAbsence, StudentAbsence
from writeback.sandbox.mis.detentions import Detention, HeldEntry
from writeback.sandbox.mis.incidents import Category, Incident
from writeback.sandbox.mis.mis import Mis
from writeback.sandbox.mis.timetable import LONDON
from writeback.sandbox.wonde import record_rows, rows
from writeback.sandbox.wonde.access import not_found, school_for
from writeback.sandbox.wonde.lists import calendar_day, instant, is_within, listing, updated_between
from writeback.sandbox.wonde.rows import Row


class _Stamped(Protocol):
    id: str
    updated_at: datetime


T = TypeVar("T", bound=_Stamped)
Parts = Mapping[str, Callable[[], Any]]
"""What `include` may ask for, by name."""


async def incidents(request: Request, *, category: Category) -> Response:
    """List achievements (1187) or behaviours (2627). `…_date_after` excludes its own day, as for attendance."""
    mis = school_for(request, f"{category}.read").mis
    name = "incident_date" if category == "behaviour" else "achievement_date"
    after, before = calendar_day(request, f"{name}_after"), calendar_day(request, f"{name}_before")
    mis_id = request.query_params.get("mis_id")
    found = [
        row
        for row in mis.conduct.rows(category)
        if (after is None or row.day > after) and (before is None or row.day < before) and mis_id in (None, row.mis_id)
        # Every incident has pupils, and who recorded it: `has_students` and `has_employees` leave none out.
    ]
    return _list(request, found, lambda row: _incident(request, row, mis), includes=("students", "employees"))


async def one_incident(request: Request, *, category: Category) -> Response:
    mis = school_for(request, f"{category}.read").mis
    return _one(request, mis.conduct.by_category[category], lambda row: _incident(request, row, mis))


async def detentions(request: Request) -> Response:
    """List detentions (3706)."""
    mis, query = school_for(request, "detentions.read").mis, request.query_params
    after, before = instant(request, "detentions_start_after"), instant(request, "detentions_start_before")

    def fits(row: Detention) -> bool:
        start = row.start_at.replace(tzinfo=LONDON).astimezone(UTC)
        return (
            (after is None or start > after)
            and (before is None or start < before)
            and query.get("detention_type") in (None, row.type.id)
            and query.get("room") in (None, row.terms.room.id if row.terms.room else None)
            and query.get("attended_by_employee") in (None, row.terms.supervisor_id)
            and ("has_students" not in query or bool(row.entries))
        )

    found = [row for row in mis.detentions.by_id.values() if fits(row)]
    includes = ("detention_type", "room", "attended_by_employee", "attendances", "attendances.student")
    return _list(request, found, lambda row: _detention(request, row, mis), includes=includes)


async def one_detention(request: Request) -> Response:
    mis = school_for(request, "detentions.read").mis
    return _one(request, mis.detentions.by_id, lambda row: _detention(request, row, mis))


async def detention_attendances(request: Request) -> Response:
    """List the pupils' entries of all detentions (4016)."""
    mis, query = school_for(request, "attendance-detentions.read").mis, request.query_params
    after, before = calendar_day(request, "detention_date_after"), calendar_day(request, "detention_date_before")

    def fits(row: HeldEntry) -> bool:
        held, entry = mis.detentions.by_id[row.detention_id], row.entry
        code = entry.attendance.id if entry.attendance else None
        return (
            (after is None or held.start_at.date() > after)
            and (before is None or held.start_at.date() < before)
            and query.get("student") in (None, entry.student_id)
            and query.get("recorded_by_employee") in (None, entry.recorded_by)
            and query.get("behaviour") in (None, entry.behaviour_id)
            and query.get("detention") in (None, row.detention_id)
            and query.get("detention_attendance_code") in (None, code)
        )

    found = [row for row in mis.detentions.entries() if fits(row)]
    includes = ("detention", "student", "recorded_by_employee", "behaviour", "behaviour_type")
    return _list(request, found, lambda row: _attendance(request, row, mis), includes=includes)


async def one_detention_attendance(request: Request) -> Response:
    mis = school_for(request, "attendance-detentions.read").mis
    held = {row.id: row for row in mis.detentions.entries()}
    return _one(request, held, lambda row: _attendance(request, row, mis))


async def student_absences(request: Request) -> Response:
    """List pupils' absences (8341). One that has no end fits no filter of ends."""
    mis, student = school_for(request, "student-absences.read").mis, request.query_params.get("student")
    found = [
        row
        for row in mis.absences.of_students.values()
        if student in (None, row.says.student_id)
        and is_within(request, "absence_start_at", row.says.start_at)
        and is_within(request, "absence_end_at", None)
    ]
    return _list(request, found, lambda row: _student_absence(request, row, mis), includes=None)


async def one_student_absence(request: Request) -> Response:
    mis = school_for(request, "student-absences.read").mis
    return _one(request, mis.absences.of_students, lambda row: _student_absence(request, row, mis))


async def employee_absences(request: Request) -> Response:
    """List the absences of staff (5183)."""
    mis, employee = school_for(request, "employees-absence.read").mis, request.query_params.get("employee")
    found = [
        row
        for row in mis.absences.of_staff.values()
        if employee in (None, row.says.employee_id)
        and is_within(request, "absence_start_at", row.says.start_at)
        and is_within(request, "absence_end_at", row.says.end_at)
    ]
    return _list(request, found, lambda row: _employee_absence(request, row, mis), includes=None)


async def one_employee_absence(request: Request) -> Response:
    mis = school_for(request, "employees-absence.read").mis
    return _one(request, mis.absences.of_staff, lambda row: _employee_absence(request, row, mis))


def _list(
    request: Request, found: Sequence[T], render: Callable[[T], Row], *, includes: Sequence[str] | None
) -> Response:
    return listing(request, updated_between(request, found, lambda row: row.updated_at), render, includes=includes)


def _one(request: Request, held: Mapping[str, T], render: Callable[[T], Row]) -> Response:
    row = held.get(request.path_params["id"])
    if row is None:
        raise not_found(str(request.path_params["id"]))
    entry_of(request).effect = "read"
    return answer({"data": render(row)})


def _with(request: Request, row: Row, parts: Parts) -> Row:
    """Return the row with what `include` asks for, each under `data` (4378): in place of its id where it has one."""
    wanted = {name for name in request.query_params.get("include", "").split(",") if name in parts}
    return {**row, **{name: {"data": parts[name]()} for name in wanted}}


def _incident(request: Request, row: Incident, mis: Mis) -> Row:
    staff = [row.details.recorded_by or "", *row.staff]
    parts: Parts = {"students": lambda: _pupils(mis, row.pupils), "employees": lambda: _staff(mis, staff)}
    return _with(request, record_rows.incident(row, mis), parts)


def _detention(request: Request, row: Detention, mis: Mis) -> Row:
    def attendances() -> list[Row]:
        found = []
        for held in row.entries.values():
            shown = record_rows.detention_attendance(held)
            if "attendances.student" in request.query_params.get("include", ""):
                shown["student"] = {"data": _pupil(mis, held.entry.student_id)}
            found.append(shown)
        return found

    parts: dict[str, Callable[[], Any]] = {
        "attendances": attendances,
        "detention_type": lambda: record_rows.detention_type(row.type),
        "attended_by_employee": lambda: _member(mis, row.terms.supervisor_id),
    }
    if (room := row.terms.room) is not None:
        parts["room"] = lambda: record_rows.room(room)
    return _with(request, record_rows.detention(row), parts)


def _attendance(request: Request, row: HeldEntry, mis: Mis) -> Row:
    entry = row.entry
    behaviour = mis.conduct.get("behaviour", entry.behaviour_id or "")
    parts: Parts = {
        "detention": lambda: record_rows.detention(mis.detentions.by_id[row.detention_id]),
        "student": lambda: _pupil(mis, entry.student_id),
        "recorded_by_employee": lambda: _member(mis, entry.recorded_by),
        "behaviour": lambda: record_rows.incident(behaviour, mis) if behaviour else None,
        "behaviour_type": lambda: record_rows.attribute(entry.behaviour_type) if entry.behaviour_type else None,
    }
    return _with(request, record_rows.detention_attendance(row), parts)


def _student_absence(request: Request, row: StudentAbsence, mis: Mis) -> Row:
    parts: Parts = {
        "student": lambda: _pupil(mis, row.says.student_id),
        "authorised_by": lambda: _member(mis, row.says.authorised_by),
    }
    return _with(request, record_rows.student_absence(row), parts)


def _employee_absence(request: Request, row: EmployeeAbsence, mis: Mis) -> Row:
    parts: Parts = {"employee": lambda: _member(mis, row.says.employee_id)}
    return _with(request, record_rows.employee_absence(row), parts)


def _pupils(mis: Mis, ids: Iterable[str]) -> list[Row]:
    return [rows.student(mis.pupils[student]) for student in ids if student in mis.pupils]


def _staff(mis: Mis, ids: Iterable[str]) -> list[Row]:
    return [rows.employee(mis.staff[member]) for member in dict.fromkeys(ids) if member in mis.staff]


def _pupil(mis: Mis, student_id: str) -> Row | None:
    return next(iter(_pupils(mis, [student_id])), None)


def _member(mis: Mis, employee_id: str | None) -> Row | None:
    return next(iter(_staff(mis, [employee_id or ""])), None)
