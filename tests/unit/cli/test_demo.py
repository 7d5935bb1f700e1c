"""The demo's morning and its judgement, which are pure."""

import random
from datetime import date, timedelta
from typing import Any

import httpx
import pytest

from writeback.cli.demo import player
from writeback.cli.demo.morning import Register, Submission, latest_weekday, morning
from writeback.cli.demo.player import Answer, Player
from writeback.cli.demo.result import school_result, surprises
from writeback.core.clock import FakeClock

DAY = date(2026, 1, 12)
REGISTERS = [Register(f"7{letter}", f"E{letter}", [f"{letter}{n}" for n in range(30)]) for letter in "ABCDEF"]
FINDING = {"code": "x", "message": "no", "hint": "mend"}


def _morning(**options: Any) -> list[Submission]:
    return morning("hillside", REGISTERS, DAY, random.Random(1), **{"names_employee": True, **options})


@pytest.mark.parametrize(
    ("today", "expected"), [("2026-01-12", "2026-01-12"), ("2026-01-17", "2026-01-16"), ("2026-01-18", "2026-01-16")]
)
def test_on_a_weekend_the_morning_is_fridays(today: str, expected: str) -> None:
    assert latest_weekday(date.fromisoformat(today)) == date.fromisoformat(expected)


def test_every_register_is_submitted_once_with_all_its_pupils() -> None:
    sent = [entry for entry in _morning() if not entry.is_refused]

    students = [mark["student_id"] for entry in sent for mark in entry.body["records"] if mark.get("ref") != "stranger"]
    assert sorted(students) == sorted(student for register in REGISTERS for student in register.student_ids)


def test_who_took_the_register_is_named_only_where_the_mis_needs_it() -> None:
    with_employee, without = _morning()[0], _morning(names_employee=False)[0]

    assert {mark["employee_id"] for mark in with_employee.body["records"]} == {"EA"}
    assert not any("employee_id" in mark for mark in without.body["records"])


def test_late_marks_say_how_late() -> None:
    marks = [mark for entry in _morning() for mark in entry.body["records"] if mark["code"] == "L"]

    assert marks
    assert all(mark["minutes_late"] > 0 for mark in marks)


def test_there_is_each_mistake_and_one_register_that_skips() -> None:
    wrong = [entry for entry in _morning() if entry.mistake]

    assert [entry.is_refused for entry in wrong] == [False, True, True, True, True]
    assert wrong[0].body["on_invalid"] == "skip"
    assert len({entry.mistake for entry in wrong}) == 5


def _writeback(status: str = "confirmed", **mark: str) -> dict[str, Any]:
    record = {"student_id": "A0", "date": "2026-01-12", "session": "AM", "code": "/", **mark}
    return {
        "id": "wb_1",
        "status": status,
        "created_at": "2026-01-12T09:00:00Z",
        "updated_at": "2026-01-12T09:00:02Z",
        "records": [{"status": status, "record": record}],
    }


ACCEPTED = Answer(Submission("hillside", {"ref": "7A"}), 202, "wb_1", [])
HELD = {("A0", "2026-01-12", "AM"): "/"}


def test_a_morning_that_went_well_has_no_surprises() -> None:
    result = school_result("hillside", [ACCEPTED], [_writeback()], HELD)

    assert surprises([ACCEPTED], [result]) == []
    assert (result.marks_confirmed, result.not_in_mis, result.confirm_p50_s) == (1, 0, 2.0)


@pytest.mark.parametrize(
    ("writeback", "held", "told"),
    [
        (_writeback(), {}, "1 confirmed marks are not in the MIS"),
        (_writeback(), {("A0", "2026-01-12", "AM"): "N"}, "1 confirmed marks are not in the MIS"),
        (_writeback(status="failed"), HELD, "1 accepted writebacks are not confirmed"),
        (_writeback(status="sent"), HELD, "nothing was confirmed"),
    ],
)
def test_what_is_not_as_it_must_be_is_reported(writeback: dict[str, Any], held: Any, told: str) -> None:
    result = school_result("hillside", [ACCEPTED], [writeback], held)

    assert any(told in surprise for surprise in surprises([ACCEPTED], [result]))


@pytest.mark.parametrize(
    ("submission", "status", "writeback_id", "told"),
    [
        (Submission("hillside", {"ref": "7A"}, "a wrong code", is_refused=True), 202, "wb_1", "was accepted"),
        (Submission("hillside", {"ref": "7A"}), 422, None, "was refused with 422"),
        (Submission("hillside", {"ref": "7A"}, "a stranger"), 202, "wb_1", "nothing was said of a stranger"),
    ],
)
def test_an_answer_that_was_not_expected_is_reported(
    submission: Submission, status: int, writeback_id: str | None, told: str
) -> None:
    findings = [FINDING] if not submission.mistake else []
    answer = Answer(submission, status, writeback_id, findings)
    result = school_result("hillside", [ACCEPTED], [_writeback()], HELD)

    assert any(told in surprise for surprise in surprises([answer], [result]))


class _Running(FakeClock):
    """A clock on which a second passes with each look."""

    def monotonic(self) -> float:
        self.advance(timedelta(seconds=1))
        return super().monotonic()


async def _looks(*, moves: int, patience_s: float, timeout_s: float | None, monkeypatch: pytest.MonkeyPatch) -> int:
    """Return how often the demo looks at a writeback that moves so many times and is never final."""
    looks = 0

    def answer(request: httpx.Request) -> httpx.Response:
        nonlocal looks
        looks += 1
        writeback = {"status": "sending", "counts": {"confirmed": min(looks, moves)}}
        return httpx.Response(200, json={"items": [writeback], "next_cursor": None})

    monkeypatch.setattr(player, "_POLL_S", 0)
    async with httpx.AsyncClient(transport=httpx.MockTransport(answer), base_url="http://api.test") as http:
        follow = Player(http, _Running()).follow
        async for _ in follow(["hillside"], patience_s=patience_s, timeout_s=timeout_s, is_more_to_come=lambda: False):
            pass
    return looks


async def test_the_demo_waits_for_as_long_as_something_moves(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = await _looks(moves=500, patience_s=10, timeout_s=None, monkeypatch=monkeypatch)

    assert looks == 500 + 11


async def test_the_demo_ends_where_it_is_told_how_long_it_may_take(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = await _looks(moves=500, patience_s=10, timeout_s=60, monkeypatch=monkeypatch)

    assert looks == 61
