"""Counting apps' calls: in memory, written to the database now and then by each process.

The API's front calls `note` for every call, so that costs a dictionary lookup and no more. A process that dies loses
what it counted in the last seconds: these are counts for people, and nothing is decided by them.
"""

import asyncio
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextvars import Context
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple

from writeback.core import outage_logs
from writeback.core.clock import Clock
from writeback.store.apps import usage as store
from writeback.store.sql.database import Database

CALL, FINDING = "call", "finding"
EXAMPLES = 5
"""How many of one cause are kept in an hour, the latest."""
_POINTERS = 3
_EVERY_S = 15.0
_MOST = 20_000
"""Different counts that wait to be written; while the database is away the rest is not counted."""
_PLAIN = re.compile(r"(/[a-z0-9_]{1,40}){0,6}")
"""A pointer of our own fields; one that names what the caller made up may say anything, and is not kept."""


class _Key(NamedTuple):
    app_id: str
    what: str
    route: str
    code: str


class UsageCounter:
    """The counts of one process."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db, self._clock = db, clock
        self._counts: Counter[_Key] = Counter()
        self._examples: dict[_Key, list[Mapping[str, Any]]] = {}
        self._due: asyncio.TimerHandle | None = None
        self._writing: asyncio.Task[None] | None = None

    def note(
        self,
        app_id: str,
        route: str,
        code: str = "",
        *,
        request_id: str = "",
        findings: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        """Count a call; `code` says why it was refused, and `findings` what was found in what it sent."""
        if len(self._counts) < _MOST:
            key = _Key(app_id, CALL, route, code)
            self._counts[key] += 1
            if code:
                self._note_refusal(key, request_id, findings)
        if self._due is None:
            self._due = asyncio.get_running_loop().call_later(_EVERY_S, self._begin)

    async def flush(self) -> None:
        """Write down what was counted; what the database does not take now is for the next time."""
        counts, self._counts = self._counts, Counter()
        examples, self._examples = self._examples, {}
        hour = self._clock.now().replace(minute=0, second=0, microsecond=0)
        try:
            if counts:
                rows = list(_rows(counts, examples, hour))
                await self._db.transact(partial(store.add, rows=rows))
        except Exception as error:  # the drivers have errors of their own
            self._counts.update(counts)
            self._examples = {**examples, **self._examples}
            outage_logs.warning("usage_not_counted", error)

    async def aclose(self) -> None:
        """Write down the rest."""
        if self._due is not None:
            self._due.cancel()
        if self._writing is not None:
            await self._writing
        await self.flush()

    def _begin(self) -> None:
        self._due = None
        self._writing = asyncio.create_task(self.flush(), name="usage", context=Context())

    def _note_refusal(self, key: _Key, request_id: str, findings: Sequence[Mapping[str, Any]]) -> None:
        self._keep(key, request_id, findings)
        by_code: dict[str, list[Mapping[str, Any]]] = {}
        for finding in findings:
            by_code.setdefault(str(finding["code"]), []).append(finding)
        for code, found in by_code.items():
            of_code = _Key(key.app_id, FINDING, "", code)
            self._counts[of_code] += len(found)
            self._keep(of_code, request_id, found)

    def _keep(self, key: _Key, request_id: str, findings: Sequence[Mapping[str, Any]]) -> None:
        pointers = (str(one.get("pointer") or "") for one in findings[:_POINTERS])
        example = {
            "request_id": request_id,
            "at": self._clock.now().isoformat(),
            "pointers": [pointer for pointer in pointers if pointer and _PLAIN.fullmatch(pointer)],
        }
        kept = self._examples.setdefault(key, [])
        kept.append(example)
        del kept[:-EXAMPLES]


def _rows(
    counts: Counter[_Key], examples: Mapping[_Key, Sequence[Mapping[str, Any]]], hour: datetime
) -> Iterable[Mapping[str, Any]]:
    for key, number in counts.items():
        shown = json.dumps(examples[key]) if key in examples else None
        yield {**key._asdict(), "hour_at": hour, "number": number, "examples": shown}
