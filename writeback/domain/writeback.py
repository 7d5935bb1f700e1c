"""A writeback's records and how far each is; the status of the whole follows from them."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from typing import Any

from writeback.domain.finding import Finding
from writeback.domain.states import Event, Status
from writeback_client.words import RecordStatus as RecordStatus

_UNDECIDED = frozenset({RecordStatus.UNKNOWN, RecordStatus.NEEDS_ATTENTION})


@dataclass(frozen=True, slots=True)
class RecordProgress:
    """One record's status, what is to be said of it, and what proves it."""

    status: RecordStatus = RecordStatus.QUEUED
    findings: tuple[Mapping[str, Any], ...] = ()
    """Findings as JSON objects, as the API shows them."""
    evidence: str | None = None
    mis_ids: tuple[str, ...] = ()
    group: str | None = None
    """Records of one group go together and with no others: halves of a request that was refused."""
    mis_holds: str | None = None
    """What the MIS had instead when it was read, while a person is to decide."""
    near: tuple[Mapping[str, Any], ...] = ()
    """What was seen in the MIS that is nearly what the record says, as JSON objects (`domain/near_matches.py`)."""
    healed: bool = False
    """It was refused for something that a list says, and went again after that list had been fetched: once only."""
    unclear: int = 0
    """How often it was sent by itself, apart from the others of its request, and got no clear answer."""
    doubted_at: datetime | None = None
    """Since when it waits for a list that speaks against it to be fetched once more; until it is sent."""
    looked_for: int | None = None
    """The epoch of a restore in which it was looked for in the MIS before it went (`domain/restore_epoch.py`)."""
    erased: bool = False
    """What it said was erased: it was about a person of whom nothing is to be kept (`domain/data_subject.py`)."""

    def moved(self, status: RecordStatus, **changes: Any) -> "RecordProgress":
        kept = self.near if status in _UNDECIDED else ()
        doubted_at = self.doubted_at if status is RecordStatus.QUEUED else None
        return replace(self, **{"status": status, "near": kept, "doubted_at": doubted_at, **changes})

    def with_findings(self, findings: Iterable[Finding]) -> "RecordProgress":
        said = [finding.as_json() for finding in findings]
        return replace(self, findings=(*self.findings, *said)) if said else self

    def as_json(self, times: int = 1) -> dict[str, Any]:
        """Return what is stored, for so many records in a row that are alike: defaults left out."""
        packed: dict[str, Any] = {"times": times} if times > 1 else {}
        packed["status"] = self.status.value
        if self.findings:
            packed["findings"] = list(self.findings)
        if self.evidence:
            packed["evidence"] = self.evidence
        if self.mis_ids:
            packed["mis_ids"] = list(self.mis_ids)
        if self.group:
            packed["group"] = self.group
        if self.mis_holds is not None:
            packed["mis_holds"] = self.mis_holds
        if self.near:
            packed["near"] = list(self.near)
        if self.healed:
            packed["healed"] = True
        if self.unclear:
            packed["unclear"] = self.unclear
        if self.doubted_at is not None:
            packed["doubted_at"] = self.doubted_at.isoformat()
        if self.erased:
            packed["erased"] = True
        if self.looked_for is not None:  # the last one: `store/writebacks/epochs.py` looks for it at the end
            packed["looked_for"] = self.looked_for
        return packed


def unpack_progress(text: str, count: int) -> list[RecordProgress]:
    """Return the progress of `count` records; an empty text means all queued."""
    if not text:
        return [RecordProgress()] * count
    return [one for entry, times in _runs(text) for one in [_unpack(entry)] * times]


def stored_progress(text: str) -> Sequence[Mapping[str, Any]]:
    """Return the same as it is stored, for whoever needs a little of many; none for an empty text."""
    return [entry for entry, times in _runs(text) for _ in range(times)] if text else []


def _runs(text: str) -> list[tuple[Mapping[str, Any], int]]:
    """Return what is stored, each with the number of records in a row that it is of."""
    return [(entry, entry.get("times", 1)) for entry in json.loads(text)]


def _unpack(entry: Mapping[str, Any]) -> RecordProgress:
    return RecordProgress(
        status=RecordStatus(entry["status"]),
        findings=tuple(entry.get("findings", ())),
        evidence=entry.get("evidence"),
        mis_ids=tuple(entry.get("mis_ids", ())),
        group=entry.get("group"),
        mis_holds=entry.get("mis_holds"),
        near=tuple(entry.get("near", ())),
        healed=entry.get("healed", False),
        unclear=entry.get("unclear", 0),
        doubted_at=datetime.fromisoformat(entry["doubted_at"]) if "doubted_at" in entry else None,
        looked_for=entry.get("looked_for"),
        erased=entry.get("erased", False),
    )


def move_alike(progress: list[RecordProgress], indexes: Iterable[int], status: RecordStatus, **changes: Any) -> None:
    """Move records, each as `RecordProgress.moved` does; those that are alike stay so, and are worked out once."""
    moved: dict[int, RecordProgress] = {}
    before = list(progress)
    for index in indexes:
        entry = before[index]
        if id(entry) not in moved:
            moved[id(entry)] = entry.moved(status, **changes)
        progress[index] = moved[id(entry)]


def pack_progress(progress: Sequence[RecordProgress]) -> str:
    """Return the text that `unpack_progress` takes."""
    runs = [(entry, sum(1 for _ in run)) for entry, run in groupby(progress)]
    if all(entry == RecordProgress() for entry, _ in runs):
        return ""
    return json.dumps([entry.as_json(times) for entry, times in runs], separators=(",", ":"))


_WAITING_ORDER = (
    (RecordStatus.SENDING, Status.SENDING),
    (RecordStatus.QUEUED, Status.QUEUED),
    (RecordStatus.UNKNOWN, Status.UNKNOWN),
    (RecordStatus.SENT, Status.SENT),
    (RecordStatus.NEEDS_ATTENTION, Status.NEEDS_ATTENTION),
)

_NOT_WRITTEN = frozenset({RecordStatus.FAILED, RecordStatus.CANCELLED})


def overall_status(progress: Iterable[RecordProgress]) -> Status:
    """Return the status of the whole: the least advanced status while anything waits, else how it ended.

    Refused records do not count: they were never accepted. Superseded ones count only when nothing else is there, and
    cancelled ones only beside those; but beside confirmed ones they make it partial.
    """
    present = {entry.status for entry in progress}
    for record_status, status in _WAITING_ORDER:
        if record_status in present:
            return status
    if RecordStatus.CONFIRMED in present:
        return Status.PARTIAL if present & _NOT_WRITTEN else Status.CONFIRMED
    if RecordStatus.FAILED in present:
        return Status.FAILED
    if RecordStatus.CANCELLED in present:
        return Status.CANCELLED
    return Status.SUPERSEDED


_EVENT_FOR = {
    Status.SENDING: Event.SENDING,
    Status.SENT: Event.SENT,
    Status.UNKNOWN: Event.IN_DOUBT,
    Status.NEEDS_ATTENTION: Event.NEEDS_PERSON,
    Status.CONFIRMED: Event.CONFIRMED,
    Status.PARTIAL: Event.PARTLY_CONFIRMED,
    Status.FAILED: Event.FAILED,
    Status.SUPERSEDED: Event.SUPERSEDED,
    Status.CANCELLED: Event.CANCELLED,
}


def event_towards(target: Status, *, queued_by: Event = Event.RETRY) -> Event:
    """Return the event that leads to `target`; for `queued`, `queued_by` says why."""
    return _EVENT_FOR.get(target, queued_by)
