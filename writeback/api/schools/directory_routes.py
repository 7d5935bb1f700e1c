"""`/v1/schools/{school}/lookups/{list}/find`: from a UPN, a number or a name to the provider's id.

POST, with the people in the body: a path stands in logs of proxies.
"""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter
from pydantic import Field

from writeback.api.front.auth import Finder, Svc
from writeback.api.front.errors_doc import WRITING, error
from writeback.api.models import Taken
from writeback.domain.access import Caller
from writeback.domain.lookups import ListName
from writeback.domain.submission.people import Pupil, StaffMember
from writeback.flow.directory.asking import FoundPeople
from writeback.wiring import Services
from writeback_client.models.directory import FoundPerson, NearPerson, PeopleFound

router = APIRouter(tags=["lookups"])

MOST = 500
"""People in one call."""
_TOO_OFTEN = error(429, code="people_missed_too_often", detail="500 people for whom this key asked … were not found")


class PupilsIn(Taken):
    """Pupils to find."""

    people: Annotated[list[Pupil], Field(min_length=1, max_length=MOST)]


class StaffIn(Taken):
    """Members of staff to find."""

    people: Annotated[list[StaffMember], Field(min_length=1, max_length=MOST)]


@router.post("/v1/schools/{school}/lookups/students/find", responses={**WRITING, 429: _TOO_OFTEN})
async def find_students(caller: Finder, services: Svc, school: str, body: PupilsIn) -> PeopleFound:
    """Find pupils by UPN or admission number, or by name and a day of birth or a class.

    Names match exactly once case, blanks, apostrophes and hyphens are alike; nobody is guessed. A key may ask for so
    many in a minute, and be told so often in an hour that somebody is not found. It is audited, with counts alone.
    """
    return await _find(caller, services, school, ListName.STUDENTS, body.people)


@router.post("/v1/schools/{school}/lookups/employees/find", responses={**WRITING, 429: _TOO_OFTEN})
async def find_employees(caller: Finder, services: Svc, school: str, body: StaffIn) -> PeopleFound:
    """Find staff by code or e-mail, or by a name that nobody else has. As with pupils otherwise."""
    return await _find(caller, services, school, ListName.EMPLOYEES, body.people)


async def _find(
    caller: Caller, services: Services, school: str, list_name: ListName, people: Sequence[Pupil | StaffMember]
) -> PeopleFound:
    return _shown(await services.people.find(caller, school, list_name, [one.reference for one in people]))


def _shown(people: FoundPeople) -> PeopleFound:
    return PeopleFound(
        items=tuple(
            FoundPerson(
                match=one.match,
                id=one.person_id or None,
                near=tuple(NearPerson(id=near, shown=dict(people.names.get(near, {}))) for near in one.candidates),
            )
            for one in people.found
        )
    )
