"""What the API takes to resubmit, cancel, resolve and check."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints, model_validator

from writeback.api.models import FindingCode, MaybeReason, Reason, Said, Taken, check_said
from writeback.api.writebacks.routes import known_kind
from writeback.domain.changes import Changes, Settable, Substitution
from writeback.domain.corrections import Outcome
from writeback.domain.kinds.base import NO_CONTROLS
from writeback.domain.states import Status
from writeback.domain.submission.instants import Instant
from writeback.domain.submission.submission import OnInvalid
from writeback.flow.correct.by_filter import MOST
from writeback.flow.correct.draft import Edit, Order
from writeback.store.reads.filters import Filter
from writeback.store.reads.selection import Selection

WHY = "Why, in your own words. It goes into the audit log and the timeline, so name no pupil."
_LOOKED = (
    "Somebody has looked: what was cancelled while in doubt is not in the MIS. Needed for what must not be doubled."
)


class EditIn(Taken):
    """A record to be sent instead of the one at `index`."""

    index: Annotated[int, Field(ge=0)]
    record: dict[str, Any]
    """Whole, as in a submission of this kind."""


class ResubmitIn(Taken):
    """How to send again. Without `records` everything goes as it was."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "records": [
                        {
                            "index": 2,
                            "record": {"student_id": "A1329183376", "date": "2026-01-12", "session": "AM", "code": "L"},
                        }
                    ],
                    "reason": "The pupil was entered twice",
                }
            ]
        }
    )

    records: list[EditIn] = []
    """Corrected records. Only of ones that failed, were cancelled or were never sent."""
    reason: Annotated[MaybeReason, Field(description=WHY + " Needed with `records`.")] = ""
    on_invalid: OnInvalid = "reject"
    """`reject`: one bad record keeps all back. `skip`: the good ones go, the bad ones stay failed."""
    not_in_mis: Annotated[bool, Field(description=_LOOKED)] = False

    @model_validator(mode="after")
    def _edits_have_a_reason(self) -> "ResubmitIn":
        if self.records and not self.reason:
            raise ValueError("edited records need a reason")
        return self

    @property
    def order(self) -> Order:
        return Order([Edit(edit.index, edit.record) for edit in self.records], self.on_invalid, self.not_in_mis)


class CancelIn(Taken):
    """Why it is cancelled."""

    reason: Annotated[MaybeReason, Field(description=WHY)] = ""


class CheckIn(Taken):
    """Why it is looked at now."""

    reason: Annotated[MaybeReason, Field(description=WHY)] = ""


MisId = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=255, pattern=NO_CONTROLS)]


class ResolveIn(Taken):
    """How what needs attention is settled, after a look into the MIS."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"outcome": "resend", "reason": "The office agrees that L is right"}]}
    )

    outcome: Outcome
    """`confirmed`: it is there. `failed`: it is not, and shall not be. `resend`: it goes again."""
    records: Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=1)] | None = None
    """Indexes; null: all that need attention."""
    mis_ids: dict[Annotated[int, Field(ge=0)], MisId] = {}
    """By index, with `confirmed`: the MIS's own id of what the record has made. It may be left out where there is
    nothing in the MIS that is nearly the record, or one thing, which is then taken."""
    reason: Annotated[Reason, Field(description=WHY)]

    @model_validator(mode="after")
    def _is_there(self) -> Self:
        if self.mis_ids and self.outcome is not Outcome.CONFIRMED:
            raise ValueError(f"mis_ids says as what it is in the MIS; the outcome {self.outcome} leaves that out")
        return self


Name = Annotated[str, StringConstraints(max_length=200, pattern=NO_CONTROLS)]
"""An id or a reference to look for."""


class FilterIn(Taken):
    """Which writebacks; all that are given must hold, and something must be given."""

    ids: Annotated[list[Name], Field(max_length=MOST)] = []
    school: Name | None = None
    kind: list[Annotated[str, AfterValidator(known_kind)]] = []
    app: Name | None = None
    batch: Name | None = None
    """The batch that they came in."""
    ref: Name | None = None
    """The app's own name for it."""
    since: Instant | None = None
    """Accepted at or after this instant."""
    until: Instant | None = None
    """Accepted before this instant."""
    code: FindingCode | None = None
    """Of a finding that one of its records has, e.g. `student_not_on_roll`."""
    said: Said | None = None
    """With `code`: what the provider said with it, by the key that the counts give."""
    student: Annotated[Name, Field(min_length=1, max_length=64)] | None = None

    @model_validator(mode="after")
    def _is_not_empty(self) -> "FilterIn":
        if not any(getattr(self, name) for name in type(self).model_fields):
            raise ValueError("an empty filter would be about everything: name at least a school, an app or a time")
        check_said(self.said, self.code)
        return self

    def _selection(self, statuses: Sequence[str]) -> Selection:
        wanted = Filter(
            school=self.school,
            kinds=self.kind,
            statuses=statuses,
            app=self.app,
            batch=self.batch,
            ref=self.ref,
            since=self.since,
            until=self.until,
            code=self.code,
            said=self.said,
            student=self.student,
        )
        return Selection(wanted, tuple(dict.fromkeys(self.ids)))


