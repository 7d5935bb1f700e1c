"""Everything that one sandbox knows, in memory. Made by `app.create_app`, handed to every route."""

import asyncio
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from typing import Any

from writeback.core.clock import Clock
from writeback.sandbox.agenda import Agenda, SandboxClock
from writeback.sandbox.bad_answers import SignedPages
from writeback.sandbox.faults import Faults
from writeback.sandbox.ledger import Ledger
from writeback.sandbox.mis.records import Effect, Refused
from writeback.sandbox.mis.school import SandboxSchool, Write
from writeback.sandbox.mis.seed import weeks_around
from writeback.sandbox.mis.timetable import LONDON
from writeback.sandbox.outbox import Outbox


@dataclass(frozen=True, slots=True)
class StsToken:
    """An Xporter token; `school` None: a management token (Xporter 44)."""

    school: str | None
    relying_party: str
    expires_at: datetime


@dataclass
class Webhooks:
    """Where Wonde's webhooks go: one address for the application, or one for a school."""

    everywhere: str | None = None
    by_school: dict[str, str] = field(default_factory=dict)

    def url_for(self, school: str) -> str | None:
        return self.by_school.get(school, self.everywhere)


class SandboxState:
    """Schools, accepted writes, tokens, webhooks, faults, ledger and time."""

    def __init__(self, clock: Clock) -> None:
        self.clock = SandboxClock(clock)
        self.ledger = Ledger()
        self.faults = Faults()
        self.agenda = Agenda(self.clock)
        self.outbox = Outbox(self.clock, self.agenda, self.ledger)
        self.signed_pages = SignedPages()
        self.closing = asyncio.Event()
        """Set at shutdown, so that hanging requests let go."""
        self.reset()

    def reset(self) -> None:
        """Forget everything but the time."""
        self.schools: dict[str, SandboxSchool] = {}
        self.writes: dict[str, Write] = {}
        self.webhooks = Webhooks()
        self.sts_tokens: dict[str, StsToken] = {}
        self.xporter_cache: dict[tuple[str, date], tuple[datetime, list[dict[str, Any]]]] = {}
        """Attendance by school and date, as it was when the MIS was last read."""
        self.changesets: dict[tuple[str, str], dict[tuple[str, Any], int]] = {}
        """Xporter's change sets: path and token → a checksum by table and id."""
        self.agenda.clear()
        self.faults.clear()
        self.faults.struck.clear()
        self.signed_pages.clear()
        self.ledger.clear()

    def now(self) -> datetime:
        return self.clock.now()

    def today(self) -> date:
        return self.now().astimezone(LONDON).date()

    def keep_timetable(self, school: SandboxSchool) -> None:
        """See to it that the school's timetable reaches two weeks ahead, however long the sandbox runs."""
        school.mis.timetable.cover(*weeks_around(self.today()), self.now())

    def schools_of(self, token: str) -> list[SandboxSchool]:
        """Return the Wonde schools that a token is for: one, or all of an application (Wonde 18)."""
        return [school for school in self.schools.values() if school.provider == "wonde" and school.secret == token]

    def write_into_mis(self, write: Write) -> str | None:
        """Apply a request to its MIS now; return None, or the MIS's own words when it refuses."""
        school, at, records = write.school, self.now(), write.size
        done = school.mis.apply(
            write.writings, write.changes, source=write.ref, at=at, keeps_other_than_n=school.provider == "xporter"
        )
        if isinstance(done, Refused):
            self.record(write, "failed", message=done.message)
            return done.message
        write.effects = done.effects
        self.ledger.wrote(
            at,
            provider=school.provider,
            school=school.id,
            ref=write.ref,
            request=write.request,
            result="applied",
            records=records,
            marks_set=done.marks_set,
        )
        self.note_effects(school, done.effects, ref=write.ref, request=write.request)
        return None

    def note_effects(
        self, school: SandboxSchool, effects: Sequence[Effect], *, ref: str, request: int | None = None
    ) -> None:
        """Note in the ledger each record that was created, updated or deleted; `ref` may be `office`."""
        for effect in effects:
            self.ledger.changed(
                self.now(), provider=school.provider, school=school.id, ref=ref, request=request, **asdict(effect)
            )

    def record(self, write: Write, result: str, message: str | None = None) -> None:
        """Note in the ledger that nothing was written, and why."""
        self.ledger.wrote(
            self.now(),
            provider=write.school.provider,
            school=write.school.id,
            ref=write.ref,
            request=write.request,
            result=result,
            records=write.size,
            message=message,
        )
