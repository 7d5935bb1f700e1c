"""Nobody learns from the API who goes to a school but by the scope for that, and then by numbers and names that they
know already; whatever the key."""

import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.secret_key import SECRET_KEY
from writeback.api.app import create_app
from writeback.core.clock import FakeClock
from writeback.core.settings import Settings
from writeback.domain.access import Scope
from writeback.domain.directory import Directory, PersonDetails
from writeback.domain.lookups import ListName, Lookup
from writeback.flow.registry.entries import NewSchool
from writeback.flow.schools.people_kept import KnownPeople
from writeback.providers.base import ListChange
from writeback.store.schools import lists as lookups
from writeback.wiring import Services, open_services

PAT = {"upn": "A999432113104"}
NOBODY = {"upn": "Z999999999999"}
NEAR = {"surname": "Example", "forename": "Patricia", "date_of_birth": "2013-09-04"}
"""Nobody; Pat Example comes near."""
FIND = "/v1/schools/hillside/lookups/students/find"
EVERY_KEY = [
    [Scope.SUBMIT],
    [Scope.READ],
    [Scope.SUPPORT],
    [Scope.SUBMIT, Scope.READ, Scope.SUPPORT],
]
"""Without the scope."""
each_key = pytest.mark.parametrize("scopes", EVERY_KEY, ids=lambda scopes: "+".join(scopes))
each_mode = pytest.mark.parametrize("mode", [Directory.HASHED, Directory.NAMED])


@dataclass
class World:
    services: Services
    http: httpx.AsyncClient

    async def key(self, *scopes: Scope, app: str = "Registers", schools: list[str] | None = None) -> str:
        return (await self.services.keys.create(app, "", scopes, schools)).key

    async def post(self, path: str, key: str, body: Any) -> httpx.Response:
        return await self.http.post(path, json=body, headers={"Authorization": f"Bearer {key}"})

    async def find(self, key: str, *people: dict[str, str], path: str = FIND) -> httpx.Response:
        return await self.post(path, key, {"people": list(people)})

    async def keep(self, mode: Directory) -> None:
        """Have the school keep a directory with one pupil."""
        flow, registry = self.services.people.flow, self.services.registry
        await registry.patch("hillside", {"directory": mode.value})
        pat = PersonDetails(PAT["upn"], surname="Example", forename="Pat", date_of_birth=date(2013, 9, 4))
        rows, at = {"A1": {"id": "A1"}}, self.services.clock.now()

        async def nothing() -> None:
            return None

        known = KnownPeople(flow.secrets, "hillside", ListName.STUDENTS, mode, None, nothing, at - at)
        lookup = Lookup(ListName.STUDENTS, 1, at, rows, full_at=at)
        write = await known.after(ListChange(rows, is_full=True, people={"A1": pat}), lookup, at)
        assert write is not None
        async with flow.db.write() as session:
            await lookups.save(session, "hillside", lookup)
            await write(session)


@pytest.fixture
async def world(tmp_path: Path, sqlite_url: str, redis_url: str, fake_clock: FakeClock) -> AsyncIterator[World]:
    settings = Settings(data_dir=tmp_path, database_url=sqlite_url, redis_url=redis_url, secret_key=SECRET_KEY)
    async with open_services(settings, clock=fake_clock) as services:
        for school in ("hillside", "riverbank"):
            await services.registry.add(
                NewSchool(
                    id=school,
                    name=school.title(),
                    provider="wonde",
                    mis="SIMS",
                    provider_school_id=f"A-{school}",
                    credentials={"token": "t"},
                    base_url="http://127.0.0.1:9/v1.0",
                )
            )
        transport = httpx.ASGITransport(create_app(services))
        async with httpx.AsyncClient(transport=transport, base_url="http://writeback.example") as http:
            yield World(services, http)


def submission(*people: dict[str, str]) -> dict[str, Any]:
    mark = {"date": "2026-01-12", "session": "AM", "code": "/"}
    return {"kind": "attendance.session", "records": [{**mark, "student": one} for one in people]}


