"""What Wonde's clients send, kind by kind, and which fields of ours it becomes. Plain data and pure functions."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from writeback.api.dropin.allowed import IS_ID
from writeback.api.dropin.values import Field, Shape, day, whole
from writeback.core.errors import NotFound

_SESSION = Shape(  # Wonde 2169-2177
    {
        "student_id": Field("student_id"),
        "date": Field("date", day, is_local=True),
        "session": Field("session"),
        "attendance_code_id": Field("code"),
        "comment": Field("comment"),
        "minutes_late": Field("minutes_late", whole),
        "employee_id": Field("employee_id"),
    }
)
_LESSON = Shape(  # Wonde 2370-2376
    {
        "student_id": Field("student_id"),
        "lesson_id": Field("lesson_id"),
        "attendance_code_id": Field("code"),
        "comment": Field("comment"),
        "minutes_late": Field("minutes_late", whole),
    }
)
_INCIDENT = {
    "employee_id": Field("employee_id"),
    "lesson_id": Field("lesson_id"),
    "date": Field("date", day, is_local=True),
    "type": Field("type"),
    "comment": Field("comment"),
    "activity_type": Field("activity"),
}
_PUPIL = {"student_id": Field("student_id"), "points": Field("points", whole)}
_ACHIEVER = Shape({**_PUPIL, "award": Field("outcome"), "award_date": Field("outcome_date", day, is_local=True)})
_ACHIEVEMENT = Shape(_INCIDENT, {"students": ("students", _ACHIEVER)})  # Wonde 1353-1369
_INVOLVED = Shape(
    {
        **_PUPIL,
        "role": Field("role"),
        "action": Field("outcome"),
        "action_date": Field("outcome_date", day, is_local=True),
    }
)
_BEHAVIOUR = Shape(  # Wonde 2786-2812
    {
        **_INCIDENT,
        "status": Field("status"),
        "bullying_type": Field("bullying_type"),
        "location": Field("location"),
        "time": Field("time"),
    },
    {"students": ("students", _INVOLVED)},
)
_ATTENDEE = {
    "student_id": Field("student_id"),
    "comments": Field("comment"),
    "detention_attendance_code_id": Field("attendance"),
    "recorded_by_employee_id": Field("recorded_by_id"),
    "behaviour_id": Field("behaviour_id"),
    "behaviour_type": Field("behaviour_type"),
}
_DETENTION = Shape(  # Wonde 3870-3883; start_at and end_at are taken apart below
    {
        "detention_type_id": Field("type"),
        "room_id": Field("location"),
        "attended_by_employee_id": Field("supervisor_id"),
        "start_at": Field("start_at", is_local=True),
        "end_at": Field("end_at", is_local=True),
    },
    {"attendees": ("students", Shape(_ATTENDEE))},
)
_DETENTION_MARK = Shape({**_ATTENDEE, "detention_id": Field("detention_id")})  # Wonde 4153-4161
_EVENTS = {"sign in": "sign_in", "sign out": "sign_out", "all day absence": "all_day"}  # Wonde 8493-8495
_VALUES = {ours: theirs for theirs, ours in _EVENTS.items()}
_STUDENT_ABSENCE = Shape(  # Wonde 8489-8500
    {
        "student_id": Field("student_id"),
        "start_at": Field("start_at", is_local=True),
        "event_type": Field("event", lambda given: _EVENTS.get(given, given) if isinstance(given, str) else given),
        "absence_type": Field("type"),
        "reason": Field("reason"),
        "comment": Field("comment"),
        "authorised_by": Field("authorised_by_id"),
    }
)
_EMPLOYEE_ABSENCE_CHANGE = Shape(  # Wonde 5400-5410
    {
        "start_at": Field("start_at", is_local=True),
        "end_at": Field("end_at", is_local=True),
        "working_days": Field("working_days"),
        "number_of_hours": Field("hours"),
        "absence_type": Field("type"),
        "illness_category": Field("illness_category"),
        "authorised_pay_rate": Field("pay_rate"),
        "absence_note": Field("comment"),
        "absence_code": Field("absence_code"),
    }
)
_EMPLOYEE_ABSENCE = Shape({"employee_id": Field("employee_id"), **_EMPLOYEE_ABSENCE_CHANGE.fields})  # 5341-5353
_NOTHING = Shape({})


def _same(record: dict[str, Any]) -> dict[str, Any]:
    return record


def _detention(record: dict[str, Any]) -> dict[str, Any]:
    """Return the record with the day and the two times of day that Wonde's timestamps hold (Wonde 3874)."""
    start, end = record.pop("start_at", None), record.pop("end_at", None)
    start_day, start_time = _parted(start)
    end_day, end_time = _parted(end)
    if end_day is not None and start_day is not None and end_day != start_day:
        end_time = end  # it ends on another day: not a time of this one, and said so
    times = {"date": start_day, "start_time": start_time, "end_time": end_time}
    return record | {name: value for name, value in times.items() if value is not None}


def _parted(given: Any) -> tuple[Any, Any]:
    """Return the day and the time of day; of what has no time all as the day, so that validation quotes it."""
    if not isinstance(given, str):
        return given, None
    head, blank, tail = given.strip().replace("T", " ").partition(" ")
    return head, tail if blank else None


