"""Webhooks: every change is sent at least once, in numbered messages, whatever fails on the way."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from ipaddress import ip_network
from typing import Any

import pytest
from aiohttp import web
from sqlmodel import select, update

import schemas
from tests.integration.flow.conftest import CALLER, World, mark
from tests.receiver import Received, Receiver, running_receiver
from writeback.core.errors import Conflict, NotFound
from writeback.core.settings import WebhookSettings
from writeback.domain.access import Caller, Scope
from writeback.domain.actor import Actor
from writeback.domain.finding import Finding
from writeback.domain.outcome import Applied, Refused
from writeback.domain.school import HoldReason
from writeback.domain.states import Status
from writeback.flow.upkeep.sweeper import Sweeper
from writeback.flow.webhooks.endpoints import NewWebhook, Webhooks
from writeback.flow.webhooks.notify import Notifier
from writeback.notifier.sender import WebhookSender
from writeback.store.tables import App, DeliveryRow, WebhookRow
from writeback_client.models.webhooks import Delivery

FINALS = (Status.CONFIRMED, Status.FAILED, Status.HELD)
SETTINGS = WebhookSettings(
    allow_http=True,
    allowed_networks=[ip_network("127.0.0.0/8")],
    retry_after_s=[5, 300, 1_800],
    jitter=0.0,
    timeout_s=2.0,
    concurrency=3,
)


@dataclass
class Telling:
    """A world whose apps are notified."""

    world: World
    receiver: Receiver
    webhooks: Webhooks
    notifier: Notifier
    sweeper: Sweeper

    async def add(self, *statuses: Status, caller: Caller = CALLER, path: str = "/hook", **options: Any) -> Any:
        new = NewWebhook(self.receiver.url + path, statuses or FINALS, **options)
        return await self.webhooks.create(caller, new)

    async def confirmed(self) -> str:
        """Have a writeback confirmed."""
        writeback_id = await self.world.submit(mark(f"A{len(self.world.provider.sent) + 1}"))
        self.world.provider.outcomes = [Applied("response")]
        await self.world.serve()
        return writeback_id

    async def tell(self, after: timedelta = timedelta(0)) -> None:
        """Let time pass, then send everything that is due, as sweeper and worker do."""
        self.world.clock.advance(after)
        for _ in range(50):
            self.world.waker.wakes.clear()
            await self.sweeper.sweep()
            due = [webhook_id for job, webhook_id in self.world.waker.wakes if job == "notify"]
            if not due:
                return
            for webhook_id in due:
                await self.notifier.wake(webhook_id)
            await self.notifier.settled()
        raise AssertionError("there is always something due")

    async def deliveries(self, webhook_id: str, caller: Caller = CALLER) -> list[Delivery]:
        page = await self.webhooks.deliveries(caller, webhook_id, limit=200)
        return list(reversed(page.items))

    def another_notifier(self) -> Notifier:
        return Notifier(self.notifier.flow, WebhookSender(SETTINGS, self.world.clock))


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with running_receiver() as made:
        yield made


@pytest.fixture
async def telling(world: World, receiver: Receiver) -> AsyncIterator[Telling]:
    settings = world.flow.settings.model_copy(update={"webhooks": SETTINGS})
    flow = replace(world.flow, settings=settings)
    async with flow.db.write() as session:
        session.add_all([App(id=app, name=app, created_at=world.clock.now()) for app in ("app", "other")])
    notifier = Notifier(flow, WebhookSender(SETTINGS, world.clock))
    yield Telling(world, receiver, Webhooks(flow), notifier, Sweeper(flow))
    await notifier.aclose()


@pytest.mark.sqlite_first
async def test_a_change_is_sent_signed_and_as_the_schema_says(telling: Telling) -> None:
    made = await telling.add()
    writeback_id = await telling.confirmed()

    await telling.tell()

    (one,) = telling.receiver.received
    schemas.validator("webhook").validate(one.message)
    assert one.is_signed_by(made.secret)
    assert (one.message["type"], one.message["sequence"]) == ("writeback.confirmed", 1)
    data = one.message["data"]
    assert (data["writeback_id"], data["school"], data["kind"]) == (writeback_id, "hillside", "attendance.session")
    assert data["records"] == [{"index": 0, "ref": None, "status": "confirmed", "findings": []}]
    (delivery,) = await telling.deliveries(made.id)
    assert (delivery.id, delivery.state, delivery.http_status, delivery.attempts) == (one.id, "delivered", 200, 1)


async def test_a_message_names_findings_and_nothing_of_pupils(telling: Telling) -> None:
    await telling.add()
    finding = Finding("refused_by_mis", "the MIS refuses the code", "Send another.", record=0)
    telling.world.provider.outcomes = [Refused("no such code", {0: [finding]})] * 2
    writeback_id = await telling.world.submit(mark("A7", comment="Ill, says mum"), ref="reg-1")
    await telling.world.serve()
    if await telling.world.status(writeback_id) != "failed":  # it goes again once, after a look at fresh lists
        await telling.world.serve()

    await telling.tell()

    (one,) = telling.receiver.received
    assert one.message["data"]["ref"] == "reg-1"
    (record,) = one.message["data"]["records"]
    assert record["status"] == "failed"
    assert {"code", "severity", "message"} == set(record["findings"][0])
    assert "mum" not in one.body
    assert "E1" not in one.body


@pytest.mark.sqlite_first
async def test_only_changes_that_were_asked_for_are_sent_and_none_from_before(telling: Telling) -> None:
    await telling.confirmed()
    await telling.add(Status.SENDING)
    await telling.confirmed()

    await telling.tell()

    assert telling.receiver.statuses == ["sending"]


async def test_messages_are_numbered_without_gaps_in_the_order_of_events(telling: Telling) -> None:
    await telling.add(*Status)
    for _ in range(3):
        await telling.confirmed()

    await telling.tell()

    messages = sorted(telling.receiver.messages, key=lambda message: message["sequence"])
    assert [message["sequence"] for message in messages] == list(range(1, 10))
    assert [message["data"]["event"] for message in messages] == ["accepted", "sending", "confirmed"] * 3
    events = [message["data"]["event_id"] for message in messages]
    assert events == sorted(events)


@pytest.mark.sqlite_first
async def test_more_events_than_one_turn_takes_are_all_sent(telling: Telling, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("writeback.flow.webhooks.outbox._MESSAGES_AT_ONCE", 2)
    monkeypatch.setattr("writeback.flow.webhooks.outbox.SPAN", 3)
    await telling.add(*Status)
    for _ in range(4):
        await telling.confirmed()

    await telling.tell()

    assert sorted(message["sequence"] for message in telling.receiver.messages) == list(range(1, 13))


@pytest.mark.sqlite_first
async def test_a_failure_goes_again_by_schedule_with_the_same_id_and_is_given_up_in_the_end(telling: Telling) -> None:
    made = await telling.add()
    telling.receiver.always = 500
    await telling.confirmed()

    waits = []
    for _ in range(4):
        await telling.tell()
        (delivery,) = await telling.deliveries(made.id)
        if delivery.next_attempt_at is not None:
            waits.append((delivery.next_attempt_at - telling.world.clock.now()).total_seconds())
            telling.world.clock.advance(timedelta(seconds=waits[-1]))

    assert waits == [5, 300, 1_800]
    assert (delivery.state, delivery.error, delivery.http_status, delivery.attempts) == ("failed", "http_500", 500, 4)
    assert len({one.id for one in telling.receiver.received}) == 1
    assert len({one.body for one in telling.receiver.received}) == 1
    assert len({one.headers["webhook-timestamp"] for one in telling.receiver.received}) == 4


@pytest.mark.sqlite_first
async def test_nothing_goes_again_before_its_time(telling: Telling) -> None:
    await telling.add()
    telling.receiver.answers = [500]
    await telling.confirmed()
    await telling.tell()

    await telling.tell(after=timedelta(seconds=4))
    assert len(telling.receiver.received) == 1
    await telling.tell(after=timedelta(seconds=1))
    assert len(telling.receiver.received) == 2


async def test_a_process_that_dies_after_sending_sends_the_same_id_again(telling: Telling) -> None:
    made = await telling.add()
    await telling.confirmed()
    dying = telling.another_notifier()
    # All up to the claim is committed; the process ends between the receiver's answer and our note of it.
    (claim,) = await dying._outbox.step(made.id, await dying._horizon.settled(), (), may_claim=True)
    await dying._attempt(claim)
    await dying.aclose()

    await telling.tell()
    assert len(telling.receiver.received) == 1, "it may still be under way"
    await telling.tell(after=timedelta(seconds=60))

    first, second = telling.receiver.received
    assert (first.id, first.body) == (second.id, second.body)
    (delivery,) = await telling.deliveries(made.id)
    assert (delivery.state, delivery.attempts) == ("delivered", 2)


async def test_a_result_that_comes_after_another_worker_has_tried_again_does_not_count(telling: Telling) -> None:
    made = await telling.add()
    await telling.confirmed()
    slow = telling.another_notifier()
    (claim,) = await slow._outbox.step(made.id, await slow._horizon.settled(), (), may_claim=True)
    attempted = await slow._attempt(claim)
    telling.receiver.always = 500
    await telling.tell(after=timedelta(seconds=60))

    await slow._outbox.step(made.id, 0, [attempted], may_claim=False)

    (delivery,) = await telling.deliveries(made.id)
    assert (delivery.state, delivery.error) == ("pending", "http_500")
    await slow.aclose()


async def test_two_workers_at_once_send_each_message_once(telling: Telling) -> None:
    await telling.add()
    for _ in range(6):
        await telling.confirmed()
    others = [telling.another_notifier() for _ in range(3)]
    (webhook_id,) = {webhook.id for webhook in (await telling.webhooks.list(CALLER, limit=9)).items}

    for notifier in others:
        await notifier.wake(webhook_id)
    await asyncio.gather(*(notifier.settled() for notifier in others))

    assert sorted(message["sequence"] for message in telling.receiver.messages) == list(range(1, 7))
    assert len({one.id for one in telling.receiver.received}) == 6
    for notifier in others:
        await notifier.aclose()


async def test_410_disables_the_webhook_and_says_why(telling: Telling) -> None:
    made = await telling.add()
    telling.receiver.always = 410
    await telling.confirmed()
    await telling.tell()
    await telling.confirmed()

    await telling.tell(after=timedelta(days=1))

    assert len(telling.receiver.received) == 1
    view = await telling.webhooks.get(CALLER, made.id)
    assert not view.enabled
    assert view.disabled is not None
    assert view.disabled.reason == "gone"


async def test_one_that_is_enabled_again_is_notified_of_what_happened_meanwhile(telling: Telling) -> None:
    made = await telling.add()
    await telling.webhooks.change(CALLER, made.id, {"enabled": False})
    await telling.confirmed()
    await telling.tell()
    assert telling.receiver.received == []

    view = await telling.webhooks.change(CALLER, made.id, {"enabled": True})
    await telling.tell()

    assert (view.enabled, view.disabled) == (True, None)
    assert telling.receiver.statuses == ["confirmed"]


@pytest.mark.sqlite_first
async def test_a_webhook_of_which_everything_fails_for_days_is_disabled(telling: Telling) -> None:
    made = await telling.add()
    telling.receiver.always = 500
    for _ in range(6):
        await telling.confirmed()
        await telling.tell(after=timedelta(days=1))

    view = await telling.webhooks.get(CALLER, made.id)

    assert view.disabled is not None
    assert view.disabled.reason == "always_failing"
    calls = len(telling.receiver.received)
    await telling.tell(after=timedelta(days=1))
    assert len(telling.receiver.received) == calls


async def test_a_success_in_between_keeps_it_enabled(telling: Telling) -> None:
    made = await telling.add()
    for day in range(8):
        telling.receiver.answers = [200 if day == 4 else 500]
        await telling.confirmed()
        await telling.tell(after=timedelta(hours=23))

    assert (await telling.webhooks.get(CALLER, made.id)).enabled


async def test_retry_after_leaves_the_whole_webhook_alone_for_so_long(telling: Telling) -> None:
    made = await telling.add()
    telling.receiver.answers = [web.Response(status=429, headers={"Retry-After": "600"})]
    await telling.confirmed()
    await telling.tell()
    await telling.confirmed()

    await telling.tell(after=timedelta(seconds=599))
    assert len(telling.receiver.received) == 1
    assert (await telling.webhooks.get(CALLER, made.id)).paused_until is not None
    await telling.tell(after=timedelta(seconds=1))

    assert telling.receiver.statuses == ["confirmed"] * 3
    assert (await telling.webhooks.get(CALLER, made.id)).paused_until is None


async def test_when_the_receiver_is_back_all_that_waits_goes_at_once(telling: Telling) -> None:
    made = await telling.add()
    telling.receiver.always = 500
    for _ in range(3):
        await telling.confirmed()
    await telling.tell()
    await telling.tell(after=timedelta(seconds=10))
    await telling.tell(after=timedelta(minutes=10))
    telling.receiver.always = 200
    await telling.confirmed()

    await telling.tell()

    assert {delivery.state for delivery in await telling.deliveries(made.id)} == {"delivered"}


@pytest.mark.sqlite_first
async def test_a_webhook_that_fails_is_tried_one_at_a_time(telling: Telling) -> None:
    await telling.add()
    telling.receiver.always = 500
    for _ in range(6):
        await telling.confirmed()
    await telling.tell()
    most_at_first = telling.receiver.most_at_once
    telling.receiver.most_at_once = 0

    await telling.tell(after=timedelta(seconds=10))

    assert most_at_first <= SETTINGS.concurrency
    assert telling.receiver.most_at_once == 1


@pytest.mark.sqlite_first
async def test_a_slow_receiver_has_few_at_a_time_and_delays_no_other_app(telling: Telling) -> None:
    other = Caller("key_2", "app", frozenset(Scope))
    slow = await telling.add(path="/slow")
    quick = await telling.add(caller=other, path="/quick")
    for _ in range(5):
        await telling.confirmed()
    release = asyncio.Event()

    async def hold(one: Received) -> None:
        if one.path == "/slow":
            await release.wait()

    telling.receiver.before_answer = hold
    await telling.notifier.wake(slow.id)
    await telling.notifier.wake(quick.id)

    await telling.receiver.until(SETTINGS.concurrency + 5)
    under_way = [one.path for one in telling.receiver.received]
    release.set()
    await telling.notifier.settled()

    assert under_way.count("/quick") == 5
    assert under_way.count("/slow") == SETTINGS.concurrency
    assert len(telling.receiver.received) == 10


@pytest.mark.sqlite_first
async def test_replaced_secrets_sign_beside_the_new_one_for_a_day(telling: Telling) -> None:
    made = await telling.add()
    replaced = await telling.webhooks.rotate(CALLER, made.id)
    await telling.confirmed()
    await telling.tell()
    await telling.confirmed()
    await telling.tell(after=timedelta(hours=24))

    during, after = telling.receiver.received
    assert replaced.secret != made.secret
    assert replaced.old_secret_until is not None
    assert during.is_signed_by(made.secret)
    assert during.is_signed_by(replaced.secret)
    assert not after.is_signed_by(made.secret)
    assert after.is_signed_by(replaced.secret)


async def test_a_secret_can_be_replaced_at_once(telling: Telling) -> None:
    made = await telling.add()
    replaced = await telling.webhooks.rotate(CALLER, made.id, keep_old_s=0)
    await telling.confirmed()
    await telling.tell()

    (one,) = telling.receiver.received
    assert not one.is_signed_by(made.secret)
    assert one.is_signed_by(replaced.secret)


@pytest.mark.sqlite_first
async def test_secrets_are_kept_sealed(telling: Telling) -> None:
    made = await telling.add()
    async with telling.world.flow.db.read() as session:
        row = (await session.exec(select(WebhookRow))).one()

    assert made.secret not in row.secrets
    assert made.secret not in repr(row)


async def test_a_test_says_that_messages_arrive(telling: Telling) -> None:
    made = await telling.add()
    asked = await telling.webhooks.test(CALLER, made.id)
    await telling.tell()

    (one,) = telling.receiver.received
    assert (one.id, one.message["type"], one.message["data"]) == (asked.id, "webhook.test", {"webhook_id": made.id})
    assert one.is_signed_by(made.secret)


async def test_one_that_was_given_up_is_sent_again_with_its_id_and_a_new_schedule(telling: Telling) -> None:
    made = await telling.add()
    telling.receiver.always = 500
    await telling.confirmed()
    for _ in range(4):
        await telling.tell(after=timedelta(hours=1))
    (failed,) = await telling.deliveries(made.id)
    assert failed.state == "failed"

    await telling.webhooks.redeliver(CALLER, made.id, failed.id)
    await telling.tell()
    (waiting,) = await telling.deliveries(made.id)
    assert (waiting.state, waiting.attempts) == ("pending", 5)
    telling.receiver.always = 200
    await telling.tell(after=timedelta(seconds=5))

    (delivered,) = await telling.deliveries(made.id)
    assert delivered.state == "delivered"
    assert {one.id for one in telling.receiver.received} == {failed.id}


async def test_a_delivered_one_can_be_sent_again(telling: Telling) -> None:
    made = await telling.add()
    await telling.confirmed()
    await telling.tell()
    (delivery,) = await telling.deliveries(made.id)

    await telling.webhooks.redeliver(CALLER, made.id, delivery.id)
    await telling.tell()

    first, second = telling.receiver.received
    assert first.id == second.id == delivery.id


@pytest.mark.sqlite_first
async def test_an_app_is_notified_of_its_own_writebacks_alone(telling: Telling) -> None:
    other = Caller("key_2", "other", frozenset({Scope.SUBMIT, Scope.READ}))
    await telling.add(*Status, caller=other, path="/other")
    await telling.confirmed()

    await telling.tell()

    assert telling.receiver.received == []


async def test_a_webhook_of_some_schools_is_notified_of_those_alone(telling: Telling) -> None:
    elsewhere = await telling.add(*Status, path="/elsewhere")
    async with telling.world.flow.db.write() as session:
        await session.exec(update(WebhookRow).where(WebhookRow.id == elsewhere.id).values(schools=["riverbank"]))
    await telling.add(schools=["hillside"])
    await telling.confirmed()

    await telling.tell()

    assert [one.path for one in telling.receiver.received] == ["/hook"]


@pytest.mark.sqlite_first
async def test_what_is_held_is_shown_with_its_reason(telling: Telling) -> None:
    await telling.add()
    await telling.world.submit()
    await telling.world.holds.hold("hillside", HoldReason.BY_STAFF, "half-term", Actor("staff:key_1"))

    await telling.tell()

    (message,) = telling.receiver.messages
    assert (message["type"], message["data"]["hold_reason"]) == ("writeback.held", "held_by_staff")


@pytest.mark.parametrize(
    "act",
    [
        lambda webhooks, caller, webhook_id: webhooks.get(caller, webhook_id),
        lambda webhooks, caller, webhook_id: webhooks.change(caller, webhook_id, {"url": "https://mine.example"}),
        lambda webhooks, caller, webhook_id: webhooks.remove(caller, webhook_id),
        lambda webhooks, caller, webhook_id: webhooks.rotate(caller, webhook_id),
        lambda webhooks, caller, webhook_id: webhooks.test(caller, webhook_id),
        lambda webhooks, caller, webhook_id: webhooks.deliveries(caller, webhook_id, limit=9),
        lambda webhooks, caller, webhook_id: webhooks.redeliver(caller, webhook_id, "msg_1"),
    ],
    ids=["get", "change", "remove", "rotate", "test", "deliveries", "redeliver"],
)
async def test_anothers_webhook_is_not_there(telling: Telling, act: Callable[..., Any]) -> None:
    made = await telling.add()
    others = (
        Caller("key_2", "other", frozenset({Scope.SUBMIT, Scope.READ, Scope.SUPPORT})),
        Caller("key_3", "app", frozenset({Scope.SUBMIT, Scope.READ}), schools=frozenset({"hillside"})),
    )

    for caller in others:
        with pytest.raises(NotFound):
            await act(telling.webhooks, caller, made.id)
        assert (await telling.webhooks.list(caller, limit=9)).items == ()


async def test_a_removed_webhook_is_notified_no_more(telling: Telling) -> None:
    made = await telling.add()
    telling.receiver.always = 500
    await telling.confirmed()
    await telling.tell()

    await telling.webhooks.remove(CALLER, made.id)
    await telling.confirmed()
    await telling.tell(after=timedelta(days=1))

    assert len(telling.receiver.received) == 1
    async with telling.world.flow.db.read() as session:
        assert (await session.exec(select(DeliveryRow))).all() == []


@pytest.mark.sqlite_first
async def test_a_disabled_webhook_is_neither_tested_nor_redelivered(telling: Telling) -> None:
    made = await telling.add()
    await telling.webhooks.change(CALLER, made.id, {"enabled": False})

    with pytest.raises(Conflict, match="disabled"):
        await telling.webhooks.test(CALLER, made.id)


async def test_old_deliveries_that_ended_are_forgotten_and_others_are_kept(telling: Telling) -> None:
    made = await telling.add()
    telling.receiver.answers = [200, 500]
    for _ in range(2):
        await telling.confirmed()
        await telling.tell()
    telling.world.clock.advance(timedelta(days=30, seconds=1))

    await telling.world.forget()

    assert [delivery.state for delivery in await telling.deliveries(made.id)] == ["pending"]


@pytest.mark.sqlite_first
async def test_when_nothing_happens_nobody_is_rung_for(telling: Telling) -> None:
    await telling.add()
    await telling.confirmed()
    await telling.tell()
    telling.world.waker.wakes.clear()

    await telling.sweeper.sweep()

    assert [job for job, _ in telling.world.waker.wakes if job == "notify"] == []


@pytest.mark.sqlite_first
async def test_a_process_that_stops_cuts_a_slow_attempt_off_and_it_goes_again(
    telling: Telling, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("writeback.flow.webhooks.notify._GRACE_S", 0.05)
    made = await telling.add()
    await telling.confirmed()
    release = asyncio.Event()

    async def hold(_: Received) -> None:
        await release.wait()

    telling.receiver.before_answer = hold
    stopping = telling.another_notifier()
    await stopping.wake(made.id)
    await telling.receiver.until(1)
    await stopping.aclose()
    release.set()

    await telling.tell(after=timedelta(seconds=60))

    (delivery,) = await telling.deliveries(made.id)
    assert (delivery.state, delivery.attempts) == ("delivered", 2)


async def test_all_that_was_given_up_since_is_sent_again_and_nothing_else(telling: Telling) -> None:
    made = await telling.add()
    telling.receiver.always = 500
    first = await telling.confirmed()
    await telling.tell()
    for wait in (6, 400, 2_000):
        await telling.tell(timedelta(seconds=wait))
    since = telling.world.clock.now()
    later = [await telling.confirmed() for _ in range(2)]
    await telling.tell()
    for wait in (6, 400, 2_000):
        await telling.tell(timedelta(seconds=wait))
    assert [one.state for one in await telling.deliveries(made.id)] == ["failed"] * 3
    before = {one.writeback_id: one.id for one in await telling.deliveries(made.id)}

    telling.receiver.always = 200
    recovered = await telling.webhooks.recover(CALLER, made.id, since)
    again = await telling.webhooks.recover(CALLER, made.id, since)
    await telling.tell()

    assert (recovered.deliveries, recovered.more, again.deliveries) == (2, 0, 0)
    found = {one.writeback_id: one.state for one in await telling.deliveries(made.id)}
    assert found == {first: "failed", later[0]: "delivered", later[1]: "delivered"}
    assert {one.id for one in telling.receiver.received[-2:]} == {before[one] for one in later}


async def test_another_app_recovers_nothing_of_it(telling: Telling) -> None:
    made = await telling.add()
    other = Caller("key_2", "other", frozenset({Scope.SUBMIT, Scope.READ}))

    with pytest.raises(NotFound):
        await telling.webhooks.recover(other, made.id, telling.world.clock.now())
