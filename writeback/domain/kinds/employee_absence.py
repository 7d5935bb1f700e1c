"""`employee_absence.create`, `employee_absence.update`, `employee_absence.delete`: absences of staff."""

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field

from writeback.domain.kinds.base import Action, Code, Comment, Family, Id, Kind, LocalInstant, Record, nothing
from writeback.domain.lookups import ListName

Amount = Annotated[Decimal, Field(ge=0, le=10_000, max_digits=8, decimal_places=3)]


class _Absence(Record):
    start_at: LocalInstant
    """On the school's own clock."""
    end_at: LocalInstant | Literal["AM", "PM"] | None = None
    """On the school's own clock; or the half of the first day (Wonde 5318, 5330)."""
    working_days: Amount
    hours: Amount
    type: Code
    pay_rate: Code
    illness_category: Code | None = None
    absence_code: Code | None = None
    comment: Comment | None = None


class EmployeeAbsence(_Absence):
    """A new absence (Wonde 5341-5353)."""

    employee_id: Id


class EmployeeAbsenceChange(_Absence):
    """All that one in the MIS is to say from now on (Wonde 5399-5410)."""

    absence_id: Id


class EmployeeAbsenceRemoval(Record):
    """The removal of one that is in the MIS."""

    absence_id: Id


_LISTS = (ListName.EMPLOYEES, ListName.EMPLOYEE_ABSENCE_ATTRIBUTES)


def _slot(record: EmployeeAbsenceChange | EmployeeAbsenceRemoval) -> str:
    return f"employee_absence|{record.absence_id}"


KINDS = (
    Kind("employee_absence.create", Family.ABSENCE, EmployeeAbsence, Action.CREATE, nothing, _LISTS, "absence"),
    Kind("employee_absence.update", Family.ABSENCE, EmployeeAbsenceChange, Action.UPDATE, _slot, _LISTS, "absence"),
    Kind("employee_absence.delete", Family.ABSENCE, EmployeeAbsenceRemoval, Action.DELETE, _slot, (), "absence"),
)
