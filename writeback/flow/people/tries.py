"""Tries of what people type, passwords and codes: counted before they are looked at, so many at once count too."""

import hashlib
import math
from collections.abc import Sequence
from datetime import timedelta
from ipaddress import IPv6Address, IPv6Network, ip_address
from typing import NamedTuple

from sqlmodel import Session

from writeback.core.clock import Clock
from writeback.core.errors import Overloaded
from writeback.core.settings import ConsoleSettings
from writeback.domain.actor import Actor
from writeback.store.people import audit
from writeback.store.people import staff as store
from writeback.store.sql.database import Database

NOBODY = Actor("nobody signed in")
_IPV6_SITE = 64
"""Bits of an IPv6 address that tell one customer from another; the rest anybody changes at will."""


class Count(NamedTuple):
    """One of the counts that a try goes into. `is_own`: it is of this person, so a success ends it."""

    key: str
    limit: int
    is_own: bool = False


class Tries:
    """The counts."""

    def __init__(self, db: Database, clock: Clock, settings: ConsoleSettings) -> None:
        self._db, self._clock, self._settings = db, clock, settings

    def of_device(self, what: str, device: str) -> Sequence[Count]:
        """Return the count of a browser in which the account has signed in before."""
        return [Count(key_of(f"{what}device", device), self._settings.tries_per_account, is_own=True)]

    def of_stranger(self, what: str, name: str, address: str) -> Sequence[Count]:
        """Return the counts of any other browser: here, from its address, and of the account from everywhere."""
        site, settings = _site_of(address), self._settings
        return [
            Count(key_of(f"{what}account there", f"{name}\0{site}"), settings.tries_per_account, is_own=True),
            Count(key_of(f"{what}address", site), settings.tries_per_address),
            Count(key_of(f"{what}account", name), settings.tries_of_strangers),
        ]

    def of_person(self, what: str, staff_id: str) -> Sequence[Count]:
        """Return the count of somebody who is signed in, and gives a password or a code again: each has its own, for
        whoever knows the password could else begin to count codes from none at will."""
        return [Count(key_of(f"{what}again", staff_id), self._settings.tries_per_account, is_own=True)]

    async def begin(self, counts: Sequence[Count], *, is_known: bool = True) -> None:
        """Count a try; raise TooOften while others have to be waited out. `is_known`: of a browser known before."""
        wait_s = await self._db.transact(lambda session: self._count(session, counts))
        if wait_s:
            raise TooOften(wait_s, is_known=is_known)

    def succeeded(self, session: Session, counts: Sequence[Count]) -> None:
        """Count the try no longer: it was right."""
        for key, _, is_own in counts:
            if is_own:
                store.forget_tries(session, key)
            else:
                store.take_back_try(session, key)  # others count in it too

    def _count(self, session: Session, counts: Sequence[Count]) -> int:
        """Count a try; return how many seconds are to be waited out, 0: none.

        A try that an earlier count refuses goes into none of those after it: no single address uses up what an account
        has.
        """
        now = self._clock.now()
        until = now + timedelta(seconds=self._settings.tries_forgotten_after_s)
        for key, limit, _ in counts:
            row = store.count_try(session, key, now, until)
            if row.tries == limit + 1:  # once, or whoever tries could fill the log
                audit.note(session, NOBODY, now, "staff.sign_in_blocked", key)
            if row.tries > limit:
                return math.ceil((row.until - now).total_seconds())
        return 0


class TooOften(Overloaded):
    status, title = 429, "Too many tries"

    def __init__(self, wait_s: int, *, is_known: bool) -> None:
        minutes = max(1, math.ceil(wait_s / 60))
        hint = f"Wait {minutes} minute{'' if minutes == 1 else 's'}, then try again."
        if not is_known:
            hint += " A browser in which you have signed in before need not wait."
        super().__init__("sign_in_too_often", "too many sign-ins have failed", retry_after_s=wait_s, hint=hint)


def key_of(sort: str, value: str) -> str:
    """Return what a count is kept by: a hash, for what somebody typed as a name may be a password."""
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
