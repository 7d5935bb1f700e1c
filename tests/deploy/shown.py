"""Every metric that the service can show, by name, with its labels: of an API and of a worker, with nothing in them."""

import asyncio
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, cast

from prometheus_client import CollectorRegistry

from writeback.api.front.metrics import Metrics
from writeback.core.clock import FakeClock
from writeback.core.meters import Meters
from writeback.flow.metrics.figures import Figures, LastRun
from writeback.flow.metrics.reading import RedisState
from writeback.store.reads.figures import DueSyncs, Lag, Lists, SchoolsHeld, Waiting
from writeback.store.sql.pool import PoolUse
from writeback.worker import metrics as of_worker
from writeback.worker.watchdog import Watchdog

_ENDINGS = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count"), "info": ("_info",), "gauge": ("",)}
_OF_PROMETHEUS = {"up": frozenset({"job", "instance"})}


def metrics() -> Mapping[str, frozenset[str]]:
    """Return the labels of each metric that Prometheus has of us, by the name that a query uses."""
    clock, meters = FakeClock(), Meters()
    now = clock.now()
    figures = Figures(
        at=now,
        took_s=0.1,
        waiting=[Waiting("wonde", "conduct", "queued", "", 1, now), Waiting("wonde", "", "", "hillside", 1, now)],
        schools=[SchoolsHeld("wonde", "school_offline", 1)],
        lags=[Lag("rollup", 0, None)],
        due_syncs=[DueSyncs("wonde", 1, now)],
        lists=[Lists("wonde", now, 0)],
        retention=LastRun(now, 0.1, {}),
        workers={"working": 1},
    )
    shared = SimpleNamespace(last=figures, redis=RedisState(True, 0.1, {"registers": 0}), pool_use=PoolUse(5, 1, 0))
    services = SimpleNamespace(flow=SimpleNamespace(meters=meters), figures=shared)
    watchdog = Watchdog(clock, cast(Any, None), "one", 120.0, asyncio.Event())
    registry = of_worker.all_of(cast(Any, services), watchdog, lambda: None)
    declared = _declared(registry) | _declared(meters.registry) | _declared(Metrics().registry)
    shown: dict[str, frozenset[str]] = {}
    for one in registry.collect():
        labels = declared.get(one.name) or frozenset(getattr(one, "_labelnames", ()))
        for ending in _ENDINGS[one.type]:
            shown[one.name + ending] = labels | ({"le"} if ending == "_bucket" else frozenset())
    for one in Metrics().registry.collect():
        for ending in _ENDINGS[one.type]:
            shown[one.name + ending] = declared[one.name] | ({"le"} if ending == "_bucket" else frozenset())
    of_a_target = frozenset({"job", "instance"})
    return {name: labels | of_a_target for name, labels in {**shown, **_OF_PROMETHEUS}.items()}


def _declared(registry: CollectorRegistry) -> dict[str, frozenset[str]]:
    """Return the labels of what counts by itself: it collects none while nothing was counted."""
    return {
        one._name: frozenset(one._labelnames) for one in registry._collector_to_names if hasattr(one, "_labelnames")
    }
