"""The providers' own example payloads as what an app would submit: ids adapted to a simulated school, fields renamed.

`Adapter` swaps the ids of an example for those of the school; `WONDE` and `XPORTER` turn a payload into our records.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

EXAMPLES = Path(__file__).parents[1] / "examples"
Body = dict[str, Any]
Pools = Mapping[str, Sequence[str]]
"""Ids of the school, by what they are ids of."""

# What the ids in a field are ids of. Wonde's names and Xporter's never clash.
_IDS = {
    **dict.fromkeys(("student_id", "StudentId"), "student"),
    **dict.fromkeys(("employee_id", "attended_by_employee_id", "recorded_by_employee_id", "authorised_by"), "employee"),
    **dict.fromkeys(("RecordedById", "StaffId", "AssignedStaffId", "RecordedByStaffId", "AddedByStaffId"), "employee"),
    **dict.fromkeys(("lesson_id", "InstanceId"), "lesson"),
    **dict.fromkeys(("behaviour_id", "BehaviourId"), "behaviour"),
    "detention_id": "detention",
    "attendance_code_id": "code",
    "detention_type_id": "detention.type",
    "DetentionTypeId": "detention.type",
    "room_id": "room",
    "detention_attendance_code_id": "detention.attendance",
    "AttendedId": "detention.attendance",
    "ReasonId": "detention.reason",
    "behaviour_type": "behaviour.type",
    "UpdateId": "update",
}


class Adapter:
    """Swaps ids: the first id of a sort that comes becomes the school's first of it, the second its second, …"""

    def __init__(self, pools: Pools, fields: Mapping[str, str], codes: Mapping[str, Mapping[str, str]]) -> None:
        self._pools, self._fields, self._codes = pools, {**_IDS, **fields}, codes
        self._known: defaultdict[str, dict[str, str]] = defaultdict(dict)

    def submitted(self, body: Any) -> Any:
        """Return the body with the school's ids; a code that the school has stays a code."""
        return self._walk(body, as_sent=False)

    def sent(self, body: Any) -> Any:
        """Return the body as it should come to the provider: each code as the id that it stands for, no nulls."""
        return self._walk(body, as_sent=True)

    def _walk(self, node: Any, *, as_sent: bool) -> Any:
        if isinstance(node, list):
            return [self._walk(item, as_sent=as_sent) for item in node]
        if not isinstance(node, dict):
            return node
        return {
            name: self._value(name, value, as_sent=as_sent)
            for name, value in node.items()
            if not (as_sent and value is None)
        }

    def _value(self, name: str, value: Any, *, as_sent: bool) -> Any:
        sort = self._fields.get(name)
        if sort is None or value is None:
            return self._walk(value, as_sent=as_sent)
        text = str(value).removeprefix("-")
        code_id = self._codes.get(sort, {}).get(text.upper())
        own = self._own(sort, text) if code_id is None else code_id if as_sent else text
        minus = "-" if str(value).startswith("-") else ""
        return int(minus + own) if isinstance(value, int) else minus + own

    def _own(self, sort: str, theirs: str) -> str:
        known = self._known[sort]
        if theirs not in known:
            known[theirs] = self._pools[sort][len(known)]
        return known[theirs]


def example(name: str) -> Body:
    """Return an example by its path below `tests/examples`."""
    read: Body = json.loads((EXAMPLES / name).read_text(encoding="utf-8"))
    return read


def _renamed(entry: Body, names: Mapping[str, str]) -> Body:
    return {names.get(name, name): value for name, value in entry.items() if value is not None}


# Wonde's payloads → our records.

_MARK = {"attendance_code_id": "code"}
_ACHIEVER = {"award": "outcome", "award_date": "outcome_date"}
_INVOLVED = {"action": "outcome", "action_date": "outcome_date"}
_INCIDENT = {"activity_type": "activity"}
_ATTENDEE = {
    "comments": "comment",
    "detention_attendance_code_id": "attendance",
    "recorded_by_employee_id": "recorded_by_id",
}
_DETENTION = {"detention_type_id": "type", "room_id": "location", "attended_by_employee_id": "supervisor_id"}
_STUDENT_ABSENCE = {"event_type": "event", "absence_type": "type", "authorised_by": "authorised_by_id"}
_STAFF_ABSENCE = {
    "number_of_hours": "hours",
    "absence_type": "type",
    "authorised_pay_rate": "pay_rate",
    "absence_note": "comment",
}


def _incident(pupil: Mapping[str, str]) -> Callable[[Body], list[Body]]:
    def records(body: Body) -> list[Body]:
        students = [_renamed(entry, pupil) for entry in body["students"]]
        return [_renamed(body, _INCIDENT) | {"students": students}]

    return records


def _detention(entry: Body) -> Body:
    given = _renamed(entry, _DETENTION)
    day, _, start = given.pop("start_at").partition(" ")
    end = given.pop("end_at").partition(" ")[2]
    students = [_renamed(pupil, _ATTENDEE) for pupil in given.pop("attendees")]
    return {**given, "date": day, "start_time": start, "end_time": end, "students": students}


def _student_absence(entry: Body) -> Body:
    given = _renamed(entry, _STUDENT_ABSENCE)
    return given | {"event": given["event"].replace(" ", "_")}


