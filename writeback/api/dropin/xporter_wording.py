"""Says our findings in Xporter's own words: the tables 14043-14058 and 14296-14326, and words formed after them. Pure.

Clients judge by `ExceptionMessage`, and some read the ids in it.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from writeback.api.dropin.xporter_fields import GONE, SHAPES
from writeback.domain.school import School
from writeback.flow.dropin.requests import DropInPart

Finding = Mapping[str, Any]
_OWN_WORDS = re.compile(
    r"Invalid |Missing |Mandatory |InstanceId required|Notes? field|Only write|School appears|You |Deletion of"
)
"""How Xporter's messages begin; other texts that findings quote are its document's descriptions."""
_FAMILIES = {"attendance": "Attendance", "achievement": "Conduct", "behaviour": "Conduct", "detention": "Detention"}
_SCOPES = {"Attendance": "WritebackAttendance", "Conduct": "WritebackConduct", "Detention": "WritebackConduct"}
_NEED_A_REASON = ("present_in_future", "not_yet_happened", "date_too_far", "code_is_no_mark")
"""What is right in form, so that its value alone does not tell what is wrong with it."""
_MOST_MESSAGES = 20
_LONGEST_VALUE = 64


def messages_of(
    findings: Sequence[Sequence[Finding]], parts: Sequence[DropInPart], school: School, more: int = 0
) -> list[str]:
    """Return what is wrong with the parts of a request, each thing once; `more`: how much more there is."""
    said = [_worded(one, part, school) for part, found in zip(parts, findings, strict=True) for one in found]
    return shortened(list(dict.fromkeys(said)), more)


def warned_of(warnings: Sequence[Sequence[Finding]], parts: Sequence[DropInPart]) -> Iterator[tuple[str, Finding]]:
    """Yield each warning with the field that it is about, as Xporter calls it."""
    for found, part in zip(warnings, parts, strict=False):  # none for a request that was known already
        for one in found:
            yield _name(part.kind, _place(one, part)[1]), one


def shortened(messages: Sequence[str], more: int = 0) -> list[str]:
    """Return as many messages as an answer has room for, and how many `more` there are."""
    more += max(0, len(messages) - _MOST_MESSAGES)
    return [*messages[:_MOST_MESSAGES], *([f"And {more} more errors"] if more else [])]


def _worded(finding: Finding, part: DropInPart, school: School) -> str:
    code, family = finding["code"], _FAMILIES[part.kind.partition(".")[0]]
    if code == "writeback_not_supported":
        return f"{family} writeback is not supported for {school.mis}"
    if code == "permission_missing":
        return f"The scope {_SCOPES[family]} has not been authorised"
    record, path = _place(finding, part)
    name, value = _name(part.kind, path), _value(record, path)
    if code == "lesson_required":
        return f"InstanceId required for Lesson attendance writeback for StudentId: {_value(record, ['student_id'])}"
    if code == "session_invalid":
        return f"Invalid Session provided: {value}"
    if code.endswith(("_missing", "_required", "_empty")) and name:
        return "Mandatory field StatusId missing" if name == "StatusId" else f"Missing mandatory field {name}"
    if code == "comment_too_long" and family == "Conduct" and not path[1:]:
        return f"Note field max character limit (500) exceeded for Conduct Id: {_given_id(finding, part)}"
    own = finding["provider_message"]
    if own and _OWN_WORDS.match(own):
        return str(own)
    if name and value and code not in _NEED_A_REASON:
        return f"Invalid {name} provided: {value}"
    return f"Invalid {name}: {finding['message']}" if name else str(finding["message"])


def _place(finding: Finding, part: DropInPart) -> tuple[Any, list[str]]:
    """Return the record that a finding is about, and where in it."""
    match finding["pointer"].split("/"):
        case ["", "records", index, *path] if index.isdigit() and int(index) < len(part.records):
            return part.records[int(index)], path
        case _:
            return None, []


def _name(kind: str, path: list[str]) -> str:
    """Return what Xporter calls the field."""
    if not path:
        return ""
    if path[0] in GONE:
        return GONE[path[0]]
    names = [one for one in SHAPES[kind].theirs(path) if not one.isdigit()]
    return names[-1] if names and names[-1][:1].isupper() else ""


def _value(record: Any, path: list[str]) -> str:
    """Return what stands there, as a message may quote it; empty for what is not there, and for lists and objects."""
    found = record
    for step in path:
        if isinstance(found, dict):
            found = found.get(step)
        elif isinstance(found, list) and step.isdigit() and int(step) < len(found):
            found = found[int(step)]
        else:
            return ""
    return "" if found is None or isinstance(found, dict | list) else str(found)[:_LONGEST_VALUE]


def _given_id(finding: Finding, part: DropInPart) -> str:
    index = finding["record"]
    return part.ids[index] if index is not None and index < len(part.ids) else ""


def codes_of(findings: Sequence[Sequence[Finding]]) -> Iterator[str]:
    """Yield the codes of all findings."""
    return (one["code"] for found in findings for one in found)
