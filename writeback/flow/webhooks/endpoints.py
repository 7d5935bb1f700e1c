"""Webhooks of apps: add, list, change, remove, test, redeliver. The API calls this; `notify` sends."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlmodel.ext.asyncio.session import AsyncSession

from writeback.core.errors import Conflict, NotFound
from writeback.core.ids import new_id
from writeback.domain.access import Caller
from writeback.domain.actor import actor_of
from writeback.flow.engine.context import FlowContext
from writeback.flow.webhooks import signing_secrets
from writeback.flow.webhooks.delivery_verdicts import BY_APP, BY_STAFF, SWITCHED_OFF
from writeback.flow.webhooks.endpoint_checks import NewWebhook, app_for, may_see, refuse_findings, schools_for
from writeback.flow.webhooks.formats import WebhookFormat
from writeback.flow.webhooks.payload import TEST_TYPE, test_message
from writeback.flow.webhooks.views import delivery_view, webhook_view
from writeback.notifier.addresses import AddressPolicy
from writeback.notifier.signing import new_secret
from writeback.store.apps import keys, webhooks
from writeback.store.apps.outbox import DeliveryState
from writeback.store.people import audit
from writeback.store.reads.pages import cut, decode_cursor, decode_number, encode_cursor
from writeback.store.tables import DeliveryRow, WebhookRow
from writeback.store.writebacks.event_log import newest_id
from writeback_client.models import webhooks as shown
from writeback_client.models.base import Page
from writeback_client.models.webhooks import Delivery, Recovered, Webhook

log = structlog.get_logger()

MOST_RECOVERED = 10_000
"""Deliveries that one call has sent again."""


@dataclass(frozen=True)
class Webhooks:
    """The webhooks. What a key may not look after is not there for it."""

    flow: FlowContext

    async def create(self, caller: Caller, new: NewWebhook) -> shown.NewWebhook:
        """Add a webhook; it is notified of what happens from now on. Raise InvalidSubmission, Forbidden, NotFound or
        Conflict."""
        app, schools = app_for(caller, new.app), schools_for(caller, new.schools)
        given = {"url": new.url, "statuses": new.statuses, "schools": schools, "format": new.format}
        now, secret = self.flow.clock.now(), new_secret()
        async with self.flow.db.write() as session:
            await self._refuse(session, given)
            if not await webhooks.has_app(session, app):
                raise NotFound("app_unknown", f"there is no app {app[:64]!r}", hint="Make it a key first.")
            count = await webhooks.count_of_app(session, app, besides=WebhookFormat.XPORTER)  # they come with requests
            if count >= self.flow.settings.webhooks.max_per_app:
                raise Conflict(
                    "webhooks_too_many",
                    f"the app has {self.flow.settings.webhooks.max_per_app} webhooks, which is the most",
                    hint="Remove one, or change one.",
                )
            row = WebhookRow(
                id=new_id("whk", now),
                app_id=app,
                url=new.url,
                description=new.description,
                statuses=_unique(new.statuses),
                schools=schools,
                format=new.format.value,
                secrets=signing_secrets.seal_first(self.flow.secrets, secret),
                cursor=await newest_id(session),
                created_at=now,
                updated_at=now,
            )
            session.add(row)
            _note(session, caller, now, "create", row)
        log.info("webhook_created", webhook_id=row.id, app_id=app, key_id=caller.key_id)
        return _with_secret(self._view(row, 0), secret)

    async def list(self, caller: Caller, *, limit: int, cursor: str | None = None) -> Page[Webhook]:
        """Return a page of the webhooks that the key may look after, the newest first."""
        before, found = decode_cursor(cursor), list[WebhookRow]()
        async with self.flow.db.read() as session:
            # Those that the key may not see are filtered out here, not in SQL: an app has few.
            while len(found) <= limit:
                rows = await webhooks.page(session, app=caller.owns_app, before=before, limit=limit + 1)
                found += [row for row in rows if may_see(caller, row.app_id, row.schools)]
                if len(rows) <= limit:
                    break
                before = rows[-1].id
            counts = await webhooks.waiting_counts(session, [row.id for row in found])
        views = [self._view(row, counts.get(row.id, 0)) for row in found]
        if len(views) <= limit:
            return Page(items=views)
        return Page(items=views[:limit], next_cursor=encode_cursor(views[limit - 1].id))

    async def not_working(self, caller: Caller) -> Sequence[Webhook]:
        """Return those that the key may look after and that get nothing through, or were disabled for it; the one that
        is so longest first."""
        async with self.flow.db.read() as session:
            found = await webhooks.not_working(session, switched_off=SWITCHED_OFF)
            rows = [row for row in found if may_see(caller, row.app_id, row.schools)]
            counts = await webhooks.waiting_counts(session, [row.id for row in rows])
        rows.sort(key=lambda row: row.failing_since or row.disabled_at or row.updated_at)
        return [self._view(row, counts.get(row.id, 0)) for row in rows]

    async def get(self, caller: Caller, webhook_id: str) -> Webhook:
        """Return one; raise NotFound."""
        async with self.flow.db.read() as session:
            row = _seen(caller, webhook_id, await webhooks.find(session, webhook_id))
            return await self._counted(session, row)

    async def change(self, caller: Caller, webhook_id: str, changes: Mapping[str, Any], *, reason: str = "") -> Webhook:
        """Change what is given: url, description, statuses, schools, enabled. Raise NotFound or InvalidSubmission.

        One that is enabled again resumes where it stopped: events since then are sent.
        """
        given = dict(changes)
        if "schools" in given:
            given["schools"] = schools_for(caller, given["schools"])
        if "statuses" in given:
            given["statuses"] = _unique(given["statuses"])
        async with self.flow.db.write() as session:
            row = _seen(caller, webhook_id, await webhooks.lock(session, webhook_id))
            await self._refuse(session, given)
            enabled = given.pop("enabled", None)
            for name, value in given.items():
                setattr(row, name, value)
            if enabled is not None:
                self._switch(row, BY_APP if caller.staff_name is None else BY_STAFF, is_on=enabled)
            row.updated_at = self.flow.clock.now()
            session.add(row)
            _note(session, caller, row.updated_at, "change", row, reason, fields=sorted(changes))
            await session.flush()
            view = await self._counted(session, row)
        log.info("webhook_changed", webhook_id=webhook_id, fields=sorted(changes), key_id=caller.key_id)
        await self.flow.waker.wake("notify", [webhook_id])
        return view

    async def remove(self, caller: Caller, webhook_id: str, *, reason: str = "") -> None:
        """Delete one with all its deliveries; raise NotFound."""
        async with self.flow.db.write() as session:
            row = _seen(caller, webhook_id, await webhooks.lock(session, webhook_id))
            _note(session, caller, self.flow.clock.now(), "remove", row, reason)
            await webhooks.remove(session, row)
        log.info("webhook_removed", webhook_id=webhook_id, key_id=caller.key_id)

    async def rotate(
        self, caller: Caller, webhook_id: str, *, keep_old_s: float | None = None, reason: str = ""
    ) -> shown.NewWebhook:
        """Give it a new secret; the old one signs beside it for `keep_old_s` seconds, else as the settings say."""
        now, secret = self.flow.clock.now(), new_secret()
        keep = timedelta(seconds=self.flow.settings.webhooks.old_secret_s if keep_old_s is None else keep_old_s)
        async with self.flow.db.write() as session:
            row = _seen(caller, webhook_id, await webhooks.lock(session, webhook_id))
            row.secrets = signing_secrets.replace(self.flow.secrets, row.secrets, secret, now, keep=keep)
            row.updated_at = now
            session.add(row)
            _note(session, caller, now, "rotate", row, reason)
            view = await self._counted(session, row)
        log.info("webhook_secret_rotated", webhook_id=webhook_id, key_id=caller.key_id)
        return _with_secret(view, secret)

    async def test(self, caller: Caller, webhook_id: str) -> Delivery:
        """Send a test message; its delivery says what came of it."""
        now = self.flow.clock.now()
        async with self.flow.db.write() as session:
            row = _enabled(_seen(caller, webhook_id, await webhooks.lock(session, webhook_id)))
            row.sequence += 1
            delivery = DeliveryRow(
                id=new_id("msg", now),
                webhook_id=row.id,
                sequence=row.sequence,
                type=TEST_TYPE,
                payload=test_message(row.id, now, row.sequence),
                state=DeliveryState.PENDING,
                next_attempt_at=now,
                created_at=now,
            )
            session.add_all([row, delivery])
            _note(session, caller, now, "test", row)
        await self.flow.waker.wake("notify", [webhook_id])
        return delivery_view(delivery)

    async def deliveries(
        self,
        caller: Caller,
        webhook_id: str,
        *,
        states: Collection[DeliveryState] = (),
        limit: int,
        cursor: str | None = None,
    ) -> Page[Delivery]:
        """Return a page of what was sent to it, the latest first; raise NotFound."""
        before = decode_number(cursor)
        async with self.flow.db.read() as session:
            _seen(caller, webhook_id, await webhooks.find(session, webhook_id))
            rows = await webhooks.deliveries(session, webhook_id, states=states, before=before, limit=limit + 1)
        return cut([delivery_view(row) for row in rows], limit, lambda view: view.sequence)

    async def redeliver(self, caller: Caller, webhook_id: str, delivery_id: str) -> Delivery:
        """Send one again, with the same `webhook-id` and a new schedule; raise NotFound, or Conflict if it is disabled.

        One that is being sent just now is left to that.
        """
        async with self.flow.db.write() as session:
            webhook = _enabled(_seen(caller, webhook_id, await webhooks.lock(session, webhook_id)))
            row = await webhooks.lock_delivery(session, webhook_id, delivery_id)
            if row is None:
                raise NotFound(
                    "delivery_unknown",
                    f"the webhook has no delivery {delivery_id[:64]!r}",
                    hint="GET /v1/webhooks/{id}/deliveries lists them; old ones are forgotten.",
                )
            if row.state != DeliveryState.SENDING:
                row.state, row.next_attempt_at, row.tries = DeliveryState.PENDING, self.flow.clock.now(), 0
                row.delivered_at = None
                session.add(row)
            _note(session, caller, self.flow.clock.now(), "redeliver", webhook, delivery=delivery_id)
        await self.flow.waker.wake("notify", [webhook_id])
        return delivery_view(row)

    async def recover(self, caller: Caller, webhook_id: str, since: datetime) -> Recovered:
        """Have all that was given up since then sent again, each with the same `webhook-id` and a new schedule; raise
        NotFound, or Conflict if it is disabled. Called twice it does nothing twice: what waits is not given up."""
        now = self.flow.clock.now()
        async with self.flow.db.write() as session:
            row = _enabled(_seen(caller, webhook_id, await webhooks.lock(session, webhook_id)))
            asked, more = await webhooks.recover(session, webhook_id, since, now, MOST_RECOVERED)
            _note(session, caller, now, "recover", row, since=since.isoformat(), deliveries=asked)
        log.info("webhook_recovered", webhook_id=webhook_id, deliveries=asked, key_id=caller.key_id)
        await self.flow.waker.wake("notify", [webhook_id])
        return Recovered(deliveries=asked, more=more)

    async def _refuse(self, session: AsyncSession, given: Mapping[str, Any]) -> None:
        unknown = await keys.unknown_schools(session, given.get("schools") or [])
        refuse_findings(given, AddressPolicy.of(self.flow.settings.webhooks), unknown)

    def _switch(self, row: WebhookRow, by: str, *, is_on: bool) -> None:
        if is_on:
            row.disabled_at = row.disabled_reason = row.failing_since = row.not_before = None
        elif row.disabled_at is None:
            row.disabled_at, row.disabled_reason = self.flow.clock.now(), by

    async def _counted(self, session: AsyncSession, row: WebhookRow) -> Webhook:
        return self._view(row, (await webhooks.waiting_counts(session, [row.id])).get(row.id, 0))

    def _view(self, row: WebhookRow, waiting: int) -> Webhook:
        return webhook_view(row, waiting, self.flow.secrets, self.flow.clock.now())


def _note(
    session: AsyncSession, caller: Caller, now: datetime, action: str, row: WebhookRow, reason: str = "", **noted: Any
) -> None:
    audit.note(session, actor_of(caller, reason), now, f"webhook.{action}", row.id, app=row.app_id, changed=noted)


def _with_secret(view: Webhook, secret: str) -> shown.NewWebhook:
    return shown.NewWebhook(**vars(view), secret=secret)


def _unique(statuses: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(str(status) for status in statuses))


def _seen(caller: Caller, webhook_id: str, row: WebhookRow | None) -> WebhookRow:
    if row is None or not may_see(caller, row.app_id, row.schools):
        raise NotFound(
            "webhook_unknown",
            f"no webhook {webhook_id[:64]!r} that this key may look after",
            hint="Check the id, and that the key is one of its app, for all of its schools.",
        )
    return row


def _enabled(row: WebhookRow) -> WebhookRow:
    if row.disabled_at is not None:
        raise Conflict(
            "webhook_disabled", f"the webhook is disabled: {row.disabled_reason}", hint='PATCH it with "enabled": true.'
        )
    return row
