"""What the API takes of schools and keys."""

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, StringConstraints

from writeback.api.front.paging import Parameters, split
from writeback.api.models import MaybeReason, Reason, Taken
from writeback.domain.access import Scope
from writeback.domain.directory import Directory
from writeback.domain.kinds.base import NO_CONTROLS
from writeback.domain.lookups import Decision, ListName
from writeback.domain.mode import Mode
from writeback.domain.school import LateRegisters, OfficeMarks
from writeback.domain.submission.instants import Instant
from writeback.flow.people.keys import LONGEST_OVERLAP, OVERLAP

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=NO_CONTROLS)]


Credentials = Annotated[
    dict[str, str],
    Field(
        repr=False,
        description="Wonde: `token`. Xporter: `secret`, and perhaps `relying_party` and `sts_url`. Never shown again.",
        examples=[{"token": "…"}],
    ),
]
Overrides = Annotated[dict[str, dict[str, Any]], Field(description="The school's own feature rules, kind by kind.")]
ContentDays = Annotated[
    float | None,
    Field(
        allow_inf_nan=False,
        description="For how many days what its writebacks say is kept after they ended, 1 to 396; null: as the "
        "service's settings say.",
        examples=[396],
    ),
]
CountryName = Annotated[
    str | None,
    Field(
        description="Whose attendance codes it uses: england, wales, scotland, northern_ireland, independent (in "
        "England) or abroad; null: abroad where its provider names a country that is not the United Kingdom, else "
        "England.",
        examples=["scotland"],
    ),
]


Defaults = Annotated[
    dict[str, dict[str, str]],
    Field(
        description="What stands where a record says nothing, by kind and field: ids or codes of the school's own "
        "lists. `employee_id` only where the MIS refuses the record without. They are replaced as a whole.",
        examples=[{"attendance.session": {"employee_id": "A1234567890"}, "behaviour.create": {"location": "CLS"}}],
    ),
]


class SchoolIn(Taken):
    """A school to register."""

    id: str | None = None
    """Small letters, digits and hyphens; made from the name where it is left out. Those of test schools get `test_`
    before them."""
    mode: Mode | None = None
    """`live`, or `test`: requests of a test school go to the sandbox alone. It never changes. Left out: that of the
    key."""
    name: str
    provider: str
    """`wonde` or `xporter`."""
    mis: str
    """E.g. SIMS, Bromcom, Arbor."""
    provider_school_id: str
    """Wonde's school id, or the seven-digit establishment number for Xporter."""
    base_url: str = ""
    """Where this school's provider is, where it is not the usual place; https, but for hosts that the settings name.
    Without credentials of its own the school must be at a host that the settings name."""
    credentials: Credentials = {}
    """Left out: those of our own account with the provider serve it, where the settings have any."""
    overrides: Overrides = {}
    content_days: ContentDays = None
    directory: Directory = Directory.HASHED
    country: CountryName = None


class SchoolChange(Taken):
    """What to change; what is left out stays. Credentials are replaced as a whole."""

    id: str = ""
    """Cannot be changed; it may be sent as it is."""
    mode: str = ""
    """Cannot be changed; it may be sent as it is."""
    name: str = ""
    provider: str = ""
    """Cannot be changed; it may be sent as it is."""
    mis: str = ""
    provider_school_id: str = ""
    base_url: str = ""
    """On another scheme, host or port the stored credentials do not follow: send them again."""
    credentials: Credentials = {}
    overrides: Overrides = {}
    content_days: ContentDays = None
    late_registers: LateRegisters = LateRegisters.LEAVE
    """What becomes of a mark that says when it was seen (`observed_at`) where something has been entered since: `leave`
    that as it is, or `send` the mark over it."""
    directory: Directory = Directory.HASHED
    country: CountryName = None
    defaults: Defaults = {}
    office_marks: OfficeMarks = OfficeMarks.OVERWRITE
    """What a mark does to one that the office has made, where the record has no `only_if_blank`: `leave` it, `warn`
    (write over it and say what was there), or `overwrite`."""


class HoldIn(Taken):
    """Why a school is to be held; shown to whoever asks why nothing is sent."""

    reason: Reason
    until: Instant | None = None
    """When the hold ends by itself; without it, it does when somebody resumes the school."""


class ResumeIn(Taken):
    """Why a school is resumed."""

    reason: MaybeReason = ""


class SyncQuery(Parameters):
    """What of a school's lists to fetch."""

    full: bool = False
    """Fetch all rows, not only what has changed since the last time."""
    list: Annotated[Sequence[ListName], BeforeValidator(split)] = ()
    """Only these; all where it is left out."""


class RemovalsIn(Taken):
    """What becomes of the entries that fell out of a list and wait."""

    decision: Decision
    """`accept`: it is true, they are taken out. `discard`: it is not, they stay; the next sync that lacks so many asks
    again."""
    count: Annotated[int, Field(ge=0)] | None = None
    """How many you have seen: where it is another number by now, nothing is done (409)."""
    reason: MaybeReason = ""


class KeyIn(Taken):
    """A key to make."""

    app: Name
    """The app that it belongs to; made where it is new."""
    mode: Mode = Mode.LIVE
    """`test`: it is for test schools alone; a `live` one has none of these. It never changes. Test keys are those of an
    app of their own, whose id begins with `test_`."""
    name: Annotated[str, StringConstraints(strip_whitespace=True, max_length=200, pattern=NO_CONTROLS)] = ""
    """What people tell it by."""
    scopes: Annotated[list[Scope], Field(min_length=1)]
    schools: list[str] | None = None
    """Ids of the schools that it may touch; null: all."""
    kinds: Annotated[list[str] | None, Field(examples=[["attendance.session", "conduct"]])] = None
    """Kinds, or families of them, that it may send, change and see; null: all."""


class RotateKeyIn(Taken):
    """How long the old secret works beside the new one."""

    overlap_s: Annotated[int, Field(ge=0, le=int(LONGEST_OVERLAP.total_seconds()))] = int(OVERLAP.total_seconds())
    """Seconds; 0: it stops at once, for a key that somebody else has seen. A day where it is left out."""
