"""Reading a body: one pass where it is right, and all that is wrong where it is not."""

import json
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from writeback.core.errors import BadInput, InvalidSubmission
from writeback.domain.kinds import KINDS, parse_records
from writeback.domain.submission.submission import SUBMISSIONS, parse_submission

MARK = {"student_id": "A1", "date": "2026-01-12", "session": "AM", "code": "/"}


def body(*records: Any, **envelope: Any) -> bytes:
    return json.dumps({"kind": "attendance.session", "records": records, **envelope}).encode()


def refused(content: bytes, *, max_records: int = 10) -> list[tuple[str, str]]:
    with pytest.raises(InvalidSubmission) as caught:
        parse_submission(content, max_records=max_records)
    return [(finding["code"], finding["pointer"]) for finding in caught.value.extra["findings"]]


def test_a_sound_body_becomes_records() -> None:
    parsed = parse_submission(body(MARK, {**MARK, "student_id": " A2 ", "ref": "r2"}), max_records=10)

    assert parsed.kind is KINDS["attendance.session"]
    assert [(mark.student_id, mark.date) for mark in parsed.records] == [  # type: ignore[attr-defined] # session marks
        ("A1", date(2026, 1, 12)),
        ("A2", date(2026, 1, 12)),
    ]
    assert (list(parsed.positions), parsed.refs, parsed.shape_findings) == ([0, 1], [None, "r2"], [])


def test_what_is_left_out_has_its_default() -> None:
    parsed = parse_submission(body(MARK), max_records=10)

    assert (parsed.on_invalid, parsed.ref, parsed.expires_at, parsed.priority) == ("reject", None, None, "interactive")


def test_the_envelope_is_read() -> None:
    content = body(MARK, on_invalid="skip", ref="8B", expires_at="2026-01-12T17:00:00+01:00", priority="batch")

    parsed = parse_submission(content, max_records=10)

    assert (parsed.on_invalid, parsed.ref, parsed.priority) == ("skip", "8B", "batch")
    assert parsed.expires_at == datetime(2026, 1, 12, 16, 0, tzinfo=UTC)


def test_good_records_survive_beside_bad_ones() -> None:
    bad = {**MARK, "date": "2031-02-30", "ref": "bad"}

    parsed = parse_submission(body(bad, MARK, 5, {**MARK, "code": "N"}, on_invalid="skip", ref="x"), max_records=10)

    assert (list(parsed.positions), parsed.refs) == ([1, 3], ["bad", None, None, None])
    assert [(finding.code, finding.pointer, finding.record) for finding in parsed.shape_findings] == [
        ("field_invalid", "/records/0/date", 0),
        ("field_invalid", "/records/2", 2),
    ]
    assert (parsed.on_invalid, parsed.ref) == ("skip", "x")


def test_a_bad_date_is_shown_with_its_value_and_how_to_mend_it() -> None:
    (finding,) = parse_submission(body({**MARK, "date": "2031-02-30"}), max_records=10).shape_findings

    assert finding.message == "date is 2031-02-30: send a real calendar date"
    assert finding.hint == "Write the day as YYYY-MM-DD, for example 2026-01-12."


def test_an_id_as_a_number_is_asked_for_as_text() -> None:
    (finding,) = parse_submission(body({**MARK, "student_id": 9919}), max_records=10).shape_findings

    assert finding.message == "student_id is 9919: send it as text"


def test_a_misspelt_field_is_answered_with_the_likely_one() -> None:
    (finding,) = parse_submission(body({**MARK, "employe_id": "E1"}), max_records=10).shape_findings

    assert finding.message == "employe_id is not a field of attendance.session"
    assert finding.hint.startswith("Did you mean employee_id? The fields are ")


def test_free_text_is_never_repeated() -> None:
    bad = {**MARK, "comment": ["Jo is ill"], "ref": {"name": "Jo"}, "statutory_comment": {"Jo": 1}}

    findings = parse_submission(body(bad), max_records=10).shape_findings

    assert [finding.message for finding in findings] == [
        "ref is an object: send it as text",
        "comment is a list: send it as text",
        "statutory_comment is an object: send it as text",
    ]
    assert "Jo" not in "".join(str(finding.as_json()) for finding in findings)


def test_a_record_that_is_no_object_is_described_and_not_repeated() -> None:
    findings = parse_submission(body("Jo", ["Jo"], 1, None), max_records=10).shape_findings

    assert [finding.message for finding in findings] == [
        "record is text: send an object",
        "record is a list: send an object",
        "record is a number: send an object",
        "record is null: send an object",
    ]


