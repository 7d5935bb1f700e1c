"""What came of one POST to one receiver. `sender` says it, and `flow/webhooks` judges."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Answered:
    """The receiver answered; `retry_after_s` where it said when to come again, at most a day."""

    status: int
    retry_after_s: float | None = None


@dataclass(frozen=True)
class NotAnswered:
    """No answer came. `error`: address_refused, dns, connect, tls, timeout, broken."""

    error: str
