"""What the simulated MIS holds at the end, and what the simulated providers have received."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.chaos.world import SchoolUnderTest, World, shown_id

Slot = tuple[str, str, str, str]
"""S or L, pupil, day, session or period instance."""
_FAMILIES = ("achievements", "behaviours", "detentions", "student-absences", "employee-absences")
_WRITES = ("POST", "PUT", "DELETE")
OFFICE = "office"
FAMILIES = ("achievement", "behaviour", "detention", "student_absence", "employee_absence")
"""As the ledger calls them."""
Key = tuple[str, str, str]
"""What a created thing is known by: its family, what marks it, and a person of it."""


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
    changes: Sequence[Mapping[str, Any]] = ()
    """What was made, changed and removed, oldest first, each with what it said then."""

    def slot_of(self, says: Mapping[str, Any]) -> Slot:
        """Return the slot that a mark of ours is for."""
        if "session" in says:
            return "S", says["student_id"], says["date"], says["session"]
        lesson = next(row for row in self.school.lessons if row["lesson_id"] == says["lesson_id"])
        return "L", says["student_id"], lesson["date"], str(lesson["period_instance_id"])

    def made(self, *, even_if_removed: bool) -> Counter[Key]:
        """Return how often each thing has been made for us, as it was at first: the office may have changed it since.

        Without `even_if_removed` what is in the MIS still.
        """
        there = {row["id"] for rows in self.rows.values() for row in rows}
        return Counter(
            key
            for change in self.changes
            if change["effect"] == "created"
            and change["family"] in FAMILIES
            and change["ref"] != OFFICE
            and (even_if_removed or change["id"] in there)
            for key in keys_of(change["family"], change["says"])
        )

    def has_said(self, shown: str, comment: str) -> bool:
        """Whether the thing with that id has ever had the comment: the office may have reworded it since."""
        return any(shown_id(change) == shown and change["says"]["comment"] == comment for change in self.changes)

    def by_id(self, family: str) -> dict[str, Mapping[str, Any]]:
        return {shown_id(row): row for row in self.rows[family]}


def keys_of(family: str, says: Mapping[str, Any]) -> list[Key]:
    """Return what a thing is known by, as it stands in the MIS or in one of our records, once for each person."""
    if family == "detention":
        when = f"{says['date']} {says['start_time'][:5]}"
        return [(family, when, pupil["student_id"]) for pupil in says["students"]]
    people = [pupil["student_id"] for pupil in says["students"]] if "students" in says else []
    person = says.get("student_id") or says.get("employee_id")
    return [(family, str(says["comment"]), one) for one in people or [str(person)]]


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
    answer = await world.control.get(f"{path}/marks", history="true")
    for mark in answer["marks"]:
        kind, place = ("S", mark["session"]) if mark["type"] == "session" else ("L", str(mark["period_instance_id"]))
        truth.marks[kind, mark["student_id"], mark["date"], place] = mark["code"]
    for row in answer["history"]:
        kind = "S" if row["type"] == "session" else "L"
        truth.history[kind, row["student_id"], row["date"], row["place"]] = row["changes"]
    for family in _FAMILIES:
        truth.rows[family] = (await world.control.get(f"{path}/{family}"))[family]
    ledger = await world.control.get("ledger", school=school.provider_school_id)
    truth.writes_received = sum(
        1 for row in ledger["requests"] if row["method"] in _WRITES and "/idaas/" not in row["path"]
    )
    truth.changes = ledger["changes"]
    return truth
