"""What the client's tests share: options without chance, and flows that are driven step by step."""

from collections.abc import Callable, Sequence
from typing import Any

import httpx
import pytest

from writeback.core.clock import FakeClock
from writeback_client.calls import Answer
from writeback_client.options import Options
from writeback_client.steps import Emit, Flow, Open, Read, Send


@pytest.fixture
def options(fake_clock: FakeClock) -> Options:
    return Options("http://api.test", "wbk_test", clock=fake_clock, jitter=lambda: 1.0)


def answer(status: int = 200, body: bytes = b"{}", **headers: str) -> Answer:
    return Answer(status, httpx.Headers({name.replace("_", "-"): value for name, value in headers.items()}), body)


def drive(
    flow: Flow[Any], replies: Sequence[Any], *, watch: Callable[[Any], None] | None = None
) -> tuple[list[Any], Any]:
    """Return the steps of a flow that gets `replies` to those that ask for one, and its result.

    `watch` is called with each step before its reply goes back, e.g. to move a clock.
    """
    left = list(replies)

    def next_reply(step: Any) -> Any:
        return left.pop(0) if isinstance(step, Send | Open | Read) else None

    steps, result = drive_by(flow, next_reply, watch=watch)
    assert not left, f"replies that nobody asked for: {left}"
    return steps, result


def drive_by(
    flow: Flow[Any], reply_to: Callable[[Any], Any], *, watch: Callable[[Any], None] | None = None
) -> tuple[list[Any], Any]:
    """The same with a function that answers each step."""
    steps: list[Any] = []
    reply: Any = None
    while True:
        try:
            step = flow.send(reply)
        except StopIteration as end:
            return steps, end.value
        steps.append(step)
        if watch is not None:
            watch(step)
        reply = reply_to(step)


def items(steps: Sequence[Any]) -> list[Any]:
    return [step.item for step in steps if isinstance(step, Emit)]
