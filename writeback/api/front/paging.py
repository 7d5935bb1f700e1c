"""What queries have in common: `limit`, `cursor`, and parameters that may be repeated or separated by commas."""

from typing import Annotated, Any

from pydantic import ConfigDict, Field

from writeback_client.models.described import Described

LARGEST, USUAL = 200, 50


class Parameters(Described):
    """Base of what a query may hold. Unknown ones are refused: a misspelt one would show, or do, what was not meant."""

    model_config = ConfigDict(extra="forbid")


class Paging(Parameters):
    """How a list is asked for."""

    limit: Annotated[int, Field(ge=1, le=LARGEST)] = USUAL
    """How many items at most."""
    cursor: str | None = None
    """`next_cursor` of the page before."""


def split(given: Any) -> Any:
    """Return a repeated parameter's values, those with commas taken apart."""
    if not isinstance(given, list):
        return given
    return [part.strip() for value in given for part in str(value).split(",") if part.strip()]
