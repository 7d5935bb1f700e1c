"""`/console/upload`: hand in a file for a school; what was understood of it is looked at before anything is sent."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from starlette.datastructures import UploadFile
from starlette.responses import Response

from writeback.batches.columns import columns_of
from writeback.batches.days import DayOrder
from writeback.batches.layout import Stated
from writeback.console.page import Page, Pages
from writeback.console.pages.batches.batches import state_of
from writeback.console.presenters.words import kind_words
from writeback.core.errors import InvalidSubmission, NotFound, Problem
from writeback.domain.kinds import KINDS
from writeback.domain.staff import Permission
from writeback.flow.batches.uploads import NewBatch
from writeback.store.batches.batches import BatchStatus

pages = Pages()

_PIECE = 1 << 18
_A_PAGE = 50
_IN_REVIEW = (BatchStatus.READING, BatchStatus.CHECKING, BatchStatus.REVIEWING)
_TABULAR = [kind for kind in KINDS if columns_of(kind)]
_USUAL = "attendance.session"
_KINDS = [("", "The file says it, in a column “kind”"), *((kind, kind_words(kind)) for kind in _TABULAR)]
ORDERS = [
    ("", "As the file shows"),
    (DayOrder.DAY_FIRST.value, "The day first: 31/12"),
    (DayOrder.MONTH_FIRST.value, "The month first: 12/31"),
]


@dataclass(frozen=True)
class _Asked:
    """What the form says; `problems` are what is wrong with it, by field."""

    school: str
    kind: str
    date_order: str
    file: UploadFile | None = None
    problems: Mapping[str, str] = field(default_factory=dict)


@pages.get("/upload", needs=Permission.CORRECT)
async def ask(page: Page) -> Response:
    """Show the form, and the files that wait for somebody to look at them."""
    return await _form(page, _Asked(page.query("school"), page.query("kind") or _USUAL, ""), {})


@pages.post("/upload", needs=Permission.CORRECT, takes_file=True)
async def take(page: Page) -> Response:
    """Keep the file whole, have it read, and lead to what was understood of it."""
    file = page.form.get("file")
    named = file if isinstance(file, UploadFile) and file.filename else None
    asked = _Asked(page.field("school"), page.field("kind"), page.field("date_order"), named)
    problems = _problems(page, asked)
    if named is None or problems:
        return await _form(page, asked, problems)
    try:
        batch_id = await _keep(page, asked, named)
    except InvalidSubmission as refused:
        said = [f"{one['message']}. {one['hint']}" for one in refused.extra["findings"]]
        return await _form(page, asked, {"kind": " ".join(said)})
    except NotFound:
        return await _form(page, asked, {"school": "Choose a school."})
    except Problem as refused:
        return await _form(page, asked, {"file": f"{_sentence(refused.detail)} {refused.hint}".strip()})
    return page.redirect(f"/batches/{batch_id}/review")


async def _keep(page: Page, asked: _Asked, file: UploadFile) -> str:
    """Hand the file over, piece by piece; raise what uploads raise."""
    order = DayOrder(asked.date_order) if asked.date_order else None
    new = NewBatch(
        asked.school,
        asked.kind or None,
        (file.content_type or "").partition(";")[0].strip().lower(),
        file.filename or "",
        stated=Stated(order),
        review=True,
    )
    upload = await page.services.batches.begin(page.person.uploader(asked.school), new)
    try:
        while piece := await file.read(_PIECE):
            await upload.add(piece)
        return (await upload.finish()).batch_id
    except BaseException:
        await upload.abandon()
        raise


def _problems(page: Page, asked: _Asked) -> dict[str, str]:
    problems = {
        "school": "" if asked.school and page.person.may_touch(asked.school) else "Choose a school.",
        "kind": "" if asked.kind in dict(_KINDS) else "Choose what the file has.",
        "date_order": "" if asked.date_order in dict(ORDERS) else "Choose one of these.",
        "file": "" if asked.file is not None else "Choose a file.",
    }
    return {name: problem for name, problem in problems.items() if problem}


async def _form(page: Page, asked: _Asked, problems: Mapping[str, str]) -> Response:
    schools = await page.services.reports.schools(page.caller)
    waiting = await page.services.batches.list(page.caller, statuses=_IN_REVIEW, limit=_A_PAGE)
    return page.render(
        "upload.html",
        title="Upload",
        status=422 if problems else 200,
        schools=schools if len(schools) == 1 else [("", "Choose a school"), *schools],
        names=dict(schools),
        kinds=_KINDS,
        orders=ORDERS,
        asked=asked,
        problems=problems,
        waiting=[(one, state_of(one)) for one in waiting.items if one.review],
        most_bytes=page.services.settings.batches.max_file_bytes,
    )


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."
