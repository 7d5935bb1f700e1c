"""A key that is limited to some kinds makes, changes and sees nothing of the others, and cannot widen itself.

The app is a register app: it may send marks. Somebody who has its key tries to delete incidents.
"""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlmodel import select

from tests.integration.flow.conftest import lists
from tests.secret_key import SECRET_KEY
from writeback.api.app import create_app
from writeback.core.clock import FakeClock
from writeback.core.settings import Settings
from writeback.domain.access import Scope
from writeback.domain.kinds import KINDS
from writeback.flow.batches.runner import BatchRunner
from writeback.flow.registry.entries import NewSchool
from writeback.flow.schools.sync import Syncer
from writeback.store.schools import lists as lookups
from writeback.store.tables import WritebackRow
from writeback.wiring import Services, open_services

MARK = {"student_id": "A1", "date": "2026-01-12", "session": "AM", "code": "/", "employee_id": "E1"}
MARKS = {"kind": "attendance.session", "records": [MARK]}
DELETION = {"kind": "behaviour.delete", "records": [{"behaviour_id": "B1"}]}
PATH = "/v1/schools/hillside/writebacks"


@dataclass
class World:
    """One app with a key for everything and one for session marks."""

    services: Services
    http: httpx.AsyncClient
    whole: str = ""
    register: str = ""

    async def key(self, *scopes: Scope, kinds: list[str] | None = None, app: str = "Registers") -> str:
        return (await self.services.keys.create(app, "", scopes, None, kinds=kinds)).key

    async def call(self, method: str, path: str, key: str, **options: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {key}", **options.pop("headers", {})}
        return await self.http.request(method, path, headers=headers, **options)

    async def sent(self, body: Any, key: str | None = None) -> str:
        answer = await self.call("POST", PATH, key or self.whole, json=body)
        assert answer.status_code == 202, answer.text
        writeback_id: str = answer.json()["id"]
        return writeback_id

    async def kinds(self) -> list[str]:
        """The kinds of all writebacks, in the order of acceptance."""
        async with self.services.reads.db.read() as session:
            return list((await session.exec(select(WritebackRow.kind).order_by(WritebackRow.seq))).all())

    async def status(self, writeback_id: str) -> str:
        answer = await self.call("GET", f"/v1/writebacks/{writeback_id}", self.whole)
        status: str = answer.json()["status"]
        return status


@pytest.fixture
async def world(tmp_path: Path, sqlite_url: str, redis_url: str, fake_clock: FakeClock) -> AsyncIterator[World]:
    settings = Settings(data_dir=tmp_path, database_url=sqlite_url, redis_url=redis_url, secret_key=SECRET_KEY)
    async with open_services(settings, clock=fake_clock) as services:
        await services.registry.add(
            NewSchool("Hillside", "wonde", "SIMS", "A1930499544", {"token": "t"}, id="hillside")
        )
        async with services.reads.db.write() as session:
            for lookup in lists(fake_clock.now()):
                await lookups.save(session, "hillside", lookup)
        transport = httpx.ASGITransport(create_app(services))
        async with httpx.AsyncClient(transport=transport, base_url="http://writeback.example") as http:
            world = World(services, http)
            world.whole = await world.key(Scope.SUBMIT, Scope.READ)
            world.register = await world.key(Scope.SUBMIT, Scope.READ, kinds=["session-marks"])
            yield world


def _is_refused(answer: httpx.Response, kind: str = "behaviour.delete") -> None:
    assert answer.status_code == 403, answer.text
    problem = answer.json()
    assert problem["code"] == "key_lacks_kind"
    assert kind in problem["detail"]
    assert "it is for attendance.session" in problem["detail"]


async def test_it_sends_what_it_is_for(world: World) -> None:
    await world.sent(MARKS, world.register)

    assert await world.kinds() == ["attendance.session"]


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "attendance.session"])
async def test_no_other_kind_is_taken_not_even_to_try(world: World, kind: str) -> None:
    for path in (PATH, f"{PATH}?dry_run=true"):
        answer = await world.call("POST", path, world.register, json={"kind": kind, "records": [{}]})

        _is_refused(answer, kind)


async def test_an_answer_that_another_key_of_the_app_was_given_is_not_replayed(world: World) -> None:
    again = {"headers": {"Idempotency-Key": "one"}, "json": DELETION}
    assert (await world.call("POST", PATH, world.whole, **again)).status_code == 202

    _is_refused(await world.call("POST", PATH, world.register, **again))


