"""`schools`, `keys`, `features`, `db`, `doctor`, `version`, and what holds for every command."""

import asyncio
import io
import json
import re
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import typer
from rich.console import Console
from typer.testing import Result

from tests import ahead
from tests.unit.cli.conftest import FakeApi
from writeback.cli import client, output
from writeback.cli.exit_codes import Exit
from writeback.cli.main import app
from writeback.core.clock import SystemClock
from writeback.flow.upkeep.restores import RestoreWatch
from writeback.store.sql import migrate
from writeback.store.sql.database import Database
from writeback.store.sql.high_water import InDataDir
from writeback.store.tables import IdempotencyRow

Run = Callable[..., Result]
ROOT = Path(__file__).parents[3]

SCHOOL = {
    "id": "hillside", "name": "Hillside", "provider": "wonde", "mis": "Bromcom", "provider_school_id": "A1",
    "base_url": "", "state": "held", "waiting": 34, "facts": {}, "overrides": {},
    "hold": {"reason": "school_offline", "detail": "", "since": "2026-01-12T08:51:00Z"},
    "hook_url": "http://api.test/hooks/wonde/t", "lookups": [{"list": "students", "rows": 1000, "version": 1,
                                                               "fetched_at": "2026-01-12T08:00:00Z"}],
}  # fmt: skip


def _commands(group: Any, prefix: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []
    for name, command in group.commands.items():
        path = (*prefix, name)
        found += _commands(command, path) if hasattr(command, "commands") else [path]
    return found


COMMANDS = _commands(typer.main.get_command(app))


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_has_help_with_an_example(run: Run, command: tuple[str, ...]) -> None:
    result = run(*command, "--help")

    assert result.exit_code == 0
    assert re.search(r"Examples?:", result.stdout)


@pytest.mark.parametrize(
    "command", [path for path in COMMANDS if path[0] not in ("api", "worker", "sandbox")], ids=" ".join
)
def test_every_command_that_prints_knows_json(run: Run, command: tuple[str, ...]) -> None:
    assert "--json" in run(*command, "--help").stdout


def test_the_exit_codes_are_those_of_the_documentation(run: Run) -> None:
    documented = (ROOT / "docs" / "cli.md").read_text()
    help_text = " ".join(run("--help").stdout.split())

    for code in Exit:
        assert f"| {code.value} | {code.meaning} |" in documented
        assert f"{code.value} {code.meaning}" in help_text


def test_every_command_is_documented() -> None:
    documented = (ROOT / "docs" / "cli.md").read_text()

    for command in COMMANDS:
        assert f"writeback {' '.join(command)}" in documented


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys; from writeback.cli.main import app; app(['--help'], standalone_mode=False);"
        "print([name for name in ('httpx', 'sqlalchemy', 'fastapi', 'arq', 'pydantic') if name in sys.modules])"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)

    assert done.stdout.splitlines()[-1] == "[]"


