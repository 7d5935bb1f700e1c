"""A person is taken out of every record that our examples have, and nobody else is."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from writeback.domain.data_subject import ALL_ID_FIELDS, ERASED, Person, Role
from writeback.domain.kinds import KINDS, parse_records

_EXAMPLES = Path(__file__).parents[2] / "examples" / "writebacks"
_ID, _NAME = "Z9-PLANTED", "Zyxwvia Quillfeather"
_TEXTS = {"comment", "statutory_comment", "non_attendance_reason", "description", "file_name", "ref"}
_FIELDS = {
    Role.STUDENT: {"student_id", "remove_students"},
    Role.EMPLOYEE: ALL_ID_FIELDS - {"student_id", "remove_students"},
}


def _records() -> Iterator[tuple[str, dict[str, Any]]]:
    for path in sorted(_EXAMPLES.glob("*/accepts/*.json")):
        kind = path.parents[1].name
        for record in json.loads(path.read_text())["body"]["records"]:
            yield kind, record


def _planted(value: Any, role: Role, *, everywhere: bool) -> Any:
    """Return a record in which the person stands: in the first place for an id, or in each; and in every text."""
    met = False

    def plant(name: str, one: Any) -> Any:
        nonlocal met
        if isinstance(one, dict):
            return {key: plant(key, each) for key, each in one.items()}
        if isinstance(one, list):
            return [plant(name, each) for each in one]
        if name in _FIELDS[role] and (everywhere or not met) and one is not None:
            met = True
            return _ID
        return f"about Quillfeather, Zyxwvia ({_ID})" if name in _TEXTS and one is not None else one

    return plant("", value)


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("everywhere", [True, False], ids=["alone", "among others"])
def test_nothing_is_left_of_a_person_in_any_kind(role: Role, everywhere: bool) -> None:
    person, kinds = Person("hillside", role, _ID, (_NAME,)), set()
    for kind, record in _records():
        planted = _planted(record, role, everywhere=everywhere)
        left = person.without(kind, planted)
        kinds.add(kind)
        assert _ID not in json.dumps(left), (kind, left)
        assert "Zyxwvia" not in json.dumps(left), (kind, left)
        if left is not None:
            parse_records(kind, json.dumps([left]))  # what is left is a record
    assert kinds == set(KINDS)


def test_a_record_that_names_somebody_else_stays_as_it_is() -> None:
    for role in Role:
        person = Person("hillside", role, _ID, (_NAME,))
        for kind, record in _records():
            assert person.without(kind, record) == record


def test_every_field_that_names_a_person_is_known() -> None:
    found = {
        name
        for kind in KINDS.values()
        for name in _names_in(kind.record.model_json_schema())
        if "student" in name or "employee" in name or "staff" in name or name.endswith("_by_id") or "supervis" in name
    }
    assert found - {"students", "staff"} == ALL_ID_FIELDS


def _names_in(schema: dict[str, Any]) -> Iterator[str]:
    for part in (schema, *schema.get("$defs", {}).values()):
        yield from part.get("properties", {})


def test_the_rest_of_an_incident_of_several_pupils_stays() -> None:
    record = {
        "students": [{"student_id": _ID, "points": 2, "outcome": "D"}, {"student_id": "A1", "points": 1}],
        "employee_id": "E1",
        "date": "2026-01-12",
        "type": "X",
        "comment": "They talked.",
    }

    left = Person("hillside", Role.STUDENT, _ID).without("behaviour.create", record)

    assert left == {**record, "students": [{"student_id": ERASED, "points": 2}, {"student_id": "A1", "points": 1}]}
    assert Person("hillside", Role.STUDENT, "A1").without("behaviour.create", left) is None  # nobody is left


def test_a_later_change_of_what_was_theirs_alone_goes_too() -> None:
    person = Person("hillside", Role.STUDENT, _ID)
    person.things.update(person.things_of("behaviour.create", ["77"]))

    assert person.without("behaviour.update", {"behaviour_id": "77", "comment": "He again"}) is None
    assert person.without("behaviour.update", {"behaviour_id": "78", "comment": "He again"}) is not None
    added = {"behaviour_id": "77", "students": [{"student_id": "A1"}]}
    assert person.without("behaviour.update", added) == added


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Seen with Z9-PLANTED.", True),
        ("Z9-PLANTED|2026-01-12|AM", True),
        ("z9-planted", True),
        ("QUILLFEATHER, Zyxwvia: late", True),
        ("Zyxwvia was late", False),  # another of that name
        ("Z9-PLANTED1 was late", False),
    ],
)
def test_texts_name_by_id_or_by_the_whole_name(text: str, names: bool) -> None:
    assert Person("hillside", Role.STUDENT, _ID, (_NAME,)).is_named_in(text) is names


@pytest.mark.parametrize("person_id", ["Z9", 'é"\\7', "12"])
@pytest.mark.parametrize("ascii", [True, False])
def test_a_text_in_which_the_person_is_is_always_read(person_id: str, ascii: bool) -> None:
    person = Person("hillside", Role.STUDENT, person_id, ("Zoë Quillfeather",))

    for said in ({"student_id": person_id}, {"comment": "QUILLFEATHER, Zoë"}, {"message": f"{person_id} is unknown"}):
        assert person.may_be_in(json.dumps(said, ensure_ascii=ascii))
    assert not person.may_be_in(json.dumps({"student_id": "A3", "comment": "Zoe"}))


def test_a_short_number_is_no_id_in_a_sentence() -> None:
    person = Person("hillside", Role.STUDENT, "12")

    assert not person.is_named_in("Room 12 at 12 o'clock")
    assert person.is_named_in("12|2026-01-12|AM")
    assert person.has_id("12")


def test_a_copy_for_the_person_withholds_other_pupils() -> None:
    person = Person("hillside", Role.STUDENT, _ID)
    record = {"students": [{"student_id": _ID, "points": 2}, {"student_id": "A1", "points": 1}], "type": "X"}

    shown = person.only("behaviour.create", record)

    assert shown == {"students": [{"student_id": _ID, "points": 2}, "[another person]"], "type": "X"}
    assert person.only("behaviour.create", {"students": [{"student_id": "A1"}]}) is None
    beside = {"student_id": "A1", "code": "/", "comment": f"beside {_ID}", "statutory_comment": "elsewhere"}
    assert person.only("attendance.session", beside) == {
        "student_id": "[another person]",
        "code": "/",
        "comment": f"beside {_ID}",
    }


def test_a_copy_for_a_member_of_staff_withholds_the_pupils() -> None:
    person = Person("hillside", Role.EMPLOYEE, _ID)
    mark = {"student_id": "A1", "code": "/", "employee_id": _ID, "comment": "unwell"}

    assert person.only("attendance.session", mark) == {
        "student_id": "[another person]",
        "code": "/",
        "employee_id": _ID,
    }
