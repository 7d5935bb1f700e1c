"""The verdict of a chaos run, on ledgers and books made by hand: each figure can be wrong."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from tests.chaos.books import BookedRecord, Books, IdsByList
from tests.chaos.truth import Truth
from tests.chaos.verdict import Figure, Result, Verdict
from tests.chaos.world import SchoolUnderTest
from writeback.domain.writeback import RecordStatus
from writeback.store.tables import WritebackRow

INCIDENT = {"date": "2026-01-12", "comment": "chaos 1", "students": [{"student_id": "p1"}]}
MARK = {"student_id": "p1", "date": "2026-01-12", "session": "AM", "code": "L"}
SLOT = ("S", "p1", "2026-01-12", "AM")


def school(**fields: Any) -> SchoolUnderTest:
    registers = [{"name": "1A", "employee_id": "e1", "student_ids": [f"p{number}" for number in range(1, 20)]}]
    given = {
        "id": "s1",
        "provider": "wonde",
        "mis": "SIMS",
        "provider_school_id": "A1",
        "hook_url": "",
        "registers": registers,
        "days": [date(2026, 1, 12)],
        "lessons": [],
        "choices": {},
    }
    return SchoolUnderTest(**{**given, **fields})


def record(kind: str, says: Mapping[str, Any], status: RecordStatus, **fields: Any) -> BookedRecord:
    given = {"seq": 1, "writeback_id": "wb_1", "index": 0, "school": "s1", "evidence": None, "findings": []}
    return BookedRecord(kind=kind, says=says, status=status, **{**given, **fields})


def effect(
    effect: str = "created", ref: str = "A77", says: Mapping[str, Any] = INCIDENT, **fields: Any
) -> dict[str, Any]:
    return {"effect": effect, "ref": ref, "family": "behaviour", "id": "i1", "says": says, **fields}


def truth(changes: Sequence[Mapping[str, Any]] = (), there: Sequence[str] = (), **fields: Any) -> Truth:
    rows = {name: [] for name in ("achievements", "behaviours", "detentions", "student-absences", "employee-absences")}
    rows["behaviours"] = [{**INCIDENT, "id": mis_id} for mis_id in there]
    of = fields.pop("school", school())
    return Truth(of, rows=rows, changes=changes, **fields)


def judged(
    found: Truth,
    *records: BookedRecord,
    accepted: Mapping[str, str] | None = None,
    lists_before: IdsByList | None = None,
    **books: Any,
) -> dict[str, Figure]:
    """Return the figures by name."""
    result = Result(1)
    given = {"rows": [], "attempts": Counter({"s1": 1}), "outcomes": Counter()}
    Verdict(Books(**{**given, "records": records, **books}), {"s1": found}, accepted or {}, lists_before or {}).judge(
        result
    )
    return {figure.name: figure for figure in result.figures}


def wrong(figures: Mapping[str, Figure]) -> list[str]:
    return [name for name, figure in figures.items() if not figure.is_right]


def row(status: str, **fields: Any) -> WritebackRow:
    return WritebackRow(
        **{"id": "wb_1", "ref": "r1", "school_id": "s1", "kind": "behaviour.create", "status": status, **fields}
    )


CONFIRMED, FAILED, ASKED = RecordStatus.CONFIRMED, RecordStatus.FAILED, RecordStatus.NEEDS_ATTENTION
MADE_ONCE = truth([effect()], ["i1"])


def test_what_was_made_once_and_confirmed_is_right() -> None:
    assert wrong(judged(MADE_ONCE, record("behaviour.create", INCIDENT, CONFIRMED))) == []


@pytest.mark.parametrize("later", [{}, {"comment": "reworded by the office"}, {"students": [{"student_id": "p9"}]}])
def test_what_is_made_a_second_time_is_seen_whatever_the_office_has_made_of_the_first(later: dict[str, Any]) -> None:
    changed = effect("updated", "office", {**INCIDENT, **later})
    found = truth([effect(), changed, effect(id="i2")], ["i1", "i2"])
    assert wrong(judged(found, record("behaviour.create", INCIDENT, CONFIRMED))) == ["created twice"]


@pytest.mark.parametrize(("provider", "figures"), [("wonde", ["created twice"]), ("xporter", [])])
def test_what_the_office_removed_may_be_made_again_only_where_the_provider_lists_nothing_that_is_gone(
    provider: str, figures: list[str]
) -> None:
    found = truth([effect(), effect("deleted", "office"), effect(id="i2")], ["i2"], school=school(provider=provider))
    assert wrong(judged(found, record("behaviour.create", INCIDENT, CONFIRMED))) == figures


def test_what_the_office_makes_is_not_ours() -> None:
    found = truth([effect(), effect(ref="office", id="i2")], ["i1", "i2"])
    assert wrong(judged(found, record("behaviour.create", INCIDENT, CONFIRMED))) == []


def test_what_is_confirmed_and_was_never_made_is_wrong() -> None:
    assert wrong(judged(truth(), record("behaviour.create", INCIDENT, CONFIRMED))) == ["confirmed and not there"]


def test_what_is_confirmed_and_removed_by_the_office_later_is_right() -> None:
    found = truth([effect(), effect("deleted", "office")])
    assert wrong(judged(found, record("behaviour.create", INCIDENT, CONFIRMED))) == []


@pytest.mark.parametrize(("comment", "figures"), [("changed", []), ("not this", ["confirmed and not there"])])
def test_a_change_that_is_confirmed_has_been_there_whatever_the_office_has_made_of_it(
    comment: str, figures: list[str]
) -> None:
    changes = [effect("updated", says={**INCIDENT, "comment": said}) for said in ("changed", "reworded")]
    updated = record("behaviour.update", {"behaviour_id": "i1", "comment": comment}, CONFIRMED)
    assert wrong(judged(truth(changes, ["i1"]), updated)) == figures


def test_what_has_failed_and_is_there_is_wrong() -> None:
    failed = record("behaviour.create", INCIDENT, FAILED, findings=["provider_refused"])
    assert wrong(judged(MADE_ONCE, failed)) == ["failed and there all the same"]


def test_what_has_failed_or_waits_without_a_finding_is_stuck() -> None:
    for status in (FAILED, ASKED):
        assert wrong(judged(truth(), record("behaviour.create", INCIDENT, status))) == ["stuck without a stated reason"]


def test_what_still_waits_in_the_end_is_stuck() -> None:
    assert wrong(judged(truth(), rows=[row("queued")])) == ["stuck without a stated reason"]


def test_what_was_accepted_and_is_not_in_the_books_is_lost() -> None:
    assert wrong(judged(truth(), accepted={"r1": "wb_1"})) == ["accepted and lost"]
    assert wrong(judged(truth(), accepted={"r1": "wb_1"}, rows=[row("confirmed")])) == []


def test_what_was_accepted_a_second_time_is_seen() -> None:
    rows = [row("confirmed"), row("confirmed", id="wb_2")]
    assert wrong(judged(truth(), rows=rows)) == ["accepted twice"]


@pytest.mark.parametrize(("holds", "figures"), [("L", []), ("I", ["slots with another mark than the latest"])])
def test_a_slot_holds_the_latest_mark(holds: str, figures: list[str]) -> None:
    history = {
        SLOT: [{"code": code, "source": "A7", "effect": "set", "at": "2026-01-12T09:00:00"} for code in ("I", "L")]
    }
    found = truth(marks={SLOT: holds}, history=history)
    first = record("attendance.session", {**MARK, "code": "I"}, CONFIRMED)
    assert wrong(judged(found, first, replace(first, says=MARK, seq=2))) == figures


@pytest.mark.parametrize(
    ("holds", "figures"), [("M", []), ("I", []), ("L", ["slots with another mark than the latest"])]
)
def test_a_mark_that_was_superseded_by_one_that_failed_may_be_there_or_not(holds: str, figures: list[str]) -> None:
    records = [
        record("attendance.session", {**MARK, "code": "M"}, CONFIRMED),
        record("attendance.session", {**MARK, "code": "I"}, RecordStatus.SUPERSEDED, seq=2),
        record("attendance.session", MARK, FAILED, findings=["provider_refused"], seq=3),
    ]
    history = {SLOT: [{"code": c, "source": "A7", "effect": "set", "at": "2026-01-12T09:00:00"} for c in ("M", holds)]}
    assert wrong(judged(truth(marks={SLOT: holds}, history=history), *records)) == figures


def test_a_mark_that_the_office_made_first_stays_where_only_blank_slots_are_to_be_filled() -> None:
    theirs = {**MARK, "student_id": "p19"}
    slot = ("S", "p19", "2026-01-12", "AM")
    history = [
        {"code": code, "source": source, "effect": "set", "at": "2026-01-12T09:00:00"}
        for code, source in (("D", "office"), ("L", "A7"))
    ]
    found = truth(marks={slot: "L"}, history={slot: history})
    only_if_blank = record("attendance.session", {**theirs, "only_if_blank": True}, CONFIRMED)
    assert wrong(judged(found, only_if_blank)) == ["marks of the office overwritten (only_if_blank)"]


@pytest.mark.parametrize("status", [FAILED, ASKED])
def test_a_school_without_any_trouble_has_nothing_that_failed_or_waits_for_a_person(status: RecordStatus) -> None:
    stopped = record("behaviour.create", INCIDENT, status, findings=["cannot_be_read_back"])
    assert wrong(judged(truth(), stopped)) == []
    spared = truth(school=school(is_spared=True))
    assert wrong(judged(spared, stopped)) == ["stopped in a school without any trouble"]


def test_a_pupil_followed_by_a_5xx_costs_only_the_own_mark() -> None:
    found = truth(school=school(followed=["p1"]))
    own = record("attendance.session", MARK, FAILED, findings=["provider_refused"], is_given_up=True)
    beside = replace(own, says={**MARK, "student_id": "p2"}, index=1)
    assert wrong(judged(found, own)) == []
    assert wrong(judged(found, own, beside)) == ["failed beside a pupil whom a 5xx follows"]


def test_what_our_own_check_failed_after_it_was_accepted_is_wrong_for_nobody_leaves() -> None:
    assert wrong(judged(truth(), not_sent=["wb_1"])) == ["failed by our own lists"]


def test_lists_are_in_the_end_as_they_were_and_nothing_waits_for_a_person() -> None:
    before = {("s1", "students"): frozenset({"p1", "p2"})}
    assert wrong(judged(truth(), lists_before=before, lists=before)) == []
    for lost in (["p1"], ["p1", "p2", "p3"]):
        after = {("s1", "students"): frozenset(lost)}
        assert wrong(judged(truth(), lists_before=before, lists=after)) == ["lists that are not whole"]
    assert wrong(judged(truth(), held_back=["s1 students: 20"])) == ["lists that are not whole"]


def test_no_school_is_held_in_the_end() -> None:
    assert wrong(judged(truth(), held=["s1: school_offline"])) == ["schools that are held still"]


def test_the_provider_has_received_no_more_than_was_logged() -> None:
    figures = judged(truth(writes_received=2))
    assert wrong(figures) == ["attempts logged", "schools that received more than we logged"]
