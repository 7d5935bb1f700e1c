"""Who is told: made, changed, tried out and removed by the console and the command line; and incidents, for these."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import time
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import structlog
from sqlmodel.ext.asyncio.session import AsyncSession

from writeback.core.clock import Clock
from writeback.core.errors import ConfigurationError, Conflict, InvalidSubmission, NotFound
from writeback.core.ids import new_id
from writeback.core.secrets import SecretBox
from writeback.core.settings import Settings
from writeback.domain.actor import Actor
from writeback.domain.alerts import AlertKind, ReceiverKind, Told
from writeback.domain.finding import Finding
from writeback.flow.alerts.incidents import message_to
from writeback.notifier.addresses import AddressPolicy, fault_of
from writeback.notifier.signing import new_secret
from writeback.store.alerts import incidents
from writeback.store.alerts import receivers as store
from writeback.store.apps import keys
from writeback.store.people import audit
from writeback.store.sql.database import Database
from writeback.store.tables import AlertMessageRow, AlertReceiverRow, IncidentRow

log = structlog.get_logger()

_LONGEST_NAME, _LONGEST_ADDRESS = 100, 2_000
_MOST_READ = 1_000
"""Incidents that are gone through for those of some schools."""
_SHOWN = 40


@dataclass(frozen=True)
class NewReceiver:
    """Somebody to tell. `kinds` None: of everything; `schools` None: of every school, and of the service itself."""

    name: str
    kind: ReceiverKind
    address: str
    kinds: Sequence[AlertKind] | None = None
    schools: Sequence[str] | None = None
    reports: bool = False
    quiet_from: time | None = None
    quiet_until: time | None = None
    timezone: str = "Europe/London"


@dataclass(frozen=True)
class ReceiverView:
    """Who is told, as it is listed."""

    id: str
    name: str
    kind: str
    address: str
    """Of Teams, Slack and webhooks the host alone: the rest is a secret."""
    kinds: Sequence[str] | None
    schools: Sequence[str] | None
    reports: bool
    quiet_from: time | None
    quiet_until: time | None
    timezone: str
    last: AlertMessageRow | None
    """The last message to it."""


@dataclass(frozen=True)
class Made:
    """A new receiver. `secret`: what a webhook's messages are signed with, shown only now."""

    view: ReceiverView
    secret: str = field(default="", repr=False)


