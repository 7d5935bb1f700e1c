"""`/v1/…/batches`: files of many rows, how far they are, and what came back of them; templates to fill in."""

from typing import Annotated, Any, Literal
from urllib.parse import quote

from fastapi import APIRouter, Header, Query, Request
from pydantic import AfterValidator, BeforeValidator
from starlette.requests import ClientDisconnect
from starlette.responses import Response, StreamingResponse

from writeback.api.batches.models import ANSWER_EXAMPLE, BATCH_EXAMPLE
from writeback.api.batches.uploads import file_of
from writeback.api.corrections.models import CancelIn
from writeback.api.front.auth import Corrector, Reader, Submitter, Svc, check_school
from writeback.api.front.errors_doc import READING, WRITING, error, errors
from writeback.api.front.paging import Paging, Parameters, split
from writeback.api.writebacks.routes import known_kind
from writeback.batches.days import DayOrder
from writeback.batches.encodings import TextEncoding
from writeback.batches.files import MEDIA_TYPES
from writeback.batches.layout import Format, Stated
from writeback.domain.actor import actor_of
from writeback.flow.batches.error_files import media_type_of
from writeback.flow.batches.uploads import NewBatch
from writeback.store.batches.batches import BatchStatus
from writeback_client.models.base import Page
from writeback_client.models.batches import Batch, Uploaded

router = APIRouter(tags=["batches"])

_XLSX = MEDIA_TYPES[Format.XLSX]
_BINARY = {"type": "string", "format": "binary"}
_FORM = {"type": "object", "properties": {"file": _BINARY}, "required": ["file"]}
_CSV_EXAMPLE = "Pupil ID,Date,Session,Code\r\nA1921160061,12/01/2026,AM,/\r\nA1921160062,12/01/2026,AM,N\r\n"
_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "The file itself, or a form with the file as its only part.",
        "content": {
            "text/csv": {"schema": {"type": "string"}, "example": _CSV_EXAMPLE},
            "application/x-ndjson": {"schema": {"type": "string"}},
            _XLSX: {"schema": _BINARY},
            "multipart/form-data": {
                "schema": {"type": "object", "properties": {"file": _BINARY}, "required": ["file"]}
            },
        },
    }
}
_TEXT = {"schema": {"type": "string"}}
_UPLOADED = {
    **errors(400, 401, 403, 404),
    409: error(409, code="idempotency_key_reused", detail="this Idempotency-Key was used for something else"),
    413: error(413, code="file_too_large", detail="the file has more than 50000000 bytes"),
    415: error(415, code="file_type_unsupported", detail="Content-Type is 'application/pdf'"),
    422: error(422, code="batch_invalid", detail="Not available for Arbor through Xporter"),
    429: error(429, code="batches_too_many", detail="the app has 5 files under way, which is the most"),
    202: {
        "content": {"application/json": {"example": ANSWER_EXAMPLE}},
        "headers": {
            "Location": {"schema": {"type": "string"}, "description": "Where to see how far it is."},
            "Idempotent-Replayed": {
                "schema": {"type": "string"},
                "description": "`true`: it is an earlier answer.",
            },
        },
    },
}


_CANCELLED = {
    **WRITING,
    409: error(409, code="batch_not_cancellable", detail="bat_1 is done: nothing of its file waits"),
}


class UploadQuery(Parameters):
    """What the rows are."""

    kind: Annotated[str, AfterValidator(known_kind)] | None = None
    """The kind of every row; without it the file has a column (in NDJSON a member) `kind`."""
    dry_run: bool = False
    """Check everything, queue nothing."""
    review: bool = False
    """Check everything, and queue nothing before somebody has looked at it: `POST /v1/batches/{batch}/send`."""
    date_order: DayOrder | None = None
    """What comes first in days such as 11/02/2026: the day (`dmy`) or the month (`mdy`). Without it all days of the
    file together tell."""
    encoding: TextEncoding | None = None
    """The encoding of a CSV or NDJSON file. Without it the file tells, or it is guessed, and a warning says so."""


class BatchQuery(Paging):
    """Filters; all that are given must hold."""

    school: str | None = None
    status: Annotated[list[BatchStatus], BeforeValidator(split)] = []
    """One or several, repeated or separated by commas; batches that are being delivered are `done`."""


