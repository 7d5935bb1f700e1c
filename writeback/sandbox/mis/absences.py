"""The absences of pupils and of staff that an MIS holds, and what is done to them. Only Wonde writes them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from writeback.sandbox.mis.lists import Attribute, withdrawn
from writeback.sandbox.mis.records import CREATED, DELETED, UPDATED, Effect, Subject, effect_on
from writeback.sandbox.mis.roll import Roll

STUDENT, EMPLOYEE = "student_absence", "employee_absence"


@dataclass(frozen=True, slots=True)
class NewStudentAbsence:
    """A pupil who comes late (`sign in`), goes early (`sign out`) or stays away (`all day absence`, Wonde 8493)."""

    student_id: str
    start_at: datetime
    event: str
    type: Attribute
    reason: Attribute | None = None
    comment: str | None = None
    authorised_by: str | None = None

    @property
    def subject(self) -> Subject:
        return Subject(STUDENT, frozenset({self.student_id}), self.type.code)


@dataclass(frozen=True, slots=True)
class StudentAbsenceEdit:
    """All that one is to say from now on; only the office does that."""

    absence_id: str
    says: NewStudentAbsence

    @property
    def subject(self) -> Subject:
        return self.says.subject


@dataclass(frozen=True, slots=True)
class StudentAbsenceRemoval:
    """The end of one; only the office does that."""

    absence_id: str

    @property
    def subject(self) -> Subject:
        return Subject(STUDENT)


@dataclass(frozen=True, slots=True)
class StaffAbsence:
    """What an absence of a member of staff says; times are the school's own clock."""

    employee_id: str
    start_at: datetime
    end_at: datetime
    working_days: Decimal
    hours: Decimal
    type: Attribute
    pay_rate: Attribute
    illness_category: Attribute | None = None
    absence_code: str | None = None
    comment: str | None = None


@dataclass(frozen=True, slots=True)
class NewEmployeeAbsence:
    """An absence to be made."""

    says: StaffAbsence

    @property
    def subject(self) -> Subject:
        return Subject(EMPLOYEE, frozenset({self.says.employee_id}), self.says.type.code)


@dataclass(frozen=True, slots=True)
class EmployeeAbsenceEdit:
    """All that one is to say from now on; it stays with its member of staff."""

    absence_id: str
    says: StaffAbsence

    @property
    def subject(self) -> Subject:
        return Subject(EMPLOYEE, frozenset({self.says.employee_id}), self.says.type.code)


@dataclass(frozen=True, slots=True)
class EmployeeAbsenceRemoval:
    """The end of one."""

    absence_id: str

    @property
    def subject(self) -> Subject:
        return Subject(EMPLOYEE)


StudentAbsenceChange = NewStudentAbsence | StudentAbsenceEdit | StudentAbsenceRemoval
AbsenceChange = StudentAbsenceChange | NewEmployeeAbsence | EmployeeAbsenceEdit | EmployeeAbsenceRemoval


@dataclass(slots=True)
class StudentAbsence:
    """One pupil's absence."""

    id: str
    mis_id: str
    says: NewStudentAbsence
    created_at: datetime
    updated_at: datetime
    source: str

    def as_json(self) -> dict[str, Any]:
        says = self.says
        return {
            "id": self.id,
            "mis_id": self.mis_id,
            "student_id": says.student_id,
            "start_at": says.start_at.isoformat(),
            "event": says.event,
            "type": says.type.code,
            "reason": says.reason.code if says.reason else None,
            "comment": says.comment,
            "authorised_by_id": says.authorised_by,
            "source": self.source,
            "created_at": self.created_at.isoformat(),
            "updated_at": self.updated_at.isoformat(),
        }


@dataclass(slots=True)
class EmployeeAbsence:
    """One absence of a member of staff."""

    id: str
    mis_id: str
    says: StaffAbsence
    created_at: datetime
    updated_at: datetime
    source: str

    def as_json(self) -> dict[str, Any]:
        says = self.says
        return {
            "id": self.id,
            "mis_id": self.mis_id,
            "employee_id": says.employee_id,
            "start_at": says.start_at.isoformat(),
            "end_at": says.end_at.isoformat(),
            "working_days": str(says.working_days),
            "hours": str(says.hours),
            "type": says.type.code,
            "pay_rate": says.pay_rate.code,
            "illness_category": says.illness_category.code if says.illness_category else None,
            "absence_code": says.absence_code,
            "comment": says.comment,
            "source": self.source,
            "created_at": self.created_at.isoformat(),
            "updated_at": self.updated_at.isoformat(),
        }


