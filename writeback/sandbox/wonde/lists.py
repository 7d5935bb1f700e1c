"""Lists: date filters and pagination (46-79, 88-95)."""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from operator import ge, gt, le, lt
from typing import Any, Final, TypeVar
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from writeback.sandbox.http import answer, base_url, entry_of, sandbox_of
from writeback.sandbox.wonde.access import bad_request
from writeback.sandbox.wonde.rows import Row

DEFAULT_PER_PAGE: Final = 50
MAX_PER_PAGE: Final = 200
"""`The maximum number of results perpage is set per endpoint` (71), and is printed nowhere: a guess."""
T = TypeVar("T")


def listing(
    request: Request, rows: Sequence[T], render: Callable[[T], Row], *, includes: Sequence[str] | None = ()
) -> Response:
    """Return one page. There is no pagination object when all rows fit and no `per_page` was asked for (70).

    `includes` None: the endpoint's answers have no `meta` but for pagination (attendance codes, 2401).
    """
    entry_of(request).effect = "read"
    asked = request.query_params.get("per_page")
    per_page = min(MAX_PER_PAGE, _positive(asked, "per_page")) if asked else DEFAULT_PER_PAGE
    page = _positive(request.query_params.get("page", "1"), "page")
    start = (page - 1) * per_page
    body: dict[str, Any] = {"data": [render(row) for row in rows[start : start + per_page]]}
    meta: dict[str, Any] = {}
    if asked or len(rows) > per_page or _paginates_always(request):
        has_more = start + per_page < len(rows)
        meta["pagination"] = {
            "next": _page_url(request, page + 1) if has_more else None,
            "previous": _page_url(request, page - 1) if page > 1 else None,
            "more": has_more,
            # The document shows the number as text where it was asked for (66), and plain where not (1290).
            "per_page": str(per_page) if asked else per_page,
            "current_page": page,
        }
    if includes is not None:
        meta["includes"] = list(includes)
    if meta:
        body["meta"] = meta
    return answer(body)


def _paginates_always(request: Request) -> bool:
    """Whether the school in the path is set so; where there is none in it, any school."""
    schools = sandbox_of(request).schools
    named = schools.get(request.path_params.get("school", ""))
    return any(one.paginates_always for one in ([named] if named else schools.values()))


def updated_between(request: Request, rows: Sequence[T], updated_at: Callable[[T], datetime]) -> list[T]:
    """Keep the rows modified after `updated_after` and before `updated_before`, both exclusive, in UTC."""
    after, before = instant(request, "updated_after"), instant(request, "updated_before")
    return [
        row
        for row in rows
        if (after is None or updated_at(row) > after) and (before is None or updated_at(row) < before)
    ]


def instant(request: Request, name: str) -> datetime | None:
    """Return a date parameter as an instant; without a time zone it is UTC. Raise Denied 400 when it is none."""
    given = request.query_params.get(name)
    if not given:
        return None
    try:
        value = datetime.fromisoformat(given)
    except ValueError as error:
        raise bad_request(f"{name} is {given!r}: send it like 2023-06-26 08:06:44") from error
    return value if value.tzinfo else value.replace(tzinfo=UTC)


def calendar_day(request: Request, name: str) -> date | None:
    """Return the day of a date parameter."""
    value = instant(request, name)
    return value.date() if value else None


def is_within(request: Request, prefix: str, value: datetime | None) -> bool:
    """Whether a time of the school's clock fits `…_after` and `…_before`, exclusive, `…_from` and `…_to`, inclusive.

    A parameter that names a day means the day: after it, from its first minute, to its last. None fits none of them.
    """
    ways: dict[str, Callable[[Any, Any], bool]] = {"after": gt, "before": lt, "from": ge, "to": le}
    for way, holds in ways.items():
        given = instant(request, f"{prefix}_{way}")
        if given is None:
            continue
        names_day = len(request.query_params[f"{prefix}_{way}"]) == len("2018-01-29")
        if value is None or not (
            holds(value.date(), given.date()) if names_day else holds(value, given.replace(tzinfo=None))
        ):
            return False
    return True


def _positive(given: str, name: str) -> int:
    if not given.isascii() or not given.isdigit() or int(given) < 1:
        raise bad_request(f"{name} is {given!r}: send a positive number")
    return int(given)


def _page_url(request: Request, page: int) -> str:
    """Return this list's absolute address with another page, other parameters kept (`…/students/?page=2`, 61)."""
    kept = [(name, value) for name, value in request.query_params.multi_items() if name != "page"]
    return f"{base_url(request)}{request.scope['path']}/?{urlencode([*kept, ('page', str(page))])}"
