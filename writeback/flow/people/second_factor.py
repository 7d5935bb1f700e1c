"""The second factor of staff who sign in with a password: codes of an authenticator app (TOTP), and recovery codes.

Set up in two steps: a secret is shown, then a code of it is given. From then on each sign-in asks for one.
"""

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlmodel import Session

from writeback.core.clock import Clock
from writeback.core.errors import ConfigurationError, Conflict, Unauthenticated
from writeback.core.secrets import SecretBox
from writeback.domain.actor import staff
from writeback.domain.staff import Person
from writeback.flow.people.sessions import SignedIn
from writeback.flow.people.tries import Count, Tries
from writeback.store.people import audit
from writeback.store.people import staff as store
from writeback.store.sql.database import Database
from writeback.store.tables import StaffRow

log = structlog.get_logger()

ISSUER = "writeback"
"""What the app calls us."""
_RECOVERY_CODES = 10
_RECOVERY_BYTES = 14
"""112 random bits each (OWASP ASVS 4.0.3, 2.6.2): a plain hash is enough, and nobody guesses one."""
_RECOVERY_GROUP = 7
_DRIFT = 1
"""By how many half-minutes the clock of somebody's phone may differ."""
_LONGEST_CODE = 64


@dataclass(frozen=True)
class Shown:
    """What is shown while it is being set up: `uri` is what a QR code says, `secret` what is typed instead."""

    uri: str
    secret: str


@dataclass(frozen=True)
class State:
    """What an account has. `since` None: no second factor."""

    has_password: bool
    since: datetime | None
    recovery_codes: int
    """How many are left."""


class SecondFactors:
    """Sets them up, takes their codes, and takes them away."""

    def __init__(self, db: Database, clock: Clock, tries: Tries, box: SecretBox) -> None:
        self._db, self._clock, self._tries, self._box = db, clock, tries, box

    async def state_of(self, person: Person) -> State:
        """Return what somebody has."""
        async with self._db.read() as session:
            row = await store.find(session, person.name)
        assert row is not None, "accounts are disabled, never deleted"
        return State(row.password_hash is not None, row.totp_since, len(row.recovery_codes or ()))

    async def begin(self, person: Person) -> None:
        """Make a secret for somebody who has none that is in use; raise Conflict where there is one."""
        import pyotp  # loaded where codes are used: other processes would wait for it at their start

        secret = self._box.seal({"totp": pyotp.random_base32()})

        def keep(session: Session) -> None:
            row = _account(session, person)
            if row.totp_since is not None:
                raise _in_use()
            row.totp_secret, row.totp_step = secret, None
            session.add(row)

        await self._db.transact(keep)

    async def being_set_up(self, person: Person) -> Shown | None:
        """Return what is to be entered into the app; None: nothing has been begun, or it is done."""
        async with self._db.read() as session:
            row = await store.find(session, person.name)
        if row is None or row.totp_secret is None or row.totp_since is not None:
            return None
        try:
            totp = self._totp(row)
        except ConfigurationError:  # sealed with another key: to be begun again
            return None
        return Shown(totp.provisioning_uri(name=row.name, issuer_name=ISSUER), totp.secret)

    async def confirm(self, signed_in: SignedIn, code: str) -> Sequence[str]:
        """Put it into use with a first code, and sign out all other browsers; return the recovery codes, shown once.

        Raise Unauthenticated for a wrong code, TooOften after too many, Conflict where nothing is being set up.
        """
        person = signed_in.person
        counts = await self._counted(person)

        def turn_on(session: Session) -> Sequence[str]:
            row = _account(session, person)
            if row.totp_secret is None or row.totp_since is not None:
                raise _in_use()
            step = self._step_of(row, code)
            if step is None:
                raise _code_refused()
            now = self._clock.now()
            row.totp_since = row.updated_at = now
            row.totp_step = step
            codes = _give_recovery_codes(row)
            session.add(row)
            self._tries.succeeded(session, counts)
            noted = {"signed_out": store.end_other_sessions(session, row.id, signed_in.hash)}
            audit.note(session, person.actor(), now, "staff.second_factor_on", row.id, changed=noted)
            return codes

        codes = await self._db.transact(turn_on)
        log.info("staff_second_factor_on", staff_id=person.id)
        return codes

    async def new_recovery_codes(self, person: Person, code: str) -> Sequence[str]:
        """Return new ones, shown once; the old ones work no longer. Raise Unauthenticated, or TooOften."""
        counts = await self._counted(person)

        def renew(session: Session) -> Sequence[str]:
            row = _account(session, person)
            self.take(session, row, code)
            self._tries.succeeded(session, counts)
            codes = _give_recovery_codes(row)
            audit.note(session, person.actor(), self._clock.now(), "staff.recovery_codes_renewed", row.id)
            return codes

        return await self._db.transact(renew)

    async def turn_off(self, person: Person, code: str) -> None:
        """Take it away; raise Unauthenticated for a wrong code, TooOften after too many."""
        counts = await self._counted(person)

        def clear(session: Session) -> None:
            row = _account(session, person)
            self.take(session, row, code)
            self._tries.succeeded(session, counts)
            forget(row)
            row.updated_at = now = self._clock.now()
            audit.note(session, person.actor(), now, "staff.second_factor_off", row.id)

        await self._db.transact(clear)

    async def _counted(self, person: Person) -> Sequence[Count]:
        counts = self._tries.of_person("code ", person.id)
        await self._tries.begin(counts)
        return counts

    def take(self, session: Session, row: StaffRow, code: str) -> None:
        """Take a code of the app, or a recovery code, of a locked account, once; raise Unauthenticated."""
        given = "".join(code[:_LONGEST_CODE].split()).replace("-", "").lower()
        if row.totp_since is None:
            raise _code_refused()
        step = self._step_of(row, given)
        if step is not None and step > (row.totp_step or 0):
            row.totp_step = step
        elif (used := _recovery_hash_in(row, given)) is not None:
            row.recovery_codes = [one for one in row.recovery_codes or () if one != used]
            noted = {"left": len(row.recovery_codes)}
            audit.note(session, staff(row.name), self._clock.now(), "staff.recovery_code_used", row.id, changed=noted)
        else:
            raise _code_refused()
        session.add(row)

    def _step_of(self, row: StaffRow, code: str) -> int | None:
        """Return the half-minute whose code it is, of those about now; compared in constant time."""
        from pyotp.exceptions import OTPVerificationError

        given = "".join(code.split())
        try:
            step: int = self._totp(row).verify_and_get_timecode(given, for_time=self._clock.now(), valid_window=_DRIFT)
        except OTPVerificationError:
            return None
        except ConfigurationError:  # recovery codes do not depend on the secret key
            log.error("second_factor_sealed_with_another_key", staff_id=row.id)
            return None
        return step

    def _totp(self, row: StaffRow):  # type: ignore[no-untyped-def] # its type would load pyotp at every start
        import pyotp

        assert row.totp_secret is not None
        return pyotp.TOTP(self._box.open(row.totp_secret)["totp"])


