"""What is kept of Wonde's lists, and where the next page is."""

import json
import re
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from writeback.core.network.addresses import HostList
from writeback.domain.lookups import ListName
from writeback.domain.outcome import Blocked, NotReached
from writeback.domain.school import HoldReason
from writeback.providers.answers import Answer
from writeback.providers.base import SchoolReport
from writeback.providers.wonde import attributes, lists
from writeback.providers.wonde.report import read_report

EXAMPLES = Path(__file__).parents[3] / "examples/wonde"
BASE = "https://api-ap-southeast-2.wonde.com/v1.0"


def example(name: str) -> Any:
    return json.loads((EXAMPLES / name).read_text("utf-8"))


def test_only_the_id_is_kept_of_a_person() -> None:
    row = {"id": "A1", "forename": "Amelia", "surname": "Abbess", "upn": "X"}
    assert lists.reduce_row(ListName.STUDENTS, row) == {"id": "A1"}
    assert lists.reduce_row(ListName.EMPLOYEES, row) == {"id": "A1"}


def test_the_blank_in_the_documents_own_id_is_no_part_of_it() -> None:
    (_, row) = example("attendance-codes.response/accepts/document_custom.json")["data"]
    assert lists.reduce_row(ListName.ATTENDANCE_CODES, row) == {
        "id": "A1478304481",
        "code": "UA",
        "description": "Unauthorised absence",
        "type": "UNAUTHORISED",
        "active": True,
    }


def test_a_lesson_keeps_its_instants_and_the_schools_own_day() -> None:
    (row,) = example("lessons.response/accepts/document.json")["data"]
    assert lists.reduce_row(ListName.LESSONS, row) == {
        "id": "A749126774",
        "date": "2016-02-22",
        "start_at": "2016-02-22T09:15:00+00:00",
        "end_at": "2016-02-22T10:15:00+00:00",
        "period_instance_id": "40860",
    }


def test_a_planned_closure_is_kept_by_its_days() -> None:
    row, _ = example("events.response/accepts/document.json")["data"]
    assert lists.reduce_row(ListName.CLOSURES, row) == {
        "id": "A1529934786",
        "kind": "closure",
        "first": "2016-08-31",
        "last": "2016-08-31",
        "name": "Planned whole or partial school closure",
    }


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ({"description": "INSET day"}, "inset"),
        ({"type": "Public Holiday", "description": "May Day"}, "holiday"),
        ({"type": "Half Term"}, "holiday"),
        ({"description": "Year 7 parents' evening"}, None),
        ({"description": "Holiday club"}, None),
        ({}, None),
    ],
)
def test_an_event_that_closes_no_day_is_not_kept(said: dict[str, str], kind: str | None) -> None:
    days = {"start_at": "2026-05-04T00:00:00", "end_at": "2026-05-04T23:59:59"}
    kept = lists.reduce_row(ListName.CLOSURES, {"id": "A1", **days, **said})
    assert (kept and kept["kind"]) == kind


@pytest.mark.parametrize(
    ("end", "last"),
    [("2026-05-08 00:00:00", "2026-05-07"), ("2026-05-08 15:30:00", "2026-05-08"), (None, "2026-05-04")],
)
def test_an_event_that_ends_at_midnight_ends_with_the_day_before(end: str | None, last: str) -> None:
    row = {"id": "A1", "description": "School closed", "start_at": "2026-05-04 00:00:00", "end_at": end}
    kept = lists.reduce_row(ListName.CLOSURES, row)
    assert kept is not None
    assert kept["last"] == last


@pytest.mark.parametrize(
    "days",
    [
        {"start_at": None, "end_at": "2026-05-04"},
        {"start_at": "2026-05-04", "end_at": "2026-05-01"},
        {"start_at": "2026-05-04", "end_at": "2027-05-04"},
    ],
)
def test_days_that_cannot_be_meant_close_none(days: dict[str, Any]) -> None:
    assert lists.reduce_row(ListName.CLOSURES, {"id": "A1", "description": "School closed", **days}) is None


@pytest.mark.parametrize(
    ("zone", "day"), [("Europe/London", "2026-06-30"), ("Australia/Perth", "2026-07-01"), ("UTC", "2026-06-30")]
)
def test_the_day_of_a_lesson_is_that_of_the_schools_zone(zone: str, day: str) -> None:
    start = {"date": "2026-06-30 22:30:00.000000", "timezone_type": 3, "timezone": "UTC"}
    row = lists.reduce_row(ListName.LESSONS, {"id": "A1", "start_at": start, "end_at": start}, ZoneInfo(zone))
    assert row is not None
    assert row["date"] == day


