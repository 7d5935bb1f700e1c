"""Whatever can be parsed can be validated: no submission makes validation raise, and nothing private is quoted."""

import json
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from tests.long_run import examples
from validators import CATALOGUE, all_rules, lists_to_refresh, validate, validate_rests
from writeback.core.errors import BadInput, InvalidSubmission
from writeback.domain.kinds import KINDS
from writeback.domain.lookups import ATTRIBUTE_LISTS, ListName, Lookup, LookupView, attribute_key
from writeback.domain.school import School
from writeback.domain.submission.fields import names_of, parts_of
from writeback.domain.submission.submission import parse_submission

pytestmark = pytest.mark.slow

_SLOW = (HealthCheck.too_slow, HealthCheck.data_too_large)

CODES = ["/", "\\", "L", "N", "B", "Y7", "Z", "MU", "C1", "n", "?"]
text = st.text(max_size=20) | st.sampled_from(["😀", "", "x" * 501])
ids = st.sampled_from(["A1", "A2", "L1", "L2", "E1", "?"])
dates = st.dates().map(str) | st.just("2026-01-12")
todays = st.dates(date(2020, 1, 1), date(2100, 1, 1))
"""Days on which the service may run."""


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
codes = st.sampled_from(CODES) | st.sampled_from(["1", "2", "DIS", "BULL", "wit", "-1"])
instants = dates.map(lambda day: f"{day}T10:30:00") | dates
amounts = st.integers(0, 100) | st.just("1.5")
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "session": st.sampled_from(["AM", "PM"]),
    "event": st.sampled_from(["sign_in", "sign_out", "all_day"]),
    "operation": st.sampled_from(["Tags", "Photos"]),
    "body": st.dictionaries(st.text(max_size=3), json_values, max_size=2),
    "only_if_blank": st.booleans(),
    "minutes_late": st.integers(0, 720),
    "points": st.integers(-10, 10),
    "working_days": amounts,
    "hours": amounts,
    "content": st.sampled_from(["aGk=", "aGk", "ü", "x"]),
    **dict.fromkeys(("comment", "statutory_comment", "non_attendance_reason", "description", "ref"), text),
    **dict.fromkeys(("file_name", "media_type"), st.sampled_from(["a.png", "png", "image/png", "Jo.Smith"])),
    **dict.fromkeys(("date", "outcome_date", "recorded_date"), dates),
    **dict.fromkeys(("start_at", "taken_at"), instants),
    "end_at": instants | st.sampled_from(["AM", "PM"]),
    **dict.fromkeys(("start_time", "end_time"), st.sampled_from(["15:20", "15:50:00", "03:00"])),
    **dict.fromkeys(("staff_ids", "remove_students", "remove_staff", "remove_media"), st.lists(ids, max_size=3)),
}


def object_of(model: type[BaseModel]) -> st.SearchStrategy[dict[str, Any]]:
    """Return objects of the right shape, or nearly: what is needed, what may be there, and what holds objects."""
    needed, others = {}, {}
    for name, field in model.model_fields.items():
        part = parts_of(model).get(name)
        values = (
            st.lists(object_of(part), min_size=1, max_size=2)
            if part is not None
            else VALUES.get(name, ids if name.endswith("_id") else codes)
        )
        (needed if field.is_required() else others)[name] = values
    return st.fixed_dictionaries(needed, optional={name: st.none() | values for name, values in others.items()})


RECORDS = {name: object_of(kind.record) for name, kind in KINDS.items()}
fields = st.sampled_from([*sorted({name for kind in KINDS.values() for name in kind.record.model_fields}), "other"])
oddities = (
    st.dictionaries(fields, json_values | st.lists(st.dictionaries(fields, json_values), max_size=2)) | json_values
)


def listed(name: ListName, rows: list[dict[str, Any]]) -> Lookup:
    return Lookup(name, 1, datetime(2026, 1, 12, tzinfo=UTC), {row["id"]: row for row in rows})


