"""Lookups of a small school, as each provider's lists would have filled them, and what a test sends."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

import pytest

from writeback.domain.kinds.attendance_lesson import LessonMark
from writeback.domain.kinds.attendance_session import SessionMark
from writeback.domain.lookups import ListName, Lookup, LookupView

AT = datetime(2026, 1, 12, 9, 0, tzinfo=UTC)


def _lookup(name: ListName, rows: Mapping[str, Mapping[str, Any]]) -> Lookup:
    return Lookup(name, 1, AT, rows)


@pytest.fixture
def wonde_lookups() -> LookupView:
    codes = {
        "A1": {"id": "A1", "code": "/", "active": True},
        "A2": {"id": "A2", "code": "L", "active": True},
        "A3": {"id": "A3", "code": "N", "active": True},
    }
    lesson = {"id": "A900", "date": "2026-01-12", "period_instance_id": "40860"}
    return LookupView(
        attendance_codes=_lookup(ListName.ATTENDANCE_CODES, codes),
        lessons=_lookup(ListName.LESSONS, {"A900": lesson}),
    )


@pytest.fixture
def xporter_lookups() -> LookupView:
    codes = {code: {"id": code, "code": code, "active": True} for code in ("/", "\\", "L", "N")}
    lessons = {
        "44905": {"id": "44905", "date": "2026-01-12", "period_instance_id": "44905"},
        "44999": {"id": "44999", "date": "2026-01-13", "period_instance_id": "44999"},
    }
    return LookupView(
        attendance_codes=_lookup(ListName.ATTENDANCE_CODES, codes), lessons=_lookup(ListName.LESSONS, lessons)
    )


@pytest.fixture
def session_mark() -> SessionMark:
    return SessionMark(student_id="A10", date=date(2026, 1, 12), session="AM", code="/")


@pytest.fixture
def lesson_mark() -> LessonMark:
    return LessonMark(student_id="A10", lesson_id="A900", code="/")
