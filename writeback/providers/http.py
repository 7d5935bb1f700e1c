"""The one HTTP client of all providers, and the table that turns every transport failure into our words.

`create_client` is called once a process by the wiring; adapters call `call`, then judge its `Answer`.

Why failures are read from the cause: `httpx-aiohttp` 0.2.0 reports refused connections, DNS failures and, worse, a
server that hung up in mid-answer all as `httpx.ConnectTimeout`, because aiohttp's `ClientConnectionError` is the base
of them all. Only the aiohttp exception beneath tells "never sent" from "may have arrived".
"""

import asyncio
import json
import logging
import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any, TypeVar

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport
from yarl import URL

from writeback import __version__
from writeback.core import pace
from writeback.core.addresses import LOOPBACK, ExactURL, HostList, host_of, is_readable_by_others
from writeback.core.answer_limits import ACCEPT_ENCODING, AnswerTooLarge, read_limited
from writeback.core.clock import Clock
from writeback.core.settings import DispatchSettings
from writeback.core.tls import trusted
from writeback.domain.outcome import (
    Blocked,
    NotReached,
    Outcome,
    RawAnswer,
    Refused,
    Rejected,
    Uncertain,
    Unclear,
    Verdict,
)
from writeback.domain.school import HoldReason
from writeback.providers.throttle import Throttle

MAX_TEXT = 300
"""Longest text of a provider that is kept."""

MAX_REFERENCE = 200
"""Longest id of a provider's own that is believed to be one."""

MAX_RETRY_AFTER_S = 86_400.0
"""A provider that asks for more than a day is asked again after a day."""

_SECONDS = re.compile(r"[+-]?[0-9]+(?:\.[0-9]*)?")
_UNKEEPABLE = re.compile(r"[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\ud800-\udfff]")
# Control characters that are no blanks, and halves of surrogate pairs: PostgreSQL refuses NUL, UTF-8 the halves.

_MOST_REDIRECTS = 5

_REDIRECTS_AFTERWARDS = frozenset({302, 303})
"""How a server leads on from what it has done, or to its page about an error; the others say that it did nothing."""

