"""Every failure of the transport and every status means one thing, on the real transport against real sockets."""

import asyncio
import gzip
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime

import aiohttp
import httpx
import pytest

from writeback.core.clock import FakeClock
from writeback.core.network.addresses import ExactURL
from writeback.core.settings import DispatchSettings
from writeback.domain.mode import Mode
from writeback.domain.outcome import Blocked, NotReached, Uncertain
from writeback.domain.school import HoldReason
from writeback.providers.answers import MAX_RETRY_AFTER_S, Answer, read_retry_after
from writeback.providers.http import call, create_client
from writeback.providers.status_meanings import trouble_of
from writeback.providers.texts import MAX_TEXT, header_value, reference_of, shorten
from writeback.providers.transport_failures import failure_of

CLOCK = FakeClock()
Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def tree(root: type[BaseException]) -> Iterator[type[BaseException]]:
    yield root
    for child in root.__subclasses__():
        yield from tree(child)


def bare(cls: type[BaseException]) -> BaseException:
    """An instance without the constructor's arguments: only the class counts."""
    return cls.__new__(cls)


NEVER_SENT = {
    "httpx.ConnectError", "httpx.ConnectTimeout", "httpx.PoolTimeout", "httpx.ProxyError", "httpx.UnsupportedProtocol",
    "httpx.InvalidURL",
    "aiohttp.ClientConnectorError", "aiohttp.ClientConnectorDNSError", "aiohttp.ClientProxyConnectionError",
    "aiohttp.UnixClientConnectorError", "aiohttp.ClientSSLError", "aiohttp.ClientConnectorSSLError",
    "aiohttp.ClientConnectorCertificateError", "aiohttp.ClientHttpProxyError", "aiohttp.ServerFingerprintMismatch",
    "aiohttp.ConnectionTimeoutError", "aiohttp.InvalidURL", "aiohttp.InvalidUrlClientError",
    "aiohttp.NonHttpUrlClientError", "aiohttp.InvalidUrlRedirectClientError", "aiohttp.NonHttpUrlRedirectClientError",
}  # fmt: skip
CLASSES = sorted({*tree(httpx.HTTPError), *tree(httpx.InvalidURL), *tree(aiohttp.ClientError)}, key=str)


def public_name(cls: type[BaseException]) -> str:
    return f"{cls.__module__.split('.')[0]}.{cls.__name__}"


@pytest.mark.parametrize("cls", CLASSES, ids=public_name)
def test_each_exception_means_never_sent_or_may_have_arrived(cls: type[BaseException]) -> None:
    outcome = failure_of(bare(cls), "api.example")

    expected = NotReached if public_name(cls) in NEVER_SENT else Uncertain
    assert type(outcome) is expected
    assert "api.example" in outcome.reason


def test_the_table_speaks_only_of_exceptions_that_there_are() -> None:
    assert {public_name(cls) for cls in CLASSES} >= NEVER_SENT


@pytest.mark.parametrize("cls", sorted(tree(aiohttp.ClientError), key=str), ids=public_name)
def test_the_aiohttp_cause_decides_whatever_the_transport_made_of_it(cls: type[BaseException]) -> None:
    wrapped = httpx.ConnectTimeout("as the transport says")  # it says so of a server that hung up, too
    wrapped.__cause__ = bare(cls)

    assert type(failure_of(wrapped, "h")) is type(failure_of(bare(cls), "h"))


