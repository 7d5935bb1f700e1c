"""Both clients: what they are made of, what they send over the wire, and that they are the same."""

import inspect
import io
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import BaseModel

import writeback_client as face
from writeback_client import AsyncClient, Client, Misconfigured, Status, Timeout, Unreachable
from writeback_client.aio import Room as AsyncRoom
from writeback_client.blocking import Room

ACCEPTED = {"id": "wb_1", "status": "queued", "school": "hillside", "kind": "attendance.session", "records": []}
KEPT = {**ACCEPTED, "created_at": "2026-01-12T09:00:00Z", "updated_at": "2026-01-12T09:00:00Z"}
MARK = {"student_id": "A1", "date": "2026-01-12", "session": "AM", "code": "/"}
BATCH = {"id": "bat_1", "status": "reading", "school": "hillside", "created_at": "2026-01-12T09:00:00Z"}
Handler = Callable[[httpx.Request], httpx.Response]


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("writeback_client.flows._FIRST_S", 0.0)


def _client(handler: Handler, **options: Any) -> Client:
    return Client("http://api.test/", "wbk_test", transport=httpx.MockTransport(handler), **options)


def test_address_and_key_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WRITEBACK_URL", "https://writeback.example/base/")
    monkeypatch.setenv("WRITEBACK_KEY", "wbk_env")
    seen: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json=KEPT)

    with Client(transport=httpx.MockTransport(handler), user_agent="registers/2") as client:
        client.get("wb_1")

    assert str(seen[0].url) == "https://writeback.example/base/v1/writebacks/wb_1"
    assert seen[0].headers["Authorization"] == "Bearer wbk_env"
    assert seen[0].headers["User-Agent"].startswith("registers/2 writeback-python/")


@pytest.mark.parametrize(
    ("url", "key", "said"),
    [
        (None, "wbk_1", "WRITEBACK_URL"),
        ("http://api.test", None, "WRITEBACK_KEY"),
        ("api.test", "wbk_1", "http"),
        ("ftp://api.test", "wbk_1", "http"),
        ("http://api.test?x=1", "wbk_1", "query"),
        ("http://api.test", "wbk_1\n", "copy it again"),
    ],
)
def test_a_client_that_cannot_work_is_not_made(
    monkeypatch: pytest.MonkeyPatch, url: str | None, key: str | None, said: str
) -> None:
    monkeypatch.delenv("WRITEBACK_URL", raising=False)
    monkeypatch.delenv("WRITEBACK_KEY", raising=False)

    with pytest.raises(Misconfigured, match=said):
        Client(url, key)


def test_the_key_is_in_no_repr() -> None:
    client = Client("http://api.test", "wbk_secret")

    assert "wbk_secret" not in f"{client!r} {client._runner.options!r}"
    client.close()


def test_a_submission_is_tried_again_with_the_same_key_of_its_own() -> None:
    seen: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        if len(seen) == 1:
            raise httpx.ReadError("broken off", request=request)
        return httpx.Response(503) if len(seen) == 2 else httpx.Response(202, json=ACCEPTED)

    with _client(handler) as client:
        accepted = client.submit("hillside", "attendance.session", [MARK], ref="7B")
        client.submit("hillside", "attendance.session", [MARK])

    keys = [request.headers["Idempotency-Key"] for request in seen]
    assert accepted.status is Status.QUEUED
    assert keys[0] == keys[1] == keys[2] != keys[3]
    assert json.loads(seen[0].content) == {"kind": "attendance.session", "records": [MARK], "ref": "7B"}


def test_records_may_be_models_and_send_only_what_was_given() -> None:
    class Mark(BaseModel):
        student_id: str
        code: str
        comment: str | None = None

    seen: list[Any] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(json.loads(request.content)["records"])
        return httpx.Response(202, json=ACCEPTED)

    with _client(handler) as client:
        client.submit("hillside", "attendance.session", [Mark(student_id="A1", code="/")], idempotency_key="monday")

    assert seen == [[{"student_id": "A1", "code": "/"}]]


def test_a_dry_run_has_no_id() -> None:
    trial = {**ACCEPTED, "id": None, "status": "valid"}

    with _client(lambda request: httpx.Response(200, json=trial)) as client:
        checked = client.submit("hillside", "attendance.session", [MARK], dry_run=True)

    assert (checked.id, checked.status, checked.is_final) == ("", "valid", False)


def test_a_word_that_is_not_known_yet_is_no_error() -> None:
    newer = {**KEPT, "status": "paused", "colour": "blue", "counts": {"paused": 1}}

    with _client(lambda request: httpx.Response(200, json=newer)) as client:
        found = client.get("wb_1")

    assert (found.status, found.is_final, found.model_extra) == ("paused", False, {"colour": "blue"})


def test_an_id_stays_within_its_place_in_the_path() -> None:
    seen: list[bytes] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request.url.raw_path)
        return httpx.Response(200, json=KEPT)

    with _client(handler) as client:
        client.get("../keys?x=/é")
        for nothing in ("", "..", "."):
            with pytest.raises(Misconfigured):
                client.get(nothing)

    assert seen == [b"/v1/writebacks/..%2Fkeys%3Fx%3D%2F%C3%A9"]


