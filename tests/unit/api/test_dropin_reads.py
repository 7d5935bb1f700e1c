"""What passes of a provider's answer, whatever it sends: named fields, nothing deeper, no list that ends in silence."""

from typing import Any

import pytest

from writeback.api.dropin import wonde_reads, xporter_reads
from writeback.core.errors import Overloaded

MOMENT = {"date": "2014-07-28 00:00:00.000000", "timezone_type": 3, "timezone": "Europe/London"}
HERE = "https://w.example/v1.0/schools/A1/students/"


def _wonde(name: str, body: Any, asked: dict[str, str] | None = None) -> Any:
    return wonde_reads.READS[name].answer(body, HERE, asked or {})


def test_fields_and_includes_that_nobody_asked_for_do_not_pass() -> None:
    pupil = {
        "id": "A1",
        "forename": "Pat",
        "surname": "Example",
        "updated_at": MOMENT,
        "date_of_birth": MOMENT,
        "upi": "8d44",
        "contacts": {"data": [{"id": "A2", "forename": "Sam"}]},
        "sen_needs": {"data": []},
        "education_details": {"data": {"upn": "N1", "current_nc_year": "7"}},
        "classes": {"data": [{"id": "A3", "notes": "x", "subject": {"data": {"name": "Art", "secret": 1}}}]},
        "year": {"data": None},
        "registration": {"id": "A4", "notes": "x"},
        "mis_id": {"data": {"surname": "hidden deeper"}},
        "initials": [{"medical": "x"}],
        "restored_at": {**MOMENT, "more": "x"},
        "created_at": {**MOMENT, "date": {"medical": "x"}},
    }

    shown = _wonde("students", {"data": [pupil, "no row", None], "included": [pupil], "meta": {"x": pupil}})

    assert shown["data"] == [
        {
            "id": "A1",
            "forename": "Pat",
            "surname": "Example",
            "updated_at": MOMENT,
            "education_details": {"data": {"current_nc_year": "7"}},
            "classes": {"data": [{"id": "A3", "subject": {"data": {"name": "Art"}}}]},
            "year": {"data": None},
        },
        {},
        {},
    ]
    assert set(shown) == {"data", "meta"}
    assert set(shown["meta"]) == {"pagination", "includes"}


def test_pages_keep_the_question_and_lead_here() -> None:
    pages = {"next": "https://elsewhere.example/x?page=3&include=contacts", "previous": "?page=1", "more": True}

    shown = _wonde("students", {"data": [], "meta": {"pagination": pages}}, {"include": "year", "per_page": "2"})

    assert shown["meta"]["pagination"] == {
        "next": f"{HERE}?include=year&per_page=2&page=3",
        "previous": f"{HERE}?include=year&per_page=2&page=1",
        "more": True,
        "per_page": "2",
        "current_page": 1,
    }


def test_a_list_that_goes_on_where_it_cannot_be_followed_does_not_end_in_silence() -> None:
    for following in ("https://api.example/x?cursor=abc", "https://api.example/x?page=first"):
        with pytest.raises(Overloaded):
            _wonde("students", {"data": [], "meta": {"pagination": {"next": following, "more": True}}})


@pytest.mark.parametrize("body", [None, [], "x", {}, {"data": "x"}, {"data": 1}])
def test_what_is_no_list_is_no_answer(body: Any) -> None:
    with pytest.raises(Overloaded):
        _wonde("students", body)


def test_of_xporter_named_columns_of_named_tables_pass() -> None:
    row = {"Id": 1, "forename": "Pat", "UPN": "N1", "Photo": "…", "Surname": {"SEN": "K"}, "DisplayName": ["x"]}
    body = {"Students": [row, "x"], "Leavers": [row], "students_deleted": [row], "meta": [{"Table": "Students"}]}

    shown = xporter_reads.READS["students"].answer(body)

    assert shown == {
        "Students": [{"Id": 1, "forename": "Pat"}],
        "students_deleted": [{"Id": 1}],
        "meta": [{"Table": "Students"}],
    }
