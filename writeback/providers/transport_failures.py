"""What a transport's failure means: never sent, or it may have arrived. Pure.

Why failures are read from the cause: `httpx-aiohttp` 0.2.0 reports refused connections, DNS failures and, worse, a
server that hung up in mid-answer all as `httpx.ConnectTimeout`, because aiohttp's `ClientConnectionError` is the base
of them all. Only the aiohttp exception beneath tells "never sent" from "may have arrived".
"""

from collections.abc import Mapping

import aiohttp
import httpx

from writeback.core.network.answer_limits import AnswerTooLarge
from writeback.domain.outcome import NotReached, Uncertain
from writeback.providers.texts import shorten

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
    culprit = cause if isinstance(cause, aiohttp.ClientError) else error
    for ancestor in type(culprit).__mro__:
        if ancestor in MEANINGS:
            outcome, phrase = MEANINGS[ancestor]
            phrase = str(culprit) if isinstance(culprit, AnswerTooLarge) else phrase
            return outcome(shorten(f"{phrase} ({host})"))
    return Uncertain(shorten(f"the exchange failed ({host})"))
