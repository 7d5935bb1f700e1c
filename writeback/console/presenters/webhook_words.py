"""How a webhook does, and why a message did not get through, in words."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from writeback.store.apps.outbox import DeliveryState
from writeback_client.models.webhooks import Delivery, Webhook

STATES = {
    DeliveryState.PENDING.value: ("wait", "Waits"),
    DeliveryState.SENDING.value: ("busy", "Being sent"),
    DeliveryState.DELIVERED.value: ("ok", "Delivered"),
    DeliveryState.FAILED.value: ("bad", "Given up"),
}
_DISABLED = {
    "by_app": "Switched off by its app",
    "by_staff": "Switched off at the console",
    "gone": "Its receiver said that it is gone (410)",
    "always_failing": "Nothing has got through for too long",
}
_ERRORS = {
    "timeout": "no answer in time",
    "dns": "its name is not known",
    "connect": "no connection",
    "tls": "its certificate is not good",
    "broken": "the connection broke off",
    "address_refused": "its address may not be called",
}
_MEND = {
    "timeout": "It has {timeout_s:g} seconds: it should answer at once, and do its work afterwards.",
    "dns": "Check the host in the address, and its DNS.",
    "connect": "See that it runs, and that nothing between keeps us out: a firewall, another port.",
    "tls": "See that its certificate is valid, is for this host, and comes with its chain.",
    "broken": "See what it logs: it began to answer, or to listen, and ended.",
    "address_refused": "It leads into a network that is not public: give an address on the Internet.",
    "http_401": "It refuses the signature, or asks for a password: give it the present secret, or another one.",
    "http_403": "It refuses the signature, or something before it keeps us out: give it the present secret.",
    "http_404": "Nothing is at this path: check the address.",
    "http_405": "It takes no POST at this path: check the address.",
    "http_410": "It says that it is gone for good: change the address, or remove the webhook.",
    "http_413": "It takes no messages of this size: have its limit raised.",
    "http_429": "It is called too often for itself: it may say with Retry-After how long to wait.",
}
_SERVER_ERROR = "It fails by itself: whoever runs it finds the reason in its log, by the header webhook-id."
_REDIRECT = "It points elsewhere, and we follow no redirects: change the address to where it points."
_REFUSED = "It refuses the message: whoever runs it finds the reason in its log, by the header webhook-id."


@dataclass(frozen=True)
class Why:
    """Why a webhook fails: what its receiver did last, when, and what to do about it."""

    error: str
    at: datetime
    mend: str
    given_up: int
    """Of its latest messages that are not delivered."""


def state_of(webhook: Webhook) -> tuple[str, str]:
    """Return a tone and words for how it does."""
    if webhook.disabled is not None:
        return "off", _DISABLED.get(webhook.disabled.reason, "Switched off")
    return ("bad", "Failing") if webhook.failing_since is not None else ("ok", "Works")


def error_words(delivery: Delivery) -> str:
    """Return why it did not get through, in words."""
    return words_of(delivery.error or "")


def words_of(error: str) -> str:
    """Return the class of a failure in words."""
    return _ERRORS.get(error) or (f"answered {error.removeprefix('http_')}" if error else "")


def why_failing(webhook: Webhook, undelivered: Sequence[Delivery], timeout_s: float) -> Why | None:
    """Return why nothing gets through to it; None where that works, or a person has switched it off."""
    if webhook.failing_since is None and (
        webhook.disabled is None or webhook.disabled.reason in ("by_app", "by_staff")
    ):
        return None
    tried = [(one.last_attempt_at, one.error) for one in undelivered if one.last_attempt_at is not None and one.error]
    if not tried:
        return None
    at, error = max(tried)
    given_up = sum(one.state == DeliveryState.FAILED for one in undelivered)
    return Why(words_of(error), at, _mend(error).format(timeout_s=timeout_s), given_up)


def _mend(error: str) -> str:
    if error in _MEND:
        return _MEND[error]
    by_class = {"http_5": _SERVER_ERROR, "http_3": _REDIRECT}
    return by_class.get(error[:6], _REFUSED)
