"""Checking: the second step. Every row is read as a record and validated just as a submission would be.

What if the process dies? What was checked is there; the next turn learns again from SQL what the rows before said.
"""

import asyncio
import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from hashlib import blake2b
from typing import Any

from sqlmodel import Session

from validators import lists_to_refresh, validate
from writeback.batches.findings import FileRefused, make
from writeback.batches.layout import Layout, Row
from writeback.batches.records import MOST_ROWS_OF_INCIDENT, Unit, group_of, hold_back, read_unit, same_key
from writeback.core import outages
from writeback.domain.finding import Finding, Severity
from writeback.domain.kinds import KINDS, Action, Kind, dump_records
from writeback.domain.lookups import ListName, LookupView
from writeback.domain.school import School
from writeback.flow.batches.turn import Turn
from writeback.flow.sync import Syncer
from writeback.store import batches
from writeback.store.batches import BatchStatus, LineState, ReadLine, UnitSize

_UNITS, _CHARACTERS = 500, 1_000_000
"""Most of one transaction."""
_DUPLICATES = frozenset({"duplicate_slot", "duplicate_record"})
"""What validation says of records of one submission; here all rows of the file are looked at, by their numbers."""
_SLOT_WORDS = {"attendance.session": "pupil and session", "attendance.lesson": "pupil and lesson"}
_MOST_PROBLEMS = 100
"""Different findings that are counted."""


@dataclass
class Checking:
    """Checks the rows of one batch."""

    turn: Turn
    syncer: Syncer
    _seen: dict[bytes, int] = field(default_factory=dict)
    """The first row that says something."""
    _parts: dict[bytes, int] = field(default_factory=dict)
    """The first row of each group."""

    async def run(self) -> None:
        """Check row by row until all are checked; raise FileRefused where the school takes none of them."""
        batch = self.turn.batch
        self._layout, self._kind = Layout.of_json(batch.layout), KINDS[batch.kind or ""]
        await self.turn.read(self._remember)
        while sizes := await self.turn.read(
            partial(batches.next_units, batch_id=batch.id, after=batch.cursor, limit=_UNITS)
        ):
            await self._check(sizes)
        if batch.dry_run or not batch.rows_good:
            await self.turn.end(BatchStatus.DONE, cursor=0, failures=0)
        else:
            await self.turn.commit(status=BatchStatus.QUEUEING, cursor=0, failures=0)

    def _remember(self, session: Session) -> None:
        for unit, same, part, group in batches.keys_upto(session, self.turn.batch.id, self.turn.batch.cursor):
            if same:
                self._seen.setdefault(bytes.fromhex(same), unit)
            if group:
                self._parts.setdefault(bytes.fromhex(group), part)

    async def _check(self, sizes: Sequence[UnitSize]) -> None:
        batch = self.turn.batch
        if sizes[0].rows > MOST_ROWS_OF_INCIDENT:
            await self._refuse_large(sizes[0])
            return
        upto = _last_that_fits(sizes)
        find = partial(batches.lines_of_units, batch_id=batch.id, after=batch.cursor, upto=upto)
        units = await asyncio.to_thread(self._read, await self.turn.read(find))
        await self._validate(units)
        rows = await asyncio.to_thread(self._compared, units)
        bad = sum(line["state"] is LineState.BAD for line in rows)
        await self.turn.commit(
            partial(batches.keep_checked, batch_id=batch.id, checked=rows),
            cursor=upto,
            rows_bad=batch.rows_bad + bad,
            rows_good=batch.rows_good + len(rows) - bad,
            problems=_counted(batch.problems, units),
            findings=batch.findings,
            refreshed=batch.refreshed,
        )

    async def _refuse_large(self, size: UnitSize) -> None:
        batch = self.turn.batch
        finding = make("incident_too_large", count=size.rows, limit=MOST_ROWS_OF_INCIDENT)
        text = json.dumps([finding.as_json()])
        problems = _with(batch.problems, finding, size.unit, count=size.rows)
        await self.turn.commit(
            partial(batches.refuse_unit, batch_id=batch.id, unit=size.unit, findings=text),
            cursor=size.unit,
            rows_bad=batch.rows_bad + size.rows,
            problems=problems,
        )

    def _read(self, lines: Sequence[ReadLine]) -> list[Unit]:
        by_unit: dict[int, list[Row]] = {}
        for line in lines:
            found = [_finding_of(one) for one in json.loads(line.findings)] if line.findings else ()
            by_unit.setdefault(line.unit, []).append(Row(line.number, json.loads(line.cells), found))
        return [read_unit(rows, self._layout) for rows in by_unit.values()]

    async def _validate(self, units: Sequence[Unit]) -> None:
        """Say of each unit what validation says, after refreshing lists that lack something, once for the batch."""
        flow, batch = self.turn.flow, self.turn.batch
        school = await flow.registry.school(batch.school_id)
        readable = [unit for unit in units if unit.record is not None]
        view = await flow.lookups.view(batch.school_id)
        findings = await asyncio.to_thread(self._findings, readable, school, view)
        missing = lists_to_refresh(findings) - {ListName(name) for name in batch.refreshed}
        if missing:
            await self._refresh(missing)
            view = await flow.lookups.view(batch.school_id, fresh=True)
            findings = await asyncio.to_thread(self._findings, readable, school, view)
        self._tell(readable, findings)

    def _findings(self, units: Sequence[Unit], school: School, view: LookupView) -> list[Finding]:
        records = [unit.record for unit in units if unit.record is not None]
        stale = self._stale(self._kind, view)
        return validate(self._kind, records, school, view, stale_lists=stale) if records else []

    def _stale(self, kind: Kind, view: LookupView) -> Collection[ListName]:
        oldest = self.turn.flow.clock.now() - timedelta(seconds=self.turn.flow.settings.lookups.stale_after_s)
        lists = ((ListName(name), view.get(ListName(name))) for name in kind.lists)
        return [name for name, lookup in lists if lookup is not None and lookup.fetched_at < oldest]

    async def _refresh(self, lists: Collection[ListName]) -> None:
        batch = self.turn.batch
        batch.refreshed = sorted({*batch.refreshed, *lists})
        try:
            account = await self.turn.flow.registry.account(batch.school_id)
            await self.syncer.sync_lists(account, sorted(lists))
        except Exception as error:
            # The rows are checked against the lists as they are; whoever reads the log sees why.
            outages.warning("refresh_failed", error, batch_id=batch.id, school=batch.school_id)

    def _tell(self, units: Sequence[Unit], findings: Sequence[Finding]) -> None:
        """Give each unit its findings; those about all of it are the batch's, and errors among them refuse it."""
        about_all = [one for one in findings if one.record is None]
        if any(one.is_error for one in about_all):
            raise FileRefused([one for one in about_all if one.is_error])
        known = {(one["code"], one["message"]) for one in self.turn.batch.findings}
        new = [one.as_json() for one in about_all if (one.code, one.message) not in known]
        self.turn.batch.findings = [*self.turn.batch.findings, *new]
        for finding in findings:
            if finding.record is not None and finding.code not in _DUPLICATES:
                units[finding.record].say(finding)

    def _compared(self, units: Sequence[Unit]) -> list[dict[str, Any]]:
        """Return what is kept of the rows, once they have been compared with all before them."""
        for unit in units:
            if unit.record is not None:
                self._compare(unit)
        for unit in units:
            hold_back(unit)
        return [line for unit in units for line in self._lines(unit)]

    def _compare(self, unit: Unit) -> None:
        """Say where a row says the same as one before it."""
        assert unit.record is not None
        if self._kind.action is Action.RAW:
            return
        first = self._seen.setdefault(_hash(same_key(self._kind.name, unit.record)), unit.number)
        if first != unit.number:
            slot = _SLOT_WORDS.get(self._kind.name, self._kind.noun)
            unit.say(make("row_duplicate", first=first, slot=slot), row=unit.number)

    def _lines(self, unit: Unit) -> list[dict[str, Any]]:
        """Return what is kept of the unit's rows."""
        record, same, group, part = "", b"", b"", 0
        if unit.record is not None:
            same = _hash(same_key(self._kind.name, unit.record))
        if unit.record is not None and not unit.is_bad:
            record = dump_records(self._kind.name, [unit.record])[1:-1]
            group = _hash(group_of(self._kind.name, unit))
            part = self._parts.setdefault(group, unit.number)
        state = LineState.BAD if unit.is_bad else LineState.GOOD
        return [
            {
                "number": row.number,
                "state": state,
                "part": part,
                "record": record if row is unit.rows[0] else "",
                "findings": _findings_text(unit, row.number, all_of_it=state is LineState.GOOD),
                "same": same.hex(),
                "group_key": group.hex(),
            }
            for row in unit.rows
        ]


