"""What the API counts: calls by route and status, how long they took, what became of submissions. Never an id.

What any process shows besides is in `flow/metrics`.
"""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_METHODS = frozenset({"GET", "POST", "PATCH", "PUT", "DELETE", "HEAD", "OPTIONS"})


class Metrics:
    """The API's numbers, in a registry of their own: one for each app, so that two can live in one process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
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
