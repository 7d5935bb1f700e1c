"""What an attempt at a webhook means: a pure decision. `flow/webhooks/outbox.py` carries it out."""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta

from writeback.core.settings import WebhookSettings
from writeback.notifier.answers import Answered, NotAnswered

GONE = "gone"
ALWAYS_FAILING = "always_failing"
BY_APP = "by_app"
BY_STAFF = "by_staff"
SWITCHED_OFF = (BY_APP, BY_STAFF)
"""Somebody did so, and it is no fault."""
_BUSY = (429, 503)


@dataclass(frozen=True)
class Delivered:
    """The receiver has it."""


@dataclass(frozen=True)
class Failed:
    """It has not. `error` is the class of the failure.

    `again_at` None: that was the last attempt. `leave_alone_until`: the receiver asked for a pause. `disable`: why the
    webhook is to be disabled.
    """

    error: str
    http_status: int | None
    again_at: datetime | None
    leave_alone_until: datetime | None = None
    disable: str | None = None


Verdict = Delivered | Failed


def judge(
    result: Answered | NotAnswered,
    tries: int,
    *,
    now: datetime,
    failing_since: datetime | None,
    settings: WebhookSettings,
    rng: random.Random,
) -> Verdict:
    """Return what follows; `tries` counts this attempt too, `failing_since` is the first failure since a success."""
    if isinstance(result, Answered) and 200 <= result.status < 300:
        return Delivered()
    status = result.status if isinstance(result, Answered) else None
    error = f"http_{status}" if isinstance(result, Answered) else result.error
    if status == 410:
        return Failed(error, status, None, disable=GONE)
    pause = None
    if isinstance(result, Answered) and status in _BUSY and result.retry_after_s is not None:
        pause = now + timedelta(seconds=result.retry_after_s)
    again_at = _again_at(tries, now, settings, rng)
    if again_at is not None and pause is not None:
        again_at = max(again_at, pause)
    patience = timedelta(seconds=settings.disable_after_s)
    is_hopeless = failing_since is not None and now - failing_since >= patience
    return Failed(error, status, again_at, pause, disable=ALWAYS_FAILING if is_hopeless else None)


def _again_at(tries: int, now: datetime, settings: WebhookSettings, rng: random.Random) -> datetime | None:
    schedule = settings.retry_after_s
    if tries > len(schedule):
        return None
    return now + timedelta(seconds=schedule[tries - 1] * rng.uniform(1 - settings.jitter, 1 + settings.jitter))