def test_a_row_without_an_id_is_left_out() -> None:
    assert lists.reduce_row(ListName.STUDENTS, {"id": None}) is None
    assert lists.reduce_row(ListName.STUDENTS, {"id": "A\x001"}) is None


def test_what_is_kept_of_a_code_can_be_kept() -> None:
    row = lists.reduce_row(ListName.ATTENDANCE_CODES, {"id": "A1", "code": "L\x00", "description": "Late\ud800"})
    assert row is not None
    assert (row["code"], row["description"]) == ("L", "Late")


NAMED = HostList(["api.wonde.com", "api-*.wonde.com"])
ORIGIN = BASE.removesuffix("/v1.0")


@pytest.mark.parametrize(
    ("following", "target"),
    [
        (f"{BASE}/schools/A1/students/?page=2", "/v1.0/schools/A1/students/?page=2"),
        ("https://api.wonde.com/v1.0/students?page=2", "/v1.0/students?page=2"),
        ("http://API.wonde.com:80/v1.0/s%2fx?q=a+b%20c&r=%7E&s=[1]", "/v1.0/s%2fx?q=a+b%20c&r=%7E&s=[1]"),
        ("https://api-ap-southeast-2.wonde.com?page=2", "/?page=2"),
        ("/v1.0/students?page=2", "/v1.0/students?page=2"),
        ("//api.wonde.com//v1.0/../s#part", "//v1.0/../s"),
    ],
)
def test_the_next_page_keeps_its_path_and_query_byte_for_byte_on_our_own_origin(following: str, target: str) -> None:
    body = {"data": [], "meta": {"pagination": {"next": following, "more": True}}}
    assert lists.next_page(body) == following
    assert str(lists.page_address(following, BASE, NAMED)) == ORIGIN + target


@pytest.mark.parametrize(
    ("following", "said"),
    [
        ("https://evil.example/v1.0/students?pupil=A1", "evil.example: that is neither"),
        ("https://api.wonde.com.evil.example/x", "api.wonde.com.evil.example: that"),
        ("https://api.wonde.com@evil.example/x", "evil.example: that"),
        ("https://docs.wonde.com/x", "docs.wonde.com: that"),
        ("//evil.example/x", "evil.example: that"),
        ("https://[::1/x", "an address that cannot be read: that"),
        ("?page=2", "cannot be used"),
        ("ftp://api.wonde.com/x", "cannot be used"),
        ("/x y", "cannot be used"),
        ("https://api.wonde.com/x\r\nHost: evil", "cannot be"),
    ],
)
def test_a_next_page_elsewhere_ends_the_list_and_its_host_is_named(following: str, said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)) as refused:
        lists.page_address(following, BASE, NAMED)
    assert "pupil" not in str(refused.value)


@pytest.mark.parametrize(
    "body", [{}, {"meta": []}, {"meta": {"pagination": {"next": None}}}, {"meta": {"pagination": {"next": 2}}}]
)
def test_without_a_next_page_the_list_ends(body: Any) -> None:
    assert lists.next_page(body) is None


def test_each_week_of_the_window_is_asked_for_once() -> None:
    wednesday, next_monday = date(2026, 1, 14), date(2026, 1, 26)
    assert asked(wednesday, next_monday, "Europe/London") == [
        ("2026-01-14", "2026-01-19"),
        ("2026-01-19", "2026-01-26"),
        ("2026-01-26", "2026-01-27"),
    ]


@pytest.mark.parametrize(
    ("zone", "expected"),
    [
        ("Europe/London", [("2026-07-13", "2026-07-14")]),
        ("Australia/Sydney", [("2026-07-12", "2026-07-13"), ("2026-07-13", "2026-07-14")]),
        ("America/New_York", [("2026-07-13", "2026-07-15")]),
    ],
)
def test_a_schools_day_is_asked_for_as_utc_has_it(zone: str, expected: list[tuple[str, str]]) -> None:
    monday = date(2026, 7, 13)
    assert asked(monday, monday, zone) == expected


