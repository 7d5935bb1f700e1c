"""What a person says of a file in review: what its columns are, and who those are whom nobody could find."""

from starlette.responses import Response

from writeback.batches.days import DayOrder
from writeback.batches.encodings import TextEncoding
from writeback.console.page import Page, Pages
from writeback.console.pages.batches.review import left, tone
from writeback.console.pages.batches.review_page import Notice, conflict_answer, people_of, posted, render, version_of
from writeback.console.presenters.file_columns import FIRST_DAY, columns_from, constants_from
from writeback.console.presenters.times import counted
from writeback.core.errors import Conflict, InvalidSubmission, Problem
from writeback.domain.directory import PersonReference
from writeback.domain.lookups import ListName
from writeback.domain.staff import Permission
from writeback.flow.batches.readings import WantedReading
from writeback_client.models.base import Finding
from writeback_client.models.batches import Batch
from writeback_client.models.reviews import Review, ReviewPerson

pages = Pages()

_NUMBERS, _OF_STAFF = "UPN or admission number", "code or e-mail"


@pages.post("/batches/{batch}/review/columns", needs=Permission.CORRECT)
async def read_so(page: Page) -> Response:
    """Have the file read as the form says; where that cannot be, show why beside the fields."""
    batch_id = page.part("batch")
    try:
        review = await page.services.reviews.get(page.caller, batch_id)
        wanted = _wanted(page, review)
        await page.services.reviews.confirm(page.caller, batch_id, wanted, page.actor(), version=version_of(page))
    except InvalidSubmission as refused:
        found = tuple(Finding.model_validate(one) for one in refused.extra["findings"])
        return await _again(page, batch_id, Notice(found, posted(page)))
    except Conflict as conflict:
        if conflict.code == "mends_would_be_lost":
            return await _again(page, batch_id, Notice((), posted(page), asks_to_discard=True))
        return conflict_answer(page, batch_id, conflict)
    return page.redirect(f"/batches/{batch_id}/review", flash="It is read once more, as you have said.")


@pages.post("/batches/{batch}/review/people", needs=Permission.CORRECT)
async def choose(page: Page) -> Response:
    """Take those for whom rows name somebody whom the form says; these rows are checked again."""
    batch_id = page.part("batch")
    try:
        chosen, batch, trouble = await _choose(page, batch_id, version_of(page))
    except Conflict as conflict:
        return conflict_answer(page, batch_id, conflict)
    here = f"/batches/{batch_id}/review"
    said = [f"{counted(chosen, 'person', 'people')} chosen: {left(batch)}."] if batch else []
    if not said and not trouble:
        return page.redirect(here, flash="Nobody was chosen.", tone="warn")
    return page.redirect(here, flash=" ".join([*said, *trouble]), tone="warn" if trouble or not batch else tone(batch))


async def _again(page: Page, batch_id: str, notice: Notice) -> Response:
    return await render(page, await page.services.batches.get(page.caller, batch_id), notice)


def _wanted(page: Page, review: Review) -> WantedReading:
    given = posted(page)
    order, encoding = given.get("date_order"), given.get("encoding")
    return WantedReading(
        columns=columns_from(review.reading, given) if review.reading is not None else {},
        constants=constants_from(given) if any(name.startswith("k.") for name in given) else None,
        first_day=given.get(FIRST_DAY),
        date_order=DayOrder(order) if order in set(DayOrder) else None,
        encoding=encoding if encoding in set(TextEncoding) else None,
        is_remembered="remember" in given,
        discards_mends="discard" in given,
    )


async def _choose(page: Page, batch_id: str, version: int) -> tuple[int, Batch | None, list[str]]:
    """Return how many were chosen, the batch as it is then, and why others could not be."""
    reviews, school = page.services.reviews, (await page.services.batches.get(page.caller, batch_id)).school
    asked = await people_of(page, batch_id, page.field("people"))
    chosen, batch, trouble = 0, None, list[str]()
    for person in asked.items:
        try:
            person_id = page.field(f"p.{person.key}") or await _found(page, school, person)
            if not person_id:
                continue
            done = await reviews.choose(page.caller, batch_id, person.key, person_id, page.actor(), version=version)
        except Conflict:
            raise
        except Problem as problem:
            trouble.append(f"{problem.detail[:1].upper()}{problem.detail[1:].rstrip('.')}. {problem.hint}".strip())
            continue
        chosen, batch, version = chosen + 1, done.batch, done.batch.version or version
    return chosen, batch, trouble


async def _found(page: Page, school: str, person: ReviewPerson) -> str:
    """Return who has the number that the form gives in place of a choice; raise InvalidSubmission where nobody has."""
    given = page.field(f"n.{person.key}")
    if not given:
        return ""
    name = ListName(person.list)
    if name is ListName.STUDENTS:
        references, words = [PersonReference(upn=given), PersonReference(admission_number=given)], _NUMBERS
    else:
        references, words = [PersonReference(code=given), PersonReference(email=given)], _OF_STAFF
    answer = await page.services.people.find(page.caller, school, name, references)
    ids = {one.person_id for one in answer.found if one.person_id}
    if len(ids) != 1:
        raise InvalidSubmission("person_not_found", f"nobody has this {words}, so that person was not chosen", [])
    return ids.pop()
