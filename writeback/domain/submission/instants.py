"""Instants as apps send them."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime
from pydantic_core import PydanticCustomError


def to_utc(value: datetime) -> datetime:
    """Return the same instant in UTC; refuse one that is none there."""
    try:
        return value.astimezone(UTC)
    except OverflowError as error:
        raise PydanticCustomError("instant_out_of_range", "It must lie in the years 1 to 9999 in UTC") from error


Instant = Annotated[AwareDatetime, AfterValidator(to_utc)]
"""An instant with its offset, put into UTC. 9999-12-31T23:59:59-14:00 is none: there it is the year 10000."""
