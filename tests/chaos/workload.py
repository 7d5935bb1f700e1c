"""What the apps send: a seeded stream of writebacks of every family, with corrections hard on the heels of marks."""

import itertools
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.chaos.world import SchoolUnderTest

SESSION_CODES = ("L", "I", "M", "O", "C", "E", "G", "T", "R", "V", "P", "W", "S", "U")
_WEIGHTS = {
    "attendance.session": 44,
    "attendance.lesson": 20,
    "achievement.create": 8,
    "behaviour.create": 8,
    "detention.create": 7,
    "detention_attendance.set": 4,
    "student_absence.create": 4,
    "employee_absence.create": 4,
    "behaviour.change": 1,
}
_WONDE_ONLY = frozenset({"student_absence.create", "employee_absence.create"})
_RECENT = 12
"""How many of its last registers a correction may be about."""
OFFICE_FIRST = 8
"""Pupils, the last of each register, whose slots the office fills before anything is sent; only `only_if_blank` marks
are sent for them."""
_MINUTES = 9 * 60


@dataclass(frozen=True)
class Plan:
    """One writeback that an app will send."""

    ref: str
    school: str
    kind: str
    records: Sequence[Mapping[str, Any]]
    overwrites: bool = True

    @property
    def body(self) -> dict[str, Any]:
        return {"kind": self.kind, "ref": self.ref, "records": list(self.records)}


@dataclass
class _Memory:
    """What has been sent for one school."""

    recent: dict[str, list[Sequence[Mapping[str, Any]]]] = field(default_factory=dict)
    codes: dict[tuple[str, ...], list[str]] = field(default_factory=dict)
    targets: list[str] = field(default_factory=list)


