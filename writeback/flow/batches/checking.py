"""Checking: the second step. Every row is read as a record and validated just as a submission would be.

What if the process dies? What was checked is kept; the next turn reads from SQL what the earlier rows said.
"""

import asyncio
import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from hashlib import blake2b
from typing import Any

from sqlmodel import Session

from validators import lists_to_refresh, validate
from writeback.batches.findings import FileRefused, make
from writeback.batches.layout import Layout, Row
from writeback.batches.records import MOST_ROWS_OF_INCIDENT, Unit, group_of, hold_back, read_unit
from writeback.batches.repeated_rows import Key, Repeats
from writeback.core import outage_logs
from writeback.domain.finding import Finding, Severity
from writeback.domain.kinds import KINDS, Action, Kind, dump_records
from writeback.domain.lookups import ListName, LookupView
from writeback.domain.school import School
from writeback.flow.batches.lease import Turn
from writeback.flow.filling.fill_in import fill_in
from writeback.flow.schools.sync import Syncer
from writeback.flow.schools.unknown_id_refresh import only_warned
from writeback.store.batches import batches
from writeback.store.batches.batches import BatchStatus, CheckedLine, LineState, ReadLine, UnitSize

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
    _repeats: Repeats = field(default_factory=Repeats)
    _parts: dict[bytes, int] = field(default_factory=dict)
    """The first row of each group."""

    async def run(self) -> None:
        """Check row by row until all are checked; raise FileRefused where the school takes none of them."""
        batch = self.turn.batch
        layout = Layout.of_json(batch.layout)
        assert layout is not None
        self._layout, self._kind = layout, KINDS[batch.kind or ""]
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
                self._repeats.see(Key.of_text(same), unit)
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
        said_of_earlier = await asyncio.to_thread(self._compare, units)
        rows = await asyncio.to_thread(self._kept, units)
        earlier = await self._checked_lines([*said_of_earlier])
        taken_back = [_taken_back(line, said_of_earlier[line.number]) for line in earlier]
        bad = sum(line["state"] is LineState.BAD for line in rows)
        no_longer_good = sum(line.state == LineState.GOOD for line in earlier)

        def keep(session: Session) -> None:
            batches.keep_checked(session, batch.id, rows)
            batches.take_back(session, batch.id, taken_back)

        await self.turn.commit(
            keep,
            cursor=upto,
            rows_bad=batch.rows_bad + bad + no_longer_good,
            rows_good=batch.rows_good + len(rows) - bad - no_longer_good,
            problems=_counted(batch.problems, [*said_of_earlier.items(), *_found_in(units)]),
            findings=batch.findings,
            refreshed=batch.refreshed,
        )

    async def _checked_lines(self, numbers: Sequence[int]) -> Sequence[CheckedLine]:
        """Return what became of rows in earlier pieces."""
        if not numbers:
            return ()
        return await self.turn.read(partial(batches.checked_lines, batch_id=self.turn.batch.id, numbers=numbers))

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
        """Give each unit the findings of validation, after refreshing incomplete lists once for the batch."""
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
        self._tell(readable, only_warned(findings, self._not_given(view)))

    def _not_given(self, view: LookupView) -> set[ListName]:
        """Return the lists that were asked for, for the sake of this file, and not given."""
        batch, full_within = self.turn.batch, timedelta(seconds=self.turn.flow.settings.lookups.miss_full_again_after_s)
        asked = {name: view.get(name) for name in map(ListName, batch.refreshed)}
        return {
            name
            for name, lookup in asked.items()
            if lookup is not None and not lookup.is_settled(batch.created_at, full_within)
        }

    def _findings(self, units: Sequence[Unit], school: School, view: LookupView) -> list[Finding]:
        """Return the findings of these units' records, after filling in what the school's settings add to them."""
        records = [unit.given for unit in units if unit.given is not None]
        if not records:
            return []
        filled = fill_in(self._kind, records, school, view, app_id=self.turn.batch.app_id)
        for unit, record in zip(units, filled.records, strict=True):
            unit.record = record
        stale, today = self._stale(self._kind, view), school.latest_day(self.turn.flow.clock.now())
        return [*filled.findings, *validate(self._kind, filled.records, school, view, stale_lists=stale, today=today)]

    def _stale(self, kind: Kind, view: LookupView) -> Collection[ListName]:
        oldest = self.turn.flow.clock.now() - timedelta(seconds=self.turn.flow.settings.lookups.stale_after_s)
        lists = ((ListName(name), view.get(ListName(name))) for name in kind.lists)
        return [name for name, lookup in lists if lookup is not None and lookup.fetched_at < oldest]

    async def _refresh(self, lists: Collection[ListName]) -> None:
        batch = self.turn.batch
        batch.refreshed = sorted({*batch.refreshed, *lists})
        try:
            account = await self.turn.flow.registry.account(batch.school_id)
            await self.syncer.sync_lists(account, sorted(lists), full_since=self.syncer.full_fetch_due_since())
        except Exception as error:
            # The rows are checked against the lists as they are; whoever reads the log sees why.
            outage_logs.warning("refresh_failed", error, batch_id=batch.id, school=batch.school_id)

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

    def _compare(self, units: Sequence[Unit]) -> dict[int, list[Finding]]:
        """Say which rows repeat or contradict one before them; return what is to be said of rows in earlier pieces."""
        here, earlier = {unit.number: unit for unit in units}, dict[int, list[Finding]]()
        slot = _SLOT_WORDS.get(self._kind.name, self._kind.noun)
        for unit in units:
            key = self._key_of(unit)
            repeat = self._repeats.see(key, unit.number) if key is not None else None
            if repeat is None:
                continue
            if repeat.is_same:
                unit.say(make("row_duplicate", first=repeat.first, slot=slot), row=unit.number)
                continue
            unit.say(make("row_contradicts", other=repeat.first, slot=slot), row=unit.number)
            if repeat.is_news and repeat.first in here:
                here[repeat.first].say(make("row_contradicts", other=unit.number, slot=slot), row=repeat.first)
            elif repeat.is_news:
                earlier[repeat.first] = [make("row_contradicts", other=unit.number, slot=slot)]
        return earlier

    def _key_of(self, unit: Unit) -> Key | None:
        """Return what the unit is compared by; None where it is not."""
        if unit.record is None or self._kind.action is Action.RAW:
            return None
        return Key.of(self._kind.name, unit.record)

    def _kept(self, units: Sequence[Unit]) -> list[dict[str, Any]]:
        """Return what is kept of the rows."""
        for unit in units:
            hold_back(unit)
        return [line for unit in units for line in self._lines(unit)]

    def _lines(self, unit: Unit) -> list[dict[str, Any]]:
        """Return what is kept of the unit's rows."""
        record, group, part, key = "", b"", 0, self._key_of(unit)
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
                "same": key.as_text() if key is not None else "",
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


def _taken_back(line: CheckedLine, found: Sequence[Finding]) -> dict[str, Any]:
    """Return what is kept of a row of an earlier piece that is bad after all."""
    before = json.loads(line.findings) if line.findings else []
    return {"number": line.number, "findings": json.dumps([*before, *(one.as_json() for one in found)])}


def _found_in(units: Sequence[Unit]) -> Iterator[tuple[int, list[Finding]]]:
    return (entry for unit in units for entry in unit.findings.items())


def _counted(problems: dict[str, Any], rows: Sequence[tuple[int, list[Finding]]]) -> dict[str, Any]:
    """Return the counts with what was found in these rows."""
    for number, found in rows:
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
