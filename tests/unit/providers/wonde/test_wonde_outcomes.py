"""What Wonde's answers and statuses mean."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from writeback.domain.kinds import KINDS
from writeback.domain.kinds.attendance_session import SessionMark
from writeback.domain.outcome import (
    Blocked,
    Evidenced,
    NotReached,
    Outcome,
    Pending,
    Refused,
    Rejected,
    Taken,
    Uncertain,
    Unclear,
)
from writeback.domain.school import HoldReason
from writeback.providers.answers import Answer
from writeback.providers.base import SentRequest
from writeback.providers.wonde import outcomes
from writeback.providers.wonde.outcomes import read_status

NOW = datetime(2026, 1, 12, 9, 0, tzinfo=UTC)


def answer(status: int, body: Any = None) -> Answer:
    return Answer(status, body, body is not None)


def read_answer(given: Answer, count: int) -> Outcome:
    return outcomes.read_answer(given, "attendance.session", count)


@pytest.mark.parametrize("status", [200, 201, 202])
@pytest.mark.parametrize("body", [{"writeback_id": "A1"}, {"data": {"writeback_id": "A1"}}, {"writeback_id": "A1 "}])
def test_any_success_with_a_writeback_id_is_taken(status: int, body: Any) -> None:
    assert read_answer(answer(status, body), 1) == Taken("A1")


@pytest.mark.parametrize("body", [None, {}, [], {"writeback_id": None}, {"writeback_id": ""}, {"data": []}, "A1"])
def test_a_success_without_a_writeback_id_leaves_it_in_doubt(body: Any) -> None:
    assert isinstance(read_answer(answer(200, body), 1), Uncertain)


@pytest.mark.parametrize(
    "body",
    [
        {"attendance.1.student_id": ["The selected student is invalid."]},
        {"message": "Invalid data.", "errors": {"attendance.1.student_id": ["The selected student is invalid."]}},
        {"errors": {"attendance": {"1": {"student_id": ["The selected student is invalid."]}}}},
        {"attendance": [None, {"student_id": ["The selected student is invalid."]}]},
        {"errors": {"attendance": [{}, {"student_id": "The selected student is invalid."}]}},
        {"errors": [{"field": "attendance.1.student_id", "message": "The selected student is invalid."}]},
        {"errors": [{"pointer": "/attendance/1/student_id", "detail": "The selected student is invalid."}]},
        {"error": {"attendance[1].student_id": ["The selected student is invalid."]}},
        {"attendance.1.student_id": "The selected student is invalid."},
        {
            "errors": [
                {
                    "status": "422",
                    "title": "Invalid Attribute",
                    "detail": "The selected student is invalid.",
                    "source": {"pointer": "/data/attributes/attendance/1/student_id"},
                }
            ]
        },
        {
            "detail": [
                {
                    "type": "value_error",
                    "loc": ["body", "attendance", 1, "student_id"],
                    "msg": "The selected student is invalid.",
                    "input": {"student_id": "A99", "comment": "not to be shown"},
                }
            ]
        },
        {
            "type": "https://example.com/invalid",
            "title": "Unprocessable",
            "status": 422,
            "detail": "One record is wrong.",
            "invalid-params": [{"name": "attendance.1.student_id", "reason": "The selected student is invalid."}],
        },
        {"errors": [{"attribute": "attendance.1.student_id", "messages": ["The selected student is invalid."]}]},
    ],
)
@pytest.mark.parametrize("status", [200, 201, 400, 422])
def test_a_refusal_names_its_record_in_every_likely_shape(status: int, body: Any) -> None:
    refused = read_answer(answer(status, body), 3)

    assert isinstance(refused, Refused)
    assert list(refused.findings) == [1]
    (finding,) = refused.findings[1]
    assert (finding.code, finding.pointer) == ("student_not_on_roll", "/student_id")
    assert finding.provider_message == "The selected student is invalid."
    assert finding.provider_answered


@pytest.mark.parametrize(
    "body",
    [
        ["The register is closed."],
        {"error": "The register is closed."},
        {"errors": ["The register is closed."]},
        {"success": False, "message": "The register is closed."},
        {"status": "error", "message": "The register is closed."},
        {"message": "The register is closed: it cannot be written to."},
        {"attendance": ["The register is closed."]},
        {"title": "Unprocessable", "status": 422, "detail": "The register is closed."},
    ],
)
def test_a_success_that_says_it_failed_is_a_refusal_in_its_own_words(body: Any) -> None:
    refused = read_answer(answer(200, body), 2)

    assert isinstance(refused, Refused)
    assert refused.findings == {}
    assert "The register is closed" in refused.message


@pytest.mark.parametrize(
    "body",
    [
        {"message": "The writeback has been queued."},
        {"message": "Accepted without errors."},
        {"success": True, "warnings": ["The pupil has left."]},
        {"success": False},
        {"errors": []},
        {"error": None, "message": None},
        {"data": {"type": "Good work", "comment": "He must be praised."}},
    ],
)
def test_a_success_without_an_id_that_does_not_say_it_failed_leaves_it_in_doubt(body: Any) -> None:
    assert isinstance(read_answer(answer(200, body), 1), Uncertain)


def test_a_success_that_says_without_a_word_that_it_failed_leaves_it_in_doubt_where_no_id_is_promised() -> None:
    uncertain = outcomes.read_answer(answer(200, {"success": False}), "behaviour.create", 1)
    assert isinstance(uncertain, Uncertain)


def test_what_a_success_says_without_an_id_is_kept() -> None:
    uncertain = read_answer(answer(200, {"message": "The writeback has been queued."}), 1)

    assert isinstance(uncertain, Uncertain)
    assert "The writeback has been queued." in uncertain.reason


def test_a_writeback_id_outweighs_errors_beside_it() -> None:
    assert read_answer(answer(200, {"writeback_id": "A1", "errors": ["One pupil has left."]}), 2) == Taken("A1")


@pytest.mark.parametrize("status", [200, 403, 422, 429, 503])
def test_a_web_page_is_said_to_be_of_something_in_between(status: int) -> None:
    uncertain = read_answer(Answer(status, None, False, 30.0, is_page=True), 1)

    assert uncertain == Uncertain(f"answered {status} with a web page: a firewall or proxy in between, not Wonde", 30.0)


@pytest.mark.parametrize(
    ("field", "code", "pointer"),
    [
        ("attendance_code_id", "code_unknown", "/code"),
        ("lesson_id", "lesson_unknown", "/lesson_id"),
        ("employee_id", "employee_unknown", "/employee_id"),
        ("session", "session_invalid", "/session"),
        ("something_new", "provider_refused", ""),
    ],
)
def test_each_field_has_its_finding(field: str, code: str, pointer: str) -> None:
    refused = read_answer(answer(422, {f"attendance.0.{field}": ["It is wrong."]}), 1)

    assert isinstance(refused, Refused)
    assert [(one.code, one.pointer) for one in refused.findings[0]] == [(code, pointer)]


def test_several_errors_of_several_records_are_all_reported() -> None:
    body = {"attendance.0.date": ["bad", "worse"], "attendance.2.session": ["bad"]}

    refused = read_answer(answer(400, body), 3)

    assert isinstance(refused, Refused)
    assert {position: len(said) for position, said in refused.findings.items()} == {0: 2, 2: 1}


@pytest.mark.parametrize(
    "body",
    [
        None,
        {},
        {"message": "The given data was invalid."},
        {"attendance": ["The attendance field is required."]},
        {"attendance.9.date": ["of a record that was not sent"]},
        {"attendance.x.date": ["of no record"]},
        {"errors": "nothing is well"},
        [["deep"]],
    ],
)
def test_a_refusal_that_names_no_record_is_still_definite(body: Any) -> None:
    refused = read_answer(answer(422, body), 2)

    assert isinstance(refused, Refused)
    assert refused.findings == {}
    assert refused.message.startswith("Wonde answered 422: ")


@pytest.mark.parametrize("status", [404, 405])
@pytest.mark.parametrize("body", [None, {"message": "secret things"}, {"error": "not_found"}])
def test_an_address_where_no_school_is_blocks(status: int, body: Any) -> None:
    blocked = read_answer(answer(status, body), 1)

    assert isinstance(blocked, Blocked)
    assert blocked.reason is HoldReason.UNKNOWN_THERE
    assert str(status) in blocked.detail
    assert "secret" not in blocked.detail


def test_a_404_that_names_a_record_refuses_that_record() -> None:
    refused = read_answer(answer(404, {"attendance.1.student_id": ["No such student."]}), 2)

    assert isinstance(refused, Refused)
    assert list(refused.findings) == [1]


@pytest.mark.parametrize("reference", ["A\x001", "A\n1", "A" * 201, "A\ud800", True, ["A1"]])
def test_a_writeback_id_that_cannot_be_one_leaves_it_in_doubt(reference: Any) -> None:
    assert isinstance(read_answer(answer(200, {"writeback_id": reference}), 1), Uncertain)


def test_what_a_refusal_says_can_be_kept() -> None:
    refused = read_answer(answer(422, {"attendance.0.comment": ["No\x00 emoji \ud83d allowed"]}), 1)

    assert isinstance(refused, Refused)
    (finding,) = refused.findings[0]
    assert finding.provider_message == "No emoji allowed"
    for text in (refused.message, finding.message):
        assert "\x00" not in text
        text.encode()


@pytest.mark.parametrize(
    ("status", "expected"),
    [(401, Blocked), (403, Blocked), (429, NotReached), (500, Uncertain), (503, NotReached), (307, NotReached)],
)
def test_other_statuses_mean_what_they_mean_everywhere(status: int, expected: type) -> None:
    assert isinstance(read_answer(answer(status, {"message": "x"}), 1), expected)


def sent(*, hints: Sequence[Any] = (), ago: timedelta = timedelta(seconds=10)) -> SentRequest:
    mark = SessionMark(student_id="A10", date=NOW.date(), session="AM", code="/")
    return SentRequest("req_1", KINDS["attendance.session"], [mark], "A1", NOW - ago, hints)


def status(**fields: Any) -> Answer:
    return answer(200, {"data": {"id": "A1", "last_attempt": None, "next_attempt": None, **fields}})


@pytest.mark.parametrize("word", ["SUCCESS", "success", " Success "])
def test_success_is_evidence(word: str) -> None:
    assert read_status(status(status=word), sent(), NOW) == Evidenced("poll")


def test_after_a_webhook_the_evidence_is_of_both() -> None:
    hints = [{"payload_type": "writeback", "status": "FAILED"}]
    assert read_status(status(status="SUCCESS"), sent(hints=hints), NOW) == Evidenced("webhook+poll")


def test_an_answer_that_is_not_wrapped_counts_too() -> None:
    assert read_status(answer(200, {"status": "SUCCESS"}), sent(), NOW) == Evidenced("poll")


@pytest.mark.parametrize("told", [{"message": "The register is closed."}, {"errors": ["The register is closed."]}])
def test_what_wonde_says_of_a_failure_is_kept(told: Any) -> None:
    rejected = read_status(status(status="FAILED", **told), sent(), NOW)

    said = "The register is closed."
    assert rejected == Rejected(f"Wonde could not write it into the MIS: {said}", said=said)


def test_a_failure_without_a_reason_has_no_words_of_wondes() -> None:
    rejected = read_status(status(status="FAILED"), sent(), NOW)

    assert isinstance(rejected, Rejected)
    assert (rejected.said, rejected.message != "") == ("", True)


def test_failed_without_another_attempt_is_rejected() -> None:
    assert isinstance(read_status(status(status="FAILED"), sent(), NOW), Rejected)


@pytest.mark.parametrize(
    "next_attempt",
    [
        "2026-01-12 09:05:00",
        "2026-01-12T09:05:00Z",
        {"date": "2026-01-12 09:05:00.000000", "timezone_type": 3, "timezone": "UTC"},
        {"date": "2026-01-12 09:05:00.000000", "timezone_type": 3, "timezone": "Europe/London"},
    ],
)
def test_failed_with_another_attempt_waits_for_it(next_attempt: Any) -> None:
    verdict = read_status(status(status="FAILED", next_attempt=next_attempt), sent(), NOW)

    assert isinstance(verdict, Pending)
    assert verdict.check_at == NOW + timedelta(minutes=5)


@pytest.mark.parametrize(
    "next_attempt",
    [
        "2026-01-12 08:00:00",
        "2026-01-12 09:00:00",
        {"date": "2026-01-12 08:00:00.000000", "timezone_type": 3, "timezone": "UTC"},
        {"date": None, "timezone": "UTC"},
        "later",
        "0001-01-01 00:00:00",
        7,
    ],
)
def test_an_attempt_that_is_past_or_unreadable_is_still_theirs_and_sets_no_time(next_attempt: Any) -> None:
    verdict = read_status(status(status="failed", next_attempt=next_attempt), sent(), NOW)

    assert isinstance(verdict, Pending)
    assert verdict.check_at is None


@pytest.mark.parametrize("word", ["PENDING", "PROCESSING", "", None, 7])
def test_any_other_status_is_in_progress(word: Any) -> None:
    assert isinstance(read_status(status(status=word), sent(), NOW), Pending)


@pytest.mark.parametrize(
    "given", [status(status="PENDING"), status(status="FAILED", next_attempt="2026-01-12 09:05:00"), answer(404)]
)
def test_no_callback_is_awaited_of_one_that_can_be_asked(given: Answer) -> None:
    verdict = read_status(given, sent(), NOW)
    assert isinstance(verdict, Pending)
    assert not verdict.awaits_callback


def test_an_unknown_writeback_is_pending_at_first_and_unclear_later() -> None:
    assert isinstance(read_status(answer(404), sent(), NOW), Pending)
    assert isinstance(read_status(answer(404), sent(ago=timedelta(minutes=6)), NOW), Unclear)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (answer(200), Unclear),
        (answer(200, []), Unclear),
        (answer(400, {}), Unclear),
        (answer(500), NotReached),
        (answer(503), NotReached),
        (answer(401), Blocked),
    ],
)
def test_a_status_that_cannot_be_had_says_so(given: Answer, expected: type) -> None:
    assert isinstance(read_status(given, sent(), NOW), expected)


def test_a_refused_token_holds_the_school() -> None:
    verdict = read_status(answer(401), sent(), NOW)
    assert isinstance(verdict, Blocked)
    assert verdict.reason is HoldReason.TOKEN_REFUSED
