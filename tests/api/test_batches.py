"""`/v1/…/batches` over HTTP: every way to send a file, who may see it, what is refused, and what comes back."""

import io
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import httpx
import pytest
from openpyxl import Workbook

from tests.api.conftest import Api, FakeServices
from writeback.api.app import create_app
from writeback.core.secrets import SecretBox
from writeback.core.settings import BatchSettings
from writeback.domain.lookups import ListName, Lookup
from writeback.flow.batches.batches import Batches
from writeback.flow.batches.runner import BatchRunner
from writeback.flow.engine.context import FlowContext
from writeback.flow.schools.cached_lists import lookup_cache
from writeback.flow.schools.sync import Syncer
from writeback.queue.port import RecordingWaker
from writeback.store.schools import lists
from writeback.store.sql.database import Database

PATH = "/v1/schools/hillside/batches"
KIND = {"kind": "attendance.session"}
CSV = {"Content-Type": "text/csv"}
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_A_SECOND = timedelta(seconds=1)
MARKS = "Pupil ID,Date,Session,Mark,Staff ID\nA1,12/01/2026,AM,/,E1\nA2,12/01/2026,AM,Q9,E1\n"


@dataclass
class World:
    api: Api
    runner: BatchRunner
    key: str

    async def upload(self, content: bytes | str = MARKS, key: str | None = None, **options: Any) -> httpx.Response:
        options = {"params": KIND, "headers": CSV, "content": content, **options}
        return await self.api.call("POST", PATH, key or self.key, **options)

    async def take(self, content: bytes | str = MARKS, **options: Any) -> dict[str, Any]:
        """Upload a file, have it worked through, and return what the API shows of it."""
        response = await self.upload(content, **options)
        assert response.status_code == 202, response.text
        await self.runner.run(response.json()["id"])
        return (await self.get(f"/v1/batches/{response.json()['id']}")).json()

    async def get(self, path: str, key: str | None = None, **options: Any) -> httpx.Response:
        return await self.api.call("GET", path, key or self.key, **options)


@pytest.fixture
async def world(services: FakeServices, database: Database) -> AsyncIterator[World]:
    services.settings.batches = BatchSettings(max_file_bytes=100_000)
    flow = FlowContext(
        db=database,
        clock=services.clock,
        settings=services.settings,
        registry=services.registry,
        lookups=lookup_cache(database, services.clock),
        providers={},
        waker=RecordingWaker(),
        secrets=SecretBox("test"),
    )
    whole = replace(services, batches=Batches(flow))
    transport = httpx.ASGITransport(create_app(whole))
    async with httpx.AsyncClient(transport=transport, base_url="http://writeback.example") as http:
        api = Api(whole, http, database)
        await api.add_school()
        await api.add_school("riverbank")
        await _fill_lists(api)
        key = await api.key("submit", "read")
        yield World(api, BatchRunner(flow, Syncer(flow), "worker"), key)


async def test_an_upload_is_answered_with_its_id_before_it_is_read(world: World) -> None:
    response = await world.upload(headers={**CSV, "X-Filename": "7A%20week%203.csv"})

    answer = response.json()
    assert response.status_code == 202
    assert (answer["status"], answer["kind"], answer["format"]) == ("reading", "attendance.session", "csv")
    assert (answer["file_name"], answer["size"]) == ("7A week 3.csv", len(MARKS))
    assert response.headers["location"] == f"/v1/batches/{answer['id']}"


async def test_bad_rows_given_to_another_app_s_key_are_in_the_audit_log(world: World) -> None:
    batch = await world.take(headers={**CSV, "Content-Disposition": 'attachment; filename="marks.csv"'})
    support = await world.api.key("read", "support", app="Ops")

    await world.get(batch["errors"])
    await world.api.call("GET", batch["errors"], support)

    noted = (await world.api.call("GET", "/v1/audit?action=batch.show", support)).json()["items"]
    assert [(one["actor"].partition("/")[0], one["subject"]) for one in noted] == [("app:ops", batch["id"])]


async def test_progress_counts_rows_and_problems_and_the_bad_rows_come_back(world: World) -> None:
    batch = await world.take(headers={**CSV, "Content-Disposition": 'attachment; filename="marks.csv"'})

    assert batch["rows"] == {"read": 2, "good": 1, "bad": 1, "left_out": 0, "queued": 1}
    assert batch["writebacks"]["waiting"] == 1
    assert [(one["count"], one["row"]) for one in batch["problems"]] == [(1, 3)]
    errors = await world.get(batch["errors"])
    assert errors.status_code == 200
    assert errors.headers["content-type"] == "text/csv; charset=utf-8"
    assert errors.headers["content-disposition"] == "attachment; filename*=UTF-8''marks.errors.csv"
    assert errors.text.splitlines()[1].startswith("A2,12/01/2026,AM,Q9,E1,")
    listed = (await world.get("/v1/writebacks", params={"batch": batch["id"]})).json()["items"]
    assert [one["batch_id"] for one in listed] == [batch["id"]]


