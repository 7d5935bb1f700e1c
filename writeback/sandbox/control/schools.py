"""Seeding, showing and changing schools."""

from collections.abc import Mapping
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from writeback.sandbox.control.changes import apply_changes
from writeback.sandbox.control.requests import ControlError, json_object, read_date, school_in_path
from writeback.sandbox.http import answer, base_url, sandbox_of
from writeback.sandbox.mis.school import WONDE_PERMISSIONS, XPORTER_SCOPES, SandboxSchool
from writeback.sandbox.mis.seed import seed_mis
from writeback.sandbox.state import SandboxState

MAX_PUPILS: Final = 20_000
_SCHOOL_FIELDS: Final = frozenset(
    {"provider", "mis", "id", "estab", "name", "pupils", "seed", "token", "secret", "relying_party", "changes"}
)


async def add_school(request: Request) -> Response:
    """Seed a school; `changes` may hold what the change call takes."""
    given = await json_object(request)
    if unknown := sorted(set(given) - _SCHOOL_FIELDS):
        raise ControlError(
            "unknown_field", f"unknown fields {', '.join(unknown)}: known are {', '.join(sorted(_SCHOOL_FIELDS))}"
        )
    state = sandbox_of(request)
    school = _seeded(state, given)
    if school.id in state.schools:
        raise ControlError("school_exists", f"there is a school {school.id} already", status=409)
    state.schools[school.id] = school
    apply_changes(state, school, given.get("changes", {}))
    return answer({**_shown(school, base_url(request)), "registers": _registers(school)}, 201)


async def schools(request: Request) -> Response:
    state = sandbox_of(request)
    return answer({"schools": [_shown(school, base_url(request)) for school in state.schools.values()]})


async def one_school(request: Request) -> Response:
    school = school_in_path(request)
    return answer({**_shown(school, base_url(request)), "registers": _registers(school)})


async def change_school(request: Request) -> Response:
    """Change what the fields say, e.g. `{"online": false}`."""
    school = school_in_path(request)
    apply_changes(sandbox_of(request), school, await json_object(request))
    return answer(_shown(school, base_url(request)))


async def lessons(request: Request) -> Response:
    """Answer the lessons of `date` (default: today); `lesson_id` is what an app sends us for this provider."""
    school, state = school_in_path(request), sandbox_of(request)
    given = request.query_params.get("date")
    day = read_date(given, "date") if given else state.today()
    state.keep_timetable(school)
    found = [
        {
            "lesson_id": lesson.id if school.provider == "wonde" else str(lesson.instance),
            "timetable_id": lesson.id,
            "period_instance_id": lesson.instance,
            "date": day.isoformat(),
            "start_at": lesson.start.isoformat(),
            "end_at": lesson.end.isoformat(),
            "class": lesson.class_name,
            "period": lesson.period.name,
            "employee_id": lesson.employee_id,
            "student_ids": list(lesson.group.student_ids),
        }
        for lesson in school.mis.timetable.on(day)
    ]
    return answer({"date": day.isoformat(), "lessons": found})


async def codes(request: Request) -> Response:
    rows = school_in_path(request).mis.codes.values()
    return answer(
        {
            "codes": [
                {"id": c.id, "code": c.code, "description": c.description, "type": c.type, "active": c.is_active}
                for c in rows
            ]
        }
    )


def _seeded(state: SandboxState, given: Mapping[str, Any]) -> SandboxSchool:
    provider = given.get("provider", "wonde")
    if provider not in ("wonde", "xporter"):
        raise ControlError("unknown_provider", f"provider is {provider!r}: send wonde or xporter")
    pupils = given.get("pupils", 1_000)
    if isinstance(pupils, bool) or not isinstance(pupils, int) or not 1 <= pupils <= MAX_PUPILS:
        raise ControlError("bad_pupils", f"pupils is {pupils!r}: send a number from 1 to {MAX_PUPILS}")
    seed = given.get("seed", 1)
    if isinstance(seed, bool) or not isinstance(seed, int):
        raise ControlError("bad_seed", f"seed is {seed!r}: send a whole number")
    number = 1 + len(state.schools)
    made_up = f"A{1_329_183_000 + number}" if provider == "wonde" else f"{3_281_100 + number}"
    school_id = str(given.get("id") or given.get("estab") or made_up)
    if not school_id[-4:].isdigit():
        raise ControlError("bad_id", f"id is {school_id!r}: it must end in four digits, like A1329183376 or 3281102")
    grants = WONDE_PERMISSIONS if provider == "wonde" else XPORTER_SCOPES
    return SandboxSchool(
        provider=provider,
        id=school_id,
        name=str(given.get("name") or f"Sandbox School {number}"),
        secret=str(given.get("token") or given.get("secret") or f"{provider}-secret-{school_id}"),
        mis=seed_mis(
            provider=provider,
            key=school_id,
            name=str(given.get("mis") or "SIMS"),
            pupils=pupils,
            seed=seed,
            today=state.today(),
            at=state.now(),
        ),
        created_at=state.now(),
        grants=set(grants),
        relying_party=given.get("relying_party"),
    )


def _shown(school: SandboxSchool, base: str) -> dict[str, Any]:
    """Return what an app and our service need to know of a school, and its state."""
    credentials = {"token": school.secret}
    if school.provider == "xporter":
        credentials = {"secret": school.secret, "sts_url": f"{base}/idaas/sts/STS/GetToken"}
    return {
        "provider": school.provider,
        "provider_school_id": school.id,
        "name": school.name,
        "mis": school.mis_name,
        "base_url": f"{base}/v1.0" if school.provider == "wonde" else base,
        "credentials": credentials,
        **credentials,
        "online": school.is_online,
        "access": school.access,
        "paused": school.is_paused,
        "grants": sorted(school.grants),
        "completion_delay_s": school.completion_delay_s,
        "closed_days": sorted(day.isoformat() for day in school.mis.closed_days),
        "pupils": len(school.mis.pupils),
        "staff": len(school.mis.staff),
    }


def _registers(school: SandboxSchool) -> list[dict[str, Any]]:
    return [
        {"name": group.name, "employee_id": group.tutor_id, "student_ids": list(group.student_ids)}
        for group in school.mis.timetable.groups
    ]
