"""How Wonde takes each kind: method, path, the name of its list, and whether it promises an id. Plain data."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from writeback.domain.kinds import Record


@dataclass(frozen=True)
class Operation:
    """One call of Wonde's document. A kind that has none cannot go through Wonde."""

    method: str
    path: str
    """Below the school; the names in braces are fields of our record."""
    root: str | None = None
    """The list that the records go under; None: one record a request."""
    promises_id: bool = True
    """Whether the document shows a writeback_id as its answer."""
    target: str | None = None
    """Our field that names what is changed or removed, where it must be in the MIS already."""
    noun: str = ""
    """What that is in words."""

    def path_for(self, record: Record) -> str:
        """Return the path for this record, its ids percent-encoded."""
        return self.path.format_map({name: quote(str(value), safe="") for name, value in record})


OPERATIONS: Mapping[str, Operation] = {
    "attendance.session": Operation("POST", "attendance/session", "attendance"),  # Wonde 2127
    "attendance.lesson": Operation("POST", "attendance/lesson", "attendance"),  # Wonde 2332
    # No answer is shown for conduct: the writeback_id of the others is used where it comes (Wonde 1300, 2749).
    "achievement.create": Operation("POST", "achievements", promises_id=False),
    "achievement.delete": Operation(
        "DELETE",
        "achievements/{achievement_id}",  # Wonde 1371
        promises_id=False,
        target="achievement_id",
        noun="achievement",
    ),
    "behaviour.create": Operation("POST", "behaviours", promises_id=False),
    "behaviour.delete": Operation(
        "DELETE",
        "behaviours/{behaviour_id}",  # Wonde 2814
        promises_id=False,
        target="behaviour_id",
        noun="behaviour",
    ),
    "detention.create": Operation("POST", "detentions", "detention"),  # Wonde 3812
    "detention.delete": Operation(
        "DELETE",
        "detentions/{detention_id}",  # Wonde 3894
        target="detention_id",
        noun="detention",
    ),
    "detention_attendance.set": Operation("POST", "attendance/detention", "attendance"),  # Wonde 4109
    "detention_attendance.delete": Operation(
        "DELETE",
        "attendance/detention/{detention_id}/attendee/{student_id}",  # Wonde 4172
        target="detention_id",
        noun="detention with this pupil",
    ),
    "student_absence.create": Operation("POST", "attendance/absence", "absence"),  # Wonde 8444
    "employee_absence.create": Operation("POST", "employee-absences", "employee_absence"),  # Wonde 5287
    "employee_absence.update": Operation(
        "PUT",
        "employee-absences/{absence_id}",  # Wonde 5364
        target="absence_id",
        noun="employee absence",
    ),
    "employee_absence.delete": Operation(
        "DELETE",
        "employee-absences/{absence_id}",  # Wonde 5421
        promises_id=False,
        target="absence_id",
        noun="employee absence",
    ),
}
