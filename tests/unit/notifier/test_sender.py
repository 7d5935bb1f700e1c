"""Sending over real connections: what each answer and each failure is, and which connections are never made."""

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from ipaddress import ip_network
from typing import Any

import pytest
from aiohttp import web

from tests.receiver import Received, Receiver, running_receiver
from writeback.core.clock import FakeClock
from writeback.core.settings import WebhookSettings
from writeback.notifier.answers import Answered, NotAnswered
from writeback.notifier.sender import MAX_RETRY_AFTER_S, WebhookSender

LOCAL = ip_network("127.0.0.0/8")


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with running_receiver() as made:
        yield made


@pytest.fixture
async def sender() -> AsyncIterator[WebhookSender]:
    made = WebhookSender(
        WebhookSettings(allow_http=True, allowed_networks=[LOCAL], timeout_s=0.5, connect_timeout_s=0.3), FakeClock()
    )
    yield made
    await made.aclose()


@pytest.fixture
async def strict() -> AsyncIterator[WebhookSender]:
    """One with the usual settings: the public Internet alone."""
    made = WebhookSender(WebhookSettings(allow_http=True, timeout_s=2.0), FakeClock())
    yield made
    await made.aclose()


def _leads_to(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> list[str]:
    """Have every name lead to these addresses; return the names that are asked for."""
    asked: list[str] = []

    def look_up(host: str, port: int, *_: Any, **__: Any) -> Sequence[Any]:
        asked.append(host)
        return [
            (socket.AF_INET6 if ":" in one else socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port))
            for one in addresses
        ]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return asked


async def test_the_body_and_the_headers_arrive_as_they_are(sender: WebhookSender, receiver: Receiver) -> None:
    result = await sender.post(f"{receiver.url}/hook?app=1", '{"ref":"é"}', {"webhook-id": "msg_1"})

    assert result == Answered(200)
    (one,) = receiver.received
    assert (one.path, one.body, one.id) == ("/hook?app=1", '{"ref":"é"}', "msg_1")
    assert one.headers["content-type"] == "application/json"


@pytest.mark.parametrize("status", [204, 400, 404, 410, 429, 500, 503])
async def test_every_status_is_an_answer(sender: WebhookSender, receiver: Receiver, status: int) -> None:
    receiver.answers = [status]

    assert await sender.post(receiver.url, "{}", {}) == Answered(status)


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("120", 120.0),
        ("0", 0.0),
        ("99999999999999999999", MAX_RETRY_AFTER_S),
        ("Mon, 12 Jan 2026 09:05:00 GMT", 300.0),
        ("Mon, 12 Jan 2026 08:00:00 GMT", 0.0),
        ("soon", None),
        ("-5", None),
        ("", None),
    ],
)
async def test_retry_after_is_read_in_both_forms_and_bounded(
    sender: WebhookSender, receiver: Receiver, said: str, seconds: float | None
) -> None:
    receiver.answers = [web.Response(status=503, headers={"Retry-After": said})]

    assert await sender.post(receiver.url, "{}", {}) == Answered(503, seconds)


async def test_a_redirect_is_an_answer_and_is_not_followed(sender: WebhookSender, receiver: Receiver) -> None:
    receiver.answers = [web.Response(status=307, headers={"Location": f"{receiver.url}/elsewhere"})]

    assert await sender.post(f"{receiver.url}/hook", "{}", {}) == Answered(307)
    assert [one.path for one in receiver.received] == ["/hook"]


async def test_a_receiver_that_does_not_answer_in_time_is_given_up(sender: WebhookSender, receiver: Receiver) -> None:
    async def sleep(_: Received) -> None:
        await asyncio.sleep(5)

    receiver.before_answer = sleep

    assert await sender.post(receiver.url, "{}", {}) == NotAnswered("timeout")


