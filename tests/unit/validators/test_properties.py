"""Whatever can be parsed can be validated: no submission makes validation raise."""

import json
from datetime import UTC, datetime
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from validators import CATALOGUE, all_rules, lists_to_refresh, validate
from writeback.core.errors import BadInput, InvalidSubmission
from writeback.domain.kinds import KINDS
from writeback.domain.lookups import ListName, Lookup, LookupView
from writeback.domain.school import School
from writeback.domain.submission import parse_submission

CODES = ["/", "\\", "L", "N", "B", "Y7", "Z", "MU", "C1", "n", "?"]
text = st.text(max_size=20) | st.sampled_from(["😀", "", "x" * 501])
ids = st.sampled_from(["A1", "A2", "L1", "L2", "E1", "?"])
dates = st.dates().map(str) | st.just("2026-01-12")


def optional(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | strategy


EXTRAS = {
    "minutes_late": optional(st.integers(0, 720)),
    "comment": optional(text),
    "statutory_comment": optional(text),
    "employee_id": optional(ids),
    "ref": optional(text),
}
RECORDS = {
    "attendance.session": st.fixed_dictionaries(
        {"student_id": ids, "date": dates, "session": st.sampled_from(["AM", "PM"]), "code": st.sampled_from(CODES)},
        optional=EXTRAS,
    ),
    "attendance.lesson": st.fixed_dictionaries(
        {"student_id": ids, "lesson_id": ids, "code": st.sampled_from(CODES)},
        optional={**EXTRAS, "date": optional(dates)},
    ),
}
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
fields = st.sampled_from(["student_id", "lesson_id", "date", "session", "code", "comment", "minutes_late", "other"])
oddities = st.dictionaries(fields, json_values) | json_values


def listed(name: ListName, rows: list[dict[str, Any]]) -> Lookup:
    return Lookup(name, 1, datetime(2026, 1, 12, tzinfo=UTC), {row["id"]: row for row in rows})


FULL = {
    "students": listed(ListName.STUDENTS, [{"id": "A1"}]),
    "employees": listed(ListName.EMPLOYEES, [{"id": "E1"}]),
    "attendance_codes": listed(
        ListName.ATTENDANCE_CODES,
        [{"id": f"C{place}", "code": code, "active": place % 3 > 0} for place, code in enumerate(CODES[:8])],
    ),
    "lessons": listed(ListName.LESSONS, [{"id": "L1", "date": "2026-01-12"}, {"id": "L2"}]),
}
views = st.sets(st.sampled_from(sorted(FULL))).map(lambda names: LookupView(**{name: FULL[name] for name in names}))
schools = st.sampled_from(
    [School("s", "Hillside", rule.provider, rule.mis, {}) for rule in all_rules()]
    + [
        School("s", "Hillside", "wonde", "SIMS", {kind: {"required": ["comment"], "forbidden": ["ref"]}})
        for kind in KINDS
    ]
    + [School("s", "", "", "")]
)


@settings(max_examples=150, deadline=None)
@given(st.data(), st.sampled_from(sorted(KINDS)), schools, views, st.sets(st.sampled_from(ListName)))
def test_validation_never_raises_on_what_was_parsed(
    data: st.DataObject, kind: str, school: School, view: LookupView, stale: set[ListName]
) -> None:
    items = data.draw(st.lists(RECORDS[kind] | oddities, min_size=1, max_size=6))
    parsed = parse_submission(json.dumps({"kind": kind, "records": items}).encode(), max_records=10)

    findings = validate(parsed.kind, parsed.records, school, view, stale_lists=stale, positions=parsed.positions)

    for finding in (*parsed.shape_findings, *findings):
        assert finding.code in CATALOGUE
        assert finding.message
        assert finding.hint
        assert finding.record is None or finding.pointer.startswith(f"/records/{finding.record}")
    assert lists_to_refresh(findings) <= set(ListName)
    assert {*parsed.positions, *(finding.record for finding in parsed.shape_findings)} == {*range(len(items))}


@settings(max_examples=150, deadline=None)
@given(st.binary() | json_values.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_parsed_or_refused_with_a_reason(body: bytes) -> None:
    try:
        parsed = parse_submission(body, max_records=10)
    except (BadInput, InvalidSubmission) as refusal:
        answer: object = refusal.detail
    else:
        answer = parsed.refs

    assert answer


@settings(max_examples=100, deadline=None)
@given(st.fixed_dictionaries({}, optional=dict.fromkeys(("records", "on_invalid", "ref", "expires_at"), json_values)))
def test_any_envelope_is_parsed_or_refused_with_findings(envelope: dict[str, Any]) -> None:
    body = json.dumps({"kind": "attendance.session", **envelope}).encode()
    try:
        answer: object = parse_submission(body, max_records=10).refs
    except InvalidSubmission as refusal:
        answer = refusal.extra["findings"]

    assert answer