def test_no_answer_is_shown_with_where_and_why() -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectTimeout("too slow", request=request)

    with (
        _client(handler, max_retries=1) as client,
        pytest.raises(Timeout, match=r"http://api\.test: too slow") as caught,
    ):
        client.get("wb_1")

    assert isinstance(caught.value, Unreachable)
    assert isinstance(caught.value.__cause__, httpx.ConnectTimeout)


def test_a_stream_that_is_left_is_closed() -> None:
    closed: list[bool] = []

    class Endless(httpx.SyncByteStream):
        def __iter__(self) -> Iterator[bytes]:
            answer = {**ACCEPTED, "id": 1, "writeback_id": "wb_1", "app": "a", "at": "2026-01-12T09:00:00Z",
                    "actor": "worker", "event": "sent"}  # fmt: skip
            while True:
                yield f"id: 1\ndata: {json.dumps(answer)}\n\n".encode()

        def close(self) -> None:
            closed.append(True)

    with _client(lambda request: httpx.Response(200, stream=Endless())) as client:
        for event in client.events():
            assert event.writeback_id == "wb_1"
            break

    assert closed == [True]


@pytest.fixture(params=["path", "bytes", "open file"])
def file(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    path = tmp_path / "märz.csv"
    path.write_bytes(b"x" * 150_000)
    match request.param:
        case "path":
            yield path
        case "bytes":
            yield path.read_bytes()
        case _:
            with path.open("rb") as opened:
                yield opened


def _takes_a_file(seen: list[httpx.Request]) -> Handler:
    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(503) if len(seen) == 1 else httpx.Response(202, json=BATCH)

    return handler


def test_what_is_stated_of_a_file_is_sent_and_nothing_that_is_not() -> None:
    seen: list[httpx.Request] = []

    with _client(_takes_a_file(seen)) as client:
        client.batches.upload("hillside", b"x", date_order="dmy", encoding="cp850")
        client.batches.upload("hillside", b"x")

    assert [dict(request.url.params) for request in seen[1:]] == [{"date_order": "dmy", "encoding": "cp850"}, {}]


def test_a_file_is_sent_in_pieces_whole_again_when_a_try_fails(file: Any) -> None:
    seen: list[httpx.Request] = []
    answer: list[tuple[int, int]] = []

    with _client(_takes_a_file(seen)) as client:
        batch = client.batches.upload(
            "hillside", file, kind="attendance.session", on_progress=lambda *at: answer.append(at)
        )

    assert batch.id == "bat_1"
    assert [len(request.content) for request in seen] == [150_000, 150_000]
    assert seen[0].headers["Idempotency-Key"] == seen[1].headers["Idempotency-Key"]
    assert answer == [(65_536, 150_000), (131_072, 150_000), (150_000, 150_000)] * 2
    assert seen[0].headers.get("X-Filename") in ("m%C3%A4rz.csv", None)
    assert seen[0].headers["Content-Length"] == "150000"


async def test_a_file_is_sent_by_the_other_client_too(file: Any) -> None:
    seen: list[httpx.Request] = []

    async with AsyncClient("http://api.test", "k", transport=httpx.MockTransport(_takes_a_file(seen))) as client:
        await client.batches.upload("hillside", file)

    assert [len(request.content) for request in seen] == [150_000, 150_000]


def test_a_file_of_text_is_refused_before_anything_is_sent() -> None:
    with _client(lambda request: httpx.Response(500)) as client, pytest.raises(Misconfigured, match="rb"):
        client.batches.upload("hillside", io.StringIO("a,b"))  # type: ignore[arg-type] # what a user may do


def _rooms(client: Client | AsyncClient) -> dict[str, Any]:
    rooms = {name: room for name, room in vars(client).items() if isinstance(room, Room | AsyncRoom)}
    return {"": client, **rooms}


def _methods(room: Any) -> dict[str, inspect.Signature]:
    found = inspect.getmembers(type(room), inspect.isfunction)
    return {name: inspect.signature(method) for name, method in found if not name.startswith("_") and name != "close"}


def test_both_clients_have_the_same_methods() -> None:
    one, other = (_rooms(made("http://api.test", "k")) for made in (Client, AsyncClient))

    assert {name: _methods(room) for name, room in one.items()} == {
        name: _methods(room) for name, room in other.items()
    }


def test_every_method_says_what_it_does_and_takes() -> None:
    for room in _rooms(Client("http://api.test", "k")).values():
        for name in _methods(room):
            method = getattr(room, name)
            assert (method.__doc__ or "").strip(), name
            assert "args" not in inspect.signature(method).parameters, name


def test_importing_the_client_needs_nothing_of_the_server() -> None:
    code = "import sys, writeback_client; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()

    assert not {"writeback", "validators", "schemas"} & set(loaded)
    heavy = {"sqlalchemy", "sqlmodel", "fastapi", "starlette", "arq", "redis", "cryptography", "structlog", "typer"}
    assert not heavy & set(loaded)


def test_all_that_is_named_is_there() -> None:
    assert face.__all__ == sorted(face.__all__, key=lambda name: (name.islower(), name))
    for name in face.__all__:
        assert hasattr(face, name)


def test_the_name_that_it_had_before_names_the_same() -> None:
    from writeback import client as former

    assert {name: getattr(former, name) for name in former.__all__} == {n: getattr(face, n) for n in face.__all__}
