"""A body costs what it may cost, whatever it holds: it is counted before it is validated, and so are findings.

What is looked at is work, not time: what is never called, and how often something is. The one test of time compares
processor time with that of an honest submission, with much room.
"""

import contextlib
import json
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from validators import suggestions, validate
from writeback.batches import ndjson_files
from writeback.core.errors import MOST_FINDINGS, BodyTooLarge, InvalidSubmission, Problem
from writeback.core.json_values import MOST_VALUES, values_in
from writeback.domain.finding import MOST_MADE, MOST_OF_RECORD, Finding, Severity, most_telling
from writeback.domain.kinds import KINDS
from writeback.domain.lookups import ListName, Lookup, LookupView, attribute_key
from writeback.domain.school import School
from writeback.domain.submission import shape_findings, submission
from writeback.domain.submission.submission import MOST_PARTS, ParsedSubmission, parse_submission
from writeback.flow.accept.accept import _refusal
from writeback.flow.accept.answer import Checked, answer_json
from writeback.flow.correct.draft import Edit, Order, draft_of

MARK = {"student_id": "A1", "date": "2026-01-12", "session": "AM", "code": "/"}
INCIDENT = {"employee_id": "E1", "date": "2026-01-12", "type": "X", "students": [{"student_id": "A1", "points": 1}]}
WRONG = {
    "student_id": 1,
    "date": 2,
    "session": "XX",
    "code": 3,
    "minutes_late": "a",
    "comment": 4,
    "statutory_comment": 5,
    "employee_id": 6,
    "only_if_blank": 7,
    "ref": 8,
}
SCHOOL = School(id="hillside", name="Hillside", provider="xporter", mis="SIMS")


def body(*records: Any, kind: str = "attendance.session") -> bytes:
    return json.dumps({"kind": kind, "records": records}).encode()


def many(record: bytes, count: int, kind: str = "attendance.session") -> bytes:
    return b'{"kind":"%s","records":[%s]}' % (kind.encode(), b",".join([record] * count))


def fields(count: int, name: str = "student_%d") -> bytes:
    return b"{" + b",".join(b'"%s":1' % (name % place).encode() for place in range(count)) + b"}"


