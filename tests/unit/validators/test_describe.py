"""A description says of every field how this very school takes it, and what may be chosen."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.unit.validators.test_examples import view_of
from validators.describe import MOST_CHOICES, describe
from writeback.domain.kinds import KINDS
from writeback.domain.lookups import ListName, Lookup, LookupView, attribute_key
from writeback.domain.school import School
from writeback.domain.submission.fields import names_of

VIEW = view_of({})


def described(kind: str, provider: str = "wonde", mis: str = "SIMS", **school: Any) -> dict[str, Any]:
    return describe(kind, School("s", "Hillside", provider, mis, **school), VIEW)


def by_path(description: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Every field of a description by its path, nested ones too."""
    found: dict[str, dict[str, Any]] = {}
    waiting = list(description["fields"])
    while waiting:
        field = waiting.pop()
        found[field["path"]] = field
        waiting += field["fields"]
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_every_field_of_every_kind_is_described(kind: str) -> None:
    description = described(kind)

    assert by_path(description).keys() == set(names_of(KINDS[kind].record))
    json.dumps(description)


def test_each_use_of_a_field_is_reported() -> None:
    uses = {path: field["use"] for path, field in by_path(described("behaviour.create", "xporter", "Bromcom")).items()}

    assert uses["type"] == "needed"
    assert uses["students.points"] == "needed"
    assert uses["status"] == "allowed"
    assert uses["lesson_id"] == "ignored"
    assert uses["students.outcome_date"] == "ignored"
    assert uses["media"] == uses["media.content"] == "forbidden"


def test_what_a_mis_needs_beyond_the_form_is_needed() -> None:
    assert by_path(described("behaviour.create"))["status"]["use"] == "needed"
    assert by_path(described("detention.create"))["students.attendance"]["use"] == "needed"


def test_types_and_lengths_are_reported() -> None:
    fields = by_path(described("detention.create", "xporter"))

    assert {path: fields[path]["type"] for path in ("type", "date", "start_time", "staff_ids", "students")} == {
        "type": "string",
        "date": "date",
        "start_time": "time",
        "staff_ids": "list",
        "students": "list",
    }
    assert by_path(described("achievement.create", "xporter"))["comment"]["max_length"] == 500
    assert by_path(described("achievement.create"))["comment"]["max_length"] is None
    assert by_path(described("employee_absence.create"))["hours"]["type"] == "number"
    assert by_path(described("employee_absence.create"))["end_at"]["type"] == "date-time"


def test_coded_fields_have_the_schools_active_choices() -> None:
    fields = by_path(described("behaviour.create"))

    assert fields["students.role"]["choices"] == [
        {"id": "1", "code": "AG", "description": "Aggressor"},
        {"id": "2", "code": "TA", "description": "Target"},
    ]
    assert [choice["code"] for choice in fields["type"]["choices"]] == ["BULL", "DIS"]
    assert [choice["allows_bullying_type"] for choice in fields["type"]["choices"]] == [True, False]
    codes = by_path(described("attendance.session"))["code"]["choices"]
    assert "/" in {choice["code"] for choice in codes}
    assert "H" not in {choice["code"] for choice in codes}


def test_fixed_values_are_choices_too() -> None:
    fields = by_path(described("employee_absence.create"))

    assert [choice["code"] for choice in fields["end_at"]["choices"]] == ["AM", "PM"]
    assert fields["comment"]["choices"] is None


def test_a_list_never_fetched_is_named() -> None:
    description = describe("behaviour.create", School("s", "Hillside", "wonde", "SIMS"), LookupView())

    field = by_path(description)["type"]
    assert (field["choices"], field["choices_of"]) == (None, "behaviour_attributes")


def test_a_long_list_is_cut_and_it_is_said() -> None:
    rows = [{"id": str(number), "type": "type", "code": f"T{number}"} for number in range(MOST_CHOICES + 7)]
    by_key = {attribute_key("type", str(row["id"])): row for row in rows}
    lookup = Lookup(ListName.ACHIEVEMENT_ATTRIBUTES, 1, datetime(2026, 1, 12, tzinfo=UTC), by_key)
    view = LookupView(achievement_attributes=lookup)

    field = by_path(describe("achievement.create", School("s", "H", "wonde", "SIMS"), view))["type"]

    assert (len(field["choices"]), field["choices_left_out"]) == (MOST_CHOICES, 7)


def test_a_kind_that_is_not_supported_says_why() -> None:
    description = described("detention.delete", "xporter")

    assert not description["supported"]
    assert "SIMS cannot delete a detention" in description["reason"]


def test_a_permission_that_is_missing_is_to_be_asked_for() -> None:
    description = described("employee_absence.delete", facts={"permissions": []})

    assert description["permission"] == {
        "name": "employees-absence.delete",
        "spelling": "printed",
        "state": "missing",
        "ask": "Ask Hillside to grant employees-absence.delete in Wonde.",
    }
    assert described("xporter.raw")["permission"] is None


def test_what_cannot_be_read_back_is_said() -> None:
    description = described("xporter.raw", "xporter")

    assert (description["readable"], description["why_unreadable"] != "") == (False, True)


def test_the_help_is_the_fields_own_line() -> None:
    assert by_path(described("detention.create"))["location"]["help"] == (
        "The room, by its id or code; needed, but where the school has a default."
    )


def test_an_unknown_kind_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        described("attendance.register")
