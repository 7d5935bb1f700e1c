"""Where a call of the console comes from."""

from starlette.requests import Request

from writeback.core.callers import Networks, caller_of

_NOWHERE = "unknown"


def address_of(request: Request, trusted: Networks) -> str:
    """Return the address that calls or, behind proxies that we trust, the one that they name."""
    peer = request.client.host if request.client else _NOWHERE
    return caller_of(peer, ",".join(request.headers.getlist("x-forwarded-for")), trusted)
