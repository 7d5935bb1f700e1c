"""What a provider said, in our words: the outcome of a request, and the verdict of a later check.

`providers/*/outcomes.py` make these; `flow/dispatch/` and `flow/confirm/` match on them, to the last case.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from writeback.domain.finding import Finding
from writeback.domain.near_matches import Near
from writeback.domain.school import HoldReason


@dataclass(frozen=True)
class RawAnswer:
    """An answer of a provider as it came, unpacked. It may say anything about anybody: it is kept sealed."""

    status: int
    content_type: str
    body: bytes = field(repr=False)
    """Its beginning."""
    size: int
    """Bytes of the whole."""


@dataclass(frozen=True)
class Taken:
    """The provider has it and will tell later how it went."""

    provider_ref: str | None
    """Wonde's writeback_id, Xporter's TrackingId; None where it gave none: then only the MIS can tell (Wonde 1300)."""


@dataclass(frozen=True)
class Applied:
    """It is in the MIS already: a synchronous answer."""

    evidence: str


@dataclass(frozen=True)
class Refused:
    """A definite no: nothing of this request was or will be written."""

    message: str
    """What it came to, without pupil data beyond ids."""
    findings: Mapping[int, Sequence[Finding]] = field(default_factory=dict)
    """By position in the request: the records that it names. Empty: it names none."""
    raw: RawAnswer | None = field(default=None, repr=False, compare=False)
    said: str = ""
    """The provider's own words, and nothing of ours; empty: it gave none."""


@dataclass(frozen=True)
class NotReached:
    """It certainly did not take effect, and may be sent again: DNS, refused, TLS, the provider's own 429 or 503."""

    reason: str
    retry_after_s: float | None = None
    """How long it asks to be left alone."""
    raw: RawAnswer | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True)
class Uncertain:
    """It may have taken effect: 5xx, timeout or reset after the request was sent, an unreadable answer, a proxy's."""

    reason: str
    retry_after_s: float | None = None
    """How long whoever answered asks to be left alone."""
    raw: RawAnswer | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True)
class Blocked:
    """Nothing can be sent for this school until something outside changes."""

    reason: HoldReason
    detail: str
    raw: RawAnswer | None = field(default=None, repr=False, compare=False)


Outcome = Taken | Applied | Refused | NotReached | Uncertain | Blocked


@dataclass(frozen=True)
class Pending:
    """No verdict yet; the provider may retry by itself. `check_at`: not before then, None: as usual."""

    check_at: datetime | None = None
    detail: str = ""
    awaits_callback: bool = False
    """The provider will call; it cannot be asked. When the call is overdue, the MIS is read."""


@dataclass(frozen=True)
class Evidenced:
    """Evidence says that all records of the request are in the MIS."""

    evidence: str
    """`webhook+poll`, `poll`, `callback`, `read-back`."""
    mis_ids: Mapping[int, Sequence[str]] = field(default_factory=dict)
    """By position in the request: the MIS's own ids, where it gave any."""
    notes: Mapping[int, str] = field(default_factory=dict)
    """By position in the request: what the evidence leaves open, e.g. under the N rule."""


@dataclass(frozen=True)
class Rejected:
    """The provider took it and then could not write it."""

    message: str
    findings: Mapping[int, Sequence[Finding]] = field(default_factory=dict)
    raw: RawAnswer | None = field(default=None, repr=False, compare=False)
    said: str = ""
    """The provider's own words, and nothing of ours; empty: it gave none."""


@dataclass(frozen=True)
class GaveUp:
    """The provider took it, could not reach the school for so long that it gave up, and wrote nothing."""

    reason: HoldReason
    detail: str


@dataclass(frozen=True)
class Unclear:
    """The provider does not know the request, or its answer cannot be read."""

    reason: str
    raw: RawAnswer | None = field(default=None, repr=False, compare=False)


Verdict = Pending | Evidenced | Rejected | GaveUp | Unclear | NotReached | Blocked


@dataclass(frozen=True)
class Found:
    """One thing in the MIS that says what a record says. `created_at`: when the provider first had it, if it tells."""

    mis_id: str
    created_at: datetime | None = None
    parts: tuple[str, ...] = ()
    """The other ids that it consists of, where the MIS keeps one record a pupil (Bromcom)."""

    @property
    def ids(self) -> tuple[str, ...]:
        return self.mis_id, *self.parts


@dataclass(frozen=True)
class SlotReadBack:
    """What the MIS holds for one record.

    For a mark `value` is the code, None where there is no mark. For what is created, changed or removed, `matches` says
    whether the MIS is as the record asks, `found` by what; `value` then says in a few words what is there instead, None
    where nothing is. Never a name or a comment.
    """

    value: str | None
    matches: bool
    found: tuple[Found, ...] = ()
    near: tuple[Near, ...] = ()
    """What is nearly what a new record says, beside `found`; what a provider says was there before it is left out."""
    is_kept: bool = False
    """`value` is not what the record says, but by the MIS's own rule the record would not have replaced it."""


@dataclass(frozen=True)
class ReadBack:
    """What was found in the MIS, by position. `as_of`: when the provider itself last read the MIS, if it says."""

    readings: Mapping[int, SlotReadBack]
    as_of: datetime | None = None
    removed: tuple[str, ...] = ()
    """What was removed from the MIS since the request that was to create something of its kind: nobody says what."""