def forget(row: StaffRow) -> bool:
    """Take the second factor from a locked account; return whether it had one."""
    had = row.totp_since is not None
    row.totp_secret = row.totp_since = row.totp_step = row.recovery_codes = None
    return had


def _code_refused() -> Unauthenticated:
    return Unauthenticated(
        "code_refused",
        "the code is wrong, or was used before",
        hint="Wait for the next code of your app, or give one of your recovery codes.",
    )


def _account(session: Session, person: Person) -> StaffRow:
    row = store.by_name(session, person.name)
    assert row is not None, "accounts are disabled, never deleted"
    return row


def _in_use() -> Conflict:
    return Conflict(
        "second_factor_in_use", "the second factor is in use, or is not being set up", hint="Load the page again."
    )


def _give_recovery_codes(row: StaffRow) -> Sequence[str]:
    codes = [secrets.token_hex(_RECOVERY_BYTES) for _ in range(_RECOVERY_CODES)]
    row.recovery_codes = [_hash(row, code) for code in codes]
    return ["-".join(code[at : at + _RECOVERY_GROUP] for at in range(0, len(code), _RECOVERY_GROUP)) for code in codes]


def _recovery_hash_in(row: StaffRow, code: str) -> str | None:
    """Return the hash of the recovery code that was given, of those that are left."""
    given, found = _hash(row, code), None
    for one in row.recovery_codes or ():
        if hmac.compare_digest(one, given):
            found = one
    return found


def _hash(row: StaffRow, code: str) -> str:
    return hashlib.sha256(f"recovery code of {row.id}: {code}".encode()).hexdigest()