WONDE: Mapping[str, Callable[[Body], list[Body]]] = {
    "attendance.session": lambda body: [_renamed(entry, _MARK) for entry in body["attendance"]],
    "attendance.lesson": lambda body: [_renamed(entry, _MARK) for entry in body["attendance"]],
    "achievement.create": _incident(_ACHIEVER),
    "behaviour.create": _incident(_INVOLVED),
    "detention.create": lambda body: [_detention(entry) for entry in body["detention"]],
    "detention_attendance.set": lambda body: [_renamed(entry, _ATTENDEE) for entry in body["attendance"]],
    "student_absence.create": lambda body: [_student_absence(entry) for entry in body["absence"]],
    "employee_absence.create": lambda body: [_renamed(entry, _STAFF_ABSENCE) for entry in body["employee_absence"]],
    "employee_absence.update": lambda body: [_renamed(body, _STAFF_ABSENCE)],
}


# Xporter's payloads → our records. Ids are text with us.

_NAMES = {
    "StudentId": "student_id",
    "Date": "date",
    "Session": "session",
    "InstanceId": "lesson_id",
    "Mark": "code",
    "Mins": "minutes_late",
    "Notes": "comment",
    "StatutoryComment": "statutory_comment",
    "EntryDate": "date",
    "RecordedById": "employee_id",
    "TypeId": "type",
    "ActivityId": "activity",
    "StatusId": "status",
    "BullTypeId": "bullying_type",
    "LocationId": "location",
    "EntryTimeId": "time",
    "Note": "comment",
    "OutcomeId": "outcome",
    "RoleId": "role",
    "Points": "points",
    "StaffId": "employee_id",
    "StaffRoleId": "role",
    "MediaDateTime": "taken_at",
    "Description": "description",
    "MediaType": "media_type",
    "FileName": "file_name",
    "MediaBase64": "content",
    "DetentionTypeId": "type",
    "DetentionDate": "date",
    "StartTime": "start_time",
    "EndTime": "end_time",
    "AssignedStaffId": "supervisor_id",
    "RecordedDate": "recorded_date",
    "RecordedByStaffId": "recorded_by_id",
    "ReasonId": "reason",
    "AttendedId": "attendance",
    "NonAttendanceReason": "non_attendance_reason",
    "BehaviourId": "behaviour_id",
    "AddedByStaffId": "recorded_by_id",
    "Comments": "comment",
}
_NUMBERS = ("Points", "Mins")


def _ours(entry: Body) -> Body:
    return {
        ours: entry[theirs] if theirs in _NUMBERS else str(entry[theirs])
        for theirs, ours in _NAMES.items()
        if theirs in entry
    }


def _members(body: Body, section: str, link: str, parent: Body, key: str) -> Iterator[Body]:
    return (entry for entry in body.get(section, ()) if entry[link] == parent["Id"] and key in entry)


def _split(entries: Iterator[Body], key: str) -> tuple[list[Body], list[str]]:
    """Return those to be there and the ids of those to be removed."""
    every = list(entries)
    gone = [str(entry[key]).removeprefix("-") for entry in every if str(entry[key]).startswith("-")]
    return [_ours(entry) for entry in every if not str(entry[key]).startswith("-")], gone


def _filled(**lists: Any) -> Body:
    return {name: value for name, value in lists.items() if value}


def _conduct(body: Body, parent: Body) -> Body:
    subject = {"Ach": "achievement", "Beh": "behaviour"}[parent["IncidentType"]]
    students, gone = _split(_members(body, "Participants", "ConductId", parent, "StudentId"), "StudentId")
    staff, gone_staff = _split(_members(body, "Staff", "ConductId", parent, "StaffId"), "StaffId")
    media, gone_media = _split(_members(body, "MediaFiles", "ConductId", parent, "Id"), "Id")
    target = {f"{subject}_id": str(parent["UpdateId"])} if "UpdateId" in parent else {}
    people = _filled(students=students, remove_students=gone, staff=staff, remove_staff=gone_staff)
    return {**_ours(parent), **target, **people, **_filled(media=media, remove_media=gone_media)}


def _detention_of(body: Body, parent: Body) -> Body:
    students, gone = _split(_members(body, "DetentionStudents", "DetentionId", parent, "StudentId"), "StudentId")
    staff, gone_staff = _split(_members(body, "DetentionStaff", "DetentionId", parent, "StaffId"), "StaffId")
    target = {"detention_id": str(parent["UpdateId"])} if "UpdateId" in parent else {}
    there = [member["employee_id"] for member in staff]
    return {
        **_ours(parent),
        **target,
        **_filled(students=students, remove_students=gone, staff_ids=there, remove_staff=gone_staff),
    }


def _entries_of(body: Body) -> list[Body]:
    """Return the pupils' entries of an update that changes nothing else."""
    (parent,) = body["Detentions"]
    students, gone = _split(_members(body, "DetentionStudents", "DetentionId", parent, "StudentId"), "StudentId")
    detention = {"detention_id": str(parent["UpdateId"])}
    return [*({**detention, **one} for one in students), *({**detention, "student_id": one} for one in gone)]


def xporter_records(kind: str, body: Body) -> list[Body]:
    """Return a payload as our records of the kind."""
    if "Marks" in body:
        return [_ours(mark) for mark in body["Marks"]]
    if "Conducts" in body:
        return [_conduct(body, parent) for parent in body["Conducts"]]
    if kind.startswith("detention_attendance."):
        return _entries_of(body)
    return [_detention_of(body, parent) for parent in body["Detentions"]]