@pytest.mark.parametrize("what", ["resubmit", "resubmit?dry_run=true", "cancel"])
async def test_what_another_key_has_sent_is_not_changed(world: World, what: str) -> None:
    deletion = await world.sent(DELETION)

    _is_refused(await world.call("POST", f"/v1/writebacks/{deletion}/{what}", world.register))

    assert await world.status(deletion) == "queued"


async def test_support_that_is_limited_settles_no_other_kind(world: World) -> None:
    support = await world.key(Scope.SUPPORT, kinds=["attendance.session"], app="Support")
    deletion = await world.sent(DELETION)

    answer = await world.call(
        "POST", f"/v1/writebacks/{deletion}/resolve", support, json={"outcome": "failed", "reason": "x"}
    )

    _is_refused(answer)


async def test_a_call_by_filter_neither_counts_nor_touches_other_kinds(world: World) -> None:
    deletion, marks = await world.sent(DELETION), await world.sent(MARKS)
    body = {"filter": {"school": "hillside"}, "reason": "a trial"}

    counted = await world.call("POST", "/v1/writebacks/cancel?count=true", world.register, json=body)
    done = await world.call("POST", "/v1/writebacks/cancel", world.register, json=body)

    assert counted.json()["writebacks"] == 1
    assert [one["id"] for one in done.json()["done"]] == [marks]
    assert await world.status(deletion) == "queued"


async def test_a_filter_that_names_another_kind_is_refused(world: World) -> None:
    body = {"filter": {"kind": ["attendance.session", "behaviour.delete"]}, "reason": "a trial"}

    for path in ("cancel", "resubmit", "cancel?count=true"):
        _is_refused(await world.call("POST", f"/v1/writebacks/{path}", world.register, json=body))


async def test_a_file_of_another_kind_is_refused_when_it_says_so_at_once(world: World) -> None:
    answer = await world.call(
        "POST", "/v1/schools/hillside/batches?kind=behaviour.delete", world.register, content=b"Behaviour ID\nB1\n"
    )

    _is_refused(answer)


async def _worked_through(world: World, key: str, content: str) -> Any:
    sent = await world.call(
        "POST", "/v1/schools/hillside/batches", key, content=content, headers={"Content-Type": "application/x-ndjson"}
    )
    assert sent.status_code == 202, sent.text
    flow = world.services.accept.flow
    await BatchRunner(flow, Syncer(flow), "worker").run(sent.json()["id"])
    return (await world.call("GET", f"/v1/batches/{sent.json()['id']}", key)).json()


async def test_a_file_that_says_its_kind_row_by_row_is_refused_when_it_is_read(world: World) -> None:
    marks = json.dumps({"kind": "attendance.session", **MARK})
    deletion = json.dumps({"kind": "behaviour.delete", "behaviour_id": "B1"})

    of_deletions = await _worked_through(world, world.register, f"{deletion}\n")
    mixed = await _worked_through(world, world.register, f"{marks}\n{deletion}\n")
    of_marks = await _worked_through(world, world.register, f"{marks}\n{marks.replace('A1', 'A2')}\n")

    assert of_deletions["status"] == "refused"
    assert [one["code"] for one in of_deletions["findings"]] == ["kind_not_allowed"]
    assert "behaviour.delete" in of_deletions["findings"][0]["message"]
    assert of_marks["rows"]["queued"] == 2
    assert mixed["rows"]["bad"] == 1
    assert set(await world.kinds()) == {"attendance.session"}


async def test_a_file_of_another_kind_or_of_one_not_known_yet_is_not_stopped(world: World) -> None:
    for query in ("?kind=behaviour.delete", ""):
        row = json.dumps({"behaviour_id": "B1", **({} if query else {"kind": "behaviour.delete"})})
        sent = await world.call(
            "POST",
            f"/v1/schools/hillside/batches{query}",
            world.whole,
            content=row,
            headers={"Content-Type": "application/x-ndjson"},
        )
        assert sent.status_code == 202, sent.text

        answer = await world.call("POST", f"/v1/batches/{sent.json()['id']}/cancel", world.register)

        assert (answer.status_code, answer.json()["code"]) == (403, "key_lacks_kind")


async def test_its_own_file_can_be_stopped_before_its_kind_is_known(world: World) -> None:
    sent = await world.call(
        "POST",
        "/v1/schools/hillside/batches",
        world.register,
        content=json.dumps({"kind": "attendance.session", **MARK}),
        headers={"Content-Type": "application/x-ndjson"},
    )

    answer = await world.call("POST", f"/v1/batches/{sent.json()['id']}/cancel", world.register)

    assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")


