"""Where a call comes from: the address that calls or, behind proxies that we trust, the one that they name."""

from collections.abc import Mapping, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

Networks = Sequence[IPv4Network | IPv6Network]

_LONGEST = 64


def address_of(scope: Mapping[str, Any], trusted: Networks) -> str:
    """Return where a call comes from, given its ASGI scope; `unknown` where no address calls."""
    peer = (scope.get("client") or ("unknown",))[0]
    forwarded = [value.decode("latin-1") for name, value in scope["headers"] if name == b"x-forwarded-for"]
    return caller_of(peer, ",".join(forwarded), trusted)


def caller_of(peer: str, forwarded: str, trusted: Networks) -> str:
    """Return the last address that no trusted proxy has; whatever stands before it anybody could have written.

    `peer` is whoever connected, `forwarded` what all its X-Forwarded-For headers say, in their order.
    """
    address = peer
    for earlier in reversed(forwarded.split(",")):
        if not is_in(address, trusted):
            break
        if earlier := earlier.strip():
            parsed = _parsed(earlier)
            address = earlier[:_LONGEST] if parsed is None else str(parsed)
    return address


def is_in(address: str, networks: Networks) -> bool:
    """Whether the address is in one of the networks; what is no address is in none."""
    parsed = _parsed(address)
    return parsed is not None and any(parsed in network for network in networks)


def household_of(address: str) -> str:
    """Return what stands for whoever has the address: of IPv6 its /64, for everybody has as many as that."""
    parsed = _parsed(address)
    if isinstance(parsed, IPv6Address):
        return str(ip_network((parsed, 64), strict=False))
    return address if parsed is None else str(parsed)


def _parsed(text: str) -> IPv4Address | IPv6Address | None:
    """Return the address, also of `1.2.3.4:80`, `[::1]:80` and `::ffff:1.2.3.4`; None where there is none."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
