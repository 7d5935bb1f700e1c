"""How the CLI reads the API's answers."""

import json
import os
from pathlib import Path

import httpx
import pytest

from tests.unit.cli.conftest import FakeApi
from writeback.cli.client import DEFAULT_URL, Api, connect
from writeback.cli.dev_handover import DevHandover
from writeback.cli.exit_codes import CommandFailed, Exit

PROBLEM = {
    "type": "/problems/invalid",
    "title": "The submission has errors",
    "status": 422,
    "code": "invalid",
    "detail": "2 records have errors",
    "hint": "mend them",
    "findings": [{"code": "x", "message": "m"}],
}


def test_a_problem_keeps_its_detail_hint_and_findings() -> None:
    api = FakeApi()
    api.on("GET", "/v1/x", PROBLEM, status=422)

    with pytest.raises(CommandFailed) as caught:
        api.client().get("/v1/x")

    failure = caught.value
    assert (failure.exit_code, failure.detail, failure.hint) == (Exit.REFUSED, "2 records have errors", "mend them")
    assert failure.findings == PROBLEM["findings"]
    assert failure.where == "GET http://api.test/v1/x"


@pytest.mark.parametrize(
    ("status", "exit_code"),
    [(401, 4), (403, 4), (404, 4), (409, 4), (422, 4), (500, 1), (502, 3), (503, 3)],
)
def test_each_refusal_has_its_exit_code(status: int, exit_code: int) -> None:
    api = FakeApi()
    api.on("GET", "/v1/x", {"detail": "no"}, status=status)

    with pytest.raises(CommandFailed) as caught:
        api.client().get("/v1/x")

    assert caught.value.exit_code == exit_code


def test_an_api_that_is_not_there_ends_with_3_and_says_how_to_start_it() -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("Connection refused", request=request)

    with pytest.raises(CommandFailed) as caught:
        Api("http://api.test", None, transport=httpx.MockTransport(refuse)).get("/v1/x")

    assert caught.value.exit_code == Exit.UNREACHABLE
    assert "writeback dev" in caught.value.hint


def test_without_a_key_a_401_says_how_to_give_one() -> None:
    api = FakeApi()
    api.on("GET", "/v1/x", {"detail": "no key"}, status=401)

    with pytest.raises(CommandFailed) as caught:
        api.client(key=None).get("/v1/x")

    assert "WRITEBACK_KEY" in caught.value.hint


def test_an_answer_that_is_not_json_is_shown_as_such() -> None:
    page = httpx.MockTransport(lambda _: httpx.Response(200, html="<h1>It works</h1>"))

    with pytest.raises(CommandFailed, match="not JSON"):
        Api("http://api.test", None, transport=page).get("/")


def test_pages_are_followed_until_the_limit() -> None:
    api = FakeApi()
    api.on("GET", "/v1/x", {"items": [{"n": 1}, {"n": 2}], "next_cursor": "c2"})
    api.on("GET", "/v1/x", {"items": [{"n": 3}, {"n": 4}], "next_cursor": "c3"})

    found = list(api.client().pages("/v1/x", limit=3))

    assert [item["n"] for item in found] == [1, 2, 3]
    assert [request.url.params.get("cursor") for request in api.requests] == [None, "c2"]


def _dev(data_dir: Path, pid: int | None) -> None:
    DevHandover("http://127.0.0.1:9999", "http://127.0.0.1:9998", "wbk_dev", pid).write(data_dir)


def _key_of(api: Api) -> str:
    return api.key


@pytest.fixture
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("WRITEBACK_DATA_DIR", str(tmp_path))
    return tmp_path


def test_a_running_dev_is_found_with_its_key(data_dir: Path) -> None:
    _dev(data_dir, os.getpid())

    api = connect(None, None)

    assert (api.url, _key_of(api)) == ("http://127.0.0.1:9999/", "wbk_dev")


def test_the_key_of_dev_is_sent_to_no_other_address(data_dir: Path) -> None:
    _dev(data_dir, os.getpid())

    api = connect("https://elsewhere.example", None)

    assert _key_of(api) == ""


def test_a_dev_that_has_stopped_leaves_the_default_address(data_dir: Path) -> None:
    _dev(data_dir, None)

    assert connect(None, None).url == f"{DEFAULT_URL}/"


def test_what_is_given_wins_over_dev(data_dir: Path) -> None:
    _dev(data_dir, os.getpid())

    assert _key_of(connect(None, "wbk_mine")) == "wbk_mine"


def test_the_handover_can_be_read_by_its_owner_alone(data_dir: Path) -> None:
    _dev(data_dir, 1)

    assert (data_dir / "dev.json").stat().st_mode & 0o777 == 0o600


def test_a_handover_that_cannot_be_read_counts_as_none(data_dir: Path) -> None:
    (data_dir / "dev.json").write_text(json.dumps({"other": "thing"}))

    assert DevHandover.read(data_dir) is None
