"""Somebody is told without looking: one message an incident, one when it is over, and nothing of a pupil in either."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from datetime import time, timedelta
from email import message_from_bytes
from email.message import Message
from email.policy import default
from ipaddress import ip_network
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from sqlmodel import select

import schemas
from tests.chaos.processes import free_port
from tests.integration.flow.conftest import World, mark
from tests.receiver import Receiver, running_receiver
from writeback.core.errors import Conflict, InvalidSubmission, NotFound
from writeback.core.secrets import SecretBox
from writeback.core.settings import AlertSettings, MailSecurity, MailSettings, WebhookSettings
from writeback.domain.actor import Actor
from writeback.domain.alerts import AlertKind, ReceiverKind
from writeback.domain.school import HoldReason
from writeback.flow.alerts.queue_watch import QueueWatch
from writeback.flow.alerts.receivers import Alerts, NewReceiver
from writeback.flow.alerts.sending import AlertSending
from writeback.flow.alerts.telling import Telling
from writeback.flow.alerts.watch import AlertWatch
from writeback.flow.projections.overview import Overviews
from writeback.flow.projections.rollups import Rollup
from writeback.notifier.mail import MailSender
from writeback.notifier.sender import WebhookSender
from writeback.providers.base import SchoolReport
from writeback.queue.pulse import Pulse
from writeback.store.tables import AlertMessageRow, AlertReceiverRow, IncidentRow, SchoolRow

ANN = Actor("staff:ann")
LOCAL = WebhookSettings(allow_http=True, allowed_networks=[ip_network("127.0.0.0/8")], timeout_s=2.0)


class Mailbox:
    """What a real SMTP server has taken."""

    def __init__(self) -> None:
        self.mails: list[Message] = []
        self.refuse = ""

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self.refuse:
            return self.refuse
        self.mails.append(message_from_bytes(envelope.content or b"", policy=default))
        return "250 OK"


@pytest.fixture
def mailbox() -> Iterator[tuple[Mailbox, int]]:
    box, port = Mailbox(), free_port()
    controller = Controller(box, hostname="127.0.0.1", port=port)
    controller.start()
    yield box, port
    controller.stop()


@dataclass
class Office:
    """A service that tells somebody."""

    world: World
    telling: Telling
    alerts: Alerts
    receiver: Receiver
    mailbox: Mailbox
    pulses: list[Pulse]

    async def add(self, name: str = "duty", **more: Any) -> str:
        new = NewReceiver(name, ReceiverKind.WEBHOOK, self.receiver.url + f"/{name}")
        made = await self.alerts.add(replace(new, **more), ANN)
        return made.secret

    async def look(self, after_s: float = 20) -> None:
        """Let time pass, then look and tell as a worker does."""
        self.world.clock.advance(timedelta(seconds=after_s))
        now = self.world.clock.now()
        self.pulses[:] = [replace(one, at=now, swept_at=now) for one in self.pulses]
        await self.telling.once()

    async def hold(self, school: str = "hillside", reason: HoldReason = HoldReason.OFFLINE) -> None:
        def work(session: Any) -> None:
            row = session.get(SchoolRow, school)
            row.hold_reason, row.held_at = reason.value, self.world.clock.now()
            session.add(row)

        await self.world.flow.db.transact(work)

    async def resume(self, school: str = "hillside") -> None:
        def work(session: Any) -> None:
            row = session.get(SchoolRow, school)
            row.hold_reason = row.held_at = None
            session.add(row)

        await self.world.flow.db.transact(work)

    async def more_schools(self, count: int) -> list[str]:
        return await self.more_schools_called("school", count)

    async def more_schools_called(self, what: str, count: int) -> list[str]:
        def work(session: Any) -> list[str]:
            first = session.get(SchoolRow, "hillside")
            names = [f"{what}{number:02}" for number in range(count)]
            for name in names:
                copied = {**first.model_dump(), "id": name, "name": f"School {name[-2:]}", "provider_school_id": name}
                session.add(SchoolRow(**copied))
            return names

        return await self.world.flow.db.transact(work)

    @property
    def subjects(self) -> list[str]:
        return [one["subject"] for one in self.receiver.messages]

    async def incidents(self) -> list[IncidentRow]:
        async with self.world.flow.db.read() as session:
            return list((await session.exec(select(IncidentRow).order_by(IncidentRow.id))).all())


@pytest.fixture
async def office(world: World, mailbox: tuple[Mailbox, int]) -> AsyncIterator[Office]:
    box, port = mailbox
    mail = MailSettings(host="127.0.0.1", port=port, security=MailSecurity.NONE, sender="writeback@example.org")
    changed = {"webhooks": LOCAL, "alerts": AlertSettings(mail=mail), "public_url": "https://writeback.example.org"}
    flow = replace(world.flow, settings=world.flow.settings.model_copy(update=changed))
    now = world.clock.now()
    pulses = [Pulse("worker-1", now, now, now, 0.0)]

    async def ask() -> list[Pulse]:
        return pulses

    sender = WebhookSender(LOCAL, world.clock)
    watch = AlertWatch(flow, Overviews(flow.db, world.clock), QueueWatch(ask, world.clock))
    telling = Telling(watch, AlertSending(flow, lambda: sender, MailSender(mail)))
    async with running_receiver() as receiver:
        yield Office(world, telling, Alerts(flow.db, flow.clock, flow.secrets, flow.settings), receiver, box, pulses)
        await sender.aclose()


@pytest.mark.sqlite_first
async def test_an_incident_is_told_once_and_once_more_when_it_is_over(office: Office) -> None:
    secret = await office.add()
    await office.hold()
    await office.look(40)
    assert office.subjects == []  # it may be over in a moment

    for _ in range(4):
        await office.look(90)
    assert office.subjects == ["One school is held (Wonde): its agent does not answer"]
    await office.resume()
    await office.look()
    assert len(office.subjects) == 1  # what comes and goes is not told
    await office.look(150)

    assert office.subjects[1:] == ["Over: One school is held (Wonde): its agent does not answer"]
    for one in office.receiver.received:
        assert one.is_signed_by(secret)
        schemas.validator("alert").validate(one.message)
    first = office.receiver.messages[0]
    (incident,) = await office.incidents()
    assert first["link"] == f"https://writeback.example.org/console/alerts/{incident.id}"
    assert first["data"]["schools"] == ["hillside"]
    assert incident.ended_at is not None


@pytest.mark.sqlite_first
async def test_fifty_schools_are_one_message(office: Office) -> None:
    await office.add()
    for school in await office.more_schools(49):
        await office.hold(school, HoldReason.TOKEN_REFUSED)
    await office.look()

    (only,) = office.receiver.messages
    assert only["subject"] == "Wonde refuses our token at 49 schools"
    assert "and 29 more" in only["text"]


async def test_it_is_told_once_more_when_it_has_become_much_larger_unless_somebody_has_it_in_hand(
    office: Office,
) -> None:
    await office.add()
    schools = await office.more_schools(40)
    for school in schools[:3]:
        await office.hold(school, HoldReason.TOKEN_REFUSED)
    await office.look()
    for school in schools[3:10]:
        await office.hold(school, HoldReason.TOKEN_REFUSED)
    await office.look()
    assert office.subjects[1:] == ["Larger now: Wonde refuses our token at 10 schools"]

    (incident,) = await office.incidents()
    await office.alerts.acknowledge(incident.id, ANN)
    for school in schools[10:]:
        await office.hold(school, HoldReason.TOKEN_REFUSED)
    await office.look()

    assert len(office.subjects) == 2


async def test_whoever_looks_after_some_schools_is_told_of_these_alone(office: Office) -> None:
    first, second = await office.more_schools(2)
    await office.add("mine", schools=[first])
    await office.hold(second, HoldReason.TOKEN_REFUSED)
    office.pulses.clear()  # nor of workers
    await office.look(200)
    assert office.subjects == []

    await office.hold(first, HoldReason.TOKEN_REFUSED)
    await office.look()

    (only,) = office.receiver.messages
    assert only["data"]["schools"] == [first]
    assert second not in json.dumps(only)


@pytest.mark.sqlite_first
async def test_whoever_looks_after_some_schools_hears_when_it_is_over_for_these_and_of_each_time_anew(
    office: Office,
) -> None:
    mine, others = await office.more_schools(2)
    await office.add("mine", schools=[mine])
    for school in (mine, others):
        await office.hold(school, HoldReason.TOKEN_REFUSED)
    await office.look()
    await office.resume(mine)
    await office.look()
    await office.hold(mine, HoldReason.TOKEN_REFUSED)
    await office.look()
    for school in await office.more_schools_called("x", 30):
        await office.hold(school, HoldReason.TOKEN_REFUSED)
    await office.look()

    assert [one["type"] for one in office.receiver.messages] == ["alert.opened", "alert.over", "alert.opened"]
    assert {tuple(one["data"]["schools"]) for one in office.receiver.messages} == {(mine,)}
    await office.resume(mine)
    await office.look()
    assert office.receiver.messages[-1]["type"] == "alert.over"
    assert len(await office.incidents()) == 1, "which goes on for the others"


@pytest.mark.sqlite_first
async def test_whoever_wants_some_kinds_alone_is_told_of_no_others(office: Office) -> None:
    await office.add("workers", kinds=[AlertKind.WORKER_GONE])
    await office.hold(reason=HoldReason.TOKEN_REFUSED)
    await office.look()
    office.pulses.clear()
    await office.look()
    await office.look(90)

    assert office.subjects == ["No worker runs"]


@pytest.mark.sqlite_first
async def test_a_mail_says_what_and_where_and_is_known_again(office: Office) -> None:
    await office.add("office", kind=ReceiverKind.EMAIL, address="office@example.org")
    await office.world.submit(mark("A7", comment="Ill, says mum"))
    await office.hold()
    await office.look(200)

    (mail,) = office.mailbox.mails
    assert (mail["To"], mail["From"]) == ("office@example.org", "writeback@example.org")
    assert mail["Subject"] == "[writeback] One school is held (Wonde): its agent does not answer"
    assert mail["Auto-Submitted"] == "auto-generated"
    text = mail.get_content()  # type: ignore[attr-defined]
    assert "Hillside" in text
    assert "https://writeback.example.org/console/alerts/inc_" in text
    assert "mum" not in mail.as_string()
    await office.resume()
    await office.look()
    await office.look(150)
    assert office.mailbox.mails[1]["References"] == mail["References"]  # one thread


@pytest.mark.sqlite_first
async def test_a_mail_server_that_refuses_is_tried_again_and_the_error_is_shown(office: Office) -> None:
    await office.add("office", kind=ReceiverKind.EMAIL, address="office@example.org")
    office.mailbox.refuse = "451 greylisted"
    await office.hold(reason=HoldReason.TOKEN_REFUSED)
    await office.look()
    (shown,) = await office.alerts.list()
    assert shown.last is not None
    assert (shown.last.state, shown.last.error) == ("pending", "smtp_451")

    office.mailbox.refuse = ""
    await office.look(30)

    assert len(office.mailbox.mails) == 1


@pytest.mark.sqlite_first
async def test_after_all_its_tries_a_message_is_given_up(office: Office) -> None:
    await office.add()
    office.receiver.always = 500
    await office.hold(reason=HoldReason.TOKEN_REFUSED)
    for _ in range(8):
        await office.look(7_300)

    (shown,) = await office.alerts.list()
    assert shown.last is not None
    assert (shown.last.state, shown.last.error, len(office.receiver.received)) == ("failed", "http_500", 6)


async def test_in_quiet_hours_messages_wait_and_what_is_over_by_then_is_not_told(office: Office) -> None:
    now = office.world.clock.now()  # Monday, 12 January, in the morning
    begins, ends = (now - timedelta(hours=1)).time(), (now + timedelta(hours=1)).time()
    await office.add("sleeper", quiet_from=begins, quiet_until=ends)
    await office.hold(reason=HoldReason.TOKEN_REFUSED)
    await office.look()
    await office.resume()
    await office.look()
    await office.look(150)
    await office.hold(reason=HoldReason.REVOKED)
    await office.look(150)
    assert office.subjects == []

    await office.look(3_600)

    assert office.subjects == ["One school is held (Wonde): the school has withdrawn access"]


@pytest.mark.sqlite_first
@pytest.mark.parametrize("kind", [ReceiverKind.TEAMS, ReceiverKind.SLACK])
async def test_teams_and_slack_are_told_in_their_own_shapes(office: Office, kind: ReceiverKind) -> None:
    await office.add("chat", kind=kind)
    await office.hold(reason=HoldReason.TOKEN_REFUSED)
    await office.look()

    (only,) = office.receiver.messages
    text = json.dumps(only)
    assert "Wonde refuses our token at one school" in text
    if kind is ReceiverKind.TEAMS:
        card = only["attachments"][0]
        assert (only["type"], card["contentType"]) == ("message", "application/vnd.microsoft.card.adaptive")
        assert card["content"]["actions"][0]["url"].startswith("https://writeback.example.org/console/alerts/")
    else:
        assert set(only) == {"text"}


async def test_a_worker_that_dies_while_it_sends_costs_nothing(office: Office) -> None:
    await office.add()
    await office.hold(reason=HoldReason.TOKEN_REFUSED)

    async def die(_: Any) -> None:
        raise asyncio.CancelledError

    office.receiver.before_answer = die
    await office.look()
    office.receiver.before_answer = None
    await office.look(180)  # its claim has run out

    ids = {one.id for one in office.receiver.received}
    assert len(office.receiver.received) == 2
    assert len(ids) == 1  # so that the receiver knows the second for the first


async def test_two_that_look_at_a_time_tell_once(office: Office) -> None:
    await office.add()
    await office.hold(reason=HoldReason.TOKEN_REFUSED)
    office.world.clock.advance(timedelta(seconds=20))

    await asyncio.gather(*(office.telling.once() for _ in range(4)))

    assert len(office.subjects) == 1


@pytest.mark.sqlite_first
async def test_an_api_looks_when_no_worker_does(office: Office) -> None:
    await office.add()
    stand_in = replace(office.telling, is_stand_in=True)
    office.pulses.clear()
    await office.look()
    await stand_in.once()
    assert office.subjects == []

    for _ in range(2):
        office.world.clock.advance(timedelta(seconds=90))
        await stand_in.once()

    assert office.subjects == ["No worker runs"]


async def test_a_report_says_once_at_the_end_of_a_session_what_is_not_in_the_mis(office: Office) -> None:
    await office.add("head", reports=True, kinds=[AlertKind.REDIS_GONE])
    failed = await office.world.fail(mark("A1"))
    assert (await office.world.writeback(failed)).status == "failed"
    await office.world.submit(mark("A2"))
    rollup = Rollup(office.world.flow.db, office.world.clock)
    while await rollup.count():
        pass
    local = office.world.clock.now()
    assert local.time() < time(14, 30)

    await office.look((timedelta(hours=14, minutes=31) - timedelta(hours=local.hour, minutes=local.minute)).seconds)
    await office.look()

    (only,) = office.receiver.messages
    assert only["type"] == "alert.report"
    assert only["subject"] == "2 of 2 writebacks are not in the MIS"
    assert "Hillside: 1 failed, 1 on their way" in only["text"]
    schemas.validator("alert").validate(only)


async def test_a_test_message_arrives_whatever_the_hour(office: Office) -> None:
    now = office.world.clock.now()
    quiet = {"quiet_from": (now - timedelta(hours=1)).time(), "quiet_until": (now + timedelta(hours=1)).time()}
    await office.add("sleeper", **quiet)
    sent = await office.alerts.test("sleeper", ANN)
    await office.look()

    assert office.subjects == ["A test: alerts arrive here"]
    row = await office.alerts.message(sent)
    assert row is not None
    assert row.state == "sent"


async def test_what_cannot_be_told_is_refused_with_all_that_is_wrong(office: Office) -> None:
    with pytest.raises(InvalidSubmission) as refused:
        await office.add("", address="http://10.0.0.1/", schools=["nowhere"], timezone="Mars/North", quiet_from=time(9))

    codes = {one["code"] for one in refused.value.extra["findings"]}
    assert codes == {"name_invalid", "address_refused", "school_unknown", "timezone_unknown", "quiet_hours_invalid"}
    for address in ("office", "a@b.example\nBcc: c@d.example", "a@b.example, c@d.example", "@example.org"):
        with pytest.raises(InvalidSubmission):
            await office.add("office", kind=ReceiverKind.EMAIL, address=address)
    await office.add("duty")
    with pytest.raises(Conflict):
        await office.add("duty")
    with pytest.raises(NotFound):
        await office.alerts.remove("nobody", ANN)


async def test_who_was_removed_is_told_nothing_more(office: Office) -> None:
    await office.add()
    await office.alerts.test("duty", ANN)
    await office.alerts.remove("duty", ANN)
    await office.hold(reason=HoldReason.TOKEN_REFUSED)
    await office.look()

    assert office.receiver.received == []
    async with office.world.flow.db.read() as session:
        assert (await session.exec(select(AlertMessageRow))).all() == []


@pytest.mark.sqlite_first
async def test_addresses_are_shown_without_what_is_secret_in_them(office: Office) -> None:
    await office.add("chat", kind=ReceiverKind.SLACK, address=office.receiver.url + "/services/T0/B0/secret")

    (shown,) = await office.alerts.list()

    assert "secret" not in shown.address
    async with office.world.flow.db.read() as session:
        rows = (await session.exec(select(IncidentRow))).all()
    assert rows == []


async def test_a_school_that_goes_quiet_is_asked_about_and_its_cause_is_told(office: Office) -> None:
    await office.add()
    office.world.provider.school = SchoolReport(is_online=False)
    for number in range(3):
        await office.world.submit(mark(f"A{number + 1}"))
    await office.look(5 * 60 + 1)  # nothing was sent, and nobody said why

    wakes = [subject for job, subject in office.world.waker.wakes if job == "recheck_school"]
    assert wakes == ["hillside"]
    await office.world.watch.recheck_due("hillside")
    await office.look(20)
    await office.look(120)

    assert office.subjects == ["One school is held (Wonde): its agent does not answer"]
    assert len([job for job, _ in office.world.waker.wakes if job == "recheck_school"]) == 1, "held ones are anyway"


async def test_a_quiet_school_is_not_asked_about_again_and_again(office: Office) -> None:
    for number in range(3):
        await office.world.submit(mark(f"A{number + 1}"))
    await office.look(5 * 60 + 1)
    await office.world.watch.recheck_due("hillside")  # all is well, says its provider
    for _ in range(2):
        await office.look(20)

    assert len([job for job, _ in office.world.waker.wakes if job == "recheck_school"]) == 1
    await office.look(30)  # a minute later it may be another answer
    assert len([job for job, _ in office.world.waker.wakes if job == "recheck_school"]) == 2


async def test_an_address_whose_key_is_lost_keeps_nobody_else_from_being_told(office: Office) -> None:
    for name in ("lost", "duty"):
        await office.add(name)
    lost = SecretBox("another key").seal({"address": "https://hooks.example.org", "secret": ""})

    def work(session: Any) -> None:
        row = session.exec(select(AlertReceiverRow).where(AlertReceiverRow.name == "lost")).one()
        row.sealed = lost
        session.add(row)

    await office.world.flow.db.transact(work)
    await office.hold(reason=HoldReason.TOKEN_REFUSED)
    await office.look()

    assert len(office.subjects) == 1
    shown = {one.name: one for one in await office.alerts.list()}
    assert shown["lost"].address == "sealed with a key that is lost"
    assert shown["lost"].last is not None
    assert shown["lost"].last.error == "sealed_otherwise"