def test_all_errors_of_a_record_are_reported() -> None:
    parsed = parse_submission(body({"session": "morning", "code": None, "minutes_late": 1.5}), max_records=10)

    assert {(finding.code, finding.pointer) for finding in parsed.shape_findings} == {
        ("student_id_missing", "/records/0/student_id"),
        ("field_missing", "/records/0/date"),
        ("session_invalid", "/records/0/session"),
        ("field_missing", "/records/0/code"),
        ("field_invalid", "/records/0/minutes_late"),
    }


@pytest.mark.parametrize(("word", "session"), [("Morning", "AM"), ("am", "AM"), ("Afternoon ", "PM"), ("P.M.", "PM")])
def test_a_word_for_a_session_is_suggested(word: str, session: str) -> None:
    (finding,) = parse_submission(body({**MARK, "session": word}), max_records=10).shape_findings

    assert finding.hint.startswith(f"Did you mean {session}? ")


def test_errors_of_the_envelope_come_with_those_of_the_records() -> None:
    content = body({**MARK, "code": 5}, on_invalid="maybe", colour="red")

    assert refused(content) == [
        ("field_invalid", "/on_invalid"),
        ("field_unknown", "/colour"),
        ("field_invalid", "/records/0/code"),
    ]


def test_an_unknown_kind_is_answered_with_those_that_there_are() -> None:
    with pytest.raises(InvalidSubmission) as caught:
        parse_submission(b'{"kind": "attendance.register", "records": []}', max_records=10)

    (finding,) = caught.value.extra["findings"]
    assert finding["hint"] == f"Send one of {', '.join(KINDS)}."


@pytest.mark.parametrize("bad", [{}, {"code": 5}], ids=["all sound", "one bad"])
def test_more_records_than_one_writeback_takes_are_refused(bad: dict[str, Any]) -> None:
    assert refused(body(MARK, MARK, {**MARK, **bad}), max_records=2) == [("too_many_records", "/records")]


def test_a_pointer_escapes_what_json_pointer_reserves() -> None:
    (finding,) = parse_submission(body({**MARK, "a/b~c": 1}), max_records=10).shape_findings

    assert finding.pointer == "/records/0/a~1b~0c"


@pytest.mark.parametrize(
    ("content", "code", "detail"),
    [
        (b"", "body_not_json", "line 1 column 0"),
        (b'{"kind": }', "body_not_json", "line 1 column 10"),
        (b'{"kind": NaN}', "body_not_json", "line 1 column 10"),
        (b'{"kind": "\\ud800"}', "body_not_json", "line 1"),
        (b"[" * 500, "body_not_json", "recursion limit"),
        (b'{"a": "\xff"}', "body_not_utf8", "byte 7 is 0xff"),
        (b"[]", "body_not_object", "a list"),
        (b"null", "body_not_object", "null"),
        (b"true", "body_not_object", "a boolean"),
        (b'"x"', "body_not_object", "text"),
        (b"1", "body_not_object", "a number"),
    ],
)
def test_a_body_that_cannot_be_read_says_where(content: bytes, code: str, detail: str) -> None:
    with pytest.raises(BadInput) as caught:
        parse_submission(content, max_records=10)

    assert caught.value.code == code
    assert detail in caught.value.detail
    assert caught.value.hint


def test_a_byte_order_mark_is_passed_over() -> None:
    assert len(parse_submission(b"\xef\xbb\xbf" + body(MARK), max_records=10).records) == 1


@pytest.mark.parametrize("late", ["5", 5.0, True], ids=["text", "fraction", "boolean"])
def test_numbers_are_not_guessed_from_other_types(late: object) -> None:
    (finding,) = parse_submission(body({**MARK, "minutes_late": late}), max_records=10).shape_findings

    assert finding.message.endswith("send a whole number")


def test_a_number_beyond_all_measure_is_not_written_out() -> None:
    content = body(MARK).replace(b'"A1"', b"9" * 1000)

    (finding,) = parse_submission(content, max_records=10).shape_findings

    assert finding.message == "student_id is a very large number: send it as text"


