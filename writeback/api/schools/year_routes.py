"""`/v1/schools/{school}/year`: when pupils come, and when not."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated

from fastapi import APIRouter
from pydantic import Field, StringConstraints

from writeback.api.front.auth import Admin, Reader, Svc
from writeback.api.front.errors_doc import READING, WRITING
from writeback.api.models import Taken
from writeback.core.errors import BadInput
from writeback.domain.actor import actor_of
from writeback.domain.kinds.base import NO_CONTROLS
from writeback.domain.school_settings.year import LONGEST_NAME, MOST_STRETCHES, DayKind, Stretch
from writeback_client.models.schools import SchoolYear

router = APIRouter(tags=["schools"])

Name = Annotated[str, StringConstraints(strip_whitespace=True, max_length=LONGEST_NAME, pattern=NO_CONTROLS)]


_EXAMPLE = "kind,first,last,name\r\nterm,2026-09-02,2026-10-23,Autumn 1\r\ninset,2026-09-02,,Training\r\n"


class StretchIn(Taken):
    """Days in a row, both ends included."""

    kind: DayKind
    """`term`: the days between two terms are holidays. `holiday`, `inset`, `closure`: no pupils. `open`: pupils come,
    whatever else is said of these days, also by the provider."""
    first: date
    last: date
    name: Name = ""
    """E.g. Christmas."""


class YearIn(Taken):
    """A school's year, whole: as a list, or as the text of a file; one of the two."""

    stretches: Annotated[list[StretchIn], Field(max_length=2 * MOST_STRETCHES)] | None = None
    """An empty list: the school says nothing of its year."""
    file: Annotated[
        str | None,
        Field(
            examples=["kind,first,last,name\r\nterm,2026-09-02,2026-10-23,Autumn 1\r\ninset,2026-09-02,,Training\r\n"]
        ),
    ] = None
    """The text of a table (CSV) with the columns kind, first, last and name, or of a calendar (iCalendar)."""


@router.get("/v1/schools/{school}/year", responses=READING)
async def show_year(caller: Reader, services: Svc, school: str) -> SchoolYear:
    """Show what the school has given of its year, and what its provider tells besides."""
    return await services.years.show(school)


@router.put("/v1/schools/{school}/year", responses=WRITING)
async def put_year(caller: Admin, services: Svc, school: str, body: YearIn) -> SchoolYear:
    """Put a year in the place of the one that the school has given. Marks of days without pupils are warned of."""
    actor = actor_of(caller)
    if (body.stretches is None) == (body.file is None):
        raise BadInput("year_unclear", "send one of the two, stretches or file", hint="The other is left out.")
    if body.file is not None:
        return await services.years.load(school, body.file, actor)
    return await services.years.put(school, _stretches(body.stretches or ()), actor)


def _stretches(given: Sequence[StretchIn]) -> list[Stretch]:
    return [Stretch(one.kind, one.first, one.last, one.name) for one in given]
