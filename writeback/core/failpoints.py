"""Named places where a test may let the process die, lose an answer, repeat a step, or stand still. Off in production.

A step calls `hit("dispatch.before_send")`. Nothing happens unless the process was started with both variables set:
`WRITEBACK_FAILPOINTS` says what happens where, and `WRITEBACK_FAILPOINTS_FOR_TESTS_ONLY` must hold
`this process may be killed`. One stray variable stops nothing.

    WRITEBACK_FAILPOINTS="dispatch.before_send=kill@2, confirm.after_ask=raise, sync.before_save=sleep:3"

`action@n`: on the n-th time that the place is reached, and on no other; without it on the first.
"""

import os
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from threading import Lock

import structlog

from writeback.core.errors import ConfigurationError

log = structlog.get_logger()

PLAN, SWITCH = "WRITEBACK_FAILPOINTS", "WRITEBACK_FAILPOINTS_FOR_TESTS_ONLY"
ARMED_BY = "this process may be killed"
KILLED = 137
"""The exit code of a process that was killed at a failpoint: as after SIGKILL."""
_ORDER = re.compile(r"(?P<point>[a-z_.]+)=(?P<action>[a-z]+)(?::(?P<seconds>[0-9.]+))?(?:@(?P<nth>[1-9][0-9]*))?")


class Action(StrEnum):
    """What may happen at a failpoint."""

    KILL = "kill"
    """The process ends at once, as by SIGKILL or a power cut."""
    RAISE = "raise"
    """`FailpointReached` is raised: what the step did, or was answered, is lost to the process."""
    TWICE = "twice"
    """`hit` returns True, and whoever called it takes the step twice; only where the call is a condition."""
    SLEEP = "sleep"
    """The whole process stands still for `seconds`, its event loop with it, as a paused machine does."""


class FailpointReached(Exception):
    """A test has asked for a failure here."""


@dataclass
class _Order:
    action: Action
    nth: int
    seconds: float
    hits: int = 0

    def is_due(self) -> bool:
        self.hits += 1
        return self.hits == self.nth


_armed: dict[str, _Order] | None = None
_lock = Lock()
"""Transactions on SQLite run in a thread of their own."""


def hit(point: str) -> bool:
    """Return whether the step is to be taken twice; die, raise or stand still where a test has ordered it."""
    if _armed is None:
        return False
    return _reached(point)


def arm(environment: Mapping[str, str]) -> None:
    """Arm what the environment orders, where it holds both variables; one alone is ignored, with a warning.

    Raises ConfigurationError for an order that cannot be read.
    """
    global _armed
    plan, switch = environment.get(PLAN), environment.get(SWITCH)
    if plan and switch == ARMED_BY:
        _armed = dict(_read(order.strip()) for order in plan.split(","))
        log.warning("failpoints_armed", points=sorted(_armed))
    elif plan or switch:
        log.warning("failpoints_ignored", note=f"{PLAN} and {SWITCH} only work together, and only in tests")


def _read(text: str) -> tuple[str, _Order]:
    found = _ORDER.fullmatch(text)
    if found is None or found["action"] not in list(Action):
        raise ConfigurationError(f"{PLAN}: {text!r} is no order: write point=action, with :seconds or @n after it")
    return found["point"], _Order(Action(found["action"]), int(found["nth"] or 1), float(found["seconds"] or 1))


def _reached(point: str) -> bool:
    assert _armed is not None
    order = _armed.get(point)
    if order is None:
        return False
    with _lock:
        if not order.is_due():
            return False
    log.warning("failpoint_reached", point=point, action=order.action.value, hit=order.nth)
    match order.action:
        case Action.KILL:
            os._exit(KILLED)
        case Action.RAISE:
            raise FailpointReached(point)
        case Action.SLEEP:
            time.sleep(order.seconds)
        case Action.TWICE:
            return True
    return False
