"""Published clients of Wonde and Xporter, unchanged but for the address: what they were recorded to send, until what
they wrote is in the sandbox's MIS. `clients/README.md` says whose they are."""

import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from writeback.domain.access import Scope

pytestmark = pytest.mark.sqlite_first

RECORDED_ON = datetime(2026, 11, 30, 9, 0, tzinfo=UTC)
"""A Monday; the records are of the Friday before."""
_PUPILS = ("student_id", "StudentId")
_STAFF = (
    *("employee_id", "authorised_by", "attended_by_employee_id", "recorded_by_employee_id"),
    *("RecordedById", "RecordedByStaffId", "StaffId"),
)


@dataclass
class Exchange:
    """One recorded call."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: str
    status: int
    response: str


def _recorded(client: str) -> Iterator[Exchange]:
    for line in (Path(__file__).parent / "clients" / f"{client}.jsonl").read_text().splitlines():
        given = json.loads(line)
        yield Exchange(**{name: given[name] for name in Exchange.__dataclass_fields__})


@dataclass
class Replay:
    """Sends recorded calls with the ids of the school that there is now, and keeps what was answered."""

    world: Any
    ids: dict[str, str] = field(default_factory=dict)
    token: str = ""
    lists: dict[str, list[str]] = field(default_factory=dict)

    async def send(self, one: Exchange) -> httpx.Response:
        body = self._body(one.body)
        url = self.world.http.base_url.copy_with(raw_path=self._named(one.path).encode())
        headers = {name: self._signed(value) for name, value in one.headers.items() if name != "content-length"}
        request = httpx.Request(one.method, url, headers=headers, content=body.encode() if body else None)
        response: httpx.Response = await self.world.http.send(request)
        if one.path.endswith("GetToken") and response.json()["token"]:
            self.token = response.json()["token"]
        if "writeback_id" in one.response and response.status_code == 200:
            self.name(json.loads(one.response)["writeback_id"], response.json()["writeback_id"])
        return response

    def name(self, recorded: str, ours: str) -> None:
        self.ids[recorded] = ours

    def _signed(self, header: str) -> str:
        encoded = base64.b64encode(f"{self.world.key}:".encode()).decode()
        key = self.token if header.startswith("Idaas") else self.world.key
        return header.replace("base64(TOKEN:)", encoded).replace("base64(WRONG:)", "d3JvbmdfOg==").replace("TOKEN", key)

    def _named(self, text: str) -> str:
        for recorded, ours in self.ids.items():
            text = text.replace(recorded, ours)
        return text

    def _body(self, text: str) -> str:
        if not text:
            return text
        return json.dumps(self._with_ids(json.loads(text)))

    def _with_ids(self, value: Any, name: str = "") -> Any:
        if isinstance(value, dict):
            return {key: self._with_ids(one, key) for key, one in value.items()}
        if isinstance(value, list):
            return [self._with_ids(one, name) for one in value]
        if value == "TOKEN":
            return self.world.key
        if name == "Url":
            return f"{self.world.ear.url}/callback?id=7&estab={self.world.estab}"
        if value is None or value == "A9":  # an id that is nobody's
            return value
        of = "pupils" if name in _PUPILS else "staff" if name in _STAFF else name
        if of in self.lists:
            return self._one_of(of, value)
        return self.ids.get(str(value), value)

    def _one_of(self, of: str, recorded: Any) -> Any:
        """The school's own in place of a recorded one, always the same; a sign before it stays."""
        sign, known = ("-", str(recorded)[1:]) if str(recorded).startswith("-") else ("", str(recorded))
        if known not in self.ids:
            self.ids[known] = self.lists[of].pop(0)
        ours = f"{sign}{self.ids[known]}"
        return int(ours) if isinstance(recorded, int) else ours


@pytest.fixture
async def replay(make_world: Any, fake_clock: Any) -> Any:
    fake_clock.advance(RECORDED_ON - fake_clock.now())

    async def make(provider: str, recorded_school: str, mis: str = "SIMS", pupils: int = 60) -> Replay:
        world = await make_world(provider, mis=mis, pupils=pupils)
        world.services.settings.doors.reads = True
        world.key = await world.make_key("submit", "read", Scope.MIS_READ.value)
        lesson = (await world.mis("lessons", date="2026-11-27"))["lessons"][0]
        taught = list(lesson["student_ids"])
        lists = {
            "pupils": taught,
            "staff": [str(row["id"]) for row in await world.rows("employees")],
            "lesson_id": [lesson["lesson_id"]],
        }
        for name, type_ in (
            ("detention_type_id", "type"),
            ("room_id", "location"),
            ("DetentionTypeId", "type"),
            ("LocationId", "location"),
        ):
            lists[name] = [await world.attribute("detention_attributes", type_)] * 2
        if provider == "wonde":
            lists["detention_attendance_code_id"] = [await world.attribute("detention_attributes", "attendance")]
        return Replay(world, {recorded_school: world.estab}, lists=lists)

    return make


async def _written(replay: Replay, client: str, ids_of: Mapping[str, str] | None = None) -> list[httpx.Response]:
    """Send all that a client sent; a record that it removes is the one that it made: `ids_of` name → list."""
    answers = []
    for one in _recorded(client):
        for recorded, path in (ids_of or {}).items():
            if recorded in one.path + one.body and recorded not in replay.ids:
                await replay.world.settle()
                replay.name(recorded, await _newest(replay, path))
        answers.append(await replay.send(one))
    return answers


