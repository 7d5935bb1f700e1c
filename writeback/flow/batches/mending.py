"""Mending rows of a batch in review: what a person changes is checked again, and so is what depends on it.

What if the process dies? A change, what checking says of it, and the counts are one transaction. Who it is whom many
rows name is noted first, and all these rows are set aside with it: one that was not checked again is not sent as whom
it was before, and choosing once more checks it.
"""

import asyncio
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlmodel import Session

from writeback.batches.columns import is_grouped, letters
from writeback.batches.findings import OF_CELLS, FileRefused, make
from writeback.batches.layout import Layout
from writeback.batches.mapping.mapping import CODE
from writeback.batches.records import Unit, incident_of
from writeback.core.errors import BadInput, Conflict, InvalidSubmission, NotFound
from writeback.domain.actor import Actor
from writeback.domain.finding import Finding
from writeback.domain.submission.shape_findings import show
from writeback.flow.accept.answer import iso
from writeback.flow.batches.counts import with_records
from writeback.flow.batches.lease import Turn
from writeback.flow.batches.problem_counts import Problems, counted, shown_by, without
from writeback.flow.batches.unit_checks import UnitChecks
from writeback.flow.directory.find import PeopleFinder
from writeback.flow.schools.unknown_id_refresh import ListRefresher
from writeback.store.batches import batches, reviews
from writeback.store.batches.batches import LineState, ReadLine
from writeback.store.batches.reviews import KeptLine
from writeback.store.people import audit
from writeback.store.tables import BatchPersonRow

_AT_ONCE, _UNITS = 5_000, 500
_LONGEST_CELL = 10_000


@dataclass(frozen=True)
class RowChange:
    """What a person wants of one row. `cells`: texts by a column's place; None: as they are."""

    number: int
    cells: Mapping[int, str] | None = None
    left_out: bool | None = None


