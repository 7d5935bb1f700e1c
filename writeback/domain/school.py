"""A school as validation sees it, and as a provider adapter needs it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from enum import StrEnum
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from writeback.domain.directory import Directory
from writeback.domain.mode import Mode, mode_of
from writeback.domain.school_settings.defaults import SchoolDefaults
from writeback.domain.school_settings.words import NO_WORDS, Words
from writeback.domain.school_settings.year import NO_YEAR, SchoolYear

_ENGLAND = "Europe/London"
_FARTHEST_AHEAD = timezone(timedelta(hours=14))
"""No school's calendar is ahead of this one."""
ASKED_AT = "asked_at"
"""Fact: when the provider was last asked how the school stands."""


COUNTRY_CODE = "country_code"
"""Fact: three letters of the country of the school's address, e.g. GBR (Wonde 291)."""
_UNITED_KINGDOM = "GBR"


class Country(StrEnum):
    """Whose attendance codes a school uses."""

    ENGLAND = "england"
    WALES = "wales"
    SCOTLAND = "scotland"
    NORTHERN_IRELAND = "northern_ireland"
    INDEPENDENT = "independent"
    """An independent school in England."""
    ABROAD = "abroad"


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
    LEAVING = "leaving"
    """It is being removed with all that is kept of it: to whoever submits it is unknown already."""


class OfficeMarks(StrEnum):
    """What a mark does to one that somebody has made in the MIS, where its record has no `only_if_blank`."""

    LEAVE = "leave"
    """It is not written: what the office has entered stays."""
    WARN = "warn"
    """It is written, and what was there before is said in the record."""
    OVERWRITE = "overwrite"
    """It is written, and nobody looks what was there."""


HOLD_WORDS: Mapping[str, str] = {
    HoldReason.OFFLINE: "Its agent does not answer",
    HoldReason.PAUSED: "The school has paused authorisation",
    HoldReason.MIGRATION: "It is moving to another MIS",
    HoldReason.TOKEN_REFUSED: "The provider refuses our credentials",
    HoldReason.SCOPE_MISSING: "The school has not granted what this needs",
    HoldReason.UNKNOWN_THERE: "The provider does not know the school",
    HoldReason.REVOKED: "The school has withdrawn access",
    HoldReason.WRITEBACK_OFF: "The school does not allow writeback",
    HoldReason.BY_STAFF: "Held by a person",
    HoldReason.LEAVING: "It is being removed",
}
"""What people are told of a school that is held."""

OF_A_FAMILY = frozenset({HoldReason.SCOPE_MISSING, HoldReason.UNKNOWN_THERE})
"""What the answer to one request says of its own family of kinds alone: others may be granted, and be there."""

BY_PEOPLE = frozenset({HoldReason.BY_STAFF, HoldReason.LEAVING})
"""What only a person ends, whatever the provider says."""


class LateRegisters(StrEnum):
    """What becomes of a mark that says when it was seen (`observed_at`), where something has been entered since."""

    LEAVE = "leave"
    """What was entered since is left as it is."""
    SEND = "send"
    """The mark goes over it, as one that does not say when it was seen."""


@dataclass(frozen=True)
class School:
    """What the rules look at. `overrides` are this school's own feature rules, kind by kind.

    `facts` is what the provider last said of it (`providers.base.SchoolReport`): `permissions` are those that it has
    granted (Wonde 1019), `scopes` those of its token (Xporter 172); a fact that is missing forbids nothing.
    """

    id: str
    name: str
    provider: str
    mis: str
    overrides: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    late_registers: LateRegisters = LateRegisters.LEAVE
    former_ids_until: datetime | None = None
    """Its ids were others until then, and nothing is sent before what has those has been carried over; None: nothing
    has."""
    directory: Directory = Directory.HASHED
    """What is kept of its people beside their ids."""
    words: Words = NO_WORDS
    """What its codes are called elsewhere."""
    stated_country: Country | None = None
    """As a person has said."""

    @property
    def mode(self) -> Mode:
        """Live, or for tests."""
        return mode_of(self.id)

    @property
    def country(self) -> Country:
        """Whose codes it uses: as a person has said; else abroad, where its provider names a country that is not the
        United Kingdom; else England's. No provider says in which part of the United Kingdom a school is."""
        if self.stated_country is not None:
            return self.stated_country
        is_abroad = self.facts.get(COUNTRY_CODE, _UNITED_KINGDOM) != _UNITED_KINGDOM
        return Country.ABROAD if is_abroad else Country.ENGLAND

    defaults: SchoolDefaults = field(default_factory=dict)
    """What stands where a record says nothing."""
    office_marks: OfficeMarks = OfficeMarks.OVERWRITE
    """What becomes of a mark that the office has made, where a record does not say so itself."""
    year: SchoolYear = NO_YEAR
    """Its terms, holidays and closures, as it gave them."""

    def today(self, now: datetime) -> date:
        """Return the school's own calendar day; in England where its provider names no time zone."""
        return now.astimezone(self.zone).date()

    def latest_day(self, now: datetime) -> date:
        """Return the day that records are judged by: today, or the latest that it may be, where the provider has not
        been asked yet in which zone the school is. Nothing is refused then for being to come that may be there."""
        return now.astimezone(self.zone if self.facts.get(ASKED_AT) else _FARTHEST_AHEAD).date()

    def clock(self, at: datetime) -> str:
        """Return an instant as the school's own clock has it, e.g. `08:50 on 12 January`."""
        return f"{(local := at.astimezone(self.zone)):%H:%M} on {local.day} {local:%B}"

    @property
    def zone(self) -> ZoneInfo:
        """The school's time zone; England's where its provider names none."""
        return _zone(str(self.facts.get("timezone") or _ENGLAND))


@dataclass(frozen=True)
class HookAddress:
    """Which address of a hook counts: each time that it is renewed, number and secret part are others."""

    number: int = 0
    old_until: datetime | None = None
    """The one before works until then; null: it does not."""

    def takes(self, number: int, now: datetime) -> bool:
        """Whether a call at the address of that number is one of ours. A later one than we know we have made ourselves:
        it was renewed a moment ago."""
        is_the_old = number == self.number - 1 and self.old_until is not None and now < self.old_until
        return number >= self.number or is_the_old


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
    timezone: str = ""
    """The school's own, as the provider named it last; empty: it has not yet."""
    hook: HookAddress = HookAddress()
    with_people: bool = False
    """Whether names and numbers of pupils and staff are asked for with their ids: the school keeps a directory."""
    withheld: str = ""
    """Why there are no credentials here although there are some: they may not go to this address."""

    @property
    def mode(self) -> Mode:
        """Live, or for tests: what is asked for it goes to the sandbox alone."""
        return mode_of(self.school_id)


@cache
def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo(_ENGLAND)