@router.post(
    "/v1/schools/{school}/batches",
    status_code=202,
    response_model=Uploaded,
    responses=_UPLOADED,
    openapi_extra=_BODY,
)
async def upload_batch(
    caller: Submitter,
    services: Svc,
    school: str,
    request: Request,
    query: Annotated[UploadQuery, Query()],
    idempotency_key: Annotated[str | None, Header(description="The same key and file are taken once.")] = None,
    x_filename: Annotated[str | None, Header(description="The file's name, where it is the body itself.")] = None,
) -> Response:
    """Upload a CSV, NDJSON or XLSX file of many rows. Good rows are queued; bad ones come back as the same file."""
    async with file_of(request) as sent:
        stated = Stated(query.date_order, query.encoding)
        new = NewBatch(
            school, query.kind, sent.media_type, sent.name, query.dry_run, idempotency_key, stated, query.review
        )
        upload = await services.batches.begin(caller, new)
        try:
            async for piece in sent.pieces:
                await upload.add(piece)
            answer = await upload.finish()
        except ClientDisconnect:
            await upload.abandon()
            return Response(status_code=400)
        except BaseException:
            await upload.abandon()
            raise
    headers = {"Location": f"/v1/batches/{answer.batch_id}"}
    if answer.replayed:
        headers["Idempotent-Replayed"] = "true"
    return Response(answer.body, 202, headers, "application/json")


@router.get("/v1/batches", responses=errors(400, 401, 403))
async def list_batches(caller: Reader, services: Svc, query: Annotated[BatchQuery, Query()]) -> Page[Batch]:
    """List batches, the newest first."""
    if query.school is not None:
        check_school(caller, query.school)
    return await services.batches.list(
        caller, school=query.school, statuses=query.status, limit=query.limit, cursor=query.cursor
    )


@router.get(
    "/v1/batches/{batch}",
    responses={**READING, 200: {"content": {"application/json": {"example": BATCH_EXAMPLE}}}},
)
async def show_batch(caller: Reader, services: Svc, batch: str) -> Batch:
    """Show one batch: how many rows are read, good, bad and queued, and how far its writebacks are."""
    return await services.batches.get(caller, batch)


@router.post("/v1/batches/{batch}/cancel", responses=_CANCELLED)
async def cancel_batch(caller: Corrector, services: Svc, batch: str, body: CancelIn | None = None) -> Batch:
    """Stop a batch that is being read, checked, looked at or queued.

    What had been queued by then are writebacks like all others: withdraw them with `POST /v1/writebacks/cancel` and the
    filter `{"batch": "…"}`.
    """
    return await services.batches.cancel(caller, batch, actor_of(caller, body.reason if body is not None else ""))


@router.get(
    "/v1/batches/{batch}/errors.{format}",
    response_class=StreamingResponse,
    responses={
        **READING,
        409: error(409, code="batch_not_checked", detail="the batch is still checking"),
        200: {
            "description": "The bad rows as they were, with `problem` and `what to do`.",
            "content": {"text/csv": _TEXT, "application/x-ndjson": _TEXT, _XLSX: {"schema": _BINARY}},
        },
    },
)
async def download_errors(caller: Reader, services: Svc, batch: str, format: Format) -> Response:
    """Download the bad rows as the same file. Mend them and upload it again: just these rows are sent."""
    file = await services.batches.errors(caller, batch, format)
    if caller.sees_app is None:
        of = await services.batches.get(caller, batch)
        await services.corrections.audit.note_read(caller, "batch", of.id, app=of.app, school=of.school)
    return StreamingResponse(file.pieces, headers=_download(file.name), media_type=media_type_of(format))


@router.get(
    "/v1/schools/{school}/templates/{kind}.{format}",
    response_class=Response,
    responses={**READING, 200: {"content": {"text/csv": _TEXT, _XLSX: {"schema": _BINARY}}}},
)
async def download_template(
    caller: Reader, services: Svc, school: str, kind: str, format: Literal["csv", "xlsx"]
) -> Response:
    """Download an empty file for this school: the columns that it takes, an example row, and in XLSX its codes."""
    content = await services.batches.template(school, kind, Format(format))
    return Response(content, headers=_download(f"{kind}.{format}"), media_type=media_type_of(Format(format)))


def _download(name: str) -> dict[str, str]:
    """Return headers that have browsers save a file under a name."""
    return {
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
    }
