"""What anybody may send, hold open or leave unread without a key: little, and not for long."""

import json
import time
from collections.abc import Iterator

import pytest

from tests.security.conftest import SECRET_KEY, Answer, Attacked, StartApi, Wire, close_all
from writeback.core.secrets import SecretBox
from writeback.flow.engine.hook_urls import account_hook_token

GET = b"GET /healthz HTTP/1.1\r\nHost: x\r\n"
POST = b"POST /v1/writebacks/resubmit HTTP/1.1\r\nHost: x\r\n"
HOOK = f"POST /hooks/wonde/{account_hook_token(SecretBox(SECRET_KEY), 'wonde')} HTTP/1.1\r\nHost: x\r\n".encode()
MUCH = b"x" * 250_000
MOST_MB = 25.0
"""By how much memory may grow while somebody sends a hundred times as much."""


def _flood(wire: Wire, opening: bytes, piece: bytes) -> None:
    """Send 200 MB; raise OSError where the other side does not take them."""
    wire.socket.settimeout(3.0)
    wire.socket.sendall(opening)
    for _ in range(200_000_000 // len(piece)):
        wire.socket.sendall(piece)


def _is_refused(answer: Answer, status: int, code: str) -> None:
    assert answer.status == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["connection"] == "close"
    assert answer.headers["cache-control"] == "no-store"
    assert json.loads(answer.body)["code"] == code


def test_a_header_that_is_too_long_is_refused_with_431(api: Attacked) -> None:
    wire = api.connect().send(GET, b"X-Much: ", MUCH, b"\r\n\r\n")

    _is_refused(wire.answer(), 431, "headers_too_large")
    assert wire.is_closed()


def test_too_many_headers_are_refused_with_431(api: Attacked) -> None:
    _is_refused(api.ask(GET, b"a: b\r\n" * 101, b"\r\n"), 431, "headers_too_large")


def test_a_first_line_that_is_too_long_is_refused_with_431(api: Attacked) -> None:
    _is_refused(api.ask(b"GET /healthz?", b"x" * 40_000, b" HTTP/1.1\r\n\r\n"), 431, "headers_too_large")


def test_headers_just_within_the_limits_are_taken_in_however_many_pieces(api: Attacked) -> None:
    wire = api.connect().send(GET, b"X-Much: ")
    for _ in range(30):
        wire.send(b"x" * 1_000)
        time.sleep(0.005)

    assert wire.send(b"\r\n\r\n").answer().status == 200


def test_headers_behind_a_long_body_in_the_same_piece_are_not_taken_for_too_long(api: Attacked) -> None:
    body = b"Content-Length: 250000\r\n\r\n" + MUCH
    wire = api.connect().send(GET + body + GET + b"\r\n" + GET)

    assert wire.answer().status == 200
    assert wire.answer().status == 200
    assert wire.send(b"\r\n").answer().status == 200


@pytest.mark.parametrize(
    ("opening", "piece"),
    [
        pytest.param(GET, b"a: b\r\n" * 10_000, id="headers without end"),
        pytest.param(GET + b"X-Much: ", MUCH, id="a header without end"),
        pytest.param(b"", b"\r\n" * 100_000, id="blank lines without end"),
        pytest.param(POST + b"Transfer-Encoding: chunked\r\n\r\n1;", MUCH, id="a chunk's extension without end"),
        pytest.param(POST + b"Transfer-Encoding: chunked\r\n\r\n", b"1;" + MUCH + b"\r\nx\r\n", id="extensions"),
        pytest.param(POST + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", b"a: b\r\n" * 10_000, id="trailers"),
        pytest.param(POST + b"Transfer-Encoding: chunked\r\n\r\n0\r\na: ", MUCH, id="a trailer without end"),
        pytest.param(POST + b"Transfer-Encoding: chunked\r\n\r\n", b"3d090\r\n" + MUCH + b"\r\n", id="a body"),
        pytest.param(HOOK + b"Transfer-Encoding: chunked\r\n\r\n", b"3d090\r\n" + MUCH + b"\r\n", id="a hook's body"),
        pytest.param(b"", (GET + b"\r\n") * 4_000, id="requests whose answers nobody takes"),
    ],
)
def test_what_does_not_end_is_cut_off_and_costs_no_memory(api: Attacked, opening: bytes, piece: bytes) -> None:
    before = api.resident_mb()
    wire = api.connect()

    with pytest.raises(OSError):  # noqa: PT011 - closed, reset, or nothing taken any more
        _flood(wire, opening, piece)

    assert api.resident_mb() - before < MOST_MB
    assert api.serves()
    assert wire.is_closed(5.0)


def test_a_request_that_never_gets_to_its_end_is_answered_with_408(api: Attacked) -> None:
    wire = api.connect().send(GET)
    for _ in range(20):
        wire.send(b"a: b\r\n")
        time.sleep(0.1)

    _is_refused(wire.answer(), 408, "headers_late")
    assert wire.is_closed()


def test_half_sent_requests_by_the_hundred_are_all_answered_and_others_served_meanwhile(api: Attacked) -> None:
    halves = (
        b"GET /v1/wri",
        b"GET / HTTP/1.1\r\nHost: x\r\nX-A: ",
        b"POST /v1/x HTTP/1.1\r\nContent-Length: 9\r\n\r\n{",
    )
    before_mb = api.resident_mb()
    wires = [api.connect(f"127.0.{number % 4}.2").send(halves[number % 3]) for number in range(600)]

    assert api.serves()

    assert {wire.answer().status for wire in wires} <= {401, 408}
    assert api.serves()
    assert api.resident_mb() - before_mb < 30


def test_a_second_request_that_never_gets_to_its_end_is_answered_with_408(api: Attacked) -> None:
    wire = api.connect().send(GET + b"\r\n")
    assert wire.answer().status == 200
    wire.send(GET)

    _is_refused(wire.answer(), 408, "headers_late")


def test_a_body_that_drips_is_answered_with_408(api: Attacked) -> None:
    wire = api.connect().send(HOOK + b"Content-Length: 1000\r\n\r\n")
    for _ in range(25):
        wire.send(b"x")
        time.sleep(0.1)

    _is_refused(wire.answer(), 408, "body_late")
    assert wire.is_closed()


def test_a_long_body_over_a_slow_line_is_taken(api: Attacked) -> None:
    wire = api.connect().send(HOOK + b"Content-Length: 20000\r\n\r\n")
    for _ in range(20):
        wire.send(b" " * 1_000)
        time.sleep(0.1)

    assert wire.answer().status == 400  # it is no JSON


def test_a_connection_that_never_asks_for_anything_is_closed(api: Attacked) -> None:
    wire = api.connect()

    assert not wire.is_closed(0.5)
    assert wire.is_closed(3.0)


def test_a_connection_that_is_idle_is_closed_though_it_sends_blank_lines(api: Attacked) -> None:
    wire = api.connect().send(GET + b"\r\n")
    assert wire.answer().status == 200
    began = time.monotonic()
    while not wire.is_closed(0.2):
        assert time.monotonic() - began < 4.0
        wire.send(b"\r\n")

    assert time.monotonic() - began > 1.5


def test_bodies_that_nobody_asked_for_are_not_kept(api: Attacked) -> None:
    before = api.resident_mb()
    wires = [api.connect() for _ in range(200)]
    for wire in wires:
        wire.send(POST + b"Content-Length: 250000\r\n\r\n" + MUCH)

    assert {wire.answer().status for wire in wires} == {401}
    assert api.resident_mb() - before < MOST_MB


def test_the_body_of_a_hook_is_not_waited_for_before_its_token_is_known(api: Attacked) -> None:
    answer = api.ask(b"POST /hooks/wonde/all~guess HTTP/1.1\r\nHost: x\r\nContent-Length: 900000\r\n\r\n")

    assert answer.status == 404


def test_the_body_of_a_hook_has_a_limit_of_its_own(api: Attacked) -> None:
    assert api.ask(HOOK + b"Content-Length: 1000001\r\n\r\n").status == 413


def test_the_token_service_reads_little_before_it_knows_the_key(api: Attacked) -> None:
    answer = api.ask(b"POST /xporter/idaas/sts/STS/GetToken HTTP/1.1\r\nHost: x\r\nContent-Length: 20000\r\n\r\n")

    assert b"more than 16384 bytes" in answer.body


def test_requests_that_come_before_the_answer_to_the_first_are_answered_in_turn(api: Attacked) -> None:
    wire = api.connect().send((GET + b"\r\n") * 10)

    assert [wire.answer().status for _ in range(10)] == [200] * 10


@pytest.mark.parametrize(
    "headers",
    [
        b"Content-Length: 99999999999999999999999999\r\n",
        b"Content-Length: -1\r\n",
        b"Content-Length: 5\r\nContent-Length: 6\r\n",
        b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        b"Transfer-Encoding: gzip\r\n",
        b"Transfer-Encoding : chunked\r\n",
        b"Content-Length: 5\r\n folded\r\n",
    ],
)
def test_a_length_that_can_be_read_in_two_ways_is_refused(api: Attacked, headers: bytes) -> None:
    _is_refused(api.ask(POST + headers + b"\r\n0\r\n\r\n"), 400, "request_malformed")


def test_a_body_of_an_absurd_length_is_refused_before_it_comes(api: Attacked) -> None:
    key = api.key("submit").encode()
    answer = api.ask(POST + b"Authorization: Bearer " + key + b"\r\nContent-Length: 9000000000000000000\r\n\r\n")

    assert answer.status == 413


def test_trailers_are_not_headers(api: Attacked) -> None:
    key = api.key("submit").encode()
    body = b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nAuthorization: Bearer " + key + b"\r\n\r\n"

    assert api.ask(POST + body).status == 401


@pytest.fixture(scope="module")
def _few(start_api: StartApi) -> Attacked:
    return start_api(max_connections=60, max_per_address=20, trusted_proxies=["127.0.1.0/24"])


@pytest.fixture
def few(_few: Attacked) -> Iterator[Attacked]:
    """An API with room for sixty connections, twenty from one address, behind proxies in 127.0.1.0/24."""
    yield _few
    close_all(_few)


def test_a_flood_from_one_address_is_refused_and_others_are_served(few: Attacked) -> None:
    for _ in range(20):
        few.connect("127.0.0.2")

    _is_refused(few.connect("127.0.0.2").answer(), 429, "too_many_of_address")
    assert few.serves("127.0.0.3")


def test_a_flood_from_many_addresses_is_refused_and_ends_when_they_close(few: Attacked) -> None:
    for number in range(60):
        few.connect(f"127.0.0.{10 + number % 4}")

    _is_refused(few.connect("127.0.0.20").answer(), 503, "too_many_connections")
    close_all(few)
    began = time.monotonic()
    while few.ask(GET + b"\r\n", source="127.0.0.20").status != 200:
        assert time.monotonic() - began < 5.0


def test_a_proxy_has_as_many_connections_as_it_wants(few: Attacked) -> None:
    for _ in range(40):
        few.connect("127.0.1.1")

    assert few.serves("127.0.1.1")


def test_calls_of_the_proxy_itself_are_not_counted(few: Attacked) -> None:
    for _ in range(25):
        few.connect("127.0.1.1").send(HOOK + b"Content-Length: 5\r\n\r\n")

    assert few.serves("127.0.1.1")


def test_calls_of_one_address_behind_a_proxy_are_counted_while_they_are_under_way(few: Attacked) -> None:
    for _ in range(20):
        _call_by_proxy(few, "203.0.113.7")

    _is_refused(_call_by_proxy(few, "203.0.113.7").answer(), 429, "too_many_of_address")
    assert _ask_by_proxy(few, "203.0.113.8") == 200


def test_what_is_written_before_the_address_that_the_proxy_names_is_not_believed(few: Attacked) -> None:
    for number in range(20):
        _call_by_proxy(few, f"10.0.0.{number}, 203.0.113.7")

    assert _ask_by_proxy(few, "10.0.0.77, 203.0.113.7") == 429
    assert _ask_by_proxy(few, "203.0.113.7, 10.0.0.77") == 200


def test_x_forwarded_for_of_a_stranger_is_not_believed(few: Attacked) -> None:
    for number in range(20):
        wire = few.connect("127.0.0.2")
        wire.send(GET + f"X-Forwarded-For: 10.0.0.{number}\r\n\r\n".encode())
        assert wire.answer().status == 200

    assert few.ask(GET + b"X-Forwarded-For: 10.0.0.99\r\n\r\n", source="127.0.0.2").status == 429


def test_calls_that_are_over_are_not_counted(few: Attacked) -> None:
    wire = few.connect("127.0.1.1")
    for _ in range(50):
        wire.send(GET + b"X-Forwarded-For: 203.0.113.7\r\n\r\n")
        assert wire.answer().status == 200


def _call_by_proxy(few: Attacked, forwarded: str) -> Wire:
    """Begin a call that stays under way: its body does not come."""
    headers = f"X-Forwarded-For: {forwarded}\r\nContent-Length: 5\r\n\r\n".encode()
    return few.connect("127.0.1.1").send(HOOK + headers)


def _ask_by_proxy(few: Attacked, forwarded: str) -> int:
    headers = f"X-Forwarded-For: {forwarded}\r\n\r\n".encode()
    return few.ask(GET + headers, source="127.0.1.1").status
