"""One call of a drop-in endpoint, as its routes see it."""

import re
from contextlib import AbstractAsyncContextManager

from starlette.types import Receive, Scope

from writeback.api.dropin.paths import Place
from writeback.api.front import trace
from writeback.api.front.body import check_length, header, read_body
from writeback.api.front.rate_limit import RateLimits
from writeback.core.errors import Problem
from writeback.domain.access import Caller

_HOST = re.compile(r"[A-Za-z0-9._:\[\]-]{1,255}").fullmatch


class Call:
    """What was asked. `rest`: the path below the endpoint; setting `route` notes it in the trace."""

    def __init__(self, place: Place, scope: Scope, receive: Receive, max_body_bytes: int, limits: RateLimits) -> None:
        self._scope, self._receive, self._limit, self._limits = scope, receive, max_body_bytes, limits
        self.method: str = scope["method"]
        self.endpoint, self.prefix, self.rest = place.endpoint, place.prefix, list(place.rest)
        self.query: str = scope["query_string"].decode("latin-1")
        self.is_submission = False
        """Whether it asked for a writeback; then `result` is counted."""
        self.result = "refused"

    @property
    def route(self) -> str | None:
        return trace.of(self._scope).route

    @route.setter
    def route(self, template: str) -> None:
        trace.of(self._scope).route = template

    def admit(self, caller: Caller) -> None:
        """Note who calls, and count the call against its app; raise TooManyAtOnce."""
        trace.of(self._scope).caller = caller
        self._limits.check(self._scope)

    def refused(self, problem: Problem) -> None:
        """Note in the trace why it was refused."""
        trace.note_refusal(self._scope, problem)

    def count_failure(self) -> None:
        """Count a secret that was wrong against the address that it came from; raise TooManyAtOnce."""
        self._limits.check_failure(self._scope)

    def header(self, name: str) -> str | None:
        value = header(self._scope["headers"], name.encode())
        return None if value is None else value.decode("latin-1")

    def base_url(self, public_url: str) -> str:
        """Return where this endpoint was called, without a slash at the end: what links in its answers begin with.

        Encrypted where the service's own address is: a link that is not would have clients send their keys in clear.
        """
        host = self.host(public_url)
        return f"{'https' if public_url.startswith('https') else self._scope['scheme']}://{host}{self.prefix}"

    def host(self, public_url: str) -> str:
        """Return the host that was called, with its port; ours by name where the call names none that can be one."""
        given = self.header("host") or ""
        return given if _HOST(given) else public_url.partition("://")[2].partition("/")[0]

    def reading(self) -> AbstractAsyncContextManager[None]:
        """Wait for the app's turn at reading."""
        return self._limits.reading(self._scope)

    async def body(self, limit: int | None = None) -> bytes:
        """Return the body; raise BodyTooLarge, or Disconnected. Before the key is known none but a short one."""
        limit = self._limit if limit is None else limit
        check_length(self._scope["headers"], limit)
        return await read_body(self._receive, limit)