@pytest.mark.parametrize("error", [TimeoutError(), ConnectionResetError(), BrokenPipeError(), OSError()], ids=repr)
def test_a_failure_that_nobody_wrapped_may_have_arrived(error: BaseException) -> None:
    assert isinstance(failure_of(error, "h"), Uncertain)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (200, None),
        (204, None),
        (302, Uncertain),
        (307, NotReached),
        (400, None),
        (401, HoldReason.TOKEN_REFUSED),
        (403, HoldReason.SCOPE_MISSING),
        (404, None),
        (408, Uncertain),
        (422, None),
        (429, NotReached),
        (500, Uncertain),
        (502, Uncertain),
        (503, NotReached),
        (504, Uncertain),
    ],
)
def test_each_status_means_one_thing(status: int, expected: object) -> None:
    trouble = trouble_of(Answer(status, {"error": "x"}, True, 7.0), "Wonde")

    assert (trouble.reason if isinstance(trouble, Blocked) else trouble and type(trouble)) == expected
    if status in (429, 503):
        assert isinstance(trouble, NotReached)
        assert trouble.retry_after_s == 7.0


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("", None),
        ("120", 120.0),
        ("1.5", 1.5),
        ("Mon, 12 Jan 2026 09:00:30 GMT", 30.0),
        ("Mon, 12 Jan 2026 08:00:00 GMT", 0.0),
        ("soon", None),
        ("-5", 0.0),
        ("0", 0.0),
        ("86401", MAX_RETRY_AFTER_S),
        ("9" * 400, MAX_RETRY_AFTER_S),
        ("Fri, 31 Dec 9999 23:59:59 GMT", MAX_RETRY_AFTER_S),
        ("Fri, 31 Dec 99999 23:59:59 GMT", None),
        ("Mon, 01 Jan 0001 00:00:00 +1400", 0.0),
        ("nan", None),
        ("inf", None),
        ("\u00b2", None),
    ],
)
def test_retry_after_is_read_as_seconds_or_as_a_date(value: str | None, seconds: float | None) -> None:
    assert read_retry_after(value, datetime(2026, 1, 12, 9, 0, tzinfo=UTC)) == seconds


@pytest.mark.parametrize("secret", ["", "  ", "a\nb", "schlüssel", "a\x00b"])
def test_a_secret_that_no_header_can_carry_is_none(secret: str) -> None:
    assert header_value(secret) is None


def test_a_secret_is_used_without_the_blanks_around_it() -> None:
    assert header_value(" token \n") == "token"


def test_long_texts_are_cut_to_one_line() -> None:
    text = shorten("line\nline " * 100)
    assert len(text) == MAX_TEXT
    assert "\n" not in text


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("Inva\x00lid", "Invalid"),
        ("\x1b[31mred\x7f\x9b", "[31mred"),
        ("half \ud83d of a pair", "half of a pair"),
        ("a\tb\r\nc\u2028d\x85e", "a b c d e"),
        ("Zoë 😀", "Zoë 😀"),
    ],
)
def test_a_text_that_is_kept_has_nothing_that_a_database_or_a_log_cannot_hold(text: str, kept: str) -> None:
    assert shorten(text) == kept
    shorten(text).encode()


@pytest.mark.parametrize("error", [httpx.ConnectError("x"), TimeoutError()], ids=repr)
def test_what_a_failure_says_can_be_kept_too(error: BaseException) -> None:
    outcome = failure_of(error, "host\x00" * 200)
    assert isinstance(outcome, NotReached | Uncertain)
    assert "\x00" not in outcome.reason
    assert len(outcome.reason) <= MAX_TEXT


@pytest.mark.parametrize("value", [None, True, 1.5, [], {}, "", "  ", "a\x00b", "a\nb", "a\ud800b", "a" * 201])
def test_what_cannot_be_an_id_is_none(value: object) -> None:
    assert reference_of(value) is None


@pytest.mark.parametrize(("value", "text"), [("A1", "A1"), (" A1 ", "A1"), (7, "7"), ("a" * 200, "a" * 200)])
def test_an_id_is_read_as_text(value: object, text: str) -> None:
    assert reference_of(value) == text


def test_no_answer_shows_its_body_in_a_repr() -> None:
    assert "sts-token" not in repr(Answer(200, {"token": "sts-token"}, True))


# What follows goes over real sockets, through aiohttp.


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with create_client(DispatchSettings(request_timeout_s=0.6, connect_timeout_s=0.3)) as client:
        yield client


