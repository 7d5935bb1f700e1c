"""Detentions, and whether pupils came."""

from typing import Any

from validators.hours import is_outside_the_day, outside_values
from validators.records import RecordCheck
from writeback.domain.kinds import Action


class DetentionCheck(RecordCheck):
    """Checks detentions, new and changed, and their entries."""

    def check_record(self, index: int, record: Any) -> None:
        if not hasattr(record, "start_time"):
            return  # an entry, or a removal
        self.check_day(index, record, "date", warn_past=self.kind.action is Action.CREATE, needs_lessons=True)
        self.check_day(index, record, "recorded_date", to_come="warned")
        for name in ("start_time", "end_time"):
            if is_outside_the_day(getattr(record, name)):
                self.report("time_outside_school_day", index, (name,), outside_values(getattr(record, name)))
        start, end = record.start_time, record.end_time
        if start is not None and end is not None and end <= start:
            self.report("end_before_start", index, ("end_time",), {"value": f"{end:%H:%M}", "start": f"{start:%H:%M}"})
