"""Signing in with a password: counted before it is tried, as slow for an unknown name as for a wrong password.

Failed tries at somebody else's account count for the caller's own address, then for all strangers together; never for a
browser in which the owner has signed in before.
"""

import hashlib
import math
from collections.abc import Sequence
from datetime import timedelta
from ipaddress import IPv6Address, IPv6Network, ip_address
from typing import NamedTuple

import structlog
from sqlmodel import Session

from writeback.core.clock import Clock
from writeback.core.errors import Overloaded, Unauthenticated
from writeback.core.settings import ConsoleSettings
from writeback.domain.actor import Actor
from writeback.flow.people.devices import Devices
from writeback.flow.people.passwords import hash_password, is_outdated, is_password
from writeback.flow.people.sessions import StaffSessions
from writeback.flow.people.staff_accounts import normal_name
from writeback.store.people import audit
from writeback.store.people import staff as store
from writeback.store.sql.database import Database
from writeback.store.tables import StaffRow

log = structlog.get_logger()

_NOBODY = Actor("nobody signed in")
_IPV6_SITE = 64
"""Bits of an IPv6 address that tell one customer from another; the rest anybody changes at will."""


class Entry(NamedTuple):
    """What the cookies are to say: who is signed in, and that somebody has been in this browser."""

    session: str
    device: str


class _Count(NamedTuple):
    """One of the counts that a try goes into. `is_own`: it is of this person, so a success ends it."""

    key: str
    limit: int
    is_own: bool = False


class SignIns:
    """Takes names and passwords."""

    def __init__(
        self, db: Database, clock: Clock, settings: ConsoleSettings, sessions: StaffSessions, devices: Devices
    ) -> None:
        self._db, self._clock, self._settings = db, clock, settings
        self._sessions, self._devices = sessions, devices

    async def by_password(self, name: str, password: str, address: str, device: str = "") -> Entry:
        """Return what the cookies are to say; raise Unauthenticated, or Overloaded after too many tries.

        `address` is where the call comes from, `device` what an earlier sign-in had this browser keep.
        """
        name = normal_name(name)
        async with self._db.read() as reading:
            row = await store.find(reading, name)
        known = self._devices.known(device, row, self._clock.now())
        counts = self._counts_of_device(known) if known else self._counts_of_stranger(name, address)
        wait_s = await self._db.transact(lambda session: self._count(session, counts))
        if wait_s:
            raise _TooOften(wait_s, is_known=known is not None)
        stored = row.password_hash if row is not None and row.disabled_at is None else None
        if not await is_password(password, stored):
            await self._note_failure(row, _key("account", name))
            raise Unauthenticated(
                "sign_in_refused", "the name or the password is wrong", hint="Try again, or ask for a new password."
            )
        assert row is not None
        better = await hash_password(password) if is_outdated(row.password_hash or "") else None
        return await self._db.transact(lambda session: self._let_in(session, row.name, counts, better))

    def _counts_of_device(self, device: str) -> Sequence[_Count]:
        return [_Count(_key("device", device), self._settings.tries_per_account, is_own=True)]

    def _counts_of_stranger(self, name: str, address: str) -> Sequence[_Count]:
        site, settings = _site_of(address), self._settings
        return [
            _Count(_key("account there", f"{name}\0{site}"), settings.tries_per_account, is_own=True),
            _Count(_key("address", site), settings.tries_per_address),
            _Count(_key("account", name), settings.tries_of_strangers),
        ]

    def _count(self, session: Session, counts: Sequence[_Count]) -> int:
        """Count a try; return how many seconds are to be waited out, 0: none.

        It is counted before the password is looked at, so tries that come at once are counted too. A try that an
        earlier count refuses goes into none of those after it: no single address uses up what an account has.
        """
        now = self._clock.now()
        until = now + timedelta(seconds=self._settings.tries_forgotten_after_s)
        for key, limit, _ in counts:
            row = store.count_try(session, key, now, until)
            if row.tries == limit + 1:  # once, or whoever tries could fill the log
                audit.note(session, _NOBODY, now, "staff.sign_in_blocked", key)
            if row.tries > limit:
                return math.ceil((row.until - now).total_seconds())
        return 0

    def _let_in(self, session: Session, name: str, counts: Sequence[_Count], better_hash: str | None) -> Entry:
        row = store.by_name(session, name)
        if row is None or row.disabled_at is not None:  # since we looked
            raise Unauthenticated("sign_in_refused", "the name or the password is wrong")
        if better_hash is not None:
            row.password_hash = better_hash
        for key, _, is_own in counts:
            if is_own:
                store.forget_tries(session, key)
            else:
                store.take_back_try(session, key)  # others count in it too
        now, token = self._clock.now(), self._sessions.begin(session, row)
        audit.note(session, Actor(f"staff:{row.name}"), now, "staff.sign_in", row.id)
        log.info("staff_signed_in", staff_id=row.id)
        return Entry(token, self._devices.token_for(row, now))

    async def _note_failure(self, row: StaffRow | None, account_key: str) -> None:
        """Write the failure down, against the account where there is one; a name that nobody has is kept as a hash."""
        subject = account_key if row is None else row.id
        noted = {"account": "unknown" if row is None else "disabled" if row.disabled_at else "known"}

        def note(session: Session) -> None:
            audit.note(session, _NOBODY, self._clock.now(), "staff.sign_in_failed", subject, changed=noted)

        await self._db.transact(note)
        log.info("staff_sign_in_failed", subject=subject, account=noted["account"])


class _TooOften(Overloaded):
    status, title = 429, "Too many tries"

    def __init__(self, wait_s: int, *, is_known: bool) -> None:
        minutes = max(1, math.ceil(wait_s / 60))
        hint = f"Wait {minutes} minute{'' if minutes == 1 else 's'}, then try again."
        if not is_known:
            hint += " A browser in which you have signed in before need not wait."
        super().__init__("sign_in_too_often", "too many sign-ins have failed", retry_after_s=wait_s, hint=hint)


def _key(sort: str, value: str) -> str:
    return f"{sort}:{hashlib.sha256(value.encode()).hexdigest()[:40]}"


def _site_of(address: str) -> str:
    """Return the address, of IPv6 the network that one customer has; a text that is no address as it is."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address):
        mapped = parsed.ipv4_mapped
        return str(mapped or IPv6Network((int(parsed), _IPV6_SITE), strict=False))
    return str(parsed)
