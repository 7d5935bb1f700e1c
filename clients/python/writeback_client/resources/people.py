"""One pupil or member of staff: what is kept, and its erasure. Needs the scope admin."""

from collections.abc import Sequence

from writeback_client import aio, blocking
from writeback_client.calls import Call, as_model, path, post, said
from writeback_client.models.people import PersonErased, PersonExport

_PATIENCE_S = 900.0
"""The service goes through all that is kept of a school."""


def export(
    school: str,
    *,
    reason: str,
    student_id: str | None = None,
    employee_id: str | None = None,
    names: Sequence[str] = (),
) -> Call[PersonExport]:
    """Return all that is kept of one person. Give one id; `names` are what comments may call them.

    The reason is kept, so it must not name the person: BadRequest.
    """
    body = said(student_id=student_id, employee_id=employee_id, names=list(names), reason=reason)
    where = path("/v1/schools/{}/people/export", school)
    return post(where, as_model(PersonExport), body, is_repeatable=True, timeout_s=_PATIENCE_S)


def erase(
    school: str,
    *,
    reason: str,
    student_id: str | None = None,
    employee_id: str | None = None,
    names: Sequence[str] = (),
) -> Call[PersonErased]:
    """Erase one person from all that is kept; what is on its way is `waiting`: erase again when it has ended."""
    body = said(student_id=student_id, employee_id=employee_id, names=list(names), reason=reason)
    where = path("/v1/schools/{}/people/erase", school)
    return post(where, as_model(PersonErased), body, is_repeatable=True, timeout_s=_PATIENCE_S)


class People(blocking.Room):
    """`client.people`."""

    export = blocking.one(export)
    erase = blocking.one(erase)


class AsyncPeople(aio.Room):
    """`client.people`, for asyncio."""

    export = aio.one(export)
    erase = aio.one(erase)
