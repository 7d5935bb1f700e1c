"""What is not in the MIS at the end of a session: each pupil's latest mark that has no evidence, and why. Read-only.

Only the latest counts: where a later mark of the same slot is confirmed, an earlier one that failed is of no interest;
where the latest failed, that an earlier one is in the MIS is said.
"""

import asyncio
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

from writeback.domain.access import Caller
from writeback.domain.provider_words import words_in
from writeback.domain.writeback import RecordProgress, RecordStatus, stored_progress
from writeback.flow.registry.entries import school_unknown
from writeback.store.reads import reports as store
from writeback.store.sql.database import Database
from writeback.store.tables import WritebackRow

BEFORE, AFTER = timedelta(days=1), timedelta(days=14)
"""Marks of a day are looked for among what was accepted so long before its beginning, and so long after its end."""
_SESSION, _LESSON = "attendance.session", "attendance.lesson"
_SLOTS = {_SESSION: "session", _LESSON: "lesson_id"}
"""What makes a slot of a mark, beside its pupil."""
_IN_PLACE = (RecordStatus.CONFIRMED.value,)
_OF_NO_INTEREST = (RecordStatus.SUPERSEDED.value, RecordStatus.CANCELLED.value)
_QUEUED = RecordProgress().as_json()


class Part(StrEnum):
    """Which part of a day."""

    AM = "AM"
    """Session marks of the morning."""
    PM = "PM"
    """Session marks of the afternoon."""
    LESSONS = "lessons"
    """Lesson marks."""
    OTHER = "other"
    """Incidents, detentions, absences, …"""


class Apart(StrEnum):
    """What has to be kept apart of what is not in the MIS, in the order in which somebody has to look at it."""

    FAILED = "failed"
    """It was refused, or its deadline passed."""
    DIFFERS = "differs"
    """A person has to decide: the MIS has something else, or it could not be found out."""
    AWAITED = "awaited"
    """It is with the provider, and there is no evidence yet."""
    WAITS = "waits"
    """It has not left: it waits its turn, or is held."""


_APART = {
    RecordStatus.NEEDS_ATTENTION.value: Apart.DIFFERS,
    RecordStatus.SENT.value: Apart.AWAITED,
    RecordStatus.UNKNOWN.value: Apart.AWAITED,
    "sending": Apart.AWAITED,
    RecordStatus.QUEUED.value: Apart.WAITS,
    "held": Apart.WAITS,
}


@dataclass(frozen=True)
class Missing:
    """One record that is not in the MIS, as far as anybody knows."""

    pupils: Sequence[str]
    """Ids alone."""
    part: Part
    what: str
    """The session, the lesson's id, or the kind."""
    code: str
    status: str
    why: str
    """The first finding, or nothing."""
    hint: str
    words: str
    """What the provider said with it, where it gave words."""
    hold_reason: str | None
    in_mis: str
    """The mark that was confirmed for this slot before, or that the MIS showed."""
    writeback_id: str
    app: str
    ref: str
    accepted_at: datetime

    @property
    def apart(self) -> Apart:
        """Among which of them it is kept."""
        return _APART.get(self.status, Apart.FAILED)


@dataclass(frozen=True)
class Report:
    """One school, one day. `looked_until`: marks accepted before then were looked at."""

    school_id: str
    school: str
    day: date
    parts: Sequence[Part]
    missing: Sequence[Missing]
    records: int
    """How many there were in all, the latest of each slot."""
    looked_until: datetime


@dataclass(frozen=True)
class Reports:
    """Makes them for a caller."""

    db: Database

    async def schools(self, caller: Caller) -> Sequence[tuple[str, str]]:
        """Return id and name of the schools that the caller may see."""
        async with self.db.read() as session:
            return await store.schools(session, caller.schools)

    async def missing(
        self, caller: Caller, school_id: str, day: date, parts: Sequence[Part], begins: datetime, ends: datetime
    ) -> Report:
        """Return what is not in the MIS; `begins` and `ends` are the day's own. Raise NotFound for a school unseen."""
        async with self.db.read() as session:
            names = dict(await store.schools(session, caller.schools))
            if school_id not in names:
                raise school_unknown(school_id)
            until = ends + AFTER
            rows = await store.accepted(session, school_id, begins - BEFORE, until)
        # Some ten thousand marks of a large school: nobody else waits for them.
        missing, records = await asyncio.to_thread(_look, rows, day, parts, begins, ends)
        return Report(
            school_id=school_id,
            school=names[school_id],
            day=day,
            parts=parts,
            missing=missing,
            records=records,
            looked_until=until,
        )


