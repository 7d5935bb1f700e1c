"""Xporter's reads for one school, and its list of schools. Ids are numbers here, though writing takes them as text."""

import re
from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from writeback.sandbox.http import answer, entry_of, sandbox_of
from writeback.sandbox.mis.codes import meanings
from writeback.sandbox.mis.diary import events_of
from writeback.sandbox.mis.mis import Slot
from writeback.sandbox.mis.roll import Person
from writeback.sandbox.mis.school import SandboxSchool
from writeback.sandbox.mis.timetable import Lesson
from writeback.sandbox.xporter.access import XporterError, is_set, parameters, school_for, token_of
from writeback.sandbox.xporter.fields import query_day
from writeback.sandbox.xporter.tables import Row, stamp, tables

NO_MARK = "-"


async def students(request: Request) -> Response:
    """Answer the table `Students`: those on roll (7721)."""
    school = school_for(request, "Student")
    groups = {group.id: group for group in school.mis.timetable.groups}

    def row(pupil: Person) -> Row:
        group = groups[pupil.group_id]
        return {
            **_person(pupil, "PL"),
            "AdmissionNo": pupil.admission_number,
            **_granted(school, "UPN", {"UPN": pupil.upn}),
            **_granted(
                school,
                "StudentExtended",
                {
                    "DateOfBirth": pupil.born.isoformat(),
                    "LegalForename": pupil.legal_forename or pupil.forename,
                    "LegalSurname": pupil.surname,
                },
            ),
            "Gender": pupil.gender[0],
            "RegGroupId": int(group.id),
            "RegGroup": group.name,
            "YearGroup": f"Year {group.year}",
            "EnrolmentStatus": "C",
            "StudentStatus": "OnRoll",
        }

    wanted = [row(pupil) for pupil in _wanted(request, school, school.mis.pupils.values())]
    return tables(request, {"Students": wanted}, falsely_gone=school.falsely_gone)


async def staff(request: Request) -> Response:
    """Answer the table `Staff` (11670)."""
    school = school_for(request, "Staff")
    people = _wanted(request, school, school.mis.staff.values())

    def row(person: Person) -> Row:
        legal = {"LegalForename": person.forename, "LegalSurname": person.surname}
        return {
            **_person(person, "PWT"),
            "StaffCode": person.code,
            "StaffStatus": "Current",
            "WorkEmail": person.email,
            "IsTeacher": 1,
            "IsSupport": 0,
            **_granted(school, "StaffExtended", legal),
        }

    return tables(request, {"Staff": [row(person) for person in people]})


async def attendance_codes(request: Request) -> Response:
    """Answer the table `AttendCodes` (1967); inactive ones when `includeInactive` is set."""
    school = school_for(request, "Attendance")
    with_inactive = is_set(parameters(request), "includeInactive")
    found = []
    for code in school.mis.codes.values():
        if code.is_active or with_inactive:
            meaning, short, physical = meanings(code)
            found.append(
                {
                    "Mark": code.code,
                    "Description": code.description,
                    "MeaningDescription": meaning,
                    "ShortMeaningDescription": short,
                    "PhysicalMeaning": physical,
                    "Active": int(code.is_active),
                }
            )
    return tables(request, {"AttendCodes": found}, key="Mark")


async def timetable(request: Request) -> Response:
    """Answer `Lessons` and `LessonStaff` for a range of dates; empty without an option (12944)."""
    school = school_for(request, "School")
    state, given = sandbox_of(request), parameters(request)
    state.keep_timetable(school)
    first = query_day(given, "DateFrom") or state.today() - timedelta(days=7)
    last = query_day(given, "DateTo") or state.today() + timedelta(days=14)
    days = [first + timedelta(days=offset) for offset in range((last - first).days + 1)]
    lessons = [lesson for day in days for lesson in school.mis.timetable.on(day)]
    found: dict[str, list[Row]] = {}
    if is_set(given, "includeLessons"):
        found["Lessons"] = [_lesson(lesson) for lesson in lessons]
    if is_set(given, "includeLessonStaff"):
        found["LessonStaff"] = [
            {"Id": f"{row.id}.{row.employee_id}", "LessonId": int(row.id), "StaffId": int(row.employee_id)}
            for row in lessons
        ]
    return tables(request, found)


async def calendar(request: Request) -> Response:
    """Answer the table `SchoolCalendar` for a range of dates (4559), or one type of its events."""
    mis, given = school_for(request, "School").mis, parameters(request)
    first, last, type_ = query_day(given, "DateFrom"), query_day(given, "DateTo"), given.get("eventtype")
    if first is None or last is None:
        raise XporterError("DateFrom and DateTo are required", status=400)
    found = [
        {
            "Id": int(event.id),
            "StartDate": event.first.isoformat(),
            "StartTime": None,
            "EndDate": event.last.isoformat(),
            "EndTime": None,
            "Category": event.description,
            "Description": event.description,
            "Type": re.sub(r"(?<=[a-z])(?=[A-Z])", " ", event.type),  # "School Event" (4599)
        }
        for event in events_of(mis.diary, mis.closed_days)
        if event.first <= last and event.last >= first and type_ in (None, event.type)
    ]
    return tables(request, {"SchoolCalendar": found})