HOSTILE: dict[str, Callable[[], bytes]] = {
    "300,000 empty records": lambda: many(b"{}", 300_000),
    "300,000 empty lists": lambda: many(b"[]", 300_000),
    "3,300,000 empty lists": lambda: b"[" + b"[]," * 3_300_000 + b"[]]",
    "just within the values": lambda: many(b"[]", MOST_VALUES // 2 - 10),
    "1,000 records, all wrong": lambda: many(json.dumps(WRONG).encode(), 1_000),
    "1,000 records of 98 unknown fields": lambda: many(fields(98), 1_000),
    "1,000 records of 30 unknown fields": lambda: many(fields(30), 1_000),
    "one record of 99,000 unknown fields": lambda: many(fields(99_000), 1),
    "one record of 19,000 unknown fields": lambda: many(fields(19_000), 1),
    "99,000 unknown fields beside the records": lambda: fields(99_000, "u%d")[:-1] + b',"kind":"attendance.session"}',
    "one text of 10 MB": lambda: many(b'"' + b"a" * 9_900_000 + b'"', 1),
    "a name of 9 MB": lambda: many(b'{"' + b"k" * 9_000_000 + b'":1}', 1),
    "a control character after 9 MB": lambda: many(b'{"comment":"' + b"a" * 9_000_000 + b'\\u0001"}', 1),
    "a number of a million digits": lambda: many(b"9" * 1_000_000, 1),
    "999 numbers of 4,299 digits": lambda: many(b"9" * 4_299, 999),
    "one name 99,000 times": lambda: many(b"{" + b",".join([b'"student_id":"A"'] * 99_000) + b"}", 1),
    "nine million brackets": lambda: b"[" * 9_000_000,
    "a million objects deep": lambda: b'{"a":' * 1_500_000,
    "5,000 pupils, all wrong": lambda: body(
        {**INCIDENT, "students": [{"points": "x"}] * MOST_PARTS}, kind="behaviour.create"
    ),
    "99,000 pupils to remove": lambda: body(
        {"behaviour_id": "1", "remove_students": ["a"] * 99_000}, kind="behaviour.update"
    ),
}


def refusal_of(content: bytes) -> Problem:
    with pytest.raises(Problem) as caught:
        parse_submission(content, max_records=1_000)
    return caught.value


def forbid(monkeypatch: pytest.MonkeyPatch, target: Any, name: str) -> None:
    def never(*_: Any, **__: Any) -> Any:
        raise AssertionError(f"{name} was called")

    monkeypatch.setattr(target, name, never)


def counted(monkeypatch: pytest.MonkeyPatch, target: Any, name: str) -> list[int]:
    """Have calls of a function counted, in the one number of the list."""
    count, real = [0], getattr(target, name)

    def counting(*args: Any, **options: Any) -> Any:
        count[0] += 1
        return real(*args, **options)

    monkeypatch.setattr(target, name, counting)
    return count


@pytest.mark.parametrize(
    "content", [many(b"{}", 300_000), b"[" + b"[]," * 3_300_000 + b"[]]"], ids=["records", "lists"]
)
def test_a_body_of_too_many_values_is_not_even_parsed(content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    forbid(monkeypatch, submission, "from_json")
    monkeypatch.setattr(submission, "_ANY_SUBMISSION", None)

    problem = refusal_of(content)

    assert isinstance(problem, BodyTooLarge)
    assert problem.code == "body_too_many_values"
    assert str(values_in(content)) in problem.detail


@pytest.mark.parametrize("count", [1_001, 30_000], ids=["a light body", "a heavy body"])
def test_records_are_counted_before_one_is_looked_at(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    forbid(monkeypatch, submission, "read_record")

    problem = refusal_of(many(b"{}", count))

    (finding,) = problem.extra["findings"]
    assert finding["code"] == "too_many_records"
    assert str(count) in finding["message"]


@pytest.mark.parametrize(
    "records",
    [
        [{"behaviour_id": "1", "remove_students": ["a"] * (MOST_PARTS + 1)}],
        [{"behaviour_id": str(n), "remove_students": ["a"] * 6, "remove_staff": ["b"] * 5} for n in range(500)],
    ],
    ids=["in one record", "in many"],
)
def test_pupils_staff_and_files_are_counted_too(records: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    forbid(monkeypatch, submission, "read_record")
    monkeypatch.setattr(submission, "_MOST_AT_ONCE", 10)  # so that it is taken apart, as if it were wrong

    (finding,) = refusal_of(body(*records, kind="behaviour.update")).extra["findings"]

    assert finding["code"] == "too_many_parts"
    assert finding["pointer"] == "/records"


def test_an_honest_submission_of_as_many_records_as_there_may_be_is_read_whole() -> None:
    assert len(parse_submission(body(*[MARK] * 1_000), max_records=1_000).records) == 1_000
    incidents = [{**INCIDENT, "students": [{"student_id": f"A{n}", "points": 1} for n in range(5)]}] * 1_000
    assert len(parse_submission(body(*incidents, kind="behaviour.create"), max_records=1_000).records) == 1_000


def test_a_large_body_says_the_same_as_a_small_one() -> None:
    """What is taken apart at once, because it is large, is read as the same records."""
    padding = {"comment": "," * 30_000}
    small, large = (parse_submission(body({**MARK, **more}, MARK), max_records=2) for more in ({}, padding))

    assert large.records[1] == small.records[1]
    assert [one.model_dump(exclude={"comment"}) for one in large.records] == [
        one.model_dump(exclude={"comment"}) for one in small.records
    ]


def test_findings_are_made_of_the_first_records_in_full_and_of_each_other_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made, compared = (
        counted(monkeypatch, shape_findings, "_finding"),
        counted(monkeypatch, shape_findings, "get_close_matches"),
    )

    parsed = parse_submission(many(fields(30), 1_000), max_records=1_000)

    assert made[0] <= MOST_FINDINGS + MOST_OF_RECORD + 1_000
    assert compared[0] <= made[0]
    assert {one.record for one in parsed.shape_findings} == set(range(1_000)), "each bad record has a reason"


def test_of_too_many_unknown_fields_one_is_named_and_the_record_costs_only_itself() -> None:
    parsed = parse_submission(body(MARK, {**MARK, **json.loads(fields(500))}, MARK), max_records=10)

    assert parsed.positions == [0, 2]
    (finding,) = parsed.shape_findings
    assert (finding.code, finding.record) == ("too_many_unknown_fields", 1)
    assert "500 fields are none of attendance.session, among them student_0" in finding.message
    assert "Did you mean student_id?" in finding.hint


def test_a_record_with_too_many_findings_says_how_many_more_there_are() -> None:
    pupils = [{"student_id": "A1", "points": "x"}] * 50

    found = parse_submission(body({**INCIDENT, "students": pupils}, kind="behaviour.create"), max_records=10)

    *named, last = found.shape_findings
    assert len(named) == MOST_OF_RECORD
    assert (last.code, last.message, last.record) == ("more_findings", "There are 30 more findings about it", 0)


@pytest.mark.parametrize("name", ["k" * 1_000_000, "~/" * 40_000])
def test_a_name_of_any_length_is_neither_repeated_nor_compared(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    forbid(monkeypatch, shape_findings, "get_close_matches")

    inside = parse_submission(body({**MARK, name: 1}), max_records=10).shape_findings[0]
    beside = refusal_of(json.dumps({"kind": "attendance.session", "records": [MARK], name: 1}).encode())

    assert (inside.code, inside.pointer) == ("field_unknown", "/records/0")
    assert len(json.dumps(inside.as_json())) < 1_000
    assert len(json.dumps(beside.extra)) < 1_000


def view() -> LookupView:
    """A school of 2,000 pupils with 100 choices of each sort."""
    types = ("type", "activity", "outcome", "role", "status", "location", "time", "bullying_type", "staff_role")
    choices = {
        attribute_key(name, f"{name}{n}"): {"id": f"{name}{n}", "type": name, "code": f"C{n}", "description": f"No {n}"}
        for name in types
        for n in range(100)
    }
    people = {f"S{n}": {"id": f"S{n}"} for n in range(2_000)}
    at = datetime(2026, 1, 12, 9, tzinfo=UTC)
    lists = {"students": people, "employees": people, "behaviour_attributes": choices}
    return LookupView(**{name: Lookup(ListName(name), 1, at, rows) for name, rows in lists.items()})


def incident(number: int, pupils: int) -> dict[str, Any]:
    """An incident of which nothing is in the lists."""
    names = ("type", "status", "location", "time", "bullying_type", "activity")
    named = {name: f"{name} {number}" for name in names}
    students = [
        {"student_id": f"x{n}", "points": 1, "outcome": f"o{number}{n}", "role": f"r{number}{n}"} for n in range(pupils)
    ]
    return {"employee_id": "Q", "date": "2026-01-12", **named, "students": students}


def judged(parsed: ParsedSubmission, most: int | None = MOST_MADE) -> list[Finding]:
    return validate(parsed.kind, parsed.records, SCHOOL, view(), today=date(2026, 1, 12), most=most)


def test_unknown_codes_are_compared_with_the_list_a_few_times_and_not_thousands(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    compared = counted(monkeypatch, suggestions, "get_close_matches")
    parsed = parse_submission(body(*[incident(n, 2) for n in range(300)], kind="behaviour.create"), max_records=1_000)

    found = judged(parsed)

    assert compared[0] <= 20
    assert {one.record for one in found if one.is_error} == set(range(300))


def test_validation_makes_so_many_findings_and_no_more_and_still_refuses_every_bad_record() -> None:
    parsed = parse_submission(body(*[incident(n, 4) for n in range(1_000)], kind="behaviour.create"), max_records=1_000)

    found = judged(parsed)

    assert len(found) <= MOST_MADE + 2 * 1_000 + MOST_OF_RECORD
    assert {one.record for one in found if one.is_error} == set(range(1_000))


def test_what_rests_on_a_list_is_said_however_much_was_said_before() -> None:
    """A list is fetched again for what is not in it, be that the hundredth thing about its record."""
    pupils = [{"student_id": f"S{n}", "points": 1, "role": "no such role"} for n in range(100)]
    record = {**incident(1, 0), "students": [*pupils, {"student_id": "new", "points": 1}]}

    found = judged(parse_submission(body(record, kind="behaviour.create"), max_records=1))

    lists = {one.list for one in found if getattr(one, "list", None)}
    assert {ListName.STUDENTS, ListName.EMPLOYEES, ListName.BEHAVIOUR_ATTRIBUTES} <= lists
    assert [one.code for one in found].count("more_findings") == 1


def test_a_batchs_rows_have_their_findings_each_however_many_rows_are_bad() -> None:
    parsed = parse_submission(body(*[incident(n, 1) for n in range(500)], kind="behaviour.create"), max_records=1_000)

    found = judged(parsed, most=None)

    each = [sum(one.record == number for one in found) for number in (0, 499)]
    assert each[0] == each[1] > 5


def checked(*findings: Finding, records: int = 300, on_invalid: str = "reject") -> Checked:
    parsed = ParsedSubmission(KINDS["attendance.session"], (), (), [None] * records, on_invalid=on_invalid)  # type: ignore[arg-type]
    return Checked(parsed, findings)


def wrong(record: int, severity: Severity = Severity.ERROR) -> Finding:
    return Finding("code_unknown", "wrong", "mend it", severity, f"/records/{record}/code", record)


def test_a_refusal_shows_a_hundred_findings_and_says_how_many_more_there_are() -> None:
    refusal = _refusal(checked(*[wrong(n) for n in range(300)]))

    assert len(refusal.extra["findings"]) == MOST_FINDINGS
    assert refusal.extra["more_findings"] == 200
    assert refusal.detail == "300 of 300 records cannot be sent; 100 findings are shown, and there are 200 more"


def test_a_refusal_with_room_for_all_says_nothing_of_more() -> None:
    refusal = _refusal(checked(wrong(7)))

    assert refusal.extra["more_findings"] == 0
    assert refusal.detail == "1 of 300 records cannot be sent"


def test_errors_are_shown_before_warnings_where_there_is_no_room_for_all() -> None:
    warnings = [wrong(n, Severity.WARNING) for n in range(200)]

    assert most_telling([*warnings, wrong(299)])[0].record == 299


def test_an_answer_shows_a_hundred_findings_and_the_status_of_every_record() -> None:
    found = checked(*[wrong(n) for n in range(250)], on_invalid="skip")

    answer = json.loads(answer_json("hillside", found, writeback_id=None, created_at=None))

    assert sum(len(record["findings"]) for record in answer["records"]) == MOST_FINDINGS
    assert answer["more_findings"] == 150
    assert [record["status"] for record in answer["records"]] == ["invalid"] * 250 + ["valid"] * 50


def test_whoever_raises_it_a_refusal_is_bounded() -> None:
    refusal = InvalidSubmission("school_invalid", "wrong", [wrong(n).as_json() for n in range(5_000)])

    assert (len(refusal.extra["findings"]), refusal.extra["more_findings"]) == (MOST_FINDINGS, 4_900)


def test_edits_are_read_as_carefully_as_submissions(monkeypatch: pytest.MonkeyPatch) -> None:
    made = counted(monkeypatch, shape_findings, "_finding")
    row: Any = SimpleNamespace(
        id="wb_1",
        status="failed",
        kind="attendance.session",
        records=json.dumps([MARK] * 500),
        kept=0,
    )
    row.progress = json.dumps([{"status": "failed"}] * 500)

    draft = draft_of(row, Order([Edit(n, json.loads(fields(30))) for n in range(500)]))

    assert made[0] <= MOST_FINDINGS + MOST_OF_RECORD + 500
    assert draft.bad == set(range(500))


def spent(work: Callable[[], object]) -> float:
    """Return how many seconds of processor time something takes; what it refuses is refused."""
    began = time.process_time()
    with contextlib.suppress(Problem):
        work()
    return time.process_time() - began


@pytest.fixture(scope="module")
def honest_s() -> float:
    """Seconds of processor time that an app's thousand mistaken marks cost."""
    content = body(*[{**MARK, "student_id": 7, "code": 8}] * 1_000)
    return min(spent(lambda: parse_submission(content, max_records=1_000)) for _ in range(3))


@pytest.mark.parametrize("name", HOSTILE)
def test_no_body_costs_much_more_than_a_thousand_mistaken_marks(name: str, honest_s: float) -> None:
    content = HOSTILE[name]()
    assert len(content) <= 10_000_000, "what is longer is refused by its length"

    cost = spent(lambda: parse_submission(content, max_records=1_000))

    assert cost < 60 * honest_s, f"{name}: {cost:.2f} s, a thousand mistaken marks {honest_s:.3f} s"


@pytest.mark.parametrize("line", ['{"a":[' + "[]," * 100_000 + "1]}", "[" * 200_000])
def test_a_line_of_a_file_is_counted_before_it_is_parsed(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    forbid(monkeypatch, ndjson_files, "from_json")

    with pytest.raises(ValueError, match="more than 100000 commas and opening brackets"):
        ndjson_files.read_line(line)
