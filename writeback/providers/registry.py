"""The providers that there are. Nothing else imports the concrete ones; a new one is a folder and a line here."""

from collections.abc import Mapping

import httpx

from writeback.core.clock import Clock
from writeback.core.settings import Settings
from writeback.providers.base import Provider
from writeback.providers.descriptor import Descriptor
from writeback.providers.wonde.descriptor import WONDE
from writeback.providers.xporter.descriptor import XPORTER

PROVIDERS: dict[str, Descriptor] = {one.name: one for one in (WONDE, XPORTER)}
"""By name. Asked at each use and copied nowhere: a test adds a provider with one entry."""


def create_providers(settings: Settings, clock: Clock, client: httpx.AsyncClient) -> Mapping[str, Provider]:
    """Return every adapter by name; all share `client` (of `http.create_client`), which the caller closes."""
    return {name: one.create(settings, clock, client) for name, one in PROVIDERS.items()}
