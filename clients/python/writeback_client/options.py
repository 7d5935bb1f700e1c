"""What a client was made with: address, key, patience. Arguments win over WRITEBACK_URL and WRITEBACK_KEY."""

import os
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from platform import python_version
from typing import Any

import httpx

from writeback_client.clock import Clock, SystemClock
from writeback_client.errors import Misconfigured
from writeback_client.version import __version__

USER_AGENT = f"writeback-python/{__version__} (Python {python_version()}; httpx {httpx.__version__})"
_TIMEOUT_S, _CONNECT_S = 30.0, 5.0


@dataclass(frozen=True)
class Options:
    """What every call goes by."""

    url: str
    """Without a slash at its end."""
    key: str = field(repr=False)
    timeout_s: float = _TIMEOUT_S
    max_retries: int = 3
    """Tries after the first one, of what is safe to repeat."""
    max_wait_s: float = 60.0
    """Where the API asks to wait longer (`Retry-After`), the error is raised instead."""
    user_agent: str = USER_AGENT
    clock: Clock = field(default_factory=SystemClock)
    jitter: Callable[[], float] = random.random
    """A number from 0 to 1; spreads clients that were all refused at once."""

    @property
    def http(self) -> dict[str, Any]:
        """Return arguments for an httpx client."""
        headers = {"User-Agent": self.user_agent, "Accept": "application/json"}
        if self.key:
            headers["Authorization"] = f"Bearer {self.key}"
        return {"headers": headers, "timeout": httpx.Timeout(self.timeout_s, connect=min(_CONNECT_S, self.timeout_s))}


def options_of(url: str | None, key: str | None, *, user_agent: str | None, **others: Any) -> Options:
    """Return the options; raise Misconfigured where there is no address or no key, or the address is none."""
    url = url if url is not None else os.environ.get("WRITEBACK_URL")
    key = key if key is not None else os.environ.get("WRITEBACK_KEY")
    if not url:
        raise Misconfigured("no address: give Client(url) or WRITEBACK_URL, e.g. https://writeback.example")
    if key is None:
        raise Misconfigured("no key: give Client(key=…) or WRITEBACK_KEY; whoever looks after the service makes keys")
    _check_url(url)
    _check_key(key)
    agent = USER_AGENT if user_agent is None else f"{user_agent} {USER_AGENT}"
    return Options(url.rstrip("/"), key, user_agent=agent, **others)


def _check_url(url: str) -> None:
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise Misconfigured(f"{url} is not a URL: {error}") from None
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise Misconfigured(f"{url} is not a URL: it must begin with http:// or https:// and name a host")
    if parsed.query or parsed.fragment:
        raise Misconfigured(f"{url} has a query or a fragment: give the address of the API alone")


def _check_key(key: str) -> None:
    """Refuse what no header can carry, without repeating it."""
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise Misconfigured("the key holds blanks, line breaks or letters that no key has: copy it again")
