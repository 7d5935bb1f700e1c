"""Batches: files of many rows, how far they are, and what came back of them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from writeback_client import aio, blocking
from writeback_client.calls import Call, Request, Task, as_bytes, as_model, get, given, idempotency, path, post, said
from writeback_client.errors import NotFinal
from writeback_client.files import FileLike, Progress, Upload
from writeback_client.flows import Listing
from writeback_client.models.base import Page
from writeback_client.models.batches import Batch, Uploaded
from writeback_client.options import Options
from writeback_client.resources.lists import page, through
from writeback_client.resources.writebacks import OneOrMore
from writeback_client.steps import Flow, Sleep

_LIST = "/v1/batches"
_PATIENCE_S, _UPLOAD_S = 600.0, 120.0
_FIRST_POLL_S, _SLOWEST_POLL_S, _SLOWER = 0.25, 5.0, 1.3


def upload(
    school: str,
    file: FileLike,
    *,
    kind: str | None = None,
    dry_run: bool = False,
    review: bool = False,
    date_order: Literal["dmy", "mdy"] | None = None,
    encoding: str | None = None,
    idempotency_key: str | None = None,
    on_progress: Progress | None = None,
) -> Call[Uploaded]:
    """Upload a CSV, NDJSON or XLSX file (a path, bytes, or an open binary file); once it returns, all of it is kept.

    Without `kind` the file has a column `kind`. `date_order` says what comes first in days such as 11/02/2026, the day
    or the month, and `encoding` how its letters are encoded (`mac-roman`, …); without them the file tells. With
    `review` nothing of it is sent before `reviews.send`. `on_progress` is called with bytes sent and bytes in all. It
    carries an Idempotency-Key, so it is tried again by itself. `wait` says what became of the rows.
    """
    stated = {"date_order": date_order, "encoding": encoding}
    request = Request(
        "POST",
        path("/v1/schools/{}/batches", school),
        given({"kind": kind, "dry_run": dry_run or None, "review": review or None, **stated}),
        Upload(file, on_progress),
        idempotency(idempotency_key),
        timeout_s=_UPLOAD_S,
        is_repeatable=True,
    )
    return Call(request, as_model(Uploaded))


def fetch(batch_id: str) -> Call[Batch]:
    """Return a batch: how many rows are read, good, bad and queued, and how far its writebacks are; raise NotFound."""
    return get(path("/v1/batches/{}", batch_id), as_model(Batch))


def list_page(
    *,
    school: str | None = None,
    status: OneOrMore | None = None,
    limit: int | None = None,
    cursor: str | None = None,
) -> Call[Page[Batch]]:
    """Return a page of batches, the newest first."""
    return page(_LIST, Batch, school=school, status=status, limit=limit, cursor=cursor)


def iterate(
    *, school: str | None = None, status: OneOrMore | None = None, at_most: int | None = None
) -> Listing[Batch]:
    """Go through batches, the newest first."""
    return through(_LIST, Batch, at_most=at_most, school=school, status=status)


def wait(
    batch_id: str,
    *,
    timeout: float | None = _PATIENCE_S,
    delivered: bool = True,
    on_progress: Callable[[Batch], None] | None = None,
) -> "WaitForBatch":
    """Return the batch once its writebacks are final, or somebody has to look at it; with `delivered=False` once its
    rows are queued.

    `on_progress` is called with the batch as it is now, again and again. Raise NotFinal after `timeout` seconds.
    """
    return WaitForBatch(fetch(batch_id), timeout, delivered, on_progress)


def cancel(batch_id: str, *, reason: str = "") -> Call[Batch]:
    """Stop a batch that is being read, checked, looked at or queued; raise Conflict where it is past that.

    What had been queued by then goes its way: `cancel_all` withdraws it, with the filter `batch`.
    """
    return post(path("/v1/batches/{}/cancel", batch_id), as_model(Batch), said(reason=reason or None))


def errors(batch_id: str, *, format: Literal["csv", "ndjson", "xlsx"] = "csv") -> Call[bytes]:
    """Return the bad rows as the same file, with columns that say what to correct; raise Conflict while they are
    checked.

    An NDJSON upload has `ndjson` alone, an XLSX one `xlsx` and `csv`.
    """
    return get(path("/v1/batches/{}/errors.{}", batch_id, format), as_bytes)


def template(school: str, kind: str, *, format: Literal["csv", "xlsx"] = "csv") -> Call[bytes]:
    """Return an empty file for this school: the columns that it takes, an example row, and in XLSX its codes."""
    return get(path("/v1/schools/{}/templates/{}.{}", school, kind, format), as_bytes)


@dataclass(frozen=True)
class WaitForBatch(Task[Batch]):
    """A batch at its end."""

    get: Call[Batch]
    timeout_s: float | None
    delivered: bool
    on_progress: Callable[[Batch], None] | None

    def flow(self, options: Options) -> Flow[Batch]:
        patience_s = float("inf") if self.timeout_s is None else self.timeout_s
        deadline, pause_s = options.clock.monotonic() + patience_s, _FIRST_POLL_S
        while True:
            batch = yield from self.get.flow(options)
            if self.on_progress is not None:
                self.on_progress(batch)
            if batch.is_finished or batch.waits_for_somebody or (not self.delivered and batch.finished_at is not None):
                return batch
            left_s = deadline - options.clock.monotonic()
            if left_s <= 0:
                raise NotFinal(f"{batch.id} is {batch.status} after {patience_s:g} s; nothing is lost, and it goes on")
            yield Sleep(min(pause_s, left_s))
            pause_s = min(_SLOWEST_POLL_S, pause_s * _SLOWER)


class Batches(blocking.Room):
    """`client.batches`."""

    upload = blocking.one(upload)
    wait = blocking.one(wait)
    get = blocking.one(fetch)
    list = blocking.one(list_page)
    iterate = blocking.each(iterate)
    cancel = blocking.one(cancel)
    errors = blocking.one(errors)
    template = blocking.one(template)


class AsyncBatches(aio.Room):
    """`client.batches` of `AsyncClient`."""

    upload = aio.one(upload)
    wait = aio.one(wait)
    get = aio.one(fetch)
    list = aio.one(list_page)
    iterate = aio.each(iterate)
    cancel = aio.one(cancel)
    errors = aio.one(errors)
    template = aio.one(template)
