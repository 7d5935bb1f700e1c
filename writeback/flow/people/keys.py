"""API keys of apps: create, list, rotate, revoke and authenticate. The API calls `authenticate` on every call."""

import asyncio
import hmac
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog

from writeback.core import outage_logs
from writeback.core.clock import Clock
from writeback.core.errors import Conflict, NotFound, Unauthenticated
from writeback.core.ids import new_id
from writeback.core.secrets import KEY_PREFIX, hash_api_key, new_api_key
from writeback.core.ttl import TtlCache
from writeback.domain.access import Caller, Scope
from writeback.domain.actor import SERVICE, Actor
from writeback.domain.kinds import kinds_named
from writeback.domain.mode import TEST_PREFIX, Mode, id_in, mode_of, name_in
from writeback.domain.staff import CONSOLE_APPS
from writeback.flow.people.key_checks import refuse_findings
from writeback.flow.registry.slugs import slug_of
from writeback.store.apps import keys as store
from writeback.store.people import audit
from writeback.store.reads.pages import cut, decode_cursor
from writeback.store.sql.database import Database
from writeback.store.tables import ApiKey, App
from writeback_client.models.access import Key, NewKey
from writeback_client.models.base import Page

log = structlog.get_logger()

OVERLAP = timedelta(hours=24)
"""How long a key that was rotated works beside the new one, unless somebody says otherwise."""
LONGEST_OVERLAP = timedelta(days=30)
_USED_PRECISION = timedelta(minutes=1)
"""`last_used_at` is written at most so often: it is for people who look for forgotten keys."""
_LONGEST_TOKEN = 128
_NO_KEY_HINT = "Send `Authorization: Bearer wbk_…`; whoever looks after the service makes keys."


@dataclass(frozen=True)
class _Known:
    """What is remembered of a token: `caller` None, and why, where it gives no rights."""

    hash: str
    caller: Caller | None
    code: str = ""
    detail: str = ""
    until: datetime | None = None
    """It was rotated: it works so long."""