async def test_a_form_carries_a_file_as_browsers_send_it(world: World) -> None:
    form = {"file": ("marks.csv", MARKS, "application/vnd.ms-excel")}

    batch = await world.take(headers={}, content=None, files=form)

    assert (batch["file_name"], batch["format"], batch["rows"]["good"]) == ("marks.csv", "csv", 1)


async def test_a_workbook_and_ndjson_are_taken_by_their_media_types(world: World) -> None:
    book, content = Workbook(), io.BytesIO()
    sheet = book.active
    assert sheet is not None
    for line in MARKS.splitlines():
        sheet.append(line.split(","))
    book.save(content)
    mark = {"student_id": "A1", "date": "2026-01-12", "session": "AM", "code": "/", "employee_id": "E1"}

    workbook = await world.take(content.getvalue(), headers={"Content-Type": XLSX})
    lines = await world.take(json.dumps(mark), headers={"Content-Type": "application/x-ndjson"})

    assert (workbook["format"], workbook["rows"]["good"]) == ("xlsx", 1)
    assert (await world.get(workbook["errors"])).content.startswith(b"PK")
    assert (lines["format"], lines["rows"]["good"], lines["errors"]) == ("ndjson", 1, None)


async def test_a_trial_is_only_checked(world: World) -> None:
    batch = await world.take(params={**KIND, "dry_run": "true"})

    assert (batch["dry_run"], batch["status"], batch["rows"]["queued"]) == (True, "done", 0)
    assert (await world.get("/v1/writebacks")).json()["items"] == []


async def test_what_is_stated_of_a_file_is_how_it_is_read(world: World) -> None:
    content = f"{MARKS.splitlines()[0]},Comment\nA1,01/12/2026,AM,/,E1,José\n".encode("mac-roman")

    batch = await world.take(content, params={**KIND, "date_order": "mdy", "encoding": "mac-roman"})

    assert (batch["file"]["date_order"], batch["file"]["encoding"]) == ("mdy", "mac-roman")
    assert (batch["rows"]["good"], batch["findings"]) == (1, [])


@pytest.mark.parametrize(
    ("said", "known"), [({"date_order": "ymd"}, "'dmy' or 'mdy'"), ({"encoding": "rot13"}, "'mac-roman'")]
)
async def test_what_cannot_be_stated_of_a_file_is_refused_with_what_can(
    world: World, is_problem: Any, said: dict[str, str], known: str
) -> None:
    problem = is_problem(await world.upload(params={**KIND, **said}), 400, "parameter_invalid")

    assert known in problem["detail"]


async def test_the_same_key_replays_the_answer(world: World) -> None:
    headers = {**CSV, "Idempotency-Key": "monday"}
    first = await world.upload(headers=headers)
    again = await world.upload(headers=headers)

    assert again.json() == first.json()
    assert again.headers["idempotent-replayed"] == "true"
    assert len((await world.get("/v1/batches")).json()["items"]) == 1


@pytest.mark.parametrize(
    ("options", "status", "code"),
    [
        ({"content": b""}, 400, "file_empty"),
        ({"params": {"kind": "attendance.sessions"}}, 400, "parameter_invalid"),
        ({"params": {"knid": "attendance.session"}}, 400, "parameter_invalid"),
        ({"headers": {"Content-Type": "application/pdf"}}, 415, "file_type_unsupported"),
        ({"headers": {"Content-Type": "application/json"}}, 415, "file_type_unsupported"),
        ({"params": {"kind": "detention.create"}}, 422, "batch_invalid"),
        ({"params": {"kind": "xporter.raw"}}, 422, "batch_invalid"),
        ({"content": b"x" * 100_001}, 413, "file_too_large"),
        ({"content": b"x" * 200_000}, 413, "file_too_large"),
        ({"headers": {}, "content": None, "files": {"note": (None, "no file")}}, 400, "file_missing"),
    ],
)
async def test_an_upload_that_cannot_be_taken_says_why_and_leaves_nothing(
    world: World, is_problem: Any, options: dict[str, Any], status: int, code: str
) -> None:
    response = await world.upload(**options)

    assert is_problem(response, status, code)["hint"] is not None
    assert (await world.get("/v1/batches")).json()["items"] == []


async def test_a_body_without_a_length_is_cut_off_at_the_limit(world: World, is_problem: Any) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(1_000):
            yield b"A1,12/01/2026,AM,/,E1\n" * 100

    response = await world.upload(content=endless())  # type: ignore[arg-type] # httpx takes it too

    is_problem(response, 413, "file_too_large")
    assert (await world.get("/v1/batches")).json()["items"] == []


