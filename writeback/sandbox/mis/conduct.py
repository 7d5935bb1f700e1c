"""The incidents that an MIS holds, and what is done to them.

Bromcom holds one pupil a record (Xporter 14420): what is written for three becomes three records there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from writeback.sandbox.mis.incidents import (
    Category,
    Incident,
    IncidentChange,
    IncidentEdit,
    IncidentRemoval,
    NewIncident,
    Participant,
)
from writeback.sandbox.mis.lists import withdrawn
from writeback.sandbox.mis.records import CREATED, DELETED, UPDATED, Effect, effect_on, merged
from writeback.sandbox.mis.roll import Roll
from writeback.sandbox.mis.timetable import LONDON

ONE_PUPIL_A_RECORD: Final = frozenset({"bromcom"})


class Conduct:
    """The incidents of one MIS by the provider's id, achievements and behaviours apart."""

    def __init__(self, roll: Roll) -> None:
        self._roll = roll
        self.by_category: dict[Category, dict[str, Incident]] = {"achievement": {}, "behaviour": {}}

    def get(self, category: Category, incident_id: str) -> Incident | None:
        return self.by_category[category].get(incident_id)

    def rows(self, category: Category) -> list[Incident]:
        """Return the incidents, oldest first."""
        return list(self.by_category[category].values())

    def objection(self, change: IncidentChange) -> str | None:
        """Return why the MIS cannot do that, or None."""
        if isinstance(change, NewIncident):
            if not change.pupils:
                return "an incident needs a student"
            return self._people_objection(change) or _lists_objection(change)
        held = self.get(change.category, change.incident_id)
        if held is None:
            return f"there is no {change.category} {change.incident_id}"
        if isinstance(change, IncidentRemoval):
            return None
        return self._edit_objection(held, change) or self._people_objection(change) or _lists_objection(change)

    def apply(self, change: IncidentChange, index: int, *, source: str, at: datetime) -> list[Effect]:
        """Do it; `objection` has been asked before."""
        match change:
            case NewIncident():
                groups = [[pupil] for pupil in change.pupils] if self._splits else [change.pupils]
                return [self._create(change, pupils, index, source, at) for pupils in groups]
            case IncidentEdit():
                return [self._edit(change, index, source, at)]
            case IncidentRemoval():
                gone = self.by_category[change.category].pop(change.incident_id)
                self._roll.note_deletion(change.category, gone.id, gone.mis_id, at)
                return [effect_on(gone, gone.category, index, DELETED)]

    def rename(self, new: Mapping[str, str]) -> None:
        """Give incidents, and the people in them, the ids that `new` has for their old ones."""
        for category, held in self.by_category.items():
            for row in held.values():
                row.id = new.get(row.id, row.id)
                row.pupils = {
                    new.get(old, old): replace(pupil, student_id=new.get(old, old)) for old, pupil in row.pupils.items()
                }
                row.staff = {
                    new.get(old, old): replace(part, employee_id=new.get(old, old)) for old, part in row.staff.items()
                }
                row.details = replace(
                    row.details,
                    recorded_by=new.get(row.details.recorded_by or "", row.details.recorded_by),
                    lesson_id=new.get(row.details.lesson_id or "", row.details.lesson_id),
                )
            self.by_category[category] = {row.id: row for row in held.values()}

    @property
    def _splits(self) -> bool:
        return self._roll.name.lower() in ONE_PUPIL_A_RECORD

    def _people_objection(self, change: NewIncident | IncidentEdit) -> str | None:
        for pupil in change.pupils:
            if pupil.student_id not in self._roll.pupils:
                return f"student {pupil.student_id} is not on roll"
        staff = [change.details.recorded_by, *(part.employee_id for part in change.staff)]
        gone = next((member for member in staff if member is not None and member not in self._roll.staff), None)
        return f"there is no member of staff {gone}" if gone else None

    def _edit_objection(self, held: Incident, change: IncidentEdit) -> str | None:
        missing = set(change.remove_students) - set(held.pupils) or set(change.remove_staff) - set(held.staff)
        missing = missing or set(change.remove_media) - set(held.media)
        if missing:
            return f"{min(missing)} is not part of {change.category} {change.incident_id}"
        left = (set(held.pupils) | {pupil.student_id for pupil in change.pupils}) - set(change.remove_students)
        if not left:
            return "an incident needs a student"
        if self._splits and len(left) > 1:
            return f"{self._roll.name} holds one student in a record"
        return None

    def _create(
        self, change: NewIncident, pupils: Sequence[Participant], index: int, source: str, at: datetime
    ) -> Effect:
        new_id, mis_id = self._roll.new_record_ids("B" if self._splits else "")
        row = Incident(
            id=new_id,
            mis_id=mis_id,
            category=change.category,
            details=change.details,
            pupils={pupil.student_id: pupil for pupil in pupils},
            staff={part.employee_id: part for part in change.staff},
            media={self._roll.new_mis_id(): medium for medium in change.media},
            recorded_on=at.astimezone(LONDON).date(),
            created_at=at,
            updated_at=at,
            source=source,
        )
        self.by_category[change.category][row.id] = row
        return effect_on(row, row.category, index, CREATED)

    def _edit(self, change: IncidentEdit, index: int, source: str, at: datetime) -> Effect:
        row = self.by_category[change.category][change.incident_id]
        row.details = merged(row.details, change.details)
        for pupil in change.pupils:
            old = row.pupils.get(pupil.student_id)
            row.pupils[pupil.student_id] = merged(old, pupil) if old else pupil
        for part in change.staff:
            old_part = row.staff.get(part.employee_id)
            row.staff[part.employee_id] = merged(old_part, part) if old_part else part
        row.media |= {self._roll.new_mis_id(): medium for medium in change.media}
        for student_id in change.remove_students:
            row.pupils.pop(student_id, None)
        for employee_id in change.remove_staff:
            row.staff.pop(employee_id, None)
        for medium_id in change.remove_media:
            row.media.pop(medium_id, None)
        row.updated_at, row.source = at, source
        return effect_on(row, row.category, index, UPDATED)


def _lists_objection(change: NewIncident | IncidentEdit) -> str | None:
    chosen = [*change.details.attributes, *(part.role for part in change.staff)]
    return withdrawn([*chosen, *(row for pupil in change.pupils for row in pupil.attributes)])
