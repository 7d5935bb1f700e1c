"""What is kept of Xporter's lookups of conduct and detentions."""

import json
from pathlib import Path
from typing import Any

import pytest

from writeback.domain.lookups import ATTRIBUTE_LISTS, ListName
from writeback.providers.xporter import lists

EXAMPLES = Path(__file__).parents[3] / "examples/xporter"
ACH, BEH = ListName.ACHIEVEMENT_ATTRIBUTES, ListName.BEHAVIOUR_ATTRIBUTES
DETENTION = ListName.DETENTION_ATTRIBUTES


def example(name: str) -> Any:
    return json.loads((EXAMPLES / name).read_text("utf-8"))


def types_of(name: ListName, lookup_type: str) -> list[str]:
    body = {"ConductTypes": [], "ConductLookups": [{"LookupType": lookup_type, "LocalId": 1}]}
    return [row["type"] for row in lists.reduce_rows(name, body)]


@pytest.mark.parametrize(
    ("lookup_type", "of_achievements", "of_behaviour"),
    [
        ("AchActivity", ["activity"], []),
        ("AchOutcome", ["outcome"], []),
        ("BehActivity", [], ["activity"]),
        ("BehBullMode", [], ["bullying_type"]),
        ("BehLocation", [], ["location"]),
        ("BehStatus", [], ["status"]),
        ("BehStuRole", [], ["role"]),
        ("BehOutcome", [], ["outcome"]),
        ("BehTime", [], ["time"]),
        ("BehTimeOfDay", [], ["time"]),
        ("behentrytime", [], ["time"]),
        ("StfRole", ["staff_role"], ["staff_role"]),
        ("BehStaffRole", [], ["staff_role"]),
        ("Something", [], []),
        ("", [], []),
    ],
)
def test_a_lookup_is_for_our_field(lookup_type: str, of_achievements: list[str], of_behaviour: list[str]) -> None:
    assert types_of(ACH, lookup_type) == of_achievements
    assert types_of(BEH, lookup_type) == of_behaviour


def test_the_documents_own_rows_are_kept() -> None:
    body = example("conduct-lookups.response/accepts/document_fields.json")

    assert list(lists.reduce_rows(BEH, body)) == [
        {
            "id": "7",
            "type": "type",
            "code": None,
            "description": "Assault",
            "active": True,
            "allows_bullying_type": True,
        },
        {"id": "1", "type": "role", "code": "PT", "description": "Participant", "active": True},
    ]
    assert list(lists.reduce_rows(ACH, body)) == []


@pytest.mark.parametrize(
    ("row", "allows"), [({"SubTypeLookup": None}, False), ({"SubTypeLookup": "BehBullMode"}, True), ({}, None)]
)
def test_a_type_allows_a_type_of_bullying_where_the_provider_says_so(row: dict[str, Any], allows: bool | None) -> None:
    (kept,) = lists.reduce_rows(BEH, {"ConductTypes": [{"Type": "Beh", "LocalId": 7, **row}]})
    assert kept.get("allows_bullying_type") is allows


def test_the_lookups_of_detentions_are_kept() -> None:
    body = example("detention-lookups.response/accepts/document_fields.json")

    kept = {lists.key_of(row, DETENTION): row["code"] for row in lists.reduce_rows(DETENTION, body)}

    assert kept == {"type:2": "SLTD", "location:1": "HALL", "reason:4": "LI", "attendance:2": "ATT"}


def test_an_id_is_its_own_only_within_its_type() -> None:
    rows = {"id": "1", "type": "role"}, {"id": "1", "type": "status"}
    assert [lists.key_of(row, BEH) for row in rows] == ["role:1", "status:1"]
    assert lists.key_of({"id": "1"}, ListName.STUDENTS) == "1"


def test_a_row_without_an_id_is_left_out() -> None:
    body = {"ConductTypes": [{"Type": "Beh"}], "ConductLookups": [{"LookupType": "BehStatus", "LocalId": None}]}
    assert list(lists.reduce_rows(BEH, body)) == []


@pytest.mark.parametrize(("types", "lookups", "is_last"), [(2, 0, False), (0, 2, False), (1, 1, True), (0, 0, True)])
def test_the_last_page_has_no_full_table(types: int, lookups: int, is_last: bool) -> None:
    body = {"ConductTypes": [{}] * types, "ConductLookups": [{}] * lookups}
    assert lists.is_last_page(BEH, body, 1, 2) is is_last


def test_a_page_has_one_of_the_lists_tables() -> None:
    assert lists.is_page_of(BEH, {"ConductLookups": []})
    assert not lists.is_page_of(BEH, {"changedRows": "c1", "Students": []})
    assert not lists.is_page_of(DETENTION, {"Detentions": []})


def test_absences_are_the_only_lists_that_xporter_lacks() -> None:
    assert ATTRIBUTE_LISTS - set(lists.SOURCES) == {
        ListName.STUDENT_ABSENCE_ATTRIBUTES,
        ListName.EMPLOYEE_ABSENCE_ATTRIBUTES,
    }
