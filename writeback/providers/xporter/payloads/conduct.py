"""Achievements and behaviour: Conducts, Participants, Staff and MediaFiles of one body (Xporter 14184-14236)."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from writeback.domain.kinds import Kind
from writeback.domain.lookups import ListName, LookupView
from writeback.providers.xporter.payloads.codes import (
    AsGiven,
    Codes,
    Resolver,
    filled,
    number,
    number_or_none,
    present,
    removal,
)

INCIDENT_TYPES: Mapping[str, str] = {"achievement": "Ach", "behaviour": "Beh"}
"""What a kind is about → IncidentType (14190)."""
LISTS: Mapping[str, ListName] = {
    "achievement": ListName.ACHIEVEMENT_ATTRIBUTES,
    "behaviour": ListName.BEHAVIOUR_ATTRIBUTES,
}
_UNKNOWN = {
    "type": "type_unknown",
    "activity": "activity_unknown",
    "status": "status_unknown",
    "bullying_type": "bullying_type_unknown",
    "location": "location_unknown",
    "time": "time_unknown",
    "role": "student_role_unknown",
    "staff_role": "staff_role_unknown",
}
"""Type of attribute → code of the finding where it is in no list."""


def subject_of(kind: Kind) -> str:
    """Return what a kind is about: `achievement` or `behaviour`."""
    return kind.name.partition(".")[0]


def build(kind: Kind, records: Sequence[Any], lookups: LookupView) -> dict[str, Any]:
    """Return the sections that have entries; Ids count from 1, so that an Id less 1 is the record's position."""
    subject = subject_of(kind)
    codes = Codes(lookups, LISTS[subject], {**_UNKNOWN, "outcome": f"{subject}_outcome_unknown"})
    body = _sections(subject, records, codes)
    codes.settle()
    return body


def as_given(kind: Kind, records: Sequence[Any]) -> dict[str, Any]:
    return _sections(subject_of(kind), records, AsGiven())


def _sections(subject: str, records: Sequence[Any], codes: Resolver) -> dict[str, Any]:
    sections: dict[str, list[dict[str, Any]]] = {"Conducts": [], "Participants": [], "Staff": [], "MediaFiles": []}
    for position, record in enumerate(records):
        one = _Conduct(subject, position, record, codes)
        sections["Conducts"].append(one.conduct())
        sections["Participants"] += one.participants()
        sections["Staff"] += one.staff()
        # Media count on through the whole request (14218): their Ids are unique however they are read.
        sections["MediaFiles"] += one.media(len(sections["MediaFiles"]) + 1)
    return filled(sections)


class _Conduct:
    """One record's entries. A field that a record does not have counts as not given."""

    def __init__(self, subject: str, position: int, record: Any, codes: Resolver) -> None:
        self._subject, self._position, self._record, self._codes = subject, position, record, codes
        self._link = {"ConductId": position + 1}

    def conduct(self) -> dict[str, Any]:
        """Fields: Xporter 14189-14195; those of behaviour alone: 7438-7440 and 14315-14316."""
        day = self._given("date")
        return present(
            Id=self._position + 1,
            UpdateId=number_or_none(self._given(f"{self._subject}_id")),
            IncidentType=INCIDENT_TYPES[self._subject],
            RecordedById=number_or_none(self._given("employee_id")),
            EntryDate=day.isoformat() if day else None,
            TypeId=self._id("type"),
            ActivityId=self._id("activity"),
            StatusId=self._id("status"),
            BullTypeId=self._id("bullying_type"),
            LocationId=self._id("location"),
            EntryTimeId=self._id("time"),
            Note=self._given("comment"),
        )

    def participants(self) -> Iterator[dict[str, Any]]:
        """Fields: Xporter 14202-14205, and RoleId for behaviour (7441)."""
        for place, student in enumerate(self._record.students):
            at = f"/students/{place}"
            role = getattr(student, "role", None)
            yield self._link | present(
                StudentId=number(student.student_id),
                Points=student.points,
                OutcomeId=self._local_id("outcome", student.outcome, f"{at}/outcome"),
                RoleId=self._local_id("role", role, f"{at}/role"),
            )
        for student_id in self._removed("students"):
            yield self._link | {"StudentId": removal(student_id)}

    def staff(self) -> Iterator[dict[str, Any]]:
        """Fields: Xporter 14212-14214."""
        for place, member in enumerate(self._record.staff):
            role_id = self._local_id("staff_role", member.role, f"/staff/{place}/role")
            yield self._link | present(StaffId=number(member.employee_id), StaffRoleId=role_id)
        for employee_id in self._removed("staff"):
            yield self._link | {"StaffId": removal(employee_id)}

    def media(self, first_id: int) -> Iterator[dict[str, Any]]:
        """Fields: Xporter 14221-14227."""
        for offset, medium in enumerate(self._record.media):
            yield {
                "Id": first_id + offset,
                **self._link,
                "MediaDateTime": medium.taken_at.isoformat(timespec="seconds"),
                "Description": medium.description,
                "MediaType": medium.media_type,
                "FileName": medium.file_name,
                "MediaBase64": medium.content,
            }
        for media_id in self._removed("media"):
            yield {"Id": removal(media_id), **self._link}

    def _given(self, name: str) -> Any:
        return getattr(self._record, name, None)

    def _removed(self, what: str) -> Sequence[str]:
        return getattr(self._record, f"remove_{what}", ())

    def _id(self, name: str) -> int | str | None:
        return self._local_id(name, self._given(name), f"/{name}")

    def _local_id(self, type_: str, given: str | None, pointer: str) -> int | str | None:
        return number_or_none(self._codes.local_id(self._position, type_, given, pointer))