async def test_too_many_files_at_once_are_answered_with_429_and_when_to_come_again(
    world: World, is_problem: Any
) -> None:
    for number in range(5):
        assert (await world.upload(MARKS + f"A{number},13/01/2026,AM,/,E1\n")).status_code == 202

    response = await world.upload()

    is_problem(response, 429, "batches_too_many")
    assert int(response.headers["retry-after"]) > 0


async def test_scopes_schools_and_apps_are_kept_apart(world: World, is_problem: Any) -> None:
    batch = await world.take()
    reader = await world.api.key("read")
    elsewhere = await world.api.key("read", "submit", schools=["riverbank"])
    other = await world.api.key("read", "submit", app="Other")

    is_problem(await world.upload(key=reader), 403, "key_lacks_scope")
    is_problem(await world.upload(key=elsewhere), 403, "school_not_allowed")
    is_problem(await world.get(batch["errors"], elsewhere), 404, "batch_unknown")
    is_problem(await world.get(f"/v1/batches/{batch['id']}", other), 404, "batch_unknown")
    is_problem(await world.get(batch["errors"], other), 404, "batch_unknown")
    assert (await world.get("/v1/batches", other)).json()["items"] == []
    assert (await world.get("/v1/batches", reader)).json()["items"][0]["id"] == batch["id"]
    is_problem(await world.get("/v1/batches", elsewhere, params={"school": "hillside"}), 403, "school_not_allowed")


async def test_an_upload_without_a_key_is_not_even_read(world: World, is_problem: Any) -> None:
    response = await world.api.call("POST", PATH, None, content=MARKS, headers=CSV)

    is_problem(response, 401, "key_missing")


async def test_bad_rows_that_are_not_known_yet_or_of_another_format_are_refused(world: World, is_problem: Any) -> None:
    batch_id = (await world.upload()).json()["id"]

    is_problem(await world.get(f"/v1/batches/{batch_id}/errors.csv"), 409, "batch_not_checked")
    is_problem(await world.get(f"/v1/batches/{batch_id}/errors.ndjson"), 404, "errors_other_format")
    is_problem(await world.get(f"/v1/batches/{batch_id}/errors.pdf"), 400, "parameter_invalid")
    is_problem(await world.get("/v1/batches/bat_none"), 404, "batch_unknown")


async def test_batches_come_page_by_page_the_newest_first(world: World) -> None:
    ids = []
    for number in range(3):
        ids.append((await world.upload(f"{MARKS}A{number},13/01/2026,AM,/,E1\n")).json()["id"])
        world.api.services.clock.advance(_A_SECOND)

    first = (await world.get("/v1/batches", params={"limit": 2, "school": "hillside"})).json()
    second = (await world.get("/v1/batches", params={"limit": 2, "cursor": first["next_cursor"]})).json()

    assert [one["id"] for one in first["items"] + second["items"]] == ids[::-1]
    assert second["next_cursor"] is None


async def test_a_kind_that_there_is_not_is_named_with_those_that_there_are(world: World, is_problem: Any) -> None:
    problem = is_problem(await world.upload(params={"kind": "attendance"}), 400, "parameter_invalid")

    assert problem["detail"].startswith("kind is 'attendance': there is no such kind; there are attendance.session, ")


async def test_templates_are_for_the_school_and_the_kind(world: World, is_problem: Any) -> None:
    path = "/v1/schools/hillside/templates"

    csv = await world.get(f"{path}/attendance.session.csv")
    xlsx = await world.get(f"{path}/behaviour.create.xlsx")

    assert csv.text.removeprefix("\ufeff").splitlines()[0].startswith("student_id,date,session,code,employee_id")
    assert xlsx.headers["content-type"] == XLSX
    is_problem(await world.get(f"{path}/detention.create.csv"), 404, "template_unknown")
    is_problem(await world.get(f"{path}/nothing.csv"), 404, "template_unknown")
    is_problem(await world.get("/v1/schools/nowhere/templates/attendance.session.csv"), 404, "school_unknown")


async def _fill_lists(api: Api) -> None:
    now = api.services.clock.now()
    codes = {"C1": {"id": "C1", "code": "/", "active": True, "type": "PRESENT"}}
    async with api.database.write() as session:
        for name, rows in (
            (ListName.STUDENTS, {f"A{n}": {"id": f"A{n}"} for n in range(9)}),
            (ListName.EMPLOYEES, {"E1": {"id": "E1"}}),
            (ListName.ATTENDANCE_CODES, codes),
        ):
            await lists.save(session, "hillside", Lookup(name, 1, now, rows, full_at=now))