@pytest.mark.parametrize(
    ("change", "message", "hint"),
    [
        (
            {"comment": "Jo\0was ill"},
            "comment is text: send it without control characters other than tabs and line breaks",
            "Take out character 3, which is U+0000.",
        ),
        (
            {"student_id": "A\x001"},
            "student_id is A\\u00001: send it without control characters",
            "Take out character 2, which is U+0000.",
        ),
        (
            {"code": "L\n"},
            "code is L\\u000a: send it without control characters",
            "Take out character 2, which is U+000A.",
        ),
        (
            {"employee_id": "E\x85E"},
            "employee_id is E\\u0085E: send it without control characters",
            "Take out character 2, which is U+0085.",
        ),
        (
            {"ref": "Jo\t"},
            "ref is text: send it without control characters",
            "Take out character 3, which is U+0009.",
        ),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_control_character_is_shown_with_its_place(change: dict[str, str], message: str, hint: str) -> None:
    (finding,) = parse_submission(body({**MARK, **change}), max_records=10).shape_findings

    assert (finding.message, finding.hint) == (message, hint)


def test_line_breaks_and_tabs_are_welcome_in_comments() -> None:
    parsed = parse_submission(body({**MARK, "comment": "bus\r\n\tlate"}), max_records=10)

    assert [mark.comment for mark in parsed.records] == ["bus\r\n\tlate"]  # type: ignore[attr-defined] # session marks


@pytest.mark.parametrize("instant", ["9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00"])
def test_a_deadline_that_utc_does_not_have_is_a_finding(instant: str) -> None:
    with pytest.raises(InvalidSubmission) as caught:
        parse_submission(body(MARK, expires_at=instant), max_records=10)

    (finding,) = caught.value.extra["findings"]
    assert (finding["code"], finding["pointer"]) == ("field_invalid", "/expires_at")
    assert finding["message"] == f"expires_at is {instant}: send an instant of the years 1 to 9999 in UTC"


@pytest.mark.parametrize("instant", ["9" * 30, "", "24:00", "+99999-01-01T00:00:00Z", 1e300, 10**30, -1, True, []])
def test_an_absurd_deadline_is_a_finding(instant: object) -> None:
    assert [pointer for _, pointer in refused(body(MARK, expires_at=instant))] == ["/expires_at"]


def test_the_last_instant_of_all_is_a_deadline() -> None:
    parsed = parse_submission(body(MARK, expires_at="9999-12-31T23:59:59Z"), max_records=10)

    assert parsed.expires_at == datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)


def test_a_refused_body_has_the_code_of_every_refused_submission() -> None:
    with pytest.raises(InvalidSubmission) as caught:
        parse_submission(b"{}", max_records=10)

    assert caught.value.code == "submission_invalid"


def test_the_text_of_an_error_quotes_no_comment() -> None:
    secret = {**MARK, "comment": ["Jo is ill"]}

    for read in (
        lambda: KINDS["attendance.session"].record.model_validate(secret),
        lambda: parse_records("attendance.session", json.dumps([secret])),
        lambda: SUBMISSIONS["attendance.session"].model_validate({"kind": "attendance.session", "records": [secret]}),
    ):
        with pytest.raises(ValidationError) as caught:
            read()
        assert "Jo" not in str(caught.value)


@pytest.mark.parametrize(
    ("given", "local"),
    [
        ("2026-07-12T09:00:00Z", "2026-07-12T10:00:00"),
        ("2026-07-12T09:00:00+05:30", "2026-07-12T04:30:00"),
        ("2026-07-12T23:30:00-03:00", "2026-07-13T03:30:00"),
        ("2026-01-12T09:00:00Z", "2026-01-12T09:00:00"),
        ("2026-07-12T09:00", "2026-07-12T09:00:00"),
        ("2026-07-12", "2026-07-12T00:00:00"),
    ],
)
@pytest.mark.parametrize("beside", [[], [{"event": 1}]], ids=["alone", "beside a bad one"])
def test_a_time_with_an_offset_is_put_on_the_schools_clock(given: str, local: str, beside: list[Any]) -> None:
    absence = {"student_id": "A1", "event": "all_day", "start_at": given, "type": "I", "reason": "I"}
    content = body(absence, *beside, kind="student_absence.create", on_invalid="skip")

    parsed = parse_submission(content, max_records=10, clock=ZoneInfo("Europe/London"))

    assert parsed.records[0].start_at == datetime.fromisoformat(local)  # type: ignore[attr-defined] # an absence


def test_where_no_clock_is_known_an_offset_is_refused() -> None:
    absence = {"student_id": "A1", "event": "all_day", "start_at": "2026-07-12T09:00:00Z", "type": "I", "reason": "I"}

    parsed = parse_submission(body(absence, kind="student_absence.create", on_invalid="skip"), max_records=10)

    assert "without an offset" in parsed.shape_findings[0].message
