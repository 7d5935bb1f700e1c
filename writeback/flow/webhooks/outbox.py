"""The transactions of notify: events become deliveries, deliveries are claimed, attempts have their results.

What if the process dies? Before the commit of `step` nothing has been made or claimed. After it and before the next, an
attempt may or may not have reached the receiver: its claim runs out, and it goes again with the same `webhook-id`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import assert_never

import structlog
from sqlmodel import Session

from writeback.core import failpoints, outage_logs, tracing
from writeback.core.ids import new_id
from writeback.flow.engine.context import FlowContext
from writeback.flow.webhooks.delivery_verdicts import Delivered, Failed, judge
from writeback.flow.webhooks.formats import WebhookFormat, compose
from writeback.flow.webhooks.signing_secrets import signing
from writeback.notifier.answers import Answered, NotAnswered
from writeback.store.apps import outbox
from writeback.store.apps.outbox import DeliveryState
from writeback.store.tables import DeliveryRow, WebhookRow
from writeback.store.writebacks import traces
from writeback.store.writebacks.event_log import SPAN, EventFilter, events_to_tell

log = structlog.get_logger()

_MESSAGES_AT_ONCE = 100
_BACK_AFTER = timedelta(minutes=5)
"""A receiver that answers again after failing for so long has all that waits at once."""


@dataclass(frozen=True)
class Claim:
    """One attempt to be made."""

    delivery_id: str
    attempt: int
    webhook_id: str
    url: str
    body: str
    secrets: tuple[str, ...]
    trace: str | None = None
    """That of the writeback, where it is traced."""


@dataclass(frozen=True)
class Attempted:
    """One attempt that was made, and what came of it."""

    claim: Claim
    result: Answered | NotAnswered


@dataclass(frozen=True)
class Outbox:
    """Moves one webhook's deliveries on."""

    flow: FlowContext

    async def step(
        self, webhook_id: str, horizon: int, attempted: Sequence[Attempted], *, may_claim: bool
    ) -> Sequence[Claim]:
        """Record what was attempted, make deliveries of events up to `horizon`, and claim what may be sent now."""
        step = partial(self._step, webhook_id, horizon, attempted, may_claim)
        if failpoints.hit("notify.before_step"):
            await self.flow.db.transact(step)
        claims = await self.flow.db.transact(step)
        failpoints.hit("notify.after_step")
        return claims

    def _step(
        self, webhook_id: str, horizon: int, attempted: Sequence[Attempted], may_claim: bool, session: Session
    ) -> Sequence[Claim]:
        webhook = outbox.lock(session, webhook_id)
        if webhook is None:
            return []
        for one in attempted:
            self._record(session, webhook, one)
        session.add(webhook)
        if webhook.disabled_at is not None:
            return []
        self._make(session, webhook, horizon)
        session.flush()
        claims = self._claim(session, webhook) if may_claim else []
        failpoints.hit("notify.step_uncommitted")
        return claims

    def _make(self, session: Session, webhook: WebhookRow, horizon: int) -> None:
        """Make a delivery of each event that the webhook wants to hear of, in their order, and move its cursor on."""
        upto = min(horizon, webhook.cursor + SPAN)
        if upto <= webhook.cursor:
            return
        schools = None if webhook.schools is None else frozenset(webhook.schools)
        wanted = EventFilter(app=webhook.app_id, schools=schools, statuses=webhook.statuses)
        events = events_to_tell(session, webhook.cursor, upto, wanted, _MESSAGES_AT_ONCE)
        rows = outbox.writebacks_of(session, [event.writeback_id for event in events])
        now = self.flow.clock.now()
        for event in events:
            payload = compose(session, webhook, event, rows[event.writeback_id], webhook.sequence + 1)
            if payload is None:
                continue
            webhook.sequence += 1
            session.add(
                DeliveryRow(
                    id=new_id("msg", now),
                    webhook_id=webhook.id,
                    sequence=webhook.sequence,
                    event_id=event.id,
                    writeback_id=event.writeback_id,
                    type=payload.type,
                    url=payload.url,
                    payload=payload.body,
                    state=DeliveryState.PENDING,
                    next_attempt_at=now,
                    created_at=now,
                )
            )
        webhook.cursor = upto if len(events) < _MESSAGES_AT_ONCE else events[-1].id

    def _claim(self, session: Session, webhook: WebhookRow) -> Sequence[Claim]:
        now, settings = self.flow.clock.now(), self.flow.settings.webhooks
        if webhook.not_before is not None and webhook.not_before > now:
            return []
        most = 1 if webhook.failing_since is not None else settings.concurrency
        room = most - outbox.under_way(session, webhook.id, now)
        if room <= 0:
            return []
        rows = outbox.due_deliveries(session, webhook.id, now, room)
        secrets = signing(self.flow.secrets, webhook.secrets, now) if rows else ()
        told = [row.writeback_id for row in rows if row.writeback_id] if tracing.is_on() else []
        trace_of = traces.of_writebacks(session, told) if told else {}
        claims = []
        for row in rows:
            row.attempts += 1
            row.tries += 1
            row.state, row.last_attempt_at = DeliveryState.SENDING, now
            row.next_attempt_at = now + timedelta(seconds=settings.timeout_s + settings.claim_margin_s)
            session.add(row)
            trace = trace_of.get(row.writeback_id or "")
            url = row.url or webhook.url
            claims.append(Claim(row.id, row.attempts, webhook.id, url, row.payload, secrets, trace))
        return claims

    def _record(self, session: Session, webhook: WebhookRow, attempted: Attempted) -> None:
        claim = attempted.claim
        row = outbox.find_attempt(session, claim.delivery_id, claim.attempt)
        if row is None:
            return  # it took so long that another worker has tried since: that one's word counts
        now = self.flow.clock.now()
        verdict = judge(
            attempted.result,
            row.tries,
            now=now,
            failing_since=webhook.failing_since,
            settings=self.flow.settings.webhooks,
            rng=self.flow.rng,
        )
        match verdict:
            case Delivered():
                row.state, row.delivered_at, row.next_attempt_at = DeliveryState.DELIVERED, now, None
                row.http_status, row.error = getattr(attempted.result, "status", None), None
                session.add(row)
                self._answers_again(session, webhook)
            case Failed():
                self._failed(session, webhook, row, verdict)
            case _:
                assert_never(verdict)
        said = {"delivery_id": row.id, "attempt": row.attempts, "state": row.state}
        if row.error is None:
            log.info("webhook_attempted", webhook_id=webhook.id, **said)
        else:
            look, seldom = "writeback webhooks list", outage_logs.SELDOM_S
            outage_logs.warning("webhook_failing", row.error, of=webhook.id, look=look, quiet_s=seldom, **said)

    def _answers_again(self, session: Session, webhook: WebhookRow) -> None:
        now = self.flow.clock.now()
        if webhook.failing_since is not None and now - webhook.failing_since >= _BACK_AFTER:
            session.flush()
            outbox.bring_forward(session, webhook.id, now)
        webhook.failing_since = webhook.not_before = None

    def _failed(self, session: Session, webhook: WebhookRow, row: DeliveryRow, verdict: Failed) -> None:
        now = self.flow.clock.now()
        row.state = DeliveryState.PENDING if verdict.again_at else DeliveryState.FAILED
        row.next_attempt_at, row.http_status, row.error = verdict.again_at, verdict.http_status, verdict.error
        session.add(row)
        webhook.failing_since = webhook.failing_since or now
        webhook.not_before = verdict.leave_alone_until or webhook.not_before
        is_of_callbacks = webhook.format == WebhookFormat.XPORTER  # one URL of many on the host says nothing of others
        if verdict.disable is not None and webhook.disabled_at is None and not is_of_callbacks:
            webhook.disabled_at, webhook.disabled_reason = now, verdict.disable
            log.warning("webhook_disabled", webhook_id=webhook.id, app_id=webhook.app_id, reason=verdict.disable)