@each_key
@each_mode
async def test_a_key_without_the_scope_is_told_the_same_of_everybody(
    world: World, scopes: Sequence[Scope], mode: Directory
) -> None:
    await world.keep(mode)
    key = await world.key(*scopes)

    for path, body in ((FIND, {"people": [PAT]}), ("/v1/schools/hillside/writebacks?dry_run=true", submission(PAT))):
        there = await world.post(path, key, body)
        other = await world.post(path, key, json.loads(json.dumps(body).replace(PAT["upn"], NOBODY["upn"])))
        assert there.status_code == other.status_code == 403
        assert there.json()["code"] == other.json()["code"] == "key_lacks_scope"


@each_mode
async def test_a_key_with_the_scope_is_told_ids_alone(world: World, mode: Directory) -> None:
    await world.keep(mode)
    key = await world.key(Scope.FIND)

    answer = await world.find(key, PAT, NOBODY, NEAR)

    assert answer.json() == {
        "items": [
            {"match": "found", "id": "A1", "near": []},
            {"match": "unknown", "id": None, "near": []},
            {"match": "unknown", "id": None, "near": []},
        ]
    }


async def test_names_are_told_to_those_who_look_after_schools(world: World) -> None:
    await world.keep(Directory.NAMED)
    key = await world.key(Scope.FIND, Scope.SUPPORT)

    (item,) = (await world.find(key, {"surname": "example", "forename": "pat"})).json()["items"]

    assert item["near"] == [
        {"id": "A1", "shown": {"surname": "Example", "forename": "Pat", "date_of_birth": "2013-09-04", **PAT}}
    ]


async def test_a_key_of_other_schools_is_told_nothing(world: World) -> None:
    await world.keep(Directory.HASHED)
    key = await world.key(Scope.FIND, Scope.SUBMIT, schools=["riverbank"])

    assert (await world.find(key, PAT)).json()["code"] == "school_not_allowed"
    assert (await world.post("/v1/schools/hillside/writebacks", key, submission(PAT))).status_code == 403


async def test_a_pupil_of_one_school_is_nobody_at_another(world: World) -> None:
    await world.keep(Directory.HASHED)
    key = await world.key(Scope.FIND)

    elsewhere = await world.find(key, PAT, path=FIND.replace("hillside", "riverbank"))

    assert [one["match"] for one in elsewhere.json()["items"]] == ["not_kept"]


async def test_a_finding_says_neither_who_was_meant_nor_who_comes_near(world: World) -> None:
    await world.keep(Directory.NAMED)
    key = await world.key(Scope.FIND, Scope.SUBMIT, Scope.SUPPORT)

    answer = await world.post("/v1/schools/hillside/writebacks", key, submission(NOBODY, NEAR))

    assert [one["code"] for one in answer.json()["findings"][:2]] == ["person_unknown", "person_unknown"]
    assert not [word for word in ("Z999999999999", "Example", "Pat", 'A1"', "2013") if word in answer.text]


async def test_trying_one_number_after_the_other_ends_soon_however_it_is_done(world: World) -> None:
    await world.keep(Directory.HASHED)
    key = await world.key(Scope.FIND, Scope.SUBMIT)
    guesses = [{"upn": f"B{number:012}"} for number in range(500)]

    first = await world.find(key, *guesses)
    more = await world.find(key, PAT)
    in_a_trial = await world.post("/v1/schools/hillside/writebacks?dry_run=true", key, submission(PAT))

    assert first.status_code == 200
    assert {more.json()["code"], in_a_trial.json()["code"]} == {"people_missed_too_often"}
    assert more.status_code == in_a_trial.status_code == 429
    assert int(more.headers["retry-after"]) > 0


async def test_more_than_five_hundred_at_once_are_not_looked_at(world: World) -> None:
    key = await world.key(Scope.FIND)

    answer = await world.find(key, *[PAT] * 501)

    assert (answer.status_code, PAT["upn"] in answer.text) == (422, False)


async def test_what_was_asked_is_audited_in_numbers(world: World) -> None:
    await world.keep(Directory.NAMED)
    key = await world.key(Scope.FIND)
    await world.find(key, PAT, NOBODY)

    admin = await world.key(Scope.ADMIN)
    log = await world.http.get("/v1/audit?action=people.find", headers={"Authorization": f"Bearer {admin}"})

    (line,) = log.json()["items"]
    assert (line["subject"], line["school"]) == ("students", "hillside")
    assert line["changed"] == {"asked": 2, "found": 1, "unknown": 1}
    assert PAT["upn"] not in log.text