@dataclass
class Mending:
    """Changes rows of one batch in review; `turn` holds it as it was when the change was begun."""

    turn: Turn
    refresher: ListRefresher
    finder: PeopleFinder
    actor: Actor

    async def mend(self, change: RowChange) -> Sequence[int]:
        """Change a row and return the numbers of all that were checked again.

        Raise NotFound, BadInput for a column that is not there, InvalidSubmission where the school takes nothing of
        this kind any more, LeaseLost where the batch was changed meanwhile.
        """
        found = await self.turn.read(partial(reviews.lines, batch_id=self.turn.batch.id, numbers=[change.number]))
        if not found:
            raise _no_such_row(self.turn.batch.id, change.number)
        before = found[0]
        after = self._changed(before, change)
        concerned = await self._concerned(before, after)
        noted: dict[str, Any] = {"row": change.number}
        if change.cells:
            noted["columns"] = [letters(place) for place in sorted(change.cells)]
        if change.left_out is not None:
            noted["left_out"] = change.left_out
        return await self._check_again(concerned, {before.unit, after.unit}, {before.number: after}, noted)

    async def choose(self, named: BatchPersonRow, person_id: str | None) -> None:
        """Note who it is whom rows name so; with None that nobody is chosen. The rows are bad until they are checked
        again."""
        turn, batch, now = self.turn, self.turn.batch, self.turn.flow.clock.now()
        by = self.actor.name if person_id is not None else None
        finding = make("person_not_checked").as_json()

        def keep(session: Session) -> None:
            reviews.take_version(session, batch.id, turn.fence, now)
            reviews.choose(session, batch.id, named.key, person_id or "", by, now)
            units = reviews.units_naming(session, batch.id, named.key)
            for start in range(0, len(units), _UNITS):
                reviews.set_aside(session, batch.id, units[start : start + _UNITS], finding)
            states = reviews.counts_of_lines(session, batch.id)
            counts = {f"rows_{one}": states.get(one, 0) for one in (LineState.GOOD, LineState.BAD)}
            batches.change(session, batch.id, turn.fence + 1, **counts)
            noted = {"row": named.first_row, "rows": named.rows, "is_chosen": by is not None}
            of = {"app": batch.app_id, "school": batch.school_id}
            audit.note(session, self.actor, now, "batch.person", batch.id, **of, changed=noted)

        await turn.flow.db.transact(keep)
        turn.fence = batch.fence = turn.fence + 1

    async def check_again(self, units: Collection[int]) -> Sequence[int]:
        """Check these records again as they are; raise as `mend`."""
        return await self._check_again({}, set(units), {}, None)

    def _changed(self, line: KeptLine, change: RowChange) -> KeptLine:
        """Return the row as it is to be."""
        cells = json.loads(line.cells)
        mended = json.loads(line.mended) if line.mended else {"cells": {}}
        for place, text in (change.cells or {}).items():
            if not 0 <= place < len(cells):
                raise _no_such_column(place, len(cells))
            if len(text) > _LONGEST_CELL:
                raise BadInput("cell_too_long", f"the cell has {len(text)} characters", hint="Send a shorter text.")
            original = mended["cells"].setdefault(str(place), cells[place])
            cells[place] = text
            if text == original:
                del mended["cells"][str(place)]
        mended |= {"by": self.actor.name, "at": iso(self.turn.flow.clock.now())}
        is_out = line.state == LineState.LEFT_OUT if change.left_out is None else change.left_out
        return line._replace(
            cells=json.dumps(cells),
            mended=json.dumps(mended) if mended["cells"] else "",
            state=LineState.LEFT_OUT if is_out else LineState.NEW,
        )

    async def _concerned(self, before: KeptLine, after: KeptLine) -> dict[int, int]:
        """Return the record of each row that may now be of another: rows with the names of these incidents."""
        layout = Layout.of_json(self.turn.batch.layout)
        assert layout is not None
        if not is_grouped(layout.kind):
            return {after.number: after.number}
        names = {incident_of(json.loads(one.cells), layout) for one in (before, after)} - {""}
        members = await self._rows_of(names, layout)
        members[after.number] = (
            "" if after.state == LineState.LEFT_OUT else incident_of(json.loads(after.cells), layout)
        )
        first: dict[str, int] = {}
        return {number: first.setdefault(name, number) if name else number for number, name in sorted(members.items())}

    async def _rows_of(self, names: Collection[str], layout: Layout) -> dict[int, str]:
        """Return the rows of these incidents that are not left out, each with its incident's name."""
        batch, found, after = self.turn.batch, dict[int, str](), 0
        while names:
            piece = partial(batches.cells_upto, batch_id=batch.id, after=after, upto=2**31 - 1, limit=_AT_ONCE)
            rows = await self.turn.read(piece)
            if not rows:
                break
            after = rows[-1][0]
            found |= await asyncio.to_thread(_named, rows, layout, names)
        if not found:
            return found
        lines = await self.turn.read(partial(reviews.lines, batch_id=batch.id, numbers=list(found)))
        return {line.number: found[line.number] for line in lines if line.state != LineState.LEFT_OUT}

    async def _check_again(
        self,
        placed: Mapping[int, int],
        units: set[int],
        changed: Mapping[int, KeptLine],
        noted: Mapping[str, Any] | None,
    ) -> Sequence[int]:
        """Check records again, with all that are about the same as they were or are now.

        `placed` says of which record a row is from now on, `changed` what it says; `noted` goes into the audit log.
        """
        checks = UnitChecks(self.turn, partial(self.refresher.refresh, self.turn.batch.school_id), self.finder)
        lines = await self._lines_of(units | set(placed.values()), placed, changed)
        slots = {reviews.slot_of(line.same) for line in lines if line.same}
        units_now = await self._checked(checks, lines)
        keys = (checks.key_of(unit) for unit in units_now)
        slots |= {reviews.slot_of(key.as_text()) for key in keys if key is not None}
        about_same = partial(reviews.units_about, batch_id=self.turn.batch.id, slots=slots)
        known = {line.number for line in lines}
        others = set(await self.turn.read(about_same)) - known
        more = [line for line in await self._lines_of(others, placed, changed) if line.number not in known]
        if more:
            lines = sorted([*lines, *more], key=lambda line: (line.unit, line.number))
            units_now = await self._checked(checks, lines)
        await self._keep(checks, lines, units_now, noted)
        return [line.number for line in lines]

    async def _lines_of(
        self, units: Collection[int], placed: Mapping[int, int], changed: Mapping[int, KeptLine]
    ) -> Sequence[KeptLine]:
        """Return the rows of these records as they are to be; one that is left out too, where it is being changed."""
        find = partial(reviews.lines_of_units, batch_id=self.turn.batch.id, units=units)
        found = {line.number: line for line in await self.turn.read(find)}
        others = [number for number in placed if number not in found and number not in changed]
        found |= {
            line.number: line
            for line in await self.turn.read(partial(reviews.lines, batch_id=self.turn.batch.id, numbers=others))
        }
        found |= {number: line for number, line in changed.items() if {line.unit, placed.get(number)} & set(units)}
        moved = [line._replace(unit=placed.get(line.number, line.unit)) for line in found.values()]
        return sorted(moved, key=lambda line: (line.unit, line.number))

    async def _checked(self, checks: UnitChecks, lines: Sequence[KeptLine]) -> list[Unit]:
        """Return the records of these rows, but for those that are left out, checked each by itself."""
        read = [
            ReadLine(line.unit, line.number, line.cells, _said_before(line, checks.layout))
            for line in lines
            if line.state != LineState.LEFT_OUT
        ]
        try:
            return await checks.units_of(read)
        except FileRefused as refused:
            found = [one.as_json() for one in refused.findings]
            raise InvalidSubmission("batch_invalid", refused.findings[0].message, found) from None

    async def _keep(
        self,
        checks: UnitChecks,
        lines: Sequence[KeptLine],
        units: Sequence[Unit],
        noted: Mapping[str, Any] | None,
    ) -> None:
        """Compare the records with each other, and write down what has become of their rows."""
        turn, batch = self.turn, self.turn.batch
        here = {line.number for line in lines}
        await turn.read(partial(self._remember_groups, checks))
        await asyncio.to_thread(checks.compare, units)
        rows = await asyncio.to_thread(checks.kept, units)
        out = [line.number for line in lines if line.state == LineState.LEFT_OUT]
        now, fence = turn.flow.clock.now(), turn.fence + 1

        def keep(session: Session) -> dict[str, Any]:
            reviews.take_version(session, batch.id, turn.fence, now)
            was = reviews.lines(session, batch.id, here)
            reviews.change_lines(session, batch.id, lines)
            batches.keep_checked(session, batch.id, rows)
            for number in out:
                reviews.leave_out(session, batch.id, number)
            self._keep_for_review(session, checks, was, rows)
            codes = [[one["code"] for one in json.loads(line.findings)] for line in was if line.findings]
            problems = counted(without(batch.problems, codes), _found_in(units))
            problems = _with_rows_that_show(session, batch.id, problems, here)
            states = reviews.counts_of_lines(session, batch.id)
            counts: dict[str, Any] = {f"rows_{one}": states.get(one, 0) for one in (LineState.GOOD, LineState.BAD)}
            counts |= {"problems": problems, "findings": batch.findings}
            batches.change(session, batch.id, fence, **counts)
            if noted is not None:
                of = {"app": batch.app_id, "school": batch.school_id}
                audit.note(session, self.actor, now, "batch.mend", batch.id, **of, changed=noted)
            return counts

        changed = await turn.flow.db.transact(keep)
        turn.fence = batch.fence = fence
        for name, value in changed.items():
            setattr(batch, name, value)

    def _keep_for_review(
        self, session: Session, checks: UnitChecks, was: Sequence[KeptLine], rows: Sequence[Mapping[str, Any]]
    ) -> None:
        """Note whom these rows name now, and what the good ones among them are about."""
        batch = self.turn.batch
        reviews.keep_people(session, batch.id, checks.named)
        keys = {one.key for one in checks.named} | {key for line in was for key in line.people.split()}
        reviews.count_people_again(session, batch.id, keys)
        review = reviews.find(session, batch.id)
        if review is not None:
            before = with_records(review.counts, (line.record for line in was), -1)
            reviews.change(session, batch.id, counts=with_records(before, (row["record"] for row in rows)))

    def _remember_groups(self, checks: UnitChecks, session: Session) -> None:
        checks.parts.update({bytes.fromhex(group): part for group, part in reviews.groups(session, self.turn.batch.id)})


