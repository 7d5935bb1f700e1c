"""Requests that no client means: each gets a plain answer, no 500, and nothing of it in the log."""

import json

import pytest

from tests.security.conftest import Attacked

SECRET = b"A1921160062"
TARGETS = [
    b"*",
    b"//",
    b"///",
    b"/",
    b"/?",
    b"/%",
    b"/%00",
    b"/%ff%fe",
    b"/\xc3\xa9",
    b"/\xff",
    b"/..%2f..%2fetc/passwd",
    b"/console/../v1/schools",
    b"//console/now",
    b"/console",
    b"/v1",
    b"/v1/",
    b"/v1//",
    b"/hooks/",
    b"/hooks/wonde/%2e%2e/x",
    b"/schemas/../../pyproject.toml",
    b"/schemas/%2e%2e/%2e%2e/pyproject.toml",
    b"/problems/%0d%0aX-Evil:%20yes",
    b"/wonde/%00",
    b"/xporter//api/v1/",
    b"http://x",
    b"http://x/",
    b"http://x/healthz",
    b"https://user:password@x:99999/healthz",
    b"x:443",
    b"healthz",
    b"?",
    b"#",
    b"/healthz#x",
    b"/" + b"a" * 8_000,
    b"/v1/writebacks?" + b"student=" + SECRET,
]
METHODS = [b"GET", b"HEAD", b"POST", b"OPTIONS", b"TRACE", b"CONNECT", b"PUT", b"PROPFIND"]
PLAIN = range(200, 500)


@pytest.mark.parametrize("method", METHODS)
def test_no_target_is_answered_with_a_500(api: Attacked, method: bytes) -> None:
    for target in TARGETS:
        wire = api.connect().send(method + b" " + target + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        received = b""
        while piece := wire.socket.recv(65_536):
            received += piece
        wire.close()
        status = int(received.split(maxsplit=2)[1])
        assert status in PLAIN, (method, target, received)
        assert b"evil" not in received.partition(b"\r\n\r\n")[0].lower(), target


@pytest.mark.parametrize(
    "request_",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1\nHost: x\n\n",
        b"GET / HTTP/1.1\r\nA\x00: b\r\n\r\n",
        b"GET / HTTP/1.1\r\n: b\r\n\r\n",
        b"G\xc3\x89T / HTTP/1.1\r\n\r\n",
    ],
)
def test_what_is_no_request_is_answered_with_400_and_closed(api: Attacked, request_: bytes) -> None:
    wire = api.connect().send(request_)

    answer = wire.answer()
    assert (answer.status, json.loads(answer.body)["code"]) == (400, "request_malformed")
    assert wire.is_closed()


@pytest.mark.parametrize("upgrade", [b"websocket", b"h2c", b"TLS/1.0"])
def test_an_upgrade_is_answered_as_if_nobody_had_asked_for_one(api: Attacked, upgrade: bytes) -> None:
    wire = api.connect().send(b"GET /healthz HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: " + upgrade + b"\r\n\r\n")

    assert wire.answer().status == 200
    assert wire.send(b"GET /healthz HTTP/1.1\r\n\r\n").answer().status == 200


def test_nothing_of_an_odd_request_is_logged(api: Attacked) -> None:
    for target in (
        b"/" + SECRET,
        b"//" + SECRET,
        b"/hooks/wonde/" + SECRET,
        b"http://" + SECRET + b"/",
        b"*?" + SECRET,
    ):
        for method in (b"GET", b"OPTIONS"):
            api.ask(method + b" " + target + b" HTTP/1.1\r\n" + SECRET + b": x\r\n\r\n")
            api.connect().send(method + b" " + target + b" HTTP/1.1\r\nX: \x00" + SECRET + b"\r\n\r\n").answer()

    log = api.process.log.read_text()
    assert "http_request" in log
    assert SECRET.decode() not in log
    assert "Traceback" not in log
    assert "request_crashed" not in log


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/writebacks"),
        ("POST", "/v1/schools/hillside/writebacks"),
        ("POST", "/hooks/wonde/all~guess"),
        ("GET", "/wonde/v1.0/writebacks/1"),
        ("POST", "/xporter/api/v1/AttendanceAsync/1"),
        ("GET", "/nothing"),
        ("GET", "/healthz"),
    ],
)
def test_no_answer_may_be_kept_by_a_cache_or_taken_for_another_type(api: Attacked, method: str, path: str) -> None:
    answer = api.ask(f"{method} {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())

    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_an_answer_says_neither_what_serves_it_nor_that_other_origins_may_read_it(api: Attacked) -> None:
    for method, path in (("GET", "/v1/writebacks"), ("OPTIONS", "/v1/writebacks"), ("GET", "/healthz"), ("GET", "/x")):
        asked = f"{method} {path} HTTP/1.1\r\nHost: x\r\nOrigin: https://evil.example\r\n"
        answer = api.ask(f"{asked}Access-Control-Request-Method: GET\r\n\r\n".encode())

        assert "server" not in answer.headers
        assert not [name for name in answer.headers if name.startswith("access-control-")]
