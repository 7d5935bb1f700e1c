"""Every example of a submission does what its folder says, and every finding and rule has an example."""

import json
from collections import Counter
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import schemas
from validators import CATALOGUE, all_rules, validate
from validators.findings import RaisedBy
from writeback.core.errors import InvalidSubmission
from writeback.domain.finding import Severity
from writeback.domain.kinds import KINDS
from writeback.domain.lookups import ATTRIBUTE_LISTS, ListName, Lookup, LookupView, Row, attribute_key
from writeback.domain.school import School
from writeback.domain.submission.submission import parse_submission

ROOT = Path(__file__).parents[2] / "examples" / "writebacks"
MAX_RECORDS = 10
ABOUT_MANY = {"too_many_parts", "more_findings"}
"""Findings that need more than an example holds: tests/security/test_counted_first.py."""
DEFAULT_LISTS: dict[str, list[dict[str, Any]]] = json.loads((ROOT / "lookups.json").read_text(encoding="utf-8"))
ACCEPTED = sorted(ROOT.glob("*/accepts/*.json"))
REFUSED = sorted(ROOT.glob("*/refuses/*.json"))


@cache
def _text(path: Path) -> str:
    """Return an example as it stands; each is looked at again and again."""
    return path.read_text(encoding="utf-8")


def read(path: Path) -> dict[str, Any]:
    example: dict[str, Any] = json.loads(_text(path))
    return example


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def school_of(example: dict[str, Any]) -> School:
    return School(id="hillside", **example["school"])


def view_of(example: dict[str, Any]) -> LookupView:
    """The usual lists, with those that the example has in their place; null: never fetched."""
    lists = {**DEFAULT_LISTS, **example.get("lookups", {})}
    fetched_at = datetime(2026, 1, 12, 6, 0, tzinfo=UTC)
    return LookupView(
        **{
            name: Lookup(ListName(name), 1, fetched_at, {key_of(ListName(name), row): row for row in rows})
            for name, rows in lists.items()
            if rows is not None
        }
    )


def key_of(name: ListName, row: Row) -> str:
    return attribute_key(row["type"], row["id"]) if name in ATTRIBUTE_LISTS else str(row["id"])


def findings_of(example: dict[str, Any]) -> list[dict[str, Any]]:
    """Everything that reading and validating the body says."""
    try:
        parsed = parse_submission(json.dumps(example["body"]).encode(), max_records=MAX_RECORDS)
    except InvalidSubmission as refusal:
        findings: list[dict[str, Any]] = refusal.extra["findings"]
        return findings
    stale = [ListName(name) for name in example.get("stale", ())]
    school, view = school_of(example), view_of(example)
    today = date.fromisoformat(example["today"]) if "today" in example else None
    now = datetime.fromisoformat(example["now"]) if "now" in example else None
    said = validate(
        parsed.kind, parsed.records, school, view, stale_lists=stale, positions=parsed.positions, today=today, now=now
    )
    return [finding.as_json() for finding in (*parsed.shape_findings, *said)]


@pytest.mark.parametrize("path", ACCEPTED, ids=name_of)
def test_what_should_be_accepted_has_only_the_warnings_that_it_names_and_matches_its_schema(path: Path) -> None:
    example = read(path)

    findings = findings_of(example)
    errors = schemas.validator(f"writebacks/{path.parts[-3]}").iter_errors(example["body"])

    assert [finding for finding in findings if finding["severity"] == "error"] == []
    assert sorted(finding["code"] for finding in findings) == sorted(example.get("warnings", []))
    assert [error.message for error in errors] == []


@pytest.mark.parametrize("path", REFUSED, ids=name_of)
def test_what_should_be_refused_has_its_one_error_at_its_place_and_says_what_to_do(path: Path) -> None:
    example = read(path)

    findings = findings_of(example)

    errors = [finding for finding in findings if finding["severity"] == "error"]
    assert [(error["code"], error["pointer"]) for error in errors] == [(example["finding"], example["pointer"])]
    for finding in findings:
        assert finding["message"]
        assert finding["hint"]
        assert "{" not in finding["message"]


def test_every_finding_that_we_can_raise_has_an_example() -> None:
    shown = {read(path)["finding"] for path in REFUSED}
    shown |= {code for path in ACCEPTED for code in read(path).get("warnings", [])}

    ours = {code for code, entry in CATALOGUE.items() if entry.raised_by in (RaisedBy.SHAPE, RaisedBy.VALIDATION)}

    assert shown == ours - ABOUT_MANY


def test_warnings_are_in_accepted_examples_and_errors_in_refused_ones() -> None:
    warnings = {code for path in ACCEPTED for code in read(path).get("warnings", [])}
    errors = {read(path)["finding"] for path in REFUSED}

    assert {CATALOGUE[code].severity for code in warnings} == {Severity.WARNING}
    assert {CATALOGUE[code].severity for code in errors} == {Severity.ERROR}


@pytest.mark.parametrize("rule", all_rules(), ids=lambda rule: f"{rule.provider}-{rule.mis}-{rule.kind}")
def test_every_row_of_the_rule_files_has_an_example(rule: Any) -> None:
    named = {
        other.mis.casefold() for other in all_rules() if (other.provider, other.kind) == (rule.provider, rule.kind)
    }
    covering = [
        path
        for path in (*ACCEPTED, *REFUSED)
        if path.parts[-3] == rule.kind
        and (school := read(path)["school"])["provider"] == rule.provider
        and (
            school["mis"].casefold() == rule.mis.casefold()
            or (rule.mis == "*" and school["mis"].casefold() not in named)
        )
    ]

    assert covering


def test_every_kind_has_examples_of_both_sorts() -> None:
    sorts = Counter((path.parts[-3], path.parts[-2]) for path in (*ACCEPTED, *REFUSED))

    assert all(sorts[kind, sort] for kind in KINDS for sort in ("accepts", "refuses"))
