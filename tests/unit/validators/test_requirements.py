"""What the documents say must be there is refused when it is not; and every message of theirs is quoted somewhere."""

import copy
import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.unit.validators.test_examples import REFUSED, ROOT, findings_of, read
from tests.unit.validators.test_findings import UNREACHABLE, XPORTER_CONDUCT

# Every attribute that a table of Wonde's marks "Yes", by our name for it, with its line.
WONDE_NEEDS = [
    ("achievement.create", "students", 1355),
    ("achievement.create", "students.0.student_id", 1356),
    ("achievement.create", "students.0.points", 1360),
    ("achievement.create", "employee_id", 1362),
    ("achievement.create", "date", 1364),
    ("achievement.create", "type", 1365),
    ("behaviour.create", "students", 2788),
    ("behaviour.create", "students.0.student_id", 2789),
    ("behaviour.create", "students.0.points", 2795),
    ("behaviour.create", "employee_id", 2797),
    ("behaviour.create", "date", 2799),
    ("behaviour.create", "status", 2800),
    ("behaviour.create", "type", 2802),
    ("detention.create", "type", 3871),
    ("detention.create", "location", 3872),
    ("detention.create", "date", 3873),
    ("detention.create", "start_time", 3873),
    ("detention.create", "end_time", 3874),
    ("detention.create", "students.0.student_id", 3877),
    ("detention.create", "students.0.attendance", 3879),
    ("detention_attendance.set", "detention_id", 4154),
    ("detention_attendance.set", "student_id", 4155),
    ("detention_attendance.set", "attendance", 4157),
    ("detention_attendance.delete", "detention_id", 4172),
    ("detention_attendance.delete", "student_id", 4172),
    ("student_absence.create", "student_id", 8490),
    ("student_absence.create", "start_at", 8491),
    ("student_absence.create", "event", 8492),
    ("student_absence.create", "type", 8496),
    ("employee_absence.create", "employee_id", 5342),
    ("employee_absence.create", "start_at", 5343),
    ("employee_absence.create", "end_at", 5344),
    ("employee_absence.create", "working_days", 5345),
    ("employee_absence.create", "hours", 5346),
    ("employee_absence.create", "type", 5347),
    ("employee_absence.create", "pay_rate", 5349),
    ("employee_absence.update", "start_at", 5401),
    ("employee_absence.update", "end_at", 5402),
    ("employee_absence.update", "working_days", 5403),
    ("employee_absence.update", "hours", 5404),
    ("employee_absence.update", "type", 5405),
    ("employee_absence.update", "pay_rate", 5406),
]


def without(record: dict[str, Any], field: str) -> dict[str, Any]:
    """Return the record without the field at the end of a dotted path."""
    changed: Any = copy.deepcopy(record)
    *outer, last = field.split(".")
    inner: Any = changed
    for step in outer:
        inner = inner[int(step) if step.isdigit() else step]
    del inner[last]
    found: dict[str, Any] = changed
    return found


@pytest.mark.parametrize(("kind", "field", "line"), WONDE_NEEDS)
def test_what_wonde_needs_is_refused_when_it_is_missing(kind: str, field: str, line: int) -> None:
    example = read(ROOT / kind / "accepts" / "plain.json")
    (record,) = example["body"]["records"]
    example["body"]["records"] = [without(record, field)]

    errors = [finding for finding in findings_of(example) if finding["severity"] == "error"]

    assert [error["pointer"] for error in errors] == ["/records/0/" + field.replace(".", "/")], f"Wonde {line}"


def quoted_by(path: Path) -> set[str]:
    return {str(finding["provider_message"]) for finding in findings_of(read(path))}


@pytest.fixture(scope="module")
def quoted_to_xporter() -> set[str]:
    """Every message of Xporter's that some refused example quotes."""
    paths = [path for path in REFUSED if json.loads(path.read_text())["school"]["provider"] == "xporter"]
    return {message for path in paths for message in quoted_by(path)}


# 14325 is found while the body is read, when nobody knows yet whose words to quote.
@pytest.mark.parametrize("line", sorted(XPORTER_CONDUCT.keys() - UNREACHABLE - {14325}))
def test_every_conduct_message_of_xporters_is_quoted_to_somebody_filled_in(
    line: int, quoted_to_xporter: set[str]
) -> None:
    wording = re.escape(XPORTER_CONDUCT[line])
    pattern = re.sub(r"\\\{\w+\\\}", "[^{}]+", wording)

    assert any(re.fullmatch(pattern, message) for message in quoted_to_xporter)


def test_no_quotation_is_left_with_a_gap() -> None:
    gaps = {message for path in REFUSED for message in quoted_by(path) if "{" in message}

    assert gaps == set()
