"""Files that are looked at before they are sent: what was understood, columns, people, rows, sending."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import BeforeValidator, ConfigDict, Field

from writeback.api.front.auth import Corrector, Reader, Submitter, Svc
from writeback.api.front.errors_doc import READING, WRITING, error
from writeback.api.front.paging import Paging, split
from writeback.api.models import FindingCode, Taken
from writeback.batches.days import DayOrder
from writeback.batches.encodings import TextEncoding
from writeback.batches.mapping.mapping import ColumnUse as Use
from writeback.domain.access import Caller
from writeback.domain.actor import actor_of
from writeback.domain.directory import Match
from writeback.flow.batches.mending import RowChange
from writeback.flow.batches.readings import WantedReading
from writeback.flow.batches.reviews import cells_at, place_of
from writeback.store.batches.batches import LineState
from writeback.wiring import Services
from writeback_client.models.base import Page
from writeback_client.models.batches import Batch
from writeback_client.models.reviews import ColumnUse, Mended, Review, ReviewPerson, ReviewRow, SavedMapping

router = APIRouter(tags=["batches"])

_NOT_IN_REVIEW = error(409, code="batch_not_in_review", detail="bat_1 is done, and not in review")
_CHANGED = error(409, code="batch_changed", detail="bat_1 was changed by somebody else meanwhile")
_READ: dict[int | str, dict[str, Any]] = {**READING, 409: _NOT_IN_REVIEW}
_WRITTEN: dict[int | str, dict[str, Any]] = {**WRITING, 409: _CHANGED}
_CONFIRMED: dict[int | str, dict[str, Any]] = {
    **_WRITTEN,
    422: error(422, code="mapping_invalid", detail="There is no column session, and no other that says it"),
}
_DELETED = {
    **WRITING,
    404: error(404, code="mapping_unknown", detail="hillside has no mapping 'map_1' that this key may see"),
}
_VERSION = "The version that was looked at. Where the file has been changed since, nothing is done."

Version = Annotated[int | None, Field(description=_VERSION)]


class RowsQuery(Paging):
    """Filters; all that are given must hold."""

    state: Annotated[list[LineState], BeforeValidator(split)] = []
    """good, bad or left_out; one or several, repeated or separated by commas."""
    code: FindingCode | None = None
    """Rows with a finding of this code."""


class PeopleQuery(Paging):
    """Filters; all that are given must hold."""

    match: Annotated[list[Match], BeforeValidator(split)] = []
    """One or several, repeated or separated by commas."""


class RowIn(Taken):
    """What is to become of a row."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"cells": {"C": "L"}, "version": 3}, {"left_out": True}]})

    cells: dict[str, str] = {}
    """What cells say from now on, by their column as spreadsheets name it (A, B, …). NDJSON has the column A alone: the
    line."""
    left_out: bool | None = None
    """Whether it is not to be sent."""
    version: Version = None


class ColumnIn(ColumnUse):
    """What a column of the file is; empty: it is not sent."""

    model_config = ConfigDict(extra="forbid")


