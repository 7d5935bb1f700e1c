"""What a chaos run is asked to do, and the settings that make patience seconds instead of minutes."""

from dataclasses import dataclass
from typing import Literal

Trouble = Literal[
    "kills", "pauses", "redis", "database", "faults", "callbacks", "forgeries", "schools", "office", "lists"
]
TROUBLES: tuple[Trouble, ...] = (
    "kills",
    "pauses",
    "redis",
    "database",
    "faults",
    "callbacks",
    "forgeries",
    "schools",
    "office",
    "lists",
)


@dataclass(frozen=True)
class Options:
    """One run. The same seed asks for the same writebacks and the same troubles, in the same order."""

    seed: int = 1
    count: int = 20_000
    schools: int = 50
    database: Literal["sqlite", "postgresql"] = "postgresql"
    troubles: frozenset[Trouble] = frozenset(TROUBLES)
    clients: int = 16
    workers: int = 3
    drain_s: float = 300.0
    per_s: float = 200.0
    """Most submissions a second; the troubles need time to meet them."""

    def has(self, trouble: Trouble) -> bool:
        return trouble in self.troubles


RETRY_EVERY_S, RETRY_FOR_S = 0.7, 3.0
"""How the simulated providers themselves try again where an agent is offline."""
LONGEST_PAUSE_S = 4.5
"""A stopped process goes on with what it was about to send: within LATE_AFTER_S, as in the true settings."""
LATE_AFTER_S = 14.0
"""Longer than anything that was sent can take to arrive: pause + connecting + latency + the provider's own retries."""
ABSENCE_PATIENCE_S = 16.0

RETRY_AFTER_CAP_S = 10.0
"""The least that the setting allows: whoever asks to be left alone for a day is tried again after so much."""

SETTINGS: dict[str, str] = {
    "LOG_LEVEL": "INFO",
    "DATABASE_BUSY_TIMEOUT_S": "2",
    "QUEUE__SWEEP_EVERY_S": "0.5",
    "QUEUE__JOB_TIMEOUT_S": "10",
    "QUEUE__SYNC_TIMEOUT_S": "20",
    "DISPATCH__REQUEST_TIMEOUT_S": "2",
    "DISPATCH__CONNECT_TIMEOUT_S": "1",
    "DISPATCH__LEASE_S": "3.5",
    "DISPATCH__HEARTBEAT_S": "0.7",
    "DISPATCH__BACKOFF_BASE_S": "0.2",
    "DISPATCH__BACKOFF_CAP_S": "3",
    "DISPATCH__RETRY_AFTER_CAP_S": str(RETRY_AFTER_CAP_S),
    "WONDE__PAGE_SIZE": "20",
    "DISPATCH__HOLD_RECHECK_S": "0.7",
    "DISPATCH__BREAKER_COOLDOWN_S": "0.5",
    "DISPATCH__BREAKER_COOLDOWN_CAP_S": "2",
    "CONFIRM__FIRST_CHECK_S": "0.5",
    "CONFIRM__CHECK_CAP_S": "2",
    "CONFIRM__CALLBACK_PATIENCE_S": "6",
    "XPORTER__KEEPS_TRYING_S": "6",
    "CONFIRM__LATE_AFTER_S": str(LATE_AFTER_S),
    "CONFIRM__ABSENCE_PATIENCE_S": str(ABSENCE_PATIENCE_S),
    "CONFIRM__GIVE_UP_S": "900",
    "LOOKUPS__MISS_PATIENCE_S": "1",
}
