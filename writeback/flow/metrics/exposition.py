"""What Prometheus is shown: the process, what it counts, its database and Redis, the figures of the whole service."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from writeback import __version__
from writeback.core.meters import Meters
from writeback.flow.metrics.figures import Figures
from writeback.flow.metrics.reading import SharedFigures
from writeback.flow.upkeep.retention_rules import RULES

Gauge = GaugeMetricFamily


def _nothing() -> None: ...


def registry_of(meters: Meters, figures: SharedFigures, before: Callable[[], None] = _nothing) -> CollectorRegistry:
    """Return all that one process shows. `before` is called at each scrape, and may refresh the figures."""
    registry = CollectorRegistry()
    for collector in (ProcessCollector, PlatformCollector, GCCollector):
        collector(registry=registry)
    registry.register(_Of(meters.registry.collect))
    registry.register(_Of(lambda: _shown(figures, before)))
    return registry


class _Of(Collector):
    """Shows what a function returns."""

    def __init__(self, collect: Callable[[], Iterable[Metric]]) -> None:
        self._collect = collect

    def collect(self) -> Iterable[Metric]:
        return self._collect()

    def describe(self) -> Iterable[Metric]:
        return ()  # else the registry would collect once at the start


def _shown(figures: SharedFigures, before: Callable[[], None]) -> Iterator[Metric]:
    before()
    yield InfoMetricFamily("writeback_build", "The version of the service.", {"version": __version__})
    yield from _of_database(figures)
    yield from _of_redis(figures)
    if figures.last is not None:
        yield from _of_writebacks(figures.last)
        yield from _of_schools(figures.last)
        yield from _of_service(figures.last)


def _of_database(figures: SharedFigures) -> Iterator[Metric]:
    pool = figures.pool_use
    if pool is None:  # SQLite has none
        return
    yield Gauge("writeback_database_connections_most", "Most connections of this process.", pool.most)
    yield Gauge("writeback_database_connections_in_use", "Connections of this process in use.", pool.in_use)
    yield Gauge("writeback_database_connections_waited_for", "Who in this process waits for one.", pool.waiting)


def _of_redis(figures: SharedFigures) -> Iterator[Metric]:
    state = figures.redis
    if state is None:
        return
    yield Gauge("writeback_redis_up", "1 while Redis answers this process.", state.is_up)
    yield Gauge("writeback_redis_seconds", "What Redis took to answer this process.", state.took_s)
    jobs = Gauge("writeback_queue_jobs", "Jobs that wait in Redis, by queue.", labels=("queue",))
    for queue, number in state.queued.items():
        jobs.add_metric((queue,), number)
    yield jobs


def _of_writebacks(figures: Figures) -> Iterator[Metric]:
    labels = ("provider", "family", "status")
    waiting = Gauge("writeback_waiting", "Writebacks that have not ended, by status.", labels=labels)
    oldest = Gauge("writeback_oldest_waiting_seconds", "Since the first of them was accepted.", labels=labels)
    of_school = ("provider", "school")
    school_waiting = Gauge(
        "writeback_school_waiting",
        "The same of the schools that have waited longest, and few of them.",
        labels=of_school,
    )
    school_oldest = Gauge(
        "writeback_school_oldest_waiting_seconds", "Since the first of a school's was accepted.", labels=of_school
    )
    for one in figures.waiting:
        seconds = _since(one.since, figures)
        if one.school:
            school_waiting.add_metric((one.provider, one.school), one.writebacks)
            school_oldest.add_metric((one.provider, one.school), seconds)
        else:
            waiting.add_metric((one.provider, one.family, one.status), one.writebacks)
            oldest.add_metric((one.provider, one.family, one.status), seconds)
    yield from (waiting, oldest, school_waiting, school_oldest)


def _of_schools(figures: Figures) -> Iterator[Metric]:
    schools = Gauge("writeback_schools", "Schools registered.", labels=("provider",))
    held = Gauge(
        "writeback_schools_held", "Schools of which nothing is sent, by reason.", labels=("provider", "reason")
    )
    number: dict[str, int] = {}
    for one in figures.schools:
        number[one.provider] = number.get(one.provider, 0) + one.schools
        if one.reason:
            held.add_metric((one.provider, one.reason), one.schools)
    for provider, registered in number.items():
        schools.add_metric((provider,), registered)
    yield from (schools, held)
    breakers = Gauge(
        "writeback_breakers_open", "Providers, and schools, that are left alone for a while.", labels=("provider", "of")
    )
    for breaker in figures.breakers:
        breakers.add_metric((breaker.provider, breaker.of), breaker.number)
    yield breakers
    due = Gauge(
        "writeback_sync_due_schools", "Schools whose lists are due and not being fetched.", labels=("provider",)
    )
    late = Gauge("writeback_sync_late_seconds", "Since the first of them is due.", labels=("provider",))
    for sync in figures.due_syncs:
        due.add_metric((sync.provider,), sync.schools)
        late.add_metric((sync.provider,), _since(sync.since, figures))
    age = Gauge("writeback_oldest_list_seconds", "Since the list was fetched that is oldest.", labels=("provider",))
    stale = Gauge("writeback_lists_stale", "Lists older than lookups.stale_after_s.", labels=("provider",))
    for lists in figures.lists:
        age.add_metric((lists.provider,), _since(lists.oldest, figures))
        stale.add_metric((lists.provider,), lists.stale)
    yield from (due, late, age, stale)
    yield Gauge(
        "writeback_lists_held_back",
        "Lists of schools out of which much fell at once, and about which somebody is to decide.",
        figures.lists_held_back,
    )


def _of_service(figures: Figures) -> Iterator[Metric]:
    yield Gauge("writeback_figures_timestamp_seconds", "When these figures were read.", figures.at.timestamp())
    yield Gauge("writeback_figures_read_seconds", "What it took to read them.", figures.took_s)
    workers = Gauge("writeback_workers", "Workers by whether they work or have fallen silent.", labels=("state",))
    for state, number in figures.workers.items():
        workers.add_metric((state,), number)
    yield workers
    yield Gauge("writeback_leases_held", "Lanes that a worker holds.", figures.leases.held)
    yield Gauge(
        "writeback_leases_expired", "Lanes whose worker is gone, and no other has come.", figures.leases.expired
    )
    events = Gauge("writeback_projection_lag_events", "Events that a reader has yet to read.", labels=("projection",))
    behind = Gauge("writeback_projection_lag_seconds", "Since the first of them happened.", labels=("projection",))
    for lag in figures.lags:
        events.add_metric((lag.name,), lag.events)
        behind.add_metric((lag.name,), _since(lag.since, figures))
    yield from (events, behind)
    hooks = figures.webhooks
    yield Gauge("writeback_deliveries_waiting", "What is yet to be told to webhooks.", hooks.waiting)
    yield Gauge(
        "writeback_deliveries_late_seconds", "Since the first should have been sent.", _since(hooks.due_since, figures)
    )
    yield Gauge("writeback_webhooks_failing", "Webhooks to which nothing gets through.", hooks.failing)
    yield Gauge("writeback_webhooks_disabled", "Webhooks that are disabled.", hooks.disabled)
    yield Gauge(
        "writeback_restore_waiting",
        "Writebacks that came with a restored database, and are still to be looked for in the MIS.",
        figures.restore_waiting,
    )
    yield Gauge(
        "writeback_restore_suspected",
        "1 while nothing is sent, because the database was restored and nobody has said so.",
        figures.restore_is_suspected,
    )
    yield from _of_retention(figures)


def _of_retention(figures: Figures) -> Iterator[Metric]:
    last = figures.retention
    yield Gauge("writeback_retention_late", "1 while no run has ended for more than a day.", figures.retention_is_late)
    yield Gauge(
        "writeback_retention_last_run_timestamp_seconds",
        "When the last run ended that deleted what was too old; 0: none has.",
        last.ended_at.timestamp() if last else 0,
    )
    yield Gauge(
        "writeback_retention_last_run_longest_piece_seconds",
        "What the longest transaction of the last run took.",
        last.longest_s if last else 0,
    )
    deleted = Gauge(
        "writeback_retention_last_run_deleted", "How much the last run deleted, by the rules.", labels=("rule",)
    )
    for rule in RULES if last else ():
        deleted.add_metric((rule.name,), last.deleted.get(rule.name, 0) if last else 0)
    yield deleted


def _since(at: datetime | None, figures: Figures) -> float:
    """Return the seconds from then until the figures were read; 0 where there is none, or it is yet to come."""
    return 0.0 if at is None else max(0.0, (figures.at - at).total_seconds())
