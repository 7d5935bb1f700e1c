"""The schools of a run: seeded in the sandbox, registered with the service, and what is known of them."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import httpx

from tests.chaos.options import RETRY_EVERY_S, RETRY_FOR_S
from writeback.core.settings import Settings
from writeback.domain.access import Scope
from writeback.flow.registry.entries import NewSchool
from writeback.wiring import Services, open_services

SORTS: Sequence[tuple[str, str]] = (
    ("wonde", "SIMS"),
    ("xporter", "SIMS"),
    ("wonde", "Bromcom"),
    ("wonde", "Arbor"),
    ("xporter", "SIMS"),
    ("xporter", "Bromcom"),
)
"""The schools, in turn: provider and MIS."""
PUPILS = 60
SPARED, FOLLOWED = 0, (1, 2, 3)
"""Numbers of schools: that which is left in peace, and those with pupils whom a 5xx follows."""
TARGETS = 6
"""Things of the office's own, in each school, that may be changed or removed through us."""


@dataclass
class SchoolUnderTest:
    """One school, by our id and the provider's."""

    id: str
    provider: str
    mis: str
    provider_school_id: str
    hook_url: str
    registers: Sequence[Mapping[str, Any]]
    days: Sequence[date]
    lessons: Sequence[Mapping[str, Any]]
    choices: Mapping[str, str]
    detentions: Sequence[Mapping[str, Any]] = ()
    """Detentions of the office, each with its pupil."""
    behaviours: Sequence[str] = ()
    """Incidents of the office, to be deleted (Wonde) or changed (Xporter)."""
    is_spared: bool = False
    """Neither its provider nor its office is in any trouble: whatever the others have may not stop it."""
    followed: Sequence[str] = ()
    """The pupils on whose marks its provider fails."""


@dataclass
class Control:
    """The sandbox's control plane."""

    http: httpx.AsyncClient

    async def get(self, path: str, **params: str) -> Any:
        return _checked(await self.http.get(f"/_sandbox/{path}", params=params))

    async def post(self, path: str, /, **body: Any) -> Any:
        return _checked(await self.http.post(f"/_sandbox/{path}", json=body))

    async def clear_faults(self) -> None:
        _checked(await self.http.delete("/_sandbox/faults"))


def _checked(answer: httpx.Response) -> Any:
    if answer.is_error:
        raise RuntimeError(f"{answer.request.method} {answer.request.url}: {answer.status_code} {answer.text[:300]}")
    return answer.json()


@dataclass
class World:
    """What the run knows."""

    control: Control
    schools: dict[str, SchoolUnderTest] = field(default_factory=dict)
    key: str = ""


async def make_schools(control: Control, settings: Settings, count: int) -> World:
    """Seed, register and sync the schools; return them with a key."""
    world = World(control)
    async with open_services(settings) as services:
        for number in range(count):
            school = await _make(control, services, number)
            school.is_spared = number == SPARED and count > len(FOLLOWED)
            world.schools[school.id] = school
        gate = asyncio.Semaphore(4)

        async def sync(school_id: str) -> None:
            async with gate:
                synced = await services.sync.sync_school(school_id)
                failed = [f"{one.list}: {one.error}" for one in synced.lists if one.error]
                if failed and world.schools[school_id].mis == "SIMS":
                    raise RuntimeError(f"{school_id}: {failed}")

        await asyncio.gather(*(sync(school_id) for school_id in world.schools))
        world.key = (await services.keys.create("chaos", "chaos", [Scope.SUBMIT, Scope.READ, Scope.SUPPORT])).key
    return world


