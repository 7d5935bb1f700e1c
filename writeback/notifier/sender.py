"""One POST to one receiver: what came of it, as a value. Never more than a status is kept of what it answers.

aiohttp itself, not httpx over it: only aiohttp's connector lets us see each address before it is connected to.
"""

import asyncio
import socket
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from writeback import __version__
from writeback.core.clock import Clock
from writeback.core.network.tls import trusted
from writeback.core.settings import WebhookSettings
from writeback.notifier.addresses import AddressPolicy
from writeback.notifier.answers import Answered, NotAnswered

MAX_RETRY_AFTER_S = 86_400.0
_DNS_THREADS = 16
"""Of our own: a receiver whose name server hangs must not take the threads that providers are looked up in."""
_MOST_DRAINED = 16_384
"""Bytes of an answer that are read, and thrown away, so that its connection can be used again."""


class AddressRefused(OSError):
    """The host leads to an address that webhooks may not have."""


class _Resolver(AbstractResolver):
    """Looks names up in threads of its own, and refuses those with an address that may not be called."""

    def __init__(self, policy: AddressPolicy) -> None:
        self._policy, self._threads = policy, ThreadPoolExecutor(_DNS_THREADS, "webhook-dns")

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        found = await asyncio.get_running_loop().run_in_executor(
            self._threads, lambda: socket.getaddrinfo(host, port, family, socket.SOCK_STREAM)
        )
        if not all(self._policy.allows(str(address[0])) for *_, address in found):
            raise AddressRefused(f"{host} leads to an address that may not be called")
        return [
            ResolveResult(
                hostname=host,
                host=str(address[0]),
                port=int(address[1]),
                family=kind,
                proto=proto,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for kind, _, proto, _, address in found
        ]

    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


class WebhookSender:
    """Sends. One a process, made inside the running loop; close it at the end."""

    def __init__(self, settings: WebhookSettings, clock: Clock) -> None:
        self._policy, self._clock = AddressPolicy.of(settings), clock
        self._resolver = _Resolver(self._policy)
        connector = aiohttp.TCPConnector(
            limit=0,  # whoever claims deliveries bounds them; waiting here would count as the receiver's slowness
            resolver=self._resolver,
            socket_factory=self._socket,
            ssl=trusted(),
            keepalive_timeout=4.0,  # shorter than common servers', so that no POST meets a connection just closed
        )
        self._http = aiohttp.ClientSession(
            connector=connector,
            timeout=aiohttp.ClientTimeout(total=settings.timeout_s, sock_connect=settings.connect_timeout_s),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,  # what is not read need not be unpacked
            trust_env=False,  # a proxy would connect for us, to addresses that nobody has checked
            headers={"user-agent": f"writeback/{__version__}", "content-type": "application/json"},
        )

    async def post(self, url: str, body: str, headers: Mapping[str, str]) -> Answered | NotAnswered:
        """Make one POST and return what came of it; redirects are not followed. Raises nothing of the transport."""
        try:
            request = self._http.post(url, data=body.encode(), headers=headers, allow_redirects=False)
            async with request as response:
                after = _retry_after(response.headers.get("retry-after"), self._clock.now())
                answered = Answered(response.status, after)
                await _drain(response)
                return answered
        except (aiohttp.ClientError, OSError, ValueError) as error:  # TimeoutError is an OSError
            return NotAnswered(_class_of(error))

    async def aclose(self) -> None:
        await self._http.close()
        await self._resolver.close()

    def _socket(self, address: Any) -> socket.socket:
        """Return a socket for exactly this address, the one that is connected to; raise AddressRefused."""
        family, kind, proto, _, target = address
        if not self._policy.allows(str(target[0])):
            raise AddressRefused("the address may not be called")
        return socket.socket(family, kind, proto)


async def _drain(response: aiohttp.ClientResponse) -> None:
    """Read a short answer to its end; a long, slow or broken one costs its connection and nothing else."""
    try:
        await response.content.read(_MOST_DRAINED)
    except (aiohttp.ClientError, OSError):
        response.close()


def _class_of(error: BaseException) -> str:
    cause = getattr(error, "os_error", error)
    match error:
        case aiohttp.InvalidURL():  # such as an IP address in an unusual form
            return "address_refused"
        case _ if isinstance(cause, AddressRefused):
            return "address_refused"
        case aiohttp.ClientConnectorCertificateError() | aiohttp.ClientConnectorSSLError():
            return "tls"
        case aiohttp.ClientConnectorDNSError():
            return "dns"
        case TimeoutError():  # before the next: a timeout while connecting is both
            return "timeout"
        case aiohttp.ClientConnectorError():
            return "connect"
    return "broken"


def _retry_after(value: str | None, now: datetime) -> float | None:
    """Return the seconds that a Retry-After header asks for, 0 to a day; None where it says nothing of use."""
    text = (value or "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), MAX_RETRY_AFTER_S)
    try:
        at = parsedate_to_datetime(text)
        seconds = ((at if at.tzinfo else at.replace(tzinfo=UTC)) - now).total_seconds()
    except (ValueError, OverflowError):
        return None
    return min(max(seconds, 0.0), MAX_RETRY_AFTER_S)