async def test_lists_counts_and_search_leave_out_other_kinds(world: World) -> None:
    deletion, marks = await world.sent({**DELETION, "ref": "one"}), await world.sent({**MARKS, "ref": "two"})

    async def listed(query: str = "") -> list[str]:
        answer = await world.call("GET", f"/v1/writebacks?{query}", world.register)
        return [one["id"] for one in answer.json()["items"]]

    assert await listed() == [marks]
    assert await listed("kind=behaviour.delete") == []
    for query in (f"q={deletion}", "ref=one", "q=one", "q=B1"):
        assert await listed(query) == []
    counted = (await world.call("GET", "/v1/writebacks/counts", world.register)).json()
    assert counted["total"] == 1


@pytest.mark.parametrize("what", ["", "/events?follow=false", "/requests/req_1/answer"])
async def test_one_of_another_kind_is_not_shown_and_the_answer_says_why(world: World, what: str) -> None:
    support = await world.key(Scope.SUPPORT, Scope.READ, kinds=["attendance.session"], app="Support")
    deletion = await world.sent(DELETION)

    _is_refused(await world.call("GET", f"/v1/writebacks/{deletion}{what}", support))


async def test_events_of_other_kinds_are_not_in_its_stream(world: World) -> None:
    await world.sent(DELETION)
    marks = await world.sent(MARKS)
    path = "/v1/events?follow=false&since=2020-01-01T00:00:00Z"

    answer = await world.call("GET", path, world.register)

    told = [json.loads(line[6:]) for line in answer.text.splitlines() if line.startswith("data: ")]
    assert {one["writeback_id"] for one in told} == {marks}
    _is_refused(await world.call("GET", f"{path}&kind=behaviour.delete", world.register))


async def test_files_of_other_kinds_are_not_listed_nor_shown_nor_are_their_bad_rows(world: World) -> None:
    deletions = await _worked_through(world, world.whole, json.dumps({"kind": "behaviour.delete", "behaviour_id": "X"}))
    marks = await _worked_through(world, world.register, json.dumps({"kind": "attendance.session", **MARK}))
    sent = {"content": "{}", "headers": {"Content-Type": "application/x-ndjson"}}
    mine = await world.call("POST", "/v1/schools/hillside/batches", world.register, **sent)
    await world.call("POST", "/v1/schools/hillside/batches", world.whole, **sent)

    listed = await world.call("GET", "/v1/batches", world.register)

    assert {one["id"] for one in listed.json()["items"]} == {mine.json()["id"], marks["id"]}
    for what in ("", "/errors.csv"):
        _is_refused(await world.call("GET", f"/v1/batches/{deletions['id']}{what}", world.register))


async def test_a_drop_in_endpoint_shows_only_what_the_key_is_for(world: World) -> None:
    path = "/wonde/v1.0/schools/A1930499544"
    taken = (await world.call("DELETE", f"{path}/behaviours/B1", world.whole)).json()

    answer = await world.call("GET", f"/wonde/v1.0/writebacks/{_ref_of(taken)}", world.register)

    assert answer.status_code == 403, answer.text
    assert "behaviour.delete" in answer.json()["message"]


def _ref_of(taken: Any) -> str:
    ref: str = taken["writeback_id"]
    return ref


async def test_the_wonde_drop_in_endpoint_refuses_in_wondes_words(world: World) -> None:
    path = "/wonde/v1.0/schools/A1930499544/behaviours/B1"

    refused = await world.call("DELETE", path, world.register)
    taken = await world.call("DELETE", path, world.whole)

    assert refused.status_code == 403
    assert refused.json()["error"] == "forbidden"
    assert "behaviour.delete" in refused.json()["message"]
    assert taken.status_code == 200
    assert await world.kinds() == ["behaviour.delete"]


