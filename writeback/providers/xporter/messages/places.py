"""What a message may name a record by: the ids in what was sent, and where in our record each came from. Pure."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

LONGEST_TEXT = 500
"""Most characters of a note (Xporter 14054, 14307)."""

_Entry = Mapping[str, Any]


@dataclass(frozen=True)
class Spot:
    """One value of a record as it was sent, by its name there, and the JSON Pointer of what it was made from."""

    name: str
    value: str = ""
    pointer: str = ""


Place = tuple[Spot, ...]
"""All spots of one record."""


def places_of(body: Mapping[str, Any], *, by_entry: bool = False) -> list[Place]:
    """Return the place of each record in a body, in order.

    `by_entry`: the records are pupils' entries in detentions, of which several may share one update.
    """
    if "Marks" in body:
        return [tuple(_mark(mark)) for mark in body["Marks"]]
    if "Conducts" in body:
        return [tuple(_conduct(conduct, body)) for conduct in body["Conducts"]]
    if by_entry:
        return [tuple(_attendee(entry)) for entry in body.get("DetentionStudents", ())]
    return [tuple(_detention(detention, body)) for detention in body.get("Detentions", ())]


def _mark(mark: _Entry) -> Iterator[Spot]:
    student = str(mark.get("StudentId", ""))
    yield Spot("StudentId" if student else "NoStudentId", student, "/student_id")
    yield Spot("LessonOf", student, "/lesson_id")
    yield Spot("NotesOf", student, "/comment")
    if len(mark.get("Notes", "")) > LONGEST_TEXT:
        yield Spot("LongNotesOf", student, "/comment")
    for name, pointer in (("Session", "/session"), ("InstanceId", "/lesson_id"), ("Mark", "/code")):
        if name in mark:
            yield Spot(name, str(mark[name]), pointer)


_CONDUCT = {
    "TypeId": "/type",
    "ActivityId": "/activity",
    "LocationId": "/location",
    "StatusId": "/status",
    "RecordedById": "/employee_id",
    "BullTypeId": "/bullying_type",
    "EntryTimeId": "/time",
}
_DETENTION = {
    "DetentionTypeId": "/type",
    "LocationId": "/location",
    "AssignedStaffId": "/supervisor_id",
    "RecordedByStaffId": "/recorded_by_id",
}
_ATTENDEE = {
    "ReasonId": "/reason",
    "AttendedId": "/attendance",
    "BehaviourId": "/behaviour_id",
    "AddedByStaffId": "/recorded_by_id",
}


def _conduct(conduct: _Entry, body: Mapping[str, Any]) -> Iterator[Spot]:
    kind = str(conduct.get("IncidentType", ""))
    yield from _head(conduct, body["Conducts"], _CONDUCT)
    if "Note" in conduct:
        yield Spot("NoteOf", str(conduct["Id"]), "/comment")
    if "UpdateId" not in conduct and kind == "Beh":
        yield from _absent(conduct, "StatusId", "/status")
    yield from _absent(conduct, "TypeId", "/type")
    mine = _children(body, "Participants", "ConductId", conduct)
    yield from _members(mine, "StudentId", "Student", "/students", "student_id")
    for at, participant in _kept(mine, "StudentId"):
        if "RoleId" in participant:
            yield Spot("RoleOfStudent", str(participant["StudentId"]), f"/students/{at}/role")
        if "OutcomeId" in participant:
            yield Spot(f"{kind}OutcomeId", str(participant["OutcomeId"]), f"/students/{at}/outcome")
    staff = _children(body, "Staff", "ConductId", conduct)
    yield from _members(staff, "StaffId", "Staff", "/staff", "employee_id")
    for at, member in _kept(staff, "StaffId"):
        if "StaffRoleId" in member:
            yield Spot("RoleOfStaff", str(member["StaffId"]), f"/staff/{at}/role")
    media = _children(body, "MediaFiles", "ConductId", conduct)
    if len(list(_kept(media, "Id"))) < len(media):
        yield Spot("RemovesMedia", "", "/remove_media")
    if any("MediaBase64" in medium for medium in media):
        yield Spot("HasMedia", "", "/media")


def _detention(detention: _Entry, body: Mapping[str, Any]) -> Iterator[Spot]:
    yield from _head(detention, body["Detentions"], _DETENTION)
    for name in ("AssignedStaffId", "RecordedByStaffId"):
        if name in detention:  # a message may speak of any member of staff as StaffId
            yield Spot("StaffId", str(detention[name]), _DETENTION[name])
    yield from _absent(detention, "DetentionTypeId", "/type")
    yield from _absent(detention, "LocationId", "/location")
    students = _children(body, "DetentionStudents", "DetentionId", detention)
    yield from _members(students, "StudentId", "Student", "/students", "student_id")
    for at, student in _kept(students, "StudentId"):
        yield from _given(student, {name: f"/students/{at}{pointer}" for name, pointer in _ATTENDEE.items()})
    staff = _children(body, "DetentionStaff", "DetentionId", detention)
    yield from _members(staff, "StaffId", "Staff", "/staff_ids", "")


def _attendee(entry: _Entry) -> Iterator[Spot]:
    student = str(entry["StudentId"])
    yield Spot("Id", str(entry["DetentionId"]))
    yield Spot("StudentId", student, "/student_id")
    yield Spot("StudentId", student.removeprefix("-"), "/student_id")
    if student.startswith("-"):
        yield Spot("RemovesStudents")
    yield from _given(entry, _ATTENDEE)


def _head(entry: _Entry, all_of_them: Sequence[_Entry], pointers: Mapping[str, str]) -> Iterator[Spot]:
    yield Spot("Id", str(entry["Id"]))
    if "UpdateId" in entry and [other.get("UpdateId") for other in all_of_them].count(entry["UpdateId"]) > 1:
        yield Spot("UpdateTwice")
    yield from _given(entry, pointers)


def _given(entry: _Entry, pointers: Mapping[str, str]) -> Iterator[Spot]:
    return (Spot(name, str(entry[name]), pointer) for name, pointer in pointers.items() if name in entry)


def _absent(entry: _Entry, name: str, pointer: str) -> Iterator[Spot]:
    if name not in entry:
        yield Spot(f"No{name}", "", pointer)


def _members(entries: Sequence[_Entry], key: str, what: str, field: str, name: str) -> Iterator[Spot]:
    """Yield where pupils or staff stand: those to be removed have a minus, and a field of their own."""
    removed = f"/remove_{what.lower()}{'s' if what == 'Student' else ''}"
    for at, entry in _kept(entries, key):
        yield Spot(key, str(entry[key]), f"{field}/{at}/{name}" if name else f"{field}/{at}")
    gone = [str(entry[key]) for entry in entries if str(entry[key]).startswith("-")]
    for at, value in enumerate(gone):
        yield Spot(key, value, f"{removed}/{at}")
        yield Spot(key, value.removeprefix("-"), f"{removed}/{at}")
    if gone:
        yield Spot("RemovesStudents" if what == "Student" else "RemovesStaff", "", removed)
    times = Counter(str(entry[key]).removeprefix("-") for entry in entries)
    if any(count > 1 for count in times.values()):
        yield Spot(f"{what}Twice", "", field)


def _kept(entries: Sequence[_Entry], key: str) -> Iterator[tuple[int, _Entry]]:
    """Yield those that are not to be removed, counted as in our record."""
    return enumerate(entry for entry in entries if not str(entry[key]).startswith("-"))


def _children(body: Mapping[str, Any], section: str, link: str, parent: _Entry) -> list[_Entry]:
    return [entry for entry in body.get(section, ()) if entry[link] == parent["Id"]]