async def test_a_receiver_that_drips_its_answer_does_not_hold_us(sender: WebhookSender) -> None:
    ended = asyncio.Event()

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
        try:
            while True:
                writer.write(b"x")
                await writer.drain()
                await asyncio.sleep(0.05)
        except OSError:
            writer.close()
            ended.set()

    async with await asyncio.start_server(drip, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with asyncio.timeout(3):
            result = await sender.post(f"http://127.0.0.1:{port}", "{}", {})
            await ended.wait()

    assert result == Answered(200)


async def test_a_receiver_that_hangs_up_or_speaks_no_http_is_broken(sender: WebhookSender) -> None:
    ended = asyncio.Event()

    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"{}")
        writer.write(b"220 mail.example ESMTP\r\n")
        writer.close()
        await writer.wait_closed()
        ended.set()

    async with await asyncio.start_server(babble, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        assert await sender.post(f"http://127.0.0.1:{port}", "{}", {}) == NotAnswered("broken")
        await ended.wait()


async def test_a_port_where_nobody_listens_cannot_be_connected_to(sender: WebhookSender) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        assert await sender.post(f"http://127.0.0.1:{port}", "{}", {}) == NotAnswered("connect")


async def test_a_receiver_without_tls_fails_as_tls(sender: WebhookSender, receiver: Receiver) -> None:
    assert await sender.post(receiver.url.replace("http:", "https:"), "{}", {}) == NotAnswered("tls")


async def test_a_name_that_does_not_exist_fails_as_dns(sender: WebhookSender, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fail)

    assert await sender.post("https://nowhere.example/", "{}", {}) == NotAnswered("dns")


@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.1"],
        ["169.254.169.254"],
        ["::1"],
        ["::ffff:10.0.0.1"],
        ["8.8.8.8", "10.0.0.1"],
    ],
    ids=" ".join,
)
async def test_a_name_that_leads_to_an_address_of_our_own_network_is_refused(
    strict: WebhookSender, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, addresses: list[str]
) -> None:
    asked = _leads_to(monkeypatch, *addresses)
    port = receiver.url.rpartition(":")[2]

    result = await strict.post(f"http://receiver.example:{port}/", "{}", {})

    assert result == NotAnswered("address_refused")
    assert asked == ["receiver.example"]
    assert receiver.received == []


@pytest.mark.parametrize("host", ["127.0.0.1", "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "[::ffff:127.0.0.1]"])
async def test_however_the_loopback_address_is_written_nothing_is_sent_to_it(
    strict: WebhookSender, receiver: Receiver, host: str
) -> None:
    port = receiver.url.rpartition(":")[2]

    result = await strict.post(f"http://{host}:{port}/", "{}", {})

    assert result == NotAnswered("address_refused")
    assert receiver.received == []


async def test_a_name_is_checked_again_at_every_connection(
    strict: WebhookSender, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the resolver let through is looked at once more: here it has been fooled."""
    port = receiver.url.rpartition(":")[2]
    _leads_to(monkeypatch, "127.0.0.1")
    real = strict._policy.allows
    asked: list[str] = []

    def fooled_once(address: str) -> bool:
        asked.append(address)
        return len(asked) == 1 or real(address)

    monkeypatch.setattr(type(strict._policy), "allows", lambda _, address: fooled_once(address))

    assert await strict.post(f"http://receiver.example:{port}/", "{}", {}) == NotAnswered("address_refused")
    assert asked == ["127.0.0.1", "127.0.0.1"]
    assert receiver.received == []


async def test_a_redirect_to_a_private_address_leads_nowhere(sender: WebhookSender, receiver: Receiver) -> None:
    receiver.answers = [web.Response(status=302, headers={"Location": "http://169.254.169.254/latest/meta-data"})]

    assert await sender.post(receiver.url, "{}", {}) == Answered(302)


async def test_no_proxy_is_asked_to_connect_for_us(
    strict: WebhookSender, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", receiver.url)
    _leads_to(monkeypatch, "10.0.0.1")

    assert await strict.post("http://receiver.example/", "{}", {}) == NotAnswered("address_refused")
    assert receiver.received == []
