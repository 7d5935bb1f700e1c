"""`login`, `logout`, `profiles`: which API is asked, with which key; and what a shell completes."""

import json
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from writeback.cli import client
from writeback.cli.dev_handover import DevHandover
from writeback.cli.exit_codes import CommandFailed
from writeback.cli.main import app
from writeback.cli.profiles import Profile, Profiles, file_of_profiles

Run = Callable[..., Result]

COUNTY, TRUST = Profile("http://county.test", "wbk_county"), Profile("http://trust.test", "wbk_trust")


@pytest.fixture(autouse=True)
def _nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No profile but those of the test, no running `dev`, no variables."""
    monkeypatch.setenv("WRITEBACK_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    for name in ("WRITEBACK_URL", "WRITEBACK_KEY", "WRITEBACK_PROFILE"):
        monkeypatch.delenv(name, raising=False)


def reached(url: str | None = None, key: str | None = None) -> tuple[str, str]:
    api = client.connect(url, key)
    return api.url.rstrip("/"), api.key


def test_the_profile_that_was_logged_in_to_last_is_used() -> None:
    Profiles().with_("trust", TRUST).with_("county", COUNTY).write()

    assert reached() == ("http://county.test", "wbk_county")
    assert reached("http://county.test") == ("http://county.test", "wbk_county")
    assert reached(key="wbk_own") == ("http://county.test", "wbk_own")


def test_a_key_goes_to_no_other_address() -> None:
    Profiles().with_("county", COUNTY).write()

    assert reached("http://elsewhere.test") == ("http://elsewhere.test", "")


def test_a_running_dev_goes_before_the_profile_in_use_and_a_chosen_one_before_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Profiles().with_("trust", TRUST).with_("county", COUNTY).write()
    (tmp_path / "data").mkdir()
    dev = DevHandover("http://dev.test", "http://sandbox.test", "wbk_dev", os.getpid())
    dev.write(tmp_path / "data")

    assert reached() == ("http://dev.test", "wbk_dev")
    monkeypatch.setenv("WRITEBACK_PROFILE", "trust")
    assert reached() == ("http://trust.test", "wbk_trust")


def test_a_dev_that_has_stopped_does_not_hide_the_profile(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    DevHandover("http://dev.test", "http://sandbox.test", "wbk_dev", None).write(tmp_path / "data")
    assert reached() == ("http://127.0.0.1:8400", "wbk_dev")

    Profiles().with_("county", COUNTY).write()
    assert reached() == ("http://county.test", "wbk_county")


def test_an_unknown_profile_is_named_with_those_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    Profiles().with_("county", COUNTY).write()
    monkeypatch.setenv("WRITEBACK_PROFILE", "conty")

    with pytest.raises(CommandFailed, match="no profile 'conty'; there are: county"):
        reached()


def test_login_tries_the_key_and_keeps_it_for_its_owner_alone(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, str]] = []
    monkeypatch.setattr(client.Api, "get", lambda self, *_, **__: asked.append((self.url, self.key)))

    result = run("login", "--url", "http://county.test/", "--profile", "county", stdin="wbk_county\n")

    assert result.exit_code == 0, result.output
    assert asked == [("http://county.test/", "wbk_county")]
    assert Profiles.read() == Profiles("county", {"county": COUNTY})
    assert stat.S_IMODE(file_of_profiles().stat().st_mode) == 0o600
    assert "wbk_county" not in result.output


@pytest.mark.parametrize(("status", "is_kept"), [(401, False), (403, True), (503, False)])
def test_login_keeps_a_key_that_may_do_little_and_none_that_is_wrong(
    run: Run, monkeypatch: pytest.MonkeyPatch, status: int, is_kept: bool
) -> None:
    def refuse(*_: Any, **__: Any) -> Any:
        raise CommandFailed(client._exit_for(status), "no", problem={"status": status})

    monkeypatch.setattr(client.Api, "get", refuse)

    result = run("login", "--url", "http://county.test", stdin="wbk_county\n")

    assert (result.exit_code == 0) == is_kept
    assert bool(Profiles.read().by_name) == is_kept


def test_profiles_are_listed_without_keys_chosen_and_forgotten(run: Run) -> None:
    Profiles().with_("trust", TRUST).with_("county", COUNTY).write()

    listed = run("profiles", "--use", "trust", "--json")
    assert json.loads(listed.stdout)["items"] == [
        {"profile": "county", "url": "http://county.test", "in_use": False},
        {"profile": "trust", "url": "http://trust.test", "in_use": True},
    ]
    assert "wbk_" not in listed.output
    assert run("profiles", "--use", "nobody").exit_code == 6
    assert run("logout").exit_code == 0
    assert Profiles.read() == Profiles("", {"county": COUNTY})
    assert run("logout").exit_code == 6


def test_a_file_that_cannot_be_read_is_named(run: Run) -> None:
    file_of_profiles().parent.mkdir(parents=True)
    file_of_profiles().write_text("{")

    result = run("profiles")

    assert result.exit_code == 6
    assert str(file_of_profiles()) in result.stderr.replace("\n", "")


def completed(line: str) -> list[str]:
    words = line.split(" ")
    environment = {
        "_WRITEBACK_COMPLETE": "complete_bash",
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(words) - 1),
    }
    result = CliRunner().invoke(app, [], prog_name="writeback", env=environment)
    return result.stdout.split()


def test_a_shell_completes_kinds_and_states_one_after_another() -> None:
    assert completed("writeback list --status fa") == ["failed"]
    assert completed("writeback list --kind attendance.session,att") == ["attendance.session,attendance.lesson"]


def test_a_shell_completes_schools_that_the_key_may_see(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client.Api, "pages", lambda *_, **__: [{"id": "hillside"}, {"id": "highfield"}, {"id": "oak"}])

    assert completed("writeback schools show hi") == ["hillside", "highfield"]
    assert completed("writeback list --school o") == ["oak"]


def test_a_shell_is_offered_nothing_where_the_api_does_not_answer() -> None:
    assert completed("writeback list --url http://127.0.0.1:1 --school hi") == []


def test_a_shell_completes_profiles(run: Run) -> None:
    for name in ("county", "city"):
        Profiles.read().with_(name, Profile("https://one.example", "wbk_1")).write()

    assert completed("writeback profiles --use co") == ["county"]
    assert completed("writeback logout --profile c") == ["city", "county"]
