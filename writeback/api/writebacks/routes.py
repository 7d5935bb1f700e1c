"""`/v1/writebacks`: what apps and support staff look at. Submitting is in `api/writebacks/submit.py`."""

from typing import Annotated, Self

from fastapi import APIRouter, Query
from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from writeback.api.front.auth import Reader, Svc, check_school
from writeback.api.front.errors_doc import READING, errors
from writeback.api.front.paging import Paging, Parameters, split
from writeback.api.models import FindingCode, Said, check_said
from writeback.domain.kinds import KINDS
from writeback.domain.states import Status
from writeback.domain.submission.instants import Instant
from writeback.store.reads.filters import Filter
from writeback_client.models.base import Page
from writeback_client.models.writebacks import Counts, Writeback, WritebackSummary

router = APIRouter(tags=["writebacks"])


def known_kind(kind: str) -> str:
    """Return the kind; raise ValueError, with those that there are, for one that is not."""
    if kind not in KINDS:
        raise ValueError(f"there is no such kind; there are {', '.join(KINDS)}")
    return kind


_Text = Annotated[str, Field(min_length=1, max_length=200)]


class WritebackFilter(Parameters):
    """Filters; all that are given must hold."""

    school: str | None = None
    kind: Annotated[list[Annotated[str, AfterValidator(known_kind)]], BeforeValidator(split)] = []
    """One or several, repeated or separated by commas."""
    status: Annotated[list[Status], BeforeValidator(split)] = []
    """One or several, repeated or separated by commas."""
    app: str | None = None
    """Of use to keys that see every app."""
    ref: str | None = None
    """The app's own name for it."""
    since: Instant | None = None
    """Accepted at or after this instant."""
    until: Instant | None = None
    """Accepted before this instant."""
    code: FindingCode | None = None
    """Of a finding that one of its records has, e.g. `student_not_on_roll`."""
    said: Said | None = None
    """With `code`: what the provider said with it, by the key that the counts give."""
    hold: FindingCode | None = None
    """What it waits for, e.g. `school_offline`."""
    student: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    """The provider's id of a pupil, or of a member of staff, that a record is about."""
    batch: str | None = None
    """The batch that it came in."""
    provider_ref: _Text | None = None
    """The provider's reference of a request that carried it, or our id of that request (`req_…`)."""
    q: _Text | None = None
    """A writeback's id or a provider's reference, whole; or how any other id, a ref or one of its words begins.

    What has just come in is found by this a second or two later.
    """

    @model_validator(mode="after")
    def _says_of_what(self) -> Self:
        check_said(self.said, self.code)
        return self

    @property
    def wanted(self) -> Filter:
        given = {name: getattr(self, name) for name in WritebackFilter.model_fields}
        return Filter(kinds=given.pop("kind"), statuses=given.pop("status"), **given)


class WritebackQuery(WritebackFilter, Paging):
    """Filters; all that are given must hold."""


@router.get("/v1/writebacks", responses=errors(400, 401, 403))
async def list_writebacks(
    caller: Reader, services: Svc, query: Annotated[WritebackQuery, Query()]
) -> Page[WritebackSummary]:
    """List writebacks, the latest accepted first. A key sees its own app's; one with the scope support or
    admin those of every app, in its schools."""
    if query.school is not None:
        check_school(caller, query.school)
    return await services.reads.list(caller, query.wanted, limit=query.limit, cursor=query.cursor)


@router.get("/v1/writebacks/counts", responses=errors(400, 401, 403))
async def count_writebacks(caller: Reader, services: Svc, query: Annotated[WritebackFilter, Query()]) -> Counts:
    """Count the writebacks that a list with the same filters would show: by status, school and cause."""
    if query.school is not None:
        check_school(caller, query.school)
    return await services.reads.count(caller, query.wanted)


@router.get("/v1/writebacks/{writeback}", responses=READING)
async def show_writeback(caller: Reader, services: Svc, writeback: str) -> Writeback:
    """Show one writeback: its records, its timeline, and every request that carried it."""
    found = await services.reads.show(caller, writeback)
    await services.corrections.audit.note_read(caller, "writeback", found.id, app=found.app, school=found.school)
    return found
