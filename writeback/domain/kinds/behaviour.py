"""`behaviour.create`, `behaviour.update`, `behaviour.delete`: incidents."""

from typing import Annotated

from pydantic import Field

from writeback.domain.kinds.base import Action, Code, Family, Id, Kind, Record, nothing
from writeback.domain.kinds.incident import Incident, IncidentChange, Involved, InvolvedChange
from writeback.domain.lookups import ListName


class Behaviour(Incident):
    """An incident with one or more pupils."""

    students: Annotated[list[Involved], Field(min_length=1)]
    status: Code | None = None
    """How far it is dealt with; most MISes need it."""
    bullying_type: Code | None = None
    location: Code | None = None
    time: Code | None = None
    """The named part of the day in which it happened, e.g. lunch."""


class BehaviourChange(IncidentChange):
    """A change of one that is in the MIS."""

    behaviour_id: Id
    students: list[InvolvedChange] = []
    status: Code | None = None
    bullying_type: Code | None = None
    location: Code | None = None
    time: Code | None = None


class BehaviourRemoval(Record):
    """The removal of one that is in the MIS."""

    behaviour_id: Id


_LISTS = (ListName.STUDENTS, ListName.EMPLOYEES, ListName.BEHAVIOUR_ATTRIBUTES)


def _slot(record: BehaviourChange | BehaviourRemoval) -> str:
    return f"behaviour|{record.behaviour_id}"


KINDS = (
    Kind(
        "behaviour.create", Family.CONDUCT, Behaviour, Action.CREATE, nothing, (*_LISTS, ListName.LESSONS), "incident"
    ),
    Kind("behaviour.update", Family.CONDUCT, BehaviourChange, Action.UPDATE, _slot, _LISTS, "incident"),
    Kind("behaviour.delete", Family.CONDUCT, BehaviourRemoval, Action.DELETE, _slot, (), "incident"),
)
