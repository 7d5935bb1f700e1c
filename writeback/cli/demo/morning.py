"""A morning as an app would send it: one submission a register, and a few that are wrong on purpose. Pure."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

_FRIDAY = 4
_CODES = {"/": 88, "L": 4, "N": 3, "I": 3, "M": 2}
"""How often each code is given, in percent: about what a school sees."""


@dataclass(frozen=True)
class Register:
    """One class: who is in it and who takes the register."""

    name: str
    employee_id: str
    student_ids: Sequence[str]


@dataclass(frozen=True)
class Submission:
    """What the app posts for a school. `mistake`: what is wrong on purpose; `is_refused`: and so nothing is taken."""

    school: str
    body: Mapping[str, Any]
    mistake: str = ""
    is_refused: bool = False


def latest_weekday(today: date) -> date:
    """Return today, or the Friday before a weekend."""
    return today - timedelta(days=max(0, today.weekday() - _FRIDAY))


def morning(
    school: str, registers: Sequence[Register], day: date, rng: random.Random, *, names_employee: bool
) -> list[Submission]:
    """Return the AM registers of a school, with five mistakes: four submissions that are refused, one that skips."""
    bodies = [_body(register, day, rng, names_employee=names_employee) for register in registers]
    right = [Submission(school, body) for body in bodies[:-1]]
    return [*right, _skipping(school, bodies[-1]), *_refused(school, bodies)]


def _body(register: Register, day: date, rng: random.Random, *, names_employee: bool) -> dict[str, Any]:
    taken_by = {"employee_id": register.employee_id} if names_employee else {}
    records = [_mark(student_id, day, rng) | taken_by for student_id in register.student_ids]
    return {"kind": "attendance.session", "ref": f"{register.name} {day} AM", "records": records}


def _mark(student_id: str, day: date, rng: random.Random) -> dict[str, Any]:
    code = rng.choices(list(_CODES), list(_CODES.values()))[0]
    mark: dict[str, Any] = {"student_id": student_id, "date": day.isoformat(), "session": "AM", "code": code}
    if code == "L":
        mark["minutes_late"] = rng.randint(1, 25)
    return mark


def _refused(school: str, bodies: Sequence[Mapping[str, Any]]) -> list[Submission]:
    mistakes: dict[str, dict[str, Any]] = {
        "a pupil whom nobody knows": {"student_id": "A1000000001"},
        "a code that the school does not have": {"code": "QQ"},
        r"a \ in the morning": {"code": "\\"},
        "a date that does not exist": {"date": "2026-02-30"},
    }
    return [
        Submission(school, _with_wrong_mark(body, change), mistake, is_refused=True)
        for body, (mistake, change) in zip(bodies, mistakes.items(), strict=False)
    ]


def _with_wrong_mark(body: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    first, *rest = body["records"]
    return {**body, "ref": f"{body['ref']} (wrong)", "records": [first | change, *rest]}


def _skipping(school: str, body: Mapping[str, Any]) -> Submission:
    """Return the register with one more mark, for a pupil whom nobody knows: the good ones go."""
    stranger = body["records"][0] | {"student_id": "A1000000002", "ref": "stranger"}
    wrong = {**body, "on_invalid": "skip", "records": [*body["records"], stranger]}
    return Submission(school, wrong, mistake="a pupil whom nobody knows, among good marks")
