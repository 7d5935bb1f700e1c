"""What does the MIS say now: of one pupil and one day, read through the provider because a person asks. Nothing of it
is kept, and nothing changes.

What if somebody asks again and again? Within some seconds they get the same answer. What if the provider does not
answer? That is the answer, in its words.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import Any

import structlog
from pydantic import ValidationError

from validators.features import rule_for
from writeback.core.ttl import TtlCache
from writeback.domain.access import Caller
from writeback.domain.actor import Actor
from writeback.domain.kinds import KINDS, Action, Record
from writeback.domain.lookups import LookupView
from writeback.domain.outcome import Blocked, NotReached, ReadBack, SlotReadBack
from writeback.domain.school import HOLD_WORDS, School
from writeback.flow.correct.locked_correction import check_may_correct
from writeback.flow.engine.context import FlowContext
from writeback.flow.registry.entries import school_unknown
from writeback.providers.base import SentRequest
from writeback.store.people import audit

log = structlog.get_logger()

_PATIENCE_S = 30.0
_ONE_LOOK_S = 10.0
_SESSION = "attendance.session"
_SESSIONS = ("AM", "PM")


@dataclass(frozen=True)
class Wanted:
    """One record whose place in the MIS is to be read: its kind, what it says, and when it came in."""

    kind: str
    record: Mapping[str, Any]
    at: datetime
    what: str = ""
    """`AM`, `PM`, or the lesson's id."""


@dataclass(frozen=True)
class InMis:
    """What is there. `value`: the code of a mark, or in a few words what else is there; None: nothing.

    `matches` None: nothing was asked for there. `is_read` False: it cannot be read.
    """

    kind: str
    what: str
    value: str | None = None
    meaning: str = ""
    matches: bool | None = None
    mis_ids: tuple[str, ...] = ()
    is_read: bool = True


@dataclass(frozen=True)
class MisNow:
    """All that was read, and when. `as_of`: as the provider itself had it then, where it says; `troubles`: why not."""

    at: datetime
    found: Sequence[InMis] = ()
    as_of: datetime | None = None
    troubles: Sequence[str] = ()


@dataclass(frozen=True)
class MisReads:
    """Reads the MIS for people. One a process."""

    flow: FlowContext

    async def of(
        self, caller: Caller, actor: Actor, school_id: str, pupil: str, day: date, wanted: Sequence[Wanted]
    ) -> MisNow:
        """Return what the MIS has in the places of these, and in both sessions of the day.

        It is written down who read what of whom. Raise Forbidden, or NotFound for a school unseen.
        """
        check_may_correct(caller)
        if not caller.may_touch(school_id):
            raise school_unknown(school_id)
        async with self.flow.db.write() as session:
            now, noted = self.flow.clock.now(), {"day": day.isoformat()}
            audit.note(session, actor, now, "pupil.read", pupil, school=school_id, changed=noted)
        places = (school_id, pupil, day.isoformat(), repr(wanted))
        return await self._recent.get(places, lambda _: self._read(school_id, pupil, day, wanted))

    async def _read(self, school_id: str, pupil: str, day: date, wanted: Sequence[Wanted]) -> MisNow:
        school = await self.flow.registry.school(school_id)
        lookups = await self.flow.lookups.view(school_id)
        by_kind: dict[str, list[tuple[Wanted, bool]]] = {}
        for one in wanted:
            by_kind.setdefault(one.kind, []).append((one, True))
        for one in self._sessions(school, lookups, pupil, day, wanted):
            by_kind.setdefault(one.kind, []).append((one, False))
        found, troubles, as_of = list[InMis](), list[str](), list[datetime]()
        for kind, places in by_kind.items():
            read = await self._ask(school_id, kind, [one for one, _ in places], lookups)
            if isinstance(read, str):
                troubles.append(read)
                continue
            as_of += [read.as_of] if read.as_of is not None else []
            for position, (one, is_asked) in enumerate(places):
                found.append(_in_mis(one, read.readings.get(position), lookups, is_asked=is_asked))
        return MisNow(self.flow.clock.now(), found, min(as_of, default=None), list(dict.fromkeys(troubles)))

    def _sessions(
        self, school: School, lookups: LookupView, pupil: str, day: date, wanted: Sequence[Wanted]
    ) -> list[Wanted]:
        """Return marks that stand for the sessions of which nothing was asked: what they say is compared with
        nothing."""
        codes = lookups.attendance_codes
        if codes is None or not codes.rows or not rule_for(school, _SESSION).supported:
            return []
        code, asked = next(iter(codes.rows)), {one.what for one in wanted if one.kind == _SESSION}
        return [
            Wanted(
                _SESSION,
                {"student_id": pupil, "date": day.isoformat(), "session": one, "code": code},
                self.flow.clock.now(),
                one,
            )
            for one in _SESSIONS
            if one not in asked
        ]

    async def _ask(self, school_id: str, kind: str, wanted: Sequence[Wanted], lookups: LookupView) -> ReadBack | str:
        """Return what the provider answers, or why there is no answer."""
        try:
            records: list[Record] = [KINDS[kind].record.model_validate(dict(one.record)) for one in wanted]
        except ValidationError:
            return "What was asked for cannot be looked for in the MIS any more."
        account = await self.flow.registry.account(school_id)
        sent = SentRequest(
            request_id="",
            kind=KINDS[kind],
            records=records,
            provider_ref=None,
            sent_at=min(one.at for one in wanted),
        )
        try:
            async with asyncio.timeout(_PATIENCE_S):
                read = await self.flow.providers[account.provider].read_back(account, sent, lookups)
        except TimeoutError:
            return f"There was no answer within {_PATIENCE_S:.0f} seconds."
        log.info("mis_read_for_a_person", school=school_id, kind=kind, answered=isinstance(read, ReadBack))
        match read:
            case ReadBack():
                return read
            case NotReached():
                return f"There was no answer: {read.reason}."
            case Blocked():
                return f"{HOLD_WORDS.get(read.reason, read.reason)}: {read.detail}"

    @cached_property
    def _recent(self) -> TtlCache[tuple[str, str, str, str], MisNow]:
        return TtlCache(self.flow.clock, _ONE_LOOK_S, max_entries=200)


def _in_mis(one: Wanted, reading: SlotReadBack | None, lookups: LookupView, *, is_asked: bool) -> InMis:
    if reading is None:
        return InMis(one.kind, one.what, is_read=False)
    is_creation = KINDS[one.kind].action is Action.CREATE
    ids = tuple(dict.fromkeys(mis_id for each in reading.found for mis_id in each.ids)) if is_creation else ()
    row = lookups.attendance_codes.resolve(reading.value) if lookups.attendance_codes and reading.value else None
    meaning = str(row.get("description") or "") if row and one.kind.startswith("attendance.") else ""
    return InMis(
        one.kind,
        one.what,
        reading.value,
        meaning,
        reading.matches if is_asked else None,
        ids,
    )