class MappingIn(Taken):
    """How the file is to be read. What is left out stays as it is; an empty object confirms what is proposed."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"columns": {"A": {"field": "student.upn"}, "C": {}}, "constants": {"session": "AM"}, "version": 2}
            ]
        }
    )

    columns: Annotated[dict[str, ColumnIn], Field(max_length=200)] = {}
    """By their column as spreadsheets name it (A, B, …)."""
    constants: Annotated[dict[str, Annotated[str, Field(max_length=200)]], Field(max_length=50)] | None = None
    """What every row has, by field: all that is to be said so, for it takes the place of what was said before."""
    first_day: Annotated[str, Field(max_length=10)] | None = None
    """YYYY-MM-DD: from when on the days of a grid count, where its columns do not say their year, month or date."""
    date_order: DayOrder | None = None
    encoding: TextEncoding | None = None
    remember: bool = True
    """Whether the next file of this app and school with the same column names is read so too."""
    discard_mends: bool = False
    """Whether what was mended by hand may get lost: the file is read once more."""
    version: Version = None


class ChosenPersonIn(Taken):
    """Who it is."""

    person_id: Annotated[str, Field(min_length=1, max_length=200)] | None
    """The provider's id of one on the school's list; null: nobody is chosen after all."""
    version: Version = None


class SendIn(Taken):
    """Which version of the file is meant."""

    version: Version = None


@router.get("/v1/batches/{batch}/review", responses=_READ)
async def show_review(caller: Reader, services: Svc, batch: str) -> Review:
    """Show how a file in review was understood: its columns, and until when it can be sent."""
    return await services.reviews.get(caller, batch)


@router.get("/v1/batches/{batch}/rows", responses=_READ)
async def list_rows(caller: Reader, services: Svc, batch: str, query: Annotated[RowsQuery, Query()]) -> Page[ReviewRow]:
    """List the rows of a file in review, in its order: their cells, the record that each becomes, and findings."""
    rows = await services.reviews.rows(
        caller, batch, states=query.state, code=query.code, limit=query.limit, cursor=query.cursor
    )
    await _note_read(caller, services, batch)
    return rows


@router.get("/v1/batches/{batch}/people", responses=_READ)
async def list_people(
    caller: Reader, services: Svc, batch: str, query: Annotated[PeopleQuery, Query()]
) -> Page[ReviewPerson]:
    """List whom rows name by UPN, number or name, what looking for them came to, and who comes near."""
    people = await services.reviews.people(caller, batch, matches=query.match, limit=query.limit, cursor=query.cursor)
    await _note_read(caller, services, batch)
    return people


@router.put("/v1/batches/{batch}/people/{person}", responses=_WRITTEN)
async def choose_person(caller: Corrector, services: Svc, batch: str, person: str, body: ChosenPersonIn) -> Mended:
    """Say who it is whom rows name so; all of these are checked again. It takes the scope `find`."""
    mended = await services.reviews.choose(
        caller, batch, person, body.person_id, actor_of(caller), version=body.version
    )
    await _note_read(caller, services, batch)
    return mended


@router.put("/v1/batches/{batch}/mapping", status_code=202, responses=_CONFIRMED)
async def confirm_mapping(caller: Corrector, services: Svc, batch: str, body: MappingIn) -> Batch:
    """Say what the columns of a file in review are, or confirm what is proposed. It is read once more, and checked.

    The next file with the same column names is read so too, and says so: `GET /v1/schools/{school}/mappings`.
    """
    wanted = WantedReading(
        columns={place_of(column): Use(**use.model_dump()) for column, use in body.columns.items()},
        constants=body.constants,
        first_day=body.first_day,
        date_order=body.date_order,
        encoding=body.encoding,
        is_remembered=body.remember,
        discards_mends=body.discard_mends,
    )
    return await services.reviews.confirm(caller, batch, wanted, actor_of(caller), version=body.version)


@router.get("/v1/schools/{school}/mappings", responses=READING)
async def list_mappings(
    caller: Reader, services: Svc, school: str, query: Annotated[Paging, Query()]
) -> Page[SavedMapping]:
    """List how files with certain column names are read for this school, as somebody has confirmed it."""
    return await services.mappings.list(caller, school, limit=query.limit, cursor=query.cursor)


@router.delete("/v1/schools/{school}/mappings/{mapping}", status_code=204, responses=_DELETED)
async def delete_mapping(caller: Submitter, services: Svc, school: str, mapping: str) -> None:
    """Delete one: the next file with these column names is read as they say themselves."""
    await services.mappings.forget(caller, school, mapping, actor_of(caller))


@router.patch("/v1/batches/{batch}/rows/{number}", responses=_WRITTEN)
async def mend_row(
    caller: Corrector, services: Svc, batch: str, number: Annotated[int, Path(ge=1, le=2**31 - 1)], body: RowIn
) -> Mended:
    """Change cells of a row, or leave it out; it is checked again, and so are rows about the same mark or incident."""
    change = RowChange(number, cells_at(body.cells), body.left_out)
    mended = await services.reviews.mend(caller, batch, change, actor_of(caller), version=body.version)
    await _note_read(caller, services, batch)
    return mended


@router.post("/v1/batches/{batch}/send", responses=_WRITTEN)
async def send_batch(caller: Corrector, services: Svc, batch: str, body: SendIn | None = None) -> Batch:
    """Send a file in review: its good rows are queued, its bad ones can be downloaded, what is left out is deleted."""
    return await services.reviews.send(
        caller, batch, actor_of(caller), version=body.version if body is not None else None
    )


async def _note_read(caller: Caller, services: Services, batch_id: str) -> None:
    """Write down that rows of another app's file were given out."""
    if caller.sees_app is None:
        of = await services.batches.get(caller, batch_id)
        await services.corrections.audit.note_read(caller, "batch", of.id, app=of.app, school=of.school)
