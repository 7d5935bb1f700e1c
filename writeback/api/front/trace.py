"""What is known of one HTTP call while it runs: the front makes it, auth and routes fill it in, the log reads it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.types import Scope

from writeback.core.errors import Problem
from writeback.domain.access import Caller

if TYPE_CHECKING:
    from writeback.api.front.shares import Part

_KEY = "writeback.trace"


@dataclass(slots=True)
class Trace:
    """`route` is the path's template, `caller` who the key belongs to; None where it is not known.

    `rate_headers` go out with the answer: what the caller's app may still do. `code` says why it was refused,
    `findings` what was found in it then, `part` what the call holds of its app's share, `writeback_id` what it made.
    """

    request_id: str
    caller: Caller | None = None
    route: str | None = None
    rate_headers: Sequence[tuple[bytes, bytes]] = ()
    code: str | None = None
    findings: Sequence[Mapping[str, Any]] = ()
    part: "Part | None" = None
    writeback_id: str | None = None


def start(scope: Scope, request_id: str) -> Trace:
    trace = Trace(request_id)
    scope[_KEY] = trace
    return trace


def of(scope: Scope) -> Trace:
    trace: Trace = scope[_KEY]
    return trace


def note_refusal(scope: Scope, problem: Problem) -> None:
    """Note why the call was refused."""
    trace = of(scope)
    trace.code, trace.findings = problem.code, problem.extra.get("findings", ())