def asked(first: date, last: date, zone: str) -> list[tuple[str, str]]:
    weeks = lists.weeks((first, last), ZoneInfo(zone))
    return [(week["lessons_start_after"], week["lessons_start_before"]) for week in weeks]


def test_the_cursor_reaches_back_and_is_in_utc() -> None:
    at = datetime(2026, 7, 1, 10, 0, tzinfo=ZoneInfo("Europe/London"))
    assert lists.cursor_at(at) == "2026-07-01 08:55:00"


def test_a_restored_deletion_is_none() -> None:
    assert lists.gone(example("deletions.response/accepts/document.json")["data"]) == []
    assert lists.gone(example("deletions.response/accepts/not_restored.json")["data"]) == ["A791227211"]


# Attributes.


def reduced(name: ListName, *examples: str) -> dict[str, Any]:
    """Return what is kept of a list, whose parts are the examples."""
    sources = attributes.SOURCES[name]
    answer = zip(sources, examples, strict=True)
    return {key: row for source, one in answer for key, row in attributes.reduce_rows(source, example(one)["data"])}


def test_an_attribute_is_for_one_of_our_fields() -> None:
    found = reduced(ListName.ACHIEVEMENT_ATTRIBUTES, "achievement-attributes.response/accepts/document.json")

    assert found == {
        "activity:A510231222": {
            "id": "A510231222",
            "type": "activity",
            "code": "ART",
            "description": "Art",
            "active": True,
        },
        "type:A1741747977": {
            "id": "A1741747977",
            "type": "type",
            "code": "ACAD",
            "description": "Academic",
            "active": False,
        },
    }


def test_a_type_of_behaviour_says_whether_it_may_be_bullying() -> None:
    found = reduced(ListName.BEHAVIOUR_ATTRIBUTES, "behaviour-attributes.response/accepts/document.json")

    # EVENT_SUBJECT, which the document shows too, is not what a behaviour's activity is of (Wonde 2808).
    assert list(found) == ["type:A587541588"]
    assert found["type:A587541588"]["allows_bullying_type"] is True


def test_the_attributes_of_detentions_are_three_lists_in_one() -> None:
    found = reduced(
        ListName.DETENTION_ATTRIBUTES,
        "detention-types.response/accepts/document_without_its_slip.json",
        "rooms.response/accepts/document.json",
        "detention-attendance-codes.response/accepts/document.json",
    )

    assert {key: row["code"] for key, row in found.items()} == {
        "type:A1329183376": "Monday Lunchtime",
        "type:A1161584171": "Tuesday Lunchtime",
        "location:A1329183376": "A1",
        "location:A1161584171": "A2",
        "attendance:A1329183376": "NOR",
        "attendance:A1161584171": "ATT",
        "attendance:A2032141745": "NAT",
    }
    assert found["location:A1329183376"]["description"] == "Art Room 1"
    assert all(row["active"] for row in found.values())


def test_the_attributes_of_absences_are_kept_apart() -> None:
    pupils = reduced(ListName.STUDENT_ABSENCE_ATTRIBUTES, "student-absence-attributes.response/accepts/document.json")
    staff = reduced(ListName.EMPLOYEE_ABSENCE_ATTRIBUTES, "employee-absence-attributes.response/accepts/document.json")

    assert list(pupils) == ["reason:A1886858204", "type:A572063017"]
    assert list(staff) == ["illness_category:A1886858204", "type:A572063017"]


@pytest.mark.parametrize("row", [{"id": None, "type": "ABSENCE_TYPE"}, {"id": "A1", "type": "ELSE"}, {"id": "A1"}])
def test_a_row_of_another_type_or_without_an_id_is_kept_out(row: Any) -> None:
    (source,) = attributes.SOURCES[ListName.STUDENT_ABSENCE_ATTRIBUTES]
    assert list(attributes.reduce_rows(source, [row])) == []


# The report.


def ok(data: Any) -> Answer:
    return Answer(200, {"data": data}, True)


NOT_FOUND = Answer(404, {"message": "Not found"}, True)


