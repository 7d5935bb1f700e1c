"""Schools, their lists, and what they take."""

from datetime import datetime
from typing import Any

from writeback_client.models.base import Model


class Hold(Model):
    """Why a school is held, and since when."""

    reason: str
    detail: str = ""
    since: datetime | None = None


class FamilyHold(Hold):
    """Why one family of kinds is held, and since when; the others go on."""

    family: str


class Rest(Model):
    """Why nothing is sent to a school for a while."""

    detail: str
    """What its provider asked for, or how it fails to answer."""
    since: datetime
    until: datetime
    """Then one request tries; `resume` has all of them go at once."""


class HeldBack(Model):
    """What fell out of a list at once, and stays in it until somebody says whether that is true."""

    count: int
    since: datetime


class CachedList(Model):
    """How fresh one cached list of a school is."""

    list: str
    rows: int
    version: int
    fetched_at: datetime
    full_at: datetime | None = None
    """When it was last fetched from the beginning."""
    held_back: HeldBack | None = None


class School(Model):
    """A school. Its credentials are never shown."""

    id: str
    name: str
    provider: str
    mis: str
    provider_school_id: str
    base_url: str = ""
    """Empty: the provider's own."""
    state: str
    """`active` or `held`."""
    hold: Hold | None = None
    held_families: tuple[FamilyHold, ...] = ()
    """Families of kinds that are held by themselves."""
    left_alone: Rest | None = None
    """Where its provider has asked to be left alone, or does not answer."""
    hook_url: str | None = None
    """Where the provider calls; shown to keys with the scope admin."""
    facts: dict[str, Any] = {}
    """What the provider last said of the school."""
    overrides: dict[str, Any] = {}
    lookups: tuple[CachedList, ...] = ()
    waiting: int = 0
    """Writebacks that have not ended."""
    created_at: datetime
    updated_at: datetime


class SyncedList(Model):
    """What became of one list."""

    list: str
    rows: int
    changed: bool
    fetched_at: datetime | None = None
    error: str | None = None
    not_available: str | None = None
    held_back: int = 0
    """Entries that the provider has no longer, and that stay until somebody decides."""


class Synced(Model):
    """What a sync brought."""

    school: str
    lists: tuple[SyncedList, ...]
    report: dict[str, Any] = {}
    """What the provider says of the school."""


class ListedSchool(Model):
    """A school as its provider lists it."""

    provider_school_id: str
    name: str
    mis: str = ""
    base_url: str = ""
    urn: str | None = None
    establishment_number: str | None = None
    la_code: str | None = None
    allows_writeback: bool | None = None
    school: str | None = None
    """Its id here; None: it is not registered."""


class RuleSet(Model):
    """What a MIS takes through a provider, kind by kind; the MIS `*` is every one without rules of its own."""

    provider: str
    mis: str
    kinds: dict[str, dict[str, Any]]


class Permission(Model):
    """What a school must have granted for a kind."""

    name: str
    spelling: str = ""
    state: str
    """`granted`, `missing` or `unknown`."""
    ask: str = ""
    """What to ask the school for."""


class Choice(Model):
    """One value that a field may have."""

    id: str | None = None
    code: str | None = None
    description: str | None = None


class Field(Model):
    """One field of a kind's record, as a school takes it."""

    name: str
    path: str
    type: str
    use: str
    """`needed`, `allowed`, `ignored` or `forbidden`."""
    max_length: int | None = None
    minimum: float | None = None
    maximum: float | None = None
    emoji: bool = True
    default: Any = None
    help: str = ""
    choices: tuple[Choice, ...] | None = None
    """None: anything, or the list was never fetched."""
    choices_of: str | None = None
    choices_left_out: int = 0
    fields: "tuple[Field, ...]" = ()
    """Of a list of objects: what each object has."""


class KindFeatures(Model):
    """What a school takes of one kind; its limits are in `model_extra`."""

    kind: str
    action: str
    noun: str = ""
    supported: bool
    reason: str = ""
    is_overridden: bool = False
    permission: Permission | None = None
    readable: bool = False
    why_unreadable: str = ""
    required: tuple[str, ...] = ()
    forbidden: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    fields: tuple[Field, ...] = ()
    notes: str = ""
    source: str = ""


class Features(Model):
    """What one school takes, kind by kind."""

    school: str
    provider: str
    mis: str
    kinds: dict[str, KindFeatures]
