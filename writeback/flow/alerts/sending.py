"""Messages go out: claimed in one transaction, sent, and what came of it written down in another.

What if the process dies? A message that was claimed and of which no word comes goes again after its claim runs out, so
a receiver may have it twice: its id is the same then.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

import structlog
from sqlmodel import Session

from writeback.core import outage_logs
from writeback.core.errors import ConfigurationError
from writeback.domain.alerts import ReceiverKind, Told
from writeback.domain.school import HOLD_WORDS
from writeback.flow.alerts.messages import Message, Words, compose
from writeback.flow.alerts.shapes import body_for
from writeback.flow.engine.context import FlowContext
from writeback.notifier.answers import Answered, NotAnswered
from writeback.notifier.mail import MailSender
from writeback.notifier.signing import signed_headers
from writeback.providers.registry import PROVIDERS
from writeback.store.alerts import receivers
from writeback.store.alerts.receivers import MessageState
from writeback.store.reads import reports
from writeback.store.tables import AlertReceiverRow

if TYPE_CHECKING:
    from writeback.notifier.sender import WebhookSender  # loads aiohttp, which the API does without

log = structlog.get_logger()

_AT_ONCE = 20
_CLAIM = timedelta(minutes=2)
"""Longer than any attempt takes; then its worker is taken for dead."""
_TOO_OLD = timedelta(days=1)
"""What could not be told for so long is of no use any more."""


@dataclass(frozen=True)
class Claim:
    """One attempt to be made."""

    message: Message
    attempt: int
    kind: ReceiverKind
    address: str
    secret: str


@dataclass(frozen=True)
class AlertSending:
    """Sends what is due."""

    flow: FlowContext
    sender: Callable[[], "WebhookSender"]
    """Gives the process's; made when it is first needed, for it takes long to load."""
    mail: MailSender

    async def send_due(self) -> int:
        """Make one attempt at each message that is due; return how many that was."""
        async with self.flow.db.read() as session:
            if not await receivers.has_due(session, self.flow.clock.now()):
                return 0
            schools = dict(await reports.schools(session, None))
        claims = await self.flow.db.transact(partial(self._claim, schools))
        await asyncio.gather(*(self._attempt(claim) for claim in claims))
        return len(claims)

    def _claim(self, schools: dict[str, str], session: Session) -> Sequence[Claim]:
        now = self.flow.clock.now()
        claims, known = [], {row.id: row for row in receivers.all_of(session)}
        for row in receivers.due(session, now, _AT_ONCE):
            if now - row.created_at > _TOO_OLD and row.attempts:
                row.state, row.next_attempt_at = MessageState.FAILED, None
                session.add(row)
                continue
            to = known[row.receiver_id]
            try:
                opened = self.flow.secrets.open(to.sealed)
            except ConfigurationError:  # its key is lost: nobody else's messages wait for that
                row.state, row.next_attempt_at, row.error = MessageState.FAILED, None, "sealed_otherwise"
                session.add(row)
                continue
            row.attempts += 1
            row.state, row.next_attempt_at = MessageState.SENDING, now + _CLAIM
            session.add(row)
            message = compose(row, self._words(to, schools))
            claims.append(
                Claim(message, row.attempts, ReceiverKind(to.kind), opened["address"], opened.get("secret", ""))
            )
        return claims

    def _words(self, to: AlertReceiverRow, schools: dict[str, str]) -> Words:
        settings = self.flow.settings
        public = (settings.console.public_url or settings.effective_public_url).rstrip("/")
        return Words(
            labels={name: one.label for name, one in PROVIDERS.items()},
            schools=schools,
            holds=HOLD_WORDS,
            timezone=to.timezone,
            console=f"{public}/console",
        )

    async def _attempt(self, claim: Claim) -> None:
        fault = await self._send(claim)
        await self.flow.db.transact(partial(self._record, claim, fault))

    async def _send(self, claim: Claim) -> str | None:
        """Send one; return the class of what went wrong, None where it has arrived."""
        if claim.kind is ReceiverKind.EMAIL:
            return await self._mail(claim)
        body, headers = body_for(claim.kind, claim.message), dict[str, str]()
        if claim.secret:
            headers = signed_headers(claim.message.id, self.flow.clock.now(), body, [claim.secret])
        match await self.sender().post(claim.address, body, headers):
            case Answered(status=status) if 200 <= status < 300:
                return None
            case Answered(status=status):
                return f"http_{status}"
            case NotAnswered(error=error):
                return error

    async def _mail(self, claim: Claim) -> str | None:
        if not self.mail.is_set_up:
            return "no_mail_server"
        sender = self.flow.settings.alerts.mail.sender
        domain = sender.rpartition("@")[2].rstrip("> ") or "localhost"
        headers = {
            "Message-ID": f"<{claim.message.id}@{domain}>",
            "References": f"<{claim.message.thread}@{domain}>",
            "Auto-Submitted": "auto-generated",
        }
        fault = await self.mail.send(claim.address, f"[writeback] {claim.message.subject}", claim.message.text, headers)
        return fault.error if fault is not None else None

    def _record(self, claim: Claim, fault: str | None, session: Session) -> None:
        row = receivers.attempt(session, claim.message.id, claim.attempt)
        if row is None:
            return  # it took so long that another worker has tried since
        now, waits = self.flow.clock.now(), self.flow.settings.alerts.retry_after_s
        if fault is None:
            row.state, row.sent_at, row.next_attempt_at, row.error = MessageState.SENT, now, None, None
            log.info("alert_sent", message_id=row.id, receiver_id=row.receiver_id, told=row.told)
        else:
            again = _again_at(now, row.attempts, waits) if row.told != Told.TEST else None
            row.state = MessageState.PENDING if again else MessageState.FAILED
            row.next_attempt_at, row.error = again, fault
            outage_logs.warning("alert_not_sent", fault, of=row.receiver_id, message_id=row.id, state=row.state)
        session.add(row)


def _again_at(now: datetime, attempts: int, waits: Sequence[float]) -> datetime | None:
    return now + timedelta(seconds=waits[attempts - 1]) if attempts <= len(waits) else None
