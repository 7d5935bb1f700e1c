"""The checks of conduct before it is sent to the MIS, with the document's own messages (14301-14325).

A message that the document lacks is formed after its neighbours, and marked as a guess.
"""

import base64
import binascii
from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

from writeback.sandbox.mis.incidents import (
    Category,
    Details,
    IncidentChange,
    IncidentEdit,
    Medium,
    NewIncident,
    Participant,
    StaffPart,
)
from writeback.sandbox.mis.lists import Attribute
from writeback.sandbox.mis.school import SandboxSchool
from writeback.sandbox.xporter import fields, lookups
from writeback.sandbox.xporter.access import XporterError
from writeback.sandbox.xporter.fields import LONGEST_TEXT, Row, missing, required, text

CATEGORIES: Final[Mapping[str, Category]] = {"Ach": "achievement", "Beh": "behaviour"}
TAKING_CONDUCT: Final = frozenset({"SIMS", "BROMCOM"})
"""14292."""
LOOKUP_FIELDS: Final[Mapping[str, Mapping[str, str]]] = {
    "Ach": {"ActivityId": "AchActivity"},
    "Beh": {
        "ActivityId": "BehActivity",
        "LocationId": "BehLocation",
        "StatusId": "BehStatus",
        "BullTypeId": "BehBullMode",
        "EntryTimeId": "BehTime",
    },
}
"""Field → its lookup type (7435). For an achievement's activity the field's own line says BehActivity (14194)."""
OUTCOMES: Final = {"Ach": ("AchOutcome", "Achievement"), "Beh": ("BehOutcome", "Behaviour")}


def check_conduct(body: Any, school: SandboxSchool) -> list[IncidentChange]:
    """Return what each conduct of a body asks for; raise XporterError with the first thing that is wrong."""
    if school.mis_name.upper() not in TAKING_CONDUCT:
        raise XporterError(f"Conduct writeback is not supported for {school.mis_name}")
    rows = fields.required_section(body, "Conducts")
    ids = [required(row, "Id") for row in rows]
    updated = [(text(row, "IncidentType"), given) for row in rows if (given := text(row, "UpdateId"))]
    if len(set(ids)) < len(ids) or len(set(updated)) < len(updated):
        raise XporterError("You have defined the same conduct more than once")
    participants, staff, media = (
        fields.by_parent(body, name, "ConductId", ids) for name in ("Participants", "Staff", "MediaFiles")
    )
    return [
        _Conduct(row, school).change(participants.get(row_id, []), staff.get(row_id, []), media.get(row_id, []))
        for row, row_id in zip(rows, ids, strict=True)
    ]


