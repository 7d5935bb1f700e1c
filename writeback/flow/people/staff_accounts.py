"""Staff accounts: made, listed, disabled and changed, by the command line, in the console or at a first sign-in."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlmodel import Session

from writeback.core.clock import Clock
from writeback.core.errors import Conflict, InvalidSubmission, NotFound
from writeback.core.ids import new_id
from writeback.domain.actor import SERVICE, Actor
from writeback.domain.finding import Finding
from writeback.domain.staff import Role
from writeback.flow.people import second_factor
from writeback.flow.people.passwords import MAX_LENGTH, MIN_LENGTH, hash_password
from writeback.store.apps import keys
from writeback.store.people import audit
from writeback.store.people import staff as store
from writeback.store.sql.database import Database
from writeback.store.tables import StaffRow

log = structlog.get_logger()

_LONGEST_NAME = 100


@dataclass(frozen=True)
class StaffView:
    """An account as it is listed. `schools` None: all."""

    id: str
    name: str
    role: str
    schools: Sequence[str] | None
    signs_in_with: str
    """`password`, `openid` or `nothing`."""
    second_factor_since: datetime | None
    """None: there is none."""
    disabled_at: datetime | None
    last_sign_in_at: datetime | None
    created_at: datetime
    password_is_temporary: bool = False
    """Its owner has not chosen another yet."""


def normal_name(name: str) -> str:
    """Return the name as accounts have it: names differ neither by case nor by spaces around them."""
    return name.strip().casefold()


class Staff:
    """The accounts."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db, self._clock = db, clock

    async def add(
        self,
        name: str,
        role: Role,
        *,
        password: str | None = None,
        is_temporary: bool = False,
        schools: Sequence[str] | None = None,
        subject: str | None = None,
        actor: Actor = SERVICE,
    ) -> StaffView:
        """Make an account; raise InvalidSubmission with what is wrong, Conflict where there is one of that name.

        `is_temporary`: whoever makes it knows the password, so its owner is to choose another.
        """
        only = None if schools is None else list(dict.fromkeys(schools))
        async with self._db.read() as session:
            unknown = await keys.unknown_schools(session, only or [])
        _refuse([*_name_findings(name), *_password_findings(password), *_school_findings(only, unknown)])
        now = self._clock.now()
        row = StaffRow(
            id=new_id("stf", now),
            name=normal_name(name),
            role=role.value,
            schools=only,
            password_hash=None if password is None else await hash_password(password),
            password_is_temporary=is_temporary and password is not None,
            subject=subject,
            created_at=now,
            updated_at=now,
        )

        def insert(session: Session) -> None:
            if store.by_name(session, row.name) is not None:
                hint = "Choose another name, or change that account."
                raise Conflict("staff_exists", f"there is an account {row.name!r} already", hint=hint)
            session.add(row)
            audit.note(session, actor, now, "staff.add", row.id, changed={"role": row.role, "schools": row.schools})

        await self._db.transact(insert)
        log.info("staff_added", staff_id=row.id, role=row.role)
        return _view(row)

    async def list(self) -> Sequence[StaffView]:
        """Return all accounts by name, disabled ones too."""
        async with self._db.read() as session:
            return [_view(row) for row in await store.every(session)]

    async def set_password(
        self, name: str, password: str, *, is_temporary: bool = False, actor: Actor = SERVICE
    ) -> StaffView:
        """Give an account another password, and sign it out everywhere. `is_temporary`: as `add` has it."""
        _refuse(_password_findings(password))
        hashed = await hash_password(password)

        def change(session: Session) -> StaffRow:
            row = _locked(session, name)
            row.password_hash, row.password_is_temporary = hashed, is_temporary
            return self._changed(session, row, actor, "staff.password", sign_out=True)

        return _view(await self._db.transact(change))

    async def set_role(
        self,
        name: str,
        role: Role,
        *,
        schools: Sequence[str] | None = None,
        all_schools: bool = False,
        actor: Actor = SERVICE,
    ) -> StaffView:
        """Give an account another role; `schools` limits it to these, `all_schools` ends the limit."""
        only = None if schools is None else list(dict.fromkeys(schools))
        async with self._db.read() as session:
            unknown = await keys.unknown_schools(session, only or [])
        _refuse(_school_findings(only, unknown))

        def change(session: Session) -> StaffRow:
            row = _locked(session, name)
            row.role = role.value
            if only is not None or all_schools:
                row.schools = only
            return self._changed(session, row, actor, "staff.role", role=row.role, schools=row.schools)

        return _view(await self._db.transact(change))

    async def disable(self, name: str, *, actor: Actor = SERVICE) -> StaffView:
        """Let an account sign in no more, and sign it out everywhere, at once."""

        def change(session: Session) -> StaffRow:
            row = _locked(session, name)
            row.disabled_at = row.disabled_at or self._clock.now()
            return self._changed(session, row, actor, "staff.disable", sign_out=True)

        return _view(await self._db.transact(change))

    async def enable(self, name: str, *, actor: Actor = SERVICE) -> StaffView:
        """Let a disabled account sign in again."""

        def change(session: Session) -> StaffRow:
            row = _locked(session, name)
            row.disabled_at = None
            return self._changed(session, row, actor, "staff.enable")

        return _view(await self._db.transact(change))

    async def sign_out(self, name: str, *, actor: Actor = SERVICE) -> StaffView:
        """Sign an account out everywhere, at once."""

        def change(session: Session) -> StaffRow:
            return self._changed(session, _locked(session, name), actor, "staff.sign_out_everywhere", sign_out=True)

        return _view(await self._db.transact(change))

    async def reset_second_factor(self, name: str, *, actor: Actor = SERVICE) -> StaffView:
        """Take somebody's second factor away, who has lost phone and recovery codes, and sign them out everywhere."""

        def change(session: Session) -> StaffRow:
            row = _locked(session, name)
            had = second_factor.forget(row)
            return self._changed(session, row, actor, "staff.second_factor_reset", sign_out=True, had=had)

        return _view(await self._db.transact(change))

    def _changed(
        self, session: Session, row: StaffRow, actor: Actor, action: str, *, sign_out: bool = False, **noted: object
    ) -> StaffRow:
        row.updated_at = now = self._clock.now()
        session.add(row)
        if sign_out:
            noted["signed_out"] = store.end_sessions(session, row.id)
        audit.note(session, actor, now, action, row.id, changed=noted)
        return row


