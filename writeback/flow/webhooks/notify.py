"""Notify: the last step of a writeback's way. Each app's webhooks are notified of its changes, signed, at least once.

SQL is the truth: a cursor for each webhook says how far events have become deliveries, and a delivery is a row until
the receiver has answered. A wake, or a sweep, only starts this. Deliveries are not sent inside arq's jobs: receivers
may be slow, and arq's places are for lanes.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from writeback.core import failpoints, outage_logs, tracing
from writeback.core.background_tasks import end_tasks
from writeback.flow.engine.context import FlowContext
from writeback.flow.webhooks.outbox import Attempted, Claim, Outbox
from writeback.notifier.answers import Answered, NotAnswered
from writeback.notifier.signing import signed_headers
from writeback.store.writebacks.event_log import Horizon

if TYPE_CHECKING:
    from writeback.notifier.sender import WebhookSender  # loads aiohttp, which the API does without

_TURN_S = 30.0
"""After so long a webhook gives its place to others that wait for one."""
_GRACE_S = 5.0
"""How long a stopping process waits for attempts under way; what it cuts off goes again from another one."""


@dataclass
class _Place:
    """One webhook that is being served, or waits to be."""

    task: "asyncio.Task[None]"
    again: bool = False
    """It was woken since it began: there may be more than it has seen."""


@dataclass
class Notifier:
    """Serves webhooks, each by a task of its own. Close it before the database."""

    flow: FlowContext
    sender: "WebhookSender"
    _places: dict[str, _Place] = field(default_factory=dict)
    _closing: bool = False

    def __post_init__(self) -> None:
        self._outbox, self._horizon = Outbox(self.flow), Horizon(self.flow.db)
        self._slots = asyncio.Semaphore(self.flow.settings.webhooks.served_at_once)

    async def wake(self, webhook_id: str) -> None:
        """See to it that the webhook is served soon; returns at once."""
        if self._closing:
            return
        place = self._places.get(webhook_id)
        if place is not None:
            place.again = True
            return
        task = asyncio.create_task(self._serve(webhook_id), name=f"notify {webhook_id}")
        self._places[webhook_id] = _Place(task)

    async def settled(self) -> None:
        """Return when nobody is being served."""
        while self._places:
            await asyncio.gather(*(place.task for place in list(self._places.values())))

    async def aclose(self) -> None:
        """Begin nothing more; return when what is under way has ended, or was cut off."""
        self._closing = True
        tasks = [place.task for place in self._places.values()]
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=_GRACE_S)
            await end_tasks(late)
        await self.sender.aclose()

    async def _serve(self, webhook_id: str) -> None:
        place: _Place | None = None
        try:
            async with self._slots:
                place = self._places[webhook_id]
                place.again = False
                await self._drain(webhook_id)
        except Exception as error:
            # No traceback: exception texts may quote a record. The sweeper wakes us again.
            outage_logs.error("notify_failed", error, webhook_id=webhook_id)
            place = None
        finally:
            del self._places[webhook_id]
        if place is not None and place.again:
            await self.wake(webhook_id)

    async def _drain(self, webhook_id: str) -> None:
        """Send what is due, as many at a time as may be, until nothing is."""
        until = self.flow.clock.monotonic() + _TURN_S
        sending: set[asyncio.Task[Attempted]] = set()
        done: Sequence[Attempted] = ()
        try:
            while True:
                horizon = await self._horizon.settled()
                may_claim = not self._closing and self.flow.clock.monotonic() < until
                claims = await self._outbox.step(webhook_id, horizon, done, may_claim=may_claim)
                sending |= {asyncio.create_task(self._attempt(claim)) for claim in claims}
                if not sending:
                    return
                ended, sending = await asyncio.wait(sending, return_when=asyncio.FIRST_COMPLETED)
                done = [task.result() for task in ended]
        finally:
            await end_tasks(sending)

    async def _attempt(self, claim: Claim) -> Attempted:
        headers = signed_headers(claim.delivery_id, self.flow.clock.now(), claim.body, claim.secrets)
        if failpoints.hit("notify.before_send"):
            await self.sender.post(claim.url, claim.body, headers)
        began = self.flow.clock.monotonic()
        with tracing.spans("webhook", [claim.trace], "client", delivery_id=claim.delivery_id) as spans:
            spans.note(webhook_id=claim.webhook_id, attempt=claim.attempt)
            if spans.parents:
                headers["traceparent"] = spans.parents[0]
            attempted = Attempted(claim, await self.sender.post(claim.url, claim.body, headers))
            spans.note(result=_result_of(attempted))
        self.flow.meters.delivery(_result_of(attempted), self.flow.clock.monotonic() - began)
        failpoints.hit("notify.after_send")
        return attempted


def _result_of(attempted: Attempted) -> str:
    """Return what is counted of an attempt, as `Meters` names it."""
    match attempted.result:
        case NotAnswered():
            return "not_answered"
        case Answered(status=status):
            return "delivered" if 200 <= status < 300 else "refused"