async def _make(control: Control, services: Services, number: int) -> SchoolUnderTest:
    provider, mis = SORTS[number % len(SORTS)]
    seeded = await control.post(
        "schools",
        provider=provider,
        mis=mis,
        name=f"School {number}",
        pupils=PUPILS,
        seed=number,
        changes={
            "completion_delay_s": 0.2,
            "retry_every_s": RETRY_EVERY_S,
            "retry_for_s": RETRY_FOR_S,
            "cache_ttl_s": 0.5,
            "names_conduct_writebacks": number % 4 != 0,
            "strict": number % 3 == 0,
            "unchanged_since": "2020-09-01T08:00:00Z",  # what has just changed cannot be deleted by mistake as well
        },
    )
    theirs = seeded["provider_school_id"]
    await services.registry.add(
        NewSchool(
            id=f"s{number}",
            name=seeded["name"],
            provider=provider,
            mis=mis,
            provider_school_id=theirs,
            base_url=seeded["base_url"],
            credentials=seeded["credentials"],
        )
    )
    hook_url = (await services.registry.get(f"s{number}")).hook_url
    if provider == "wonde":
        await control.post("webhooks", school=theirs, url=hook_url)
    days = await _school_days(control, theirs)
    lessons = [row for day in days[:2] for row in (await _lessons(control, theirs, day))[:4]]
    choices = await _choices(control, provider, theirs)
    school = SchoolUnderTest(f"s{number}", provider, mis, theirs, hook_url, seeded["registers"], days, lessons, choices)
    school.followed = seeded["registers"][0]["student_ids"][:3] if number in FOLLOWED else ()
    await _give_targets(control, school)
    return school


async def _lessons(control: Control, theirs: str, day: date) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = (await control.get(f"schools/{theirs}/lessons", date=day.isoformat()))["lessons"]
    one_each = {row["lesson_id"]: row for row in found if row["student_ids"]}
    return list(one_each.values())


async def _school_days(control: Control, theirs: str) -> list[date]:
    """Return the last school days, the latest first, none of them in the future."""
    now: str = (await control.get("health"))["now"]
    today = date.fromisoformat(now[:10])
    days = [today - timedelta(days=back) for back in range(1, 15)]
    return [day for day in days if day.weekday() < 5 and await _lessons(control, theirs, day)][:3]


async def _choices(control: Control, provider: str, theirs: str) -> dict[str, str]:
    """Return how types of conduct and places are given; through Xporter types have no code (7449-7458)."""
    chosen = {}
    for name, code in (("achievement", "NYPA"), ("behaviour", "BULL")):
        rows = (await control.get(f"schools/{theirs}/attributes", list=name, type="type"))["attributes"]
        chosen[name] = code if provider == "wonde" else next(row["id"] for row in rows if row["code"] == code)
    types = (await control.get(f"schools/{theirs}/detention-types"))["detention_types"]
    rooms = (await control.get(f"schools/{theirs}/rooms"))["rooms"]
    return chosen | {"detention_type": types[0]["id"], "location": rooms[0]["id"]}


async def _give_targets(control: Control, school: SchoolUnderTest) -> None:
    """Have the office make what is to be changed or removed."""
    if (school.provider, school.mis) == ("xporter", "Bromcom"):
        return
    day, register = school.days[0].isoformat(), school.registers[0]
    place = {"type": school.choices["detention_type"], "location": school.choices["location"]}
    detentions = [
        {
            **place,
            "date": day,
            "start_time": f"07:{minute:02}",
            "end_time": "07:59",
            "students": [{"student_id": register["student_ids"][minute], "attendance": "NOR"}],
        }
        for minute in range(TARGETS)
    ]
    made = await control.post(f"schools/{school.provider_school_id}/detentions", create=detentions)
    school.detentions = [
        {"id": shown_id(row), "row": row["id"], "student_id": row["students"][0]["student_id"]}
        for row in made["detentions"]
    ]
    incidents = [
        {
            "employee_id": register["employee_id"],
            "date": day,
            "type": "BULL",
            "status": "REV2",
            "comment": f"target {number}",
            "students": [{"student_id": register["student_ids"][number], "points": 1}],
        }
        for number in range(TARGETS)
    ]
    made = await control.post(f"schools/{school.provider_school_id}/behaviours", create=incidents)
    school.behaviours = [shown_id(row) for row in made["behaviours"]]


def shown_id(row: Mapping[str, Any]) -> str:
    """Return the id that the provider shows."""
    given = str(row["id"])
    return str(row.get("mis_id") or given) if given.isdigit() else given
