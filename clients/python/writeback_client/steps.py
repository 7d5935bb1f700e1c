"""What a flow asks of the client that runs it. A flow is a generator of steps: it decides, the client does.

So the way of a call (tries, pages, streams that come back) is written once, for `Client` and `AsyncClient`.
"""

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx

from writeback_client.calls import Answer, Request

Failure = httpx.HTTPError
"""No answer, or one that broke off."""


@dataclass(frozen=True)
class Send:
    """Send a request; comes back as an Answer or a Failure."""

    request: Request


@dataclass(frozen=True)
class Sleep:
    """Wait."""

    seconds: float


@dataclass(frozen=True)
class Open:
    """Send a request and keep its answer open; comes back as an Answer (without a body where it is a success)."""

    request: Request


@dataclass(frozen=True)
class Read:
    """Read on; comes back as bytes, as None at the end, or as a Failure."""


@dataclass(frozen=True)
class Close:
    """Close what is open."""


@dataclass(frozen=True)
class Emit:
    """Hand an item to whoever iterates."""

    item: Any


Step = Send | Sleep | Open | Read | Close | Emit
T = TypeVar("T")
Flow = Generator[Step, Any, T]


def send(request: Request) -> Flow[Answer | Failure]:
    reply: Answer | Failure = yield Send(request)
    return reply


def open_(request: Request) -> Flow[Answer | Failure]:
    reply: Answer | Failure = yield Open(request)
    return reply


def read() -> Flow[bytes | Failure | None]:
    reply: bytes | Failure | None = yield Read()
    return reply