def _look(
    rows: Iterable[WritebackRow], day: date, parts: Sequence[Part], begins: datetime, ends: datetime
) -> tuple[Sequence[Missing], int]:
    """Return what is missing, in its order, and how many records there are in all."""
    wanted = [one for one in _latest(rows, day, begins, ends) if _part(one.row, one.record) in parts]
    order = {part: number for number, part in enumerate(Part)}
    apart = list(Apart)
    missing = [_missing(one) for one in wanted if not one.is_in_place]
    return sorted(missing, key=lambda one: (apart.index(one.apart), order[one.part], one.pupils, one.what)), len(wanted)


@dataclass(slots=True)
class _Latest:
    """The latest record of a slot, and what the MIS has for it as far as is known."""

    row: WritebackRow
    record: Mapping[str, Any]
    progress: Mapping[str, Any]
    """As it is stored."""
    in_mis: str

    @property
    def is_in_place(self) -> bool:
        return self.progress["status"] in _IN_PLACE


def _latest(rows: Iterable[WritebackRow], day: date, begins: datetime, ends: datetime) -> list[_Latest]:
    """Return the latest record of each slot of that day; of what has no slot, each."""
    found: dict[str, _Latest] = {}
    wanted = day.isoformat()
    for row in rows:
        is_todays, part = begins <= row.created_at < ends, _SLOTS.get(row.kind)
        if not is_todays and wanted not in row.records:
            continue
        records: list[Mapping[str, Any] | None] = json.loads(row.records)
        pairs = zip(records, stored_progress(row.progress) or [_QUEUED] * len(records), strict=True)
        for index, (record, progress) in enumerate(pairs):
            if record is None or progress["status"] in _OF_NO_INTEREST:
                continue
            named = record.get("date") or str(record.get("start_at") or "")[:10]
            if named != wanted and (named or not is_todays):
                continue  # one that names no day is of the day on which it was accepted
            slot = f"{record['student_id']}|{record[part]}" if part else f"{row.id}/{index}"
            earlier = found.get(slot)
            if progress["status"] in _IN_PLACE:
                in_mis = str(record.get("code", ""))
            else:
                in_mis = progress.get("mis_holds") or (earlier.in_mis if earlier else "")
            found[slot] = _Latest(row, record, progress, in_mis)
    return list(found.values())


def _missing(one: _Latest) -> Missing:
    row, record, progress = one.row, one.record, one.progress
    errors = [finding for finding in progress.get("findings", ()) if finding.get("severity") != "warning"]
    finding: Mapping[str, Any] = (errors or [{}])[0]
    return Missing(
        pupils=_pupils(record),
        part=_part(row, record),
        what=str(record.get("session") or record.get("lesson_id") or row.kind),
        code=str(record.get("code", "")),
        status=progress["status"] if row.status != "held" else "held",
        why=str(finding.get("message") or ""),
        hint=str(finding.get("hint") or ""),
        words=words_in(finding),
        hold_reason=row.hold_reason,
        in_mis=one.in_mis,
        writeback_id=row.id,
        app=row.app_id,
        ref=row.ref or "",
        accepted_at=row.created_at,
    )


def _pupils(record: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the pupil's id, or those of several; an employee's absence has none."""
    if record.get("student_id"):
        return (str(record["student_id"]),)
    several = record.get("students") or record.get("participants") or ()
    ids = [str(one.get("student_id", "")) if isinstance(one, Mapping) else str(one) for one in several]
    return tuple(one for one in ids if one)


def _part(row: WritebackRow, record: Mapping[str, Any]) -> Part:
    if row.kind == _SESSION:
        return Part(record["session"])
    return Part.LESSONS if row.kind == _LESSON else Part.OTHER