def test_adding_a_wonde_school_says_that_one_webhook_serves_all_of_them(
    api: FakeApi, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WRITEBACK_SCHOOL_TOKEN", "secret")
    api.on("POST", "/v1/schools", SCHOOL, status=201)

    result = run("schools", "add", "Hillside", "--provider", "Wonde", "--mis", "Bromcom", "--provider-school-id", "A1")

    assert result.exit_code == 0, result.output
    assert api.last_body == {
        "name": "Hillside",
        "provider": "wonde",
        "mis": "Bromcom",
        "provider_school_id": "A1",
        "credentials": {"token": "secret"},
    }
    assert "http://api.test/hooks/wonde/t" not in result.stdout
    assert "one webhook for all schools" in result.stdout
    assert "writeback schools hook --provider wonde" in result.stdout
    assert "secret" not in result.output


def test_adding_an_xporter_school_asks_for_no_webhook(api: FakeApi, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WRITEBACK_SCHOOL_SECRET", "secret")
    api.on("POST", "/v1/schools", {**SCHOOL, "provider": "xporter", "hook_url": "http://api.test/hooks/xporter/t"}, 201)

    result = run(
        "schools", "add", "Hillside", "--provider", "xporter", "--mis", "SIMS", "--provider-school-id", "8301234"
    )

    assert result.exit_code == 0, result.output
    assert "Nothing to register with Xporter" in result.stdout
    assert "http://api.test/hooks" not in result.stdout


def test_a_school_without_credentials_is_a_usage_error(api: FakeApi, run: Run) -> None:
    result = run("schools", "add", "Hillside", "--provider", "wonde", "--mis", "Bromcom", "--provider-school-id", "A1")

    assert result.exit_code == 2
    assert "WRITEBACK_SCHOOL_TOKEN" in result.stderr


LISTED = {
    "provider_school_id": "A1", "name": "Hillside", "mis": "Bromcom", "base_url": "https://region.example/v1.0",
    "urn": None, "establishment_number": None, "la_code": None, "allows_writeback": False, "school": None,
}  # fmt: skip


def test_schools_of_a_provider_are_listed_with_their_state_and_whether_they_are_here(api: FakeApi, run: Run) -> None:
    items = [LISTED, {**LISTED, "provider_school_id": "A2", "name": "Riverbank", "school": "riverbank"}]
    api.on("GET", "/v1/providers/wonde/schools", {"items": items, "next_cursor": None})

    result = run("schools", "discover", "--provider", "Wonde", "--state", "pending")

    assert api.requests[-1].url.query == b"state=pending"
    for said in ("A1", "Hillside", "Bromcom", "riverbank", "no"):
        assert said in result.stdout
    assert json.loads(run("schools", "discover", "--provider", "wonde", "--json").stdout) == {"items": items}


def test_a_school_is_added_as_its_provider_lists_it(api: FakeApi, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WRITEBACK_SCHOOL_TOKEN", raising=False)
    api.on("GET", "/v1/providers/wonde/schools", {"items": [LISTED], "next_cursor": None})
    api.on("POST", "/v1/schools", SCHOOL, status=201)

    result = run("schools", "add", "--provider", "wonde", "--from-provider", "A1", "--id", "hill")

    assert result.exit_code == 0, result.output
    assert api.last_body == {
        "id": "hill", "name": "Hillside", "provider": "wonde", "mis": "Bromcom", "provider_school_id": "A1",
        "base_url": "https://region.example/v1.0", "credentials": {},
    }  # fmt: skip


def test_a_school_that_its_provider_does_not_list_is_not_added(api: FakeApi, run: Run) -> None:
    api.on("GET", "/v1/providers/wonde/schools", {"items": [LISTED], "next_cursor": None})

    result = run("schools", "add", "--provider", "wonde", "--from-provider", "A9")

    assert result.exit_code == 4
    assert "discover" in result.stderr


def test_what_a_provider_does_not_say_has_to_be_given(api: FakeApi, run: Run) -> None:
    api.on("GET", "/v1/providers/wonde/schools", {"items": [{**LISTED, "mis": ""}], "next_cursor": None})

    result = run("schools", "add", "--provider", "wonde", "--from-provider", "A1")

    assert result.exit_code == 2
    assert "--mis is missing" in result.stderr


def test_the_hook_of_the_account_is_printed_with_where_it_goes(api: FakeApi, run: Run) -> None:
    hook = {"provider": "wonde", "url": "http://api.test/hooks/wonde/all~token", "events": ["writeback"],
            "where": "Wonde's dashboard"}  # fmt: skip
    api.on("GET", "/v1/hooks", {"items": [hook], "next_cursor": None})

    result = run("schools", "hook", "--provider", "Wonde")

    assert result.stdout.splitlines()[0] == hook["url"]
    assert "dashboard" in result.stdout
    assert json.loads(run("schools", "hook", "--provider", "wonde", "--json").stdout) == hook
    assert run("schools", "hook", "--provider", "xporter").exit_code == 2


def test_the_list_of_schools_tells_what_a_held_one_waits_for(api: FakeApi, run: Run) -> None:
    api.on("GET", "/v1/schools", {"items": [SCHOOL], "next_cursor": None})

    result = run("schools", "list")

    for said in ("held: school_offline", "34", "1000 students"):
        assert said in result.stdout


def test_a_sync_that_could_not_fetch_a_list_ends_with_5(api: FakeApi, run: Run) -> None:
    lists = [{"list": "students", "rows": 0, "changed": 0, "fetched_at": None, "error": "school_offline"}]
    api.on("POST", "/v1/schools/hillside/sync", {"school": "hillside", "lists": lists})

    result = run("schools", "sync", "hillside")

    assert result.exit_code == 5
    assert "school_offline" in result.stdout


@pytest.mark.parametrize(("command", "body"), [("hold", {"reason": "upgrade"}), ("resume", None)])
def test_hold_and_resume_ask_the_api(api: FakeApi, run: Run, command: str, body: Any) -> None:
    api.on("POST", f"/v1/schools/hillside/{command}", SCHOOL)

    result = run("schools", command, "hillside", *(["--reason", "upgrade"] if body else []))

    assert result.exit_code == 0, result.output
    assert json.loads(api.requests[-1].content or "null") == body


def test_a_key_is_made_by_the_api_and_shown_once(api: FakeApi, run: Run) -> None:
    made = {"id": "key_1", "app": "register-app", "key": "wbk_new", "scopes": ["submit"], "schools": ["a", "b"]}
    api.on("POST", "/v1/keys", made, status=201)

    result = run("keys", "create", "--app", "Register app", "--scopes", "submit", "--schools", "a, b")

    assert api.last_body == {"app": "Register app", "name": "", "scopes": ["submit"], "schools": ["a", "b"]}
    assert "wbk_new" in result.stdout


def test_a_key_is_limited_to_kinds(api: FakeApi, run: Run) -> None:
    limits = {"schools": None, "kinds": ["conduct", "attendance.session"]}
    made = {"id": "key_1", "app": "register-app", "key": "wbk_new", "scopes": ["submit"], **limits}
    api.on("POST", "/v1/keys", made, status=201)

    result = run("keys", "create", "--app", "Register app", "--kinds", "conduct, attendance.session")

    assert api.last_body["kinds"] == ["conduct", "attendance.session"]
    assert "kinds: conduct, attendance.session" in result.stdout


def test_without_a_key_the_first_one_is_written_to_the_database(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WRITEBACK_DATA_DIR", str(tmp_path))
    for name in ("WRITEBACK_KEY", "WRITEBACK_URL", "WRITEBACK_DATABASE_URL", "WRITEBACK_REDIS_URL"):
        monkeypatch.delenv(name, raising=False)

    result = run("keys", "create", "--app", "Register app", "--scopes", "admin", "--json")

    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["key"].startswith("wbk_")
    unknown = run("keys", "create", "--app", "Register app", "--schools", "nowhere", "--json")
    assert unknown.exit_code == 4
    assert json.loads(unknown.stdout)["error"]["findings"][0]["code"] == "school_unknown"


def test_without_a_key_a_school_is_written_to_the_database(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WRITEBACK_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("WRITEBACK_SCHOOL_TOKEN", "secret")
    for name in ("WRITEBACK_KEY", "WRITEBACK_URL", "WRITEBACK_DATABASE_URL", "WRITEBACK_REDIS_URL"):
        monkeypatch.delenv(name, raising=False)
    arguments = ("schools", "add", "Hillside", "--provider", "wonde", "--mis", "Bromcom", "--provider-school-id", "A1")

    added = run(*arguments, "--json")
    again = run(*arguments)

    assert json.loads(added.stdout)["id"] == "hillside", added.output
    assert json.loads(added.stdout)["created_at"].endswith("Z")
    assert again.exit_code == 4
    assert "hillside" in again.stderr


def test_without_a_key_the_hook_is_that_of_the_settings(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WRITEBACK_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("WRITEBACK_PUBLIC_URL", "https://writeback.example")
    for name in ("WRITEBACK_KEY", "WRITEBACK_URL", "WRITEBACK_DATABASE_URL", "WRITEBACK_REDIS_URL"):
        monkeypatch.delenv(name, raising=False)

    result = run("schools", "hook", "--provider", "wonde", "--json")

    assert json.loads(result.stdout)["url"].startswith("https://writeback.example/hooks/wonde/all~"), result.output


def test_an_unknown_scope_is_a_usage_error(api: FakeApi, run: Run) -> None:
    result = run("keys", "create", "--app", "x", "--scopes", "submit,rule")

    assert result.exit_code == 2
    assert "rule" in result.stderr


def test_revoking_a_key_deletes_it(api: FakeApi, run: Run) -> None:
    api.on("DELETE", "/v1/keys/key_1", {})

    assert run("keys", "revoke", "key_1").exit_code == 0
    assert api.requests[-1].method == "DELETE"


FIELD = {
    "name": "code", "path": "code", "type": "string", "use": "needed", "max_length": 64, "minimum": None,
    "maximum": None, "emoji": True, "default": None, "help": "", "choices_of": "attendance_codes",
    "choices": [{"id": f"C{n}", "code": f"code{n}", "description": f"what {n} means"} for n in range(40)],
    "choices_left_out": 5, "fields": [],
}  # fmt: skip
POINTS = {**FIELD, "name": "points", "path": "students.points", "type": "integer", "minimum": -10, "choices": None,
          "max_length": None, "choices_of": None}  # fmt: skip
STUDENTS = {**FIELD, "name": "students", "path": "students", "type": "list", "fields": [POINTS], "choices": None}
FEATURES = {
    "school": "hillside", "provider": "wonde", "mis": "Bromcom",
    "kinds": {
        "attendance.session": {
            "supported": True, "reason": "", "notes": "who took it", "source": "Wonde 2177", "why_unreadable": "",
            "permission": {"name": "attendance.write", "state": "missing", "spelling": "worded", "ask": "Ask them."},
            "fields": [FIELD, {**FIELD, "name": "room", "path": "room", "use": "forbidden"}, STUDENTS],
        },
    },
}  # fmt: skip


def test_features_list_every_rule_and_where_it_is_written(api: FakeApi, run: Run) -> None:
    rule = {"supported": True, "required": ["employee_id"], "forbidden": [], "ignored": [], "limits": {},
            "notes": "who took it", "source": "Wonde 2177"}  # fmt: skip
    listed = {"provider": "wonde", "mis": "Bromcom", "kinds": {"attendance.session": rule}}
    api.on("GET", "/v1/features", {"items": [listed]})

    result = run("features")

    for said in ("yes", "employee_id", "Wonde 2177"):
        assert said in result.stdout


@pytest.mark.parametrize("arguments", [["hillside"], ["--school", "hillside"]])
def test_features_of_a_school_show_what_it_needs_and_what_it_has_not_granted(
    api: FakeApi, run: Run, arguments: list[str]
) -> None:
    api.on("GET", "/v1/schools/hillside/features", FEATURES)

    result = run("features", *arguments)

    assert result.exit_code == 0, result.output
    for said in ("yes", "attendance.write missing", "code, students, students.points", "room", "Wonde 2177"):
        assert said in result.stdout


def test_features_of_one_kind_show_its_fields_and_the_codes_to_choose_from(api: FakeApi, run: Run) -> None:
    api.on("GET", "/v1/schools/hillside/features", FEATURES)

    result = run("features", "--school", "hillside", "--kind", "attendance.session")

    assert api.requests[-1].url.query == b"kind=attendance.session"
    for said in ("Ask them.", "64 characters", "at least -10", "code7", "what 7 means", "15 more", "attendance_codes"):
        assert said in result.stdout, said
    assert "code35" not in result.stdout


def test_features_as_json_are_whole(api: FakeApi, run: Run) -> None:
    api.on("GET", "/v1/schools/hillside/features", FEATURES)

    assert json.loads(run("features", "--school", "hillside", "--json").stdout) == FEATURES


def test_one_kind_needs_a_school(api: FakeApi, run: Run) -> None:
    assert run("features", "--kind", "attendance.session").exit_code == 2


def test_the_database_is_upgraded_and_then_current(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WRITEBACK_DATA_DIR", str(tmp_path / "new"))
    monkeypatch.delenv("WRITEBACK_DATABASE_URL", raising=False)

    before = run("db", "current", "--json")
    upgraded = run("db", "upgrade", "--json")
    after = run("db", "current", "--json")

    assert (before.exit_code, json.loads(before.stdout)["is_current"]) == (6, False)
    assert upgraded.exit_code == 0, upgraded.output
    assert (after.exit_code, json.loads(after.stdout)["is_current"]) == (0, True)


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        ("WRITEBACK_API__PORT", "eighty", "WRITEBACK_API__PORT"),
        ("WRITEBACK_DISPATCH__LEASE_S", "1", "dispatch.lease_s"),
        ("WRITEBACK_DATABASE_URL", "mysql://x", "not supported"),
    ],
)
def test_a_wrong_setting_ends_with_6_and_is_named(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, told: str
) -> None:
    monkeypatch.setenv("WRITEBACK_DATA_DIR", str(tmp_path))
    monkeypatch.setenv(variable, value)

    result = run("db", "current")

    assert result.exit_code == 6
    assert told in result.stderr


def test_doctor_tells_each_thing_that_is_missing_and_how_to_mend_it(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WRITEBACK_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("WRITEBACK_URL", "http://127.0.0.1:1")
    monkeypatch.delenv("WRITEBACK_DATABASE_URL", raising=False)
    monkeypatch.delenv("WRITEBACK_REDIS_URL", raising=False)

    result = run("doctor", "--json")

    assert result.exit_code == 6
    report = json.loads(result.stdout)
    fine = {check["name"]: check["is_fine"] for check in report["checks"]}
    assert {name for name, is_fine in fine.items() if is_fine} == {
        "python", "settings", "data dir", "secret key", "passwords", "database", "redis",
    }  # fmt: skip
    assert all(check["mend"] for check in report["checks"] if not check["is_fine"])
    assert not [*tmp_path.iterdir()], "it looks, and makes nothing"


def test_doctor_makes_no_folder_and_says_where_none_can_be_made(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a-file").write_text("")
    says = {}
    for place in ("new/data", "a-file/data"):
        monkeypatch.setenv("WRITEBACK_DATA_DIR", str(tmp_path / place))
        checks = json.loads(run("doctor", "--url", "http://127.0.0.1:1", "--json").stdout)["checks"]
        says[place] = next((one["is_fine"], one["says"]) for one in checks if one["name"] == "data dir")

    assert says["new/data"] == (True, f"{tmp_path}/new/data is made at the first start")
    assert says["a-file/data"] == (False, f"{tmp_path}/a-file/data cannot be made in {tmp_path}/a-file")
    assert [one.name for one in tmp_path.iterdir()] == ["a-file"]


@pytest.mark.parametrize("command", [["api"], ["worker"], ["keys", "create", "--app", "A"], ["staff", "list"]])
def test_nothing_starts_with_a_secret_key_that_can_be_guessed(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    monkeypatch.setenv("WRITEBACK_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("WRITEBACK_SECRET_KEY", "change-me-to-43-random-characters-and-keep-them")

    result = run(*command)

    assert result.exit_code == 6
    assert "WRITEBACK_SECRET_KEY cannot be used" in result.stderr
    assert "secrets.token_urlsafe(32)" in result.stderr
    assert not (tmp_path / "data").exists()


def test_doctor_names_each_secret_that_was_never_filled_in(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WRITEBACK_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("WRITEBACK_SECRET_KEY", "change-me-to-43-random-characters-and-keep-them")
    monkeypatch.setenv("WRITEBACK_DATABASE_URL", "postgresql+asyncpg://w:change-me-to-a-long-random-text@127.0.0.1:1/w")
    monkeypatch.setenv("WRITEBACK_REDIS_URL", "redis://127.0.0.1:1")
    monkeypatch.setenv("WRITEBACK_CONSOLE__OIDC__CLIENT_SECRET", "client-secret")

    checks = {check["name"]: check for check in json.loads(run("doctor", "--json").stdout)["checks"]}

    assert "never filled in" in checks["secret key"]["says"]
    assert not checks["passwords"]["is_fine"]
    assert "WRITEBACK_DATABASE_URL" in checks["passwords"]["says"]
    assert "WRITEBACK_CONSOLE__OIDC__CLIENT_SECRET" in checks["passwords"]["says"]
    assert "change-me" not in json.dumps(checks)


@pytest.mark.parametrize(("host", "asked"), [("0.0.0.0", "127.0.0.1"), ("::", "[::1]"), ("10.1.2.3", "10.1.2.3")])
def test_doctor_asks_the_api_of_its_own_settings(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, host: str, asked: str
) -> None:
    addresses: list[str] = []

    def get(self: client.Api, path: str, **_: Any) -> Any:
        addresses.append(self.url)
        return {"checks": {"database": "ok"}}

    monkeypatch.setattr(client.Api, "get", get)
    monkeypatch.setenv("WRITEBACK_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("WRITEBACK_API__HOST", host)
    monkeypatch.setenv("WRITEBACK_API__PORT", "9123")
    for name in ("WRITEBACK_URL", "WRITEBACK_DATABASE_URL", "WRITEBACK_REDIS_URL"):
        monkeypatch.delenv(name, raising=False)

    own, elsewhere = run("doctor", "--json"), run("doctor", "--url", "http://api.test", "--json")

    assert addresses == [f"http://{asked}:9123/", "http://api.test/"]
    said = {check["name"]: check["says"] for check in json.loads(own.stdout)["checks"]}
    assert said["api"].startswith(f"is ready at http://{asked}:9123 ")
    assert "http://api.test" in elsewhere.stdout


def test_doctor_tells_of_an_api_that_takes_submissions_although_something_is_amiss(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checks = {"database": "ok", "redis": "cannot be reached"}
    monkeypatch.setattr(client.Api, "get", lambda *_: {"status": "degraded", "checks": checks})
    monkeypatch.setenv("WRITEBACK_DATA_DIR", str(tmp_path))
    for name in ("WRITEBACK_URL", "WRITEBACK_DATABASE_URL", "WRITEBACK_REDIS_URL"):
        monkeypatch.delenv(name, raising=False)

    report = json.loads(run("doctor", "--json").stdout)

    (api,) = [check for check in report["checks"] if check["name"] == "api"]
    assert not api["is_fine"]
    assert api["says"].startswith("takes submissions at http://127.0.0.1:8400 (database ok, redis cannot be reached)")


def test_an_older_version_leaves_a_newer_database_as_it_is(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"sqlite:///{tmp_path / 'newer.db'}"
    monkeypatch.setenv("WRITEBACK_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("WRITEBACK_DATABASE_URL", url)
    asyncio.run(ahead.upgrade(tmp_path, url, works_from=migrate.known_revision()))

    upgraded, current = run("db", "upgrade"), run("db", "current", "--json")

    assert (upgraded.exit_code, current.exit_code) == (0, 0)
    assert "the schema is 9999, newer than this version's" in upgraded.output.replace("\n", " ")
    assert json.loads(current.stdout) == {"revision": "9999", "is_current": False, "fit": "newer"}


def test_a_database_that_is_too_new_is_said_to_be_so(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"sqlite:///{tmp_path / 'newer.db'}"
    monkeypatch.setenv("WRITEBACK_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("WRITEBACK_DATABASE_URL", url)
    asyncio.run(ahead.upgrade(tmp_path, url, works_from=None))

    upgraded, current = run("db", "upgrade"), run("db", "current", "--json")

    assert (upgraded.exit_code, current.exit_code) == (6, 6)
    assert "install a newer writeback" in upgraded.stderr.replace("\n", " ")
    assert json.loads(current.stdout)["fit"] == "too_new"


def _restored_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Use an embedded database; return what puts it back to how it is now."""
    monkeypatch.setenv("WRITEBACK_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("WRITEBACK_URL", "http://127.0.0.1:1")
    for name in ("WRITEBACK_DATABASE_URL", "WRITEBACK_REDIS_URL"):
        monkeypatch.delenv(name, raising=False)
    asyncio.run(migrate.upgrade(f"sqlite:///{tmp_path / 'writeback.db'}"))
    url = f"sqlite+aiosqlite:///{tmp_path / 'writeback.db'}"

    async def go_on() -> None:
        db = Database.open(url)
        watch = RestoreWatch(db, SystemClock(), [InDataDir(tmp_path)])
        lineage = (await watch.look()).lineage
        await InDataDir(tmp_path).remember(lineage, 7)
        await db.dispose()

    return lambda: asyncio.run(go_on())


def test_doctor_warns_of_a_restore_that_nobody_announced_until_somebody_does(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_back = _restored_dir(tmp_path, monkeypatch)

    def check() -> dict[str, Any]:
        checks = json.loads(run("doctor", "--json").stdout)["checks"]
        return next(one for one in checks if one["name"] == "restore")

    before = check()
    put_back()
    behind = check()
    said = run("db", "restored", "--taken-at", "2026-01-12T08:40:00+00:00", "--yes", "--json")
    announced = check()

    assert (before["is_fine"], before["says"]) == (True, "none is open")
    assert not behind["is_fine"]
    assert behind["says"] == "the database is older than what is remembered of it, by 7 events: was it restored?"
    assert "writeback db restored --taken-at" in behind["mend"]
    assert said.exit_code == 0, said.output
    assert json.loads(said.stdout)["taken_at"] == "2026-01-12T08:40:00+00:00"
    assert announced["is_fine"]
    assert announced["says"].startswith("restored to 2026-01-12T08:40:00+00:00: 0 writebacks wait")


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        ([], 2, "say one of the two"),
        (["--taken-at", "2026-01-12T08:40:00Z", "--nothing-was-sent"], 2, "say one of the two"),
        (["--taken-at", "2026-01-12T08:40:00"], 2, "an offset"),
        (["--taken-at", "yesterday"], 2, "'yesterday'"),
        (["--taken-at", "2126-01-12T08:40:00Z", "--yes"], 4, "is yet to come"),
        (["--taken-at", "2026-01-12T08:40:00Z"], 2, "nothing was done"),
        (["--taken-at", "2026-01-12T08:40:00Z", "--json"], 2, "with --json give --yes"),
        (["--nothing-was-sent", "--yes"], 4, "no restore is suspected"),
    ],
)
def test_a_restore_is_announced_with_care(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], code: int, told: str
) -> None:
    _restored_dir(tmp_path, monkeypatch)

    result = run("db", "restored", *arguments)

    assert result.exit_code == code, result.output
    assert told in (result.stderr + result.stdout).replace("\n", " ")


def _something_old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a database in which there is one thing to delete."""
    url = f"sqlite+aiosqlite:///{tmp_path / 'writeback.db'}"
    monkeypatch.setenv("WRITEBACK_DATA_DIR", str(tmp_path))
    long_ago = datetime(2020, 1, 1, tzinfo=UTC)

    async def begin() -> None:
        await migrate.upgrade(url)
        db = Database.open(url)
        async with db.write() as session:
            session.add(IdempotencyRow(app_id="app", key="k", body_hash="", answer="", created_at=long_ago))
        await db.dispose()

    asyncio.run(begin())


def test_retention_deletes_what_is_too_old_and_says_so(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _something_old(tmp_path, monkeypatch)
    monkeypatch.setenv("WRITEBACK_RETENTION__CONTENT_DAYS", "60")

    tried = json.loads(run("retention", "run", "--dry-run", "--json").stdout)
    done = json.loads(run("retention", "run", "--json").stdout)
    again = run("retention", "run")
    shown = json.loads(run("retention", "show", "--json").stdout)
    checks = json.loads(run("doctor", "--json").stdout)["checks"]

    assert {name: number for name, number in tried["due"].items() if number} == {"idempotency_keys": 1}
    assert done["deleted"] == {"idempotency_keys": 1}
    assert "nothing is too old" in again.stdout
    assert [one["deleted"] for one in shown["runs"]] == [{}, {"idempotency_keys": 1}]
    content = next(rule for rule in shown["rules"] if rule["name"] == "content")
    assert (content["kept"], content["setting"]) == ("60 days", "WRITEBACK_RETENTION__CONTENT_DAYS")
    check = next(one for one in checks if one["name"] == "retention")
    assert check["is_fine"]
    assert check["says"].startswith("what is too old was last deleted on")


def test_retention_can_be_read_by_people(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _something_old(tmp_path, monkeypatch)

    before, tried, done = run("retention", "show"), run("retention", "run", "--dry-run"), run("retention", "run")

    assert "No run yet" in before.stdout
    assert "90 days" in before.stdout
    assert "would be deleted" in tried.stdout
    assert "1 deleted, in 1 pieces" in " ".join(done.stdout.split())


def test_a_school_is_told_how_long_its_content_is_kept(api: FakeApi, run: Run) -> None:
    api.on("PATCH", "/v1/schools/hillside", {**SCHOOL, "content_days": 396})

    longer = run("schools", "retention", "hillside", "--days", "396")
    sent = api.last_body
    usual = run("schools", "retention", "hillside", "--usual")

    assert (longer.exit_code, sent) == (0, {"content_days": 396})
    assert "for 396 days" in " ".join(longer.stdout.split())
    assert (usual.exit_code, api.last_body) == (0, {"content_days": None})
    assert run("schools", "retention", "hillside").exit_code == 2


def test_a_school_is_told_what_becomes_of_late_registers(api: FakeApi, run: Run) -> None:
    api.on("PATCH", "/v1/schools/hillside", {**SCHOOL, "late_registers": "send"})

    said = run("schools", "late-registers", "hillside", "send")

    assert (said.exit_code, api.last_body) == (0, {"late_registers": "send"})
    assert "go over what was entered since" in " ".join(said.stdout.split())
    assert run("schools", "late-registers", "hillside", "drop").exit_code == 2


def test_a_school_is_told_what_is_kept_of_its_people(api: FakeApi, run: Run) -> None:
    api.on("PATCH", "/v1/schools/hillside", {**SCHOOL, "directory": "named"})

    named = run("schools", "directory", "hillside", "named")

    assert (named.exit_code, api.last_body) == (0, {"directory": "named"})
    assert "the directory of hillside is named" in " ".join(named.stdout.split())
    assert run("schools", "directory", "hillside", "open").exit_code == 2


def test_a_setting_that_was_elsewhere_is_refused_with_its_new_name(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WRITEBACK_BATCHES__KEEP_S", "864000")

    result = run("retention", "show")

    assert result.exit_code == Exit.CONFIGURATION
    assert "set WRITEBACK_RETENTION__BATCH_ROWS_DAYS, in days" in " ".join(result.output.split())


def test_doctor_names_a_setting_that_cannot_be_read(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WRITEBACK_API__PORT", "eighty")

    result = run("doctor")

    assert result.exit_code == 6
    assert "WRITEBACK_API__PORT" in result.stdout


def test_an_api_that_is_not_there_ends_with_3(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WRITEBACK_DATA_DIR", str(tmp_path))

    result = run("list", "--url", "http://127.0.0.1:1", "--json")

    assert result.exit_code == 3
    assert json.loads(result.stdout)["error"]["exit_code"] == 3


def test_version_is_that_of_the_package(run: Run) -> None:
    from writeback import __version__

    assert json.loads(run("version", "--json").stdout)["version"] == __version__
    shown = run("--version")
    assert (shown.exit_code, shown.stdout) == (0, f"writeback {__version__}\n")


def test_the_version_of_the_package_is_that_of_its_distribution() -> None:
    from importlib.metadata import version

    from writeback import __version__

    assert version("writeback") == __version__


def test_saying_the_version_loads_nothing_heavy() -> None:
    heavy = ("sqlalchemy", "fastapi", "redis", "httpx", "pydantic_settings", "asyncio")
    answer = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "writeback", "--version"],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )

    loaded = {line.rpartition("|")[2].strip() for line in answer.stderr.splitlines()}
    assert "writeback.cli.main" in loaded
    assert loaded.isdisjoint(heavy)


@pytest.mark.parametrize("url", ["127.0.0.1:8400", "http://api.test:port"])
def test_a_bad_url_is_a_usage_error(url: str) -> None:
    with pytest.raises(client.CommandFailed) as caught:
        client.Api(url, None).get("/v1/x")

    assert caught.value.exit_code == Exit.USAGE


def test_a_full_sync_of_some_lists_is_asked_for(api: FakeApi, run: Run) -> None:
    shrunk = {"list": "students", "rows": 200, "changed": False, "fetched_at": None, "error": None, "held_back": 30}
    api.on("POST", "/v1/schools/hillside/sync", {"school": "hillside", "lists": [shrunk]})

    result = run("schools", "sync", "hillside", "--full", "--list", "students", "--list", "employees")

    assert result.exit_code == 0, result.output
    assert dict(api.requests[-1].url.params) == {"full": "true", "list": "students,employees"}
    assert "30 fell out" in result.stdout
    assert "writeback schools removals hillside" in result.stdout


def test_what_fell_out_of_a_list_is_shown_and_taken_out_with_the_number_that_was_seen(api: FakeApi, run: Run) -> None:
    students = {"list": "students", "rows": 200, "held_back": {"count": 30, "since": "2026-07-20T04:12:00Z"}}
    school = {"id": "hillside", "lookups": [students, {"list": "lessons", "rows": 3, "held_back": None}]}
    api.on("GET", "/v1/schools", {"items": [school], "next_cursor": None})
    api.on("GET", "/v1/schools/hillside", school)
    api.on("POST", "/v1/schools/hillside/lookups/students/removals", school)

    shown = run("schools", "removals")
    assert (shown.exit_code, len(api.requests)) == (0, 1)
    assert "30" in shown.stdout

    decided = run("schools", "removals", "hillside", "--decide", "accept", "--reason", "year 13 has left")
    assert decided.exit_code == 0, decided.output
    assert api.last_body == {"decision": "accept", "count": 30, "reason": "year 13 has left"}


def test_a_decision_about_every_school_at_once_is_refused(api: FakeApi, run: Run) -> None:
    assert run("schools", "removals", "--decide", "accept").exit_code == 2
    assert api.requests == []


def test_a_table_breaks_no_id_however_narrow_the_terminal() -> None:
    identifier = "wb_01kerpxzm0fkg07k2t4hq0pfxa"
    columns = ("id", "status", "school", "kind", "waits for")
    found = output.table(columns, [(identifier, "held", "hillside", "attendance.session", "school_offline")])

    for width in (40, 80, 160):
        console = Console(width=width, file=io.StringIO())
        console.print(found)
        printed = console.file.getvalue()  # type: ignore[attr-defined]
        assert identifier in printed
        assert "attendance.session" in printed
        assert "school_offline" in printed


def test_since_takes_what_people_say(run: Run, api: FakeApi) -> None:
    api.on("GET", "/v1/writebacks", {"items": [], "next_cursor": None})

    run("list", "--since", "yesterday", "--until", "2026-01-12")
    refused = run("list", "--since", "soon")

    asked = api.requests[0].url.params
    assert datetime.fromisoformat(asked["since"]).astimezone().time().isoformat() == "00:00:00"
    assert datetime.fromisoformat(asked["until"]).astimezone().date().isoformat() == "2026-01-13"
    assert refused.exit_code == 2
    assert "'soon' is no moment" in " ".join(refused.stderr.split())


def test_what_is_typed_is_on_the_consoles_clock_where_that_is_set(
    run: Run, api: FakeApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.on("GET", "/v1/writebacks", {"items": [], "next_cursor": None})
    monkeypatch.setenv("WRITEBACK_CONSOLE__TIMEZONE", "Pacific/Kiritimati")  # 14 hours ahead of UTC

    run("list", "--since", "2026-01-12 09:00")
    monkeypatch.setenv("WRITEBACK_CONSOLE__TIMEZONE", "Nowhere")
    refused = run("list", "--since", "08:30")

    assert api.requests[0].url.params["since"] == "2026-01-11T19:00:00+00:00"
    assert refused.exit_code == 2
    assert "is no time zone" in " ".join(refused.stderr.split())


@pytest.mark.parametrize(("error", "code"), [(None, 0), ("TOKEN_REFUSED: 401", 5)])
def test_new_credentials_are_tried_at_once(run: Run, api: FakeApi, error: str | None, code: int) -> None:
    api.on("PATCH", "/v1/schools/hillside", SCHOOL)
    api.on("POST", "/v1/schools/hillside/sync", {"lists": [{"list": "attendance_codes", "error": error}]})

    result = run("schools", "credentials", "hillside", "--token", "secret-token", "--json")

    assert result.exit_code == code
    assert json.loads(result.stdout) == {
        "school": "hillside", "replaced": True, "accepted": error is None, "error": error,
    }  # fmt: skip
    assert json.loads(api.requests[0].content) == {"credentials": {"token": "secret-token"}}
    assert api.requests[1].url.params["list"] == "attendance_codes"
    assert "secret-token" not in result.output


def test_credentials_can_be_tried_without_being_replaced(run: Run, api: FakeApi) -> None:
    api.on("POST", "/v1/schools/hillside/sync", {"lists": [{"list": "attendance_codes", "error": None}]})

    result = run("schools", "credentials", "hillside")

    assert result.exit_code == 0
    assert [request.method for request in api.requests] == ["POST"]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_help_is_broken_where_the_terminal_ends_and_not_where_the_source_does(
    run: Run, command: tuple[str, ...]
) -> None:
    info = typer.main.get_command(app)
    for name in command:
        info = info.commands[name]  # type: ignore[attr-defined]

    assert not re.search(r"[^\n]\n[^\n]", info.help or "")


WORDS = "/v1/schools/hillside/words"
LATE = {"field": "attendance.code", "word": "Late – bus", "code": "L", "always": False}


def test_a_word_is_put_for_every_app_or_for_one(api: FakeApi, run: Run) -> None:
    api.on("POST", WORDS, {"words": [LATE]})

    result = run("words", "put", "hillside", "Late – bus", "L", "--reason", "as the office says")
    assert result.exit_code == 0, result.output
    assert api.last_body == {"words": [LATE], "reason": "as the office says"}
    assert "Late – bus" in result.stdout

    run("words", "put", "hillside", "Late – bus", "L", "--app", "registers")
    assert dict(api.requests[-1].url.params) == {"app": "registers"}


def test_words_go_into_a_file_and_out_of_it_as_they_are(api: FakeApi, run: Run, tmp_path: Path) -> None:
    words = [
        {**LATE, "word": "=Late"},
        {**LATE, "field": "behaviour.type", "word": "I;x", "code": "01", "always": True},
    ]
    api.on("GET", WORDS, {"words": words, "version": 3})
    api.on("POST", WORDS, {"words": words})
    api.on("PUT", WORDS, {"words": words})
    file = tmp_path / "reasons.csv"

    assert run("words", "export", "hillside", str(file)).exit_code == 0
    assert "'=Late" in file.read_text(encoding="utf-8-sig")
    assert run("words", "import", "hillside", str(file)).exit_code == 0
    assert api.last_body == {"words": words, "reason": ""}
    run("words", "import", "hillside", str(file), "--replace")
    assert api.last_body == {"words": words, "version": 3, "reason": ""}


@pytest.mark.parametrize(
    "content",
    ["Our reason;Code\r\nLate – bus;L\r\n;\r\n".encode("cp1252"), "\ufeffReason,Mark\nLate – bus,L\n".encode()],
    ids=["as Excel writes it", "UTF-8"],
)
def test_a_list_of_reasons_out_of_a_spreadsheet_is_of_attendance_codes(
    api: FakeApi, run: Run, tmp_path: Path, content: bytes
) -> None:
    api.on("POST", WORDS, {"words": [LATE]})
    file = tmp_path / "reasons.csv"
    file.write_bytes(content)

    assert run("words", "import", "hillside", str(file)).exit_code == 0
    assert api.last_body == {"words": [LATE], "reason": ""}


@pytest.mark.parametrize(
    ("content", "what"),
    [
        ("a,b\n1,2\n", "names no columns word and code"),
        ("word,code\nLate,\n", "row 2 has no word, or no code"),
        ("", "names no"),
    ],
)
def test_a_file_without_words_is_refused_with_what_to_do(
    api: FakeApi, run: Run, tmp_path: Path, content: str, what: str
) -> None:
    file = tmp_path / "reasons.csv"
    file.write_text(content)

    result = run("words", "import", "hillside", str(file))

    assert (result.exit_code, api.requests) == (2, [])
    assert what in " ".join(result.stderr.split())


def test_what_was_refused_is_suggested_with_the_next_command(api: FakeApi, run: Run) -> None:
    one = {
        "field": "attendance.code",
        "word": "Late",
        "app": "registers",
        "times": 3,
        "last_at": "2026-01-12T09:00:00Z",
    }
    api.on("GET", f"{WORDS}/suggestions", {"items": [{**one, "code": "L", "description": None}]})

    result = run("words", "suggest", "hillside")

    assert "Late" in result.stdout
    assert "writeback words put hillside" in result.stdout


def test_whose_codes_a_school_uses_is_said_or_taken_back(api: FakeApi, run: Run) -> None:
    api.on("PATCH", "/v1/schools/hillside", {"id": "hillside"})

    assert run("schools", "country", "hillside", "--is", "northern_ireland").exit_code == 0
    assert api.last_body == {"country": "northern_ireland"}
    assert run("schools", "country", "hillside", "--usual").exit_code == 0
    assert api.last_body == {"country": None}
    assert run("schools", "country", "hillside").exit_code == 2
