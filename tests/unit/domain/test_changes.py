"""What is changed in many records at once: exactly what is named, and never whom a record is about."""

from typing import Any

import pytest

from writeback.domain.changes import Changes, Settable, Substitution, change, differences, said_by

M_TO_I = Changes((Substitution(Settable.CODE, "M", "I"),))
E1_TO_E2 = Changes((Substitution(Settable.STAFF, "E1", "E2"),))
MARK = {"student_id": "A1", "date": "2026-01-12", "session": "AM", "code": "M", "employee_id": "E1"}
SESSION = "attendance.session"


def test_a_code_becomes_another_where_it_is_exactly_that_one() -> None:
    became = change(SESSION, MARK, (), M_TO_I)

    assert became.is_touched
    assert became.record == {**MARK, "code": "I"}
    for other in ("m", "M ", "N"):
        assert not change(SESSION, {**MARK, "code": other}, (), M_TO_I).is_touched


def test_the_record_that_is_changed_is_another_one() -> None:
    incident = {"type": "Uniform", "students": [{"student_id": "A1"}], "staff": [{"employee_id": "E1"}]}
    before = {"type": "Uniform", "students": [{"student_id": "A1"}], "staff": [{"employee_id": "E1"}]}

    change("behaviour.create", incident, (), E1_TO_E2)

    assert incident == before


@pytest.mark.parametrize(
    ("kind", "record", "becomes"),
    [
        (SESSION, MARK, {**MARK, "employee_id": "E2"}),
        (
            "detention.create",
            {"supervisor_id": "E1", "recorded_by_id": "E3"},
            {"supervisor_id": "E2", "recorded_by_id": "E3"},
        ),
        ("detention.create", {"staff_ids": ["E3", "E1"]}, {"staff_ids": ["E3", "E2"]}),
        (
            "behaviour.create",
            {"staff": [{"employee_id": "E1", "role": "x"}]},
            {"staff": [{"employee_id": "E2", "role": "x"}]},
        ),
        ("student_absence.create", {"authorised_by_id": "E1"}, {"authorised_by_id": "E2"}),
    ],
)
def test_a_member_of_staff_is_replaced_wherever_they_act(
    kind: str, record: dict[str, Any], becomes: dict[str, Any]
) -> None:
    assert change(kind, record, (), E1_TO_E2).record == becomes


def test_whose_absence_it_is_stays() -> None:
    absence = {"employee_id": "E1", "type": "Sick"}

    assert not change("employee_absence.create", absence, (), E1_TO_E2).is_touched
    assert said_by("employee_absence.create", absence)["staff"] == []


def test_a_pupil_is_left_out_and_taken_out_of_what_is_about_several() -> None:
    without = Changes(without_pupils=("A1",))
    incident = {"students": [{"student_id": "A1"}, {"student_id": "A2"}]}

    assert change(SESSION, MARK, (), without).record is None
    assert change("behaviour.create", incident, (), without).record == {"students": [{"student_id": "A2"}]}
    assert change("behaviour.create", {"students": [{"student_id": "A1"}]}, (), without).record is None
    assert change("behaviour.update", {"remove_students": ["A1", "A2"]}, (), without).record == {
        "remove_students": ["A2"]
    }
    assert not change(SESSION, {**MARK, "student_id": "A2"}, (), without).is_touched


def test_what_failed_for_a_cause_is_left_out() -> None:
    without = Changes(without_findings=("student_not_on_roll",))

    assert change(SESSION, MARK, ["student_not_on_roll"], without).record is None
    assert not change(SESSION, MARK, ["code_unknown"], without).is_touched


def test_differences_name_each_field_as_it_was_and_becomes() -> None:
    assert differences({"code": "M", "comment": "x", "session": "AM"}, {"code": "I", "session": "AM"}) == {
        "code": ("M", "I"),
        "comment": ("x", None),
    }


def test_nothing_is_no_change() -> None:
    assert not Changes()
    assert M_TO_I


def test_several_are_made_at_once_and_none_changes_what_another_has_set() -> None:
    swapped = Changes((Substitution(Settable.CODE, "M", "I"), Substitution(Settable.CODE, "I", "M")))
    moved_up = Changes((Substitution(Settable.STAFF, "E1", "E2"), Substitution(Settable.STAFF, "E2", "E3")))

    assert change(SESSION, MARK, (), swapped).record == {**MARK, "code": "I"}
    assert change(SESSION, {**MARK, "code": "I"}, (), swapped).record == MARK
    assert change(SESSION, MARK, (), moved_up).record == {**MARK, "employee_id": "E2"}
    several = {"staff_ids": ["E1", "E2"], "staff": [{"employee_id": "E1"}]}
    became = {"staff_ids": ["E2", "E3"], "staff": [{"employee_id": "E2"}]}
    assert change("detention.create", several, (), moved_up).record == became
