"""The one HTTP client of all providers.

`create_client` is called once a process by the wiring; adapters call `call`, then judge its `Answer`.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any

import httpx

from writeback import __version__
from writeback.core import background_pace
from writeback.core.clock import Clock
from writeback.core.network.addresses import LOOPBACK, ExactURL, HostList, host_of, is_readable_by_others
from writeback.core.network.answer_limits import ACCEPT_ENCODING, read_limited
from writeback.core.settings import DispatchSettings
from writeback.domain.mode import Mode
from writeback.domain.outcome import NotReached, Uncertain
from writeback.providers.answers import Answer, answer_of, raw_of
from writeback.providers.status_meanings import REDIRECTS_AFTERWARDS
from writeback.providers.texts import shorten
from writeback.providers.throttle import Throttle

_MOST_REDIRECTS = 5


class _LoadedWhenUsed(httpx.AsyncBaseTransport):
    """The transport of `transport.py`, loaded and made at the first call: most processes of the API never make one."""

    def __init__(self, settings: DispatchSettings) -> None:
        self._settings = settings
        self._transport: httpx.AsyncBaseTransport | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self._transport is None:
            from writeback.providers.transport import create_transport

            self._transport = create_transport(self._settings)
        return await self._transport.handle_async_request(request)

    async def aclose(self) -> None:
        if self._transport is not None:
            await self._transport.aclose()


class ProviderClient(httpx.AsyncClient):
    """The shared client, and how it may be used."""

    throttle: Throttle | None = None
    max_answer_bytes: int = DispatchSettings().max_answer_bytes
    kept_answer_bytes: int = DispatchSettings().kept_answer_bytes
    plain_http: HostList = HostList(LOOPBACK)
    sandbox: HostList | None = None


def create_client(
    settings: DispatchSettings, *, plain_http: HostList | None = None, sandbox: HostList | None = None
) -> ProviderClient:
    """Return the shared client: aiohttp beneath, explicit timeouts, no cookies, answers up to a limit.

    `plain_http`: the hosts that may be called without TLS; None: this machine alone. `sandbox`: the hosts where test
    schools are called, and nobody else; None: there are none.
    """
    logging.getLogger("httpx").setLevel(logging.WARNING)  # its INFO lines print URLs, and with them pupils' ids
    timeout = httpx.Timeout(
        settings.request_timeout_s,
        connect=settings.connect_timeout_s,
        # The transport counts waiting for the pool and connecting together as "pool".
        pool=min(2 * settings.connect_timeout_s, settings.request_timeout_s),
    )
    client = ProviderClient(
        transport=_LoadedWhenUsed(settings),
        timeout=timeout,
        follow_redirects=False,
        headers={
            "user-agent": f"writeback/{__version__}",
            "accept": "application/json",
            "accept-encoding": ACCEPT_ENCODING,
        },
        # One client serves every school: a session cookie of one must never travel with another's token.
        cookies=CookieJar(policy=DefaultCookiePolicy(allowed_domains=[])),
    )
    if settings.calls_per_s or settings.provider_calls_per_s:
        client.throttle = Throttle(settings)
    client.max_answer_bytes, client.kept_answer_bytes = settings.max_answer_bytes, settings.kept_answer_bytes
    if plain_http is not None:
        client.plain_http = plain_http
    client.sandbox = sandbox
    return client


async def call(
    client: httpx.AsyncClient,
    clock: Clock,
    method: str,
    url: httpx.URL | str,
    *,
    mode: Mode,
    headers: Mapping[str, str] | None = None,
    params: Mapping[str, str] | None = None,
    body: Mapping[str, Any] | None = None,
) -> Answer | NotReached | Uncertain:
    """Make one call and return its answer, or what the failure to get one means. Raises nothing of the transport.

    `mode` is that of the school that it is for: here and nowhere else do requests leave, and those of test schools
    leave for the sandbox alone.
    """
    from writeback.providers.transport_failures import FAILURES, failure_of  # names aiohttp's: loaded when it is used

    throttle = client.throttle if isinstance(client, ProviderClient) else None
    token = (headers or {}).get("authorization", "")
    if throttle and not await throttle.let_through(
        host_of(str(url)), token, in_background=background_pace.is_background()
    ):
        return NotReached("as many calls as are allowed are under way already", retry_after_s=1.0)
    try:
        request = client.build_request(method, url, headers=headers, params=params, json=body)
        if isinstance(url, ExactURL):
            request.url = url
        if isinstance(client, ProviderClient) and is_readable_by_others(str(request.url), client.plain_http):
            return NotReached(f"{host_of(str(url))} has an address that is not https: nothing is sent there")
        if on_the_wrong_side := _on_the_wrong_side(client, str(request.url), mode):
            return NotReached(on_the_wrong_side)
        # A server that drips bytes keeps each read short; the whole call is bounded too, or it would outlive its lease.
        async with asyncio.timeout(client.timeout.read), _answered(client, request) as response:
            if elsewhere := _led_elsewhere(response):
                reason = shorten(f"{_origin(request.url)} redirects to {elsewhere}: check the school's base URL")
                is_after = method != "GET" and response.status_code in REDIRECTS_AFTERWARDS
                return Uncertain(reason) if is_after else NotReached(reason)
            limit = getattr(client, "max_answer_bytes", ProviderClient.max_answer_bytes)
            content = await read_limited(response, limit)
    except FAILURES as error:
        return failure_of(error, host_of(str(url)))
    await background_pace.give_way()  # to read a page of a list takes its time
    answer = answer_of(response, content, clock.now())
    kept = getattr(client, "kept_answer_bytes", ProviderClient.kept_answer_bytes)
    return replace(answer, raw=raw_of(response, content, token, kept)) if kept else answer


def _on_the_wrong_side(client: httpx.AsyncClient, url: str, mode: Mode) -> str:
    """Return why a call of a school of this mode must not go there; empty where it may."""
    sandbox = client.sandbox if isinstance(client, ProviderClient) else None
    is_sandbox = sandbox is not None and url in sandbox
    if mode is Mode.TEST and not is_sandbox:
        return f"{host_of(url)} is no sandbox (WRITEBACK_SANDBOX__URLS): nothing of a test school is sent there"
    if mode is Mode.LIVE and is_sandbox:
        return f"{host_of(url)} is a sandbox (WRITEBACK_SANDBOX__URLS): nothing of a live school is sent there"
    return ""


@asynccontextmanager
async def _answered(client: httpx.AsyncClient, request: httpx.Request) -> AsyncIterator[httpx.Response]:
    """Open the answer to a request, to be read. A question is asked again where it is redirected on its own origin.

    Elsewhere nothing follows: neither the token, nor pupils' ids in a query. A redirected POST would become a GET.
    """
    for _ in range(_MOST_REDIRECTS):
        response = await client.send(request, stream=True)
        try:
            following = response.next_request
            if request.method != "GET" or following is None or not _is_same_origin(request.url, following.url):
                yield response
                return
        finally:
            await response.aclose()
        request = following
    raise httpx.TooManyRedirects("it redirects without end", request=request)


def _led_elsewhere(response: httpx.Response) -> str | None:
    """Return the other origin that the answer redirects to; None where it does not."""
    following = response.next_request
    if following is None or _is_same_origin(response.request.url, following.url):
        return None
    return _origin(following.url)


def _is_same_origin(one: httpx.URL, other: httpx.URL) -> bool:
    return (one.scheme, one.raw_host, one.port) == (other.scheme, other.raw_host, other.port)


def _origin(url: httpx.URL) -> str:
    return f"{url.scheme}://{url.netloc.decode('ascii')}"
