"""What the sandbox received, what came of it, and what it sent to others. Chaos tests compare it with our own books."""

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import count
from typing import Any, Final

KEPT: Final = 200_000
"""Rows of each sort; the oldest go first."""


@dataclass(slots=True)
class Received:
    """One request. `status` None: it was never answered."""

    n: int
    at: datetime
    method: str
    path: str
    provider: str | None
    school: str | None
    status: int | None = None
    effect: str = "none"
    """none | read | accepted | applied | refused."""
    ref: str | None = None
    """The writeback_id or TrackingId that it was given."""
    records: int = 0
    fault: str | None = None
    body: Any = None
    """What was sent, where no record of the MIS shows it: Xporter's writebacks without documented fields."""


@dataclass(slots=True)
class Written:
    """One try to write an accepted request into the MIS."""

    n: int
    at: datetime
    provider: str
    school: str
    ref: str
    request: int
    result: str
    """applied | failed | offline."""
    records: int
    marks_set: int
    message: str | None


@dataclass(slots=True)
class Changed:
    """One record other than a mark that was created, updated or deleted in the MIS; see `records.Effect`."""

    n: int
    at: datetime
    provider: str
    school: str
    ref: str
    request: int | None
    index: int
    effect: str
    family: str
    id: str
    mis_id: str
    content: str
    says: Mapping[str, Any]


@dataclass(slots=True)
class SentHook:
    """One webhook or callback. `status` None: it was lost, or nobody answered."""

    n: int
    at: datetime
    provider: str
    school: str | None
    ref: str | None
    url: str
    status: int | None = None
    error: str | None = None


class Ledger:
    """Append-only lists with one running number."""

    def __init__(self) -> None:
        self._numbers = count(1)
        self.requests: deque[Received] = deque(maxlen=KEPT)
        self.writes: deque[Written] = deque(maxlen=KEPT)
        self.changes: deque[Changed] = deque(maxlen=KEPT)
        self.deliveries: deque[SentHook] = deque(maxlen=KEPT)

    def received(self, at: datetime, method: str, path: str, provider: str | None, school: str | None) -> Received:
        entry = Received(next(self._numbers), at, method, path, provider, school)
        self.requests.append(entry)
        return entry

    def wrote(
        self,
        at: datetime,
        *,
        provider: str,
        school: str,
        ref: str,
        request: int,
        result: str,
        records: int,
        marks_set: int = 0,
        message: str | None = None,
    ) -> None:
        n = next(self._numbers)
        self.writes.append(Written(n, at, provider, school, ref, request, result, records, marks_set, message))

    def changed(
        self,
        at: datetime,
        *,
        provider: str,
        school: str,
        ref: str,
        request: int | None,
        index: int,
        effect: str,
        family: str,
        id: str,
        mis_id: str,
        content: str,
        says: Mapping[str, Any],
    ) -> None:
        n = next(self._numbers)
        self.changes.append(
            Changed(n, at, provider, school, ref, request, index, effect, family, id, mis_id, content, says)
        )

    def sent_hook(self, at: datetime, provider: str, school: str | None, ref: str | None, url: str) -> SentHook:
        entry = SentHook(next(self._numbers), at, provider, school, ref, url)
        self.deliveries.append(entry)
        return entry

    def clear(self) -> None:
        for entries in (self.requests, self.writes, self.changes, self.deliveries):
            entries.clear()

    def as_json(
        self, *, school: str | None, method: str | None, path: str | None, ref: str | None, since: int
    ) -> dict[str, Any]:
        """Return the rows after number `since` that fit; `path` is a part of the path."""
        requests = [
            entry
            for entry in self.requests
            if (method is None or entry.method == method.upper()) and (path is None or path in entry.path)
        ]
        return {
            "requests": _rows(requests, school, ref, since),
            "writes": _rows(self.writes, school, ref, since),
            "changes": _rows(self.changes, school, ref, since),
            "deliveries": _rows(self.deliveries, school, ref, since),
        }


def _rows(
    entries: Iterable[Received | Written | Changed | SentHook], school: str | None, ref: str | None, since: int
) -> list[dict[str, Any]]:
    return [
        {**asdict(entry), "at": entry.at.isoformat()}
        for entry in entries
        if entry.n > since and school in (None, entry.school) and ref in (None, entry.ref)
    ]
