"""Reads docs/coverage/*.toml: what a provider's document says, where it is done here, and which test shows it."""

import tomllib
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, model_validator

ROOT = Path(__file__).parents[2]
DATA = ROOT / "docs" / "coverage"


class _Read(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class Row(_Read):
    """One thing that a document says."""

    what: str
    """In a table of attributes: the attribute's name, as the document has it."""
    line: int
    says: str
    """A few of the document's words at that line, or within two lines of it."""
    code: tuple[str, ...] = ()
    """Where it is done: a file, and after a colon the name in it; of a rule file the kind."""
    findings: tuple[str, ...] = ()
    """What validation says of it."""
    tests: tuple[str, ...] = ()
    """Tests by their ids without parameters, and examples by their paths."""
    not_covered: str = ""
    """Why nothing is done about it."""
    note: str = ""

    @model_validator(mode="after")
    def _is_covered_or_says_why_not(self) -> "Row":
        if self.not_covered and (self.code or self.tests or self.findings):
            raise ValueError(f"{self.what} ({self.line}): it is covered, or it says why not")
        if not self.not_covered and not (self.code and self.tests):
            raise ValueError(f"{self.what} ({self.line}): name code and tests, or say why not")
        return self


class AttributeTable(_Read):
    """Where a document lists attributes: the first and the last line, and how they are written there."""

    first: int
    last: int
    form: Literal["attributes", "typed", "plain", "bullets", "json"]


class Section(_Read):
    """One section of a document."""

    title: str
    line: int
    kind: str | None = None
    """The kind whose request the attributes are of."""
    table: AttributeTable | None = None
    names: tuple[str, ...] = ()
    """Every attribute that the document's table lists, in its order; each needs a row."""
    rows: tuple[Row, ...]


class Document(_Read):
    """One provider's document."""

    name: str
    title: str
    full_title: str
    variable: str
    """The environment variable that may hold the path of the document's text."""
    sections: tuple[Section, ...]


@cache
def documents() -> tuple[Document, ...]:
    """Return every document, by file name."""
    return tuple(
        Document.model_validate(tomllib.loads(path.read_text(encoding="utf-8"))) for path in sorted(DATA.glob("*.toml"))
    )
