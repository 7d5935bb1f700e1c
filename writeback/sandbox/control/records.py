"""The records that a school's MIS holds besides marks: shown, and made, changed and removed by hand as the office does.

Fields are in neither provider's words; choices, rooms and detention types are given by code or id.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from starlette.requests import Request
from starlette.responses import Response

from writeback.sandbox.control import office
from writeback.sandbox.control.requests import ControlError, json_object, school_in_path
from writeback.sandbox.http import answer, sandbox_of
from writeback.sandbox.mis.mis import Mis, RecordChange
from writeback.sandbox.mis.records import Refused
from writeback.sandbox.strictness import Errors
from writeback.sandbox.wonde.given import Given


class _Record(Protocol):
    def as_json(self) -> dict[str, Any]: ...


@dataclass(frozen=True)
class Family:
    """One sort of record: where it is held, and how the office's words become changes of it."""

    held: Callable[[Mis], Iterable[_Record]]
    created: Callable[[Given, Mis], RecordChange | None]
    updated: Callable[[Given, Mis], RecordChange | None]
    removed: Callable[[str], RecordChange]


FAMILIES: Final[Mapping[str, Family]] = {
    "achievements": Family(
        lambda mis: mis.conduct.rows("achievement"),
        office.new_achievement,
        office.achievement_edit,
        office.achievement_removal,
    ),
    "behaviours": Family(
        lambda mis: mis.conduct.rows("behaviour"), office.new_behaviour, office.behaviour_edit, office.behaviour_removal
    ),
    "detentions": Family(
        lambda mis: mis.detentions.by_id.values(),
        office.new_detention,
        office.detention_edit,
        office.detention_removal,
    ),
    "student-absences": Family(
        lambda mis: mis.absences.of_students.values(),
        office.new_student_absence,
        office.student_absence_edit,
        office.student_absence_removal,
    ),
    "employee-absences": Family(
        lambda mis: mis.absences.of_staff.values(),
        office.new_employee_absence,
        office.employee_absence_edit,
        office.employee_absence_removal,
    ),
}
_ACTIONS: Final = frozenset({"create", "update", "delete"})


async def records(request: Request, *, family: str) -> Response:
    """Answer what the MIS holds; filters `id`, `student`, `employee`, `date` (its day), `source`."""
    mis, query = school_in_path(request).mis, request.query_params
    rows = [row.as_json() for row in FAMILIES[family].held(mis)]
    return answer({family: [row for row in rows if _fits(row, query)]})


async def edit_records(request: Request, *, family: str) -> Response:
    """Do what the office does: `{"create": [{…}], "update": [{"id", …}], "delete": ["…"]}`, all of it or nothing."""
    school, state, sort = school_in_path(request), sandbox_of(request), FAMILIES[family]
    wanted = await json_object(request)
    if unknown := sorted(set(wanted) - _ACTIONS):
        raise ControlError("unknown_field", f"unknown fields {', '.join(unknown)}: known are create, update, delete")
    errors: Errors = {}
    given, mis = Given(wanted, "", errors), school.mis
    changes = [sort.created(row, mis) for row in given.each("create", is_required=False)]
    changes += [sort.updated(row, mis) for row in given.each("update", is_required=False)]
    changes += [sort.removed(record_id) for record_id in given.texts("delete")]
    if errors or None in changes:
        raise ControlError("bad_record", "; ".join(text for texts in errors.values() for text in texts))
    asked = [change for change in changes if change is not None]
    done = mis.apply((), asked, source="office", at=state.now(), keeps_other_than_n=False)
    if isinstance(done, Refused):
        raise ControlError("mis_refused", done.message, status=409)
    state.note_effects(school, done.effects, ref="office")
    touched = {effect.id for effect in done.effects}
    rows = [row.as_json() for row in sort.held(mis)]
    return answer({family: [row for row in rows if row["id"] in touched]})


async def attributes(request: Request) -> Response:
    """Answer the choices of all select boxes, of `list` or `type` where those are given."""
    lists, query = school_in_path(request).mis.lists, request.query_params
    return answer(
        {
            "attributes": [
                {
                    "id": row.id,
                    "list": row.list,
                    "type": row.type,
                    "code": row.code,
                    "description": row.description,
                    "active": row.is_active,
                    "points": row.points,
                    "allows_bullying_type": row.allows_bullying_type,
                }
                for row in lists.attributes
                if query.get("list") in (None, row.list) and query.get("type") in (None, row.type)
            ]
        }
    )


async def rooms(request: Request) -> Response:
    rows = school_in_path(request).mis.lists.rooms.values()
    return answer({"rooms": [{"id": row.id, "code": row.code, "name": row.name} for row in rows]})


async def detention_types(request: Request) -> Response:
    rows = school_in_path(request).mis.lists.detention_types.values()
    return answer(
        {
            "detention_types": [
                {"id": row.id, "code": row.code, "name": row.name, "location": row.room.code, "active": row.is_active}
                for row in rows
            ]
        }
    )


def _fits(row: Mapping[str, Any], query: Mapping[str, str]) -> bool:
    students: Sequence[Mapping[str, Any]] = row.get("students", [row])
    day = row.get("date") or str(row.get("start_at"))[:10]
    return (
        query.get("id") in (None, row["id"])
        and ("student" not in query or any(pupil.get("student_id") == query["student"] for pupil in students))
        and query.get("employee") in (None, row.get("employee_id"))
        and query.get("date") in (None, day)
        and query.get("source") in (None, row["source"])
    )