async def _newest(replay: Replay, path: str) -> str:
    """The id of what the client made, as it reads it here."""
    rows = await replay.world.http.get(path, headers={"Authorization": f"Bearer {replay.world.key}"})
    assert rows.status_code == 200, rows.text
    return str(rows.json()["data"][0]["id"])


def _others(client: str, answers: list[httpx.Response]) -> list[tuple[str, int]]:
    """What was answered with another status than 200."""
    pairs = zip(_recorded(client), answers, strict=True)
    return [(f"{one.method} {one.path}", answer.status_code) for one, answer in pairs if answer.status_code != 200]


async def test_the_php_client_reads_writes_and_removes(replay: Any) -> None:
    playing = await replay("wonde", "A1930499544", "Bromcom")
    school = f"/v1.0/schools/{playing.world.estab}"

    answers = await _written(playing, "php", {"A963295805": f"{school}/behaviours/"})

    assert _others("php", answers) == [
        ("POST /v1.0/schools/A1930499544/behaviours/", 422),  # a type that there is not, and no points
        ("GET /v1.0/schools/A1930499544/students/", 401),
    ]
    assert answers[22].json()["meta"]["pagination"]["next"].endswith("/students/?per_page=2&page=2")
    assert await playing.world.settle() == ["confirmed"] * 8


async def test_the_ruby_client_writes_with_its_own_dates(replay: Any) -> None:
    playing = await replay("wonde", "A1111")
    school = f"/v1.0/schools/{playing.world.estab}"

    answers = await _written(playing, "ruby", {"A1668704442": f"{school}/behaviours"})

    assert _others("ruby", answers) == [
        ("POST /v1.0/schools/A1111/behaviours", 422),
        ("GET /v1.0/schools/A1111/students/", 401),
    ]
    assert "not on roll" in json.dumps(answers[15].json()["students.0.student_id"])
    assert set(await playing.world.settle()) == {"confirmed", "failed"}
    removals = [row.status for row in await playing.world.writebacks() if row.kind == "behaviour.delete"]
    assert removals == ["confirmed", "failed"]  # the second, of the id in the body, removes what is gone
    summer = (await playing.world.mis("marks", date="2026-06-15", type="session"))["marks"]
    assert [mark["code"] for mark in summer] == ["\\"]


async def test_the_dotnet_client_goes_on_at_the_domain_that_it_is_told(replay: Any) -> None:
    playing = await replay("wonde", "A1111")
    school = f"/v1.0/schools/{playing.world.estab}"

    answers = await _written(
        playing, "dotnet", {"A1699500763": f"{school}/behaviours", "A142593903": f"{school}/achievements"}
    )

    host = playing.world.http.base_url.netloc.decode()
    assert [answers[n].json()["data"]["region"]["domain"] for n in (1, 21)] == [host, host]
    assert _others("dotnet", answers) == [
        ("POST /v1.0/schools/A1111/behaviours/", 422),
        ("POST /v1.0/schools/A1111/attendance/session", 422),  # of no mark
        ("GET /v1.0/schools/A1111", 401),
    ]
    assert await playing.world.settle() == ["confirmed"] * 7


async def test_the_cpoms_client_reads_pages_and_writes_until_it_is_called_back(replay: Any) -> None:
    playing = await replay("xporter", "3015401", pupils=650)
    answers = []
    for one in _recorded("cpoms"):
        if "13079" in one.body:  # of what it has just made: it takes a pupil off
            await playing.world.settle()
            made = await _conducts(playing, "AchievementForDateRange")
            playing.name("13079", str(made["Achievements"][0]["Id"]))
        answers.append(await playing.send(one))

    details, granted = answers[1].json(), {scope["Name"] for scope in answers[2].json()["Scopes"]}
    assert (details["Estab"], details["Name"]) == (playing.world.estab, "app.example")
    assert {"WritebackAttendance", "StudentLite"} <= granted == set(details["Scopes"])
    assert [len(answers[n].json()["Students"]) for n in (4, 5)] == [600, 50]
    assert _refusals("cpoms", answers) == [
        ("POST /api/v1/AttendanceAsync/3015401", "Missing mandatory field Callback"),
        ("POST /idaas/sts/STS/GetToken", "Relying Party not found for estab or secret not correct"),
    ]
    assert await playing.world.settle() == ["confirmed"] * 7
    await playing.world.notify()
    assert [query["XodCompleted"] for _, query, _ in playing.world.ear.heard] == ["True"] * 5


async def test_the_xod_client_reads_at_the_root_and_is_told_that_it_sends_no_body(replay: Any) -> None:
    playing = await replay("xporter", "3015401", pupils=650)

    answers = [await playing.send(one) for one in _recorded("xod")]

    refusals = _refusals("xod", answers)
    assert {said for call, said in refusals if call.startswith("POST /api")} == {
        "The body is not JSON.",
        "There is no such endpoint",
    }
    assert [call for call, _ in refusals if call.startswith("GET")] == []
    assert len(answers[6].json()["Students"]) == 50


async def _conducts(replay: Replay, name: str) -> Any:
    path = f"/api/v1/School/{replay.world.estab}/{name}/?dateFrom=2026-11-27&dateTo=2026-11-27"
    return (await replay.world.http.get(path, headers={"Authorization": f"Idaas {replay.token}"})).json()


def _refusals(client: str, answers: list[httpx.Response]) -> list[tuple[str, str]]:
    """What was refused, as both clients of Xporter judge it: by the text alone."""
    pairs = zip(_recorded(client), answers, strict=True)
    said = [(f"{one.method} {one.path}", answer.json().get("ExceptionMessage")) for one, answer in pairs]
    return [(call, text) for call, text in said if text]
