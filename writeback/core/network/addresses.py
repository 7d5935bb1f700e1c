"""Addresses that we call: their origins, and lists of hosts. Pure; settings, registry and providers ask.

Read by httpx, which also makes the calls: two readers of one address could see two hosts in it.
"""

import re
from collections.abc import Iterable
from functools import cached_property
from typing import Annotated

import httpx
from pydantic import AfterValidator

LOOPBACK = ("localhost", "127.0.0.1", "::1")
"""This machine: nobody listens on the way."""

_PATTERN = re.compile(r"(?:\[(?P<six>[0-9a-f:.]+)\]|(?P<name>[a-z0-9.*_-]+))(?::(?P<port>[0-9]{1,5}))?")
_USUAL_PORTS = {"http": 80, "https": 443}


def origin_of(url: str) -> str:
    """Return scheme, host and port as `https://host:port`, for comparing; raise ValueError."""
    parsed = _parsed(url)
    return f"{parsed.scheme}://{_host(parsed)}:{_port(parsed)}"


def host_of(url: str) -> str:
    """Return the host of `url` for messages: no path, no query, no credentials."""
    try:
        return _host(_parsed(url)) or "an address without a host"
    except ValueError:
        return "an address that cannot be read"


def pattern_of(url: str) -> str:
    """Return the pattern that stands for the URL's host and port, and nothing else; raise ValueError."""
    parsed = _parsed(url)
    host = _host(parsed)
    return f"{f'[{host}]' if ':' in host else host}:{_port(parsed)}"


class ExactURL(httpx.URL):
    """An address on the origin of `base` whose path and query go out byte for byte as in `target`.

    httpx and yarl spell an address again in places: a cursor that is signed would not be the one that was signed.
    """

    def __init__(self, base: str, target: str) -> None:
        if not (target.startswith("/") and target.isascii() and target.isprintable()) or " " in target:
            raise httpx.InvalidURL("a path must begin with a slash, and hold nothing but printable ASCII")
        origin = str(httpx.URL(base).copy_with(path="/", query=None, fragment=None))[:-1]
        self._exactly = origin + target.partition("#")[0]
        super().__init__(self._exactly)

    def __str__(self) -> str:
        return self._exactly


class HostList:
    """Hosts as the settings name them: `api.wonde.com`, `gateway.example:8443` for one port, `api-*.wonde.com`.

    `*` stands for letters, digits and hyphens, never for a dot: a list names hosts, not whole domains.
    """

    def __init__(self, patterns: Iterable[str]) -> None:
        self._patterns = tuple(patterns)

    def __str__(self) -> str:
        return ", ".join(self._patterns)

    def __contains__(self, url: str) -> bool:
        """Whether the URL leads to one of the hosts, at any port where none is named."""
        try:
            parsed = _parsed(url)
        except ValueError:
            return False
        return self._compiled.fullmatch(f"{_host(parsed)} {_port(parsed)}") is not None

    @cached_property
    def _compiled(self) -> re.Pattern[str]:
        return re.compile("|".join(map(_expression, self._patterns)) or "(?!)")


def is_readable_by_others(url: str, plain_http: HostList) -> bool:
    """Whether what is sent there goes unencrypted, to a host that is not one of those where it may."""
    return not url.lower().startswith("https://") and url not in plain_http


def _expression(pattern: str) -> str:
    """Return what `host port` must look like; raise ValueError for a pattern that is none."""
    text = pattern.lower()
    read = _PATTERN.fullmatch(f"[{text}]" if text.count(":") > 1 and "[" not in text else text)
    if read is None:
        raise ValueError(f"{pattern!r} is no host: send hosts like api.example.org or api-*.example.org:8443")
    host = re.escape((read["six"] or read["name"]).rstrip(".")).replace(r"\*", "[a-z0-9-]*")
    return f"{host} {read['port'] or '[0-9]+'}"


def _checked(pattern: str) -> str:
    _expression(pattern)
    return pattern


HostPattern = Annotated[str, AfterValidator(_checked)]
"""A host of a setting's list; see `HostList`."""


def _parsed(url: str) -> httpx.URL:
    try:
        return httpx.URL(url)
    except httpx.InvalidURL as error:
        raise ValueError(f"cannot be read: {error}") from error


def _host(parsed: httpx.URL) -> str:
    return parsed.raw_host.decode("ascii").strip("[]").rstrip(".").lower()


def _port(parsed: httpx.URL) -> int:
    return parsed.port or _USUAL_PORTS.get(parsed.scheme, 0)
