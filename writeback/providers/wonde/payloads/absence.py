"""Absences of pupils and of staff (Wonde 8489-8500, 5341-5353, 5400-5410)."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from writeback.domain.kinds.employee_absence import EmployeeAbsence, EmployeeAbsenceChange
from writeback.domain.kinds.student_absence import StudentAbsence
from writeback.domain.lookups import ListName
from writeback.providers.wonde.payloads.resolving import Resolver, given, wall_clock

EVENTS: Mapping[str, str] = {"sign_in": "sign in", "sign_out": "sign out", "all_day": "all day absence"}
"""Ours → Wonde's event_type (Wonde 8493-8495)."""

_OF_PUPILS, _OF_STAFF = ListName.STUDENT_ABSENCE_ATTRIBUTES, ListName.EMPLOYEE_ABSENCE_ATTRIBUTES


def _of_pupil(record: StudentAbsence, resolver: Resolver) -> dict[str, Any]:
    return {
        "student_id": record.student_id,
        "start_at": wall_clock(record.start_at),
        "event_type": EVENTS[record.event],
        **given(
            absence_type=resolver.code_or_id(_OF_PUPILS, "type", record.type, "/type"),
            reason=resolver.code_or_id(_OF_PUPILS, "reason", record.reason, "/reason"),
            comment=record.comment,
            authorised_by=record.authorised_by_id,
        ),
    }


def _of_employee(record: EmployeeAbsence, resolver: Resolver) -> dict[str, Any]:
    return {
        "employee_id": record.employee_id,
        **_absence(record, resolver),
        **given(absence_note=record.comment),
    }


def _changed(record: EmployeeAbsenceChange, resolver: Resolver) -> dict[str, Any]:
    """The note must be there, if only as null (Wonde 5407-5409)."""
    return {**_absence(record, resolver), "absence_note": record.comment}


def _absence(record: EmployeeAbsence | EmployeeAbsenceChange, resolver: Resolver) -> dict[str, Any]:
    """Wonde shows no list of absence codes: `absence_code` goes as it is given (Wonde 5353)."""
    end = record.end_at
    return {
        "start_at": wall_clock(record.start_at),
        **given(end_at=end if end is None or isinstance(end, str) else wall_clock(end)),
        "working_days": _decimal(record.working_days),
        "number_of_hours": _decimal(record.hours),
        "absence_type": resolver.code_or_id(_OF_STAFF, "type", record.type, "/type"),
        **given(
            illness_category=resolver.code_or_id(
                _OF_STAFF, "illness_category", record.illness_category, "/illness_category"
            )
        ),
        "authorised_pay_rate": resolver.code_or_id(_OF_STAFF, "pay_rate", record.pay_rate, "/pay_rate"),
        **given(absence_code=record.absence_code),
    }


def _decimal(value: Decimal) -> str:
    """Return the number as text, as the document's examples are (Wonde 5296): 1.5, 12."""
    return format(value.normalize(), "f")


ENTRIES: Mapping[str, Callable[[Any, Resolver], dict[str, Any]]] = {
    "student_absence.create": _of_pupil,
    "employee_absence.create": _of_employee,
    "employee_absence.update": _changed,
}