async def attendance_for_date(request: Request) -> Response:
    """Answer `AttendMarks` of one date, as they were when the MIS was last read: up to 30 minutes ago (2069)."""
    school = school_for(request, "Attendance")
    state, given = sandbox_of(request), parameters(request)
    day = query_day(given, "date") or state.today()
    read_at, rows = state.xporter_cache.get((school.id, day), (None, []))
    is_stale = read_at is None or state.now() - read_at >= timedelta(seconds=school.cache_ttl_s)
    if read_at is None or (is_stale and school.is_online):
        if not school.is_online:
            raise XporterError("Unable to communicate with the school agent", status=503, kind="AgentException")
        read_at, rows = state.now(), _marks(school, day)
        state.xporter_cache[school.id, day] = read_at, rows
    hidden = {NO_MARK} if is_set(given, "excludeNoMarks") else set()
    hidden |= {"#"} if is_set(given, "excludeClosed") else set()
    student, kind, session = given.get("id"), given.get("attendancetype"), given.get("sessiontype")
    found = [
        row
        for row in rows
        if row["Mark"] not in hidden
        and (not student or str(row["StudentId"]) == student)
        and (not kind or row["Type"] == kind.upper())
        and (not session or (row["Type"] == "S" and row["Session"] == session.upper()))
    ]
    return tables(request, {"AttendMarks": found}, read_at=read_at)


async def health(request: Request) -> Response:
    """Answer the table `health` (5371); its columns beyond the three key fields are not documented."""
    school = school_for(request, "School")
    row = {
        "Id": school.id,
        "SchoolDataStatus": "ok",
        "SchoolDataAgeDays": 0,
        "XodStatus": "ok" if school.is_online else "error",
    }
    return tables(request, {"health": [row]})


async def xod_schools(request: Request) -> Response:
    """Answer all schools by what they granted (300)."""
    token_of(request)
    entry_of(request).effect = "read"
    given = parameters(request)
    schools = [
        school
        for school in sandbox_of(request).schools.values()
        if school.provider == "xporter" and given.get("estab") in (None, "", school.id)
    ]
    body: dict[str, list[Row]] = {"Authorised": [], "Revoked": []}
    with_pending = is_set(given, "includePendingAuthorisation")
    if with_pending:
        body["PendingAuthorisation"] = []
    for school in schools:
        common = {"estab": school.id, "schoolName": school.name}
        at = school.created_at.strftime("%Y-%m-%dT%H:%M:%S")
        installed = {"installedStatus": school.is_online, "installMessage": None}
        match school.access:
            case "approved":
                scopes = ",".join(sorted(school.grants))
                body["Authorised"].append({**common, "dateAuthorised": at, "scopesAuthorised": scopes, **installed})
            case "pending":
                if with_pending:
                    body["PendingAuthorisation"].append({**common, "dateInvited": at, **installed})
            case _:
                body["Revoked"].append({**common, "dateRevoked": at})
    return answer(body)


def _wanted(request: Request, school: SandboxSchool, people: Iterable[Person]) -> list[Person]:
    given = parameters(request)
    only, since = request.path_params.get("id") or given.get("id"), query_day(given, "updatedSince")
    return [
        person
        for person in people
        if person.id not in school.left_out
        and only in (None, "", person.id)
        and (since is None or person.updated_at.date() > since)
    ]


def _person(person: Person, prefix: str) -> dict[str, Any]:
    return {
        "Id": int(person.id),
        "IdaasId": f"{prefix}-{person.id}",
        "Forename": person.forename,
        "Surname": person.surname,
        "DisplayName": f"{person.forename} {person.surname}",
        "LastUpdated": stamp(person.updated_at),
    }


def _granted(school: SandboxSchool, scope: str, columns: Row) -> Row:
    """Return the columns of a scope; null where it is not granted, a guess: the document does not say (7762)."""
    return columns if scope in school.grants else dict.fromkeys(columns)


def _lesson(lesson: Lesson) -> Row:
    """Return one lesson. `PeriodId` is shared by all lessons of that period, as in SIMS (Wonde 2410)."""
    code, subject = lesson.subject
    return {
        "Id": int(lesson.id),
        "PeriodId": lesson.instance,
        "ClassId": int(lesson.group.id),
        "JoinedId": None,
        "ClassName": lesson.class_name,
        "Period": lesson.period.name,
        "StartDateTime": lesson.start.isoformat(),
        "EndDateTime": lesson.end.isoformat(),
        "StaffCodes": lesson.employee_id,
        "RoomCodes": lesson.room,
        "SubjectCode": code,
        "SubjectName": subject,
    }


def _marks(school: SandboxSchool, day: date) -> list[dict[str, Any]]:
    """Return a row for every pupil's session and lesson of a day, `-` where there is no mark (2076)."""
    slots = [Slot("S", student, day, session) for student in school.mis.pupils for session in ("AM", "PM")]
    halves = {}
    for lesson in school.mis.timetable.on(day):
        halves[str(lesson.instance)] = "AM" if lesson.start.hour < 12 else "PM"
        slots += [Slot("L", student, day, str(lesson.instance)) for student in lesson.group.student_ids]
    held = school.mis.marks.get(day, {})
    rows = []
    for slot in slots:
        mark = held.get(slot)
        rows.append(
            {
                "Id": f"{slot.student_id}.{day}.{slot.place}",
                "Date": day.isoformat(),
                "InstanceId": None if slot.kind == "S" else int(slot.place),
                "StudentId": int(slot.student_id),
                "Mark": school.mis.held(slot) or NO_MARK,
                "MinsLate": mark.minutes_late if mark else None,
                "Notes": mark.comment if mark else None,
                "Type": slot.kind,
                "Session": slot.place if slot.kind == "S" else halves[slot.place],
            }
        )
    return rows
