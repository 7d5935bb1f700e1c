"""Xporter's reads of conduct: the lookups to write with (7406), achievements (475) and behaviour (3004) by date."""

from collections.abc import Callable, Iterable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from writeback.sandbox.mis.incidents import Incident, Participant, StaffPart
from writeback.sandbox.mis.lists import Attribute
from writeback.sandbox.mis.roll import Person
from writeback.sandbox.mis.school import SandboxSchool
from writeback.sandbox.xporter import lookups
from writeback.sandbox.xporter.access import XporterError, is_set, parameters, school_for
from writeback.sandbox.xporter.conduct_validation import CATEGORIES
from writeback.sandbox.xporter.fields import query_day
from writeback.sandbox.xporter.tables import Row, hashed, stamp, tables

SCOPE = "Conduct"
COMMENTS_SCOPE = "ConductComments"
"""Needed for the column `Description` alone (501)."""
NAMES = {
    "Ach": ("Achievements", "StudentAchievements", "StaffAchievements", "AchievementId", "AchievementType"),
    "Beh": ("Behaviour", "StudentBehaviour", "StaffBehaviour", "BehaviourId", "BehaviourType"),
}
"""The tables, and the two columns that are named after the kind. The sample's `achievementfordaterange` (627) is one
more name of the first; the text (488) and old public clients say `Achievements`."""


async def conduct_lookups(request: Request) -> Response:
    """Answer `ConductTypes` and `ConductLookups`; inactive ones when `includeInactive` is set."""
    school, given = school_for(request, SCOPE), parameters(request)
    kind = given.get("conducttype", "")
    if kind not in ("", "Ach", "Beh"):
        raise XporterError(f"Invalid conductType provided: {kind}")
    since, with_inactive = query_day(given, "updatedSince"), is_set(given, "includeInactive")

    def wanted(rows: Iterable[Attribute]) -> list[Attribute]:
        return [
            row for row in rows if (row.is_active or with_inactive) and (since is None or row.updated_at.date() > since)
        ]

    types = [
        _type_row(name, row)
        for name, (list_, type_) in lookups.TYPES.items()
        if kind in ("", name)
        for row in wanted(school.mis.lists.of(list_, type_))
    ]
    rows = [
        lookups.row_of(name, row)
        for name in lookups.OF_CONDUCT
        if not kind or name.startswith(kind) or name == "StfRole"
        for row in wanted(lookups.rows(school, name))
    ]
    return tables(request, {"ConductTypes": types, "ConductLookups": rows})


async def achievements(request: Request) -> Response:
    """Answer achievements with their students and staff; without dates all of them (552-558 are optional)."""
    return _incidents(request, "Ach")


async def behaviour(request: Request) -> Response:
    """Answer behaviour records; both dates are mandatory (3022)."""
    for name in ("DateFrom", "DateTo"):
        if not parameters(request).get(name.lower()):
            raise XporterError(f"Missing mandatory parameter {name}")  # a guess as to the words
    return _incidents(request, "Beh")


def _incidents(request: Request, kind: str) -> Response:
    school, given = school_for(request, SCOPE), parameters(request)
    table, students, staff, id_column, type_column = NAMES[kind]
    fits = _filter(request)
    found = [row for row in school.mis.conduct.rows(CATEGORIES[kind]) if fits(row)]
    with_ids = is_set(given, "includeStudentIds"), is_set(given, "includeStaffIds")
    rows = []
    for incident in found:
        columns = _incident_row(school, incident, kind, type_column)
        if with_ids[0]:
            columns["StudentIds"] = ",".join(incident.pupils)
        if with_ids[1]:
            columns["StaffIds"] = ",".join(incident.staff)
        rows.append(hashed(columns))
    return tables(
        request,
        {
            table: rows,
            students: [_student_row(row, p, kind, id_column) for row in found for p in row.pupils.values()],
            staff: [_staff_row(row, part, kind, id_column) for row in found for part in row.staff.values()],
        },
    )


def _filter(request: Request) -> Callable[[Incident], bool]:
    """Return what a record must pass (3021-3027); raise XporterError when a date cannot be read."""
    given = parameters(request)
    first, last = query_day(given, "DateFrom"), query_day(given, "DateTo")
    on, since = query_day(given, "IncidentDate"), query_day(given, "updatedSince")
    only = request.path_params.get("id") or given.get("id")
    student, staff = given.get("studentid"), given.get("staffid")

    def fits(row: Incident) -> bool:
        return (
            (first is None or row.day >= first)
            and (last is None or row.day <= last)
            and on in (None, row.day)
            and (since is None or row.updated_at.date() > since)
            and only in (None, "", row.mis_id)
            and (not student or student in row.pupils)
            and (not staff or staff in row.staff or staff == row.details.recorded_by)
        )

    return fits


def _incident_row(school: SandboxSchool, row: Incident, kind: str, type_column: str) -> dict[str, Any]:
    """Return the columns of 492 or 3039: descriptions, where writing takes ids."""
    details = row.details
    columns = {
        "Id": mis_number(row.mis_id),
        "ConductId": f"{kind}.{row.mis_id}",
        type_column: row.type.description,
        "Date": row.day.isoformat(),
        "Activity": _said(details.activity),
        "Location": _said(details.location),
        "RecordedBy": _addressed(school.mis.staff.get(details.recorded_by or "")),
        "RecordedOn": row.recorded_on.isoformat(),
        "Category": kind,
        "LastUpdated": stamp(row.updated_at),
    }
    if COMMENTS_SCOPE in school.grants:
        columns["Description"] = details.comment
    if kind == "Beh":
        columns |= {"Time": _said(details.time), "Status": _said(details.status), "Outcome": None, "Subject": None}
    return columns


def _student_row(row: Incident, part: Participant, kind: str, id_column: str) -> Row:
    columns = {
        "Id": f"PL-{part.student_id}.{kind}.{row.mis_id}",
        "StudentId": int(part.student_id),
        id_column: mis_number(row.mis_id),
        "Points": part.points,
        "Outcome": _said(part.outcome),
        "OutcomeCode": part.outcome.code if part.outcome else None,
        "LastUpdated": stamp(row.updated_at),
    }
    if kind == "Beh":
        columns["Role"] = _said(part.role)
    return hashed(columns)


def _staff_row(row: Incident, part: StaffPart, kind: str, id_column: str) -> Row:
    return hashed(
        {
            "Id": f"PWT-{part.employee_id}.{kind}.{row.mis_id}",
            "StaffId": int(part.employee_id),
            id_column: mis_number(row.mis_id),
            "StaffRole": _said(part.role),
            "LastUpdated": stamp(row.updated_at),
        }
    )


def _type_row(kind: str, row: Attribute) -> Row:
    return hashed(
        {
            "Id": f"{kind}.{row.id}",
            "Type": kind,
            "LocalId": int(row.id),
            "Description": row.description,
            "Points": row.points,
            "SubTypeLookup": "BehBullMode" if row.allows_bullying_type else None,
            "DisplayOrder": row.order,
            "LastUpdated": stamp(row.updated_at),
        }
    )


def mis_number(mis_id: str) -> int | str:
    """Return a MIS's id as the provider shows it: a number in SIMS, text like `B78894` in Bromcom (14399)."""
    return int(mis_id) if mis_id.isdigit() else mis_id


def _said(row: Attribute | None) -> str | None:
    return row.description if row else None


def _addressed(person: Person | None) -> str | None:
    """Return a name like `Mr A Blacker` (499)."""
    if person is None:
        return None
    return f"{'Mr' if person.gender == 'MALE' else 'Ms'} {person.forename[0]} {person.surname}"
