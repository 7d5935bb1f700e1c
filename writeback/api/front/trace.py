"""What is known of one HTTP call while it runs: the front makes it, auth and routes fill it in, the log reads it."""

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.types import Scope

from writeback.domain.access import Caller

_KEY = "writeback.trace"


@dataclass(slots=True)
class Trace:
    """`route` is the path's template, `caller` who the key belongs to; None where it is not known.

    `rate_headers` go out with the answer: what the caller's app may still do.
    """

    request_id: str
    caller: Caller | None = None
    route: str | None = None
    rate_headers: Sequence[tuple[bytes, bytes]] = ()


def start(scope: Scope, request_id: str) -> Trace:
    trace = Trace(request_id)
    scope[_KEY] = trace
    return trace


def of(scope: Scope) -> Trace:
    trace: Trace = scope[_KEY]
    return trace
