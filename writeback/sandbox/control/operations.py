"""Faults, webhooks, time, ledger: what concerns the whole sandbox."""

from datetime import timedelta

from starlette.requests import Request
from starlette.responses import Response

from writeback.sandbox.control.requests import ControlError, json_object
from writeback.sandbox.http import answer, sandbox_of


async def health(request: Request) -> Response:
    state = sandbox_of(request)
    return answer({"status": "ok", "now": state.now().isoformat(), "schools": len(state.schools)})


async def reset(request: Request) -> Response:
    sandbox_of(request).reset()
    return answer({"status": "ok"})


async def webhooks(request: Request) -> Response:
    """Register where Wonde's webhooks go: `{"url", "school"?}`; a url of null takes it back."""
    given, state = await json_object(request), sandbox_of(request)
    url, school = given.get("url"), given.get("school")
    if url is not None and not (isinstance(url, str) and url.startswith(("http://", "https://"))):
        raise ControlError("bad_url", f"url is {url!r}: send an http address, or null to take it back")
    if school is None:
        state.webhooks.everywhere = url
    elif school not in state.schools:
        raise ControlError("unknown_school", f"there is no school {school}", status=404)
    elif url is None:
        state.webhooks.by_school.pop(school, None)
    else:
        state.webhooks.by_school[school] = url
    return answer({"everywhere": state.webhooks.everywhere, "by_school": state.webhooks.by_school})


async def order_fault(request: Request) -> Response:
    given = await json_object(request)
    try:
        return answer(sandbox_of(request).faults.order(given).as_json(), 201)
    except ValueError as error:
        raise ControlError("bad_fault", str(error)) from error


async def faults(request: Request) -> Response:
    """Answer the orders that stand, and how often each has `struck` since the start, those that have ended too."""
    state = sandbox_of(request)
    return answer({"faults": [fault.as_json() for fault in state.faults.standing], "struck": dict(state.faults.struck)})


async def clear_faults(request: Request) -> Response:
    """Take back what was ordered: all of it, or for one `school`."""
    sandbox_of(request).faults.clear(request.query_params.get("school"))
    return await faults(request)


async def advance(request: Request) -> Response:
    """Let `seconds` pass at once, doing what falls due; without them, do all that waits once. Ends when webhooks
    and callbacks have been delivered."""
    given = await json_object(request) if await request.body() else {}
    state, seconds = sandbox_of(request), given.get("seconds")
    if seconds is not None and (isinstance(seconds, bool) or not isinstance(seconds, int | float) or seconds < 0):
        raise ControlError("bad_seconds", f"seconds is {seconds!r}: send a number that is not negative")
    done = state.agenda.run_all_once() if seconds is None else state.agenda.let_pass(timedelta(seconds=seconds))
    await state.outbox.idle()
    return answer({"done": done, "pending": len(state.agenda), "now": state.now().isoformat()})


async def ledger(request: Request) -> Response:
    """Answer what was received, written and sent; filters `school`, `method`, `path`, `ref`, `since` (a row's n)."""
    query = request.query_params
    since = query.get("since", "0")
    if not since.isdigit():
        raise ControlError("bad_since", f"since is {since!r}: send the number n of a row")
    return answer(
        sandbox_of(request).ledger.as_json(
            school=query.get("school"),
            method=query.get("method"),
            path=query.get("path"),
            ref=query.get("ref"),
            since=int(since),
        )
    )
