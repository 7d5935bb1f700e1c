"""Wonde's paths. One spelling each: the edge has taken doubled and trailing slashes away."""

from functools import partial
from typing import Final

from starlette.routing import Route
from starlette.types import ExceptionHandler

from writeback.sandbox.wonde import reads
from writeback.sandbox.wonde.access import Denied, denied
from writeback.sandbox.wonde.writing import post_attendance

_SCHOOL: Final = "/v1.0/schools/{school}"
_KINDS: Final = ("session", "lesson")
_STATES: Final = ("all", "pending", "audited", "offline", "revoked", "declined")

ROUTES: Final = [
    *(Route(f"{_SCHOOL}/attendance/{kind}", partial(post_attendance, kind=kind), methods=["POST"]) for kind in _KINDS),
    *(Route(f"{_SCHOOL}/attendance/{kind}", partial(reads.attendance, kind=kind)) for kind in _KINDS),
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
    Route("/v1.0/attendance-codes", reads.national_codes),
    Route("/v1.0/meta/schools/{school}", reads.school_meta),
    Route("/v1.0/meta/schools/{school}/permissions", reads.permissions),
]
EXCEPTION_HANDLERS: Final[dict[type[Exception], ExceptionHandler]] = {Denied: denied}
