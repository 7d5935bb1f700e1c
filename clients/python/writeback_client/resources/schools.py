"""Schools: the registry, their lists, and what they take."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from writeback_client import aio, blocking
from writeback_client.calls import Call, as_model, get, patch, path, post, put, said
from writeback_client.flows import Listing
from writeback_client.models.base import Model, Page
from writeback_client.models.directory import PeopleFound
from writeback_client.models.features import Features
from writeback_client.models.people import Left
from writeback_client.models.schools import ListedSchool, School, SchoolYear, Synced
from writeback_client.resources.lists import page, through
from writeback_client.resources.writebacks import OneOrMore

_LIST = "/v1/schools"
_SYNC_S = 120.0
_REMOVAL_S = 900.0
Credentials = Mapping[str, str]
"""Wonde: `token`. Xporter: `secret`, and perhaps `relying_party` and `sts_url`."""


class Row(Model):
    """A row of a cached list: the provider's fields, in `model_extra`."""

    id: str


def list_page(*, limit: int | None = None, cursor: str | None = None) -> Call[Page[School]]:
    """Return a page of the schools that the key may touch, by id."""
    return page(_LIST, School, limit=limit, cursor=cursor)


def iterate(*, at_most: int | None = None) -> Listing[School]:
    """Go through the schools that the key may touch, by id."""
    return through(_LIST, School, at_most=at_most)


def fetch(school: str) -> Call[School]:
    """Return a school; raise NotFound."""
    return get(path("/v1/schools/{}", school), as_model(School))


def add(
    name: str,
    *,
    provider: str,
    mis: str,
    provider_school_id: str,
    id: str | None = None,
    base_url: str | None = None,
    credentials: Credentials | None = None,
    overrides: Mapping[str, Mapping[str, Any]] | None = None,
    content_days: float | None = None,
    directory: Literal["off", "hashed", "named"] | None = None,
    country: str | None = None,
) -> Call[School]:
    """Register a school; raise Conflict where it is registered, Invalid with findings. Needs the scope admin.

    `id` is made from the name where it is left out. Without credentials those of the service's own account serve it.
    """
    body = said(
        id=id,
        name=name,
        provider=provider,
        mis=mis,
        provider_school_id=provider_school_id,
        base_url=base_url,
        credentials=credentials,
        overrides=overrides,
        content_days=content_days,
        directory=directory,
        country=country,
    )
    return post(_LIST, as_model(School), body)


def change(
    school: str,
    *,
    name: str | None = None,
    mis: str | None = None,
    provider_school_id: str | None = None,
    base_url: str | None = None,
    credentials: Credentials | None = None,
    overrides: Mapping[str, Mapping[str, Any]] | None = None,
    content_days: float | None = None,
    directory: Literal["off", "hashed", "named"] | None = None,
    country: str | None = None,
    defaults: Mapping[str, Mapping[str, str]] | None = None,
    office_marks: Literal["leave", "warn", "overwrite"] | None = None,
    late_registers: Literal["leave", "send"] | None = None,
) -> Call[School]:
    """Change what is given; credentials, overrides and defaults as a whole. Needs the scope admin.

    `content_days`: for how many days what its writebacks say is kept after they ended. `directory`: what is kept of its
    people beside their ids. `defaults`: what stands where its records say nothing, by kind and field. `office_marks`:
    what a mark does to one that the office has made. `late_registers`: `leave` or
    `send`, what becomes of a mark where something has been entered since it was seen.
    """
    body = said(
        name=name,
        mis=mis,
        provider_school_id=provider_school_id,
        base_url=base_url,
        credentials=credentials,
        overrides=overrides,
        content_days=content_days,
        directory=directory,
        country=country,
        defaults=defaults,
        office_marks=office_marks,
        late_registers=late_registers,
    )
    return patch(path("/v1/schools/{}", school), as_model(School), body)


def year(school: str) -> Call[SchoolYear]:
    """Return when the school's pupils come, as it has said, and as its provider tells besides."""
    return get(path("/v1/schools/{}/year", school), as_model(SchoolYear))


def put_year(
    school: str, *, stretches: Iterable[Mapping[str, Any]] | None = None, file: str | None = None
) -> Call[SchoolYear]:
    """Put a year in the place of the one that the school has given: one of the two. Needs the scope admin.

    `stretches`: each with `kind` (term, holiday, inset, closure, open), `first`, `last` and perhaps `name`. `file`: the
    text of a table (CSV) with these columns, or of a calendar (iCalendar).
    """
    body = said(stretches=None if stretches is None else [*stretches], file=file)
    return put(path("/v1/schools/{}/year", school), as_model(SchoolYear), body)


def sync(school: str, *, full: bool = False, list: OneOrMore | None = None) -> Call[Synced]:
    """Fetch the school's lists from its provider now; `error` of a list says why it could not be fetched.

    `full`: all rows, not only what has changed. `list`: only these.
    """
    where, params = path("/v1/schools/{}/sync", school), {"full": full or None, "list": list}
    return post(where, as_model(Synced), params=params, is_repeatable=True, timeout_s=_SYNC_S)