@dataclass(frozen=True)
class Alerts:
    """Receivers and incidents."""

    db: Database
    clock: Clock
    secrets: SecretBox
    settings: Settings

    async def add(self, new: NewReceiver, actor: Actor) -> Made:
        """Add a receiver; raise InvalidSubmission with all that is wrong, or Conflict where the name is taken."""
        name, now = new.name.strip(), self.clock.now()
        async with self.db.write() as session:
            self._refuse(new, await keys.unknown_schools(session, list(new.schools or [])))
            if await store.by_name(session, name) is not None:
                raise Conflict("receiver_exists", f"there is a receiver {name[:64]!r}", hint="Give another name.")
            secret = new_secret() if new.kind is ReceiverKind.WEBHOOK else ""
            row = AlertReceiverRow(
                id=new_id("alr", now),
                name=name,
                kind=new.kind.value,
                sealed=self.secrets.seal({"address": new.address.strip(), "secret": secret}),
                kinds=None if new.kinds is None else [kind.value for kind in new.kinds],
                schools=None if new.schools is None else list(dict.fromkeys(new.schools)),
                reports=new.reports,
                quiet_from=new.quiet_from,
                quiet_until=new.quiet_until,
                timezone=new.timezone,
                reported_at=now,
                created_at=now,
            )
            session.add(row)
            audit.note(session, actor, now, "alert_receiver.create", row.id, changed={"kind": row.kind})
            view = self._view(row, None)
        log.info("alert_receiver_added", receiver_id=row.id, kind=row.kind)
        return Made(view, secret)

    async def list(self) -> Sequence[ReceiverView]:
        """Return them by name, each with what came of the last message to it."""
        async with self.db.read() as session:
            rows = await session.run_sync(lambda plain: store.all_of(plain))  # type: ignore[arg-type]
            last = await store.last_of_each(session)
        return [self._view(row, last.get(row.id)) for row in rows]

    async def remove(self, wanted: str, actor: Actor) -> str:
        """Remove one, by name or id, with the messages to it; return its id, or raise NotFound."""
        async with self.db.write() as session:
            row = await _found(session, wanted)
            audit.note(session, actor, self.clock.now(), "alert_receiver.remove", row.id)
            await store.remove(session, row)
        log.info("alert_receiver_removed", receiver_id=row.id)
        return row.id

    async def test(self, wanted: str, actor: Actor) -> str:
        """Have a message sent that only says that messages arrive; return its id, or raise NotFound."""
        now = self.clock.now()
        async with self.db.write() as session:
            row = await _found(session, wanted)
            message = message_to(row, Told.TEST, {}, now)
            session.add(message)
            audit.note(session, actor, now, "alert_receiver.test", row.id)
        return message.id

    async def message(self, message_id: str) -> AlertMessageRow | None:
        """Return a message, with what came of it so far."""
        async with self.db.read() as session:
            return await session.get(AlertMessageRow, message_id)

    async def incidents(
        self, *, is_open: bool, limit: int = 50, schools: Collection[str] | None = None
    ) -> Sequence[IncidentRow]:
        """Return what is amiss, or was; `schools`: those of these alone, None: all. The latest first."""
        async with self.db.read() as session:
            found = await incidents.latest(session, limit if schools is None else _MOST_READ, is_open=is_open)
        return [row for row in found if schools is None or set(row.schools) & set(schools)][:limit]

    async def incident(self, incident_id: str) -> IncidentRow | None:
        """Return one, whether it goes on or is over."""
        async with self.db.read() as session:
            return await session.get(IncidentRow, incident_id)

    async def acknowledge(self, incident_id: str, actor: Actor) -> IncidentRow:
        """Say that somebody has it in hand: nobody is told again until it is over. Raise NotFound or Conflict."""
        now = self.clock.now()
        async with self.db.write() as session:
            row = await incidents.lock(session, incident_id)
            if row is None:
                raise NotFound(
                    "incident_unknown", f"no incident {incident_id[:64]!r}", hint="See `writeback alerts list`."
                )
            if row.ended_at is not None:
                raise Conflict("incident_over", "it is over", hint="There is nothing to do.")
            if row.acknowledged_at is None:
                row.acknowledged_at, row.acknowledged_by = now, actor.name
                session.add(row)
                audit.note(session, actor, now, "incident.acknowledge", row.id)
        log.info("incident_acknowledged", incident_id=incident_id)
        return row

    def _refuse(self, new: NewReceiver, unknown: Sequence[str]) -> None:
        findings = [*_name_findings(new), *self._address_findings(new), *_other_findings(new, unknown)]
        if findings:
            detail = f"the receiver cannot be as asked: {findings[0].message}"
            raise InvalidSubmission(
                "receiver_invalid", detail, [one.as_json() for one in findings], hint=findings[0].hint
            )

    def _address_findings(self, new: NewReceiver) -> Sequence[Finding]:
        address = new.address.strip()
        if new.kind is not ReceiverKind.EMAIL:
            fault = fault_of(address, AddressPolicy.of(self.settings.webhooks))
            hint = "Give an https:// address that can be reached from the Internet."
        elif not self.settings.alerts.mail.host or not self.settings.alerts.mail.sender:
            fault = "there is no mail server"
            hint = "Set WRITEBACK_ALERTS__MAIL__HOST and WRITEBACK_ALERTS__MAIL__SENDER, and begin the processes again."
        else:
            fault = None if _is_mail_address(address) else "it is no address for mail"
            hint = "Give one address, e.g. office@example.org."
        return (
            [Finding("address_refused", f"address cannot be used: {fault}", hint, pointer="/address")] if fault else []
        )

    def _view(self, row: AlertReceiverRow, last: AlertMessageRow | None) -> ReceiverView:
        try:
            address = str(self.secrets.open(row.sealed)["address"])
        except ConfigurationError:
            address = "sealed with a key that is lost"
        if row.kind != ReceiverKind.EMAIL:
            address = address.split("/")[2] + "/…" if address.count("/") > 2 else address
        return ReceiverView(
            id=row.id,
            name=row.name,
            kind=row.kind,
            address=address,
            kinds=row.kinds,
            schools=row.schools,
            reports=row.reports,
            quiet_from=row.quiet_from,
            quiet_until=row.quiet_until,
            timezone=row.timezone,
            last=last,
        )


async def _found(session: AsyncSession, wanted: str) -> AlertReceiverRow:
    row = await store.by_name(session, wanted.strip()) or await store.find(session, wanted)
    if row is None:
        raise NotFound("receiver_unknown", f"no receiver {wanted[:64]!r}", hint="See `writeback alerts receivers`.")
    return row


def _is_mail_address(text: str) -> bool:
    """Whether it is one plain address: nothing with which a header could be made longer."""
    name, _, domain = text.rpartition("@")
    is_plain = text.isascii() and text.isprintable() and not set(text) & set(' ,;:<>()[]\\"')
    return bool(name and domain and is_plain and len(text) <= _LONGEST_ADDRESS)


def _name_findings(new: NewReceiver) -> Sequence[Finding]:
    name = new.name.strip()
    if 0 < len(name) <= _LONGEST_NAME and name.isprintable():
        return []
    hint = f"Give it 1 to {_LONGEST_NAME} characters, e.g. Duty phone."
    return [Finding("name_invalid", f"name is {name[:_SHOWN]!r}", hint, pointer="/name")]


def _other_findings(new: NewReceiver, unknown: Sequence[str]) -> Sequence[Finding]:
    found = [
        Finding("school_unknown", f"no school {school!r} is registered", "Check the spelling.", pointer="/schools")
        for school in unknown
    ]
    if new.schools is not None and not new.schools:
        found.append(
            Finding(
                "schools_missing",
                "it would be told of no school",
                "Name some, or none at all for every school.",
                pointer="/schools",
            )
        )
    if new.kinds is not None and not new.kinds:
        found.append(
            Finding(
                "kinds_missing",
                "it would be told of nothing",
                f"Give some of {', '.join(AlertKind)}.",
                pointer="/kinds",
            )
        )
    if (new.quiet_from is None) is not (new.quiet_until is None):
        found.append(
            Finding(
                "quiet_hours_invalid",
                "quiet hours want a beginning and an end",
                "Give both, e.g. 18:00 and 07:30.",
                pointer="/quiet_from",
            )
        )
    try:
        ZoneInfo(new.timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        found.append(
            Finding(
                "timezone_unknown",
                f"there is no time zone {new.timezone[:_SHOWN]!r}",
                "Write it like Europe/London.",
                pointer="/timezone",
            )
        )
    return found
