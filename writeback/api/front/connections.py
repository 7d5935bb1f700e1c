"""What all connections of one server share: the limits, who holds how many, and a clock that ticks for all of them."""

import asyncio
from collections import Counter
from collections.abc import Callable
from functools import lru_cache
from typing import Final, Protocol

import structlog
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from writeback.api.batches.uploads import body_limit
from writeback.api.front.problems import problem_response
from writeback.api.front.safe_headers import SAFE_HEADERS
from writeback.core.errors import Overloaded, Problem, TooManyAtOnce
from writeback.core.network.caller_addresses import caller_of, household_of, is_in
from writeback.core.settings import Settings

log = structlog.get_logger()

TICK_S: Final = 0.5
_SAY_EVERY_S: Final = 60.0
_RETRY_AFTER_S: Final = 5


class Connection(Protocol):
    """What is asked of a connection."""

    loop: asyncio.AbstractEventLoop

    def look(self) -> None:
        """End it where its time is up."""


class Refused(Exception):
    """Ends the parsing of what has come; `problem` is the answer."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem


class Connections:
    """What all connections of one server share: the limits, who has how many, and a clock that ticks."""

    def __init__(self, settings: Settings, refused: Callable[[str], None] = lambda code: None) -> None:
        """`refused` is called with the code of each refusal."""
        self.limits = limits = settings.api
        self.longest_body = max(limits.max_body_bytes, body_limit(settings.batches.max_file_bytes))
        self.now = 0.0
        """The event loop's time, at the last tick."""
        self._trusted, self._tell = settings.trusted_proxies, refused
        self._open: set[Connection] = set()
        self._is_ticking = False
        self._held: dict[str, int] = {}
        self._unsaid: Counter[str] = Counter()
        self._said_at: float | None = None
        self._raw: dict[str, bytes] = {}
        self.is_proxy = lru_cache(1_024)(self._is_proxy)
        self.caller_behind = lru_cache(1_024)(self._caller_behind)

    def enter(self, connection: Connection) -> None:
        """Take a connection in; raise Refused where there are too many."""
        self._open.add(connection)
        if not self._is_ticking:
            self._tick_later(connection.loop)
        if len(self._open) > self.limits.max_connections:
            raise Refused(self._too_many())

    def leave(self, connection: Connection) -> None:
        self._open.discard(connection)

    def hold(self, household: str) -> None:
        """Count one more of an address, "" is nobody's; raise Refused where it has as many as it may."""
        if not household:
            return
        held = self._held.get(household, 0)
        if held >= self.limits.max_per_address:
            raise Refused(
                TooManyAtOnce(
                    "too_many_of_address",
                    f"{self.limits.max_per_address} connections or calls of this address are open, which is the most",
                    retry_after_s=_RETRY_AFTER_S,
                )
            )
        self._held[household] = held + 1

    def release(self, household: str) -> None:
        if not household:
            return
        held = self._held.pop(household) - 1
        if held:
            self._held[household] = held

    def answer(self, problem: Problem) -> bytes:
        """Return the whole answer that a refusal is, and count it."""
        self._tell(problem.code)
        self._unsaid[problem.code] += 1
        raw = self._raw.get(problem.code)
        if raw is None:
            response = problem_response(problem, "")
            headers = [*response.raw_headers, *SAFE_HEADERS, (b"connection", b"close")]
            lines = [b"%s: %s\r\n" % header for header in headers]
            raw = b"".join([STATUS_LINE[response.status_code], *lines, b"\r\n", bytes(response.body)])
            self._raw[problem.code] = raw
        return raw

    def _is_proxy(self, peer: str) -> bool:
        return is_in(peer, self._trusted)

    def _caller_behind(self, peer: str, forwarded: bytes) -> str:
        caller = caller_of(peer, forwarded.decode("latin-1"), self._trusted)
        return "" if is_in(caller, self._trusted) else household_of(caller)

    def _too_many(self) -> Problem:
        most = self.limits.max_connections
        return Overloaded(
            "too_many_connections", f"{most} connections are open, which is the most", retry_after_s=_RETRY_AFTER_S
        )

    def _tick(self, loop: asyncio.AbstractEventLoop) -> None:
        """Look at every connection, and again as long as there is one."""
        self.now = loop.time()
        for connection in list(self._open):
            connection.look()
        if self._unsaid and (self._said_at is None or self.now - self._said_at >= _SAY_EVERY_S):
            log.warning("calls_refused_at_the_front", **self._unsaid)
            self._unsaid.clear()
            self._said_at = self.now
        self._is_ticking = False
        if self._open:
            self._tick_later(loop)

    def _tick_later(self, loop: asyncio.AbstractEventLoop) -> None:
        self._is_ticking, self.now = True, loop.time()
        loop.call_later(TICK_S, self._tick, loop)
