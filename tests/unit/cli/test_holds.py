"""`writeback schools hold` and `resume`: one, several, a provider's; with an end."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from click.testing import Result

from tests.unit.cli.conftest import FakeApi
from writeback.core.clock import SystemClock

Run = Callable[..., Result]
HILLSIDE = {"id": "hillside", "mode": "live", "provider": "wonde", "hold": {"reason": "held_by_staff"}}
RIVERBANK = {"id": "riverbank", "mode": "live", "provider": "wonde", "hold": None}
TRIAL = {"id": "test_hillside", "mode": "test", "provider": "wonde", "hold": {"reason": "held_by_staff"}}
OAKFIELD = {"id": "oakfield", "mode": "live", "provider": "xporter", "hold": None}
PROBLEM = {"status": 404, "title": "t", "code": "school_unknown", "detail": "there is no school nowhere"}


def test_a_hold_is_sent_with_its_end(run: Run, api: FakeApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WRITEBACK_CONSOLE__TIMEZONE", "Europe/London")
    api.on("POST", "/v1/schools/hillside/hold", HILLSIDE)

    result = run("schools", "hold", "hillside", "--reason", "upgrade", "--until", "in 2 hours")

    assert result.exit_code == 0
    said = api.last_body
    assert said["reason"] == "upgrade"
    ahead = datetime.fromisoformat(said["until"]) - SystemClock().now()
    assert timedelta(minutes=119) < ahead <= timedelta(hours=2)
    assert "hillside is held until" in result.stdout
    assert any(zone in result.stdout for zone in ("(GMT)", "(BST)"))


@pytest.mark.parametrize("until", ["yesterday", "2 hours ago", "2020-01-12 09:00", "tomorrow"])
def test_an_end_that_has_passed_or_is_unclear_is_refused(run: Run, api: FakeApi, until: str) -> None:
    result = run("schools", "hold", "hillside", "--reason", "upgrade", "--until", until)

    assert result.exit_code == 2
    assert "write it like" in " ".join(result.stderr.replace("│", "").split())
    assert api.requests == []


def test_one_that_is_refused_costs_itself(run: Run, api: FakeApi) -> None:
    api.on("POST", "/v1/schools/hillside/hold", HILLSIDE)
    api.on("POST", "/v1/schools/nowhere/hold", PROBLEM, 404)
    api.on("POST", "/v1/schools/riverbank/hold", RIVERBANK)

    result = run("schools", "hold", "hillside", "nowhere", "riverbank", "--reason", "storm")
    as_json = run("schools", "hold", "hillside", "nowhere", "riverbank", "--reason", "storm", "--json")

    assert result.exit_code == as_json.exit_code == 4
    assert "hillside is held" in result.stdout
    assert "riverbank is held" in result.stdout
    assert "nowhere: there is no school nowhere" in result.stderr
    answers = json.loads(as_json.stdout)["items"]
    assert [one["id"] for one in answers] == ["hillside", "nowhere", "riverbank"]
    assert answers[1]["error"]["code"] == "school_unknown"


def test_a_providers_schools_are_held_and_those_that_staff_hold_go_on(run: Run, api: FakeApi) -> None:
    api.on("GET", "/v1/schools", {"items": [HILLSIDE, RIVERBANK, TRIAL, OAKFIELD], "next_cursor": None})
    for school in ("hillside", "riverbank"):
        api.on("POST", f"/v1/schools/{school}/hold", HILLSIDE)
        api.on("POST", f"/v1/schools/{school}/resume", HILLSIDE)

    held = run("schools", "hold", "--provider", "wonde", "--reason", "maintenance")
    went_on = run("schools", "resume", "--provider", "wonde")
    nothing = run("schools", "resume", "--provider", "xporter")
    unknown = run("schools", "hold", "--provider", "wander", "--reason", "x")

    assert (held.exit_code, went_on.exit_code, nothing.exit_code, unknown.exit_code) == (0, 0, 4, 4)
    posted = [one.url.path for one in api.requests if one.method == "POST"]
    assert posted == ["/v1/schools/hillside/hold", "/v1/schools/riverbank/hold", "/v1/schools/hillside/resume"]
    assert "staff hold no school of 'xporter'" in nothing.stderr
    assert "no school of the provider 'wander'" in unknown.stderr


@pytest.mark.parametrize("names", [[], ["hillside", "--provider", "wonde"]])
def test_it_is_one_of_the_two(run: Run, api: FakeApi, names: list[str]) -> None:
    result = run("schools", "hold", *names, "--reason", "x")

    assert result.exit_code == 2
    assert "--provider wonde" in result.stderr
    assert api.requests == []