def _last_that_fits(sizes: Sequence[UnitSize]) -> int:
    """Return the last of the first units that together are not too many rows."""
    rows = size = 0
    last = sizes[0].unit
    for one in sizes:
        rows, size = rows + one.rows, size + one.size
        if one is not sizes[0] and (rows > 2 * _UNITS or size > _CHARACTERS):
            break
        last = one.unit
    return last


def _findings_text(unit: Unit, number: int, *, all_of_it: bool) -> str:
    """Return a row's findings as they are kept; those of a good record stand with its first row."""
    if all_of_it:
        found = [one for findings in unit.findings.values() for one in findings] if number == unit.number else []
    else:
        found = unit.findings.get(number, [])
    return json.dumps([one.as_json() for one in found]) if found else ""


def _counted(problems: dict[str, Any], units: Sequence[Unit]) -> dict[str, Any]:
    for unit in units:
        for number, found in unit.findings.items():
            for code in dict.fromkeys(one.code for one in found):
                problems = _with(problems, next(one for one in found if one.code == code), number)
    return problems


def _with(problems: dict[str, Any], finding: Finding, row: int, *, count: int = 1) -> dict[str, Any]:
    """Return the counts with one finding more; the first of its code says what it is like."""
    known = problems.get(finding.code)
    if known is None and len(problems) >= _MOST_PROBLEMS:
        return problems
    first = {"severity": finding.severity.value, "row": row, "message": finding.message, "hint": finding.hint}
    entry = known or {"count": 0, **first}
    return {**problems, finding.code: {**entry, "count": entry["count"] + count}}


def _finding_of(stored: dict[str, Any]) -> Finding:
    return Finding(stored["code"], stored["message"], stored["hint"], Severity(stored["severity"]), stored["pointer"])


def _hash(text: str) -> bytes:
    return blake2b(text.encode(), digest_size=12).digest()
