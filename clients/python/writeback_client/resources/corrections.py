"""What people do with writebacks: resubmit, cancel, resolve, check; one by one, or all that a filter finds."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, TypedDict, TypeVar

from writeback_client import aio, blocking
from writeback_client.calls import Answer, Call, as_model, get, path, post, said
from writeback_client.models.corrections import Check, Corrected, Count, Preview, ProviderAnswer, Report
from writeback_client.resources.writebacks import OnInvalid, RecordIn, plain

Outcome = Literal["confirmed", "failed", "resend"]
T = TypeVar("T")
_MANY_S = 120.0


class Where(TypedDict, total=False):
    """Which writebacks; all that are given must hold, and something must be given."""

    ids: Sequence[str]
    school: str
    kind: Sequence[str]
    status: Sequence[str]
    app: str
    ref: str
    since: datetime
    until: datetime
    code: str
    said: str
    student: str
    batch: str


def resubmit(
    writeback_id: str,
    *,
    records: Mapping[int, RecordIn] | None = None,
    reason: str = "",
    on_invalid: OnInvalid | None = None,
    not_in_mis: bool = False,
    dry_run: bool = False,
) -> Call[Corrected]:
    """Send again what failed, was cancelled or was never sent; `records` are corrected ones, whole, by index.

    Raise Conflict where there is nothing to send again, Invalid where it would still be refused.
    `not_in_mis`: somebody has looked, and what was in doubt is not there.
    """
    edits = [
        {"index": index, "record": record}
        for index, record in zip(records or (), plain((records or {}).values()), strict=True)
    ]
    body = said(
        records=edits or None, reason=reason or None, on_invalid=on_invalid, not_in_mis=True if not_in_mis else None
    )
    params = {"dry_run": True} if dry_run else {}
    return post(_path(writeback_id, "resubmit"), as_model(Corrected), body, params=params, is_repeatable=dry_run)


def cancel(writeback_id: str, *, reason: str = "") -> Call[Corrected]:
    """Withdraw what has not left; raise Conflict where all of it has."""
    return post(_path(writeback_id, "cancel"), as_model(Corrected), said(reason=reason or None))


def resolve(
    writeback_id: str,
    outcome: Outcome,
    *,
    reason: str,
    records: Sequence[int] | None = None,
    mis_ids: Mapping[int, str] | None = None,
) -> Call[Corrected]:
    """Settle what needs attention, after a look into the MIS: `failed` shall not be there, `resend` goes again.

    Without `records` all that need attention. `mis_ids`, with `confirmed`: by index, which of what is nearly the record
    it has made; needed only where there are several. Needs the scope support.
    """
    indexes = None if records is None else list(records)
    ids = {str(index): mis_id for index, mis_id in (mis_ids or {}).items()} or None
    body = said(outcome=outcome, reason=reason, records=indexes, mis_ids=ids)
    return post(_path(writeback_id, "resolve"), as_model(Corrected), body)


def check(writeback_id: str, *, reason: str = "") -> Call[Check]:
    """Have the evidence of what is sent or unknown looked for at once; raise Conflict where none is awaited.

    Within seconds it is one check, however often it is asked for.
    """
    return post(_path(writeback_id, "check"), as_model(Check), said(reason=reason or None), is_repeatable=True)


def answer(writeback_id: str, request_id: str) -> Call[ProviderAnswer]:
    """Show what the provider last answered to a request that failed; each look is audited. Needs the scope support.

    `Writeback.requests` says of which requests it is kept. Raise NotFound where it is not.
    """
    return get(path("/v1/writebacks/{}/requests/{}/answer", writeback_id, request_id), as_model(ProviderAnswer))


class Substitution(TypedDict):
    """Where a field (`code`, `staff`, `type`, `location`, …) says `was`, it says `becomes` from now on."""

    field: str
    was: str
    becomes: str


class Changes(TypedDict, total=False):
    """What is changed in many records at once, and which are left out."""

    set: Sequence[Substitution]
    without_students: Sequence[str]
    without_codes: Sequence[str]


def resubmit_all(
    where: Where,
    *,
    reason: str,
    changes: Changes | None = None,
    on_invalid: OnInvalid | None = None,
    limit: int | None = None,
    cursor: str | None = None,
) -> Call[Report]:
    """Send again all that a filter finds; where there are more than one call takes, `next_cursor` goes on.

    With `changes` only those go in which something is set; what these do not mend stays failed.
    """
    body = said(filter=_plain(where), reason=reason, changes=changes, on_invalid=on_invalid, limit=limit, cursor=cursor)
    return _many("resubmit", body, as_model(Report))


def preview_resubmit_all(where: Where, changes: Changes, *, limit: int | None = None) -> Call[Preview]:
    """Say what `resubmit_all` would make of the first of them, at most 200; do nothing."""
    body = said(filter=_plain(where), reason="preview", changes=changes, limit=limit)
    return post(
        "/v1/writebacks/resubmit",
        as_model(Preview),
        body,
        params={"preview": True},
        is_repeatable=True,
        timeout_s=_MANY_S,
    )


def count_resubmit_all(where: Where) -> Call[Count]:
    """Say how many `resubmit_all` would look at; do nothing."""
    return _many("resubmit", {"filter": _plain(where), "reason": "count"}, as_model(Count), count=True)


def cancel_all(where: Where, *, reason: str, limit: int | None = None, cursor: str | None = None) -> Call[Report]:
    """Withdraw all that a filter finds and that has not left."""
    return _many("cancel", said(filter=_plain(where), reason=reason, limit=limit, cursor=cursor), as_model(Report))


def count_cancel_all(where: Where) -> Call[Count]:
    """Say how many `cancel_all` would look at; do nothing."""
    return _many("cancel", {"filter": _plain(where), "reason": "count"}, as_model(Count), count=True)


def check_all(where: Where, *, reason: str, limit: int | None = None, cursor: str | None = None) -> Call[Report]:
    """Have the evidence of all that a filter finds looked for at once, where it is awaited."""
    return _many("check", said(filter=_plain(where), reason=reason, limit=limit, cursor=cursor), as_model(Report))


def count_check_all(where: Where) -> Call[Count]:
    """Say how many `check_all` would look at; do nothing."""
    return _many("check", {"filter": _plain(where), "reason": "count"}, as_model(Count), count=True)


def _path(writeback_id: str, action: str) -> str:
    return path("/v1/writebacks/{}/" + action, writeback_id)


def _plain(where: Where) -> dict[str, Any]:
    return {name: value if isinstance(value, str | datetime) else list(value) for name, value in where.items()}  # type: ignore[call-overload] # a TypedDict's values are `object`


def _many(action: str, body: Mapping[str, Any], read: Callable[[Answer], T], *, count: bool = False) -> Call[T]:
    # What is on its way is not sent again, so it does nothing twice.
    params = {"count": True} if count else {}
    return post(f"/v1/writebacks/{action}", read, body, params=params, is_repeatable=True, timeout_s=_MANY_S)


class Correction(blocking.Room):
    """Of `Client`."""

    resubmit = blocking.one(resubmit)
    cancel = blocking.one(cancel)
    resolve = blocking.one(resolve)
    check = blocking.one(check)
    answer = blocking.one(answer)
    resubmit_all = blocking.one(resubmit_all)
    preview_resubmit_all = blocking.one(preview_resubmit_all)
    count_resubmit_all = blocking.one(count_resubmit_all)
    cancel_all = blocking.one(cancel_all)
    count_cancel_all = blocking.one(count_cancel_all)
    check_all = blocking.one(check_all)
    count_check_all = blocking.one(count_check_all)


class AsyncCorrection(aio.Room):
    """Of `AsyncClient`."""

    resubmit = aio.one(resubmit)
    cancel = aio.one(cancel)
    resolve = aio.one(resolve)
    check = aio.one(check)
    answer = aio.one(answer)
    resubmit_all = aio.one(resubmit_all)
    preview_resubmit_all = aio.one(preview_resubmit_all)
    count_resubmit_all = aio.one(count_resubmit_all)
    cancel_all = aio.one(cancel_all)
    count_cancel_all = aio.one(count_cancel_all)
    check_all = aio.one(check_all)
    count_check_all = aio.one(count_check_all)
