"""One pupil of one school on one day: what was asked for, by whom, and what came of it. Read-only.

A pupil is a school and an id: other schools have pupils of the same id. Of a record about several only this one's part
is returned.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from writeback.domain.access import Caller
from writeback.domain.lookups import Lookup
from writeback.flow.engine.context import FlowContext
from writeback.flow.registry.entries import school_unknown
from writeback.store.reads import pupil_days as store
from writeback.store.reads.filters import Filter
from writeback.store.reads.views import raw_records
from writeback.store.reads.writebacks_read import Reads
from writeback.store.tables import WritebackRow
from writeback_client.models.writebacks import Record, Writeback

_AFTER = timedelta(days=14)
"""A lesson's mark may leave its day to the timetable: it is looked for among what came in so long after the day."""
_MOST = 40
_WITHDRAWN = ("superseded", "cancelled")
_PUPILS = ("students", "remove_students")


@dataclass(frozen=True)
class AskedFor:
    """One record about the pupil."""

    writeback: Writeback
    record: Record
    """Without other pupils."""
    what: str
    """`AM`, `PM`, the lesson's id, or nothing."""
    begins: str
    """When the lesson or the incident begins, `09:00`, where that is known."""
    is_latest: bool
    """No later one of the same slot stands: it is what was asked for in the end."""


@dataclass(frozen=True)
class PupilDay:
    """What was asked for, of each slot the latest first; `more`: how many more writebacks there are."""

    school_id: str
    pupil: str
    day: date
    asked: Sequence[AskedFor] = ()
    more: int = 0


@dataclass(frozen=True)
class PupilDays:
    """Reads them for a caller."""

    flow: FlowContext
    reads: Reads

    async def of(
        self, caller: Caller, school_id: str, pupil: str, day: date, begins: datetime, ends: datetime
    ) -> PupilDay:
        """Return the day; `begins` and `ends` are the day's own. Raise NotFound for a school unseen."""
        if not caller.may_touch(school_id):
            raise school_unknown(school_id)
        lessons = (await self.flow.lookups.view(school_id)).lessons
        async with self.flow.db.read() as session:
            rows = await store.naming(session, caller, school_id, pupil, day, begins, ends + _AFTER)
        of_day = _OfDay(pupil, day, begins, ends, lessons)
        wanted = [row for row in rows if of_day.indexes(row)]
        latest_first = wanted[::-1][:_MOST]
        asked = [
            one
            for row in latest_first
            for one in of_day.asked(await self.reads.show(caller, row.id), of_day.indexes(row))
        ]
        return PupilDay(school_id, pupil, day, _in_order(asked), len(wanted) - len(latest_first))

    async def knows(self, caller: Caller, school_id: str, pupil: str) -> bool:
        """Whether a pupil of this id is, or was, at the school: on its list, or named by a writeback."""
        students = (await self.flow.lookups.view(school_id)).students
        if students is not None and pupil in students.rows:
            return True
        found = await self.reads.list(caller, Filter(school=school_id, student=pupil), limit=1)
        return bool(found.items)


@dataclass(frozen=True)
class _OfDay:
    """Which records are about the pupil and the day."""

    pupil: str
    day: date
    begins: datetime
    ends: datetime
    lessons: Lookup | None

    def indexes(self, row: WritebackRow) -> list[int]:
        records = raw_records(row)
        return [
            index
            for index, one in enumerate(records)
            if one is not None and is_about(one, self.pupil) and self._is_of_day(one, row.created_at)
        ]

    def asked(self, found: Writeback, indexes: Iterable[int]) -> list[AskedFor]:
        asked = []
        for index in indexes:
            record = found.records[index]
            said = record.record or {}
            what = str(said.get("session") or said.get("lesson_id") or "")
            own = record.model_copy(update={"record": only(said, self.pupil)})
            asked.append(AskedFor(found, own, what, self._begins(said), is_latest=False))
        return asked

    def _is_of_day(self, record: Mapping[str, Any], accepted_at: datetime) -> bool:
        named = str(record.get("date") or record.get("start_at") or self._lesson(record).get("date") or "")[:10]
        return named == self.day.isoformat() if named else self.begins <= accepted_at < self.ends

    def _begins(self, record: Mapping[str, Any]) -> str:
        at = str(record.get("start_at") or self._lesson(record).get("start_at") or "")
        return at[11:16] if len(at) > 10 else str(record.get("start_time") or record.get("time") or "")[:5]

    def _lesson(self, record: Mapping[str, Any]) -> Mapping[str, Any]:
        found = self.lessons.rows.get(str(record.get("lesson_id"))) if self.lessons else None
        return found or {}


def is_about(record: Mapping[str, Any], pupil: str) -> bool:
    """Whether a record names the pupil: as the one whom it is about, or among several."""
    several = [one for name in _PUPILS for one in record.get(name) or ()]
    return record.get("student_id") == pupil or any(_id_of(one) == pupil for one in several)


def only(record: Mapping[str, Any], pupil: str) -> dict[str, Any]:
    """Return the record with no other pupil than this one."""
    return {
        name: [one for one in value if _id_of(one) == pupil] if name in _PUPILS and isinstance(value, list) else value
        for name, value in record.items()
    }


def _id_of(one: Any) -> Any:
    return one.get("student_id") if isinstance(one, Mapping) else one


def _in_order(asked: Sequence[AskedFor]) -> list[AskedFor]:
    """Return them by session and lesson, of each slot the latest first, and say which that is. They come latest
    first."""
    standing = set[tuple[str, str]]()
    found = []
    for one in asked:
        slot = (one.writeback.kind, one.what or f"{one.writeback.id}/{one.record.index}")
        stands = one.record.status not in _WITHDRAWN and slot not in standing
        if stands:
            standing.add(slot)
        found.append(replace(one, is_latest=stands))
    return sorted(found, key=lambda one: (_PARTS.get(one.what, 1 if one.what else 3), one.begins, one.what))


_PARTS = {"AM": 0, "PM": 2}
