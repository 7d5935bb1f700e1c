"""A provider with a MIS behind it that does whatever the test orders: the model that the real flow is held against."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from tests.integration.flow.conftest import ScriptedProvider
from writeback.core.clock import FakeClock
from writeback.domain.finding import Finding
from writeback.domain.outcome import (
    Evidenced,
    Found,
    NotReached,
    Pending,
    ReadBack,
    Refused,
    Rejected,
    SlotReadBack,
    Taken,
    Uncertain,
    Unclear,
)

LATE_S = 60.0
"""`dispatch.late_register_s`"""


class Died(BaseException):
    """The worker's process is gone, in the middle of what it did."""


class Mood(StrEnum):
    """What happens to the next request."""

    TAKES = "takes it, applies it soon"
    APPLIES = "takes it and applies it before it answers"
    LATE = "takes it, never answers, applies it late"
    APPLIES_AND_HANGS = "applies it and never answers"
    LOST = "never gets it, and nobody can tell"
    NOT_REACHED = "says come again"
    REFUSES_ALL = "refuses without naming a record"
    REFUSES_ONE = "names one record"
    DIES_BEFORE = "the sender dies before it went out"
    DIES_AFTER = "the sender dies when it is in the MIS"
    STALLS = "the sender is stopped, and goes on after its lease"


@dataclass
class Job:
    """A request that the provider has."""

    ref: str
    records: Sequence[dict[str, Any]]
    due_at: datetime
    state: str = "pending"
    """pending, applied, failed."""


@dataclass
class ModelProvider(ScriptedProvider):
    """Keeps slots and created things; `mood` says how it takes the next request."""

    clock: FakeClock = field(default_factory=FakeClock)
    mood: Mood = Mood.TAKES
    late_s: float = 60.0
    """When what is taken without an answer is applied; less than the service waits for."""
    sent_count: int = 0
    jobs: dict[str, Job] = field(default_factory=dict)
    slots: dict[str, str] = field(default_factory=dict)
    by_office: set[str] = field(default_factory=set)
    """Slots that the office has written last."""
    entered_at: dict[str, datetime] = field(default_factory=dict)
    """When the office has last written a slot."""
    gone_over: list[str] = field(default_factory=list)
    """Slots in which the office had written since what was sent for them was seen."""
    stood: set[tuple[str, str]] = field(default_factory=set)
    """Every mark that was ever there, ours or the office's."""
    made: list[tuple[str, str, datetime]] = field(default_factory=list)
    """What was created: content, id, when."""
    fails_next: bool = False
    """The MIS refuses the next job that falls due."""
    resume: asyncio.Event = field(default_factory=asyncio.Event)
    stalled: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def is_at_work(self) -> bool:
        """Whether anything is still to be applied."""
        return any(job.state == "pending" for job in self.jobs.values())

    async def send(self, account: Any, request: Any) -> Any:
        records, mood = request.body["marks"], self.mood
        self.gone_over += [slot for record in records if (slot := self._entered_since(record)) is not None]
        self.sent.append(records)
        self.mood = Mood.TAKES
        if mood is Mood.DIES_BEFORE:
            raise Died
        if mood is Mood.STALLS:
            self.stalled.set()
            await self.resume.wait()
        return self._receive(records, mood)

    def _receive(self, records: Sequence[dict[str, Any]], mood: Mood) -> Any:
        match mood:
            case Mood.LOST:
                return Uncertain("reset")
            case Mood.NOT_REACHED:
                return NotReached("503")
            case Mood.REFUSES_ALL:
                self.sent_count += 1
                return Refused("no")
            case Mood.REFUSES_ONE:
                self.sent_count += 1
                return Refused("no", {0: [Finding("date_closed", "The school was closed.", "Choose another day.")]})
        self.sent_count += 1
        job = Job(f"R{self.sent_count}", records, self.clock.now() + timedelta(seconds=1))
        self.jobs[job.ref] = job
        if mood is Mood.LATE:
            job.due_at = self.clock.now() + timedelta(seconds=self.late_s)
            return Uncertain("no answer")
        if mood in (Mood.APPLIES, Mood.APPLIES_AND_HANGS, Mood.DIES_AFTER):
            self._apply(job)
        if mood is Mood.DIES_AFTER:
            raise Died
        return Uncertain("no answer") if mood is Mood.APPLIES_AND_HANGS else Taken(job.ref)

    def let_pass(self, seconds: float) -> None:
        """Move time on, and have each job applied when it falls due."""
        until = self.clock.now() + timedelta(seconds=seconds)
        for job in sorted(self.jobs.values(), key=lambda one: (one.due_at, one.ref)):
            if job.state == "pending" and job.due_at <= until:
                self.clock.advance(max(timedelta(), job.due_at - self.clock.now()))
                self._apply(job)
        self.clock.advance(max(timedelta(), until - self.clock.now()))

    def _apply(self, job: Job) -> None:
        if self.fails_next:
            self.fails_next, job.state = False, "failed"
            return
        job.state = "applied"
        for record in job.records:
            if (slot := slot_of(record)) is not None:
                self.slots[slot] = record["code"]
                self.stood.add((slot, record["code"]))
                self.by_office.discard(slot)
            else:
                self.made.append((content_of(record), f"M{len(self.made)}", self.clock.now()))

    def set_by_office(self, slot: str, code: str) -> None:
        self.slots[slot] = code
        self.stood.add((slot, code))
        self.by_office.add(slot)
        self.entered_at[slot] = self.clock.now()

    def _entered_since(self, record: dict[str, Any]) -> str | None:
        """Return the record's slot, where what stands there is the office's, who entered it after it was seen."""
        slot, said = slot_of(record), record.get("observed_at")
        if slot is None or said is None or slot not in self.by_office or self.slots[slot] in ("N", record["code"]):
            return None
        if any(slot_of(one) == slot and one["code"] == self.slots[slot] for records in self.sent for one in records):
            return None  # it may as well be ours
        seen = datetime.fromisoformat(said)
        is_late = self.clock.now() - seen > timedelta(seconds=LATE_S)
        return slot if is_late and self.entered_at[slot] > seen else None

    def count_made(self) -> Counter[str]:
        return Counter(content for content, _, _ in self.made)

    async def check(self, account: Any, sent: Any, now: datetime) -> Any:
        job = self.jobs.get(sent.provider_ref)
        if job is None:
            return Unclear("no such request")
        match job.state:
            case "pending":
                return Pending()
            case "failed":
                return Rejected("the MIS refused")
        return Evidenced("poll")

    async def read_back(self, account: Any, sent: Any, lookups: Any) -> Any:
        return ReadBack({place: self._reading(record) for place, record in enumerate(sent.records)})

    def _reading(self, record: Any) -> SlotReadBack:
        said = record.model_dump(mode="json", exclude_none=True)
        if (slot := slot_of(said)) is not None:
            holds = self.slots.get(slot)
            return SlotReadBack(holds, matches=holds == said["code"])
        wanted = content_of(said)
        found = tuple(Found(mis_id, at) for content, mis_id, at in self.made if content == wanted)
        return SlotReadBack(None, matches=bool(found), found=found)


def slot_of(record: dict[str, Any]) -> str | None:
    """Return what a mark is for; None for what creates something."""
    return f"{record['student_id']} {record['session']}" if "session" in record else None


def content_of(record: dict[str, Any]) -> str:
    """Return what tells one incident from another."""
    return str(record["comment"])
