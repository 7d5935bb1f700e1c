"""Writebacks: submit them, follow them, find them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypedDict, Unpack

from pydantic import BaseModel

from writeback_client import aio, blocking
from writeback_client.calls import Call, Request, Task, as_model, get, given, idempotency, path, post, said
from writeback_client.flows import Listing
from writeback_client.following import EventSource, Wait
from writeback_client.models.base import Page
from writeback_client.models.writebacks import Counts, Submitted, Writeback, WritebackSummary
from writeback_client.options import Options
from writeback_client.resources.lists import page, through
from writeback_client.steps import Flow

RecordIn = Mapping[str, Any] | BaseModel
"""A record as docs/rules.md and the OpenAPI document describe it, or the service's own model of it."""
OnInvalid = Literal["reject", "skip"]
Priority = Literal["interactive", "batch"]
OneOrMore = str | Iterable[str]
_LIST = "/v1/writebacks"
_PATIENCE_S = 120.0


def submit(
    school: str,
    kind: str,
    records: Iterable[RecordIn],
    *,
    on_invalid: OnInvalid | None = None,
    ref: str | None = None,
    expires_at: datetime | None = None,
    priority: Priority | None = None,
    idempotency_key: str | None = None,
    dry_run: bool = False,
) -> Call[Submitted]:
    """Submit records of one kind; once it returns, nothing can lose them. Raise Invalid with all findings.

    It carries an Idempotency-Key, so it is tried again by itself. Give your own to be safe over restarts, too.
    With `dry_run` nothing is kept: `status` is `valid` or `invalid`.
    """
    return post(
        path("/v1/schools/{}/writebacks", school),
        as_model(Submitted),
        said(
            kind=kind,
            records=plain(records),
            on_invalid=on_invalid,
            ref=ref,
            expires_at=expires_at,
            priority=priority,
        ),
        params={"dry_run": True} if dry_run else {},
        headers=idempotency(idempotency_key),
        is_repeatable=True,
    )


def fetch(writeback_id: str) -> Call[Writeback]:
    """Return a writeback with its records, timeline and requests; raise NotFound."""
    return get(path("/v1/writebacks/{}", writeback_id), as_model(Writeback))


def wait(writeback_id: str, *, timeout: float | None = _PATIENCE_S) -> Wait:
    """Return the writeback once it is final; raise NotFinal after `timeout` seconds (None: never).

    It may wait for a school to come back or for a person, so have an end to it, or use webhooks.
    """
    stream = Request("GET", path("/v1/writebacks/{}/events", writeback_id), headers=_STREAM, is_repeatable=True)
    return Wait(fetch(writeback_id), stream, timeout)


def submit_and_wait(
    school: str,
    kind: str,
    records: Iterable[RecordIn],
    *,
    on_invalid: OnInvalid | None = None,
    ref: str | None = None,
    expires_at: datetime | None = None,
    priority: Priority | None = None,
    idempotency_key: str | None = None,
    timeout: float | None = _PATIENCE_S,
) -> "SubmitAndWait":
    """Submit, and return the writeback once it is final; raise Invalid, or NotFinal (it goes on all the same)."""
    submission = submit(
        school,
        kind,
        records,
        on_invalid=on_invalid,
        ref=ref,
        expires_at=expires_at,
        priority=priority,
        idempotency_key=idempotency_key,
    )
    return SubmitAndWait(submission, timeout)


class Filters(TypedDict, total=False):
    """What a list or a count is of; all that are given must hold."""

    school: str
    kind: OneOrMore
    status: OneOrMore
    app: str
    """Of use to keys that see every app."""
    ref: str
    since: datetime | str
    """Accepted at or after this instant."""
    until: datetime | str
    """Accepted before this instant."""
    code: str
    """Of a finding that a record has."""
    said: str
    """With `code`: what the provider said with it, by the key that the counts give."""
    hold: str
    """What it waits for."""
    student: str
    """The provider's id of a pupil, or of a member of staff."""
    batch: str
    provider_ref: str
    q: str
    """Any id."""


def list_page(
    *, limit: int | None = None, cursor: str | None = None, **filters: Unpack[Filters]
) -> Call[Page[WritebackSummary]]:
    """Return a page of writebacks, the latest accepted first; all filters must hold."""
    return page(_LIST, WritebackSummary, **filters, limit=limit, cursor=cursor)


def iterate(*, at_most: int | None = None, **filters: Unpack[Filters]) -> Listing[WritebackSummary]:
    """Go through writebacks, the latest accepted first; pages are fetched as they are needed."""
    return through(_LIST, WritebackSummary, at_most=at_most, **filters)


def counts(**filters: Unpack[Filters]) -> Call[Counts]:
    """Count what a list would show: by status, school, finding and hold."""
    return get("/v1/writebacks/counts", as_model(Counts), **filters)


_STREAM = {"Accept": "text/event-stream"}


def events(
    writeback_id: str | None = None,
    *,
    school: str | None = None,
    kind: OneOrMore | None = None,
    status: OneOrMore | None = None,
    app: str | None = None,
    since: datetime | str | None = None,
    after: int | None = None,
    follow: bool = True,
) -> EventSource:
    """Go through events as they happen: of one writeback from its first, of all from now, `since`, or `after` an id.

    A connection that breaks is made again, and goes on behind the last event: nothing is skipped, nothing comes twice.
    With `follow=False` it ends after what has happened so far. Keep the last `id` to go on after a restart.
    """
    if writeback_id is not None:
        where, filters = path("/v1/writebacks/{}/events", writeback_id), {}
    else:
        where, filters = "/v1/events", {"school": school, "kind": kind, "status": status, "app": app}
    params = given({**filters, "since": since, "follow": follow})
    request = Request("GET", where, params, headers=_STREAM, is_repeatable=True)
    return EventSource(request, follow, after, is_of_one=writeback_id is not None)


@dataclass(frozen=True)
class SubmitAndWait(Task[Writeback]):
    """A submission, and then its end."""

    submission: Call[Submitted]
    timeout_s: float | None

    def flow(self, options: Options) -> Flow[Writeback]:
        accepted = yield from self.submission.flow(options)
        return (yield from wait(accepted.id, timeout=self.timeout_s).flow(options))


def plain(records: Iterable[RecordIn]) -> Sequence[Any]:
    """Return records as they are sent: of models only what was given."""
    return [
        record.model_dump(mode="json", exclude_unset=True) if isinstance(record, BaseModel) else dict(record)
        for record in records
    ]


class Writebacks(blocking.Room):
    """Of `Client`."""

    submit = blocking.one(submit)
    submit_and_wait = blocking.one(submit_and_wait)
    wait = blocking.one(wait)
    get = blocking.one(fetch)
    list = blocking.one(list_page)
    counts = blocking.one(counts)
    iterate = blocking.each(iterate)
    events = blocking.each(events)


class AsyncWritebacks(aio.Room):
    """Of `AsyncClient`."""

    submit = aio.one(submit)
    submit_and_wait = aio.one(submit_and_wait)
    wait = aio.one(wait)
    get = aio.one(fetch)
    list = aio.one(list_page)
    counts = aio.one(counts)
    iterate = aio.each(iterate)
    events = aio.each(events)
