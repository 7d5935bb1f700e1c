"""Absences of pupils and of staff."""

from datetime import datetime, time
from typing import Any

from validators.hours import is_outside_the_day, outside_values
from validators.records import RecordCheck
from validators.rule_files import DayToCome

_WHOLE_DAY = time(0)
"""A date alone is its first minute."""


class AbsenceCheck(RecordCheck):
    """Checks absences: one of a pupil has an event, one of staff an end."""

    def check_record(self, index: int, record: Any) -> None:
        event = getattr(record, "event", None)
        if event is not None:
            # A day off is planned ahead; coming and going are seen.
            to_come: DayToCome = "taken" if event == "all_day" else self.rule.day_to_come
            self.check_day(index, record, "start_at", to_come=to_come, needs_lessons=True)
            self._check_hour(index, "start_at", record.start_at)
        elif hasattr(record, "start_at"):
            self.check_day(index, record, "start_at")
            self._check_hour(index, "start_at", record.start_at)
            self._check_end(index, record)

    def _check_end(self, index: int, record: Any) -> None:
        if not isinstance(record.end_at, datetime):
            return  # none, or the half of a day
        self.check_day(index, record, "end_at")
        self._check_hour(index, "end_at", record.end_at)
        if record.end_at < record.start_at:
            values = {"value": record.end_at.isoformat(" "), "start": record.start_at.isoformat(" ")}
            self.report("end_before_start", index, ("end_at",), values)

    def _check_hour(self, index: int, name: str, instant: datetime) -> None:
        if instant.time() != _WHOLE_DAY and is_outside_the_day(instant.time()):
            self.report("time_outside_school_day", index, (name,), outside_values(instant.time()))
