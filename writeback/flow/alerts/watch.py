"""One look, now and then: what is amiss is gathered and written down, and reports of sessions are made."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from functools import partial
from zoneinfo import ZoneInfo

from sqlmodel import Session

from writeback.domain.alerts import Condition
from writeback.domain.mode import Mode, mode_of
from writeback.flow.alerts.conditions import Facts, FailingWebhook, conditions_of
from writeback.flow.alerts.incidents import Look
from writeback.flow.alerts.queue_watch import QueueWatch
from writeback.flow.alerts.session_reports import report_those_due
from writeback.flow.engine.context import FlowContext
from writeback.flow.projections.overview import Overviews
from writeback.flow.schools.quiet_schools import ask_about
from writeback.flow.webhooks.delivery_verdicts import SWITCHED_OFF
from writeback.store.alerts import incidents
from writeback.store.apps import webhooks
from writeback.store.tables import WebhookRow


@dataclass(frozen=True)
class AlertWatch:
    """Looks. Several workers may: one does at a time, and the others leave it at that."""

    flow: FlowContext
    overviews: Overviews
    queue: QueueWatch

    async def look(self, *, times: float = 1.0) -> bool:
        """Look, unless somebody has done so lately; return whether it was this one.

        `times`: lately means so many times `alerts.every_s`. Workers look as often as that says; an API, which would
        rather leave it to them, only when none of them has.
        """
        settings, now = self.flow.settings.alerts, self.flow.clock.now()
        recently = now - timedelta(seconds=settings.every_s * times * 0.9)
        async with self.flow.db.read() as session:
            if await session.run_sync(lambda plain: incidents.has_looked_since(plain, recently)):  # type: ignore[arg-type]
                return False
        facts = await self._facts(now)
        await ask_about(self.flow, facts.overview.quiet)
        conditions = conditions_of(facts, settings)
        await report_those_due(self.flow, now)
        return await self.flow.db.transact(partial(self._record, conditions, recently, now))

    def _record(self, conditions: Sequence[Condition], recently: datetime, now: datetime, session: Session) -> bool:
        cursor = incidents.lock_cursor(session)
        if cursor.looked_at is not None and cursor.looked_at > recently:
            return False
        cursor.looked_at = now
        session.add(cursor)
        Look(session, now, self.flow.settings.alerts).record(conditions)
        return True

    async def _facts(self, now: datetime) -> Facts:
        zone = ZoneInfo(self.flow.settings.console.timezone)
        midnight = datetime.combine(now.astimezone(zone).date(), time(), zone).astimezone(UTC)
        overview = await self.overviews.without_causes(None, midnight)
        async with self.flow.db.read() as session:
            failing = await webhooks.not_working(session, switched_off=SWITCHED_OFF)
        of_live = [row for row in failing if mode_of(row.app_id) is Mode.LIVE]
        return Facts(overview, [_failing(row, now) for row in of_live], await self.queue.look())


def _failing(row: WebhookRow, now: datetime) -> FailingWebhook:
    since = row.disabled_at or row.failing_since or now
    return FailingWebhook(row.id, since, row.disabled_at is not None, row.schools)
