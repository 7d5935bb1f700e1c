"""`achievement.create`, `achievement.update`, `achievement.delete`: what pupils did well."""

from typing import Annotated

from pydantic import Field

from writeback.domain.kinds.base import Action, Family, Id, Kind, Record, nothing
from writeback.domain.kinds.incident import Achiever, AchieverChange, Incident, IncidentChange
from writeback.domain.lookups import ListName


class Achievement(Incident):
    """An achievement of one or more pupils."""

    students: Annotated[list[Achiever], Field(min_length=1)]


class AchievementChange(IncidentChange):
    """A change of one that is in the MIS."""

    achievement_id: Id
    students: list[AchieverChange] = []


class AchievementRemoval(Record):
    """The removal of one that is in the MIS."""

    achievement_id: Id


_LISTS = (ListName.STUDENTS, ListName.EMPLOYEES, ListName.ACHIEVEMENT_ATTRIBUTES)


def _slot(record: AchievementChange | AchievementRemoval) -> str:
    return f"achievement|{record.achievement_id}"


KINDS = (
    Kind(
        "achievement.create",
        Family.CONDUCT,
        Achievement,
        Action.CREATE,
        nothing,
        (*_LISTS, ListName.LESSONS),
        "achievement",
    ),
    Kind("achievement.update", Family.CONDUCT, AchievementChange, Action.UPDATE, _slot, _LISTS, "achievement"),
    Kind("achievement.delete", Family.CONDUCT, AchievementRemoval, Action.DELETE, _slot, (), "achievement"),
)