def decide_removals(
    school: str,
    list: str,
    decision: Literal["accept", "discard"],
    *,
    count: int | None = None,
    reason: str = "",
) -> Call[School]:
    """Say whether what fell out of a list at once is true: take it out, or have it stay. Needs the scope support.

    `count`: how many you have seen; raise Conflict where it is another number by now.
    """
    body = said(decision=decision, count=count, reason=reason or None)
    where = path("/v1/schools/{}/lookups/{}/removals", school, list)
    return post(where, as_model(School), body, is_repeatable=True)


def hold(school: str, *, reason: str, until: datetime | None = None) -> Call[School]:
    """Hold a school: what is submitted is kept and waits. Needs the scope support.

    `until`: when the hold ends by itself; without it, it does when somebody resumes the school.
    """
    body = said(reason=reason, until=until.isoformat() if until is not None else None)
    return post(path("/v1/schools/{}/hold", school), as_model(School), body, is_repeatable=True)


def resume(school: str, *, reason: str = "") -> Call[School]:
    """Resume a held school. Needs the scope support."""
    body = said(reason=reason or None)
    return post(path("/v1/schools/{}/resume", school), as_model(School), body, is_repeatable=True)


def features(school: str, *, kind: OneOrMore | None = None) -> Call[Features]:
    """Return what the school takes: fields, limits, and the codes to choose from; of all kinds, or of some."""
    return get(path("/v1/schools/{}/features", school), as_model(Features), kind=kind)


def lookup_page(school: str, list: str, *, limit: int | None = None, cursor: str | None = None) -> Call[Page[Row]]:
    """Return a page of a cached list, e.g. `students` or `attendance_codes`, by id."""
    return page(path("/v1/schools/{}/lookups/{}", school, list), Row, limit=limit, cursor=cursor)


def lookup(school: str, list: str, *, at_most: int | None = None) -> Listing[Row]:
    """Go through a cached list, e.g. `students` or `attendance_codes`, by id."""
    return through(path("/v1/schools/{}/lookups/{}", school, list), Row, at_most=at_most)


def find_students(school: str, people: Sequence[Mapping[str, str]]) -> Call[PeopleFound]:
    """Return what up to 500 pupils came to, in their order: each by `upn` or `admission_number`, or `surname` and
    `forename` with `date_of_birth` (YYYY-MM-DD) or `class`. Needs the scope find."""
    return _find(school, "students", people)


def find_employees(school: str, people: Sequence[Mapping[str, str]]) -> Call[PeopleFound]:
    """Return what up to 500 members of staff came to, in their order: each by `code`, `email`, or `surname` and
    `forename`. Needs the scope find."""
    return _find(school, "employees", people)


def _find(school: str, list_name: str, people: Sequence[Mapping[str, str]]) -> Call[PeopleFound]:
    body = {"people": [dict(one) for one in people]}
    where = path("/v1/schools/{}/lookups/{}/find", school, list_name)
    return post(where, as_model(PeopleFound), body, is_repeatable=True)


def of_provider(provider: str, *, state: Literal["approved", "pending"] | None = None) -> Call[Page[ListedSchool]]:
    """Return the schools that a provider lists for our account, all at once. Needs the scope admin."""
    return page(path("/v1/providers/{}/schools", provider), ListedSchool, state=state)


def remove(school: str, *, reason: str, even_if_waiting: bool = False) -> Call[Left]:
    """Delete a school with all that is kept of it; raise Conflict while something is on its way, unless told. Needs the
    scope admin."""
    body = {"reason": reason, "even_if_waiting": even_if_waiting}
    return post(path("/v1/schools/{}/remove", school), as_model(Left), body, timeout_s=_REMOVAL_S)


class Schools(blocking.Room):
    """`client.schools`."""

    list = blocking.one(list_page)
    iterate = blocking.each(iterate)
    get = blocking.one(fetch)
    add = blocking.one(add)
    remove = blocking.one(remove)
    change = blocking.one(change)
    sync = blocking.one(sync)
    decide_removals = blocking.one(decide_removals)
    hold = blocking.one(hold)
    resume = blocking.one(resume)
    features = blocking.one(features)
    year = blocking.one(year)
    put_year = blocking.one(put_year)
    lookup_page = blocking.one(lookup_page)
    lookup = blocking.each(lookup)
    find_students = blocking.one(find_students)
    find_employees = blocking.one(find_employees)
    of_provider = blocking.one(of_provider)


class AsyncSchools(aio.Room):
    """`client.schools` of `AsyncClient`."""

    list = aio.one(list_page)
    iterate = aio.each(iterate)
    get = aio.one(fetch)
    add = aio.one(add)
    remove = aio.one(remove)
    change = aio.one(change)
    sync = aio.one(sync)
    decide_removals = aio.one(decide_removals)
    hold = aio.one(hold)
    resume = aio.one(resume)
    features = aio.one(features)
    year = aio.one(year)
    put_year = aio.one(put_year)
    lookup_page = aio.one(lookup_page)
    lookup = aio.each(lookup)
    find_students = aio.one(find_students)
    find_employees = aio.one(find_employees)
    of_provider = aio.one(of_provider)