@pytest.mark.parametrize("asks_for_status", [False, True])
async def test_the_xporter_drop_in_endpoint_refuses_in_xporters_words_for_a_key_and_for_its_token(
    world: World, asks_for_status: bool
) -> None:
    entry = NewSchool("Brook", "xporter", "SIMS", "1234567", {"secret": "s"}, id="brook")
    await world.services.registry.add(entry)
    said = {"estab": "1234567", "relyingParty": "a", "password": world.register, "thirdpartyid": "XporterOnDemand"}
    token = (await world.http.post("/xporter/idaas/sts/STS/GetToken", json=said)).json()["token"]
    incident = {
        "Id": 1,
        "IncidentType": "Beh",
        "RecordedById": 1,
        "EntryDate": "2026-01-12",
        "TypeId": 1,
        "StatusId": 1,
    }
    body = {"Conducts": [{**incident, "Note": "x"}], "ConductStudents": [{"IncidentId": 1, "StudentId": 1}]}

    for given in (world.register, token):
        answer = await world.http.post(
            f"/xporter/api/v1/Conduct/1234567/{'?httpstatuscodes=true' if asks_for_status else ''}",
            json=body,
            headers={"Authorization": f"Idaas {given}"},
        )

        assert answer.status_code == (403 if asks_for_status else 200)
        assert answer.json()["ExceptionType"] == "UnauthorizedAccessException", answer.text
        assert "behaviour.create" in answer.json()["ExceptionMessage"]
    assert await world.kinds() == []


async def test_the_limit_outlives_a_rotation(world: World) -> None:
    admin = await world.key(Scope.ADMIN, app="Office")
    made = await world.call(
        "POST", "/v1/keys", admin, json={"app": "R", "scopes": ["submit"], "kinds": ["session-marks"]}
    )
    rotated = await world.call("POST", f"/v1/keys/{made.json()['id']}/rotate", admin)

    assert rotated.json()["kinds"] == ["session-marks"]
    _is_refused(await world.call("POST", PATH, rotated.json()["key"], json=DELETION))


async def test_an_admin_that_is_limited_makes_turns_ends_and_sees_no_keys(world: World) -> None:
    """It could make itself one without the limit, or turn one that has none into its own."""
    admin = await world.key(Scope.ADMIN, app="Office")
    wide = (await world.call("POST", "/v1/keys", admin, json={"app": "R", "scopes": ["submit"]})).json()
    limited = await world.key(Scope.ADMIN, kinds=["session-marks"], app="Office")
    for body in (
        {"app": "R", "scopes": ["submit"]},
        {"app": "R", "scopes": ["submit"], "kinds": ["conduct"]},
        {"app": "R", "scopes": ["submit"], "kinds": ["session-marks"]},
    ):
        answer = await world.call("POST", "/v1/keys", limited, json=body)
        assert (answer.status_code, answer.json()["code"]) == (403, "key_lacks_kind")
    for method, path in (
        ("GET", "/v1/keys"),
        ("POST", f"/v1/keys/{wide['id']}/rotate"),
        ("DELETE", f"/v1/keys/{wide['id']}"),
    ):
        answer = await world.call(method, path, limited)
        assert (answer.status_code, answer.json()["code"]) == (403, "key_lacks_kind")

    assert (await world.call("POST", PATH, wide["key"], json=DELETION)).status_code == 202
    _is_refused(await world.call("POST", PATH, limited, json=DELETION))


async def test_a_family_covers_its_kinds_and_null_covers_all(world: World) -> None:
    conduct = await world.key(Scope.SUBMIT, kinds=["conduct", "attendance.session"])
    for key in (conduct, world.whole):
        for body in (DELETION, MARKS):
            await world.sent(body, key)

    lesson = {"kind": "attendance.lesson", "records": [{}]}
    assert (await world.call("POST", PATH, conduct, json=lesson)).json()["code"] == "key_lacks_kind"


async def test_a_kind_that_is_none_and_a_list_that_is_empty_are_refused(world: World) -> None:
    admin = await world.key(Scope.ADMIN, app="Office")

    unknown = await world.call(
        "POST", "/v1/keys", admin, json={"app": "R", "scopes": ["submit"], "kinds": ["conduct", "behavior"]}
    )
    empty = await world.call("POST", "/v1/keys", admin, json={"app": "R", "scopes": ["submit"], "kinds": []})

    finding = unknown.json()["findings"][0]
    assert (finding["code"], finding["pointer"]) == ("kind_unknown", "/kinds/1")
    assert "behaviour.create" in finding["hint"]
    assert "session-marks" in finding["hint"]
    assert empty.json()["findings"][0]["code"] == "kinds_missing"


async def test_lists_and_the_audit_log_say_what_a_key_may_send(world: World) -> None:
    admin = await world.key(Scope.ADMIN, app="Office")

    listed = (await world.call("GET", "/v1/keys", admin)).json()["items"]
    noted = (await world.call("GET", "/v1/audit?action=key.create", admin)).json()["items"]

    assert sorted(str(one["kinds"]) for one in listed) == ["None", "None", "['session-marks']"]
    assert ["session-marks"] in [one["changed"]["kinds"] for one in noted]
