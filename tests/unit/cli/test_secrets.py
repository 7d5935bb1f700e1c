"""`writeback secrets`, `audit verify` and `schools renew-hook`: they work on the database itself."""

import errno
import json
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tests.secret_key import SECRET_KEY
from writeback.cli.main import app
from writeback.core.secret_key import new_key
from writeback.core.secrets import SecretBox

Run = Callable[..., Any]
_SCHOOL = (
    "INSERT INTO school (id, name, provider, mis, provider_school_id, base_url, credentials, overrides, facts,"
    " rechecks, created_at, updated_at) VALUES (?, 'A school', 'wonde', 'SIMS', ?, '', ?, '{}', '{}', 0,"
    " '2026-01-12 09:00:00', '2026-01-12 09:00:00')"
)


@pytest.fixture
def data_dir(tmp_path: Path, sqlite_template: Path) -> Path:
    """A data directory with a migrated database and a secret key of its own."""
    (tmp_path / "writeback.db").write_bytes(sqlite_template.read_bytes())
    (tmp_path / "secret.key").write_text(SECRET_KEY)
    return tmp_path


@pytest.fixture
def run(data_dir: Path, redis_server: str, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command; return what it prints with `--json`, or the error that it ends in."""
    monkeypatch.setenv("WRITEBACK_DATA_DIR", str(data_dir))
    monkeypatch.setenv("WRITEBACK_REDIS_URL", redis_server)

    def run_(*arguments: str, exit_code: int = 0) -> Any:
        result = CliRunner().invoke(app, [*arguments, "--json"])
        assert result.exit_code == exit_code, result.output
        answer = json.loads(result.stdout)
        return answer.get("error", answer)

    return run_


def add_school(data_dir: Path, school: str, key: str) -> None:
    with closing(sqlite3.connect(data_dir / "writeback.db")) as db, db:
        db.execute(_SCHOOL, (school, f"A-{school}", SecretBox(key).seal({"token": "t"})))


def sealed(answer: Any) -> tuple[int, int, int]:
    (schools,) = (one for one in answer["sealed"] if one["column"] == "school.credentials")
    return schools["newest"], schools["older"], schools["unreadable"]


def check_of(run: Run, name: str) -> Any:
    return next(one for one in run("doctor", exit_code=6)["checks"] if one["name"] == name)


def test_a_key_in_the_data_directory_turns_from_the_first_command_to_the_last(run: Run, data_dir: Path) -> None:
    add_school(data_dir, "hillside", SECRET_KEY)

    assert run("secrets", "new-key", "--yes") == {"keys": 2}
    assert sealed(run("secrets", "status")) == (0, 1, 0)
    assert "1 of 1 with an older key" in check_of(run, "sealed")["says"]
    assert run("secrets", "retire-keys", exit_code=4)["detail"] == "one text is sealed with an older key"
    resealed = run("secrets", "reseal", "--yes")
    assert (resealed["resealed"], sealed(resealed)) == (1, (1, 0, 0))
    assert check_of(run, "sealed")["says"] == "1, all with the newest key"
    assert run("secrets", "retire-keys", "--yes") == {"retired": 1}

    (key,) = (data_dir / "secret.key").read_text().split()
    assert key != SECRET_KEY
    assert sealed(run("secrets", "status")) == (1, 0, 0)


def test_a_key_file_that_cannot_be_written_is_said(run: Run, data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EBUSY, "Device or resource busy")

    monkeypatch.setattr(os, "replace", refuse)  # as where it is a mount of its own

    detail = run("secrets", "new-key", "--yes", exit_code=6)["detail"]

    assert detail.endswith("secret.key cannot be written: Device or resource busy")
    assert (data_dir / "secret.key").read_text() == SECRET_KEY


def test_what_none_of_the_keys_opens_is_named(run: Run, data_dir: Path) -> None:
    add_school(data_dir, "hillside", new_key())
    add_school(data_dir, "riverbank", SECRET_KEY)

    answer = run("secrets", "status", exit_code=6)

    assert sealed(answer) == (1, 0, 1)
    assert ["hillside"] in [one["unreadable_rows"] for one in answer["sealed"]]
    check = check_of(run, "sealed")
    assert not check["is_fine"]
    assert "1 of school.credentials" in check["says"]
    assert "at the end of secret.key" in check["mend"]


@pytest.mark.parametrize("command", ["new-key", "retire-keys"])
def test_a_key_that_is_set_is_not_turned_in_the_data_directory(
    run: Run, data_dir: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setenv("WRITEBACK_SECRET_KEY", new_key())

    assert "is one that you set" in run("secrets", command, exit_code=2)["detail"]
    assert (data_dir / "secret.key").read_text() == SECRET_KEY


def test_older_keys_stay_until_somebody_says_that_the_new_one_is_in_use(run: Run, data_dir: Path) -> None:
    (data_dir / "secret.key").write_text(f"{new_key()}\n{SECRET_KEY}")

    assert "nothing was done" in run("secrets", "retire-keys", exit_code=2)["detail"]
    assert len((data_dir / "secret.key").read_text().split()) == 2


@pytest.mark.parametrize("command", ["new-key", "reseal"])
def test_nothing_is_done_unless_somebody_says_yes(run: Run, data_dir: Path, command: str) -> None:
    (data_dir / "secret.key").write_text(f"{new_key()}\n{SECRET_KEY}")
    add_school(data_dir, "hillside", SECRET_KEY)

    assert "nothing was done" in run("secrets", command, exit_code=2)["detail"]
    assert sealed(run("secrets", "status")) == (0, 1, 0)


def test_a_line_of_the_audit_log_that_was_changed_is_named(run: Run, data_dir: Path) -> None:
    add_school(data_dir, "hillside", SECRET_KEY)
    run("secrets", "new-key", "--yes")
    run("secrets", "reseal", "--yes")
    head = run("audit", "head")["head"]
    assert run("audit", "verify", "--head", head)["holds"]

    with closing(sqlite3.connect(data_dir / "writeback.db")) as db, db:
        db.execute("UPDATE audit SET actor = 'nobody'")

    verdict = run("audit", "verify", "--head", head, exit_code=6)
    assert verdict["faults"] == [{"position": 1, "says": "the line says something else: actor"}]
    assert run("audit", "verify", "--head", "1:abc", exit_code=2)["detail"] == "--head is '1:abc'"


def test_a_hook_is_given_another_address(run: Run, data_dir: Path) -> None:
    add_school(data_dir, "hillside", SECRET_KEY)

    of_school = run("schools", "renew-hook", "hillside", "--overlap-hours", "0")
    of_account = run("schools", "renew-hook", "--provider", "wonde")

    assert "/hooks/wonde/hillside~1~" in of_school["url"]
    assert of_school["old_until"] is None
    assert "/hooks/wonde/all~1~" in of_account["url"]
    assert datetime.fromisoformat(of_account["old_until"]).tzinfo is not None
    assert "works until" in run("schools", "renew-hook", "--provider", "wonde", exit_code=4)["detail"]
    assert "school" in run("schools", "renew-hook", exit_code=2)["detail"]
