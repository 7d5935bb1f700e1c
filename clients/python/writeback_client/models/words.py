"""A school's words for codes: what its reasons are called elsewhere, and what was refused for want of one."""

from datetime import datetime

from writeback_client.models.base import Model


class Word(Model):
    """What something is called elsewhere, and the school's code for it."""

    field: str
    """Of what it is a code: `attendance.code`, `behaviour.type`, `achievement.outcome`, `detention.location`, …"""
    word: str
    """As apps and files say it. Letter case, blanks and the sort of its dashes make no difference; all else does."""
    code: str
    """The code of the school's list, or its id, that it stands for."""
    always: bool = False
    """It goes before a code of the school's that is written like it. Otherwise a code is never taken for a word."""
    trouble: str | None = None
    """Why it does not work by now: `code_unknown` or `code_inactive`, as the school's list has changed; `word_is_code`,
    as it is a code itself. Null: it works."""


class WordList(Model):
    """The words of a school: for every app, or those that one app has beside and before them."""

    school: str
    app: str = ""
    """Empty: for every app."""
    version: int
    """Counts changes; 0: there are no words yet. Who replaces them all says which one they saw."""
    words: tuple[Word, ...] = ()
    """By field and word."""
    updated_at: datetime | None = None


class UnknownWord(Model):
    """What was sent in the place of a code, and refused."""

    field: str
    word: str
    """As it was sent."""
    app: str
    """Which app sent it."""
    times: int
    """In how many records; of a file, in how many rows."""
    last_at: datetime
    code: str | None = None
    """The code of the school's list that it is most like; null: it is like none."""
    description: str | None = None
    """What that code is called at the school."""
