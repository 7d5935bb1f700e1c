"""Webhooks made, changed, paused, given secrets and removed at the console; why one fails; and the page of an app."""

import re
from collections.abc import Sequence
from datetime import timedelta

import pytest
from sqlmodel import select

from tests.console.bad_morning import bad_morning
from tests.console.conftest import SignIn
from writeback.core.clock import FakeClock
from writeback.core.errors import NotFound
from writeback.domain.staff import Person, Role
from writeback.flow.projections.usage_counter import CALL
from writeback.store.apps import usage
from writeback.store.tables import AuditRow, DeliveryRow, WebhookRow
from writeback.wiring import Services
from writeback_client.models.webhooks import Webhook

YES = {"confirmed": "yes", "reason": "as the app asked"}
ADMIN = Person("stf_1", "somebody", Role.ADMIN).caller
NEW = {"app": "registers", "url": "https://hooks.registers.example/second", "statuses": ["confirmed", "failed"]}


@pytest.fixture(autouse=True)
async def a_bad_morning(services: Services) -> None:
    await bad_morning(services)


@pytest.fixture
async def webhook(services: Services) -> str:
    async with services.reads.db.read() as session:
        return (await session.exec(select(WebhookRow.id))).one()


async def _audited(services: Services, action: str) -> Sequence[tuple[str, str, str]]:
    async with services.reads.db.read() as session:
        rows = (await session.exec(select(AuditRow).where(AuditRow.action == action))).all()
    return [(row.actor, row.subject, row.reason) for row in rows]


async def _all(services: Services) -> Sequence[Webhook]:
    return (await services.webhooks.list(ADMIN, limit=10)).items


def _secret(text: str) -> str:
    found = re.search(r">(whsec_[^<]+)<", text)
    assert found, text
    return found[1]


async def test_webhook_is_made_and_its_secret_is_shown_once(sign_in: SignIn, services: Services) -> None:
    admin = await sign_in("admin", name="ann")

    made = await admin.post("/webhooks/new", {**NEW, "schools": "oakfield", "description": "second"})
    newest = next(one for one in await _all(services) if one.url == NEW["url"])
    page = await admin.get(f"/webhooks/{newest.id}")

    assert (newest.app, newest.url, newest.statuses) == ("registers", NEW["url"], ("confirmed", "failed"))
    assert (newest.schools, newest.description) == (("oakfield",), "second")
    assert _secret(made.text) not in page.text
    assert ("staff:ann", newest.id, "") in await _audited(services, "webhook.create")


async def test_what_is_wrong_with_a_webhook_stands_beside_its_field(sign_in: SignIn, services: Services) -> None:
    admin = await sign_in("admin")

    wrong = await admin.post("/webhooks/new", {**NEW, "url": "http://10.0.0.1/", "schools": "nowhere", "statuses": []})
    no_app = await admin.post("/webhooks/new", {**NEW, "app": ""})
    unknown = await admin.post("/webhooks/new", {**NEW, "app": "nobody"})
    long = await admin.post("/webhooks/new", {**NEW, "description": "x" * 201})

    assert {one.status_code for one in (wrong, no_app, unknown, long)} == {422}
    assert 'id="e-url"' in wrong.text
    assert 'id="e-schools"' in wrong.text
    assert "it would be notified of nothing" in wrong.text
    assert 'id="e-app"' in no_app.text
    assert 'id="e-app"' in unknown.text
    assert 'id="e-description"' in long.text
    assert len(await _all(services)) == 1


async def test_webhook_is_changed_and_only_that_is_noted(sign_in: SignIn, services: Services, webhook: str) -> None:
    admin = await sign_in("admin", name="ann")
    before = (await _all(services))[0]
    same = {"url": before.url, "description": before.description, "statuses": list(before.statuses), "schools": ""}

    shown = await admin.get(f"/webhooks/{webhook}/change")
    await admin.post(f"/webhooks/{webhook}/change", same)
    unchanged = await _audited(services, "webhook.change")
    await admin.post(f"/webhooks/{webhook}/change", {**same, "statuses": ["held"], "reason": "too many messages"})
    wrong = await admin.post(f"/webhooks/{webhook}/change", {**same, "url": "nonsense"})

    assert f'value="{before.url}"' in shown.text
    assert unchanged == []
    assert (await _all(services))[0].statuses == ("held",)
    assert await _audited(services, "webhook.change") == [("staff:ann", webhook, "too many messages")]
    assert (wrong.status_code, 'id="e-url"' in wrong.text) == (422, True)


