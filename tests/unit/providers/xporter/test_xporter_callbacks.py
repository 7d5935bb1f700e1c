"""What Xporter's callbacks mean for conduct and detentions, and what its synchronous and undocumented answers mean."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from writeback.domain.kinds import KINDS, Record
from writeback.domain.outcome import Applied, Blocked, Evidenced, Pending, Refused, Rejected, Taken, Uncertain, Verdict
from writeback.domain.school import HoldReason
from writeback.providers.answers import Answer
from writeback.providers.base import SentRequest
from writeback.providers.xporter.callbacks import parse_hook, read_hints
from writeback.providers.xporter.outcomes import read_raw_answer, read_sync_answer

NOW = datetime(2026, 1, 12, 9, 0, tzinfo=UTC)
EXAMPLES = Path(__file__).parents[3] / "examples/xporter/callback-results/accepts"
STUDENTS = [{"student_id": "9919", "points": 1}]
BEHAVIOUR = {"employee_id": "1", "date": "2026-01-12", "type": "7", "students": STUDENTS}


def records(kind: str, *given: Mapping[str, Any]) -> list[Record]:
    return [KINDS[kind].record(**one) for one in given]


def verdict(
    kind: str,
    sent_records: list[Record],
    body: bytes | Any = b"{}",
    *,
    completed: str = "True",
    message: str = "",
    ref: str | None = "T1",
) -> Verdict:
    query = {"id": "req_1", "trackingid": "T1", "XodCompleted": completed, "ErrorMessage": message}
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    hint = json.loads(json.dumps(parse_hook(query, raw).payload))  # as it is kept in between
    return read_hints(SentRequest("req_1", KINDS[kind], sent_records, ref, NOW, [hint]))


def test_the_mis_ids_are_those_of_each_record() -> None:
    body = {"result": [{"IncidentId": 2, "ActualId": 1812}, {"IncidentId": "1", "ActualId": "1811"}]}
    assert verdict("behaviour.create", records("behaviour.create", BEHAVIOUR, BEHAVIOUR), body) == Evidenced(
        "callback", mis_ids={0: ("1811",), 1: ("1812",)}
    )


@pytest.mark.parametrize(
    ("name", "kind", "ids"),
    [
        ("document_sims", "behaviour.create", ("43534",)),
        ("document_number", "behaviour.create", ("1811",)),
        ("document_bromcom", "behaviour.create", ("B78894", "B78893", "B78892")),
        ("document_detention", "detention.create", ("1811",)),
        ("document_attendance", "behaviour.create", None),
    ],
)
def test_the_documents_own_results_are_read(name: str, kind: str, ids: tuple[str, ...] | None) -> None:
    given = {"type": "24", "location": "1", "date": "2026-01-12"} if kind == "detention.create" else BEHAVIOUR
    body = json.loads((EXAMPLES / f"{name}.json").read_text("utf-8"))

    assert verdict(kind, records(kind, given), body) == Evidenced("callback", mis_ids={0: ids} if ids else {})


@pytest.mark.parametrize(
    "body",
    [
        [{"IncidentId": 1, "ActualId": 1811}],
        {"result": {"IncidentId": 1, "ActualId": 1811}},
        {"DataSet": {"result": [{"incidentid": 1, "actualid": 1811}]}},
        {"Message": "success", "Result": [{"Id": 1, "ActualId": "1811"}, {"IncidentId": 1, "ActualId": 1811}]},
    ],
)
def test_a_result_is_found_however_it_is_wrapped(body: Any) -> None:
    assert verdict("behaviour.create", records("behaviour.create", BEHAVIOUR), body) == Evidenced(
        "callback", mis_ids={0: ("1811",)}
    )


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b'"result":[{"IncidentId":1,"ActualId":1811}]}',
        {"result": None},
        {"result": [{"IncidentId": 7, "ActualId": 1811}]},
        {"result": [{"IncidentId": 1, "ActualId": {"x": 1}}, {"IncidentId": 1, "ActualId": "\u0000"}, 5]},
        [[[[[[{"IncidentId": 1, "ActualId": 1811}]]]]]],
    ],
)
def test_a_result_that_cannot_be_read_leaves_the_evidence(body: Any) -> None:
    assert verdict("behaviour.create", records("behaviour.create", BEHAVIOUR), body) == Evidenced("callback")


def test_entries_of_one_detention_have_its_id() -> None:
    kind = "detention_attendance.set"
    marks = records(kind, *({"detention_id": d, "student_id": s} for d, s in (("5", "1"), ("6", "1"), ("5", "2"))))
    body = {"result": [{"DetentionId": 1, "ActualId": 5}, {"DetentionId": 2, "ActualId": 6}]}

    assert verdict(kind, marks, body) == Evidenced("callback", mis_ids={0: ("5",), 1: ("6",), 2: ("5",)})


def test_a_late_refusal_names_what_was_given_by_id() -> None:
    answer = verdict(
        "behaviour.create",
        records("behaviour.create", BEHAVIOUR, {**BEHAVIOUR, "type": "8"}),
        completed="False",
        message="Invalid TypeId 8",
    )
    assert isinstance(answer, Rejected)
    assert [(place, said[0].pointer) for place, said in answer.findings.items()] == [(1, "/type")]


@pytest.mark.parametrize("ref", ["T1", None])
def test_a_raw_call_is_confirmed_by_its_callback(ref: str | None) -> None:
    raw = records("xporter.raw", {"operation": "UserAsync", "body": {"Users": []}})
    assert verdict("xporter.raw", raw, {"result": [{"Id": 1, "ActualId": 5}]}, ref=ref) == Evidenced("callback")


@pytest.mark.parametrize("ref", [None, "T1"])
def test_until_it_is_called_back_nothing_is_known_of_it(ref: str | None) -> None:
    sent = SentRequest("req_1", KINDS["behaviour.create"], records("behaviour.create", BEHAVIOUR), ref, NOW)
    pending = read_hints(sent)

    assert isinstance(pending, Pending)
    assert pending.awaits_callback


# Answers that bring no TrackingId.


def ok(body: Any, status: int = 200) -> Answer:
    return Answer(status, body, body is not None)


@pytest.mark.parametrize("body", [{"Message": "success"}, {"TrackingId": "T1"}, {}])
def test_a_synchronous_success_leaves_it_to_the_callback(body: Any) -> None:
    assert read_sync_answer(ok(body), ()) == Taken(None)


@pytest.mark.parametrize("read", [read_raw_answer, lambda answer: read_sync_answer(answer, ())])
def test_what_goes_wrong_is_as_everywhere(read: Any) -> None:
    assert isinstance(read(ok(None)), Uncertain)
    assert isinstance(read(ok({"ExceptionMessage": "Something new"})), Refused)
    assert isinstance(read(ok(None, 500)), Uncertain)
    scope = read(ok({"ExceptionMessage": "The scope WritebackConduct has not been authorised"}, 403))
    assert isinstance(scope, Blocked)
    assert scope.reason is HoldReason.SCOPE_MISSING
    unknown = read(ok(None, 404))
    assert isinstance(unknown, Blocked)
    assert unknown.reason is HoldReason.UNKNOWN_THERE


def test_a_raw_answer_is_the_evidence_unless_it_tracks() -> None:
    assert read_raw_answer(ok({"Message": "success"})) == Applied("answer")
    assert read_raw_answer(ok(None, 204)) == Applied("answer")
    assert read_raw_answer(ok({"TrackingId": "T1"})) == Taken("T1")


@pytest.mark.parametrize("in_list", [False, True])
def test_a_callback_may_say_all_in_its_body_as_an_object_or_in_a_list(in_list: bool) -> None:
    answer = {"id": "req_1", "trackingid": "T1", "XodCompleted": True, "result": [{"IncidentId": 1, "ActualId": 7}]}
    hint = parse_hook({}, json.dumps([answer] if in_list else answer).encode())

    assert (hint.request_id, hint.provider_ref, hint.payload["result"]) == ("req_1", "T1", {"1": ["7"]})