_PAGE_TYPES = ("text/html", "application/xhtml+xml")
_PAGE_LOOK = 4_096
_PAGE_START = re.compile(rb"\s*(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE | re.DOTALL)

Said = TypeVar("Said", bound=Outcome | Verdict)

_KEEPALIVE_S = 4.0
# Common servers close an idle connection after 5 s; ours gives it up first, so that a POST never meets one just closed.


@dataclass(frozen=True)
class Answer:
    """What a provider answered. `body` is the parsed JSON; None where `is_json` is false."""

    status: int
    body: Any = field(repr=False)  # a token of the STS, or pupil data
    is_json: bool
    retry_after_s: float | None = None
    size: int = field(default=0, compare=False)
    """Bytes of the body, unpacked."""
    is_page: bool = False
    """Whether the body is a web page."""
    raw: RawAnswer | None = field(default=None, repr=False, compare=False)
    """The beginning of it as it came, without our credential; None where none of it is to be kept."""

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300

    @property
    def is_providers_own(self) -> bool:
        """Whether the provider itself speaks: both answer with JSON objects, in errors too. Whose an empty body is,
        nobody can tell."""
        return self.is_json and isinstance(self.body, Mapping) and bool(self.body)

    @property
    def is_foreign(self) -> bool:
        """Whether the body is what neither provider sends: a web page, or any other text that is not JSON."""
        return not self.is_json and (self.is_page or self.size > 0)

    def told_by(self, provider: str) -> str:
        """Return who answered what, in words."""
        if self.is_page:
            return f"answered {self.status} with a web page: a firewall or proxy in between, not {provider}"
        if self.is_foreign:
            return f"answered {self.status} with a text that is not JSON: broken off, or not by {provider}"
        return f"{provider} answered {self.status}"


class ProviderClient(httpx.AsyncClient):
    """The shared client, and how it may be used."""

    throttle: Throttle | None = None
    max_answer_bytes: int = DispatchSettings().max_answer_bytes
    kept_answer_bytes: int = DispatchSettings().kept_answer_bytes
    plain_http: HostList = HostList(LOOPBACK)


def create_client(settings: DispatchSettings, *, plain_http: HostList | None = None) -> ProviderClient:
    """Return the shared client: aiohttp beneath, explicit timeouts, no cookies, answers up to a limit.

    `plain_http`: the hosts that may be called without TLS; None: this machine alone.
    """
    logging.getLogger("httpx").setLevel(logging.WARNING)  # its INFO lines print URLs, and with them pupils' ids
    timeout = httpx.Timeout(
        settings.request_timeout_s,
        connect=settings.connect_timeout_s,
        # The transport counts waiting for the pool and connecting together as "pool".
        pool=min(2 * settings.connect_timeout_s, settings.request_timeout_s),
    )
    client = ProviderClient(
        transport=AiohttpTransport(client=_session_factory(settings), verify=trusted()),
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
    return client


def _session_factory(settings: DispatchSettings) -> Callable[[], aiohttp.ClientSession]:
    def create() -> aiohttp.ClientSession:  # inside the running loop, at the first request
        connector = aiohttp.TCPConnector(
            limit=settings.connections,
            # A lane that confirms asks about many requests at once: one provider that hangs must not take them all.
            limit_per_host=max(1, round(settings.connections * settings.provider_share)),
            keepalive_timeout=_KEEPALIVE_S,
            ssl=trusted(),
        )
        session = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())
        # aiohttp sends a PUT or DELETE again by itself when a kept connection breaks: a removal that took effect would
        # then be answered 404, and the provider would see attempts that we know nothing of. It has no public switch.
        session._retry_connection = False
        # What httpx hands over is spelt for the wire already; yarl would spell it anew. No public switch either.
        session._build_url = partial(URL, encoded=True)  # type: ignore[method-assign]
        return session

    return create


async def call(
    client: httpx.AsyncClient,
    clock: Clock,
    method: str,
    url: httpx.URL | str,
    *,
    headers: Mapping[str, str] | None = None,
    params: Mapping[str, str] | None = None,
    body: Mapping[str, Any] | None = None,
) -> Answer | NotReached | Uncertain:
    """Make one call and return its answer, or what the failure to get one means. Raises nothing of the transport."""
    throttle = client.throttle if isinstance(client, ProviderClient) else None
    token = (headers or {}).get("authorization", "")
    if throttle and not await throttle.let_through(host_of(str(url)), token, in_background=pace.is_background()):
        return NotReached("as many calls as are allowed are under way already", retry_after_s=1.0)
    try:
        request = client.build_request(method, url, headers=headers, params=params, json=body)
        if isinstance(url, ExactURL):
            request.url = url
        if isinstance(client, ProviderClient) and is_readable_by_others(str(request.url), client.plain_http):
            return NotReached(f"{host_of(str(url))} has an address that is not https: nothing is sent there")
        # A server that drips bytes keeps each read short; the whole call is bounded too, or it would outlive its lease.
        async with asyncio.timeout(client.timeout.read), _answered(client, request) as response:
            if elsewhere := _led_elsewhere(response):
                reason = shorten(f"{_origin(request.url)} redirects to {elsewhere}: check the school's base URL")
                is_after = method != "GET" and response.status_code in _REDIRECTS_AFTERWARDS
                return Uncertain(reason) if is_after else NotReached(reason)
            limit = getattr(client, "max_answer_bytes", ProviderClient.max_answer_bytes)
            content = await read_limited(response, limit)
    except FAILURES as error:
        return failure_of(error, host_of(str(url)))
    await pace.give_way()  # to read a page of a list takes its time
    answer = _answer_of(response, content, clock.now())
    kept = getattr(client, "kept_answer_bytes", ProviderClient.kept_answer_bytes)
    return replace(answer, raw=_raw_of(response, content, token, kept)) if kept else answer


def with_answer(outcome: Said, answer: Answer) -> Said:
    """Return what an answer means with the answer itself, where that is kept: for what has failed."""
    if answer.raw is not None and isinstance(outcome, Refused | NotReached | Uncertain | Blocked | Rejected | Unclear):
        return replace(outcome, raw=answer.raw)
    return outcome


def _raw_of(response: httpx.Response, content: bytes, authorization: str, kept: int) -> RawAnswer:
    """Return the beginning of an answer; pages about an error may repeat what they were sent, our credential too."""
    credential = authorization.rpartition(" ")[2].encode()
    start = content[: kept + 2 * len(credential)]
    for shown in (credential, credential.replace(b"/", rb"\/")) if credential else ():
        start = start.replace(shown, b"[credential]")
    content_type = clean(response.headers.get("content-type", ""))[:MAX_REFERENCE]
    return RawAnswer(response.status_code, content_type, start[:kept], len(content))


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


def _answer_of(response: httpx.Response, content: bytes, now: datetime) -> Answer:
    retry_after_s = read_retry_after(response.headers.get("retry-after"), now)
    try:
        return Answer(response.status_code, json.loads(content), True, retry_after_s, len(content))
    except (ValueError, RecursionError):  # not JSON, nested without end, or a number without end
        is_typed = response.headers.get("content-type", "").lower().startswith(_PAGE_TYPES)
        is_page = bool(content.strip()) and (is_typed or _PAGE_START.match(content[:_PAGE_LOOK]) is not None)
        return Answer(response.status_code, None, False, retry_after_s, len(content), is_page)


_NEVER_SENT, _MAY_HAVE_ARRIVED = NotReached, Uncertain
_Meaning = tuple[type[NotReached] | type[Uncertain], str]

# Keyed by class; the nearest ancestor counts. What is in no row by name counts as what is safe: it may have arrived.
MEANINGS: Mapping[type[BaseException], _Meaning] = {
    # What aiohttp raised, where it is the cause.
    aiohttp.ClientConnectorError: (_NEVER_SENT, "no connection could be made"),
    aiohttp.ClientConnectorDNSError: (_NEVER_SENT, "the host name could not be resolved"),
    aiohttp.ClientConnectorSSLError: (_NEVER_SENT, "TLS failed"),
    aiohttp.ClientConnectorCertificateError: (_NEVER_SENT, "the certificate is not valid"),
    aiohttp.ClientProxyConnectionError: (_NEVER_SENT, "the proxy could not be reached"),
    aiohttp.ClientHttpProxyError: (_NEVER_SENT, "the proxy refused the connection"),
    aiohttp.ServerFingerprintMismatch: (_NEVER_SENT, "the certificate is not the pinned one"),
    aiohttp.ConnectionTimeoutError: (_NEVER_SENT, "connecting took too long"),
    aiohttp.InvalidURL: (_NEVER_SENT, "the address cannot be used"),
    aiohttp.InvalidUrlClientError: (_NEVER_SENT, "the address cannot be used"),
    aiohttp.NonHttpUrlClientError: (_NEVER_SENT, "the address is not HTTP"),
    aiohttp.InvalidUrlRedirectClientError: (_NEVER_SENT, "it redirects to an address that cannot be used"),
    aiohttp.NonHttpUrlRedirectClientError: (_NEVER_SENT, "it redirects to an address that is not HTTP"),
    aiohttp.SocketTimeoutError: (_MAY_HAVE_ARRIVED, "no answer came in time"),
    aiohttp.ServerDisconnectedError: (_MAY_HAVE_ARRIVED, "the server hung up before it answered"),
    aiohttp.ClientConnectionResetError: (_MAY_HAVE_ARRIVED, "the connection was reset"),
    aiohttp.ClientPayloadError: (_MAY_HAVE_ARRIVED, "the answer broke off"),
    aiohttp.ContentTypeError: (_MAY_HAVE_ARRIVED, "the answer cannot be read"),
    aiohttp.WSServerHandshakeError: (_MAY_HAVE_ARRIVED, "the answer cannot be read"),
    aiohttp.TooManyRedirects: (_MAY_HAVE_ARRIVED, "it redirects without end"),
    aiohttp.ClientError: (_MAY_HAVE_ARRIVED, "the exchange failed"),
    # What httpx itself raises, or another transport does.
    httpx.ConnectError: (_NEVER_SENT, "no connection could be made"),
    httpx.ConnectTimeout: (_NEVER_SENT, "connecting took too long"),
    httpx.PoolTimeout: (_NEVER_SENT, "all connections were busy"),
    httpx.ProxyError: (_NEVER_SENT, "the proxy failed"),
    httpx.UnsupportedProtocol: (_NEVER_SENT, "the address is not HTTP"),
    httpx.InvalidURL: (_NEVER_SENT, "the address cannot be used"),
    httpx.ReadTimeout: (_MAY_HAVE_ARRIVED, "no answer came in time"),
    httpx.WriteTimeout: (_MAY_HAVE_ARRIVED, "sending took too long"),
    httpx.ReadError: (_MAY_HAVE_ARRIVED, "the connection was reset"),
    httpx.WriteError: (_MAY_HAVE_ARRIVED, "the connection broke while sending"),
    httpx.CloseError: (_MAY_HAVE_ARRIVED, "the connection broke while closing"),
    httpx.LocalProtocolError: (_MAY_HAVE_ARRIVED, "the exchange broke the protocol"),
    httpx.RemoteProtocolError: (_MAY_HAVE_ARRIVED, "the server broke the protocol"),
    httpx.DecodingError: (_MAY_HAVE_ARRIVED, "the answer cannot be decoded"),
    httpx.TooManyRedirects: (_MAY_HAVE_ARRIVED, "it redirects without end"),
    httpx.HTTPStatusError: (_MAY_HAVE_ARRIVED, "the exchange failed"),
    httpx.HTTPError: (_MAY_HAVE_ARRIVED, "the exchange failed"),
    AnswerTooLarge: (_MAY_HAVE_ARRIVED, "the answer is too large"),
    # What neither of them wraps.
    TimeoutError: (_MAY_HAVE_ARRIVED, "no answer came in time"),
    OSError: (_MAY_HAVE_ARRIVED, "the connection broke"),
}
FAILURES: tuple[type[BaseException], ...] = (
    httpx.HTTPError,
    httpx.InvalidURL,
    aiohttp.ClientError,
    AnswerTooLarge,
    TimeoutError,
    OSError,
)


def failure_of(error: BaseException, host: str) -> NotReached | Uncertain:
    """Return what a transport exception means. The aiohttp cause beneath an httpx exception counts before it."""
    cause = error.__cause__
    told = cause if isinstance(cause, aiohttp.ClientError) else error
    for ancestor in type(told).__mro__:
        if ancestor in MEANINGS:
            outcome, phrase = MEANINGS[ancestor]
            phrase = str(told) if isinstance(told, AnswerTooLarge) else phrase
            return outcome(shorten(f"{phrase} ({host})"))
    return Uncertain(shorten(f"the exchange failed ({host})"))


def trouble_of(answer: Answer, provider: str) -> NotReached | Uncertain | Blocked | None:
    """Return what a status means that reads the same for every provider; None where the adapter must judge.

    A 429 or 503 says that nothing was done only in the provider's own words: what stands in between may answer so after
    the provider has done it. So may its web pages be an answer to anything.
    """
    told = answer.told_by(provider)
    match answer.status:
        case 429 | 503 as status if answer.is_providers_own:
            reason = "too many requests" if status == 429 else "not available"
            return NotReached(f"{told}: {reason}", answer.retry_after_s)
        case 401:
            return Blocked(HoldReason.TOKEN_REFUSED, f"{told}: it refuses the token")
        case 403 if not answer.is_foreign:
            return Blocked(HoldReason.SCOPE_MISSING, f"{told}: the school has not granted this")
        case status if 300 <= status < 400:
            reason = f"{told}: it redirects elsewhere; check the school's base URL"
            return Uncertain(reason) if status in _REDIRECTS_AFTERWARDS else NotReached(reason)
        case 408:
            return Uncertain(f"{told}: it waited too long")
        case status if status in _UNSENT_WHATEVER_IT_SAYS:
            return None
        case status if answer.is_foreign or status in (429, 503) or status >= 500 or status < 200:
            return Uncertain(told, answer.retry_after_s)
    return None


_UNSENT_WHATEVER_IT_SAYS = frozenset({404, 405, 410, 413, 414, 431})
"""No such address, or too large to be passed on: nothing was done, whoever says so."""


def read_retry_after(value: str | None, now: datetime) -> float | None:
    """Return the seconds that a Retry-After header asks for: a number or an HTTP date; None when it says neither.

    At least 0 and at most a day: a provider's slip must not park a school for years, nor overflow a date.
    """
    text = (value or "").strip()
    if _SECONDS.fullmatch(text):
        return _clamp(float(text))
    try:
        at = parsedate_to_datetime(text)
        return _clamp(((at if at.tzinfo else at.replace(tzinfo=UTC)) - now).total_seconds())
    except (ValueError, OverflowError):
        return None


def _clamp(seconds: float) -> float:
    return min(max(seconds, 0.0), MAX_RETRY_AFTER_S)


def header_value(secret: str) -> str | None:
    """Return a stored secret as it may stand in a header; None where it is empty or has characters that may not."""
    text = secret.strip()
    return text if text and text.isascii() and text.isprintable() else None


def clean(text: object) -> str:
    """Return a text without what cannot be kept: control characters and halves of surrogate pairs; blanks stay."""
    return _UNKEEPABLE.sub("", str(text))


def reference_of(value: object) -> str | None:
    """Return a provider's own id as text; None where it cannot be one: nothing, not printable, or far too long."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    text = str(value).strip()
    return text if text and text.isprintable() and len(text) <= MAX_REFERENCE else None


def shorten(text: object) -> str:
    """Return a provider's wording on one line, at most `MAX_TEXT` characters, fit for a database and a log."""
    line = " ".join(clean(text).split())
    return line if len(line) <= MAX_TEXT else line[: MAX_TEXT - 1] + "…"