async def test_webhook_is_paused_with_a_reason_and_is_no_fault_then(
    sign_in: SignIn, services: Services, webhook: str
) -> None:
    admin = await sign_in("admin", name="ann")

    asked = await admin.post(f"/webhooks/{webhook}/pause")
    await admin.post(f"/webhooks/{webhook}/pause", YES)
    page = await admin.get(f"/webhooks/{webhook}")
    again = await admin.post(f"/webhooks/{webhook}/pause", YES)
    amiss = await services.webhooks.not_working(ADMIN)

    disabled = (await _all(services))[0].disabled
    assert "Pause this webhook?" in asked.text
    assert disabled is not None
    assert disabled.reason == "by_staff"
    assert "Switched off at the console" in page.text
    assert "Nothing gets through" not in page.text
    assert amiss == [], "neither here nor on the first page, nor in an alert"
    assert again.is_redirect
    assert await _audited(services, "webhook.change") == [("staff:ann", webhook, YES["reason"])]
    await admin.post(f"/webhooks/{webhook}/enable")
    assert (await _all(services))[0].enabled


async def test_new_secret_is_shown_once_and_the_webhook_can_be_removed(
    sign_in: SignIn, services: Services, webhook: str
) -> None:
    admin = await sign_in("admin", name="ann")

    without = await admin.post(f"/webhooks/{webhook}/rotate", {"confirmed": "yes"})
    rotated = await admin.post(f"/webhooks/{webhook}/rotate", YES)
    await admin.post(f"/webhooks/{webhook}/remove")
    still = await _all(services)
    await admin.post(f"/webhooks/{webhook}/remove", YES)

    assert without.status_code == 422
    assert _secret(rotated.text)
    assert "The old one signs beside it until" in rotated.text
    assert len(still) == 1
    with pytest.raises(NotFound):
        await services.webhooks.get(ADMIN, webhook)
    for action in ("webhook.rotate", "webhook.remove"):
        assert await _audited(services, action) == [("staff:ann", webhook, YES["reason"])]


@pytest.mark.parametrize(
    ("error", "says"),
    [
        ("timeout", "It has 15 seconds"),
        ("tls", "certificate is valid"),
        ("http_401", "give it the present secret"),
        ("http_500", "by the header webhook-id"),
        ("http_302", "we follow no redirects"),
        ("http_418", "It refuses the message"),
    ],
)
async def test_page_of_a_failing_webhook_says_why_and_what_to_do(
    sign_in: SignIn, services: Services, webhook: str, fake_clock: FakeClock, error: str, says: str
) -> None:
    now = fake_clock.now()
    async with services.reads.db.write() as session:
        row, delivery = await session.get(WebhookRow, webhook), (await session.exec(select(DeliveryRow))).one()
        assert row is not None
        row.failing_since = now - timedelta(minutes=40)
        delivery.state, delivery.error, delivery.last_attempt_at = "failed", error, now - timedelta(minutes=3)
        session.add_all([row, delivery])

    page = await (await sign_in("admin")).get(f"/webhooks/{webhook}")

    assert "Nothing gets through" in page.text
    assert says in page.text
    assert "1 of the latest was given up" in page.text


@pytest.mark.parametrize("role", ["viewer", "support"])
async def test_webhooks_and_apps_are_for_administrators(
    sign_in: SignIn, services: Services, webhook: str, role: str
) -> None:
    visitor = await sign_in(role)
    answers = [await visitor.get(path) for path in ("/webhooks/new", f"/webhooks/{webhook}/change", "/apps/registers")]
    answers += [
        await visitor.post(f"/webhooks/{webhook}/{what}", {**NEW, **YES})
        for what in ("change", "pause", "rotate", "remove")
    ]
    answers.append(await visitor.post("/webhooks/new", NEW))

    assert {one.status_code for one in answers} == {403}


async def test_page_of_an_app_has_its_keys_its_refusals_and_its_webhooks(
    sign_in: SignIn, services: Services, webhook: str, fake_clock: FakeClock
) -> None:
    now = fake_clock.now()
    examples = f'[{{"request_id": "req-of-it", "at": "{now.isoformat()}", "pointers": ["/records/0/code"]}}]'
    counted = {"app_id": "registers", "hour_at": now.replace(minute=0, second=0), "what": CALL, "route": "POST /v1/x"}
    of_another = {**counted, "app_id": "others", "code": "school_unknown", "number": 7, "examples": None}
    rows = [
        {**counted, "code": "", "number": 1_200, "examples": None},
        {**counted, "code": "submission_invalid", "number": 34, "examples": examples},
        of_another,
    ]
    await services.reads.db.transact(lambda session: usage.add(session, rows))
    async with services.reads.db.write() as session:
        delivery = (await session.exec(select(DeliveryRow))).one()
        delivery.state, delivery.http_status, delivery.last_attempt_at = "delivered", 204, now
        session.add(delivery)
    admin = await sign_in("admin")

    page = await admin.get("/apps/registers")
    month = await admin.get("/apps/registers?days=30")
    nobody = await admin.get("/apps/nobody")

    for said in ("1,234", "2.8% of its calls", "submission_invalid", "req-of-it", "/records/0/code", "answered 204"):
        assert said in page.text, said
    assert "100%" in page.text
    assert f"/console/webhooks/{webhook}" in page.text
    assert "school_unknown" not in page.text, "it is another app's"
    assert "Make it a key" in page.text
    assert (month.status_code, nobody.status_code) == (200, 404)
