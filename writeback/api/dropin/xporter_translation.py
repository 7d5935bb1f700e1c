"""Translates the bodies of Xporter's calls (Marks, Conducts, Detentions) to records of ours. Pure.

What is wrong with how the sections hang together is said at once, in Xporter's words (14043-14058, 14296-14326); what
is wrong with a value is left to validation.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from writeback.api.dropin import xporter_fields as shapes
from writeback.api.dropin.values import Shape, day, is_nothing, text
from writeback.domain.submission.submission import MOST_PARTS
from writeback.flow.dropin.requests import DropInPart

Row = Mapping[str, Any]
SUBJECTS: Mapping[str, tuple[str, Shape]] = {
    "Ach": ("achievement", shapes.ACHIEVEMENT),
    "Beh": ("behaviour", shapes.BEHAVIOUR),
}
_MARK_TYPES = {"S": ("attendance.session", shapes.SESSION_MARK), "L": ("attendance.lesson", shapes.LESSON_MARK)}
_LONGEST_SHOWN = 64
_MAIN = frozenset({"Marks", "Conducts", "Detentions"})
"""Sections of which each row becomes a record."""


class SectionsRefused(Exception):
    """The body cannot be understood; `messages` are in Xporter's words."""

    def __init__(self, messages: Sequence[str]) -> None:
        super().__init__("the sections do not hang together")
        self.messages = list(dict.fromkeys(messages))


@dataclass
class _Gathered:
    """Records by kind, in the order in which the kinds came, and what is wrong."""

    by_kind: dict[str, tuple[list[Any], list[str]]] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    def add(self, kind: str, record: Any, given_id: str = "") -> None:
        records, ids = self.by_kind.setdefault(kind, ([], []))
        records.append(record)
        ids.append(given_id)

    def parts(self, *, are_named: bool) -> list[DropInPart]:
        if self.wrong:
            raise SectionsRefused(self.wrong)
        return [DropInPart(kind, records, ids if are_named else ()) for kind, (records, ids) in self.by_kind.items()]


def check_counts(body: Any, max_records: int) -> None:
    """Raise SectionsRefused for more rows than are looked at one by one."""
    for name, rows in body.items() if isinstance(body, dict) else ():
        limit = max_records if name in _MAIN else MOST_PARTS
        if isinstance(rows, list) and len(rows) > limit:
            raise SectionsRefused([f"Only write back {limit} {name[:_LONGEST_SHOWN]} in one request"])


def marks(body: Any, today: date) -> list[DropInPart]:
    """Return session and lesson marks, of one date (Xporter 14057)."""
    gathered, days = _Gathered(), set[str]()
    for row in _required_section(body, "Marks"):
        given = _text(row, "MarkType").upper()
        if given not in _MARK_TYPES:
            gathered.wrong.append(f"Invalid MarkType provided: {given}" if given else _missing("MarkType"))
            continue
        kind, shape = _MARK_TYPES[given]
        gathered.add(kind, shape.read(row))
        if not is_nothing(row.get("Date")):
            days.add(str(day(row["Date"])))
    if len(days) > 1:
        gathered.wrong.append("Only write back a set of marks for the same date")
    return gathered.parts(are_named=False)


def conducts(body: Any, today: date) -> list[DropInPart]:
    """Return achievements and incidents, new and changed: a kind each."""
    gathered = _Gathered()
    rows = _required_section(body, "Conducts")
    ids = _ids(rows, "conduct", gathered)
    children = {
        name: _by_parent(body, name, "ConductId", ids, gathered) for name in ("Participants", "Staff", "MediaFiles")
    }
    for row, row_id in zip(rows, ids, strict=True):
        incident_type = _text(row, "IncidentType")
        if incident_type not in SUBJECTS:
            gathered.wrong.append(f"Invalid IncidentType {incident_type} should be Ach or Beh")
            continue
        subject, shape = SUBJECTS[incident_type]
        parted = _Parted(row, gathered, "a behaviour record")
        sections = {
            "Participants": parted.split(children["Participants"].get(row_id, []), "StudentId", "students"),
            "Staff": parted.split(children["Staff"].get(row_id, []), "StaffId", "staff"),
            "MediaFiles": parted.split(children["MediaFiles"].get(row_id, []), "Id", "media"),
        }
        record = shape.read({**row, **{name: found for name, found in sections.items() if found}})
        gathered.add(*parted.finish(subject, record), row_id)
    return gathered.parts(are_named=True)


