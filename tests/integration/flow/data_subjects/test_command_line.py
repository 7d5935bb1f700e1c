"""`writeback people`, `db restored` and `db compact` without a running API, in a data directory of their own."""

import asyncio
import json
import shutil
import sqlite3
import zipfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session
from typer.testing import CliRunner

from tests.integration.flow.data_subjects import planting
from tests.integration.flow.data_subjects.planting import NAME, OTHER, OTHER_NAME, PUPIL, SCHOOL, TRACES
from tests.secret_key import SECRET_KEY
from writeback.cli.exit_codes import Exit
from writeback.cli.main import app
from writeback.core.clock import SystemClock
from writeback.core.secrets import SecretBox
from writeback.store.sql.database import Database

WHO = ("--school", SCHOOL, "--student", PUPIL, "--name", NAME, "--reason", "request 17")


@pytest.fixture
def data_dir(tmp_path: Path, sqlite_template: Path, redis_server: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data directory with both pupils planted, and settings that name it."""
    folder = tmp_path / "data"
    folder.mkdir()
    shutil.copy(sqlite_template, folder / "writeback.db")
    asyncio.run(_plant(folder))
    given = {"DATA_DIR": str(folder), "SECRET_KEY": SECRET_KEY, "REDIS_URL": redis_server}
    for name, value in given.items():
        monkeypatch.setenv(f"WRITEBACK_{name}", value)
    return folder


async def _plant(folder: Path) -> None:
    db = Database.open(f"sqlite+aiosqlite:///{folder / 'writeback.db'}")
    now = SystemClock().now()

    def plant(session: Session) -> None:
        planting.plant_school(session, now)
        planting.plant(session, SecretBox(SECRET_KEY), now, PUPIL, NAME, 0)
        planting.plant(session, SecretBox(SECRET_KEY), now, OTHER, OTHER_NAME, 1)

    await db.transact(plant)
    await db.dispose()


@pytest.fixture
def run() -> Callable[..., Any]:
    def call(*arguments: str, code: int = 0) -> Any:
        result = CliRunner().invoke(app, [*arguments, "--json"])
        assert result.exit_code == code, result.output
        return json.loads(result.stdout)

    return call


def leave_dead_rows(folder: Path) -> None:
    """Delete a row as a SQLite does that was not built to overwrite what is deleted; some are."""
    with closing(sqlite3.connect(folder / "writeback.db", isolation_level=None)) as connection:
        connection.execute("PRAGMA secure_delete=OFF")
        connection.execute("CREATE TABLE gone (said TEXT)")
        connection.execute("INSERT INTO gone VALUES (?)", [PUPIL * 100])
        connection.execute("DROP TABLE gone")


def traces_in_files(folder: Path) -> set[tuple[str, str]]:
    found = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    return {(name, trace) for name, content in found.items() for trace in TRACES if trace.encode() in content}


def test_the_files_have_nothing_of_the_pupil_after_the_documented_maintenance(
    data_dir: Path, run: Callable[..., Any]
) -> None:
    done = run("people", "erase", *WHO, "--yes")
    leave_dead_rows(data_dir)
    assert traces_in_files(data_dir)
    compacted = run("db", "compact", "--yes")

    assert done["is_complete"] is True
    assert compacted["is_complete"] is True
    assert compacted["after"] <= compacted["before"]
    assert traces_in_files(data_dir) == set()
    assert OTHER.encode() in (data_dir / "writeback.db").read_bytes()


def test_a_restored_backup_is_rid_of_the_pupil_again(data_dir: Path, tmp_path: Path, run: Callable[..., Any]) -> None:
    taken_at = SystemClock().now()
    shutil.copytree(data_dir, tmp_path / "backup")
    run("people", "erase", *WHO, "--yes")
    for path in data_dir.glob("writeback.db*"):
        path.unlink()
    shutil.copy(tmp_path / "backup" / "writeback.db", data_dir / "writeback.db")

    said = run("db", "restored", "--taken-at", taken_at.isoformat(), "--yes")
    run("db", "compact", "--yes")

    assert said["erased_again"]["persons"] == 1
    assert said["erased_again"]["waiting"] == []
    assert {trace for _, trace in traces_in_files(data_dir)} <= {"Quillfeather", "quillfeather"}  # names are not listed
    assert run("people", "erase-listed")["persons"] == 0


def test_an_export_is_a_page_for_people_and_json_for_machines(
    data_dir: Path, tmp_path: Path, run: Callable[..., Any]
) -> None:
    path = tmp_path / "export.zip"

    result = CliRunner().invoke(app, ["people", "export", *WHO, "--output", str(path)])

    assert result.exit_code == 0, result.output
    with zipfile.ZipFile(path) as archive:
        read = {name: archive.read(name).decode() for name in archive.namelist()}
    assert set(read) == {"export.html", "export.json"}
    assert f"Pupil {PUPIL}" in read["export.html"]
    assert f"{NAME} was there" in read["export.html"]
    assert json.loads(read["export.json"])["places"]
    again = CliRunner().invoke(app, ["people", "export", *WHO, "--output", str(path)])
    assert again.exit_code == Exit.USAGE  # nothing is written over


def test_a_reason_that_names_the_pupil_is_refused(data_dir: Path, run: Callable[..., Any]) -> None:
    said = run("people", "erase", *WHO[:-1], f"about {NAME}", "--yes", code=Exit.REFUSED)

    assert "names the person" in json.dumps(said)
