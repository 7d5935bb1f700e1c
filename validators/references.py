"""Which field of which kind names a row of which list. Checks look values up by it, `describe` shows the choices."""

from collections.abc import Mapping
from dataclasses import dataclass

from writeback.domain.kinds import KINDS
from writeback.domain.lookups import ATTRIBUTE_LISTS, ListName, Lookup, LookupView, Row, is_active

_ACHIEVEMENT, _BEHAVIOUR = ListName.ACHIEVEMENT_ATTRIBUTES, ListName.BEHAVIOUR_ATTRIBUTES
_DETENTION = ListName.DETENTION_ATTRIBUTES
_STUDENT_ABSENCE, _EMPLOYEE_ABSENCE = ListName.STUDENT_ABSENCE_ATTRIBUTES, ListName.EMPLOYEE_ABSENCE_ATTRIBUTES


@dataclass(frozen=True, slots=True)
class Reference:
    """One field (dotted where it is nested), the list that its value is looked up in, and what is said if it fails."""

    field: str
    list: ListName
    finding: str
    type: str = ""
    """Which of the list's rows: only lists of attributes have types."""

    @property
    def is_coded(self) -> bool:
        """Whether a row may be given by its code as well as by its id."""
        return self.list in ATTRIBUTE_LISTS or self.list is ListName.ATTENDANCE_CODES


def _people(**findings: str) -> tuple[Reference, ...]:
    """Return references to pupils and staff; two underscores stand for the dot."""
    return tuple(
        Reference(
            name.replace("__", "."),
            ListName.STUDENTS if name.endswith("student_id") else ListName.EMPLOYEES,
            finding,
        )
        for name, finding in findings.items()
    )


def _coded(name: ListName, **findings: str) -> tuple[Reference, ...]:
    """Return references to attributes whose type has the field's own name."""
    return tuple(
        Reference(field.replace("__", "."), name, finding, field.rpartition("__")[2])
        for field, finding in findings.items()
    )


_REMOVED_STAFF = Reference("remove_staff", ListName.EMPLOYEES, "removal_unknown")
_REMOVED_STUDENTS = Reference("remove_students", ListName.STUDENTS, "removal_unknown")
_LESSON = Reference("lesson_id", ListName.LESSONS, "lesson_unknown")

_INCIDENT_PEOPLE = _people(
    students__student_id="student_not_on_roll", employee_id="recorded_by_unknown", staff__employee_id="employee_unknown"
)


def _staff_role(name: ListName) -> Reference:
    return Reference("staff.role", name, "staff_role_unknown", "staff_role")


_ACHIEVEMENTS = (
    *_INCIDENT_PEOPLE,
    *_coded(
        _ACHIEVEMENT, type="type_unknown", activity="activity_unknown", students__outcome="achievement_outcome_unknown"
    ),
    _staff_role(_ACHIEVEMENT),
)
_BEHAVIOURS = (
    *_INCIDENT_PEOPLE,
    *_coded(
        _BEHAVIOUR,
        type="type_unknown",
        status="status_unknown",
        bullying_type="bullying_type_unknown",
        activity="activity_unknown",
        location="location_unknown",
        time="time_unknown",
        students__role="student_role_unknown",
        students__outcome="behaviour_outcome_unknown",
    ),
    _staff_role(_BEHAVIOUR),
)
_ATTENDEES = (
    *_people(students__student_id="student_not_on_roll", students__recorded_by_id="recorded_by_unknown"),
    *_coded(_DETENTION, students__attendance="detention_attendance_unknown", students__reason="reason_unknown"),
    Reference("students.behaviour_type", _BEHAVIOUR, "behaviour_type_unknown", "type"),
)
_DETENTIONS = (
    *_people(supervisor_id="employee_unknown", staff_ids="employee_unknown", recorded_by_id="recorded_by_unknown"),
    *_coded(_DETENTION, type="type_unknown", location="location_unknown"),
    *_ATTENDEES,
)
_STUDENT_ABSENCES = (
    *_people(student_id="student_not_on_roll", authorised_by_id="employee_unknown"),
    *_coded(_STUDENT_ABSENCE, type="type_unknown", reason="reason_unknown"),
)
_EMPLOYEE_ABSENCES = _coded(
    _EMPLOYEE_ABSENCE,
    type="type_unknown",
    illness_category="illness_category_unknown",
    pay_rate="pay_rate_unknown",
)
_MARKS = (
    *_people(student_id="student_not_on_roll", employee_id="employee_unknown"),
    Reference("code", ListName.ATTENDANCE_CODES, "code_unknown"),
)

