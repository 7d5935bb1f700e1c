"""The port that every provider adapter implements. `flow` talks to providers through this alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Literal, Protocol, runtime_checkable

from writeback.domain.directory import People
from writeback.domain.finding import Finding
from writeback.domain.kinds import Kind, Record
from writeback.domain.lookups import ListName, LookupView, Row
from writeback.domain.outcome import Blocked, NotReached, Outcome, ReadBack, Refused, Verdict
from writeback.domain.school import Account
from writeback.domain.sending.next_request import Limits as Limits
from writeback.providers.answers import Answer


@dataclass(frozen=True)
class ProviderRequest:
    """One HTTP call, built and ready: what goes to the wire and nothing secret."""

    method: str
    path: str
    body: Mapping[str, Any] = field(repr=False)
    """Pupil data and, for Xporter, the address that its callback comes to: not for a repr. Empty: no body goes out."""
    kind: str = ""
    """The kind that it carries: how the answer is read depends on it."""


@dataclass(frozen=True)
class SentRequest:
    """What is remembered of a request that the provider has taken, enough to ask about it later."""

    request_id: str
    kind: Kind
    records: Sequence[Record]
    provider_ref: str | None
    sent_at: datetime
    """It was not sent before that: what the MIS had then, it has not made."""
    hints: Sequence[Mapping[str, Any]] = field(default_factory=tuple)
    """Webhooks and callbacks that came for it, oldest first, as `parse_hook` returned them."""


@dataclass(frozen=True)
class Hint:
    """A webhook or callback, read: which request it is about, and what it says."""

    payload: Mapping[str, Any]
    """Kept with the request; JSON, no pupil data beyond ids."""
    provider_ref: str | None = None
    request_id: str | None = None
    """Ours, where the provider gives it back (Xporter's `id` parameter)."""
    event: str = "writeback"
    """`writeback`, or what else the provider tells (Wonde: schoolApproved, accessRevoked, …)."""
    provider_school_id: str | None = None
    """The provider's own id of the school that the event is about."""
    name: str | None = None
    """What the provider calls that school."""
    credential: str | None = field(default=None, repr=False)
    """The school's token, where the event brings one (Wonde 250). Never part of `payload`, never logged."""


@dataclass(frozen=True)
class ListChange:
    """What a sync brought: all rows when `is_full`, else those changed, and the ids that are gone."""

    rows: Mapping[str, Row]
    is_full: bool
    deleted: Sequence[str] = ()
    cursor: str | None = None
    people: People = field(default_factory=dict, repr=False)
    """Of pupils and staff: who they are, of the rows that came; only where the account is `with_people`."""


@dataclass(frozen=True)
class SchoolReport:
    """What the provider says about a school: can anything be written now, and which lists can be read."""

    is_online: bool
    blocked: Blocked | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    """E.g. allows_writeback, has_lesson_attendance, custom_attendance_codes, permissions, scopes."""


class Provider(Protocol):
    """One provider. `build` and `fetch` raise what is said there, `parse_hook` BadInput; HTTP ends in outcomes."""

    name: str

    def limits(self, kind: Kind) -> Limits: ...

    def writes_only_if_blank(self, kind: Kind, record: Record, lookups: LookupView) -> bool:
        """Whether the provider itself leaves another mark alone for this record (N through Xporter, 14061)."""
        ...

    def keeps_trying(self) -> timedelta:
        """Return for how long the provider itself goes on trying to write what it has been sent."""
        ...

    def build(
        self,
        kind: Kind,
        records: Sequence[Record],
        lookups: LookupView,
        *,
        account: Account,
        callback_url: str,
    ) -> ProviderRequest:
        """Return the call that carries `records`, codes resolved to what the provider takes. Pure.

        Raise ListsMissing when a list that it needs was never fetched, CannotBuild when records are not fit to send.
        """
        ...

    async def send(self, account: Account, request: ProviderRequest) -> Outcome:
        """Send it once and say what came of it."""
        ...

    async def check(self, account: Account, sent: SentRequest, now: datetime) -> Verdict:
        """Say what is known of a taken request: from its hints, else by asking."""
        ...

    async def read_back(
        self, account: Account, sent: SentRequest, lookups: LookupView
    ) -> ReadBack | NotReached | Blocked:
        """Read the records' slots in the MIS."""
        ...

    def parse_hook(self, query: Mapping[str, str], body: bytes) -> Hint:
        """Return what a webhook or callback says; raise BadInput when it cannot be read."""
        ...

    async def fetch(
        self, account: Account, name: ListName, cursor: str | None, window: tuple[date, date]
    ) -> ListChange:
        """Return the list, or what changed since `cursor`; `window` bounds the lessons. Raise LookupFailed."""
        ...

    async def report(self, account: Account) -> SchoolReport | NotReached:
        """Ask whether the school can be written to now."""
        ...

    async def aclose(self) -> None: ...


ListingState = Literal["approved", "offline", "revoked", "declined", "pending"]
"""How a school stands with the application."""


@dataclass(frozen=True)
class SchoolListing:
    """One school as the provider lists it; what it does not say is empty or None."""

    provider_school_id: str
    name: str
    mis: str
    base_url: str
    """Where its calls go: providers keep regions apart (Wonde 12)."""
    urn: str | None = None
    establishment_number: str | None = None
    la_code: str | None = None
    allows_writeback: bool | None = None


@runtime_checkable
class ListsSchools(Protocol):
    """A provider that tells which schools an application's token reaches."""

    async def schools(
        self, token: str, base_url: str, state: ListingState
    ) -> Sequence[SchoolListing] | NotReached | Blocked:
        """Return the schools in that state; `base_url` empty: the provider's own."""
        ...


@runtime_checkable
class PassesOn(Protocol):
    """A provider whose lists are read for an app."""

    async def read(
        self, account: Account, path: str, params: Mapping[str, str]
    ) -> Answer | NotReached | Blocked | Refused:
        """Ask for a path below the provider's address, in which `{school}` stands for its id of the school.

        Return the answer that it gave as an API, in whatever status.
        """
        ...


class LookupFailed(Exception):
    """A list could not be fetched: `outcome` says whether to try again or to hold the school."""

    def __init__(self, name: ListName, outcome: NotReached | Blocked | None, detail: str) -> None:
        super().__init__(f"{name.value}: {detail}")
        self.list, self.outcome, self.detail = name, outcome, detail


class ListsMissing(Exception):
    """Lists that the request needs have never been fetched: sync them, then build again."""

    def __init__(self, lists: frozenset[ListName]) -> None:
        super().__init__(f"never fetched: {', '.join(sorted(lists))}")
        self.lists = lists


class CannotBuild(Exception):
    """Some records cannot be put into a request, e.g. their code is in no list; `findings` by position."""

    def __init__(self, findings: Mapping[int, Sequence[Finding]]) -> None:
        super().__init__(f"{len(findings)} records cannot be sent")
        self.findings = findings
