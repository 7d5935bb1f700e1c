"""The webhooks that carry callbacks of single requests: one for each app and host, so that hosts fail by themselves."""

from urllib.parse import urlsplit

from writeback.core.ids import new_id
from writeback.flow.engine.context import FlowContext
from writeback.flow.webhooks import signing_secrets
from writeback.flow.webhooks.endpoint_checks import USUAL_STATUSES
from writeback.flow.webhooks.formats import WebhookFormat
from writeback.notifier.addresses import AddressPolicy, fault_of
from writeback.notifier.signing import new_secret
from writeback.store.apps import dropin
from writeback.store.tables import WebhookRow
from writeback.store.writebacks.event_log import newest_id

_FORMAT = WebhookFormat.XPORTER.value


class CallbackRefused(Exception):
    """The request's callback may not be called; the text says why."""


async def webhook_for_callback(flow: FlowContext, app: str, url: str) -> str:
    """Return the webhook that carries the app's callbacks to the URL's host, made where there is none yet.

    Raise CallbackRefused for a URL that webhooks may not have, and where the app calls too many hosts already.
    """
    fault = fault_of(url, AddressPolicy.of(flow.settings.webhooks))
    if fault is not None:
        raise CallbackRefused(fault)
    split = urlsplit(url)
    origin = f"{split.scheme}://{split.netloc}".lower()
    async with flow.db.read() as session:
        known = await dropin.callback_webhook(session, app, _FORMAT, origin)
    if known is not None:
        return known.id
    async with flow.db.write() as session:
        count = await dropin.count_callback_webhooks(session, app, _FORMAT)
        known = await dropin.callback_webhook(session, app, _FORMAT, origin)
        if known is not None:
            return known.id
        if count >= flow.settings.doors.max_callback_hosts:
            raise CallbackRefused(f"callbacks go to {count} hosts already, which is the most")
        row = _new_webhook(flow, app, origin, await newest_id(session))
        session.add(row)
    return row.id


def _new_webhook(flow: FlowContext, app: str, origin: str, cursor: int) -> WebhookRow:
    now = flow.clock.now()
    return WebhookRow(
        id=new_id("whk", now),
        app_id=app,
        url=origin,
        description="Callbacks that requests to the Xporter drop-in endpoint ask for",
        statuses=[status.value for status in USUAL_STATUSES if status.is_final],
        format=_FORMAT,
        secrets=signing_secrets.seal_first(flow.secrets, new_secret()),
        cursor=cursor,
        created_at=now,
        updated_at=now,
    )
