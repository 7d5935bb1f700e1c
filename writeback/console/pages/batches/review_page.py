"""The page of a file in review, to which its forms come back: what was understood, who was not found, its rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from starlette.responses import Response

from validators.references import CODED
from writeback.batches.encodings import TextEncoding
from writeback.console.navigation import ROOT
from writeback.console.page import Page
from writeback.console.pages.batches.batches import state_of
from writeback.console.pages.batches.upload import ORDERS
from writeback.console.presenters.file_columns import column_fields, constant_fields, field_words, said_here, unsure
from writeback.console.presenters.people_named import NOT_FOUND, counted_people, person_form
from writeback.console.presenters.rows import by_name, form_of, is_sent
from writeback.console.presenters.times import day_words
from writeback.core.errors import Conflict, NotFound
from writeback.store.reads.pages import encode_cursor
from writeback_client.models.base import Finding
from writeback_client.models.base import Page as Rows
from writeback_client.models.batches import Batch
from writeback_client.models.reviews import Review, ReviewPerson, ReviewRow

FORMS, _ROWS = 20, 100
"""Rows on one page, as forms and in a table."""
_PEOPLE = 20
_MOST_WORDS = 12
"""Days, or codes, that are named."""
_ALL = "all"
_VIEWS = (("bad", "To be corrected"), ("good", "Good"), ("left_out", "Left out"), (_ALL, "All rows"))
_STATES = {"good": ("Good", "ok"), "bad": ("To be corrected", "bad"), "left_out": ("Left out", "off")}
_WORDS_MISSING = frozenset(one.finding for one in CODED.values())
"""Codes of findings that a word for a code settles."""
_ENCODINGS = [("", "As it was found"), *((one.value, one.value) for one in TextEncoding)]


@dataclass(frozen=True)
class Notice:
    """What is to be said of what somebody has said of the columns; `posted` is that."""

    findings: Sequence[Finding] = ()
    posted: Mapping[str, str] = field(default_factory=dict)
    asks_to_discard: bool = False
    """Whether what was corrected by hand would be lost."""


NO_NOTICE = Notice()


async def render(page: Page, batch: Batch, notice: Notice = NO_NOTICE) -> Response:
    """Return the page."""
    review = await page.services.reviews.get(page.caller, batch.id)
    one = _cursor_before(page.query("row"))
    view = _ALL if one else page.query("show") or ("bad" if batch.rows.bad else _ALL)
    code, cursor, is_form = page.query("code"), one or page.query("cursor"), bool(one) or view in ("bad", "left_out")
    rows = await rows_of(page, batch.id, view, code, cursor, 1 if one else FORMS if is_form else _ROWS)
    school_name, shapes = await _describe(page, batch)
    sent = [one for one in review.columns if is_sent(one)]
    return page.render(
        "review.html",
        title=title_of(batch),
        status=422 if notice.posted else 200,
        batch=batch,
        about_file=said_here(batch.findings),
        has_unknown_words=any(one.code in _WORDS_MISSING for one in batch.problems),
        review=review,
        state=state_of(batch),
        school_name=school_name,
        places=[review.columns.index(one) for one in sent],
        row_head=["Row", "State", *(one.header or one.column for one in sent)],
        row_states=_STATES,
        views=[(name, words, _number_of(batch, name)) for name, words in _VIEWS],
        view=view,
        code=code,
        cursor=cursor,
        rows=rows,
        forms=[form_of(row, review.columns, shapes) for row in rows.items] if is_form else [],
        understood=_understood(review),
        **await _people(page, batch),
        **_columns(review, shapes, notice),
    )


def posted(page: Page) -> dict[str, str]:
    """Return the texts of the form."""
    return {name: value for name, value in page.form.multi_items() if isinstance(value, str)}


def version_of(page: Page) -> int:
    """Return as which the batch was seen; one that it never had where the form does not say."""
    text = page.field("version")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else -1


def address_of(page: Page, batch_id: str) -> str:
    """Return the way back to the rows that the form was about."""
    asked = {name: page.field(name) for name in ("show", "code", "cursor")}
    return page.url(f"/batches/{batch_id}/review", **asked).removeprefix(ROOT)


def conflict_answer(page: Page, batch_id: str, conflict: Conflict) -> Response:
    """Return the way back, with what stands in the way."""
    if conflict.code == "batch_not_in_review":
        flash = "It is no longer looked at: it has been sent or stopped meanwhile."
        return page.redirect(f"/batches/{batch_id}", flash=flash, tone="warn")
    flash = f"Nothing was done: {conflict.detail}."
    if conflict.code == "batch_changed":
        flash = "Somebody else has changed it meanwhile. This is how it is now; do once more what is still to be done."
    return page.redirect(address_of(page, batch_id), flash=flash, tone="warn")


def title_of(batch: Batch) -> str:
    return batch.file_name or "A file without a name"


async def rows_of(page: Page, batch_id: str, view: str, code: str, cursor: str, limit: int) -> Rows[ReviewRow]:
    """Return the rows that the page shows."""
    states = [view] if view in _STATES else []
    return await page.services.reviews.rows(
        page.caller, batch_id, states=states, code=code or None, limit=limit, cursor=cursor or None
    )


def _columns(review: Review, shapes: Sequence[Mapping[str, Any]], notice: Notice) -> dict[str, Any]:
    """Return what the form about the columns shows."""
    reading, found = review.reading, said_here(notice.findings)
    if reading is None:
        return {"reading": None}
    return {
        "reading": reading,
        "columns": column_fields(reading, found, notice.posted),
        "constants": constant_fields(reading, by_name(shapes), found, notice.posted),
        "missing": [field_words(name) for name in reading.missing],
        "unsure": unsure(reading),
        "about_all": [one for one in found if one.pointer.count("/") < 2 and one.pointer != "/first_day"],
        "orders": ORDERS,
        "encodings": _ENCODINGS,
        "notice": notice,
    }


def _understood(review: Review) -> list[tuple[str, str]]:
    """Return whom the rows name and what the good records are about, in words."""
    days = {day_words(date.fromisoformat(day)): number for day, number in sorted(review.days.items())}
    said = {"Pupils": counted_people(review.students), "Staff": counted_people(review.employees)}
    for name, counts in (("Days", days), ("Sessions", review.sessions), ("Codes", review.codes)):
        shown = [f"{value} ({number:,})" for value, number in counts.items()]
        more = f" and {len(shown) - _MOST_WORDS:,} more" if len(shown) > _MOST_WORDS else ""
        said[name] = ", ".join(shown[:_MOST_WORDS]) + more
    return [(name, words) for name, words in said.items() if words]


async def people_of(page: Page, batch_id: str, cursor: str) -> Rows[ReviewPerson]:
    """Return those whom rows name and nobody could find, as far as one page shows them."""
    return await page.services.reviews.people(
        page.caller, batch_id, matches=NOT_FOUND, limit=_PEOPLE, cursor=cursor or None
    )


async def _people(page: Page, batch: Batch) -> dict[str, Any]:
    """Return what the form about people shows."""
    cursor = page.query("people")
    found = await people_of(page, batch.id, cursor)
    forms = [person_form(one) for one in found.items]
    return {"people": forms, "people_cursor": cursor, "more_people": found.next_cursor}


async def _describe(page: Page, batch: Batch) -> tuple[str, Sequence[Mapping[str, Any]]]:
    """Return the school's name, and the fields of the kind as the school takes them."""
    try:
        school, kinds = await page.services.features.of(batch.school, [batch.kind] if batch.kind else [])
    except NotFound:
        return batch.school, ()
    return school.name, kinds[batch.kind]["fields"] if batch.kind else ()


def _number_of(batch: Batch, view: str) -> int:
    rows = batch.rows
    return {"bad": rows.bad, "good": rows.good, "left_out": rows.left_out}.get(view, rows.read)


def _cursor_before(row: str) -> str:
    """Return the place in the list before a row; empty where it is no number of one."""
    is_number = row.isascii() and row.isdigit() and 0 < len(row) < 10 and int(row) > 0
    return encode_cursor(int(row) - 1) if is_number else ""