ATTRIBUTES = [
    {"id": str(place), "type": type_, "code": code, "active": place % 3 > 0, "allows_bullying_type": place > 1}
    for type_ in ("type", "activity", "status", "bullying_type", "location", "role", "outcome", "staff_role", "reason")
    for place, code in enumerate(["BULL", "DIS", "WIT", "L"])
]
FULL = {
    "students": listed(ListName.STUDENTS, [{"id": "A1"}]),
    "employees": listed(ListName.EMPLOYEES, [{"id": "E1"}]),
    "attendance_codes": listed(
        ListName.ATTENDANCE_CODES,
        [{"id": f"C{place}", "code": code, "active": place % 3 > 0} for place, code in enumerate(CODES[:8])],
    ),
    "lessons": listed(
        ListName.LESSONS, [{"id": "L1", "date": "2026-01-12"}, {"id": "L2"}, {"id": "L3", "date": "2027-01-12"}]
    ),
    **{
        name.value: Lookup(
            name,
            1,
            datetime(2026, 1, 12, tzinfo=UTC),
            {attribute_key(row["type"], row["id"]): row for row in ATTRIBUTES},
        )
        for name in ATTRIBUTE_LISTS
    },
}
views = st.sets(st.sampled_from(sorted(FULL))).map(lambda names: LookupView(**{name: FULL[name] for name in names}))
FACTS: dict[str, Any] = {"permissions": ["attendance.read", 5, None], "scopes": "Conduct"}
schools = st.sampled_from(
    [School("s", "Hillside", rule.provider, rule.mis, {}, facts) for rule in all_rules() for facts in ({}, FACTS)]
    + [
        School("s", "Hillside", provider, mis, {kind: {"supported": True, "required": ["ref"]} for kind in KINDS})
        for provider in ("wonde", "xporter")
        for mis in ("SIMS", "Bromcom")
    ]
    + [
        School("s", "Hillside", "wonde", "SIMS", {kind: {"forbidden": list(names_of(KINDS[kind].record))}})
        for kind in KINDS
    ]
    + [School("s", "", "", "")]
)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=examples(25), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data(), schools, views, st.sets(st.sampled_from(ListName)), st.none() | todays)
def test_validation_never_raises_on_what_was_parsed(
    kind: str, data: st.DataObject, school: School, view: LookupView, stale: set[ListName], today: date | None
) -> None:
    items = data.draw(st.lists(RECORDS[kind] | oddities, min_size=1, max_size=6))
    parsed = parse_submission(json.dumps({"kind": kind, "records": items}).encode(), max_records=10)

    findings = validate(
        parsed.kind, parsed.records, school, view, stale_lists=stale, positions=parsed.positions, today=today
    )

    about_rests = validate_rests(parsed.kind, parsed.rests, school, view)
    for finding in (*parsed.shape_findings, *findings, *about_rests):
        assert finding.code in CATALOGUE
        assert finding.message
        assert finding.hint
        assert finding.record is None or finding.pointer.startswith(f"/records/{finding.record}")
    assert lists_to_refresh(findings) <= set(ListName)
    assert {*parsed.positions, *(finding.record for finding in parsed.shape_findings)} == {*range(len(items))}


@settings(max_examples=examples(150), deadline=None)
@given(st.binary() | json_values.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_parsed_or_refused_with_a_reason(body: bytes) -> None:
    try:
        parsed = parse_submission(body, max_records=10)
    except (BadInput, InvalidSubmission) as refusal:
        answer: object = refusal.detail
    else:
        answer = parsed.refs

    assert answer


@settings(max_examples=examples(100), deadline=None)
@given(st.fixed_dictionaries({}, optional=dict.fromkeys(("records", "on_invalid", "ref", "expires_at"), json_values)))
def test_any_envelope_is_parsed_or_refused_with_findings(envelope: dict[str, Any]) -> None:
    body = json.dumps({"kind": "attendance.session", **envelope}).encode()
    try:
        answer: object = parse_submission(body, max_records=10).refs
    except InvalidSubmission as refusal:
        answer = refusal.extra["findings"]

    assert answer


SECRET = "Jo Smith of 7B"
PRIVATE = (
    "comment",
    "statutory_comment",
    "non_attendance_reason",
    "description",
    "content",
    "body",
    "ref",
    "file_name",
)
spoilt = st.sampled_from(
    [SECRET + "\x00", SECRET * 200, [SECRET], {SECRET[:2]: SECRET}, SECRET + " 😀", SECRET + ".Jo Smith", SECRET]
)


def with_secrets(model: type[BaseModel]) -> st.SearchStrategy[dict[str, Any]]:
    """Return objects whose private fields all hold the secret, in a form that something is to be said of."""
    inner = {name: st.lists(with_secrets(part), min_size=1, max_size=2) for name, part in parts_of(model).items()}
    return object_of(model).flatmap(
        lambda record: st.fixed_dictionaries(
            {
                **{name: st.just(value) for name, value in record.items()},
                **inner,
                **{name: spoilt for name in model.model_fields if name in PRIVATE},
            }
        )
    )


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=examples(15), deadline=None, suppress_health_check=_SLOW)
@given(st.data(), schools)
def test_nothing_private_is_quoted_at_any_depth(kind: str, data: st.DataObject, school: School) -> None:
    items = data.draw(st.lists(with_secrets(KINDS[kind].record), min_size=1, max_size=2))
    parsed = parse_submission(json.dumps({"kind": kind, "records": items}).encode(), max_records=10)

    findings = validate(parsed.kind, parsed.records, school, LookupView(**FULL), positions=parsed.positions)

    said = "".join(str(finding.as_json()) for finding in (*parsed.shape_findings, *findings))
    assert "Jo" not in said
    assert "Smith" not in said
