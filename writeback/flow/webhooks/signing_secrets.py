"""The secrets of a webhook, kept sealed: one signs, those that it replaced sign beside it for a while."""

from datetime import datetime, timedelta
from typing import Any

from writeback.core.secrets import SecretBox

_MOST = 5
"""Secrets that sign at a time, however often they are replaced."""


def seal_first(box: SecretBox, secret: str) -> str:
    """Return what is kept of a new webhook's secret."""
    return box.seal({"secrets": [{"secret": secret, "until": None}]})


def replace(box: SecretBox, sealed: str, secret: str, now: datetime, *, keep: timedelta) -> str:
    """Return what is kept when `secret` takes over; the one before signs beside it for `keep`."""
    until = (now + keep).isoformat()
    older = [{**entry, "until": entry["until"] or until} for entry in _valid(box, sealed, now)]
    return box.seal({"secrets": [{"secret": secret, "until": None}, *older][:_MOST]})


def signing(box: SecretBox, sealed: str, now: datetime) -> tuple[str, ...]:
    """Return the secrets that sign now, the current one first."""
    return tuple(entry["secret"] for entry in _valid(box, sealed, now))


def replaced_until(box: SecretBox, sealed: str, now: datetime) -> datetime | None:
    """Return when the last of the replaced secrets stops signing; None where there is none."""
    instants = [datetime.fromisoformat(entry["until"]) for entry in _valid(box, sealed, now) if entry["until"]]
    return max(instants, default=None)


def _valid(box: SecretBox, sealed: str, now: datetime) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = box.open(sealed)["secrets"]
    return [entry for entry in entries if entry["until"] is None or datetime.fromisoformat(entry["until"]) > now]