@dataclass(frozen=True)
class Operation:
    """One call of Wonde's document that writes. `path`: its parts below the school, braces for ids of ours."""

    method: str
    path: str
    kind: str
    type: str
    """Wonde's word for it, as its webhook has it (Wonde 187)."""
    shape: Shape = _NOTHING
    root: str | None = None
    """The list that the records are under; None: the body is the record."""
    finish: Callable[[dict[str, Any]], dict[str, Any]] = _same

    def rows(self, body: Any) -> list[Any] | None:
        """Return what the body holds, as it was sent; None where the list is missing or is none."""
        given: Any = [body]
        if self.root is not None:
            given = body.get(self.root) if isinstance(body, dict) else None
        if isinstance(given, dict) and given and all(isinstance(one, dict) for one in given.values()):
            given = list(given.values())  # PHP writes a list with gaps as an object
        if not isinstance(given, list) or not given:
            return None
        if self.root is None and not isinstance(given[0], dict):
            return [{}]  # what is no object has none of the fields, and each is named
        return list(given)

    def records(self, rows: Sequence[Any], ids: Mapping[str, str], zone: ZoneInfo) -> list[Any]:
        """Return our records, days and times on the clock of `zone`."""
        found = [self.shape.read(one, zone) for one in rows]
        return [self.finish({**one, **ids}) if isinstance(one, dict) else one for one in found]

    def ids_in(self, body: Any) -> dict[str, str]:
        """Return the id of what is to go, where the body is that; raise NotFound for any other body."""
        if not isinstance(body, str) or not IS_ID(body):
            raise NotFound("route_unknown", "The resource could not be found.")
        return {self.path.rpartition("/")[2][1:-1]: body}

    def field_of(self, pointer: str) -> str:
        """Return the key of Wonde's object of errors for a place in our submission, e.g. `attendance.0.student_id`."""
        parts = pointer.split("/")[1:]
        index, path = (parts[1:2], parts[2:]) if parts[:1] == ["records"] else ([], [])
        if self.finish is _detention and path[:1]:
            path = [_TIMESTAMPS.get(path[0], path[0]), *path[1:]]
        theirs = self.shape.theirs(path)
        return ".".join([self.root, *index, *theirs] if self.root is not None else theirs) or "school"

    def in_their_words(self, said: str) -> str:
        """Return a message with Wonde's names of fields and values: `event_type`, `sign in`."""
        names = {**self._names, **_VALUES}
        return re.sub(_OUR_NAME, lambda found: names.get(found[0], found[0]), said)

    @cached_property
    def _names(self) -> dict[str, str]:
        """Our names of fields, where Wonde has others."""
        shapes = [self.shape, *(shape for _, shape in self.shape.lists.values())]
        names = {one.ours: theirs for shape in shapes for theirs, one in shape.fields.items()}
        if self.finish is _detention:
            names |= _TIMESTAMPS
        return {ours: theirs for ours, theirs in names.items() if ours != theirs}


_OUR_NAME = re.compile(
    r"(?:^|(?<=\bSend )|(?<=\bLeave )|(?<=\].))[a-z]+\b(?= is | has |[;,.]| out)|\b[a-z]+(?:_[a-z]+)+\b"
)
"""Where a message names one of our fields: at its beginning, after `Send`; with an underline wherever it stands."""
_TIMESTAMPS = {"date": "start_at", "start_time": "start_at", "end_time": "end_at"}
"""Fields of our detention that come from one of Wonde's timestamps."""
OPERATIONS = (
    Operation("POST", "attendance/session", "attendance.session", "attendance.session", _SESSION, "attendance"),
    Operation("POST", "attendance/lesson", "attendance.lesson", "attendance.lesson", _LESSON, "attendance"),
    Operation("POST", "achievements", "achievement.create", "achievement", _ACHIEVEMENT),
    Operation("DELETE", "achievements/{achievement_id}", "achievement.delete", "achievement"),
    Operation("POST", "behaviours", "behaviour.create", "behaviour", _BEHAVIOUR),
    Operation("DELETE", "behaviours/{behaviour_id}", "behaviour.delete", "behaviour"),
    Operation("POST", "detentions", "detention.create", "detention", _DETENTION, "detention", _detention),
    Operation("DELETE", "detentions/{detention_id}", "detention.delete", "detention"),
    Operation(
        "POST",
        "attendance/detention",
        "detention_attendance.set",
        "detention_attendance",
        _DETENTION_MARK,
        "attendance",
    ),
    Operation(
        "DELETE",
        "attendance/detention/{detention_id}/attendee/{student_id}",
        "detention_attendance.delete",
        "detention_attendance",
    ),
    Operation("POST", "attendance/absence", "student_absence.create", "student_absence", _STUDENT_ABSENCE, "absence"),
    Operation(
        "POST",
        "employee-absences",
        "employee_absence.create",
        "employee_absence",
        _EMPLOYEE_ABSENCE,
        "employee_absence",
    ),
    Operation(
        "PUT",
        "employee-absences/{absence_id}",
        "employee_absence.update",
        "employee_absence",
        _EMPLOYEE_ABSENCE_CHANGE,
    ),
    Operation("DELETE", "employee-absences/{absence_id}", "employee_absence.delete", "employee_absence"),
)
"""Every writeback of Wonde's document (1300 to 8444)."""
BY_KIND: Mapping[str, Operation] = {one.kind: one for one in OPERATIONS}


def operation_for(method: str, path: list[str]) -> tuple[Operation, dict[str, str] | None] | None:
    """Return the operation that a path below the school asks for, and the ids in the path.

    None for ids: they are in the body. So the official Ruby client deletes: the list's path, and the id as a JSON text.
    """
    for one in OPERATIONS:
        parts = one.path.split("/")
        if one.method != method:
            continue
        if method == "DELETE" and parts[:-1] == path and len(parts) == 2:
            return one, None
        if len(parts) != len(path):
            continue
        if all(part.startswith("{") or part == given for part, given in zip(parts, path, strict=True)):
            return one, {part[1:-1]: given for part, given in zip(parts, path, strict=True) if part.startswith("{")}
    return None
