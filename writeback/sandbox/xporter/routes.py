"""Xporter's paths. The document prints none; they follow old public clients, with and without `{estab}`."""

from typing import Final

from starlette.routing import Route
from starlette.types import ExceptionHandler

from writeback.sandbox.xporter import reads, sts
from writeback.sandbox.xporter.access import XporterError, failed
from writeback.sandbox.xporter.writing import post_async, post_sync

_SCHOOL: Final = "/api/v1/School/{estab}"

ROUTES: Final = [
    Route("/api/v1/AttendanceAsync/{estab}", post_async, methods=["POST"]),
    Route("/api/v1/AttendanceAsync", post_async, methods=["POST"]),
    Route("/api/v1/Attendance/{estab}", post_sync, methods=["POST"]),
    Route("/api/v1/Attendance", post_sync, methods=["POST"]),
    Route("/idaas/sts/STS/GetToken", sts.get_token, methods=["POST"]),
    Route("/api/v1/TokenDetails", sts.token_details),
    Route("/api/v1/Scopes", sts.scopes),
    Route("/api/XporterOnDemand/GetXodSchools", reads.xod_schools),
    Route(f"{_SCHOOL}/Students", reads.students),
    Route(f"{_SCHOOL}/Students/{{id}}", reads.students),
    Route(f"{_SCHOOL}/Staff", reads.staff),
    Route(f"{_SCHOOL}/Staff/{{id}}", reads.staff),
    Route(f"{_SCHOOL}/AttendanceCodes", reads.attendance_codes),
    Route(f"{_SCHOOL}/Timetable", reads.timetable),
    Route(f"{_SCHOOL}/AttendanceForDate", reads.attendance_for_date),
    Route(f"{_SCHOOL}/Health", reads.health),
]
EXCEPTION_HANDLERS: Final[dict[type[Exception], ExceptionHandler]] = {XporterError: failed}
