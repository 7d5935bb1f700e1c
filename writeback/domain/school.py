"""A school as validation sees it, and as a provider adapter needs it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class HoldReason(StrEnum):
    """What a held school waits for."""

    OFFLINE = "school_offline"
    """Its agent does not answer."""
    PAUSED = "authorisation_paused"
    """The school is choosing whom to share (Xporter 99-107)."""
    MIGRATION = "migration"
    """It moves to another MIS; ids are being refreshed."""
    TOKEN_REFUSED = "token_refused"  # noqa: S105 - a reason, not a token
    """The provider refuses our token or secret."""
    SCOPE_MISSING = "scope_missing"
    """The school has not granted what this kind needs."""
    UNKNOWN_THERE = "school_unknown_at_provider"
    """The provider does not know this school at this address: check provider_school_id and base_url."""
    REVOKED = "access_revoked"
    """The school has withdrawn or declined access."""
    WRITEBACK_OFF = "writeback_not_allowed"
    """The school does not allow writeback through the provider."""
    BY_STAFF = "held_by_staff"
    """A person holds it."""


@dataclass(frozen=True)
class School:
    """What the rules look at. `overrides` are this school's own feature rules, kind by kind."""

    id: str
    name: str
    provider: str
    mis: str
    overrides: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class Account:
    """What an adapter needs to talk about one school. `credentials` are never logged or printed."""

    school_id: str
    provider: str
    provider_school_id: str
    """Wonde's school id, or the seven-digit establishment number for Xporter."""
    mis: str
    base_url: str
    """Empty: the provider's own from the settings."""
    credentials: Mapping[str, str] = field(repr=False)
    """Wonde: `token`. Xporter: `secret`, optionally `relying_party`, `sts_url`."""