def test_the_report_gathers_what_three_answers_say() -> None:
    meta = ok({"online": True, "approved": True, "audited": False, "custom_attendance_codes": False})
    school = ok(
        {
            "mis": "SIMS",
            "timezone": None,
            "extended": {"allows_writeback": True, "has_lesson_attendance": False},
            "region": {"domain": "api.wonde.com"},
            "address": {"address_country": {"code": "GBR", "name": "United Kingdom"}},
        }
    )
    granted = ok([{"identity": "students.read", "approved": True}, {"identity": "x.read", "approved": False}])

    report = read_report(meta, school, granted)

    assert isinstance(report, SchoolReport)
    assert report.is_online
    assert report.blocked is None
    assert report.facts == {
        "online": True,
        "approved": True,
        "custom_attendance_codes": False,
        "mis": "SIMS",
        "allows_writeback": True,
        "has_lesson_attendance": False,
        "region_domain": "api.wonde.com",
        "country_code": "GBR",
        "permissions": ["students.read"],
    }


def test_an_offline_school_is_offline() -> None:
    report = read_report(ok({"online": False, "approved": True}), NOT_FOUND, NOT_FOUND)
    assert isinstance(report, SchoolReport)
    assert not report.is_online


def test_what_is_missing_everywhere_holds_nothing() -> None:
    report = read_report(NOT_FOUND, NOT_FOUND, NOT_FOUND)
    assert report == SchoolReport(is_online=True, blocked=None, facts={})


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        ((NOT_FOUND, Answer(401, None, False), NOT_FOUND), HoldReason.TOKEN_REFUSED),
        ((Answer(403, None, False), Answer(403, None, False), NOT_FOUND), HoldReason.SCOPE_MISSING),
        ((ok({"online": True, "approved": False}), NOT_FOUND, NOT_FOUND), HoldReason.REVOKED),
        ((ok({"approved": False}), ok({"extended": {"allows_writeback": False}}), NOT_FOUND), HoldReason.REVOKED),
        ((ok({"approved": True}), ok({"extended": {"allows_writeback": False}}), NOT_FOUND), HoldReason.WRITEBACK_OFF),
        ((NOT_FOUND, ok({"extended": {"allows_writeback": False}}), NOT_FOUND), HoldReason.WRITEBACK_OFF),
        ((ok({"approved": False}), NOT_FOUND, Answer(401, None, False)), HoldReason.TOKEN_REFUSED),
    ],
)
def test_a_refused_school_is_blocked(answers: tuple[Answer, Answer, Answer], reason: HoldReason) -> None:
    report = read_report(*answers)
    assert isinstance(report, SchoolReport)
    assert isinstance(report.blocked, Blocked)
    assert report.blocked.reason is reason


def test_a_permission_that_is_not_granted_alone_blocks_nothing() -> None:
    report = read_report(ok({"online": True, "approved": True}), NOT_FOUND, Answer(403, None, False))
    assert isinstance(report, SchoolReport)
    assert report.blocked is None


@pytest.mark.parametrize("status", [403, 404])
def test_a_school_object_that_is_not_shown_is_only_a_fact(status: int) -> None:
    report = read_report(ok({"online": True, "approved": True}), Answer(status, None, False), NOT_FOUND)
    assert report == SchoolReport(is_online=True, facts={"online": True, "approved": True, "school_answered": status})


def test_a_school_without_lesson_attendance_is_only_a_fact() -> None:
    extended = {"allows_writeback": True, "has_lesson_attendance": False}
    report = read_report(ok({"online": True, "approved": True}), ok({"extended": extended}), NOT_FOUND)
    assert isinstance(report, SchoolReport)
    assert report.blocked is None
    assert report.facts["has_lesson_attendance"] is False


def test_an_offline_school_that_is_revoked_is_both() -> None:
    report = read_report(ok({"online": False, "approved": False}), NOT_FOUND, NOT_FOUND)
    assert isinstance(report, SchoolReport)
    assert not report.is_online
    assert report.blocked is not None
    assert report.blocked.reason is HoldReason.REVOKED


def test_no_answer_at_all_is_no_report() -> None:
    down = Answer(503, {"error": "maintenance"}, True, 9.0)
    assert read_report(down, down, down) == NotReached("Wonde answered 503: not available", 9.0)


def test_instants_are_read_in_their_own_zone() -> None:
    from writeback.providers.wonde.fields import instant_of

    answer = {"date": "2026-07-01 09:15:00.000000", "timezone_type": 3, "timezone": "Europe/London"}
    assert instant_of(answer) == datetime(2026, 7, 1, 8, 15, tzinfo=UTC)
    assert instant_of({"date": "soon", "timezone": "UTC"}) is None
    assert instant_of(None) is None
