"""An app's own view: what it called, what was refused and why, what became of its writebacks, how its webhooks do.

Read-only, and of the key's own app alone: never of another's, and never a pupil.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from writeback.core.clock import Clock
from writeback.core.errors import BadInput
from writeback.domain.access import Caller
from writeback.domain.states import Status
from writeback.flow.projections.usage_counter import CALL, EXAMPLES, FINDING
from writeback.store.apps import usage as store
from writeback.store.apps.outbox import DeliveryState
from writeback.store.reads.filters import Filter
from writeback.store.reads.writebacks_read import Reads
from writeback.store.sql.database import Database
from writeback.store.tables import UsageRow
from writeback_client.models import usage as shown

KEPT = timedelta(days=30)
"""For how long calls are remembered."""
_USUAL = timedelta(days=1)
_SAMPLE = 1_000
"""The latest confirmed writebacks, and deliveries of one webhook, that are looked at."""
_ANSWERS = 5


@dataclass(frozen=True)
class Usages:
    """Reads what `UsageCounter` writes, and what is there of writebacks and webhooks."""

    db: Database
    clock: Clock
    reads: Reads

    async def of(
        self, caller: Caller, since: datetime | None, by: Literal["hour", "day"], webhook_ids: Sequence[str]
    ) -> shown.Usage:
        """Return the view of the caller's app; raise BadInput where nothing is remembered of then any more."""
        now = self.clock.now()
        start = _checked(since or now - _USUAL, now)
        app = caller.app_id
        async with self.db.read() as session:
            rows = await store.counts(session, app, start.replace(minute=0, second=0, microsecond=0))
            seconds = await store.latest_confirmed(session, caller, start, _SAMPLE)
            sent = {one: await store.latest_sent(session, one, start, _SAMPLE) for one in webhook_ids}
        failed = (Status.FAILED.value, Status.PARTIAL.value)
        counts = await self.reads.count(caller, Filter(app=app, since=start))
        failures = await self.reads.count(caller, Filter(app=app, since=start, statuses=failed))
        calls = [row for row in rows if row.what == CALL]
        return shown.Usage(
            app=app,
            since=start,
            calls=sum(row.number for row in calls),
            refused=sum(row.number for row in calls if row.code),
            routes=_routes(calls),
            periods=_periods(calls, by),
            refusals=_causes(row for row in calls if row.code),
            findings=_causes(row for row in rows if row.what == FINDING),
            statuses=counts.statuses,
            failures=failures.findings,
            evidence=_evidence(sorted(seconds)),
            webhooks=tuple(_webhook(name, found) for name, found in sent.items()),
        )


def _checked(since: datetime, now: datetime) -> datetime:
    if since < now - KEPT:
        raise BadInput(
            "parameter_invalid",
            f"since is {since.isoformat()}: calls are remembered for {KEPT.days} days",
            hint="Send a later instant.",
        )
    return since


def _routes(calls: Sequence[UsageRow]) -> tuple[shown.RouteUsage, ...]:
    numbers, refused = Counter[str](), Counter[str]()
    for row in calls:
        numbers[row.route] += row.number
        refused[row.route] += row.number if row.code else 0
    return tuple(
        shown.RouteUsage(route=route, calls=number, refused=refused[route]) for route, number in numbers.most_common()
    )


def _periods(calls: Sequence[UsageRow], by: Literal["hour", "day"]) -> tuple[shown.PeriodUsage, ...]:
    numbers, refused = Counter[datetime](), Counter[datetime]()
    for row in calls:
        at = row.hour_at if by == "hour" else row.hour_at.replace(hour=0)
        numbers[at] += row.number
        refused[at] += row.number if row.code else 0
    return tuple(shown.PeriodUsage(at=at, calls=numbers[at], refused=refused[at]) for at in sorted(numbers))


def _causes(rows: Iterable[UsageRow]) -> tuple[shown.CauseUsage, ...]:
    """Return the causes of rows that come in the order of their hours, the most frequent first."""
    numbers = Counter[str]()
    examples = defaultdict[str, list[shown.RefusalExample]](list)
    for row in rows:
        numbers[row.code] += row.number
        examples[row.code] += [shown.RefusalExample(**one) for one in json.loads(row.examples or "[]")]
    return tuple(
        shown.CauseUsage(
            code=code, number=number, examples=tuple(sorted(examples[code], key=lambda one: one.at)[-EXAMPLES:])
        )
        for code, number in numbers.most_common()
    )


def _evidence(seconds: Sequence[float]) -> shown.TimeToEvidence:
    def within(part: float) -> float | None:
        return round(seconds[int(part * (len(seconds) - 1))], 3) if seconds else None

    return shown.TimeToEvidence(looked_at=len(seconds), half_within_s=within(0.5), most_within_s=within(0.95))


def _webhook(webhook_id: str, sent: Sequence[store.Sent]) -> shown.WebhookUsage:
    states = Counter(one.state for one in sent)
    delivered, failed = states[DeliveryState.DELIVERED], states[DeliveryState.FAILED]
    answers = [one for one in sent if one.last_attempt_at is not None][:_ANSWERS]
    return shown.WebhookUsage(
        id=webhook_id,
        looked_at=len(sent),
        delivered=delivered,
        failed=failed,
        waiting=len(sent) - delivered - failed,
        answers=tuple(
            shown.WebhookAnswer(at=one.last_attempt_at, http_status=one.http_status, error=one.error)
            for one in answers
            if one.last_attempt_at is not None
        ),
    )
