"""`/console/schools/{school}/words`: what the school's reasons are called elsewhere, and what was refused lately."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from starlette.datastructures import UploadFile
from starlette.responses import Response

from validators.references import CODED
from writeback.batches.findings import FileRefused
from writeback.batches.word_files import USUAL_FIELD, as_csv, words_in
from writeback.console.page import Page, Pages
from writeback.console.presenters.school_words import coded_words
from writeback.console.presenters.times import counted
from writeback.core.errors import InvalidSubmission, NotFound
from writeback.domain.lookups import LookupView, is_active
from writeback.domain.school_settings.words import Word
from writeback.domain.staff import Permission
from writeback_client.models.schools import School
from writeback_client.models.words import WordList

pages = Pages()

_MOST_BYTES = 1_000_000
_TROUBLES = {
    "code_unknown": "No code of the school any more",
    "code_inactive": "Not in use any more",
    "word_is_code": "A code of the school by now, and so no word",
}


@pages.get("/schools/{school}/words")
async def show(page: Page) -> Response:
    """Show the words, those that are missing, and a form for another."""
    return await _page(page, await _school(page))


@pages.get("/schools/{school}/words.csv")
async def download(page: Page) -> Response:
    """Give the list as a file for a spreadsheet."""
    school = await _school(page)
    found = await _list(page, school)
    words = [Word(one.field, one.word, one.code, one.always) for one in found.words]
    headers = {"content-disposition": f'attachment; filename="words-{school.id}.csv"'}
    return Response(as_csv(words), headers=headers, media_type="text/csv; charset=utf-8")


@pages.post("/schools/{school}/words", needs=Permission.CORRECT)
async def put(page: Page) -> Response:
    """Add a word, or give one that is there another code."""
    school = await _school(page)
    given = {name: page.field(name) for name in ("field", "word", "code", "always")}
    if not given["word"] or not given["code"]:
        return await _page(page, school, given, "Say the word, and the code that it stands for.")
    word = Word(given["field"], given["word"], given["code"], bool(given["always"]))
    try:
        await page.services.words.put(page.caller, school.id, [word], page.actor(page.field("reason")), _app(page))
    except InvalidSubmission as problem:
        return await _page(page, school, given, _first_of(problem))
    said = f"“{word.said}” is {word.code} from now on. What failed for it can be sent again."
    return page.redirect(_path(school, _app(page)), flash=said)


@pages.post("/schools/{school}/words/import", needs=Permission.CORRECT)
async def import_(page: Page) -> Response:
    """Add all words of a CSV file; none, where one of them is wrong."""
    school, file = await _school(page), page.form.get("file")
    data = await file.read(_MOST_BYTES + 1) if isinstance(file, UploadFile) else b""
    if not 0 < len(data) <= _MOST_BYTES:
        return await _page(page, school, error="Choose a CSV file of less than a megabyte.")
    try:
        words = words_in(data)
        await page.services.words.put(page.caller, school.id, words, page.actor(page.field("reason")), _app(page))
    except FileRefused as refused:
        return await _page(page, school, error=f"{refused.findings[0].message}. {refused.findings[0].hint}")
    except InvalidSubmission as problem:
        return await _page(page, school, error=_first_of(problem))
    said = f"{counted(len(words), 'word')} of the file: they hold from now on."
    return page.redirect(_path(school, _app(page)), flash=said)


@pages.post("/schools/{school}/words/remove", needs=Permission.CORRECT)
async def remove(page: Page) -> Response:
    """Take a word out, once somebody has said why."""
    school, word, reason = await _school(page), page.field("word"), page.field("reason")
    if page.field("confirmed") and reason:
        try:
            await page.services.words.take_out(
                page.caller, school.id, page.field("field"), word, page.actor(reason), _app(page)
            )
        except NotFound:
            return page.redirect(_path(school, _app(page)), flash="It was taken out already.", tone="warn")
        return page.redirect(_path(school, _app(page)), flash=f"“{word}” is no word any more.")
    return page.confirm(
        title=f"Take out “{word}”?",
        count=1,
        noun="word",
        what="What says it is refused from then on, unless it is a code of the school.",
        action=f"/schools/{school.id}/words/remove",
        button="Take it out",
        back=_path(school, _app(page)),
        fields={"field": page.field("field"), "word": word, "app": _app(page)},
        danger=True,
        error="Say why." if page.field("confirmed") else "",
    )


async def _page(page: Page, school: School, given: Mapping[str, str] | None = None, error: str = "") -> Response:
    view = await page.services.words.flow.lookups.view(school.id)
    return page.render(
        "words.html",
        title=f"Words of {school.name}",
        status=422 if error else 200,
        school=school,
        app=_app(page),
        apps=[("", "every app"), *await page.services.words.apps(school.id)],
        found=await _list(page, school),
        unknown=await page.services.words.unknown(page.caller, school.id),
        fields=[(name, coded_words(name)) for name in CODED],
        coded_words=coded_words,
        choices={name: _choices(name, view) for name in CODED},
        troubles=_TROUBLES,
        given=given or {"field": USUAL_FIELD, "word": "", "code": "", "always": ""},
        error=error,
    )


def _first_of(problem: InvalidSubmission) -> str:
    found = problem.extra["findings"][0]
    return f"{found['message'].rstrip('.')}. {found['hint']}"


def _choices(name: str, view: LookupView) -> Sequence[tuple[str, str]]:
    """Return the codes that the school has for a field, each with what it is called; none where that is not known."""
    reference = CODED[name]
    lookup = view.get(reference.list)
    rows: list[Any] = [row for row in lookup.rows.values() if is_active(row)] if lookup is not None else []
    of_field = [row for row in rows if row.get("type") == reference.type or not reference.type]
    named = ((str(row.get("code") or row["id"]), str(row.get("description") or "")) for row in of_field)
    return sorted((code, f"{code} – {called}" if called else code) for code, called in named)


async def _school(page: Page) -> School:
    page.require_school(page.part("school"))
    return await page.services.registry.get(page.part("school"))


async def _list(page: Page, school: School) -> WordList:
    return await page.services.words.show(page.caller, school.id, _app(page))


def _app(page: Page) -> str:
    """Return whose words the page is about; empty: every app's."""
    return page.field("app") or page.query("app")


def _path(school: School, app: str) -> str:
    return f"/schools/{school.id}/words" + (f"?{urlencode({'app': app})}" if app else "")