class _Conduct:
    """One row of `Conducts`, and the rows of the other sections that belong to it."""

    def __init__(self, row: Row, school: SandboxSchool) -> None:
        self.row, self.school = row, school
        self.kind = text(row, "IncidentType")
        if self.kind not in CATEGORIES:
            raise XporterError(f"Invalid IncidentType {self.kind} should be Ach or Beh")
        self.update_id = text(row, "UpdateId") or None
        self.is_bromcom = school.mis_name.upper() == "BROMCOM"

    def change(
        self, participants: Sequence[Row], staff: Sequence[Row], media: Sequence[Row]
    ) -> NewIncident | IncidentEdit:
        details = self._details()
        students, gone_students = self._split(participants, "StudentId", "students")
        colleagues, gone_staff = self._split(staff, "StaffId", "staff")
        files, gone_media = self._split(media, "Id", "media")
        pupils = [self._participant(row) for row in students]
        helpers = [self._staff(row) for row in colleagues]
        attached = [self._medium(row) for row in files]
        fields.assert_once([*(p.student_id for p in pupils), *gone_students], "student", "conduct")
        fields.assert_once([*(h.employee_id for h in helpers), *gone_staff], "staff", "conduct")
        if self.update_id is None:
            if not pupils:
                raise missing("Participants")  # the section is mandatory (14197); a guess as to the words
            return NewIncident(CATEGORIES[self.kind], details, pupils, helpers, attached)
        return IncidentEdit(
            CATEGORIES[self.kind],
            self.update_id,
            details,
            pupils,
            helpers,
            attached,
            remove_students=gone_students,
            remove_staff=gone_staff,
            remove_media=gone_media,
        )

    def _details(self) -> Details:
        note = text(self.row, "Note")
        if len(note) > LONGEST_TEXT:
            conduct_id = text(self.row, "Id")
            raise XporterError(f"Note field max character limit ({LONGEST_TEXT}) exceeded for Conduct Id: {conduct_id}")
        found = self._lookups()
        recorded_by = text(self.row, "RecordedById")
        if recorded_by and recorded_by not in self.school.mis.staff:
            raise XporterError(f"Invalid RecordedById {recorded_by}")
        if self.update_id is None:
            # Both are mandatory (14191, 14192); an update gives what is to change (14548).
            required(self.row, "RecordedById")
            required(self.row, "EntryDate")
        return Details(
            type=self._type(),
            day=fields.day(self.row, "EntryDate"),
            recorded_by=recorded_by or None,
            activity=found.get("ActivityId"),
            location=found.get("LocationId"),
            status=found.get("StatusId"),
            bullying_type=found.get("BullTypeId"),
            time=found.get("EntryTimeId"),
            comment=note or None,
        )

    def _type(self) -> Attribute | None:
        type_id = text(self.row, "TypeId")
        if not type_id and self.update_id is None:
            raise missing("TypeId")
        found = lookups.find_type(self.school, self.kind, type_id)
        if type_id and found is None:
            raise XporterError(f"Invalid TypeId {type_id}")
        return found

    def _lookups(self) -> dict[str, Attribute]:
        # Status is one of a behaviour alone (7439), and Bromcom does without it (14428).
        needs_status = self.kind == "Beh" and self.update_id is None and not self.is_bromcom
        if needs_status and not text(self.row, "StatusId"):
            raise XporterError("Mandatory field StatusId missing")
        found = {}
        for name, lookup_type in LOOKUP_FIELDS[self.kind].items():
            if given := text(self.row, name):
                row = lookups.find(self.school, lookup_type, given)
                if row is None:
                    raise XporterError(f"Invalid {name} {given}")
                found[name] = row
        return found

    def _split(self, rows: Sequence[Row], key: str, what: str) -> tuple[list[Row], list[str]]:
        """Return the rows that stay, and the ids that a minus sign asks to remove."""
        stay, gone = fields.split(rows, key)
        if gone and self.is_bromcom:
            raise XporterError(f"Deletion of conduct records is not supported for {self.school.mis_name}")
        if gone and self.update_id is None:
            raise XporterError(f"You must provide an UpdateId when trying to remove {what} from a behaviour record")
        return stay, gone

    def _participant(self, row: Row) -> Participant:
        student_id = text(row, "StudentId")
        if student_id not in self.school.mis.pupils:
            raise XporterError(f"Invalid StudentId: {student_id}")
        points = fields.whole_number(row, "Points")
        if points is None and self.update_id is None:
            raise missing("Points")
        outcome_id, role_id = text(row, "OutcomeId"), text(row, "RoleId")
        outcome_type, named = OUTCOMES[self.kind]
        outcome = lookups.find(self.school, outcome_type, outcome_id)
        if outcome_id and outcome is None:
            raise XporterError(f"Invalid {named} OutcomeId {outcome_id}")
        # A role is one of a behaviour alone (7441).
        role = lookups.find(self.school, "BehStuRole", role_id) if self.kind == "Beh" else None
        if role_id and role is None:
            raise XporterError(f"Invalid Student RoleId for StudentId: {student_id}")
        return Participant(student_id, points, role, outcome)

    def _staff(self, row: Row) -> StaffPart:
        staff_id, role_id = text(row, "StaffId"), text(row, "StaffRoleId")
        if staff_id not in self.school.mis.staff:
            raise XporterError(f"Invalid StaffId: {staff_id}")
        role = lookups.find(self.school, "StfRole", role_id)
        if role_id and role is None:
            raise XporterError(f"Invalid Staff RoleId for StaffId: {staff_id}")
        return StaffPart(staff_id, role)

    def _medium(self, row: Row) -> Medium:
        if self.is_bromcom:
            # "Media object is not supported" (14429); a guess as to the words, and that it is refused.
            raise XporterError(f"Media is not supported for {self.school.mis_name}")
        encoded, taken_at = required(row, "MediaBase64"), required(row, "MediaDateTime")
        try:
            content = base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError) as error:
            raise XporterError(f"Invalid MediaBase64 for Media Id: {text(row, 'Id')}") from error  # a guess
        try:
            at = datetime.fromisoformat(taken_at)
        except ValueError as error:
            raise XporterError(f"Invalid MediaDateTime provided: {taken_at}") from error  # a guess
        return Medium(
            file_name=required(row, "FileName"),
            media_type=required(row, "MediaType"),
            description=required(row, "Description"),
            taken_at=at,
            size=len(content),
            sha256=sha256(content).hexdigest(),
        )
