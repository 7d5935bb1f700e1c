"""Checking: the second step. Every row is read as a record and validated just as a submission would be.

What if the process dies? What was checked is kept; the next turn reads from SQL what the earlier rows said.
"""

import asyncio
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

from sqlmodel import Session

from writeback.batches.findings import make
from writeback.batches.records import MOST_ROWS_OF_INCIDENT, Unit
from writeback.batches.repeated_rows import Key
from writeback.core import outage_logs
from writeback.domain.finding import Finding
from writeback.domain.lookups import ListName
from writeback.flow.batches.counts import with_records
from writeback.flow.batches.lease import Turn
from writeback.flow.batches.problem_counts import counted, with_finding
from writeback.flow.batches.unit_checks import UnitChecks
from writeback.flow.directory.find import PeopleFinder
from writeback.flow.schools.sync import Syncer
from writeback.flow.schools.unknown_id_refresh import Refreshed
from writeback.store.batches import batches, reviews
from writeback.store.batches.batches import BatchStatus, CheckedLine, LineState, UnitSize
from writeback.store.schools import words

_UNITS, _CHARACTERS = 500, 1_000_000
"""Most of one transaction."""


@dataclass
class Checking:
    """Checks the rows of one batch."""

    turn: Turn
    syncer: Syncer
    finder: PeopleFinder

    async def run(self) -> None:
        """Check row by row until all are checked; raise FileRefused where the school takes none of them."""
        batch = self.turn.batch
        self._checks = UnitChecks(self.turn, self._refresh, self.finder)
        await self.turn.read(self._remember)
        while sizes := await self.turn.read(
            partial(batches.next_units, batch_id=batch.id, after=batch.cursor, limit=_UNITS)
        ):
            await self._check(sizes)
        if batch.review:
            await self.turn.commit(status=BatchStatus.REVIEWING, cursor=0, failures=0)
        elif batch.dry_run or not batch.rows_good:
            await self.turn.end(BatchStatus.DONE, cursor=0, failures=0)
        else:
            await self.turn.commit(status=BatchStatus.QUEUEING, cursor=0, failures=0)

    def _remember(self, session: Session) -> None:
        for unit, same, part, group in batches.keys_upto(session, self.turn.batch.id, self.turn.batch.cursor):
            if same:
                self._checks.repeats.see(Key.of_text(same), unit)
            if group:
                self._checks.parts.setdefault(bytes.fromhex(group), part)

    async def _check(self, sizes: Sequence[UnitSize]) -> None:
        batch = self.turn.batch
        if sizes[0].rows > MOST_ROWS_OF_INCIDENT:
            await self._refuse_large(sizes[0])
            return
        upto = _last_that_fits(sizes)
        find = partial(batches.lines_of_units, batch_id=batch.id, after=batch.cursor, upto=upto)
        units = await self._checks.units_of(await self.turn.read(find))
        unknown = self._checks.unknown
        said_of_earlier = await asyncio.to_thread(self._checks.compare, units)
        rows = await asyncio.to_thread(self._checks.kept, units)
        earlier = await self._checked_lines([*said_of_earlier])
        taken_back = [_taken_back(line, said_of_earlier[line.number]) for line in earlier]
        bad = sum(line["state"] is LineState.BAD for line in rows)
        no_longer_good = sum(line.state == LineState.GOOD for line in earlier)

        def keep(session: Session) -> None:
            batches.keep_checked(session, batch.id, rows)
            batches.take_back(session, batch.id, taken_back)
            if batch.review:
                self._keep_for_review(session, rows, earlier)
            if unknown and not batch.dry_run:
                words.note_unknown(session, batch.school_id, batch.app_id, unknown, self.turn.flow.clock.now())

        await self.turn.commit(
            keep,
            cursor=upto,
            rows_bad=batch.rows_bad + bad + no_longer_good,
            rows_good=batch.rows_good + len(rows) - bad - no_longer_good,
            problems=counted(batch.problems, [*said_of_earlier.items(), *_found_in(units)]),
            findings=batch.findings,
            refreshed=batch.refreshed,
        )

    def _keep_for_review(
        self, session: Session, rows: Sequence[Mapping[str, Any]], taken_back: Sequence[CheckedLine]
    ) -> None:
        """Note whom these rows name, and what the good ones among them are about."""
        batch = self.turn.batch
        reviews.keep_people(session, batch.id, self._checks.named)
        review = reviews.find(session, batch.id)
        if review is None:
            return
        before = (line.record for line in taken_back if line.state == LineState.GOOD)
        counts = with_records(with_records(review.counts, before, -1), (row["record"] for row in rows))
        reviews.change(session, batch.id, counts=counts)

    async def _checked_lines(self, numbers: Sequence[int]) -> Sequence[CheckedLine]:
        """Return what became of rows in earlier pieces."""
        if not numbers:
            return ()
        return await self.turn.read(partial(batches.checked_lines, batch_id=self.turn.batch.id, numbers=numbers))

    async def _refuse_large(self, size: UnitSize) -> None:
        batch = self.turn.batch
        finding = make("incident_too_large", count=size.rows, limit=MOST_ROWS_OF_INCIDENT)
        text = json.dumps([finding.as_json()])
        problems = with_finding(batch.problems, finding, size.unit, count=size.rows)
        await self.turn.commit(
            partial(batches.refuse_unit, batch_id=batch.id, unit=size.unit, findings=text),
            cursor=size.unit,
            rows_bad=batch.rows_bad + size.rows,
            problems=problems,
        )

    async def _refresh(self, lists: Collection[ListName]) -> Refreshed:
        """Fetch these lists again, once for the batch."""
        batch, missing = self.turn.batch, set(lists) - {ListName(name) for name in self.turn.batch.refreshed}
        if missing:
            batch.refreshed = sorted({*batch.refreshed, *missing})
            try:
                account = await self.turn.flow.registry.account(batch.school_id)
                await self.syncer.sync_lists(account, sorted(missing), full_since=self.syncer.full_fetch_due_since())
            except Exception as error:
                # The rows are checked against the lists as they are; whoever reads the log sees why.
                outage_logs.warning("refresh_failed", error, batch_id=batch.id, school=batch.school_id)
        return Refreshed(bool(missing), await self._not_given(fresh=bool(missing)))

    async def _not_given(self, *, fresh: bool) -> set[ListName]:
        """Return the lists that were asked for, for the sake of this file, and not given."""
        batch, full_within = self.turn.batch, timedelta(seconds=self.turn.flow.settings.lookups.miss_full_again_after_s)
        view = await self.turn.flow.lookups.view(batch.school_id, fresh=fresh)
        asked = {name: view.get(name) for name in map(ListName, batch.refreshed)}
        return {
            name
            for name, lookup in asked.items()
            if lookup is not None and not lookup.is_settled(batch.created_at, full_within)
        }


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


def _taken_back(line: CheckedLine, found: Sequence[Finding]) -> dict[str, Any]:
    """Return what is kept of a row of an earlier piece that is bad after all."""
    before = json.loads(line.findings) if line.findings else []
    return {"number": line.number, "findings": json.dumps([*before, *(one.as_json() for one in found)])}


def _found_in(units: Sequence[Unit]) -> Iterator[tuple[int, list[Finding]]]:
    return (entry for unit in units for entry in unit.findings.items())
