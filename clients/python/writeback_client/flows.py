"""How a call is made: tried again where that is safe; and how a list is gone through, page by page."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

import httpx

from writeback_client.calls import Answer, Request, Source, unreadable
from writeback_client.errors import ClientError, refusal, retry_after, unreachable
from writeback_client.models.base import Page
from writeback_client.options import Options
from writeback_client.steps import Emit, Failure, Flow, Sleep, send

T = TypeVar("T")
_FIRST_S, _LONGEST_S = 0.5, 8.0
_REFUSED_UNDONE = frozenset({408, 429})
"""Refused before anything was done: may be sent again whatever it is."""
_PASSING = frozenset({500, 502, 503, 504})


def exchange(request: Request, options: Options) -> Flow[Answer]:
    """Return the answer, of 2xx; raise what became of the last try."""
    tries = 0
    while True:
        reply = yield from send(request)
        if isinstance(reply, Answer) and reply.is_success:
            return reply
        wait_s = delay(request, reply, tries, options)
        if wait_s is None:
            raise failure(reply, options)
        tries += 1
        yield Sleep(wait_s)


def delay(request: Request, reply: Answer | Failure, tries: int, options: Options) -> float | None:
    """Return the seconds until the next try; None where there is none."""
    if tries >= options.max_retries or not _may_go_again(request, reply):
        return None
    asked = retry_after(reply.headers) if isinstance(reply, Answer) else None
    if asked is not None and asked > options.max_wait_s:
        return None
    return (asked or 0.0) + backoff(tries, options)


def backoff(tries: int, options: Options) -> float:
    """Return the pause after so many tries: longer each time, with full jitter."""
    return min(_LONGEST_S, _FIRST_S * 2.0 ** min(tries, 16)) * options.jitter()


def failure(reply: Answer | Failure, options: Options) -> ClientError:
    """Return the error that an answer other than 2xx is, or none at all."""
    if isinstance(reply, Answer):
        if reply.status >= 400:
            return refusal(reply.status, reply.headers, reply.body)
        return unreadable(reply, f"it is a {reply.status}")
    return unreachable(reply, options.url)


def _may_go_again(request: Request, reply: Answer | Failure) -> bool:
    if isinstance(reply, Answer):
        return reply.status in _REFUSED_UNDONE or (reply.status in _PASSING and request.is_repeatable)
    if isinstance(reply, httpx.UnsupportedProtocol):
        return False
    was_not_sent = isinstance(reply, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout)
    return was_not_sent or (isinstance(reply, httpx.TransportError) and request.is_repeatable)


@dataclass(frozen=True)
class Listing(Source[T], Generic[T]):
    """Every item of a list, page by page, as they are asked for."""

    request: Request
    read: Callable[[Answer], Page[T]]
    at_most: int | None = None

    def flow(self, options: Options) -> Flow[None]:
        request, left = self.request, self.at_most
        while left is None or left > 0:
            page = self.read((yield from exchange(request, options)))
            for item in page.items[:left]:
                yield Emit(item)
            if page.next_cursor is None or not page.items:
                return
            left = None if left is None else left - len(page.items)
            request = replace(request, params={**request.params, "cursor": page.next_cursor})
