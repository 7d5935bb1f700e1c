"""Uploading: a file arrives in pieces, and is stored whole before the upload is answered. The API calls this.

What if the process dies? The batch stays `uploading` and is dropped after a while; the caller has no answer and sends
the file again.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar

import structlog
from sqlmodel import Session

from validators import validate
from writeback.batches.columns import columns_of
from writeback.batches.files import format_of
from writeback.batches.findings import make
from writeback.batches.layout import NOTHING_STATED, Format, Stated
from writeback.core.errors import BadInput, BodyTooLarge, Conflict, InvalidSubmission, TooManyAtOnce
from writeback.core.ids import new_id
from writeback.domain.access import Caller, Scope, check_kind
from writeback.domain.actor import Actor, actor_of
from writeback.domain.finding import Finding
from writeback.domain.kinds import KINDS
from writeback.domain.mode import Mode
from writeback.flow.accept.answer import iso
from writeback.flow.engine.context import FlowContext
from writeback.store.batches import batches, reviews
from writeback.store.batches.batches import BatchStatus, LeaseLost
from writeback.store.people import audit
from writeback.store.sql.upsert import insert_new
from writeback.store.tables import App, BatchRow, IdempotencyRow

T = TypeVar("T")

log = structlog.get_logger()

_CHUNK = 512 * 1024
_LONGEST_KEY, _LONGEST_NAME = 255, 200
_RETRY_AFTER_S = 30


@dataclass(frozen=True)
class NewBatch:
    """What a caller says of a file. `media_type` and `file_name` may be empty."""

    school: str
    kind: str | None
    media_type: str = ""
    file_name: str = ""
    dry_run: bool = False
    idempotency_key: str | None = None
    stated: Stated = NOTHING_STATED
    review: bool = False
    """Whether somebody looks at it before anything of it is sent."""


@dataclass(frozen=True)
class UploadAnswer:
    """What an upload is answered with; `body` is JSON and goes out as it is."""

    batch_id: str
    body: bytes
    replayed: bool = False


class Upload:
    """One file on its way in. End it with `finish` or `abandon`."""

    def __init__(self, flow: FlowContext, new: NewBatch, batch: BatchRow, actor: Actor) -> None:
        self._flow, self._new, self._batch, self._actor = flow, new, batch, actor
        self._hash = hashlib.sha256()
        self._buffer = bytearray()
        self._chunks = 0
        self._head = b""

    async def add(self, piece: bytes) -> None:
        """Take the next bytes; raise BodyTooLarge, or Conflict where the upload was ended meanwhile."""
        self._batch.size += len(piece)
        limit = self._flow.settings.batches.max_file_bytes
        if self._batch.size > limit:
            raise file_too_large(limit)
        self._hash.update(piece)
        self._buffer += piece
        while len(self._buffer) >= _CHUNK:
            await self._keep(_CHUNK)

    async def finish(self) -> UploadAnswer:
        """Start work on the file, and answer; a key that was used before gets the answer that it got then.

        Raise BadInput for an empty file, Conflict for a key that was used for another, or where the upload was ended.
        """
        await self._keep(_CHUNK)
        if not self._batch.size:
            raise BadInput("file_empty", "the file is empty", hint="Send the file as the body, or as multipart.")
        self._batch.format = self._format().value
        self._batch.sha256 = self._hash.hexdigest()
        answer = await self._transact(self._finish)
        if answer.replayed:
            await self.abandon()
            return answer
        batch = self._batch
        log.info("batch_uploaded", batch_id=batch.id, school=batch.school_id, app_id=batch.app_id, bytes=batch.size)
        await self._flow.waker.wake("run_batch", [batch.id])
        return answer

    async def abandon(self) -> None:
        """Drop what has come: the upload was broken off, or refused."""
        await self._flow.db.transact(partial(drop_upload, batch_id=self._batch.id))

    async def _keep(self, size: int) -> None:
        data = bytes(self._buffer[:size])
        if not data:
            return
        del self._buffer[:size]
        self._head = self._head or data[:4_096]
        keep = partial(batches.add_chunk, batch_id=self._batch.id, number=self._chunks, data=data)
        await self._transact(keep)
        self._chunks += 1

    async def _transact(self, work: Callable[[Session], T]) -> T:
        try:
            return await self._flow.db.transact(work)
        except LeaseLost as lost:
            raise Conflict(
                "upload_ended",
                f"the upload of {self._batch.id} was given up, or its school or app removed, before it came to its end",
                hint="Send the file once more, faster or in smaller parts.",
            ) from lost

    def _format(self) -> Format:
        format_ = format_of(self._head, media_type=self._new.media_type, name=self._new.file_name)
        kind = self._new.kind
        if kind is not None and format_ is not Format.NDJSON and not columns_of(kind):
            raise _invalid([make("kind_not_tabular", pointer="/kind", kind=kind)])
        return format_

    def _finish(self, session: Session) -> UploadAnswer:
        batch = self._batch
        same = batches.find_same(session, batch)
        if same is not None:
            warning = make("file_uploaded_before", at=iso(same.created_at), batch=same.id)
            batch.findings = [warning.as_json()]
        batch.status, batch.updated_at = BatchStatus.READING, self._flow.clock.now()
        body = json.dumps(_answer(batch)).encode()
        known = self._claim(session, body)
        if known is not None:
            return known
        changes = {
            name: getattr(batch, name) for name in ("format", "size", "sha256", "findings", "status", "updated_at")
        }
        batches.change(session, batch.id, 0, **changes)
        if batch.review:
            reviews.begin(session, batch.id, batch.updated_at + timedelta(days=self._days_of_review()))
        noted = {name: getattr(batch, name) for name in ("file_name", "format", "size", "kind", "dry_run", "review")}
        audit.note(
            session,
            self._actor,
            batch.updated_at,
            "batch.upload",
            batch.id,
            app=batch.app_id,
            school=batch.school_id,
            changed=noted,
        )
        return UploadAnswer(batch.id, body)

    def _days_of_review(self) -> float:
        return self._flow.settings.batches.review_days

    def _claim(self, session: Session, body: bytes) -> UploadAnswer | None:
        """Claim the Idempotency-Key; return the answer that it has had."""
        key, batch = self._new.idempotency_key, self._batch
        if key is None:
            return None
        said = f"batch\0{batch.school_id}\0{batch.kind}\0{batch.dry_run}\0{batch.sha256}{batch.layout}"
        said += "\0review" if batch.review else ""
        body_hash = hashlib.sha256(said.encode()).hexdigest()
        claim = {"app_id": batch.app_id, "key": key, "body_hash": body_hash, "answer": body.decode()}
        if insert_new(session, IdempotencyRow, **claim, created_at=self._flow.clock.now()):
            return None
        known = session.get(IdempotencyRow, (batch.app_id, key))
        if known is None or known.body_hash != body_hash:
            raise Conflict(
                "idempotency_key_reused",
                "this Idempotency-Key was used for something else",
                hint="Use a new key for a new file; the same key is only for sending the same again.",
            )
        return UploadAnswer(json.loads(known.answer)["id"], known.answer.encode(), replayed=True)


async def begin_upload(flow: FlowContext, caller: Caller, new: NewBatch) -> Upload:
    """Return an upload to be filled.

    Raise NotFound for the school, Forbidden for a kind that the key may not send, InvalidSubmission for one that the
    school does not take, BadInput for the kind or the key, TooManyAtOnce while the app has as many files under way, or
    in review, as it may.
    """
    check_key(new.idempotency_key)
    if new.review and new.dry_run:
        raise BadInput(
            "review_or_dry_run",
            "review and dry_run are both set",
            hint="Send one of them: a file in review can be sent afterwards, one that is only checked cannot.",
        )
    if new.kind is not None:
        check_kind(caller, new.kind)
    await _check_kind(flow, new)
    now, settings = flow.clock.now(), flow.settings.batches
    batch = BatchRow(
        id=new_id("bat", now),
        app_id=caller.app_id,
        school_id=new.school,
        kind=new.kind,
        kinds=None if caller.kinds is None else sorted(caller.kinds),
        may_find=caller.may(Scope.FIND),
        format="",
        file_name=_plain_name(new.file_name),
        dry_run=new.dry_run,
        review=new.review,
        status=BatchStatus.UPLOADING,
        layout=new.stated.as_json(),
        created_at=now,
        updated_at=now,
    )
    values = batch.model_dump()

    def begin(session: Session) -> None:
        if caller.staff_name is not None:  # the console's app at this school: there is none until its first file
            insert_new(session, App, id=caller.app_id, name=caller.app_id, created_at=now)
        since = now - timedelta(seconds=settings.give_up_upload_s)
        if batches.count_under_way(session, caller.app_id, since) >= settings.max_under_way_per_app:
            raise too_many_files(settings.max_under_way_per_app)
        if new.review and reviews.count_of_app(session, caller.app_id) >= settings.max_in_review_per_app:
            raise _too_many_in_review(settings.max_in_review_per_app)
        insert_new(session, BatchRow, **values)

    await flow.db.transact(begin)
    return Upload(flow, new, batch, actor_of(caller))


def drop_upload(session: Session, batch_id: str) -> None:
    """Delete an upload that did not end well."""
    batches.drop_chunks(session, batch_id)
    batches.drop_uploading(session, batch_id)


def too_many_files(most: int) -> TooManyAtOnce:
    return TooManyAtOnce(
        "batches_too_many",
        f"the app has {most} files under way, which is the most",
        retry_after_s=_RETRY_AFTER_S,
        hint="Send this one when one of them is done.",
    )


def _too_many_in_review(most: int) -> TooManyAtOnce:
    return TooManyAtOnce(
        "reviews_too_many",
        f"the app has {most} files in review, which is the most",
        retry_after_s=_RETRY_AFTER_S,
        hint="Send or cancel one of them: GET /v1/batches?status=reviewing lists them.",
    )


def file_too_large(limit: int) -> BodyTooLarge:
    return BodyTooLarge("file_too_large", f"the file has more than {limit} bytes", hint="Split it into several files.")


def check_key(key: str | None) -> None:
    """Raise BadInput for an Idempotency-Key that cannot be one."""
    if key is not None and not (0 < len(key) <= _LONGEST_KEY and key.isprintable()):
        raise BadInput(
            "idempotency_key_invalid",
            f"the Idempotency-Key has {len(key)} characters or some that cannot be printed",
            hint=f"Send 1 to {_LONGEST_KEY} printable characters, e.g. a UUID.",
        )


async def _check_kind(flow: FlowContext, new: NewBatch) -> None:
    school = await flow.registry.school(new.school)
    if new.kind is None:
        return
    view = await flow.lookups.view(new.school)
    errors = [one for one in validate(KINDS[new.kind], (), school, view) if one.is_error]
    if errors:
        raise _invalid(errors)


def _invalid(findings: Sequence[Finding]) -> InvalidSubmission:
    return InvalidSubmission("batch_invalid", findings[0].message, [one.as_json() for one in findings])


def _plain_name(name: str) -> str:
    """Return a file's name without folders and what cannot be printed."""
    last = name.replace("\\", "/").rpartition("/")[2]
    return "".join(letter for letter in last if letter.isprintable())[:_LONGEST_NAME]


def _answer(batch: BatchRow) -> dict[str, Any]:
    return {
        "id": batch.id,
        "status": batch.status.value if isinstance(batch.status, BatchStatus) else batch.status,
        "school": batch.school_id,
        "mode": Mode.of(batch.school_id),
        "kind": batch.kind,
        "dry_run": batch.dry_run,
        "review": batch.review,
        "format": batch.format,
        "file_name": batch.file_name,
        "size": batch.size,
        "findings": batch.findings,
        "created_at": iso(batch.created_at),
    }
