"""What Prometheus may ask: calls by route and status, how long they took, what became of submissions. Never an id."""

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)

from writeback.flow.upkeep.restores import EpochView
from writeback.flow.upkeep.retention import RetentionState
from writeback.flow.upkeep.retention_rules import RULES

CONTENT_TYPE = CONTENT_TYPE_LATEST
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_METHODS = frozenset({"GET", "POST", "PATCH", "PUT", "DELETE", "HEAD", "OPTIONS"})


class Metrics:
    """The API's numbers, in a registry of their own: one for each app, so that two can live in one process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self.registry)
        self._requests = Counter(
            "writeback_http_requests", "Calls answered.", ("route", "method", "status"), registry=self.registry
        )
        self._seconds = Histogram(
            "writeback_http_request_seconds",
            "From the first byte of a call to the end of its answer.",
            ("route",),
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._submissions = Counter(
            "writeback_submissions",
            "Submissions by result: accepted, replayed, dry_run, refused, overloaded, abandoned.",
            ("result",),
            registry=self.registry,
        )
        self._refused = Counter(
            "writeback_refused_at_the_front",
            "Connections and calls refused before a key was looked at, by the code of the answer.",
            ("code",),
            registry=self.registry,
        )
        self._limited = Counter(
            "writeback_calls_limited",
            "Calls refused because their app has as much under way as it may, by the code of the answer.",
            ("code",),
            registry=self.registry,
        )
        self.waiting = 0
        """Submissions being checked or waiting for their commit; whoever submits one counts it in and out."""
        waiting = Gauge(
            "writeback_submissions_waiting",
            "Submissions being checked or waiting for their commit.",
            registry=self.registry,
        )
        waiting.set_function(lambda: self.waiting)
        self.lists_held_back = Gauge(
            "writeback_lists_held_back",
            "Lists of schools out of which much fell at once, and about which somebody is to decide.",
            registry=self.registry,
        )
        self._restore_waiting = Gauge(
            "writeback_restore_waiting",
            "Writebacks that came with a restored database, and are still to be looked for in the MIS.",
            registry=self.registry,
        )
        self._restore_suspected = Gauge(
            "writeback_restore_suspected",
            "1 while nothing is sent, because the database was restored and nobody has said so.",
            registry=self.registry,
        )
        self._retention_ended = Gauge(
            "writeback_retention_last_run_timestamp_seconds",
            "When the last run ended that deleted what was too old; 0: none has.",
            registry=self.registry,
        )
        self._retention_deleted = Gauge(
            "writeback_retention_last_run_deleted",
            "How much the last run deleted, by the rules of retention.",
            ("rule",),
            registry=self.registry,
        )
        self._retention_longest = Gauge(
            "writeback_retention_last_run_longest_piece_seconds",
            "What the longest transaction of the last run took.",
            registry=self.registry,
        )
        self._retention_late = Gauge(
            "writeback_retention_late", "1 while no run has ended for more than a day.", registry=self.registry
        )
        # `labels()` takes a lock and builds a tuple at each call; these remember what it gave.
        self._request_children: dict[tuple[str, str, int], Counter] = {}
        self._seconds_children: dict[str, Histogram] = {}
        self._submission_children: dict[str, Counter] = {}

    def request(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count one call. `route` is a template, of which there are few."""
        key = (route, method if method in _METHODS else "other", status)
        child = self._request_children.get(key)
        if child is None:
            child = self._request_children[key] = self._requests.labels(key[0], key[1], str(status))
        child.inc()
        timer = self._seconds_children.get(route)
        if timer is None:
            timer = self._seconds_children[route] = self._seconds.labels(route)
        timer.observe(seconds)

    def submission(self, result: str) -> None:
        """Count one submission by what became of it."""
        child = self._submission_children.get(result)
        if child is None:
            child = self._submission_children[result] = self._submissions.labels(result)
        child.inc()

    def refused(self, code: str) -> None:
        """Count one that was refused before a key was looked at."""
        self._refused.labels(code).inc()

    def limited(self, code: str) -> None:
        """Count one that was refused for what its own app has under way."""
        self._limited.labels(code).inc()

    def of_restore(self, epoch: EpochView | None) -> None:
        """Take over how far what a restore of the database left is settled."""
        self._restore_waiting.set(0 if epoch is None else epoch.waiting + epoch.being_looked_for)
        self._restore_suspected.set(epoch is not None and epoch.suspected_at is not None)

    def of_retention(self, state: RetentionState) -> None:
        """Take over what the last run has deleted."""
        self._retention_late.set(state.is_late)
        last = state.last
        if last is None or last.ended_at is None:
            return
        self._retention_ended.set(last.ended_at.timestamp())
        self._retention_longest.set(last.longest_s)
        for rule in RULES:
            self._retention_deleted.labels(rule.name).set(last.deleted.get(rule.name, 0))

    def exposed(self) -> bytes:
        """Return everything as Prometheus text."""
        return generate_latest(self.registry)
