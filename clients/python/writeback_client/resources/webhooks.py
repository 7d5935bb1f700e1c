"""Webhooks: where an app is notified of changes, and what was sent there."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from writeback_client import aio, blocking
from writeback_client.calls import Call, as_model, delete, get, patch, path, post, said
from writeback_client.flows import Listing
from writeback_client.models.base import Page
from writeback_client.models.webhooks import Delivery, NewWebhook, Recovered, Webhook
from writeback_client.resources.lists import page, through
from writeback_client.resources.writebacks import OneOrMore

_LIST = "/v1/webhooks"


def list_page(*, limit: int | None = None, cursor: str | None = None) -> Call[Page[Webhook]]:
    """Return a page of the webhooks of the key's app, the newest first."""
    return page(_LIST, Webhook, limit=limit, cursor=cursor)


def iterate(*, at_most: int | None = None) -> Listing[Webhook]:
    """Go through the webhooks of the key's app, the newest first."""
    return through(_LIST, Webhook, at_most=at_most)


def fetch(webhook_id: str) -> Call[Webhook]:
    """Return a webhook: whether it works, since when not, and why; raise NotFound."""
    return get(path("/v1/webhooks/{}", webhook_id), as_model(Webhook))


def add(
    url: str,
    *,
    statuses: Sequence[str] | None = None,
    schools: Sequence[str] | None = None,
    description: str | None = None,
    app: str | None = None,
    format: Literal["standard", "wonde"] | None = None,
) -> Call[NewWebhook]:
    """Add a webhook; keep its `secret`, which is in this answer and nowhere else.

    Without `statuses` it is notified of the usual ones, without `schools` about all that the key may touch.
    `verify_webhook` reads the format `standard`; `wonde` sends what Wonde's own webhook would.
    """
    body = said(
        url=url, statuses=_plain(statuses), schools=_plain(schools), description=description, app=app, format=format
    )
    return post(_LIST, as_model(NewWebhook), body)


def change(
    webhook_id: str,
    *,
    url: str | None = None,
    statuses: Sequence[str] | None = None,
    schools: Sequence[str] | None = None,
    all_schools: bool = False,
    description: str | None = None,
    enabled: bool | None = None,
) -> Call[Webhook]:
    """Change what is given. One that is enabled again resumes where it stopped."""
    body = said(url=url, statuses=_plain(statuses), schools=_plain(schools), description=description, enabled=enabled)
    if all_schools:
        body["schools"] = None
    return patch(path("/v1/webhooks/{}", webhook_id), as_model(Webhook), body)


def remove(webhook_id: str) -> Call[None]:
    """Remove a webhook and its deliveries."""
    return delete(path("/v1/webhooks/{}", webhook_id))


def rotate(webhook_id: str, *, keep_old_s: float | None = None) -> Call[NewWebhook]:
    """Replace the secret. The old one signs beside it for a day, or for `keep_old_s` seconds."""
    return post(path("/v1/webhooks/{}/rotate", webhook_id), as_model(NewWebhook), said(keep_old_s=keep_old_s))


def test(webhook_id: str) -> Call[Delivery]:
    """Have a message sent that only says that messages arrive."""
    return post(path("/v1/webhooks/{}/test", webhook_id), as_model(Delivery))


def deliveries_page(
    webhook_id: str, *, state: OneOrMore | None = None, limit: int | None = None, cursor: str | None = None
) -> Call[Page[Delivery]]:
    """Return a page of what was sent, the latest first."""
    return page(path("/v1/webhooks/{}/deliveries", webhook_id), Delivery, state=state, limit=limit, cursor=cursor)


def deliveries(webhook_id: str, *, state: OneOrMore | None = None, at_most: int | None = None) -> Listing[Delivery]:
    """Go through what was sent, the latest first."""
    return through(path("/v1/webhooks/{}/deliveries", webhook_id), Delivery, at_most=at_most, state=state)


def redeliver(webhook_id: str, delivery_id: str) -> Call[Delivery]:
    """Send a delivery again, with the same `webhook-id`."""
    return post(path("/v1/webhooks/{}/deliveries/{}/redeliver", webhook_id, delivery_id), as_model(Delivery))


def recover(webhook_id: str, since: datetime) -> Call[Recovered]:
    """Have all that was given up since then sent again, with the same `webhook-id`s; 10,000 in one call at most."""
    return post(path("/v1/webhooks/{}/recover", webhook_id), as_model(Recovered), said(since=since), is_repeatable=True)


def _plain(given: Sequence[str] | None) -> list[str] | None:
    return None if given is None else [str(one) for one in given]


class Webhooks(blocking.Room):
    """`client.webhooks`."""

    list = blocking.one(list_page)
    iterate = blocking.each(iterate)
    get = blocking.one(fetch)
    add = blocking.one(add)
    change = blocking.one(change)
    remove = blocking.one(remove)
    rotate = blocking.one(rotate)
    test = blocking.one(test)
    deliveries_page = blocking.one(deliveries_page)
    deliveries = blocking.each(deliveries)
    redeliver = blocking.one(redeliver)
    recover = blocking.one(recover)


class AsyncWebhooks(aio.Room):
    """`client.webhooks` of `AsyncClient`."""

    list = aio.one(list_page)
    iterate = aio.each(iterate)
    get = aio.one(fetch)
    add = aio.one(add)
    change = aio.one(change)
    remove = aio.one(remove)
    rotate = aio.one(rotate)
    test = aio.one(test)
    deliveries_page = aio.one(deliveries_page)
    deliveries = aio.each(deliveries)
    redeliver = aio.one(redeliver)
    recover = aio.one(recover)