class Keys:
    """The keys, and what is remembered of those used in the last seconds (`cache_s`)."""

    def __init__(self, db: Database, clock: Clock, *, cache_s: float) -> None:
        self._db, self._clock = db, clock
        # Two caches, so that a flood of made-up tokens does not push the good ones out.
        self._good: TtlCache[str, _Known] = TtlCache(clock, cache_s)
        self._bad: TtlCache[str, _Known] = TtlCache(clock, cache_s, max_entries=1_000)
        self._used: dict[str, datetime] = {}
        self._noting: set[asyncio.Task[None]] = set()

    async def aclose(self) -> None:
        """Return when the last use of every key is written down."""
        await asyncio.gather(*self._noting)

    async def authenticate(self, token: str) -> Caller:
        """Return who calls; raise Unauthenticated for an unknown or revoked key.

        A token is looked up by its SHA-256, so what can be timed depends on the hash and not on the key.
        """
        if not token.startswith(KEY_PREFIX) or len(token) > _LONGEST_TOKEN:
            raise Unauthenticated("key_malformed", "the key does not look like one of ours", hint=_NO_KEY_HINT)
        key_hash = hash_api_key(token)
        known = self._good.peek(key_hash) or self._bad.peek(key_hash)
        if known is None:
            known = await self._good.get(key_hash, self._load)
            if known.caller is None:
                self._good.forget(key_hash)
                self._bad.put(key_hash, known)
        if known.caller is None or not hmac.compare_digest(known.hash, key_hash):
            raise Unauthenticated(known.code, known.detail, hint=_NO_KEY_HINT)
        if known.until is not None and known.until <= self._clock.now():
            raise _rotated(known.caller.key_id)
        return known.caller

    async def create(
        self,
        app: str,
        name: str,
        scopes: Collection[Scope],
        schools: Sequence[str] | None = None,
        *,
        kinds: Sequence[str] | None = None,
        mode: Mode = Mode.LIVE,
        actor: Actor = SERVICE,
    ) -> NewKey:
        """Make a key for an app, and the app where it is new; raise InvalidSubmission with what is wrong.

        An app that has keys of both modes is two apps: nothing of its tests is ever beside what is real.
        """
        key, now = new_api_key(is_test=mode is Mode.TEST), self._clock.now()
        only = None if schools is None else list(dict.fromkeys(schools))
        async with self._db.write() as session:
            unknown = await store.unknown_schools(session, only or [], mode)
            refuse_findings(app, scopes, only, unknown, kinds)
            row = ApiKey(
                id=new_id("key", now),
                app_id=await store.ensure_app(session, _app(app, mode, now)),
                name=name,
                hash=hash_api_key(key),
                scopes=sorted(scope.value for scope in set(scopes)),
                schools=only,
                kinds=None if kinds is None else list(dict.fromkeys(kinds)),
                created_at=now,
            )
            session.add(row)
            noted = {"scopes": row.scopes, "schools": row.schools, "kinds": row.kinds}
            audit.note(session, actor, now, "key.create", row.id, app=row.app_id, changed=noted)
        self._bad.clear()
        log.info("key_created", key_id=row.id, app_id=row.app_id, scopes=row.scopes)
        return NewKey(**_shown(row), key=key)

    async def list(self, *, limit: int, cursor: str | None = None) -> Page[Key]:
        """Return a page of keys, the newest first, revoked ones too."""
        before = decode_cursor(cursor)
        async with self._db.read() as session:
            rows = await store.page(session, before=before, limit=limit + 1)
        return cut([Key(**_shown(row)) for row in rows], limit, lambda view: view.id)

    async def apps(self) -> Sequence[str]:
        """Return the ids of all apps that may have keys."""
        async with self._db.read() as session:
            return await store.apps(session, besides=CONSOLE_APPS)

    async def of_app(self, app: str) -> Sequence[Key]:
        """Return an app's keys, the newest first, revoked ones too; raise NotFound where there is no such app."""
        async with self._db.read() as session:
            if await store.find_app(session, app) is None:
                raise NotFound("app_unknown", f"there is no app {app[:64]!r}", hint="See the list of apps.")
            return [Key(**_shown(row)) for row in await store.of_app(session, app)]

    async def rotate(self, key_id: str, *, overlap: timedelta = OVERLAP, actor: Actor = SERVICE) -> NewKey:
        """Give a key a new secret; the old one keeps working for `overlap`, the one before that no longer.

        Raise NotFound for an unknown key, Conflict for a revoked one.
        """
        now = self._clock.now()
        async with self._db.write() as session:
            row = await store.lock(session, key_id)
            if row is None:
                raise _unknown(key_id)
            if row.revoked_at is not None:
                raise Conflict("key_revoked", f"key {row.id} was revoked", hint="Make a new one: POST /v1/keys.")
            key = new_api_key(is_test=mode_of(row.app_id) is Mode.TEST)
            gone = (row.hash, row.old_hash)
            row.old_hash, row.old_until = row.hash, now + overlap
            row.hash = hash_api_key(key)
            session.add(row)
            noted = {"overlap_s": round(overlap.total_seconds())}
            audit.note(session, actor, now, "key.rotate", row.id, app=row.app_id, changed=noted)
        for key_hash in gone:
            self._good.forget(key_hash or "")
        self._bad.clear()
        log.info("key_rotated", key_id=row.id, app_id=row.app_id)
        return NewKey(**_shown(row), key=key)

    async def revoke(self, key_id: str, *, actor: Actor = SERVICE) -> None:
        """Revoke a key, at once here and within `cache_s` elsewhere; raise NotFound for an unknown one."""
        async with self._db.write() as session:
            row = await store.lock(session, key_id)
            if row is None:
                raise _unknown(key_id)
            now = self._clock.now()
            row.revoked_at = row.revoked_at or now
            session.add(row)
            audit.note(session, actor, now, "key.revoke", key_id, app=row.app_id)
        self._good.forget(row.hash)
        self._good.forget(row.old_hash or "")
        log.info("key_revoked", key_id=key_id, app_id=row.app_id)

    async def _load(self, key_hash: str) -> _Known:
        async with self._db.read() as session:
            row = await store.by_hash(session, key_hash)
        if row is None:
            return _Known(key_hash, None, "key_unknown", "no such key")
        if row.revoked_at is not None:
            return _Known(key_hash, None, "key_revoked", f"key {row.id} was revoked")
        until = row.old_until if row.hash != key_hash else None
        if until is not None and until <= self._clock.now():
            return _Known(key_hash, None, "key_rotated", f"key {row.id} was rotated, and its old secret has run out")
        self._note_use(row)
        return _Known(key_hash, _caller(row), until=until)

    def _note_use(self, row: ApiKey) -> None:
        """Write down that the key was used, beside the call that uses it."""
        now = self._clock.now()
        last = max((at for at in (row.last_used_at, self._used.get(row.id)) if at is not None), default=None)
        if last is not None and now - last < _USED_PRECISION:
            return
        self._used[row.id] = now
        task = asyncio.create_task(self._write_use(row.id, now), name="note-key-use")
        self._noting.add(task)
        task.add_done_callback(self._noting.discard)

    async def _write_use(self, key_id: str, at: datetime) -> None:
        try:
            async with self._db.write() as session:
                await store.mark_used(session, key_id, at)
        except Exception as error:
            # Whether the key is good does not depend on this note.
            outage_logs.warning("key_use_not_noted", error, key_id=key_id)


def _app(name: str, mode: Mode, now: datetime) -> App:
    """Return the app of that name; `name` may be its id as well. That for tests is told by its name, too."""
    if mode is Mode.LIVE:
        return App(id=slug_of(name), name=name, created_at=now)
    plain = name.removeprefix(TEST_PREFIX)
    return App(id=id_in(mode, slug_of(plain)), name=name_in(mode, plain), created_at=now)


def _unknown(key_id: str) -> NotFound:
    return NotFound("key_unknown", f"no key {key_id[:64]!r}", hint="List the keys to see their ids: GET /v1/keys.")


def _rotated(key_id: str) -> Unauthenticated:
    return Unauthenticated(
        "key_rotated", f"key {key_id} was rotated, and its old secret has run out", hint=_NO_KEY_HINT
    )


def _caller(row: ApiKey) -> Caller:
    return Caller(
        key_id=row.id,
        app_id=row.app_id,
        scopes=frozenset(Scope(scope) for scope in row.scopes),
        schools=None if row.schools is None else frozenset(row.schools),
        kinds=None if row.kinds is None else kinds_named(row.kinds),
    )


def _shown(row: ApiKey) -> dict[str, Any]:
    return {
        "id": row.id,
        "app": row.app_id,
        "mode": mode_of(row.app_id),
        "name": row.name,
        "scopes": row.scopes,
        "schools": row.schools,
        "kinds": row.kinds,
        "created_at": row.created_at,
        "revoked_at": row.revoked_at,
        "last_used_at": row.last_used_at,
        "old_until": row.old_until,
    }
