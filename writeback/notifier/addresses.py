"""Which addresses a webhook may have. An app chooses its URL, so it must not lead into our own network.

`fault_of` reads the URL when it is given; `AddressPolicy.allows` is asked again for every connection, with the very
address that is about to be connected to. A name may lead elsewhere tomorrow.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from yarl import URL

from writeback.core.settings import WebhookSettings

LONGEST_URL = 2_000
_LOWEST_FREE_PORT = 1_024
_NOT_PRINTABLE = re.compile(r"[^\x21-\x7e]")
_AUTHORITY_ENDS = re.compile(r"[/?#]")
_NUMBER = re.compile(r"[0-9]+|0[xX][0-9a-fA-F]*")
_NAT64: tuple[IPv6Network, ...] = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"))
_COMPATIBLE = IPv6Network("::/96")
_NEVER = (
    ip_network("192.0.0.0/24"),  # for protocols; metadata of some clouds is there
    ip_network("168.63.129.16/32"),  # public by its number, but the host's own services on Azure
)
_GLOBAL_UNICAST = IPv6Network("2000::/3")

Address = IPv4Address | IPv6Address


@dataclass(frozen=True)
class AddressPolicy:
    """What the settings allow."""

    allow_http: bool = False
    allow_private: bool = False
    networks: Sequence[IPv4Network | IPv6Network] = ()
    """May be called although they are not public."""

    @classmethod
    def of(cls, settings: WebhookSettings) -> "AddressPolicy":
        return cls(settings.allow_http, settings.allow_private_addresses, tuple(settings.allowed_networks))

    def allows(self, address: str) -> bool:
        """Whether a connection to this IP address may be made; never to what is no address."""
        try:
            parsed = ip_address(address.partition("%")[0])  # without the zone of a link-local address
        except ValueError:
            return False
        if self.allow_private:
            return True
        if any(parsed in network for network in self.networks):
            return True
        return all(_is_public(one) or any(one in network for network in self.networks) for one in _meant_by(parsed))


def _meant_by(address: Address) -> list[Address]:
    """Return the address, or where it carries an IPv4 address in it, those that a packet may end at."""
    if isinstance(address, IPv4Address):
        return [address]
    if address.ipv4_mapped is not None:
        return [address.ipv4_mapped]  # the same host, written differently
    inner: list[IPv4Address] = []
    if address.sixtofour is not None:
        inner.append(address.sixtofour)
    if address.teredo is not None:
        inner.extend(address.teredo)
    if address in _COMPATIBLE or any(address in network for network in _NAT64):
        inner.append(IPv4Address(int(address) & 0xFFFFFFFF))
    return [address, *inner]


def _is_public(address: Address) -> bool:
    if isinstance(address, IPv6Address) and address not in _GLOBAL_UNICAST:
        return False
    return (
        address.is_global
        and not (address.is_multicast or address.is_reserved or address.is_unspecified)
        and not any(address in network for network in _NEVER)
    )


def fault_of(url: str, policy: AddressPolicy) -> str | None:
    """Return why a webhook may not have this URL, in words; None where it may, as far as the URL alone tells."""
    if len(url) > LONGEST_URL:
        return f"it has {len(url)} characters: {LONGEST_URL} are the most"
    if _NOT_PRINTABLE.search(url) or "\\" in url:
        return "it has blanks, backslashes or characters outside ASCII: encode them"
    try:
        parsed = URL(url)
        port = parsed.port
    except ValueError:
        return "it cannot be read as a URL"
    return (
        _fault_of_scheme(parsed, policy)
        or _fault_of_parts(url, parsed)
        or _fault_of_host(parsed.host or "", policy)
        or _fault_of_port(port, policy)
    )


def _fault_of_scheme(url: URL, policy: AddressPolicy) -> str | None:
    if url.scheme == "https" or (url.scheme == "http" and policy.allow_http):
        return None
    return f"it begins with {url.scheme}: only https is taken" if url.scheme else "it does not begin with https://"


def _fault_of_parts(text: str, url: URL) -> str | None:
    authority = _AUTHORITY_ENDS.split(text.partition("//")[2], maxsplit=1)[0]
    if "@" in authority or url.user is not None:
        return "it holds a user name or password: the signature is what says who calls"
    return "it has a fragment, which is never sent" if "#" in text else None


def _fault_of_host(host: str, policy: AddressPolicy) -> str | None:
    if not host:
        return "it names no host"
    last_label = host.rstrip(".").rpartition(".")[2]
    if ":" not in host and not _NUMBER.fullmatch(last_label):
        return None  # a name: looked up, and checked, at each connection
    try:
        ip_address(host)
    except ValueError:
        return f"its host {host[:64]} is an IP address in an unusual form"
    return None if policy.allows(host) else f"its host {host} is no address of the public Internet"


def _fault_of_port(port: int | None, policy: AddressPolicy) -> str | None:
    usual = (443, 80) if policy.allow_http else (443,)
    if port is None or port in usual or port >= _LOWEST_FREE_PORT:
        return None
    return f"its port is {port}: use 443, or one from {_LOWEST_FREE_PORT}"
