"""Wonde's paths. One spelling each: the edge has taken doubled and trailing slashes away."""

from functools import partial
from typing import Final

from starlette.routing import Route
from starlette.types import ExceptionHandler

from writeback.sandbox.wonde import list_reads, reads, record_reads, requests, school_lists
from writeback.sandbox.wonde.access import Denied, denied
from writeback.sandbox.wonde.writing import (
    CREATIONS,
    REMOVALS,
    delete_record,
    post_attendance,
    post_records,
    put_employee_absence,
)

_SCHOOL: Final = "/v1.0/schools/{school}"
_KINDS: Final = ("session", "lesson")
_ATTRIBUTES: Final = {
    "achievements": ("achievement", "achievement.read"),
    "behaviours": ("behaviour", "behaviour.read"),
    "attendance/absence": ("student_absence", "student-absences.read"),
    "employee-absences": ("employee_absence", "employees-absence.read"),
}
_STATES: Final = ("all", "pending", "audited", "offline", "revoked", "declined")

ROUTES: Final = [
    *(Route(f"{_SCHOOL}/attendance/{kind}", partial(post_attendance, kind=kind), methods=["POST"]) for kind in _KINDS),
    *(Route(f"{_SCHOOL}/attendance/{kind}", partial(reads.attendance, kind=kind)) for kind in _KINDS),
    *(
        Route(f"{_SCHOOL}/{path}/attributes", partial(list_reads.attributes, list_=list_, permission=permission))
        for path, (list_, permission) in _ATTRIBUTES.items()
    ),
    *(
        Route(f"{_SCHOOL}/{path}", partial(post_records, call=call), methods=["POST"])
        for path, call in CREATIONS.items()
    ),
    *(
        Route(f"{_SCHOOL}/{path}", partial(delete_record, call=call), methods=["DELETE"])
        for path, call in REMOVALS.items()
    ),
    Route(f"{_SCHOOL}/employee-absences/{{id}}", put_employee_absence, methods=["PUT"]),
    Route(f"{_SCHOOL}/achievements", partial(record_reads.incidents, category="achievement")),
    Route(f"{_SCHOOL}/achievements/{{id}}", partial(record_reads.one_incident, category="achievement")),
    Route(f"{_SCHOOL}/behaviours", partial(record_reads.incidents, category="behaviour")),
    Route(f"{_SCHOOL}/behaviours/{{id}}", partial(record_reads.one_incident, category="behaviour")),
    Route(f"{_SCHOOL}/detentions", record_reads.detentions),
    Route(f"{_SCHOOL}/detentions/{{id}}", record_reads.one_detention),
    Route(f"{_SCHOOL}/attendance/detention", record_reads.detention_attendances),
    Route(f"{_SCHOOL}/attendance/detention/{{id}}", record_reads.one_detention_attendance),
    Route(f"{_SCHOOL}/attendance/absence", record_reads.student_absences),
    Route(f"{_SCHOOL}/attendance/absence/{{id}}", record_reads.one_student_absence),
    Route(f"{_SCHOOL}/employee-absences", record_reads.employee_absences),
    Route(f"{_SCHOOL}/employee-absences/{{id}}", record_reads.one_employee_absence),
    Route(f"{_SCHOOL}/detention-types", list_reads.detention_types),
    Route(f"{_SCHOOL}/detention-types/{{id}}", list_reads.one_detention_type),
    Route(f"{_SCHOOL}/detention-attendance-codes", list_reads.detention_attendance_codes),
    Route(f"{_SCHOOL}/events", list_reads.events),
    Route(f"{_SCHOOL}/rooms", list_reads.rooms),
    Route(f"{_SCHOOL}/rooms/{{id}}", list_reads.one_room),
    Route("/v1.0/writebacks/{id}", reads.writeback),
    Route("/v1.0/schools", reads.schools),
    *(Route(f"/v1.0/schools/{state}", partial(reads.schools, state=state)) for state in _STATES),
    Route(_SCHOOL, reads.one_school),
    Route(f"{_SCHOOL}/students", reads.students),
    Route(f"{_SCHOOL}/students/{{id}}", reads.one_student),
    Route(f"{_SCHOOL}/employees", reads.employees),
    Route(f"{_SCHOOL}/employees/{{id}}", reads.one_employee),
    Route(f"{_SCHOOL}/lessons", reads.lessons),
    Route(f"{_SCHOOL}/lessons/{{id}}", reads.one_lesson),
    Route(f"{_SCHOOL}/periods", reads.periods),
    Route(f"{_SCHOOL}/attendance-codes", reads.attendance_codes),
    Route(f"{_SCHOOL}/deletions", reads.deletions),
    Route(f"{_SCHOOL}/classes", school_lists.classes),
    Route(f"{_SCHOOL}/classes/{{id}}", school_lists.one_class),
    Route(f"{_SCHOOL}/groups", school_lists.groups),
    Route(f"{_SCHOOL}/groups/{{id}}", school_lists.one_group),
    Route(f"{_SCHOOL}/subjects", school_lists.subjects),
    Route(f"{_SCHOOL}/counts", school_lists.counts),
    Route(f"{_SCHOOL}/request-access", requests.request_access, methods=["POST"]),
    Route(f"{_SCHOOL}/revoke-access", requests.revoke_access, methods=["DELETE"]),
    Route("/v1.0/attendance-codes", reads.national_codes),
    Route("/v1.0/meta/schools/{school}", reads.school_meta),
    Route("/v1.0/meta/schools/{school}/permissions", reads.permissions),
]
EXCEPTION_HANDLERS: Final[dict[type[Exception], ExceptionHandler]] = {Denied: denied}