class ResubmitFilterIn(FilterIn):
    """Which writebacks to send again."""

    status: list[Literal["failed", "partial", "expired", "cancelled"]] = []
    """Empty: failed, partial and expired; what somebody has cancelled only where it is named."""

    @property
    def selection(self) -> Selection:
        return self._selection([Status(status) for status in self.status])


class CancelFilterIn(FilterIn):
    """Which writebacks to withdraw."""

    status: list[Literal["queued", "held", "sending", "needs_attention"]] = []
    """Empty: queued and held. Of one that is `sending` only the records that have not left are cancelled."""

    @property
    def selection(self) -> Selection:
        return self._selection([Status(status) for status in self.status])


class CheckFilterIn(FilterIn):
    """Which writebacks to look for evidence of."""

    status: list[Literal["queued", "held", "sending", "sent", "unknown", "needs_attention"]] = []
    """Empty: sent and unknown. Of the others some records may be sent, too."""

    @property
    def selection(self) -> Selection:
        return self._selection([Status(status) for status in self.status])


class ManyIn(Taken):
    """What calls by filter have in common."""

    reason: Annotated[Reason, Field(description=WHY)]
    limit: Annotated[int, Field(ge=1, le=MOST)] = MOST
    """Writebacks in this call."""
    cursor: str | None = None
    """`next_cursor` of the answer before."""


class SubstitutionIn(Taken):
    """Where a field says `was`, it says `becomes` from now on."""

    field: Settable
    """`staff`: whoever recorded, supervises or authorised."""
    was: Annotated[Name, Field(min_length=1)]
    becomes: Annotated[Name, Field(min_length=1)]


class ChangesIn(Taken):
    """What is changed in the records before they go; with `set` only those go in which it changes something."""

    set: Annotated[list[SubstitutionIn], Field(max_length=50)] = []
    without_students: Annotated[list[Name], Field(max_length=MOST)] = []
    """Ids: what is about them stays as it is."""
    without_codes: Annotated[list[FindingCode], Field(max_length=100)] = []
    """Of findings: what failed for one of these stays as it is."""

    @model_validator(mode="after")
    def _each_is_said_once(self) -> Self:
        said = [(one.field, one.was) for one in self.set]
        if twice := next((one for one in said if said.count(one) > 1), None):
            raise ValueError(f"set says twice what becomes of {twice[0]} {twice[1]}")
        return self

    @property
    def changes(self) -> Changes:
        said = tuple(Substitution(one.field, one.was, one.becomes) for one in self.set)
        return Changes(said, tuple(self.without_students), tuple(self.without_codes))


class ManyResubmitIn(ManyIn):
    """Send again all that match."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"filter": {"school": "hillside", "code": "code_inactive"}, "reason": "The school has enabled code X"}
            ]
        }
    )

    filter: ResubmitFilterIn
    on_invalid: OnInvalid = "reject"
    """Of each writeback by itself. With `changes` what they do not mend stays failed, as with `skip`."""
    changes: ChangesIn = ChangesIn()

    @property
    def order(self) -> Order:
        changes = self.changes.changes
        return Order(on_invalid="skip" if changes else self.on_invalid, changes=changes)


class ManyCancelIn(ManyIn):
    """Withdraw all that match."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"filter": {"school": "hillside", "app": "registers"}, "reason": "Sent to the wrong school"}]
        }
    )

    filter: CancelFilterIn


class ManyCheckIn(ManyIn):
    """Look at once for the evidence of all that match."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"filter": {"school": "hillside"}, "reason": "The head asks"}]}
    )

    filter: CheckFilterIn
