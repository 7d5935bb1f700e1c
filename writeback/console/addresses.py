"""Where a call comes from: the address that calls or, behind proxies that we trust, the one that they name."""

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address

from starlette.requests import Request

_NOWHERE = "unknown"


def address_of(request: Request, trusted: Sequence[IPv4Network | IPv6Network]) -> str:
    """Return the last address that no trusted proxy has; whatever stands before it anybody could have written."""
    address = request.client.host if request.client else _NOWHERE
    named = ",".join(request.headers.getlist("x-forwarded-for")).split(",")
    for earlier in reversed([entry.strip() for entry in named if entry.strip()]):
        if not _is_in(address, trusted):
            break
        address = earlier[:64]
    return address


def _is_in(address: str, networks: Sequence[IPv4Network | IPv6Network]) -> bool:
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    return any(parsed in network for network in networks)
