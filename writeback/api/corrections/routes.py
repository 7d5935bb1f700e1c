"""What people do with writebacks: resubmit, cancel, resolve, check; one by one, or all that a filter finds."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from starlette.status import HTTP_200_OK, HTTP_202_ACCEPTED

from writeback.api.corrections.models import (
    CancelIn,
    CheckIn,
    FilterIn,
    ManyCancelIn,
    ManyCheckIn,
    ManyResubmitIn,
    ResolveIn,
    ResubmitIn,
)
from writeback.api.front.auth import Corrector, Supporter, Svc, check_school
from writeback.api.front.errors_doc import READING, WRITING, error
from writeback.api.front.paging import Parameters
from writeback.domain.access import Caller, check_kind
from writeback.domain.actor import actor_of
from writeback.domain.corrections import Action
from writeback.flow.correct.by_filter import Work
from writeback.flow.correct.draft import Order
from writeback.wiring import Services
from writeback_client.models.corrections import Check, Corrected, Count, Preview, ProviderAnswer, Report

router = APIRouter(tags=["corrections"])

_RESUBMITTED: dict[int | str, dict[str, Any]] = {
    **WRITING,
    200: {"model": Corrected, "description": "A dry run: what would go, and what there is to say of it."},
    404: error(404, code="writeback_unknown", detail="no writeback 'wb_1' that this key may see"),
    409: error(409, code="not_resubmittable", detail="wb_1 is confirmed: it cannot be sent again"),
    422: error(422, code="submission_invalid", detail="1 of the 2 records that would go again cannot be sent"),
}
_CANCELLED = {
    **WRITING,
    404: _RESUBMITTED[404],
    409: error(409, code="not_cancellable", detail="wb_1 is sent: all of it has left for the provider"),
}
_RESOLVED = {
    **WRITING,
    404: _RESUBMITTED[404],
    409: error(409, code="nothing_to_resolve", detail="no record of wb_1 needs attention: it is confirmed"),
}
_CHECKED = {
    **WRITING,
    404: _RESUBMITTED[404],
    409: error(409, code="nothing_to_check", detail="wb_1 is confirmed: nothing more is awaited of it"),
}
_ANSWER = {
    **READING,
    404: error(404, code="answer_not_kept", detail="nothing is kept of what the provider answered to 'req_1' of wb_1"),
    409: error(409, code="answer_sealed_otherwise", detail="the answer was sealed with another secret key"),
}
_MANY = {
    **{status: response for status, response in WRITING.items() if status != 404},
    200: {"model": Report | Count, "description": "What was done and what was not; with `count=true` how many."},
}


_MANY_RESUBMITTED = {
    **_MANY,
    200: {
        "model": Report | Count | Preview,
        "description": "What was done and what was not; with `count=true` how many; with `preview=true` what would be.",
    },
}
MOST_PREVIEWED = 200


class DryRunQuery(Parameters):
    dry_run: bool = False
    """Only validate."""


class PreviewQuery(Parameters):
    count: bool = False
    """Only say how many there are."""
    preview: bool = False
    """Only say what would become of the first of them."""


class CountQuery(Parameters):
    count: bool = False
    """Only say how many there are."""


@router.post(
    "/v1/writebacks/{writeback}/resubmit",
    status_code=HTTP_202_ACCEPTED,
    responses=_RESUBMITTED,
)
async def resubmit_writeback(
    caller: Corrector,
    services: Svc,
    writeback: str,
    response: Response,
    query: Annotated[DryRunQuery, Query()],
    body: ResubmitIn | None = None,
) -> Corrected:
    """Send again what failed, was cancelled or was never sent, corrected where you have edited it.

    All that goes is validated first, against lists that are fetched again. What is confirmed stays as it is. Where a
    later mark for a slot has been accepted meanwhile, that one still wins: `superseded_by` names it.
    """
    body = body or ResubmitIn()
    if query.dry_run:
        response.status_code = HTTP_200_OK
    return await services.corrections.resubmits.one(
        caller, writeback, body.order, actor_of(caller, body.reason), dry_run=query.dry_run
    )


@router.post("/v1/writebacks/{writeback}/cancel", responses=_CANCELLED)
async def cancel_writeback(caller: Corrector, services: Svc, writeback: str, body: CancelIn | None = None) -> Corrected:
    """Withdraw what has not left. What is on its way to the MIS continues, and is followed to its end."""
    reason = body.reason if body is not None else ""
    return await services.corrections.cancels.one(caller, writeback, actor_of(caller, reason))


@router.post("/v1/writebacks/{writeback}/resolve", responses=_RESOLVED)
async def resolve_writeback(caller: Supporter, services: Svc, writeback: str, body: ResolveIn) -> Corrected:
    """Settle records that need attention, after a look into the MIS."""
    return await services.corrections.resolves.one(
        caller, writeback, body.outcome, actor_of(caller, body.reason), records=body.records, mis_ids=body.mis_ids
    )


@router.post(
    "/v1/writebacks/{writeback}/check",
    status_code=HTTP_202_ACCEPTED,
    responses=_CHECKED,
)
async def check_writeback(caller: Corrector, services: Svc, writeback: str, body: CheckIn | None = None) -> Check:
    """Look at once for the evidence of what is `sent` or `unknown`: ask the provider, and where it cannot be asked or
    knows nothing, read the MIS. Asked again within seconds it is the same check."""
    reason = body.reason if body is not None else ""
    return await services.corrections.checks.one(caller, writeback, actor_of(caller, reason))


@router.get("/v1/writebacks/{writeback}/requests/{request}/answer", responses=_ANSWER)
async def show_provider_answer(caller: Supporter, services: Svc, writeback: str, request: str) -> ProviderAnswer:
    """Show what the provider last answered to a request that failed, as it came. It may name anybody, so each look is
    written down in the audit log; after two weeks it is deleted."""
    return await services.corrections.answers.show(caller, writeback, request, actor_of(caller))


@router.post("/v1/writebacks/resubmit", responses=_MANY_RESUBMITTED)
async def resubmit_writebacks(
    caller: Corrector, services: Svc, body: ManyResubmitIn, query: Annotated[PreviewQuery, Query()]
) -> Report | Count | Preview:
    """Send again all that a filter finds, the earliest accepted first; each is validated by itself.

    With `changes` one code or member of staff takes the place of another in all of them first, or some are left out;
    `preview=true` says what that would come to. Called twice it does nothing twice: what is on its way is not sent
    again. At most 10,000 in one call; where there are more, `next_cursor` goes on.
    """
    if query.preview:
        work = Work(Action.RESUBMIT, body.filter.selection, actor_of(caller, body.reason), body.order)
        _check_filter(caller, body.filter)
        return await services.corrections.many.preview(caller, work, limit=min(body.limit, MOST_PREVIEWED))
    return await _do_many(caller, services, Action.RESUBMIT, body, body.order, count=query.count)


@router.post("/v1/writebacks/cancel", responses=_MANY)
async def cancel_writebacks(
    caller: Corrector, services: Svc, body: ManyCancelIn, query: Annotated[CountQuery, Query()]
) -> Report | Count:
    """Withdraw all that a filter finds and that has not left, the earliest accepted first."""
    return await _do_many(caller, services, Action.CANCEL, body, count=query.count)


@router.post("/v1/writebacks/check", responses=_MANY)
async def check_writebacks(
    caller: Corrector, services: Svc, body: ManyCheckIn, query: Annotated[CountQuery, Query()]
) -> Report | Count:
    """Look at once for the evidence of all that a filter finds and that is sent or unknown, the earliest first."""
    return await _do_many(caller, services, Action.CHECK, body, count=query.count)


async def _do_many(
    caller: Caller,
    services: Services,
    action: Action,
    body: ManyResubmitIn | ManyCancelIn | ManyCheckIn,
    order: Order | None = None,
    *,
    count: bool,
) -> Report | Count:
    """Do it to all that the body's filter finds, or count these."""
    _check_filter(caller, body.filter)
    many, wanted = services.corrections.many, body.filter.selection
    if count:
        return await many.count(caller, action, wanted, limit=body.limit)
    work = Work(action, wanted, actor_of(caller, body.reason), order or Order())
    return await many.run(caller, work, limit=body.limit, cursor=body.cursor)


def _check_filter(caller: Caller, wanted: FilterIn) -> None:
    if wanted.school is not None:
        check_school(caller, wanted.school)
    for kind in wanted.kind:
        check_kind(caller, kind)
