"""A school's year as people see and change it: what the school has given, and what its provider tells besides."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from writeback.domain.actor import Actor
from writeback.domain.school_settings.year import Stretch
from writeback.flow.registry.entries import Registry
from writeback.flow.schools.year_files import checked, read_year
from writeback.lookups.cache import LookupCache
from writeback_client.models import schools as shown


@dataclass(frozen=True)
class SchoolYears:
    """Shows and changes the years of schools."""

    registry: Registry
    lookups: LookupCache

    async def show(self, school_id: str, *, passed_over: Sequence[str] = ()) -> shown.SchoolYear:
        """Return the school's year; raise NotFound."""
        school = await self.registry.school(school_id)
        closures = (await self.lookups.view(school_id)).closures
        told = sorted(closures.year.stretches, key=lambda one: one.first) if closures is not None else ()
        return shown.SchoolYear(
            school=school_id,
            stretches=tuple(map(_shown, school.year.stretches)),
            from_provider=tuple(map(_shown, told)),
            passed_over=tuple(passed_over),
        )

    async def closed_for(self, school_id: str, day: date) -> str | None:
        """Return in words what the school is closed for on a day; None where it is not, or nothing is known. Raise
        NotFound."""
        school = await self.registry.school(school_id)
        closures = (await self.lookups.view(school_id)).closures
        closed = school.year.closed(day, closures.year if closures is not None else None)
        return closed.in_words if closed is not None else None

    async def put(self, school_id: str, stretches: Sequence[Stretch], actor: Actor) -> shown.SchoolYear:
        """Put these in the place of what the school has given; none: it says nothing of its year any more.

        Raise NotFound, or InvalidSubmission.
        """
        year = [one.as_json() for one in checked(stretches)]
        await self.registry.patch(school_id, {"year": year}, actor=actor)
        return await self.show(school_id)

    async def load(self, school_id: str, text: str, actor: Actor) -> shown.SchoolYear:
        """Put what a file says (`year_files`) in the place of what the school has given, as `put` does."""
        read = read_year(text)
        await self.put(school_id, read.stretches, actor)
        return await self.show(school_id, passed_over=read.passed_over)


def _shown(one: Stretch) -> shown.Stretch:
    return shown.Stretch(kind=one.kind.value, first=one.first, last=one.last, name=one.name)
