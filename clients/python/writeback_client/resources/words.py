"""Words for codes: what a school's reasons are called elsewhere."""

from collections.abc import Sequence
from typing import TypedDict

from writeback_client import aio, blocking
from writeback_client.calls import Call, as_model, get, path, post, said
from writeback_client.models.base import Page
from writeback_client.models.words import UnknownWord, WordList
from writeback_client.resources.lists import page

_LIST = "/v1/schools/{}/words"


class _Word(TypedDict):
    field: str
    word: str
    code: str


class NewWord(_Word, total=False):
    """A word, and the code that it stands for, as `Word` describes them."""

    always: bool


def fetch(school: str, *, app: str | None = None) -> Call[WordList]:
    """Return a school's words: for every app, or those that one app has beside and before them."""
    return get(path(_LIST, school), as_model(WordList), app=app)


def put(school: str, words: Sequence[NewWord], *, app: str | None = None, reason: str | None = None) -> Call[WordList]:
    """Add words, or change those that the list has; raise Invalid with findings.

    Words for every app need the scope support; those of the key's own app submit alone.
    """
    body = said(words=list(words), reason=reason)
    return post(path(_LIST, school), as_model(WordList), body, params={"app": app}, is_repeatable=True)


def replace(
    school: str, words: Sequence[NewWord], *, version: int, app: str | None = None, reason: str | None = None
) -> Call[WordList]:
    """Put these words in the place of all; raise Conflict where the list is in another version than you have seen."""
    body = said(words=list(words), version=version, reason=reason)
    return post(path(_LIST, school), as_model(WordList), body, params={"app": app}, method="PUT")


def remove(school: str, field: str, word: str, *, app: str | None = None, reason: str | None = None) -> Call[WordList]:
    """Take a word out; raise NotFound where the list has none."""
    body = said(field=field, word=word, reason=reason)
    return post(path(f"{_LIST}/remove", school), as_model(WordList), body, params={"app": app})


def suggestions(school: str) -> Call[Page[UnknownWord]]:
    """Return what was sent in the place of codes lately and refused, with the code that it is most like."""
    return page(path(f"{_LIST}/suggestions", school), UnknownWord)


class Words(blocking.Room):
    """`client.words`."""

    get = blocking.one(fetch)
    put = blocking.one(put)
    replace = blocking.one(replace)
    remove = blocking.one(remove)
    suggestions = blocking.one(suggestions)


class AsyncWords(aio.Room):
    """`client.words` of `AsyncClient`."""

    get = aio.one(fetch)
    put = aio.one(put)
    replace = aio.one(replace)
    remove = aio.one(remove)
    suggestions = aio.one(suggestions)
