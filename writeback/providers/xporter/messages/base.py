"""What a row of the tables is: how a message is recognised, what it says in our words, and whom it names."""

import re
from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True)
class Pattern:
    """How a message is recognised: blanks in any number, braces or none around a value, and any case."""

    wording: str
    """An expression with <values> for what it names."""

    @cached_property
    def compiled(self) -> re.Pattern[str]:  # at the first answer that is read: there are fifty
        values = r"\s*:?\s*\{?\s*(?P<values>[^\s{};,]+(?:\s*,\s*[\w.-]+)*)"
        return re.compile(self.wording.replace(" ", r"\s+").replace("<values>", values), re.IGNORECASE)


@dataclass(frozen=True)
class Message:
    """One row of a table of the document."""

    code: str
    pattern: Pattern
    message: str
    hint: str
    spots: tuple[str, ...] = ()
    """Names of the spots (`places`) that it may mean; the first that fits anyone counts. None: it names nobody."""
    has_value: bool = True
    """Whether it says the spot's value; False: everyone who has such a spot is meant."""
    names_all: bool = False
    """Whether every record of the request is meant."""
    pointer: str = ""
    """What it is about in the only record of a request, where no spot says."""
