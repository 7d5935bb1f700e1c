"""Schools, and how fresh their lists are."""

from datetime import date, datetime
from typing import Annotated, Any

from writeback_client.models.base import AS_ITS_ID, AnyMode, Known, Model
from writeback_client.words import Directory, ListName

AnyList = Annotated[ListName | str, Known()]


class Hold(Model):
    """Why a school is held, and since when."""

    reason: str
    detail: str = ""
    since: datetime | None = None
    until: datetime | None = None
    """When it ends by itself."""


class FamilyHold(Hold):
    """Why one family of kinds is held, and since when; the others go on."""

    family: str
    """`session-marks`, `lesson-marks`, `conduct`, `detention`, `absence` or `raw`."""


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
    """Entries that the provider has no longer."""
    since: datetime


class CachedList(Model):
    """How fresh one cached list of a school is."""

    list: str
    rows: int
    version: int
    fetched_at: datetime
    full_at: datetime | None = None
    """When it was last fetched from the beginning, not only what had changed; null: that is not known."""
    held_back: HeldBack | None = None
    """`POST …/lookups/{list}/removals` takes them out, or has them stay."""


class School(Model):
    """A school. Its credentials are never shown."""

    id: str
    mode: AnyMode = AS_ITS_ID
    """`test`: a test school, whose requests go to the sandbox alone."""
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
    """The school's own feature rules, kind by kind."""
    defaults: dict[str, dict[str, str]] = {}
    """What stands where its records say nothing, by kind and field."""
    office_marks: str = "overwrite"
    """What a mark does to one that the office has made: `leave`, `warn` or `overwrite`."""
    content_days: float | None = None
    """For how many days what its writebacks say is kept after they ended; null: as the service's settings say."""
    late_registers: str = "leave"
    """What becomes of a mark that says when it was seen (`observed_at`) where something has been entered since: `leave`
    (that stays as it is) or `send` (the mark goes over it)."""
    directory: Annotated[Directory | str, Known()] = Directory.OFF
    """What is kept of its people beside their ids, so that they are found by UPN, number or name."""
    country: str | None = None
    """Whose attendance codes it uses, as somebody has said: `england`, `wales`, `scotland`, `northern_ireland`,
    `independent` (in England) or `abroad`; null: abroad where its provider says so, else England."""
    lookups: tuple[CachedList, ...] = ()
    waiting: int = 0
    """Writebacks that have not ended."""
    created_at: datetime
    updated_at: datetime


class Stretch(Model):
    """Days in a row of a school's year, both ends included."""

    kind: str
    """`term`, `holiday`, `inset`, `closure`, or `open`: open whatever else is said of these days."""
    first: date
    last: date
    name: str = ""
    """E.g. Christmas."""


class SchoolYear(Model):
    """A school's year: when pupils come, and when not."""

    school: str
    stretches: tuple[Stretch, ...] = ()
    """What the school has given, in the order of its days."""
    from_provider: tuple[Stretch, ...] = ()
    """What its provider tells besides."""
    passed_over: tuple[str, ...] = ()
    """Entries of the file that say nothing of the school's days, each with why."""


class SyncedList(Model):
    """What became of one list."""

    list: AnyList
    rows: int
    changed: bool
    fetched_at: datetime | None = None
    error: str | None = None
    """Why it could not be fetched; the list from before is used then."""
    not_available: str | None = None
    """Why there is no such list here: the provider has none, or the school does not permit it. No error."""
    held_back: int = 0
    """Entries that the provider has no longer, and that stay until somebody says that this is true."""


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
    """Empty: the provider does not say."""
    base_url: str = ""
    """Where its calls go; regions differ."""
    urn: str | None = None
    establishment_number: str | None = None
    la_code: str | None = None
    allows_writeback: bool | None = None
    """Null: the provider does not say."""
    school: str | None = None
    """Its id here; null: it is not registered."""
