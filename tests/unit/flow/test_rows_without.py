"""What is left of a file's row without a person whom the row names by other things than their id."""

import json
from datetime import UTC, datetime

from writeback.batches.columns import NOT_SENT
from writeback.batches.layout import Format, Layout
from writeback.core.secrets import SecretBox
from writeback.domain.data_subject import ERASED, Person, Role
from writeback.flow.data_subjects.rows_without import Look, line
from writeback.store.batches.batches import LineState
from writeback.store.tables import BatchLine

FIELDS = ("student.upn", NOT_SENT, "date", "session", "code")
LAYOUT = Layout(Format.CSV, "attendance.session", ("UPN", "Name", "Date", "AM/PM", "Mark"), FIELDS)
CELLS = ["Z999999999001", "Example, Pat", "2026-11-23", "AM", "/"]


def row(record: str = "") -> BatchLine:
    values = {"number": 2, "unit": 2, "part": 0, "size": 0, "findings": "", "same": "", "group_key": ""}
    return BatchLine(batch_id="bat_1", state=LineState.GOOD, cells=json.dumps(CELLS), record=record, **values)


def left_of(line_: BatchLine, person: Person) -> list[str]:
    look = Look(SecretBox("a key of this test alone"), datetime(2026, 11, 30, tzinfo=UTC), layouts={"bat_1": LAYOUT})
    changed = line(line_, person, look)
    return json.loads(changed["cells"]) if isinstance(changed, dict) and "cells" in changed else CELLS


def test_a_row_that_was_found_to_be_theirs_goes_whole_whatever_it_names_them_by() -> None:
    record = json.dumps({"student_id": "A1", "date": "2026-11-23", "session": "AM", "code": "/"})

    assert left_of(row(record), Person("hillside", Role.STUDENT, "A1")) == [ERASED, "", "", "", ""]
    assert left_of(row(record), Person("hillside", Role.STUDENT, "A2")) == CELLS


def test_a_row_that_names_them_in_a_column_that_is_not_sent_goes_whole() -> None:
    by_name = Person("hillside", Role.STUDENT, "A1", names=("Example, Pat",))
    by_upn = Person("hillside", Role.STUDENT, "A1", names=("Z999999999001",))

    assert left_of(row(), by_name) == [ERASED, "", "", "", ""]
    assert left_of(row(), by_upn) == [ERASED, "", "", "", ""]
