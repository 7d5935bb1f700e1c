"""What an entry of the catalogue is: its texts, how grave it is, who raises it, and the providers' own words."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from writeback.domain.finding import Severity
from writeback.domain.kinds import Family

WARNING = Severity.WARNING


class RaisedBy(StrEnum):
    """Where a finding comes from."""

    SHAPE = "shape"
    """`domain.submission`, while it reads the body."""
    VALIDATION = "validation"
    """`validate`, before anything is sent."""
    ACCEPT = "accept"
    """Before it is kept: `flow.accept`, which knows what was accepted before, and `flow.directory`, who people are."""
    SETTINGS = "settings"
    """`flow.filling`, which adds what a school's settings say."""
    PROVIDER = "provider"
    """A provider's answer: only it can know."""
    NOBODY = "nobody"
    """We see to it that it cannot happen; listed for the provider's wording."""


@dataclass(frozen=True)
class Wording:
    """What a provider's document says, word for word, and in which line."""

    text: str
    source: str


@dataclass(frozen=True)
class Entry:
    """One finding: its texts are templates.

    `wordings` is by provider, or by provider and what it is about (`xporter conduct`, `wonde detention start_time`).
    """

    code: str
    message: str
    hint: str
    severity: Severity = Severity.ERROR
    raised_by: RaisedBy = RaisedBy.VALIDATION
    wordings: Mapping[str, Wording] = field(default_factory=dict)

    def wording(self, provider: str, family: Family | None, field_name: str) -> Wording | None:
        """Return the words of the provider about this field of this family, those that are closest to it first."""
        about = _ABOUT.get(family, family.value) if family is not None else ""
        keys = (f"{provider} {about} {field_name}", f"{provider} {about}", provider)
        return next((self.wordings[key] for key in keys if key in self.wordings), None)


_ABOUT: Mapping[Family | None, str] = {Family.SESSION_MARKS: "attendance", Family.LESSON_MARKS: "attendance"}


def xporter(text: str, line: int, about: str = "") -> dict[str, Wording]:
    """Return Xporter's words, about everything or about one family (and field)."""
    return {f"xporter {about}".strip(): Wording(text, f"Xporter {line}")}


def wonde(text: str, line: int, about: str = "") -> dict[str, Wording]:
    """Return Wonde's words, about everything or about one family (and field)."""
    return {f"wonde {about}".strip(): Wording(text, f"Wonde {line}")}
