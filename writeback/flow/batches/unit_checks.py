"""Checking records of a batch: their rows are read and validated just as a submission is, and compared with each other.

The worker does so with the pieces of a file, and whoever looks at a batch with what they have changed.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import blake2b
from typing import Any

from validators import lists_to_refresh, validate
from writeback.batches.findings import FileRefused, make
from writeback.batches.layout import Layout, Row
from writeback.batches.records import Unit, group_of, hold_back, make_record, read_content
from writeback.batches.repeated_rows import Key, Repeats
from writeback.domain.finding import Finding, Severity
from writeback.domain.kinds import KINDS, Action, Kind, dump_records
from writeback.domain.lookups import ListName, LookupView
from writeback.domain.school import School
from writeback.flow.batches.lease import Turn
from writeback.flow.batches.people_in_rows import PeopleInRows
from writeback.flow.directory.find import PeopleFinder
from writeback.flow.filling.fill_in import fill_in
from writeback.flow.filling.unknown_words import unknown_in
from writeback.flow.schools.unknown_id_refresh import Refreshed, only_warned
from writeback.store.batches.batches import LineState, ReadLine
from writeback.store.batches.reviews import PersonNamed
from writeback.store.schools.words import Unknown

Refresh = Callable[[Collection[ListName]], Awaitable[Refreshed]]
"""Fetches lists that lack an id."""

_DUPLICATES = frozenset({"duplicate_slot", "duplicate_record"})
"""What validation says of records of one submission; here all rows of the file are looked at, by their numbers."""
_SLOT_WORDS = {"attendance.session": "pupil and session", "attendance.lesson": "pupil and lesson"}


@dataclass
class UnitChecks:
    """Checks the records of one batch whose layout is known. `parts` has the first row of each group."""

    turn: Turn
    refresh: Refresh
    finder: PeopleFinder
    repeats: Repeats = field(default_factory=Repeats)
    parts: dict[bytes, int] = field(default_factory=dict)
    unknown: Mapping[Unknown, int] = field(default_factory=dict)
    """What the records that were read last say in the place of codes."""

    def __post_init__(self) -> None:
        layout = Layout.of_json(self.turn.batch.layout)
        assert layout is not None
        self.layout, self.kind = layout, KINDS[self.turn.batch.kind or ""]
        self._people = PeopleInRows(self.turn, self.kind, self.finder)

    async def units_of(self, lines: Sequence[ReadLine]) -> list[Unit]:
        """Return the records of these rows, with the findings of validation."""
        units = await asyncio.to_thread(self._contents, lines)
        await self._people.find(units)
        await asyncio.to_thread(self._read, units)
        await self._validate(units)
        return units

    @property
    def named(self) -> Mapping[PersonNamed, Sequence[int]]:
        """Whom the records that were read last name as the school knows them, and in which rows."""
        return self._people.named

    def _contents(self, lines: Sequence[ReadLine]) -> list[Unit]:
        by_unit: dict[int, list[Row]] = {}
        for line in lines:
            found = [finding_of(one) for one in json.loads(line.findings)] if line.findings else ()
            by_unit.setdefault(line.unit, []).append(Row(line.number, json.loads(line.cells), found))
        return [read_content(rows, self.layout) for rows in by_unit.values()]

    def _read(self, units: Sequence[Unit]) -> None:
        for unit in units:
            make_record(unit, self.layout.kind)

    async def _validate(self, units: Sequence[Unit]) -> None:
        """Give each unit the findings of validation, after refreshing incomplete lists."""
        flow, batch = self.turn.flow, self.turn.batch
        school = await flow.registry.school(batch.school_id)
        readable = [unit for unit in units if unit.record is not None]
        view = await flow.lookups.view(batch.school_id)
        findings = await asyncio.to_thread(self._findings, readable, school, view)
        missing = lists_to_refresh(findings)
        if missing:
            refreshed = await self.refresh(missing)
            if refreshed.is_any:
                view = await flow.lookups.view(batch.school_id, fresh=True)
                findings = await asyncio.to_thread(self._findings, readable, school, view)
            findings = only_warned(findings, refreshed.not_given)
        self._tell(readable, findings)
        self.unknown = unknown_in(self.kind, [unit.record for unit in readable if unit.record is not None], findings)

    def _findings(self, units: Sequence[Unit], school: School, view: LookupView) -> list[Finding]:
        """Return the findings of these units' records, after filling in what the school's settings add to them."""
        records = [unit.given for unit in units if unit.given is not None]
        if not records:
            return []
        filled = fill_in(self.kind, records, school, view, app_id=self.turn.batch.app_id)
        for unit, record in zip(units, filled.records, strict=True):
            unit.record = record
        stale, now = self._stale(self.kind, view), self.turn.flow.clock.now()
        today = school.latest_day(now)
        found = validate(self.kind, filled.records, school, view, stale_lists=stale, today=today, now=now)
        return [*filled.findings, *found]

    def _stale(self, kind: Kind, view: LookupView) -> Collection[ListName]:
        oldest = self.turn.flow.clock.now() - timedelta(seconds=self.turn.flow.settings.lookups.stale_after_s)
        lists = ((ListName(name), view.get(ListName(name))) for name in kind.lists)
        return [name for name, lookup in lists if lookup is not None and lookup.fetched_at < oldest]

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

    def compare(self, units: Sequence[Unit]) -> dict[int, list[Finding]]:
        """Say which rows repeat or contradict one before them; return what is to be said of rows in earlier pieces."""
        here, earlier = {unit.number: unit for unit in units}, dict[int, list[Finding]]()
        slot = _SLOT_WORDS.get(self.kind.name, self.kind.noun)
        for unit in units:
            key = self.key_of(unit)
            repeat = self.repeats.see(key, unit.number) if key is not None else None
            if repeat is None:
                continue
            name, first = self.layout.row_name(unit.number), self.layout.row_name(repeat.first)
            if repeat.is_same:
                unit.say(make("row_duplicate", first=first, slot=slot), row=unit.number)
                continue
            unit.say(make("row_contradicts", other=first, slot=slot), row=unit.number)
            if repeat.is_news and repeat.first in here:
                here[repeat.first].say(make("row_contradicts", other=name, slot=slot), row=repeat.first)
            elif repeat.is_news:
                earlier[repeat.first] = [make("row_contradicts", other=name, slot=slot)]
        return earlier

    def key_of(self, unit: Unit) -> Key | None:
        """Return what the unit is compared by; None where it is not."""
        if unit.record is None or self.kind.action is Action.RAW:
            return None
        return Key.of(self.kind.name, unit.record)

    def kept(self, units: Sequence[Unit]) -> list[dict[str, Any]]:
        """Return what is kept of the rows."""
        for unit in units:
            hold_back(unit)
        return [line for unit in units for line in self._lines(unit)]

    def _new_part(self, number: int) -> int:
        """Return what a group goes by that begins with this row: another goes by it where that row has been mended."""
        taken = set(self.parts.values()) if self.turn.batch.review else ()
        return number if number not in taken else max(taken) + 1

    def _lines(self, unit: Unit) -> list[dict[str, Any]]:
        """Return what is kept of the unit's rows."""
        record, group, part, key = "", b"", 0, self.key_of(unit)
        if unit.record is not None and not unit.is_bad:
            record = dump_records(self.kind.name, [unit.record])[1:-1]
            group = _hash(group_of(self.kind.name, unit))
            part = self.parts.setdefault(group, self._new_part(unit.number))
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
                "people": " ".join(unit.people.get(row.number, ())),
            }
            for row in unit.rows
        ]


def _findings_text(unit: Unit, number: int, *, all_of_it: bool) -> str:
    """Return a row's findings as they are kept; those of a good record stand with its first row."""
    if all_of_it:
        found = [one for findings in unit.findings.values() for one in findings] if number == unit.number else []
    else:
        found = unit.findings.get(number, [])
    return json.dumps([one.as_json() for one in found]) if found else ""


def finding_of(stored: dict[str, Any]) -> Finding:
    return Finding(stored["code"], stored["message"], stored["hint"], Severity(stored["severity"]), stored["pointer"])


def _hash(text: str) -> bytes:
    return blake2b(text.encode(), digest_size=12).digest()