def _locked(session: Session, name: str) -> StaffRow:
    row = store.by_name(session, normal_name(name))
    if row is None:
        raise NotFound(
            "staff_unknown", f"no account {name[:_LONGEST_NAME]!r}", hint="List them: `writeback staff list`."
        )
    return row


def _view(row: StaffRow) -> StaffView:
    signs_in_with = "openid" if row.subject else "password" if row.password_hash else "nothing"
    return StaffView(
        row.id,
        row.name,
        row.role,
        row.schools,
        signs_in_with,
        row.totp_since,
        row.disabled_at,
        row.last_sign_in_at,
        row.created_at,
        row.password_is_temporary,
    )


def _name_findings(name: str) -> list[Finding]:
    normal = normal_name(name)
    if normal and len(normal) <= _LONGEST_NAME and normal.isprintable():
        return []
    hint = f"Give 1 to {_LONGEST_NAME} characters that can be seen, e.g. ann@example.org."
    return [Finding("staff_name_invalid", f"the name is {name[:_LONGEST_NAME]!r}", hint, pointer="/name")]


def _password_findings(password: str | None) -> list[Finding]:
    if password is None or MIN_LENGTH <= len(password) <= MAX_LENGTH:
        return []
    hint = f"Give {MIN_LENGTH} to {MAX_LENGTH} characters; a few words that do not belong together are good."
    message = f"the password has {len(password)} characters"
    return [Finding("password_invalid", message, hint, pointer="/password")]


def _school_findings(schools: Sequence[str] | None, unknown: Collection[str]) -> list[Finding]:
    findings = []
    if schools is not None and not schools:
        hint = "Name its schools, or leave them out for all."
        findings.append(Finding("schools_missing", "the account could see no school", hint, pointer="/schools"))
    for school_id in unknown:
        hint = "Register the school first, or check the spelling."
        findings.append(Finding("school_unknown", f"no school {school_id!r} is registered", hint, pointer="/schools"))
    return findings


def _refuse(findings: Sequence[Finding]) -> None:
    if findings:
        raise InvalidSubmission(
            "staff_invalid", f"the account cannot be so: {findings[0].message}", [one.as_json() for one in findings]
        )
