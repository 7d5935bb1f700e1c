"""What one process counts for Prometheus: calls to providers, lists, webhooks, what became of writebacks.

The flow has one in its context; `flow/metrics` shows them. Labels are providers, families and words of our own: never
an id, and nothing of a pupil. Each process counts what it does itself: sum them over all processes.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Histogram

from writeback.core.clock import Clock, SystemClock

_CALL_SECONDS = (0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 25.0)
_EVIDENCE_SECONDS = (0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1_800, 3_600, 14_400, 86_400)


class ProviderCall:
    """A call to a provider under way; whoever makes it says what came of it."""

    __slots__ = ("outcome",)

    def __init__(self) -> None:
        self.outcome = "crashed"

    def ended(self, result: object) -> None:
        """Take over the class of what came of it, e.g. `Taken`, `NotReached`."""
        self.outcome = type(result).__name__


class Meters:
    """The counters of one process, in a registry of their own, so that two can live in one process."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self.registry = CollectorRegistry()
        self._calls = Counter(
            "writeback_provider_calls",
            "Calls to providers, by purpose (send, check, read_back, list) and what came of them.",
            ("provider", "purpose", "outcome"),
            registry=self.registry,
        )
        self._call_seconds = Histogram(
            "writeback_provider_call_seconds",
            "What a call to a provider took, with its wait for a connection.",
            ("provider", "purpose"),
            buckets=_CALL_SECONDS,
            registry=self.registry,
        )
        self._accepted = Counter(
            "writeback_accepted", "Writebacks accepted.", ("provider", "family"), registry=self.registry
        )
        self._ended = Counter(
            "writeback_ended",
            "Writebacks that came to an end, by status; one that was sent again may do so more than once.",
            ("provider", "family", "status"),
            registry=self.registry,
        )
        self._evidence = Histogram(
            "writeback_time_to_evidence_seconds",
            "From the acceptance of a writeback to the evidence that it is in the MIS.",
            ("provider", "family"),
            buckets=_EVIDENCE_SECONDS,
            registry=self.registry,
        )
        self._lists = Counter(
            "writeback_lists_synced",
            "Lists of schools asked for: changed, unchanged, not_available, failed.",
            ("provider", "result"),
            registry=self.registry,
        )
        self._deliveries = Counter(
            "writeback_delivery_attempts",
            "Attempts to tell a webhook: delivered, refused (another status than 2xx), not_answered.",
            ("result",),
            registry=self.registry,
        )
        self._delivery_seconds = Histogram(
            "writeback_delivery_seconds",
            "What an attempt to tell a webhook took.",
            buckets=_CALL_SECONDS,
            registry=self.registry,
        )

    @contextmanager
    def provider_call(self, provider: str, purpose: str) -> Iterator[ProviderCall]:
        """Count the call that is made in the context, and how long it takes."""
        call, began = ProviderCall(), self._clock.monotonic()
        try:
            yield call
        finally:
            self._calls.labels(provider, purpose, call.outcome).inc()
            self._call_seconds.labels(provider, purpose).observe(self._clock.monotonic() - began)

    def accepted(self, provider: str, family: str) -> None:
        """Count a writeback that was accepted."""
        self._accepted.labels(provider, family).inc()

    def ended(self, provider: str, family: str, status: str) -> None:
        """Count a writeback that came to an end."""
        self._ended.labels(provider, family, status).inc()

    def evidence(self, provider: str, family: str, seconds: float) -> None:
        """Note how long evidence took."""
        self._evidence.labels(provider, family).observe(seconds)

    def list_synced(self, provider: str, result: str) -> None:
        """Count a list that a provider was asked for."""
        self._lists.labels(provider, result).inc()

    def delivery(self, result: str, seconds: float) -> None:
        """Count an attempt to tell a webhook."""
        self._deliveries.labels(result).inc()
        self._delivery_seconds.observe(seconds)
