"""Files that are looked at before they are sent: what was understood, their rows, mending, and sending."""

from collections.abc import Mapping
from typing import Literal

from writeback_client import aio, blocking
from writeback_client.calls import Call, as_model, delete, get, patch, path, post, said
from writeback_client.flows import Listing
from writeback_client.models.base import Page
from writeback_client.models.batches import Batch
from writeback_client.models.reviews import Mended, Review, ReviewPerson, ReviewRow, SavedMapping
from writeback_client.resources.lists import page, through
from writeback_client.resources.writebacks import OneOrMore


def fetch(batch_id: str) -> Call[Review]:
    """Return how a file in review was understood; raise Conflict where it is in none."""
    return get(path("/v1/batches/{}/review", batch_id), as_model(Review))


def rows_page(
    batch_id: str,
    *,
    state: OneOrMore | None = None,
    code: str | None = None,
    limit: int | None = None,
    cursor: str | None = None,
) -> Call[Page[ReviewRow]]:
    """Return a page of its rows, in the order of the file."""
    where = path("/v1/batches/{}/rows", batch_id)
    return page(where, ReviewRow, state=state, code=code, limit=limit, cursor=cursor)


def rows(
    batch_id: str, *, state: OneOrMore | None = None, code: str | None = None, at_most: int | None = None
) -> Listing[ReviewRow]:
    """Go through its rows, in the order of the file."""
    return through(path("/v1/batches/{}/rows", batch_id), ReviewRow, at_most=at_most, state=state, code=code)


def mend(
    batch_id: str,
    number: int,
    *,
    cells: Mapping[str, str] | None = None,
    left_out: bool | None = None,
    version: int | None = None,
) -> Call[Mended]:
    """Change cells of a row, by their columns (`{"C": "L"}`), or leave it out; return what was checked again.

    With the `version` that was looked at, raise Conflict where somebody else has changed the file since.
    """
    body = said(cells=cells, left_out=left_out, version=version)
    return patch(path("/v1/batches/{}/rows/{}", batch_id, str(number)), as_model(Mended), body)


def people_page(
    batch_id: str, *, match: OneOrMore | None = None, limit: int | None = None, cursor: str | None = None
) -> Call[Page[ReviewPerson]]:
    """Return a page of those whom its rows name by UPN, number or name."""
    return page(path("/v1/batches/{}/people", batch_id), ReviewPerson, match=match, limit=limit, cursor=cursor)


def people(batch_id: str, *, match: OneOrMore | None = None, at_most: int | None = None) -> Listing[ReviewPerson]:
    """Go through those whom its rows name by UPN, number or name."""
    return through(path("/v1/batches/{}/people", batch_id), ReviewPerson, at_most=at_most, match=match)


def choose(batch_id: str, key: str, person_id: str | None, *, version: int | None = None) -> Call[Mended]:
    """Say who it is whom rows name so, by the provider's id; with None that nobody is chosen."""
    body = {"person_id": person_id, **said(version=version)}
    return post(
        path("/v1/batches/{}/people/{}", batch_id, key), as_model(Mended), body, method="PUT", is_repeatable=True
    )


def confirm(
    batch_id: str,
    columns: Mapping[str, Mapping[str, str]] | None = None,
    *,
    constants: Mapping[str, str] | None = None,
    first_day: str | None = None,
    date_order: Literal["dmy", "mdy"] | None = None,
    encoding: str | None = None,
    remember: bool = True,
    discard_mends: bool = False,
    version: int | None = None,
) -> Call[Batch]:
    """Say what its columns are (`{"A": {"field": "student.upn"}, "C": {}}`), or confirm what is proposed.

    The file is read once more: `client.batches.wait` says when. Raise Invalid where it cannot be read so.
    """
    body = said(
        columns=columns or {},
        constants=constants,
        first_day=first_day,
        date_order=date_order,
        encoding=encoding,
        remember=remember,
        discard_mends=discard_mends,
        version=version,
    )
    return post(path("/v1/batches/{}/mapping", batch_id), as_model(Batch), body, method="PUT")


def mappings_page(school: str, *, limit: int | None = None, cursor: str | None = None) -> Call[Page[SavedMapping]]:
    """Return a page of a school's confirmed mappings of columns, the newest first."""
    return page(path("/v1/schools/{}/mappings", school), SavedMapping, limit=limit, cursor=cursor)


def mappings(school: str, *, at_most: int | None = None) -> Listing[SavedMapping]:
    """Go through a school's confirmed mappings of columns, the newest first."""
    return through(path("/v1/schools/{}/mappings", school), SavedMapping, at_most=at_most)


def forget_mapping(school: str, mapping_id: str) -> Call[None]:
    """Delete a confirmed mapping: the next file with these column names is read as they say themselves."""
    return delete(path("/v1/schools/{}/mappings/{}", school, mapping_id))


def send(batch_id: str, *, version: int | None = None) -> Call[Batch]:
    """Have the good rows queued; raise Conflict where there is none, or it is not in review."""
    return post(path("/v1/batches/{}/send", batch_id), as_model(Batch), said(version=version))


class Reviews(blocking.Room):
    """`client.reviews`."""

    get = blocking.one(fetch)
    rows_page = blocking.one(rows_page)
    rows = blocking.each(rows)
    people_page = blocking.one(people_page)
    people = blocking.each(people)
    choose = blocking.one(choose)
    confirm = blocking.one(confirm)
    mappings_page = blocking.one(mappings_page)
    mappings = blocking.each(mappings)
    forget_mapping = blocking.one(forget_mapping)
    mend = blocking.one(mend)
    send = blocking.one(send)


class AsyncReviews(aio.Room):
    """`client.reviews` of `AsyncClient`."""

    get = aio.one(fetch)
    rows_page = aio.one(rows_page)
    rows = aio.each(rows)
    people_page = aio.one(people_page)
    people = aio.each(people)
    choose = aio.one(choose)
    confirm = aio.one(confirm)
    mappings_page = aio.one(mappings_page)
    mappings = aio.each(mappings)
    forget_mapping = aio.one(forget_mapping)
    mend = aio.one(mend)
    send = aio.one(send)