def _said_before(line: KeptLine, layout: Layout) -> str:
    """Return what was said of a row before it was checked: what reading found in its cells, and that it was mended."""
    mended = json.loads(line.mended) if line.mended else {}
    places = sorted(map(int, mended.get("cells", ())))
    names = tuple(f"Cell {_cell_of(place, line.number, layout)} " for place in places)
    found = json.loads(line.findings) if line.findings else []
    said = [one for one in found if one["code"] in OF_CELLS and not one["message"].startswith(names or "\0")]
    if places:
        columns = ", ".join(_name_of(place, layout) for place in places)
        said.append(make("row_mended", columns=columns, by=mended["by"]).as_json())
    return json.dumps(said) if said else ""


def _cell_of(place: int, number: int, layout: Layout) -> str:
    """Return how what reading found names a cell: in the file, of which a grid's rows are made."""
    row, _, column = layout.row_name(number).partition(" (")
    return f"{column.rstrip(')')}{row}" if layout.is_grid and layout.fields[place] == CODE else f"{letters(place)}{row}"


def _name_of(place: int, layout: Layout) -> str:
    """Return what a column is called, and where it is; NDJSON has one without a name."""
    name = layout.header[place] if place < len(layout.header) else ""
    return f"{show(name)} ({letters(place)})" if name else letters(place)


def _named(rows: Sequence[tuple[int, str]], layout: Layout, names: Collection[str]) -> dict[int, str]:
    named = ((number, incident_of(json.loads(cells), layout)) for number, cells in rows if cells)
    return {number: name for number, name in named if name in names}


def _found_in(units: Iterable[Unit]) -> Iterable[tuple[int, list[Finding]]]:
    return (entry for unit in units for entry in unit.findings.items())


def _with_rows_that_show(session: Session, batch_id: str, problems: Problems, changed: Collection[int]) -> Problems:
    """Return the counts, each shown by a row that has the finding still."""
    for code, entry in problems.items():
        if entry["row"] in changed and (found := reviews.first_with(session, batch_id, code)) is not None:
            number, findings = found
            first = next(one for one in json.loads(findings) if one["code"] == code)
            problems = shown_by(problems, code, number, first)
    return problems


def _no_such_row(batch_id: str, number: int) -> NotFound:
    return NotFound("row_unknown", f"{batch_id} has no row {number}", hint="GET …/rows lists them by their numbers.")


def _no_such_column(place: int, width: int) -> BadInput:
    known = f"A to {letters(width - 1)}" if width else "none"
    return BadInput("column_not_there", f"the file has no column {letters(place)}", hint=f"Its columns are {known}.")


def changed_meanwhile(batch_id: str) -> Conflict:
    return Conflict(
        "batch_changed",
        f"{batch_id} was changed by somebody else meanwhile",
        hint="Look at it again, and do what is still to be done.",
    )
