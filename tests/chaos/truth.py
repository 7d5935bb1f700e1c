"""What the simulated MIS holds at the end, and what the simulated providers have received."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.chaos.world import SchoolUnderTest, World, shown_id

Slot = tuple[str, str, str, str]
"""S or L, pupil, day, session or period instance."""
_FAMILIES = ("achievements", "behaviours", "detentions", "student-absences", "employee-absences")
_STATES = ("POST", "PUT", "DELETE")


@dataclass
class Truth:
    """One school's MIS and ledger."""

    school: SchoolUnderTest
    marks: dict[Slot, str] = field(default_factory=dict)
    history: dict[Slot, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    rows: dict[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    """By family."""
    writes_received: int = 0
    """Requests that ask the provider to write."""
    sent_by: "defaultdict[str, list[str]]" = field(default_factory=lambda: defaultdict(list))

    def slot_of(self, says: Mapping[str, Any]) -> Slot:
        """Return the slot that a mark of ours is for."""
        if "session" in says:
            return "S", says["student_id"], says["date"], says["session"]
        lesson = next(row for row in self.school.lessons if row["lesson_id"] == says["lesson_id"])
        return "L", says["student_id"], lesson["date"], str(lesson["period_instance_id"])

    def made(self) -> Counter[tuple[str, str, str]]:
        """Return how often each thing that we may have created is there: (family, what marks it, person)."""
        found: Counter[tuple[str, str, str]] = Counter()
        for family in ("achievements", "behaviours"):
            for row in self.rows[family]:
                found.update((family, str(row["comment"]), pupil["student_id"]) for pupil in row["students"])
        for row in self.rows["detentions"]:
            when = f"{row['date']} {row['start_time']}"
            found.update(("detentions", when, pupil["student_id"]) for pupil in row["students"])
        for family, person in (("student-absences", "student_id"), ("employee-absences", "employee_id")):
            found.update((family, str(row["comment"]), row[person]) for row in self.rows[family])
        return found

    def by_id(self, family: str) -> dict[str, Mapping[str, Any]]:
        return {shown_id(row): row for row in self.rows[family]}


async def look(world: World) -> dict[str, Truth]:
    """Return the truth of every school."""
    gate = asyncio.Semaphore(4)

    async def of(school: SchoolUnderTest) -> Truth:
        async with gate:
            return await _look_at(world, school)

    found = await asyncio.gather(*(of(school) for school in world.schools.values()))
    return {truth.school.id: truth for truth in found}


async def _look_at(world: World, school: SchoolUnderTest) -> Truth:
    truth, path = Truth(school), f"schools/{school.provider_school_id}"
    told = await world.control.get(f"{path}/marks", history="true")
    for mark in told["marks"]:
        kind, place = ("S", mark["session"]) if mark["type"] == "session" else ("L", str(mark["period_instance_id"]))
        truth.marks[kind, mark["student_id"], mark["date"], place] = mark["code"]
    for row in told["history"]:
        kind = "S" if row["type"] == "session" else "L"
        truth.history[kind, row["student_id"], row["date"], row["place"]] = row["changes"]
    for family in _FAMILIES:
        truth.rows[family] = (await world.control.get(f"{path}/{family}"))[family]
    for method in _STATES:
        ledger = await world.control.get("ledger", school=school.provider_school_id, method=method)
        truth.writes_received += sum(1 for row in ledger["requests"] if "/idaas/" not in row["path"])
    return truth