def detentions(body: Any, today: date) -> list[DropInPart]:
    """Return detentions, new and changed. A new one without a date is today's (Xporter 14507)."""
    gathered = _Gathered()
    rows = _required_section(body, "Detentions")
    ids = _ids(rows, "detention", gathered)
    students = _by_parent(body, "DetentionStudents", "DetentionId", ids, gathered)
    staff = _by_parent(body, "DetentionStaff", "DetentionId", ids, gathered)
    for row, row_id in zip(rows, ids, strict=True):
        parted = _Parted(row, gathered, "a detention record")
        present = parted.split(students.get(row_id, []), "StudentId", "students")
        record = shapes.DETENTION.read({**row, **({"DetentionStudents": present} if present else {})})
        helping = parted.split(staff.get(row_id, []), "StaffId", "staff")
        if helping:
            record["staff_ids"] = [text(one.get("StaffId")) for one in helping]
        if parted.update_id is None:
            record.setdefault("date", today.isoformat())
        gathered.add(*parted.finish("detention", record), row_id)
    return gathered.parts(are_named=True)


class _Parted:
    """One row of the main section: whether it updates, and what of its children is to go."""

    def __init__(self, row: Row, gathered: _Gathered, noun: str) -> None:
        self.update_id = _text(row, "UpdateId") or None
        self._gathered, self._noun = gathered, noun
        self._gone: dict[str, list[str]] = {}

    def split(self, rows: Sequence[Row], key: str, what: str) -> list[Row]:
        """Return the rows that stay; a minus sign asks to remove what it stands before (Xporter 14566-14569)."""
        stay = []
        for row in rows:
            given = _text(row, key)
            if given.startswith("-"):
                self._gone.setdefault(f"remove_{what}", []).append(given[1:])
                if self.update_id is None:
                    self._gathered.wrong.append(
                        f"You must provide an UpdateId when trying to remove {what} from {self._noun}"
                    )
            else:
                stay.append(row)
        return stay

    def finish(self, subject: str, record: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """Return the kind and the whole record."""
        if self.update_id is None:
            return f"{subject}.create", record
        return f"{subject}.update", {**record, **self._gone, f"{subject}_id": self.update_id}


def _required_section(body: Any, name: str) -> list[Row]:
    rows = _section(body, name)
    if not rows:
        raise SectionsRefused([_missing(name)])
    return rows


def _section(body: Any, name: str) -> list[Row]:
    rows = body.get(name) if isinstance(body, dict) else None
    if rows is None:
        return []
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise SectionsRefused([f"Invalid {name} provided"])
    return rows


def _ids(rows: Sequence[Row], noun: str, gathered: _Gathered) -> list[str]:
    """Return the Id of each row; two rows may neither have the same, nor update the same (Xporter 14324)."""
    ids = [_text(row, "Id") for row in rows]
    updated = [(_text(row, "IncidentType"), given) for row in rows if (given := _text(row, "UpdateId"))]
    if not all(ids):
        gathered.wrong.append(_missing("Id"))
    elif len(set(ids)) < len(ids) or len(set(updated)) < len(updated):
        gathered.wrong.append(f"You have defined the same {noun} more than once")
    return ids


def _by_parent(body: Any, name: str, key: str, ids: Sequence[str], gathered: _Gathered) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    known = set(ids)
    for row in _section(body, name):
        parent = _text(row, key)
        if parent not in known:
            gathered.wrong.append(f"Invalid {key} {parent}" if parent else _missing(key))
        found.setdefault(parent, []).append(row)
    return found


def _text(row: Row, name: str) -> str:
    value = row.get(name)
    return "" if value is None or isinstance(value, dict | list) else str(value)[:_LONGEST_SHOWN]


def _missing(name: str) -> str:
    return f"Missing mandatory field {name}"