@asynccontextmanager
async def server(handler: Handler) -> AsyncIterator[str]:
    connections: list[asyncio.StreamWriter] = []

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(writer)
        await handler(reader, writer)

    listening = await asyncio.start_server(accept, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    finally:
        listening.close()
        for writer in connections:
            writer.close()


async def read_request(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    length = next((int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if b"content-length" in line), 0)
    return head + await reader.readexactly(length)


def answering(*parts: bytes) -> Handler:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        for part in parts:
            writer.write(part)
            await writer.drain()
        writer.close()

    return handle


def response(status: str, body: bytes = b"{}", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


async def post(client: httpx.AsyncClient, url: str) -> Answer | NotReached | Uncertain:
    return await call(client, CLOCK, "POST", f"{url}/x?student=A1", mode=Mode.LIVE, body={"attendance": []})


async def test_an_answer_is_its_status_and_its_json(client: httpx.AsyncClient) -> None:
    async with server(answering(response("200 OK", b'{"writeback_id": "A1"}'))) as url:
        assert await post(client, url) == Answer(200, {"writeback_id": "A1"}, True)


async def test_a_refused_connection_was_never_sent(client: httpx.AsyncClient) -> None:
    async with server(answering()) as url:
        pass  # nobody listens there any more
    assert isinstance(await post(client, url), NotReached)


async def test_an_unknown_host_was_never_sent(client: httpx.AsyncClient) -> None:
    outcome = await post(client, "http://no-such-host.invalid")
    assert isinstance(outcome, NotReached)
    assert "no-such-host.invalid" in outcome.reason


async def test_failed_tls_was_never_sent(client: httpx.AsyncClient) -> None:
    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(b"HTTP/1.1 400 This is not TLS\r\n\r\n")
        writer.close()

    async with server(plain) as url:
        assert isinstance(await post(client, url.replace("http:", "https:")), NotReached)


async def test_an_address_that_is_none_was_never_sent(client: httpx.AsyncClient) -> None:
    for url in ("ftp://example.com", "api.wonde.com", "http://[::1"):
        assert isinstance(await post(client, url), NotReached), url


async def test_a_server_that_hangs_up_after_the_request_leaves_it_in_doubt(client: httpx.AsyncClient) -> None:
    async with server(answering()) as url:
        assert isinstance(await post(client, url), Uncertain)


async def test_a_reset_after_the_request_leaves_it_in_doubt(client: httpx.AsyncClient) -> None:
    async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.transport.abort()

    async with server(reset) as url:
        assert isinstance(await post(client, url), Uncertain)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "POST"])
async def test_nothing_is_sent_again_by_the_transport(client: httpx.AsyncClient, method: str) -> None:
    """A removal that took effect would be answered 404 the second time, and count as refused."""
    seen: list[bytes] = []

    async def serve_one_then_reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while request := await read_request(reader):
            seen.append(request)
            if len(seen) > 1:
                writer.transport.abort()
                return
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

    async with server(serve_one_then_reset) as url:
        assert isinstance(await call(client, CLOCK, method, f"{url}/kept", mode=Mode.LIVE), Answer)
        assert isinstance(await call(client, CLOCK, method, f"{url}/broken", mode=Mode.LIVE), Uncertain)
    assert len(seen) == 2


async def test_an_answer_that_breaks_off_leaves_it_in_doubt(client: httpx.AsyncClient) -> None:
    async with server(answering(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{")) as url:
        assert isinstance(await post(client, url), Uncertain)


async def test_an_answer_that_is_no_http_leaves_it_in_doubt(client: httpx.AsyncClient) -> None:
    async with server(answering(b"hello\r\n\r\n")) as url:
        assert isinstance(await post(client, url), Uncertain)


async def test_silence_leaves_it_in_doubt(client: httpx.AsyncClient) -> None:
    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with server(hang) as url:
        assert isinstance(await post(client, url), Uncertain)


async def test_an_answer_that_drips_for_ever_ends_with_the_timeout(client: httpx.AsyncClient) -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        while not writer.is_closing():
            writer.write(b" ")
            await asyncio.sleep(0.05)

    async with server(drip) as url, asyncio.timeout(5):
        assert isinstance(await post(client, url), Uncertain)


async def test_a_full_pool_was_never_sent() -> None:
    is_taken = asyncio.Event()

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        is_taken.set()
        await reader.read()

    settings = DispatchSettings(request_timeout_s=60.0, connect_timeout_s=0.1, connections=1)
    async with create_client(settings) as client, server(hang) as url:
        first = asyncio.create_task(post(client, url))
        await is_taken.wait()
        outcome = await post(client, url)
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
    assert isinstance(outcome, NotReached)


async def test_no_message_holds_the_query_or_the_path(client: httpx.AsyncClient) -> None:
    async with server(answering()) as url:
        outcome = await post(client, url)
    assert isinstance(outcome, Uncertain)
    assert "student" not in outcome.reason
    assert "/x" not in outcome.reason


async def test_an_answer_without_json_is_told_apart(client: httpx.AsyncClient) -> None:
    async with server(answering(response("200 OK", b"<html>"))) as url:
        assert await post(client, url) == Answer(200, None, False, is_page=True)


@pytest.mark.parametrize(
    ("body", "content_type", "is_page"),
    [
        (b"<!DOCTYPE html><p>Blocked", "", True),
        (b"\n<!-- proxy -->\n<HTML lang=en>", "", True),
        (b"Access denied", "Content-Type: text/html; charset=utf-8", True),
        (b"", "Content-Type: text/html", False),
        (b"upstream connect error", "Content-Type: text/plain", False),
        (b"<?xml version='1.0'?><fault/>", "Content-Type: application/xml", False),
    ],
)
async def test_a_web_page_is_known_by_its_type_or_its_beginning(
    client: httpx.AsyncClient, body: bytes, content_type: str, is_page: bool
) -> None:
    async with server(answering(response("503 Service Unavailable", body, *filter(None, [content_type])))) as url:
        answer = await post(client, url)
    assert isinstance(answer, Answer)
    assert answer.is_page is is_page
    assert answer.is_foreign is bool(body)


async def test_an_answer_that_is_nested_without_end_is_no_json(client: httpx.AsyncClient) -> None:
    async with server(answering(response("200 OK", b"[" * 100_000))) as url:
        assert await post(client, url) == Answer(200, None, False)


async def test_retry_after_comes_with_the_answer(client: httpx.AsyncClient) -> None:
    async with server(answering(response("429 Too Many Requests", b"{}", "Retry-After: 3"))) as url:
        answer = await post(client, url)
    assert isinstance(answer, Answer)
    assert answer.retry_after_s == 3.0


async def test_a_question_follows_a_redirect_on_its_own_origin_and_a_post_does_not(client: httpx.AsyncClient) -> None:
    async def redirect_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        is_first = b" /y" not in await read_request(reader)
        writer.write(response("302 Found", b"", "Location: /y") if is_first else response("200 OK", b'{"data": []}'))
        writer.close()

    async with server(redirect_once) as url:
        assert await call(client, CLOCK, "GET", f"{url}/x", mode=Mode.LIVE) == Answer(200, {"data": []}, True)
        assert await post(client, url) == Answer(302, None, False)


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_nothing_follows_a_redirect_to_another_origin(client: httpx.AsyncClient, method: str) -> None:
    """A token would be dropped on the way, but a query holds pupils' ids."""
    seen: list[bytes] = []

    async def note(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await read_request(reader))
        writer.close()

    async with server(note) as there, server(answering(response("302 Found", b"", f"Location: {there}/y?z=1"))) as here:
        outcome = await call(
            client, CLOCK, method, f"{here}/x?student=A1", mode=Mode.LIVE, headers={"authorization": "Bearer secret"}
        )

    expected = NotReached if method == "GET" else Uncertain  # a 302 may tell where to look at what was done
    assert outcome == expected(f"{here} redirects to {there}: check the school's base URL")
    assert not seen


async def test_a_redirect_in_a_circle_ends(client: httpx.AsyncClient) -> None:
    asked: list[bytes] = []

    async def redirect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await read_request(reader))
        writer.write(response("302 Found", b"", "Location: /x"))
        writer.close()

    async with server(redirect) as url:
        outcome = await call(client, CLOCK, "GET", f"{url}/x", mode=Mode.LIVE)
    assert isinstance(outcome, Uncertain)
    assert len(asked) == 5


LIMIT = 100_000


@pytest.fixture
async def strict() -> AsyncIterator[httpx.AsyncClient]:
    async with create_client(DispatchSettings(max_answer_bytes=LIMIT, request_timeout_s=5.0)) as client:
        yield client


@pytest.mark.parametrize("chunked", [False, True], ids=["its length said before", "in chunks"])
async def test_an_answer_past_the_limit_is_not_read_on_and_leaves_it_in_doubt(
    strict: httpx.AsyncClient, *, chunked: bool
) -> None:
    written = 0

    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal written
        await read_request(reader)
        how = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: 1000000000"
        writer.write(b"HTTP/1.1 200 OK\r\n" + how + b"\r\n\r\n")
        piece = b" " * 65_536
        with suppress(ConnectionError):
            while written < 200 * LIMIT:
                writer.write(b"10000\r\n" + piece + b"\r\n" if chunked else piece)
                await writer.drain()
                written += len(piece)
        writer.close()

    async with server(flood) as url:
        outcome = await post(strict, url)

    assert isinstance(outcome, Uncertain)
    assert f"larger than {LIMIT} bytes" in outcome.reason
    assert written < 200 * LIMIT  # the sockets' buffers take some before the connection is closed


async def test_an_answer_of_exactly_the_limit_is_read(strict: httpx.AsyncClient) -> None:
    body = b'{"a": 1}'.ljust(LIMIT)
    packed = gzip.compress(body)
    async with server(answering(response("200 OK", body))) as url:
        assert await post(strict, url) == Answer(200, {"a": 1}, True)
    async with server(answering(response("200 OK", packed, "Content-Encoding: gzip"))) as url:
        assert await post(strict, url) == Answer(200, {"a": 1}, True)
    async with server(answering(response("200 OK", gzip.compress(body + b" "), "Content-Encoding: gzip"))) as url:
        assert isinstance(await post(strict, url), Uncertain)


async def test_a_small_packed_answer_that_unpacks_to_a_great_one_costs_no_more_than_the_limit() -> None:
    """16 kB of gzip, the size of one piece, are 16 MB of blanks: unpacked whole they would be there before any look."""
    bomb = gzip.compress(b" " * 50_000_000)
    settings = DispatchSettings(max_answer_bytes=1_000_000, request_timeout_s=5.0)
    async with (
        create_client(settings) as client,
        server(answering(response("200 OK", bomb, "Content-Encoding: gzip"))) as url,
    ):
        tracemalloc.start()
        outcome = await post(client, url)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()

    assert isinstance(outcome, Uncertain)
    assert "larger than 1000000 bytes" in outcome.reason
    assert peak < 4_000_000


async def test_packed_nothing_ends_at_the_limit_too(strict: httpx.AsyncClient) -> None:
    """Empty blocks of deflate unpack to nothing, for as long as they come."""
    nothing = gzip.compress(b"")[:10] + b"\x00\x00\x00\xff\xff" * LIMIT
    async with server(answering(response("200 OK", nothing, "Content-Encoding: gzip"))) as url:
        outcome = await post(strict, url)
    assert isinstance(outcome, Uncertain)
    assert "larger than" in outcome.reason


@pytest.mark.parametrize(
    ("body", "packing"),
    [
        (b"{}", "br"),
        (gzip.compress(gzip.compress(b"{}")), "gzip, gzip"),
        (b"{}", "gzip"),
        (gzip.compress(b"{}" * 500)[:-20], "gzip"),
    ],
    ids=["not asked for", "packed twice", "not packed", "broken off"],
)
async def test_a_packing_that_cannot_be_read_leaves_it_in_doubt(
    client: httpx.AsyncClient, body: bytes, packing: str
) -> None:
    async with server(answering(response("200 OK", body, f"Content-Encoding: {packing}"))) as url:
        outcome = await post(client, url)
    assert isinstance(outcome, Uncertain)
    assert "cannot be decoded" in outcome.reason


async def test_gzip_alone_is_asked_for(client: httpx.AsyncClient) -> None:
    seen: list[bytes] = []

    async def note(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append((await read_request(reader)).lower())
        writer.write(response("200 OK"))
        writer.close()

    async with server(note) as url:
        await post(client, url)
    assert b"accept-encoding: gzip\r\n" in seen[0]


async def test_a_connection_is_used_again_after_an_answer_and_closed_after_one_too_large(
    strict: httpx.AsyncClient,
) -> None:
    connections = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                size = 2 * LIMIT if b"/big" in await read_request(reader) else 2
                writer.write(f"HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n".encode() + b"{}".ljust(size))
                await writer.drain()

    async with server(serve) as url:
        for path, expected in (("/a", 1), ("/b", 1), ("/big", 1), ("/c", 2)):
            await call(strict, CLOCK, "GET", url + path, mode=Mode.LIVE)
            assert connections == expected, path


async def test_a_number_without_end_is_no_json(client: httpx.AsyncClient) -> None:
    async with server(answering(response("200 OK", b"9" * 100_000))) as url:
        assert await post(client, url) == Answer(200, None, False)


async def test_plain_http_goes_only_where_it_may(client: httpx.AsyncClient) -> None:
    outcome = await post(client, "http://wonde.example")
    assert outcome == NotReached("wonde.example has an address that is not https: nothing is sent there")


TARGETS = [
    "/v1.0/schools/A1/students/?page=2",
    "/a%2fb/%7Ex/%c3%A9/a+b/?q=%2F%2f&s=%7e&t=a+b%20c&u=[1]&v=:@/?!$()*,;='&w=%5B%5D",
    "/x?cursor=eyJ%22%3A1fQ==&sig=AbC%2bd%2Fe%3D&empty=&also",
    '/x?q={a}|^`"<>\\',
    "/a/../b/./c//d?x=%zz%",
]


@pytest.mark.parametrize("target", TARGETS)
async def test_an_exact_address_goes_out_byte_for_byte(client: httpx.AsyncClient, target: str) -> None:
    seen: list[bytes] = []

    async def note(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await read_request(reader))
        writer.write(response("200 OK"))
        writer.close()

    async with server(note) as url:
        assert isinstance(await call(client, CLOCK, "GET", ExactURL(f"{url}/v1.0", target), mode=Mode.LIVE), Answer)
    assert seen[0].split(b"\r\n")[0] == f"GET {target} HTTP/1.1".encode()


@pytest.mark.parametrize("target", ["", "x", "/a b", "/a\r\nHost: evil", "/\x00", "/é", "https://evil.example/"])
def test_what_cannot_stand_in_a_request_line_is_no_exact_address(target: str) -> None:
    with pytest.raises(httpx.InvalidURL):
        ExactURL("https://api.wonde.com/v1.0", target)


async def test_no_cookie_is_kept_for_the_next_school(client: httpx.AsyncClient) -> None:
    seen: list[bytes] = []

    async def note(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await read_request(reader))
        writer.write(response("200 OK", b"{}", "Set-Cookie: session=of-one-school; Path=/"))
        writer.close()

    async with server(note) as url:
        await post(client, url)
        await post(client, url)
    assert len(seen) == 2
    assert b"cookie" not in seen[1].lower()
