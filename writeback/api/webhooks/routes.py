"""`/v1/webhooks`: where an app is notified of changes, and what was sent there."""

from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import BeforeValidator
from starlette.status import HTTP_201_CREATED, HTTP_202_ACCEPTED, HTTP_204_NO_CONTENT

from writeback.api.front.auth import Reader, Submitter, Svc
from writeback.api.front.errors_doc import ACTING, READING, WRITING, errors
from writeback.api.front.paging import Paging, split
from writeback.api.webhooks.models import RecoverIn, RotateIn, WebhookChange, WebhookIn
from writeback.flow.webhooks.endpoint_checks import NewWebhook
from writeback.store.apps.outbox import DeliveryState
from writeback_client.models import webhooks as shown
from writeback_client.models.base import Page
from writeback_client.models.webhooks import Delivery, Recovered, Webhook

router = APIRouter(tags=["webhooks"])


class DeliveryQuery(Paging):
    """Filters."""

    state: Annotated[list[DeliveryState], BeforeValidator(split)] = []
    """One or several, repeated or separated by commas."""


@router.get("/v1/webhooks", responses=errors(400, 401, 403))
async def list_webhooks(caller: Reader, services: Svc, query: Annotated[Paging, Query()]) -> Page[Webhook]:
    """List the webhooks of the key's app, the newest first."""
    return await services.webhooks.list(caller, limit=query.limit, cursor=query.cursor)


@router.post(
    "/v1/webhooks",
    status_code=HTTP_201_CREATED,
    responses={**WRITING, **errors(409)},
)
async def add_webhook(caller: Submitter, services: Svc, body: WebhookIn, response: Response) -> shown.NewWebhook:
    """Add a webhook. It is notified of what happens from now on; its secret is in this answer and nowhere else."""
    made = await services.webhooks.create(caller, NewWebhook(**body.model_dump()))
    response.headers["Location"] = f"/v1/webhooks/{made.id}"
    return made


@router.get("/v1/webhooks/{webhook}", responses=READING)
async def show_webhook(caller: Reader, services: Svc, webhook: str) -> Webhook:
    """Show one webhook: whether it works, since when not, and why."""
    return await services.webhooks.get(caller, webhook)


@router.patch("/v1/webhooks/{webhook}", responses=WRITING)
async def change_webhook(caller: Submitter, services: Svc, webhook: str, body: WebhookChange) -> Webhook:
    """Change what is given. One that is enabled again resumes where it stopped."""
    return await services.webhooks.change(caller, webhook, body.model_dump(exclude_unset=True))


@router.delete("/v1/webhooks/{webhook}", status_code=HTTP_204_NO_CONTENT, responses=ACTING)
async def remove_webhook(caller: Submitter, services: Svc, webhook: str) -> None:
    """Remove a webhook and its deliveries."""
    await services.webhooks.remove(caller, webhook)


@router.post("/v1/webhooks/{webhook}/rotate", responses=WRITING)
async def rotate_secret(
    caller: Submitter, services: Svc, webhook: str, body: RotateIn | None = None
) -> shown.NewWebhook:
    """Replace the secret. The old one signs beside it for a day, so that receivers can change over."""
    keep_old_s = body.keep_old_s if body is not None else None
    return await services.webhooks.rotate(caller, webhook, keep_old_s=keep_old_s)


@router.post(
    "/v1/webhooks/{webhook}/test",
    status_code=HTTP_202_ACCEPTED,
    responses={**ACTING, **errors(409)},
)
async def test_webhook(caller: Submitter, services: Svc, webhook: str) -> Delivery:
    """Have a message of the type `webhook.test` sent; its delivery says what came of it."""
    return await services.webhooks.test(caller, webhook)


@router.get("/v1/webhooks/{webhook}/deliveries", responses=READING)
async def list_deliveries(
    caller: Reader, services: Svc, webhook: str, query: Annotated[DeliveryQuery, Query()]
) -> Page[Delivery]:
    """List what was sent, the latest first."""
    return await services.webhooks.deliveries(
        caller, webhook, states=query.state, limit=query.limit, cursor=query.cursor
    )


@router.post(
    "/v1/webhooks/{webhook}/deliveries/{delivery}/redeliver",
    status_code=HTTP_202_ACCEPTED,
    responses={**ACTING, **errors(409)},
)
async def redeliver(caller: Submitter, services: Svc, webhook: str, delivery: str) -> Delivery:
    """Send a delivery again, with the same `webhook-id`."""
    return await services.webhooks.redeliver(caller, webhook, delivery)


@router.post(
    "/v1/webhooks/{webhook}/recover",
    status_code=HTTP_202_ACCEPTED,
    responses={**WRITING, **errors(409)},
)
async def recover(caller: Submitter, services: Svc, webhook: str, body: RecoverIn) -> Recovered:
    """Send again all that was given up since an instant, each with the same `webhook-id`: after an outage of the
    receiver. At most 10,000 in one call; `more` says how many are left."""
    return await services.webhooks.recover(caller, webhook, body.since)
