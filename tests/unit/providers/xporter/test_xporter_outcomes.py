"""What Xporter's answers, tokens and callbacks mean."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from writeback.core.errors import BadInput
from writeback.domain.kinds import KINDS
from writeback.domain.kinds.attendance_session import SessionMark
from writeback.domain.outcome import (
    Blocked,
    Evidenced,
    GaveUp,
    NotReached,
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
from writeback.providers.xporter.callbacks import N_RULE, parse_hook, read_hints
from writeback.providers.xporter.messages import places_of
from writeback.providers.xporter.outcomes import Token, read_answer, read_token, refuses_token

NOW = datetime(2026, 1, 12, 9, 0, tzinfo=UTC)
EXAMPLES = Path(__file__).parents[3] / "examples/xporter"
MARKS = [
    {"StudentId": "9919", "MarkType": "S", "Date": "2026-01-12", "Session": "AM", "Mark": "/"},
    {"StudentId": "9920", "MarkType": "S", "Date": "2026-01-12", "Session": "AM", "Mark": "\\"},
]
PLACES = places_of({"Marks": MARKS})
TRACKING = "20171101121545.66a1289c-5186-4448-9847-ccdd28054230"


def example(name: str) -> Any:
    return json.loads((EXAMPLES / name).read_text("utf-8"))


def ok(body: Any, status: int = 200) -> Answer:
    return Answer(status, body, body is not None)


def exception(text: str, status: int = 200) -> Answer:
    return ok({"TrackingId": None, "ExceptionMessage": text, "ExceptionType": "X"}, status)


def test_the_documents_own_answer_is_taken() -> None:
    assert read_answer(ok(example("attendance-async.response/accepts/document.json")), PLACES) == Taken(TRACKING)


@pytest.mark.parametrize(
    "body", [{"trackingId": "T1"}, {"TrackingId": None, "DataSet": {"trackingid": [{"trackingid": "T1"}]}}]
)
def test_the_tracking_id_is_found_in_its_other_place_and_case(body: Any) -> None:
    assert read_answer(ok(body), PLACES) == Taken("T1")


@pytest.mark.parametrize("body", [None, {}, [], {"Message": "success"}, {"TrackingId": ""}, {"DataSet": {}}])
def test_a_success_without_a_tracking_id_leaves_it_in_doubt(body: Any) -> None:
    assert isinstance(read_answer(ok(body), PLACES), Uncertain)


@pytest.mark.parametrize("status", [200, 400, 500])
def test_a_validation_message_is_a_refusal_whatever_the_status(status: int) -> None:
    refused = read_answer(exception("Invalid StudentId: 9920", status), PLACES)

    assert isinstance(refused, Refused)
    assert [(position, said[0].code) for position, said in refused.findings.items()] == [(1, "student_not_on_roll")]
    assert refused.message == "Invalid StudentId: 9920"


def test_an_exception_outweighs_a_tracking_id() -> None:
    body = {"TrackingId": "T1", "ExceptionMessage": "Only write back a set of marks for the same date"}
    assert isinstance(read_answer(ok(body), PLACES), Refused)


@pytest.mark.parametrize(
    ("text", "status", "reason"),
    [
        ("Authorisation is currently paused while the school finalises the selection", 200, HoldReason.PAUSED),
        ("Relying Party not found for estab or secret not correct", 200, HoldReason.TOKEN_REFUSED),
        ("The STS token is invalid or has expired", 200, HoldReason.TOKEN_REFUSED),
        ("Invalid STS token", 200, HoldReason.TOKEN_REFUSED),
        ("Authorization has been denied for this request.", 200, HoldReason.TOKEN_REFUSED),
        ("whatever it says", 401, HoldReason.TOKEN_REFUSED),
        ("The scope WritebackAttendance has not been authorised for estab 3281102", 200, HoldReason.SCOPE_MISSING),
        ("The token does not have the scope Attendance", 200, HoldReason.SCOPE_MISSING),
        ("Estab 3281102 has not authorised this application", 200, HoldReason.SCOPE_MISSING),
        ("whatever it says", 403, HoldReason.SCOPE_MISSING),
    ],
)
def test_what_the_school_must_change_blocks(text: str, status: int, reason: HoldReason) -> None:
    blocked = read_answer(exception(text, status), PLACES)

    assert isinstance(blocked, Blocked)
    assert blocked.reason is reason
    assert blocked.detail == text


def test_an_unknown_exception_is_a_refusal_with_its_own_words() -> None:
    assert read_answer(exception("Something new"), PLACES) == Refused("Something new", said="Something new")


@pytest.mark.parametrize(
    ("text", "status"),
    [("Something new", 500), ("Unable to communicate with the school agent", 200), ("Please try again later", 200)],
)
def test_an_exception_that_will_pass_leaves_it_in_doubt(text: str, status: int) -> None:
    assert isinstance(read_answer(exception(text, status), PLACES), Uncertain)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (400, Refused),
        (404, Blocked),
        (405, Blocked),
        (401, Blocked),
        (403, Blocked),
        (429, NotReached),
        (500, Uncertain),
        (503, NotReached),
    ],
)
def test_without_an_exception_the_status_decides(status: int, expected: type) -> None:
    assert isinstance(read_answer(ok({"Message": "x"}, status), PLACES), expected)


@pytest.mark.parametrize("status", [200, 403, 429, 503])
def test_a_web_page_is_said_to_be_of_something_in_between(status: int) -> None:
    uncertain = read_answer(Answer(status, None, False, is_page=True), PLACES)

    assert uncertain == Uncertain(f"answered {status} with a web page: a firewall or proxy in between, not Xporter")


@pytest.mark.parametrize("status", [429, 503])
def test_whose_an_empty_answer_is_nobody_can_tell(status: int) -> None:
    assert isinstance(read_answer(ok(None, status), PLACES), Uncertain)


@pytest.mark.parametrize(
    "text",
    [
        "Object reference not set to an instance of an object.",
        "System.Data.SqlClient.SqlException: The statement has been terminated.",
        "A task was canceled.",
        "Execution Timeout Expired. The timeout period elapsed prior to completion of the operation.",
        "An error occurred while updating the entries. See the inner exception for details.",
        "Transaction was deadlocked on lock resources",
    ],
)
def test_a_program_that_failed_in_the_middle_leaves_it_in_doubt(text: str) -> None:
    assert isinstance(read_answer(exception(text), PLACES), Uncertain)


def test_the_type_of_an_exception_tells_of_a_failure_too() -> None:
    body = {"ExceptionMessage": "Something new", "ExceptionType": "System.NullReferenceException"}
    assert isinstance(read_answer(ok(body), PLACES), Uncertain)
    known = {"ExceptionMessage": "Invalid StudentId: 9920", "ExceptionType": "System.Exception"}
    assert isinstance(read_answer(ok(known), PLACES), Refused)


@pytest.mark.parametrize("status", [200, 400])
@pytest.mark.parametrize(
    "body",
    [
        {"Message": "The request is invalid.", "ModelState": {"Marks[1].StudentId": ["Invalid StudentId: 9920"]}},
        {"errors": {"Marks[1].StudentId": ["Invalid StudentId: 9920"]}},
        {"title": "One or more validation errors occurred.", "errors": {"StudentId": ["Invalid StudentId: 9920"]}},
        {"detail": [{"loc": ["body", "Marks", 1], "msg": "Invalid StudentId: 9920"}]},
        {"error": "Invalid StudentId: 9920"},
        ["Invalid StudentId: 9920"],
    ],
)
def test_errors_in_another_shape_than_the_documents_are_read(status: int, body: Any) -> None:
    refused = read_answer(ok(body, status), PLACES)

    assert isinstance(refused, Refused)
    assert "Invalid StudentId: 9920" in refused.message
    assert list(refused.findings) == [1]


@pytest.mark.parametrize("status", [404, 405])
@pytest.mark.parametrize("given", [None, {"ExceptionMessage": "No estab 3281102"}, {"Message": "No HTTP resource"}])
def test_an_address_where_no_school_is_blocks(status: int, given: Any) -> None:
    blocked = read_answer(ok(given, status), PLACES)

    assert isinstance(blocked, Blocked)
    assert blocked.reason is HoldReason.UNKNOWN_THERE


@pytest.mark.parametrize("text", ["Invalid StudentId: 9920", "School appears to be closed to students on this date"])
def test_a_404_about_the_marks_refuses_them(text: str) -> None:
    assert isinstance(read_answer(exception(text, 404), PLACES), Refused)


@pytest.mark.parametrize("reference", ["T\x001", "T\n1", "T" * 201, "T\ud800", True, ["T1"]])
def test_a_tracking_id_that_cannot_be_one_leaves_it_in_doubt(reference: Any) -> None:
    assert isinstance(read_answer(ok({"TrackingId": reference}), PLACES), Uncertain)


def test_what_a_refusal_says_can_be_kept() -> None:
    refused = read_answer(exception("Invalid StudentId: 9920\x00 \ud83d!"), PLACES)

    assert isinstance(refused, Refused)
    assert refused.message == "Invalid StudentId: 9920 !"
    assert refused.findings[1][0].provider_message == refused.message


def test_only_a_refused_token_asks_for_a_new_one() -> None:
    assert refuses_token(exception("The STS token is invalid or has expired"))
    assert not refuses_token(exception("Invalid StudentId: 9919"))
    assert not refuses_token(ok({"TrackingId": "T1"}))


# Tokens.


def test_a_granted_token_has_its_expiry() -> None:
    token = read_token(ok(example("token.response/accepts/document_granted.json")), NOW)
    assert token == Token("JhS0X....esMbPoHUOY=", datetime(2021, 4, 17, 9, 34, 46, 402555, tzinfo=UTC))


@pytest.mark.parametrize("expires", ["soon", None, "0001-01-01T00:00:00"])
def test_a_token_whose_expiry_cannot_be_read_is_used_for_a_short_time(expires: str | None) -> None:
    token = read_token(ok({"token": "t", "expires": expires}), NOW)
    assert isinstance(token, Token)
    assert token.expires_at <= NOW + timedelta(minutes=5)


@pytest.mark.parametrize(
    ("name", "reason"),
    [("document_refused", HoldReason.TOKEN_REFUSED), ("document_paused", HoldReason.PAUSED)],
)
def test_the_documents_refusals_of_a_token_block(name: str, reason: HoldReason) -> None:
    blocked = read_token(ok(example(f"token.response/accepts/{name}.json")), NOW)
    assert isinstance(blocked, Blocked)
    assert blocked.reason is reason


@pytest.mark.parametrize("given", [ok(None), ok({}), ok(None, 500), ok(None, 503), ok(None, 404), ok({"token": None})])
def test_an_sts_that_fails_has_written_nothing(given: Answer) -> None:
    assert isinstance(read_token(given, NOW), NotReached)


def test_no_token_stands_in_a_repr() -> None:
    assert "JhS0X" not in repr(Token("JhS0X", NOW))


def test_an_sts_that_forbids_refuses_the_token() -> None:
    blocked = read_token(ok(None, 403), NOW)
    assert isinstance(blocked, Blocked)
    assert blocked.reason is HoldReason.TOKEN_REFUSED


# Callbacks.


def sent(*hints: Mapping[str, Any], provider_ref: str | None = "T1", count: int = 2) -> SentRequest:
    records = [
        SessionMark(student_id=f"99{19 + place}", date=date(2026, 1, 12), session="AM", code="/")
        for place in range(count)
    ]
    return SentRequest("req_1", KINDS["attendance.session"], records, provider_ref, NOW, hints)


def callback(completed: str, message: str = "", tracking: str = "T1") -> dict[str, Any]:
    query = {"id": "req_1", "estab": "3281102", "trackingid": tracking}
    return dict(parse_hook({**query, "XodCompleted": completed, "ErrorMessage": message}, b"{}").payload)


def test_without_a_callback_it_is_pending() -> None:
    verdict = read_hints(sent())
    assert isinstance(verdict, Pending)
    assert verdict.check_at is None
    assert verdict.awaits_callback


@pytest.mark.parametrize("word", ["True", "true", "TRUE"])
def test_completed_is_evidence(word: str) -> None:
    assert read_hints(sent(callback(word))) == Evidenced("callback")


def test_what_completed_leaves_open_of_an_n_is_noted() -> None:
    marks = [SessionMark(student_id="9919", date=NOW.date(), session="AM", code=code) for code in ("/", "N", "L", "N")]
    answer = SentRequest("req_1", KINDS["attendance.session"], marks, "T1", NOW, [callback("True")])

    verdict = read_hints(answer)

    assert isinstance(verdict, Evidenced)
    assert verdict.notes == {1: N_RULE, 3: N_RULE}
    assert "left as it was" in N_RULE


def test_false_is_rejected_and_names_the_record() -> None:
    verdict = read_hints(sent(callback("False", "Invalid StudentId: 9920")))

    assert isinstance(verdict, Rejected)
    assert [(position, said[0].code) for position, said in verdict.findings.items()] == [(1, "student_not_on_roll")]


def test_false_without_a_reason_is_rejected_all_the_same() -> None:
    verdict = read_hints(sent(callback("False")))
    assert isinstance(verdict, Rejected)
    assert verdict.findings == {}


def test_empty_with_a_message_is_the_miss_refusal() -> None:
    said = "SIMS: the register is locked"
    assert read_hints(sent(callback("", said))) == Rejected(said, said=said)


def test_empty_without_a_message_says_nothing() -> None:
    assert isinstance(read_hints(sent(callback(""))), Unclear)


def test_an_agent_that_was_unreachable_for_an_hour_is_no_refusal() -> None:
    verdict = read_hints(sent(callback("False", "Unable to communicate with the school agent")))

    assert verdict == GaveUp(HoldReason.OFFLINE, "Unable to communicate with the school agent")


def test_a_callback_with_another_tracking_id_is_ignored() -> None:
    assert isinstance(read_hints(sent(callback("True", tracking="T2"))), Pending)
    assert isinstance(read_hints(sent(callback("True", tracking=""))), Pending)


def test_a_callback_that_came_before_the_answer_counts() -> None:
    assert read_hints(sent(callback("True", tracking="T2"), provider_ref=None)) == Evidenced("callback")


def test_a_repeated_callback_changes_nothing_and_the_latest_counts() -> None:
    assert read_hints(sent(callback("True"), callback("True"))) == Evidenced("callback")
    assert read_hints(sent(callback("False", "x"), callback("True"))) == Evidenced("callback")
    assert read_hints(sent(callback("True"), callback("False", "x", tracking="T2"))) == Evidenced("callback")


def test_what_is_kept_of_a_callback_can_be_kept() -> None:
    hint = parse_hook({"id": "req_1", "trackingid": "T\ud8001", "ErrorMessage": "No%00 \x00luck"}, b"")
    assert (hint.payload["ErrorMessage"], hint.provider_ref) == ("No luck", "T1")


@pytest.mark.parametrize("name", ["id", "trackingid"])
def test_an_id_that_cannot_be_one_names_nothing(name: str) -> None:
    with pytest.raises(BadInput):
        parse_hook({name: "x" * 1_000}, b"[" * 100_000)


def test_a_callback_names_our_request_and_theirs() -> None:
    hint = parse_hook({"id": "req_1", "estab": "3281102", "trackingid": "T1", "XodCompleted": "True"}, b"")

    assert (hint.event, hint.request_id, hint.provider_ref) == ("writeback", "req_1", "T1")
    assert hint.payload["XodCompleted"] == "True"


def test_parameter_names_are_read_in_any_case() -> None:
    hint = parse_hook({"ID": "req_1", "TrackingId": "T1", "xodcompleted": "true", "errormessage": "x"}, b"  ")

    assert (hint.request_id, hint.provider_ref, hint.payload["ErrorMessage"]) == ("req_1", "T1", "x")


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"not json", b'{"result": []}', b"\xff"])
def test_the_body_need_not_say_anything(body: bytes) -> None:
    assert parse_hook({"id": "req_1"}, body).request_id == "req_1"


def test_what_the_query_lacks_is_taken_from_the_body() -> None:
    hint = parse_hook({}, b'{"trackingid": "T1", "XodCompleted": true}')
    assert hint.provider_ref == "T1"
    assert read_hints(sent(hint.payload)) == Evidenced("callback")


def test_a_message_that_is_encoded_twice_is_decoded() -> None:
    hint = parse_hook({"id": "req_1", "ErrorMessage": "Invalid%20StudentId%3A%209920"}, b"")
    assert hint.payload["ErrorMessage"] == "Invalid StudentId: 9920"


@pytest.mark.parametrize("query", [{}, {"estab": "3281102"}, {"XodCompleted": "True"}])
def test_a_callback_about_nothing_is_bad_input(query: Mapping[str, str]) -> None:
    with pytest.raises(BadInput):
        parse_hook(query, b"")


def callback_examples() -> Sequence[Path]:
    return sorted((EXAMPLES / "callback/accepts").glob("*.json"))


@pytest.mark.parametrize("path", callback_examples(), ids=lambda path: path.stem)
def test_every_example_of_a_callback_is_read(path: Path) -> None:
    hint = parse_hook(json.loads(path.read_text("utf-8")), b"{}")
    verdict = read_hints(sent(hint.payload, provider_ref=TRACKING))
    assert isinstance(verdict, Evidenced if path.stem == "completed" else Rejected)
