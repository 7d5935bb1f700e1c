"""The loop that looks and tells: each worker's, and each API's, should no worker look."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from redis.asyncio import Redis

from writeback.core import outage_logs
from writeback.flow.alerts.queue_watch import QueueWatch
from writeback.flow.alerts.sending import AlertSending
from writeback.flow.alerts.watch import AlertWatch
from writeback.flow.engine.context import FlowContext
from writeback.flow.projections.overview import Overviews
from writeback.notifier.mail import MailSender
from writeback.queue.pulse import read_all

if TYPE_CHECKING:
    from writeback.notifier.sender import WebhookSender  # loads aiohttp, which the API does without

_STAND_IN_AFTER = 4.0
"""An API looks when no worker has looked for so many times `alerts.every_s`: nobody else would say that none runs."""


class Runs(Protocol):
    """Whatever runs work in the background."""

    async def run(self, work: Coroutine[Any, Any, Any]) -> Any: ...


@dataclass(frozen=True)
class Telling:
    """Looks whether anything is amiss, and tells whoever is to be told."""

    watch: AlertWatch
    sending: AlertSending
    is_stand_in: bool = False

    async def once(self) -> None:
        """Look, and send what is due; a stand-in does so only where nobody has looked."""
        has_looked = await self.watch.look(times=_STAND_IN_AFTER if self.is_stand_in else 1.0)
        if has_looked or not self.is_stand_in:
            await self.sending.send_due()

    async def keep_on(self, pace: Runs | None = None) -> None:
        """Go on until cancelled; an error is logged, and the next look tries again."""
        flow = self.watch.flow
        while True:
            await asyncio.sleep(flow.settings.alerts.every_s * flow.rng.uniform(0.8, 1.2))
            try:
                await (self.once() if pace is None else pace.run(self.once()))
            except Exception as error:
                outage_logs.error("alerts_failed", error)


def create_telling(
    flow: FlowContext, redis: Redis, sender: Callable[[], "WebhookSender"], *, is_stand_in: bool = False
) -> Telling:
    """Return what looks and tells; `sender` gives the process's own, when it is needed."""
    return Telling(
        AlertWatch(flow, Overviews(flow.db, flow.clock), QueueWatch(partial(read_all, redis), flow.clock)),
        AlertSending(flow, sender, MailSender(flow.settings.alerts.mail)),
        is_stand_in,
    )
