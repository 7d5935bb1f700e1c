"""How providers' servers are reached: httpx over aiohttp. `http` makes one at a process's first call."""

from collections.abc import Callable
from functools import partial

import aiohttp
from httpx_aiohttp import AiohttpTransport
from yarl import URL

from writeback.core.network.tls import trusted
from writeback.core.settings import DispatchSettings

_KEEPALIVE_S = 4.0
# Common servers close an idle connection after 5 s; ours gives it up first, so that a POST never meets one just closed.


def create_transport(settings: DispatchSettings) -> AiohttpTransport:
    """Return the transport; whoever has it closes it."""
    return AiohttpTransport(client=_session_factory(settings), verify=trusted())


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
        # What httpx hands over is spelt for the wire already; yarl would spell it again. No public switch either.
        session._build_url = partial(URL, encoded=True)  # type: ignore[method-assign]
        return session

    return create
