"""Xporter's paths. The document prints none; they follow old public clients, with and without `{estab}`."""

import re
from collections.abc import Callable
from typing import Any, Final

from starlette.routing import Route
from starlette.types import ExceptionHandler

from writeback.sandbox.xporter import conduct_reads, detention_reads, operations, reads, school_reads, sts
from writeback.sandbox.xporter.access import XporterError, failed
from writeback.sandbox.xporter.writing import asynchronous, kept, synchronous

_API: Final = "/api/v1"
_SCHOOL: Final = f"{_API}/School/{{estab}}"


def _posted(operation: operations.Operation, endpoint: Callable[..., Any]) -> list[Route]:
    """Return the paths of a writeback, e.g. `ConductAsync/{estab}` and the older `Writeback/ConductAsync`."""
    parents = (f"{_API}/{operation.name}", f"{_API}/Writeback/{operation.name}")
    return [Route(path, endpoint, methods=["POST"]) for parent in parents for path in (f"{parent}/{{estab}}", parent)]


def _any_case(route: Route) -> Route:
    """Let `conductlookups` be `ConductLookups`: clients write both, and the real server runs on Windows (ASP.NET)."""
    route.path_regex = re.compile(route.path_regex.pattern, re.IGNORECASE)
    return route


_ROUTES: Final = [
    *_posted(operations.ATTENDANCE, synchronous(operations.ATTENDANCE)),
    *_posted(operations.ATTENDANCE_ASYNC, asynchronous(operations.ATTENDANCE_ASYNC)),
    *_posted(operations.CONDUCT, synchronous(operations.CONDUCT)),
    *_posted(operations.CONDUCT_ASYNC, asynchronous(operations.CONDUCT_ASYNC)),
    *_posted(operations.DETENTION_ASYNC, asynchronous(operations.DETENTION_ASYNC)),
    *_posted(operations.USER_ASYNC, asynchronous(operations.USER_ASYNC)),
    *(route for operation in operations.KEPT_AT_XPORTER for route in _posted(operation, kept(operation))),
    Route("/idaas/sts/STS/GetToken", sts.get_token, methods=["POST"]),
    Route(f"{_API}/TokenDetails", sts.token_details),
    Route(f"{_API}/Scopes", sts.scopes),
    Route("/api/XporterOnDemand/GetXodSchools", reads.xod_schools),
    Route(f"{_SCHOOL}/Students", reads.students),
    Route(f"{_SCHOOL}/Students/{{id}}", reads.students),
    Route(f"{_SCHOOL}/Staff", reads.staff),
    Route(f"{_SCHOOL}/Staff/{{id}}", reads.staff),
    Route(f"{_SCHOOL}/AttendanceCodes", reads.attendance_codes),
    Route(f"{_SCHOOL}/Timetable", reads.timetable),
    Route(f"{_SCHOOL}/Calendar", reads.calendar),
    Route(f"{_SCHOOL}/AttendanceForDate", reads.attendance_for_date),
    Route(f"{_SCHOOL}/Health", reads.health),
    Route(f"{_SCHOOL}/SchoolInfo", school_reads.school_info),
    Route(f"{_SCHOOL}/Groups", school_reads.groups),
    Route(f"{_SCHOOL}/ConductLookups", conduct_reads.conduct_lookups),
    # The document's heading has the plural (473), an old public client the singular.
    Route(f"{_SCHOOL}/AchievementForDateRange", conduct_reads.achievements),
    Route(f"{_SCHOOL}/AchievementForDateRange/{{id}}", conduct_reads.achievements),
    Route(f"{_SCHOOL}/AchievementsForDateRange", conduct_reads.achievements),
    Route(f"{_SCHOOL}/AchievementsForDateRange/{{id}}", conduct_reads.achievements),
    Route(f"{_SCHOOL}/BehaviourForDateRange", conduct_reads.behaviour),
    Route(f"{_SCHOOL}/BehaviourForDateRange/{{id}}", conduct_reads.behaviour),
    Route(f"{_SCHOOL}/DetentionLookups", detention_reads.detention_lookups),
    Route(f"{_SCHOOL}/Detentions", detention_reads.detentions),
]
ROUTES: Final = [_any_case(route) for route in _ROUTES]
EXCEPTION_HANDLERS: Final[dict[type[Exception], ExceptionHandler]] = {XporterError: failed}