class Absences:
    """The absences of one MIS by the provider's id."""

    def __init__(self, roll: Roll) -> None:
        self._roll = roll
        self.of_students: dict[str, StudentAbsence] = {}
        self.of_staff: dict[str, EmployeeAbsence] = {}

    def objection(self, change: AbsenceChange) -> str | None:
        """Return why the MIS cannot do that, or None."""
        match change:
            case NewStudentAbsence():
                return self._pupil_objection(change)
            case StudentAbsenceEdit() | StudentAbsenceRemoval():
                if change.absence_id not in self.of_students:
                    return f"there is no absence {change.absence_id}"
                return self._pupil_objection(change.says) if isinstance(change, StudentAbsenceEdit) else None
            case NewEmployeeAbsence():
                return self._staff_objection(change.says)
            case EmployeeAbsenceEdit() | EmployeeAbsenceRemoval():
                if change.absence_id not in self.of_staff:
                    return f"there is no absence {change.absence_id}"
                return self._staff_objection(change.says) if isinstance(change, EmployeeAbsenceEdit) else None

    def apply(self, change: AbsenceChange, index: int, *, source: str, at: datetime) -> list[Effect]:
        """Do it; `objection` has been asked before."""
        match change:
            case NewStudentAbsence():
                pupil_row = StudentAbsence(*self._roll.new_record_ids(), change, at, at, source)
                self.of_students[pupil_row.id] = pupil_row
                return [effect_on(pupil_row, STUDENT, index, CREATED)]
            case StudentAbsenceEdit():
                pupil_row = self.of_students[change.absence_id]
                pupil_row.says, pupil_row.updated_at, pupil_row.source = change.says, at, source
                return [effect_on(pupil_row, STUDENT, index, UPDATED)]
            case StudentAbsenceRemoval():
                pupil_row = self.of_students.pop(change.absence_id)
                self._roll.note_deletion(STUDENT, pupil_row.id, pupil_row.mis_id, at)
                return [effect_on(pupil_row, STUDENT, index, DELETED)]
            case NewEmployeeAbsence():
                row = EmployeeAbsence(*self._roll.new_record_ids(), change.says, at, at, source)
                self.of_staff[row.id] = row
                return [effect_on(row, EMPLOYEE, index, CREATED)]
            case EmployeeAbsenceEdit():
                row = self.of_staff[change.absence_id]
                row.says, row.updated_at, row.source = change.says, at, source
                return [effect_on(row, EMPLOYEE, index, UPDATED)]
            case EmployeeAbsenceRemoval():
                row = self.of_staff.pop(change.absence_id)
                self._roll.note_deletion(EMPLOYEE, row.id, row.mis_id, at)
                return [effect_on(row, EMPLOYEE, index, DELETED)]

    def rename(self, new: Mapping[str, str]) -> None:
        """Give absences, and the people in them, the ids that `new` has for their old ones."""
        for pupil_row in self.of_students.values():
            says = pupil_row.says
            pupil_row.id = new.get(pupil_row.id, pupil_row.id)
            pupil_row.says = replace(
                says,
                student_id=new.get(says.student_id, says.student_id),
                authorised_by=new.get(says.authorised_by or "", says.authorised_by),
            )
        for row in self.of_staff.values():
            row.id = new.get(row.id, row.id)
            row.says = replace(row.says, employee_id=new.get(row.says.employee_id, row.says.employee_id))
        self.of_students = {row.id: row for row in self.of_students.values()}
        self.of_staff = {row.id: row for row in self.of_staff.values()}

    def _pupil_objection(self, says: NewStudentAbsence) -> str | None:
        if says.student_id not in self._roll.pupils:
            return f"student {says.student_id} is not on roll"
        return self._no_staff(says.authorised_by) or withdrawn([says.type, says.reason])

    def _staff_objection(self, says: StaffAbsence) -> str | None:
        if says.end_at < says.start_at:
            return f"an absence from {says.start_at} to {says.end_at} ends before it starts"
        return self._no_staff(says.employee_id) or withdrawn([says.type, says.pay_rate, says.illness_category])

    def _no_staff(self, employee_id: str | None) -> str | None:
        if employee_id is None or employee_id in self._roll.staff:
            return None
        return f"there is no member of staff {employee_id}"
