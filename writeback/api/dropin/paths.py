"""Which drop-in endpoint a call is for: by its host or port, by its prefix, or by how the provider's own paths begin.

Clients drop prefixes: of `https://host/wonde/v1.0` some keep the host alone (their next calls go to `/v1.0/…`). No path
of ours begins as a provider's does, so these are served without a prefix too. Paths come as clients spell them: doubled
slashes, one at the end, and for Xporter any letter case.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from starlette.types import Scope

from writeback.api.front.body import header
from writeback.core.settings import DropInSettings

WONDE, XPORTER = "wonde", "xporter"
_SLASHES = re.compile("/{2,}")
_ROOTS = {"v1.0": WONDE, "idaas": XPORTER, "api": XPORTER}
"""How the paths begin that clients ask for: Wonde 12, and those of Xporter's published clients."""

OURS = frozenset(
    {
        "apps",
        "audit",
        "batches",
        "events",
        "features",
        "hooks",
        "keys",
        "providers",
        "schools",
        "usage",
        "webhooks",
        "writebacks",
    }
)
"""How the paths of our own API go on below /v1: who writes `/api/v1/schools/…` means that, and Xporter's way of
answering errors with 200 would look like success."""


@dataclass(frozen=True)
class Place:
    """Where a call is to go. `prefix`: what stands before the provider's own path, as it was spelt; may be empty."""

    endpoint: str
    prefix: str
    rest: Sequence[str]


class Places:
    """Finds the place of a call."""

    def __init__(self, settings: DropInSettings) -> None:
        named = ((WONDE, settings.wonde_hosts), (XPORTER, settings.xporter_hosts))
        self._hosts = {host.lower(): endpoint for endpoint, hosts in named for host in hosts}
        ports = ((WONDE, settings.wonde_port), (XPORTER, settings.xporter_port))
        self._ports = {port: endpoint for endpoint, port in ports if port}

    def find(self, scope: Scope) -> Place | None:
        """Return the place; None where the call is for none of the drop-in endpoints."""
        path: str = scope["path"]
        if (self._hosts or self._ports) and (own := self._own(scope)) is not None:
            return Place(own, "", _parts(path))
        if path.startswith("/v1/"):  # where registers come: no provider's path begins so
            return None
        first, *rest = _parts(path) or [""]
        name = first.lower()
        if name in (WONDE, XPORTER):
            return Place(name, f"/{first}", rest)
        endpoint = _ROOTS.get(name)
        if endpoint is None or (rest[:1] == ["v1"] and rest[1:2] and rest[1] in OURS):
            return None
        return Place(endpoint, "", [first, *rest])

    def _own(self, scope: Scope) -> str | None:
        """Return the endpoint whose own host or port was called."""
        server = scope.get("server")
        if server is not None and server[1] in self._ports:
            return self._ports[server[1]]
        host = (header(scope["headers"], b"host") or b"").decode("latin-1").lower()
        return self._hosts.get(host) or self._hosts.get(host.partition(":")[0])


def _parts(path: str) -> list[str]:
    """Return the parts of a path: clients write `/x`, `/x/` and `/x//id`."""
    return _SLASHES.sub("/", path).strip("/").split("/") if path.strip("/") else []
