"""The office at work in the MIS: it corrects, rewords, moves and removes what we have just written, and sets marks."""

import random
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Any

from tests.chaos.workload import OFFICE_FIRST, SESSION_CODES
from tests.chaos.world import SchoolUnderTest, World, shown_id

_NEWEST = 4
"""How many of the last records of a family are changed at random."""
_Row = Mapping[str, Any]


class Office:
    """Does one thing each time, at one school; `done` counts."""

    def __init__(self, world: World, done: "Counter[str]") -> None:
        self._world, self._done = world, done

    async def mark(self, school: SchoolUnderTest, dice: random.Random) -> None:
        """Set two marks where apps do so too."""
        register, day = dice.choice(school.registers), dice.choice(school.days).isoformat()
        pupils = dice.sample(list(register["student_ids"][:-OFFICE_FIRST]), 2)
        marks = [
            {"student_id": pupil, "date": day, "session": dice.choice(("AM", "PM")), "code": dice.choice(SESSION_CODES)}
            for pupil in pupils
        ]
        await self._world.control.post(f"schools/{school.provider_school_id}/marks", marks=marks)
        self._done["marks set by the office"] += len(marks)

    async def change(self, school: SchoolUnderTest, dice: random.Random) -> None:
        """Change or remove one of the newest records that we made: what was sent is no longer what is there.

        What apps change through us is left alone: there the office would only be another one who does so.
        """
        family = dice.choice(list(_EDITS))
        path = f"schools/{school.provider_school_id}/{family}"
        rows = (await self._world.control.get(path))[family]
        targets = {*school.behaviours, *(detention["id"] for detention in school.detentions)}
        newest = [row for row in rows if row["source"] != "office" and shown_id(row) not in targets][-_NEWEST:]
        if not newest:
            return
        row = dice.choice(newest)
        if dice.random() < 0.2:
            await self._world.control.post(path, delete=[row["id"]])
            self._done[f"{family} removed by the office"] += 1
            return
        name = dice.choice(list(_EDITS[family]))
        await self._world.control.post(path, update=[{"id": row["id"], **_EDITS[family][name](row, dice)}])
        self._done[f"{family} by the office: {name}"] += 1


def _points(row: _Row, dice: random.Random) -> dict[str, Any]:
    return {"students": [{"student_id": row["students"][0]["student_id"], "points": dice.randint(20, 90)}]}


def _words(row: _Row, dice: random.Random) -> dict[str, Any]:
    return {"comment": f"reworded {dice.getrandbits(32):08x}"}


def _day(row: _Row, dice: random.Random) -> dict[str, Any]:
    return {"date": (date.fromisoformat(row["date"]) - timedelta(days=dice.randint(1, 5))).isoformat()}


def _end(row: _Row, dice: random.Random) -> dict[str, Any]:
    return {"end_time": "18:20"}


def _whole(row: _Row, **changed: Any) -> dict[str, Any]:
    """Return an absence, which is said whole."""
    kept = {name: row[name] for name in row if name not in ("mis_id", "source", "created_at", "updated_at")}
    clocks = {name: str(row[name]).replace("T", " ") for name in ("start_at", "end_at") if name in row}
    return {**kept, **clocks, **changed}


def _start(row: _Row, dice: random.Random) -> dict[str, Any]:
    return _whole(row, start_at=f"{row['start_at'][:10]} 07:{dice.randint(10, 59)}:00")


def _absence_words(row: _Row, dice: random.Random) -> dict[str, Any]:
    return _whole(row, **_words(row, dice))


_EDITS: Mapping[str, Mapping[str, Callable[[_Row, random.Random], dict[str, Any]]]] = {
    "achievements": {"points": _points, "words": _words, "another day": _day},
    "behaviours": {"points": _points, "words": _words, "another day": _day},
    "detentions": {"end": _end, "another day": _day},
    "student-absences": {"start": _start, "words": _absence_words},
    "employee-absences": {"start": _start, "words": _absence_words},
}
