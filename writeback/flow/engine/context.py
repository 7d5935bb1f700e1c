"""What every step of the flow works with, handed over as one value by `wiring`."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field

from writeback.core.clock import Clock
from writeback.core.meters import Meters
from writeback.core.secrets import SecretBox
from writeback.core.settings import Settings
from writeback.flow.registry.entries import Registry
from writeback.lookups.cache import LookupCache
from writeback.providers.base import Provider
from writeback.queue.port import Waker
from writeback.store.sql.database import Database


@dataclass(frozen=True)
class FlowContext:
    """The parts, real in service, chosen in tests."""

    db: Database
    clock: Clock
    settings: Settings
    registry: Registry
    lookups: LookupCache
    providers: Mapping[str, Provider]
    waker: Waker
    secrets: SecretBox
    rng: random.Random = field(default_factory=random.SystemRandom)
    meters: Meters = field(default_factory=Meters)
