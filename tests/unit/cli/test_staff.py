"""`writeback staff`: accounts made, listed, changed and disabled, on a database of their own."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tests.secret_key import SECRET_KEY
from writeback.cli.main import app

Run = Callable[..., Any]
PASSWORD = "four words make sense\n"


@pytest.fixture
def run(tmp_path: Path, sqlite_url: str, redis_server: str, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command; return what it prints with `--json`, or the error that it ends in."""
    monkeypatch.setenv("WRITEBACK_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("WRITEBACK_DATABASE_URL", sqlite_url)
    monkeypatch.setenv("WRITEBACK_REDIS_URL", redis_server)
    monkeypatch.setenv("WRITEBACK_SECRET_KEY", SECRET_KEY)

    def run_(*arguments: str, given: str = "", exit_code: int = 0) -> Any:
        result = CliRunner().invoke(app, ["staff", *arguments, "--json"], input=given)
        assert result.exit_code == exit_code, result.output
        return json.loads(result.stdout)

    return run_


def test_an_account_is_made_listed_changed_and_disabled(run: Run) -> None:
    made = run("add", "Ann@Example.org", "--role", "support", "--password-stdin", given=PASSWORD)
    changed = run("role", "ann@example.org", "admin")
    run("password", "ann@example.org", "--password-stdin", given="other words make sense\n")
    disabled = run("disable", "ann@example.org")
    enabled = run("enable", "ann@example.org")

    assert (made["name"], made["role"], made["schools"]) == ("ann@example.org", "support", None)
    assert changed["role"] == "admin"
    assert disabled["disabled_at"]
    assert enabled["disabled_at"] is None
    assert [one["name"] for one in run("list")["items"]] == ["ann@example.org"]


def test_an_account_is_signed_out_everywhere_and_a_second_factor_is_reset(run: Run) -> None:
    run("add", "ann", "--password-stdin", given=PASSWORD)

    signed_out = run("sign-out", "ann")
    reset = run("reset-second-factor", "ann")

    assert signed_out["name"] == "ann"
    assert reset["second_factor_since"] is None
    assert run("reset-second-factor", "nobody", exit_code=4)["error"]["code"] == "staff_unknown"


def test_no_command_shows_a_password_or_its_hash(run: Run) -> None:
    made = run("add", "ann", "--password-stdin", given=PASSWORD)

    answer = json.dumps([made, run("list")])

    assert "four words" not in answer
    assert "argon2" not in answer


def test_a_short_password_is_refused_and_not_repeated(run: Run) -> None:
    error = run("add", "ann", "--password-stdin", given="short\n", exit_code=4)["error"]

    assert "has 5 characters" in error["detail"]
    assert "short" not in json.dumps(error)


def test_a_name_is_given_once(run: Run) -> None:
    run("add", "ann", "--no-password")

    error = run("add", "ANN", "--no-password", exit_code=4)["error"]

    assert error["code"] == "staff_exists"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("role", "nobody", "admin"), "staff_unknown"),
        (("add", "ann", "--no-password", "--schools", "x"), "staff_invalid"),
    ],
)
def test_what_is_not_there_is_named(run: Run, arguments: tuple[str, ...], code: str) -> None:
    assert run(*arguments, exit_code=4)["error"]["code"] == code


def test_a_role_that_there_is_not_is_refused_with_those_that_there_are(run: Run) -> None:
    error = run("add", "ann", "--role", "king", "--no-password", exit_code=2)["error"]

    assert "viewer, support, admin" in error["hint"]


def test_without_a_terminal_nobody_waits_for_a_password(run: Run) -> None:
    error = run("add", "ann", exit_code=2)["error"]

    assert "--password-stdin" in error["hint"]
