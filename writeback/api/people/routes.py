"""`/v1/schools/{school}/people`: all that is kept of one pupil or member of staff, given out or erased; and schools and
apps that leave.

POST, with the person in the body: a path stands in logs of proxies.
"""

from dataclasses import replace
from typing import Annotated, Literal

from fastapi import APIRouter, Response
from pydantic import Field

from writeback.api.front.auth import Admin, Svc, check_may_make_keys
from writeback.api.front.errors_doc import WRITING, error
from writeback.api.models import Reason, Taken
from writeback.api.schools.registry_models import Name
from writeback.core.errors import Forbidden
from writeback.domain.access import Caller
from writeback.domain.actor import actor_of
from writeback.domain.data_subject import Person
from writeback.domain.kinds.base import Id
from writeback.flow.data_subjects.data_subjects import person_of
from writeback.flow.data_subjects.readable import archive_of
from writeback_client.models.people import Left, PersonErased, PersonExport

router = APIRouter(tags=["people"])

_UNUSABLE = error(409, code="erasure_list_unusable", detail="the erasure list cannot be read or written")
_WAITING = error(409, code="still_waiting", detail="3 writebacks of hillside are on their way")
_ZIP = {"content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}}}


class PersonIn(Taken):
    """One person: a pupil or a member of staff."""

    student_id: Id | None = None
    """The provider's id of a pupil."""
    employee_id: Id | None = None
    """The provider's id of a member of staff."""
    names: Annotated[list[Name], Field(max_length=10)] = []
    """What comments may call them: no list here has names. A text with all words of one of these names them."""
    reason: Reason
    """Why; it is kept in the audit log, so it must not name the person."""

    def at(self, school_id: str, caller: Caller) -> Person:
        person = person_of(school_id, self.student_id, self.employee_id, self.names)
        return replace(person, names_everywhere=caller.is_for_all)


class ExportIn(PersonIn):
    """Whose data, and in what form."""

    format: Literal["json", "zip"] = "json"
    """`zip`: the same JSON, and a page that a person can read."""


class LeavingIn(Taken):
    """That something leaves, and why."""

    reason: Reason
    """Why; it is kept in the audit log."""
    even_if_waiting: bool = False
    """Whether it goes even while writebacks or files of it are on their way: these are deleted too."""


def _check_all_kinds(caller: Caller) -> None:
    """Raise Forbidden for a key that is limited to some kinds: a person has records of any."""
    if caller.kinds is not None:
        raise Forbidden(
            "key_lacks_kind",
            "this key is limited to some kinds, and this call is about all",
            hint="Use a key without a list of kinds.",
        )


@router.post(
    "/v1/schools/{school}/people/export",
    response_model=PersonExport,
    responses={**WRITING, 409: _UNUSABLE, 200: _ZIP},
)
async def export_person(caller: Admin, services: Svc, school: str, body: ExportIn) -> PersonExport | Response:
    """Give out all that is kept of one person in one school, as the person may see it: other pupils are withheld.

    It is audited, under a pseudonym.
    """
    _check_all_kinds(caller)
    export = await services.data_subjects.export(body.at(school, caller), actor_of(caller, body.reason))
    if body.format == "zip":
        headers = {"Content-Disposition": 'attachment; filename="export.zip"', "Cache-Control": "no-store"}
        return Response(archive_of(export), media_type="application/zip", headers=headers)
    return export


@router.post("/v1/schools/{school}/people/erase", responses={**WRITING, 409: _UNUSABLE})
async def erase_person(caller: Admin, services: Svc, school: str, body: PersonIn) -> PersonErased:
    """Erase one person from all that is kept of one school: records, comments, files' rows, messages, search.

    States, counts and evidence stay. What is on its way stays too, and is named: call again when it has ended. It is
    audited, under a pseudonym.
    """
    _check_all_kinds(caller)
    return await services.data_subjects.erase(body.at(school, caller), actor_of(caller, body.reason))


@router.post("/v1/schools/{school}/remove", responses={**WRITING, 409: _WAITING})
async def remove_school(caller: Admin, services: Svc, school: str, body: LeavingIn) -> Left:
    """Delete a school with all that is kept of it, and say what went, table by table. The audit log keeps its lines."""
    _check_all_kinds(caller)
    actor = actor_of(caller, body.reason)
    left = await services.data_subjects.leaving.remove_school(school, actor, even_if_waiting=body.even_if_waiting)
    services.registry.forget(school)
    return left


@router.post("/v1/apps/{app}/remove", responses={**WRITING, 409: _WAITING})
async def remove_app(caller: Admin, services: Svc, app: str, body: LeavingIn) -> Left:
    """Delete an app with its keys, webhooks, files and writebacks, and say what went, table by table."""
    check_may_make_keys(caller)
    actor = actor_of(caller, body.reason)
    return await services.data_subjects.leaving.remove_app(app, actor, even_if_waiting=body.even_if_waiting)