REFERENCES: Mapping[str, tuple[Reference, ...]] = {
    **dict.fromkeys(KINDS, ()),
    "attendance.session": _MARKS,
    "attendance.lesson": (*_MARKS, _LESSON),
    "achievement.create": (*_ACHIEVEMENTS, _LESSON),
    "achievement.update": (*_ACHIEVEMENTS, _REMOVED_STUDENTS, _REMOVED_STAFF),
    "behaviour.create": (*_BEHAVIOURS, _LESSON),
    "behaviour.update": (*_BEHAVIOURS, _REMOVED_STUDENTS, _REMOVED_STAFF),
    "detention.create": _DETENTIONS,
    "detention.update": (*_DETENTIONS, _REMOVED_STUDENTS, _REMOVED_STAFF),
    "detention_attendance.set": tuple(
        Reference(one.field.removeprefix("students."), one.list, one.finding, one.type) for one in _ATTENDEES
    ),
    "detention_attendance.delete": (Reference("student_id", ListName.STUDENTS, "removal_unknown"),),
    "student_absence.create": _STUDENT_ABSENCES,
    "employee_absence.create": (*_people(employee_id="employee_unknown"), *_EMPLOYEE_ABSENCES),
    "employee_absence.update": _EMPLOYEE_ABSENCES,
}
"""By kind; those that name nothing in a list are there too."""


_PREFIXES = {
    ListName.ATTENDANCE_CODES: "attendance",
    _ACHIEVEMENT: "achievement",
    _BEHAVIOUR: "behaviour",
    _DETENTION: "detention",
    _STUDENT_ABSENCE: "student_absence",
    _EMPLOYEE_ABSENCE: "employee_absence",
}


def coded_name(reference: Reference) -> str:
    """Return what a field that takes a code is called for all kinds alike, e.g. `attendance.code`, `behaviour.type`."""
    return f"{_PREFIXES[reference.list]}.{reference.type or 'code'}"


CODED: Mapping[str, Reference] = {
    coded_name(one): one for references in REFERENCES.values() for one in references if one.is_coded
}
"""Everything that takes a code of a school's, by that name; of several fields that share a list, one of them."""


def kinds_with(coded: str) -> frozenset[str]:
    """Return the kinds that have a field which takes such a code."""
    return frozenset(
        kind for kind, found in REFERENCES.items() if any(one.is_coded and coded_name(one) == coded for one in found)
    )


def row_of(coded: str, lookup: Lookup, given: str) -> Row | None:
    """Return the row that `given` names, as validation looks it up: by id or code, and where the list takes it by what
    it is called."""
    reference = CODED[coded]
    return lookup.attribute(reference.type, given) if reference.type else lookup.resolve(given)


def reference_of(kind: str, field: str) -> Reference | None:
    """Return what a field of a kind refers to, None where it refers to nothing."""
    return next((one for one in REFERENCES[kind] if one.field == field), None)


def is_listed(kind: str, field: str, value: str, lookups: LookupView) -> bool:
    """Whether the school's list has a value that may be used, as far as that is known: a list that was never fetched,
    or has no choices for the field, speaks against none."""
    reference = reference_of(kind, field)
    lookup = lookups.get(reference.list) if reference is not None else None
    if reference is None or lookup is None:
        return True
    if reference.list not in ATTRIBUTE_LISTS:
        return value in lookup.rows
    row = lookup.attribute(reference.type, value)
    return not lookup.choices(reference.type) if row is None else is_active(row)
