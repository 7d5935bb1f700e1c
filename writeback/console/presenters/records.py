"""What a record says, field by field in words; free text is masked until somebody asks to see it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from writeback.console.presenters.naming import PUPIL_FIELDS, STAFF_FIELDS, person_words
from writeback.console.presenters.words import sentence
from writeback.flow.directory.names_shown import Names

FREE_TEXT = frozenset({"comment", "statutory_comment", "non_attendance_reason", "description", "file_name", "body"})
"""Fields in which a person may be named."""
NEVER = frozenset({"content"})
"""Files: their bytes help nobody."""
_LABELS = {
    "student_id": "Pupil",
    "employee_id": "Member of staff",
    "students": "Pupils",
    "staff": "Other staff",
    "staff_ids": "Other staff",
    "media": "Files",
    "code": "Mark",
    "lesson_id": "Lesson",
    "only_if_blank": "Only where there is no mark",
    "observed_at": "Seen at",
    "statutory_comment": "Statutory comment",
    "supervisor_id": "Supervised by",
    "recorded_by_id": "Recorded by",
    "recorded_date": "Recorded on",
    "authorised_by_id": "Authorised by",
    "behaviour_id": "Incident",
    "achievement_id": "Achievement",
    "detention_id": "Detention",
    "absence_id": "Absence",
    "start_at": "Begins",
    "end_at": "Ends",
    "start_time": "Begins",
    "end_time": "Ends",
    "remove_students": "Pupils to take out",
    "remove_staff": "Staff to take out",
    "remove_media": "Files to take out",
    "ref": "App’s reference",
}
_ONES = {"students": "Pupil", "staff": "Member of staff", "media": "File"}
Shape = Mapping[str, Any]


@dataclass(frozen=True)
class Said:
    """One field in words. `is_masked`: there is something, and it is not shown."""

    label: str
    value: str
    is_masked: bool = False
    depth: int = 0
    pupil: str = ""
    """The id of the one pupil whom it names."""


def label_of(name: str) -> str:
    return _LABELS.get(name) or sentence(name.removesuffix("_id").removesuffix("_ids"))


def one_of(name: str) -> str:
    """Return what one entry of a list is called."""
    return _ONES.get(name, label_of(name))


def said(record: Mapping[str, Any], fields: Sequence[Shape], *, show: bool, names: Names | None = None) -> list[Said]:
    """Return what the record says; `fields` describe its kind at its school, `show`: free text too. People are called
    by their `names`, or by ids."""
    return list(_said(record, {one["name"]: one for one in fields}, show, names or Names(), 0))


def has_free_text(record: Mapping[str, Any] | None) -> bool:
    """Whether there is anything that would be masked."""
    for name, value in (record or {}).items():
        if name in FREE_TEXT and value not in (None, ""):
            return True
        if isinstance(value, list) and any(has_free_text(one) for one in value if isinstance(one, Mapping)):
            return True
    return False


def _said(
    record: Mapping[str, Any], fields: Mapping[str, Shape], show: bool, names: Names, depth: int
) -> Iterator[Said]:
    ordered = [*(name for name in fields if name in record), *(name for name in record if name not in fields)]
    for name in ordered:
        value, shape = record[name], fields.get(name, {})
        if value is None or value == [] or (name == "ref" and depth == 0):
            continue
        if name in NEVER:
            yield Said(label_of(name), "not shown here", depth=depth)
        elif name in FREE_TEXT and not show:
            yield Said(label_of(name), "hidden", is_masked=True, depth=depth)
        elif isinstance(value, list) and all(isinstance(one, Mapping) for one in value):
            inner = {one["name"]: one for one in shape.get("fields", ())}
            for number, one in enumerate(value, 1):
                yield Said(f"{one_of(name)} {number}" if len(value) > 1 else one_of(name), "", depth=depth)
                yield from _said(one, inner, show, names, depth + 1)
        elif name in PUPIL_FIELDS or name in STAFF_FIELDS:
            several = [str(one) for one in (value if isinstance(value, list) else [value])]
            words = ", ".join(person_words(name, one, names) for one in several)
            pupil = several[0] if name in PUPIL_FIELDS and len(several) == 1 else ""
            yield Said(label_of(name), words, depth=depth, pupil=pupil)
        else:
            yield Said(label_of(name), in_words(value, shape), depth=depth)


def in_words(value: Any, shape: Shape) -> str:
    """Return a value, with the meaning of a code beside it where the school's list has it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(in_words(one, shape) for one in value)
    text = str(value)
    for choice in shape.get("choices") or ():
        if text in (str(choice["id"]), str(choice["code"])):
            return with_meaning(text, choice)
    return text


def with_meaning(text: str, choice: Mapping[str, Any]) -> str:
    """Return a code and what it means, once each."""
    meaning = str(choice.get("description") or choice.get("code") or "")
    return f"{text} – {meaning}" if meaning and meaning.casefold() != text.casefold() else text
