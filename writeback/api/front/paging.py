"""How lists are asked for: `limit`, `cursor`, and parameters that may be repeated or separated by commas."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

LARGEST, USUAL = 200, 50


class Paging(BaseModel):
    """Unknown parameters are refused: a misspelt filter would show what was not asked for."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    limit: Annotated[int, Field(ge=1, le=LARGEST)] = USUAL
    """How many items at most."""
    cursor: str | None = None
    """`next_cursor` of the page before."""


def split(given: Any) -> Any:
    """Return a repeated parameter's values, those with commas taken apart."""
    if not isinstance(given, list):
        return given
    return [part.strip() for value in given for part in str(value).split(",") if part.strip()]