@dataclass
class Workload:
    """Makes plans; the same seed and schools make the same ones."""

    schools: Sequence[SchoolUnderTest]
    rng: random.Random
    _memory: dict[str, _Memory] = field(default_factory=dict)
    _number: int = 0

    def plans(self) -> Iterator[Plan]:
        """Yield them without end, one school after the other at random."""
        for school in self.schools:
            self._memory[school.id] = _Memory(targets=list(school.behaviours))
        for self._number in itertools.count():
            yield self._plan(self.rng.choice(self.schools))

    def _plan(self, school: SchoolUnderTest) -> Plan:
        kind = self._kind(school)
        records = _MAKERS[kind](self, school)
        if kind == "behaviour.change":
            kind = "behaviour.delete" if school.provider == "wonde" else "behaviour.update"
        return Plan(f"chaos-{self._number}", school.id, kind, records)

    def _kind(self, school: SchoolUnderTest) -> str:
        if (school.provider, school.mis) == ("xporter", "Bromcom"):
            return "achievement.create"
        kinds = [kind for kind in _WEIGHTS if school.provider == "wonde" or kind not in _WONDE_ONLY]
        kind = self.rng.choices(kinds, [_WEIGHTS[kind] for kind in kinds])[0]
        has_targets = self._memory[school.id].targets and not school.is_spared
        if kind == "behaviour.change" and not has_targets:  # a removal beside a lost answer is a trouble of its own
            return "attendance.session"
        return kind

    def _sessions(self, school: SchoolUnderTest) -> list[dict[str, Any]]:
        memory = self._memory[school.id]
        if again := self._to_correct(memory, "session"):
            return self._corrected(memory, again)
        register, day = self.rng.choice(school.registers), self.rng.choice(school.days).isoformat()
        session, pupils = self.rng.choice(("AM", "PM")), list(register["student_ids"])
        if self.rng.random() < 0.06:
            pupils, blank = pupils[-OFFICE_FIRST:], True
        else:
            pupils, blank = pupils[:-OFFICE_FIRST], self.rng.random() < 0.12
        chosen = self.rng.sample(pupils, min(len(pupils), self.rng.randint(1, 4)))
        records = [
            self._mark(
                memory,
                {"student_id": pupil, "date": day, "session": session, "employee_id": register["employee_id"]},
                only_if_blank=blank,
            )
            for pupil in chosen
        ]
        if not blank:
            memory.recent.setdefault("session", []).append(records)
        return records

    def _lessons(self, school: SchoolUnderTest) -> list[dict[str, Any]]:
        memory = self._memory[school.id]
        if again := self._to_correct(memory, "lesson"):
            return self._corrected(memory, again)
        lesson = self.rng.choice(school.lessons)
        pupils = [pupil for pupil in lesson["student_ids"] if pupil not in _office_pupils(school)]
        chosen = self.rng.sample(pupils, min(len(pupils), self.rng.randint(1, 4)))
        blank = self.rng.random() < 0.1
        named = [{"student_id": pupil, "lesson_id": lesson["lesson_id"]} for pupil in chosen]
        records = [self._mark(memory, given, only_if_blank=blank) for given in named]
        if not blank:
            memory.recent.setdefault("lesson", []).append(records)
        return records

    def _to_correct(self, memory: _Memory, family: str) -> Sequence[Mapping[str, Any]]:
        recent = memory.recent.get(family, [])[-_RECENT:]
        return self.rng.choice(recent) if recent and self.rng.random() < 0.4 else ()

    def _corrected(self, memory: _Memory, marks: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        chosen = self.rng.sample(list(marks), self.rng.randint(1, len(marks)))
        again = [{name: value for name, value in mark.items() if name not in _SAID} for mark in chosen]
        return [self._mark(memory, given, only_if_blank=False) for given in again]

    def _mark(self, memory: _Memory, given: Mapping[str, Any], *, only_if_blank: bool) -> dict[str, Any]:
        """Return a mark with a code that its slot has not had before, while there is one."""
        slot = tuple(str(given[name]) for name in ("student_id", "date", "session", "lesson_id") if name in given)
        used = memory.codes.setdefault(slot, [])
        fresh = [code for code in SESSION_CODES if code not in used] or [c for c in SESSION_CODES if c != used[-1]]
        code = self.rng.choice(fresh)
        if only_if_blank and self.rng.random() < 0.5 and "N" not in used:
            code = "N"
        used.append(code)
        late = {"minutes_late": 5} if code == "L" else {}
        return {**given, **late, "code": code, **({"only_if_blank": True} if only_if_blank else {})}

    def _achievement(self, school: SchoolUnderTest) -> list[dict[str, Any]]:
        is_split = school.mis == "Bromcom" and school.provider == "xporter"
        return [self._conduct(school, "achievement", 1 if is_split else 2) for _ in range(self.rng.randint(1, 2))]

    def _behaviour(self, school: SchoolUnderTest) -> list[dict[str, Any]]:
        record = self._conduct(school, "behaviour", 2)
        return [{**record, "status": "REV2", "activity": "RE"}]

    def _conduct(self, school: SchoolUnderTest, thing: str, pupils: int) -> dict[str, Any]:
        register = self.rng.choice(school.registers)
        chosen = self.rng.sample(list(register["student_ids"]), self.rng.randint(1, pupils))
        return {
            "students": [{"student_id": pupil, "points": self.rng.randint(1, 9)} for pupil in chosen],
            "employee_id": register["employee_id"],
            "date": self.rng.choice(school.days).isoformat(),
            "type": school.choices[thing],
            **({"activity": "RE"} if thing == "achievement" else {}),
            "comment": f"chaos {self._number} {self.rng.getrandbits(32):08x}",
        }

    def _detention(self, school: SchoolUnderTest) -> list[dict[str, Any]]:
        """Return one that no other is like: its day, first minute and pupil belong to it alone."""
        register = self.rng.choice(school.registers)
        minute = 8 * 60 + self._number % _MINUTES
        pupil = register["student_ids"][self._number // _MINUTES % len(register["student_ids"])]
        return [
            {
                "type": school.choices["detention_type"],
                "location": school.choices["location"],
                "date": school.days[0].isoformat(),
                "start_time": f"{minute // 60:02}:{minute % 60:02}",
                "end_time": "17:59",
                "supervisor_id": register["employee_id"],
                "students": [{"student_id": pupil, "attendance": "NOR"}],
            }
        ]

    def _detention_mark(self, school: SchoolUnderTest) -> list[dict[str, Any]]:
        target = self.rng.choice(school.detentions)
        attendance = self.rng.choice(("ATT", "NOR"))
        return [{"detention_id": target["id"], "student_id": target["student_id"], "attendance": attendance}]

    def _student_absence(self, school: SchoolUnderTest) -> list[dict[str, Any]]:
        register = self.rng.choice(school.registers)
        return [
            {
                "student_id": self.rng.choice(register["student_ids"]),
                "start_at": f"{self.rng.choice(school.days)}T08:30:00",
                "event": "sign_out",
                "type": "TRA",
                "reason": "DEN",
                "authorised_by_id": register["employee_id"],
                "comment": f"chaos {self._number} {self.rng.getrandbits(32):08x}",
            }
        ]

    def _employee_absence(self, school: SchoolUnderTest) -> list[dict[str, Any]]:
        day = self.rng.choice(school.days)
        return [
            {
                "employee_id": self.rng.choice(school.registers)["employee_id"],
                "start_at": f"{day}T08:00:00",
                "end_at": f"{day}T12:00:00",
                "working_days": "0.5",
                "hours": "4",
                "type": "SIC",
                "pay_rate": "F",
                "illness_category": "DIG",
                "absence_code": "S",
                "comment": f"chaos {self._number} {self.rng.getrandbits(32):08x}",
            }
        ]

    def _behaviour_change(self, school: SchoolUnderTest) -> list[dict[str, Any]]:
        target = self._memory[school.id].targets.pop()
        if school.provider == "wonde":
            return [{"behaviour_id": target}]
        return [{"behaviour_id": target, "comment": f"chaos {self._number} changed"}]


_Maker = Callable[[Workload, SchoolUnderTest], list[dict[str, Any]]]
_MAKERS: Mapping[str, _Maker] = {
    "attendance.session": Workload._sessions,
    "attendance.lesson": Workload._lessons,
    "achievement.create": Workload._achievement,
    "behaviour.create": Workload._behaviour,
    "detention.create": Workload._detention,
    "detention_attendance.set": Workload._detention_mark,
    "student_absence.create": Workload._student_absence,
    "employee_absence.create": Workload._employee_absence,
    "behaviour.change": Workload._behaviour_change,
}
_SAID = frozenset({"code", "minutes_late", "only_if_blank"})


def _office_pupils(school: SchoolUnderTest) -> set[str]:
    return {pupil for register in school.registers for pupil in register["student_ids"][-OFFICE_FIRST:]}
