"""Achievements and behaviours."""

from typing import Any

from validators.field_places import given
from validators.media import check_medium
from validators.records import RecordCheck
from writeback.domain.lookups import ListName
from writeback.domain.submission.shape_findings import show


class ConductCheck(RecordCheck):
    """Checks incidents, new and changed."""

    def check_record(self, index: int, record: Any) -> None:
        if not hasattr(record, "students"):
            return  # a removal says no more than which
        self.check_day(index, record, "date", to_come=self.rule.day_to_come, needs_lessons=True)
        self.check_day(index, record, "students.outcome_date")
        self._check_lesson(index, record)
        self._check_bullying(index, record)
        self._check_staff_roles(index, record)
        if self.is_carried("media"):
            for place, medium in enumerate(record.media):
                for code, name, values in check_medium(medium, self.rule.max_media_bytes):
                    self.report(code, index, ("media", place, name), values)
            self.check_day(index, record, "media.taken_at", to_come="warned")

    def _check_lesson(self, index: int, record: Any) -> None:
        """Check the lesson of a new incident, as far as the timetable that was fetched reaches."""
        lesson_id = getattr(record, "lesson_id", None)
        if lesson_id is None or not self.is_carried("lesson_id"):
            return
        self.looked_in.add(ListName.LESSONS)
        if self.lookups.lessons is None:
            return
        row, day = self.lookups.lessons.rows.get(lesson_id), record.date.isoformat()
        values = {"lesson_id": show(lesson_id), "date": day}
        if row is None:
            if self.calendar.covers(day):
                self.report("lesson_unknown", index, ("lesson_id",), values, ListName.LESSONS)
        elif row.get("date") not in (None, day):
            self.report("lesson_on_another_day", index, ("lesson_id",), {**values, "lesson_date": row["date"]})

    def _check_bullying(self, index: int, record: Any) -> None:
        """Refuse a bullying type where the type of the incident has none (Wonde 2987-2991)."""
        lookup = self.lookups.behaviour_attributes
        bullying_type, type_ = getattr(record, "bullying_type", None), record.type
        if bullying_type is None or type_ is None or lookup is None or not self.is_carried("bullying_type"):
            return
        row = lookup.attribute("type", type_)
        if row is not None and row.get("allows_bullying_type") is False:
            values = {"value": show(bullying_type), "type": show(type_)}
            self.report("bullying_type_not_for_type", index, ("bullying_type",), values, ListName.BEHAVIOUR_ATTRIBUTES)

    def _check_staff_roles(self, index: int, record: Any) -> None:
        """Refuse roles that the MIS does not take (Xporter 14420)."""
        if not self.rule.staff_roles or not self.is_carried("staff"):
            return
        wanted = {role.casefold() for role in self.rule.staff_roles}
        lookup = self.lookups.get(self._attributes)
        for place in given(record, "staff.role"):
            row = lookup.attribute("staff_role", place.value) if lookup is not None else None
            if row is None and lookup is not None and lookup.choices("staff_role"):
                continue  # staff_role_unknown says it
            names = (
                {str(row.get(key)).casefold() for key in ("code", "description")} if row else {place.value.casefold()}
            )
            if not names & wanted:
                values = {"value": show(place.value), "roles": " or ".join(sorted(self.rule.staff_roles))}
                self.report("staff_role_not_taken", index, place.path, values)

    @property
    def _attributes(self) -> ListName:
        is_achievement = self.kind.name.startswith("achievement.")
        return ListName.ACHIEVEMENT_ATTRIBUTES if is_achievement else ListName.BEHAVIOUR_ATTRIBUTES
