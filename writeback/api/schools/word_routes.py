"""`/v1/schools/{school}/words`: what a school's reasons are called elsewhere, and the codes that they stand for."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import Field

from writeback.api.front.auth import Corrector, Reader, Svc, check_school_there
from writeback.api.front.errors_doc import READING, WRITING, errors
from writeback.api.front.paging import Parameters
from writeback.api.models import MaybeReason, Taken
from writeback.batches.word_files import as_csv
from writeback.domain.actor import actor_of
from writeback.domain.kinds.base import Code
from writeback.domain.school_settings.words import Word
from writeback.flow.filling.word_checks import MOST_WORDS
from writeback_client.models import words as shown
from writeback_client.models.base import Page
from writeback_client.models.words import UnknownWord, WordList

router = APIRouter(tags=["words"])

_CHANGING = {**WRITING, **errors(409)}
_FIELD = Field(max_length=64, examples=["attendance.code", "behaviour.type"])


class ListQuery(Parameters):
    """Which list of words."""

    app: Annotated[str, Field(max_length=64)] = ""
    """Those that this app has beside and before the school's. Left out: those for every app."""


class WordIn(Taken):
    """A word, and the code that it stands for."""

    field: Annotated[str, _FIELD]
    """Of what it is a code."""
    word: Annotated[Code, Field(examples=["Late – bus"])]
    """As apps and files say it. Letter case, blanks and the sort of its dashes make no difference."""
    code: Annotated[Code, Field(examples=["L"])]
    """A code that the school has, or its id."""
    always: bool = False
    """Whether it goes before a code of the school's that is written like it."""


class WordsIn(Taken):
    """Words to add, or to change where the list has them."""

    words: Annotated[list[WordIn], Field(min_length=1, max_length=MOST_WORDS)]
    reason: MaybeReason = ""
    """Why; it goes into the audit log."""


class AllWordsIn(Taken):
    """All the words that a list is to have."""

    words: Annotated[list[WordIn], Field(max_length=MOST_WORDS)]
    version: Annotated[int, Field(ge=0)]
    """The version of the list that you have seen: where it is another by now, nothing is done (409)."""
    reason: MaybeReason = ""
    """Why; it goes into the audit log."""


class WordGone(Taken):
    """A word to be taken out."""

    field: Annotated[str, _FIELD]
    word: Code
    reason: MaybeReason = ""
    """Why; it goes into the audit log."""


@router.get("/v1/schools/{school}/words", responses=READING)
async def list_words(caller: Reader, services: Svc, school: str, query: Annotated[ListQuery, Query()]) -> WordList:
    """List the school's words for codes: for every app, or those of one app, which go before them."""
    return await services.words.show(caller, school, query.app)


@router.get(
    "/v1/schools/{school}/words.csv",
    responses={**READING, 200: {"content": {"text/csv": {"schema": {"type": "string"}}}}},
)
async def download_words(caller: Reader, services: Svc, school: str, query: Annotated[ListQuery, Query()]) -> Response:
    """Download the list as CSV: field, word, code, always. `writeback words import` reads it."""
    found = await services.words.show(caller, school, query.app)
    headers = {"content-disposition": f'attachment; filename="words-{school}.csv"'}
    return Response(as_csv(_words(found.words)), headers=headers, media_type="text/csv; charset=utf-8")


@router.get("/v1/schools/{school}/words/suggestions", responses=READING)
async def suggest_words(caller: Reader, services: Svc, school: str) -> Page[UnknownWord]:
    """List what was sent in the place of codes lately and refused, the most frequent first, each with the code of the
    school's list that it is most like. What has a word by now is left out."""
    return Page(items=await services.words.unknown(caller, school))


@router.post("/v1/schools/{school}/words", responses=_CHANGING)
async def put_words(
    caller: Corrector, services: Svc, school: str, body: WordsIn, query: Annotated[ListQuery, Query()]
) -> WordList:
    """Add words to the list, or change those that it has. What failed for them can be resubmitted then.

    Words for every app need the scope `support`; those of the key's own app `submit` alone.
    """
    check_school_there(caller, school)
    actor = actor_of(caller, body.reason)
    return await services.words.put(caller, school, _words(body.words), actor, query.app)


@router.put("/v1/schools/{school}/words", responses=_CHANGING)
async def replace_words(
    caller: Corrector, services: Svc, school: str, body: AllWordsIn, query: Annotated[ListQuery, Query()]
) -> WordList:
    """Put these words in the place of all that the list has. Scopes are as for adding."""
    check_school_there(caller, school)
    actor = actor_of(caller, body.reason)
    return await services.words.replace(caller, school, _words(body.words), body.version, actor, query.app)


@router.post("/v1/schools/{school}/words/remove", responses=_CHANGING)
async def remove_word(
    caller: Corrector, services: Svc, school: str, body: WordGone, query: Annotated[ListQuery, Query()]
) -> WordList:
    """Take a word out of the list. Scopes are as for adding."""
    check_school_there(caller, school)
    actor = actor_of(caller, body.reason)
    return await services.words.take_out(caller, school, body.field, body.word, actor, query.app)


def _words(given: Sequence[WordIn | shown.Word]) -> list[Word]:
    return [Word(one.field, one.word, one.code, one.always) for one in given]
