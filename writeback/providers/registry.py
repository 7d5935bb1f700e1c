"""The providers that there are. Nothing else imports the concrete ones; a new one is a folder and a line here."""

from collections.abc import Callable, Mapping

import httpx

from writeback.core.clock import Clock
from writeback.core.settings import Settings
from writeback.providers.base import Provider
from writeback.providers.wonde.adapter import WondeProvider
from writeback.providers.xporter.adapter import XporterProvider

Factory = Callable[[Settings, Clock, httpx.AsyncClient], Provider]

PROVIDERS: dict[str, Factory] = {
    WondeProvider.name: WondeProvider,
    XporterProvider.name: XporterProvider,
}


def create_providers(settings: Settings, clock: Clock, client: httpx.AsyncClient) -> Mapping[str, Provider]:
    """Return every provider by name; all share `client` (of `http.create_client`), which the caller closes."""
    return {name: create(settings, clock, client) for name, create in PROVIDERS.items()}
