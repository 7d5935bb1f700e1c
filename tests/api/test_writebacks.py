"""Lists of writebacks and one writeback, on SQLite and on PostgreSQL."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from writeback.api.app import create_app
from writeback.core.clock import FakeClock
from writeback.domain.access import Scope
from writeback.flow.people.keys import Keys
from writeback.flow.projections.search import SearchIndex
from writeback.flow.registry.entries import Registry
from writeback.store.reads.writebacks_read import Reads
from writeback.store.sql.database import Database
from writeback.store.tables import AttemptRow, EventRow, Lane, RequestRow, SchoolRow, WritebackRow

NOON = datetime(2026, 1, 12, 12, 0, tzinfo=UTC)
MARK = {"student_id": "A1", "date": "2026-01-12", "session": "AM", "code": "/"}


class Seeded:
    """An API over a database into which writebacks are put by hand."""

    def __init__(self, db: Database, http: httpx.AsyncClient, keys: Keys) -> None:
        self.db, self.http, self.keys, self.count = db, http, keys, 0

    async def school(self, school_id: str) -> None:
        async with self.db.write() as session:
            session.add(
                SchoolRow(
                    id=school_id,
                    name=school_id,
                    provider="wonde",
                    mis="SIMS",
                    provider_school_id="A1",
                    created_at=NOON,
                    updated_at=NOON,
                )
            )
            await session.flush()
            session.add(Lane(id=f"{school_id}:session-marks", school_id=school_id, family="session-marks"))

    async def add(self, **changes: Any) -> str:
        self.count += 1
        values = {
            "id": f"wb_{self.count:03}",
            "app_id": "registers",
            "school_id": "hillside",
            "kind": "attendance.session",
            "status": "queued",
            "records": json.dumps([MARK]),
            "created_at": NOON + timedelta(minutes=self.count),
            "updated_at": NOON,
        } | changes
        values["lane_id"] = f"{values['school_id']}:session-marks"
        async with self.db.write() as session:
            session.add(WritebackRow(**values))
            await session.flush()
            session.add(_event(str(values["id"]), "accepted", "queued", app=values["app_id"]))
        return str(values["id"])

    async def rows(self, *rows: Any) -> None:
        async with self.db.write() as session:
            for row in rows:
                session.add(row)
                await session.flush()

    async def get(self, path: str, *scopes: str, app: str = "registers", schools: list[str] | None = None) -> Any:
        key = (await self.keys.create(app, "", [Scope(scope) for scope in scopes or ("read",)], schools)).key
        return await self.http.get(path, headers={"Authorization": f"Bearer {key}"})

    async def ids(self, query: str = "", **options: Any) -> list[str]:
        response = await self.get(f"/v1/writebacks?{query}", **options)
        assert response.status_code == 200, response.text
        return [item["id"] for item in response.json()["items"]]


@pytest.fixture
async def seeded(any_database: Database, services: Any, fake_clock: FakeClock) -> AsyncIterator[Seeded]:
    keys = Keys(any_database, fake_clock, cache_s=5)
    registry = Registry(
        any_database,
        services.registry._secrets,
        fake_clock,
        known_providers=("wonde",),
        hook_url=lambda *_: "",
        provider_urls={},
    )
    app = create_app(replace(services, keys=keys, registry=registry, reads=Reads(any_database)))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x") as http:
        one = Seeded(any_database, http, keys)
        await one.school("hillside")
        await one.school("riverbank")
        yield one
    await keys.aclose()


async def test_a_writeback_in_a_list_says_how_far_it_is(seeded: Seeded) -> None:
    progress = [{"status": "confirmed"}, {"status": "failed", "findings": []}, {"status": "confirmed"}]
    await seeded.add(
        status="partial",
        ref="7B",
        priority=10,
        attempts=2,
        records=json.dumps([MARK] * 3),
        progress=json.dumps(progress),
        evidence="poll",
        expires_at=NOON + timedelta(days=7),
    )

    (item,) = (await seeded.get("/v1/writebacks")).json()["items"]

    assert item == {
        "id": "wb_001",
        "school": "hillside",
        "mode": "live",
        "kind": "attendance.session",
        "status": "partial",
        "ref": "7B",
        "app": "registers",
        "priority": "batch",
        "attempts": 2,
        "next_attempt_at": None,
        "hold_reason": None,
        "left_alone": None,
        "evidence": "poll",
        "created_at": "2026-01-12T12:01:00Z",
        "updated_at": "2026-01-12T12:00:00Z",
        "expires_at": "2026-01-19T12:00:00Z",
        "batch_id": None,
        "texts_forgotten": False,
        "forgotten_at": None,
        "counts": {"confirmed": 2, "failed": 1},
    }


async def test_records_that_nothing_has_happened_to_are_counted_as_queued(seeded: Seeded) -> None:
    await seeded.add(records=json.dumps([MARK] * 28))

    (item,) = (await seeded.get("/v1/writebacks")).json()["items"]

    assert item["counts"] == {"queued": 28}


async def test_a_key_sees_its_own_apps_writebacks_and_an_admin_those_of_all(seeded: Seeded) -> None:
    mine = await seeded.add()
    theirs = await seeded.add(app_id="other")

    assert await seeded.ids() == [mine]
    assert (await seeded.get("/v1/writebacks", "read", "admin")).json()["items"][0]["id"] == theirs
    admins = (await seeded.get("/v1/writebacks?app=registers", "admin")).json()["items"]
    assert [item["id"] for item in admins] == [mine]


async def test_a_key_limited_to_schools_sees_those_alone(seeded: Seeded) -> None:
    await seeded.add()
    there = await seeded.add(school_id="riverbank")

    assert await seeded.ids(schools=["riverbank"]) == [there]
    assert (await seeded.get("/v1/writebacks?school=hillside", schools=["riverbank"])).status_code == 403


CHOSEN = {
    "school=riverbank": ["wb_003"],
    "kind=attendance.lesson": ["wb_002"],
    "kind=attendance.lesson,attendance.session": ["wb_003", "wb_002", "wb_001"],
    "status=failed": ["wb_002"],
    "status=failed,held": ["wb_003", "wb_002"],
    "status=failed&status=held": ["wb_003", "wb_002"],
    "ref=7B%20AM": ["wb_001"],
    "ref=7B": [],
    "since=2026-01-12T12:02:00Z": ["wb_003", "wb_002"],
    "until=2026-01-12T12:02:00Z": ["wb_001"],
    "since=2026-01-12T13:02:00%2B01:00": ["wb_003", "wb_002"],
    "student=A9": ["wb_003"],
    "student=A": [],
    "student=%25": [],
    "q=wb_002": ["wb_002"],
    "q=B%20A": ["wb_001"],
    "q=%25": [],
    "q=W4711": ["wb_003"],
    "status=held&school=hillside": [],
}


async def test_filters_choose_what_is_listed(seeded: Seeded) -> None:
    await seeded.add(ref="7B AM")
    await seeded.add(kind="attendance.lesson", status="failed")
    compact = json.dumps([MARK, {**MARK, "student_id": "A9"}], separators=(",", ":"))
    held = await seeded.add(school_id="riverbank", status="held", records=compact)
    await seeded.rows(_request("req_1", "riverbank", [[held, [0]]], provider_ref="W4711"))
    await SearchIndex(seeded.db).index()

    for query, expected in CHOSEN.items():
        assert await seeded.ids(query) == expected, query


@pytest.mark.parametrize(
    "query",
    [
        "status=lost",
        "kind=attendance.weekly",
        "since=yesterday",
        "since=2026-01-12T12:00:00",
        "limit=0",
        "limit=201",
        "limit=many",
        "cursor=***",
        "cursor=Zm9v",
        "cursor=",
        "studnet=A1",
        "q=",
    ],
)
@pytest.mark.sqlite_first
async def test_a_parameter_that_cannot_be_used_is_refused_with_what_to_send(seeded: Seeded, query: str) -> None:
    response = await seeded.get(f"/v1/writebacks?{query}")

    assert response.status_code == 400, response.text
    problem = response.json()
    assert problem["code"] in ("parameter_invalid", "cursor_invalid")
    assert problem["hint"]
    assert query.partition("=")[0] in problem["detail"]


async def test_pages_join_without_gap_or_repeat_while_new_writebacks_arrive(seeded: Seeded) -> None:
    before = [await seeded.add() for _ in range(7)]
    seen: list[str] = []
    cursor = ""
    while True:
        page = (await seeded.get(f"/v1/writebacks?limit=3{cursor}")).json()
        seen += [item["id"] for item in page["items"]]
        await seeded.add()
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"

    assert seen == before[::-1]


async def test_a_list_that_just_fills_its_page_has_no_next(seeded: Seeded) -> None:
    for _ in range(3):
        await seeded.add()

    assert (await seeded.get("/v1/writebacks?limit=3")).json()["next_cursor"] is None
    assert (await seeded.get("/v1/writebacks?limit=2")).json()["next_cursor"] is not None


async def test_a_writeback_is_shown_with_records_timeline_requests_and_attempts(seeded: Seeded) -> None:
    finding = {"code": "code_inactive", "severity": "error", "pointer": "/records/1/code", "message": "m", "hint": "h"}
    progress = [
        {"status": "confirmed", "evidence": "poll", "mis_ids": ["M1"]},
        {"status": "failed", "findings": [finding]},
        {"status": "refused"},
    ]
    shown = await seeded.add(
        status="partial",
        records=json.dumps([{**MARK, "ref": "row-1"}, MARK, None]),
        progress=json.dumps(progress),
    )
    other = await seeded.add()
    await seeded.rows(
        _event(shown, "partly_confirmed", "partial"),
        _request("req_2", "hillside", [[shown, [1]]], at=NOON + timedelta(minutes=9), result="refused"),
        _request("req_1", "hillside", [[other, [0]], [shown, [0, 1]]], provider_ref="W1", result="confirmed"),
        _request("req_3", "hillside", [[other, [0]]]),
        AttemptRow(
            request_id="req_1", number=1, started_at=NOON, finished_at=NOON, outcome="not_reached", detail="DNS"
        ),
        AttemptRow(request_id="req_1", number=2, started_at=NOON, outcome="taken"),
    )

    page = (await seeded.get(f"/v1/writebacks/{shown}")).json()

    assert page["counts"] == {"confirmed": 1, "failed": 1, "refused": 1}
    first, second, third = page["records"]
    assert (first["index"], first["ref"], first["evidence"], first["mis_ids"]) == (0, "row-1", "poll", ["M1"])
    assert first["record"] == {**MARK, "ref": "row-1"}
    assert second["findings"][0]["code"] == "code_inactive"
    assert (third["status"], third["record"], third["ref"]) == ("refused", None, None)
    assert [(event["event"], event["status"]) for event in page["timeline"]] == [
        ("accepted", "queued"),
        ("partly_confirmed", "partial"),
    ]
    assert [(request["id"], request["records"]) for request in page["requests"]] == [("req_1", [0, 1]), ("req_2", [1])]
    attempts = page["requests"][0]["attempts"]
    assert [(one["number"], one["outcome"], one["detail"]) for one in attempts] == [
        (1, "not_reached", "DNS"),
        (2, "taken", None),
    ]


async def test_another_apps_writeback_is_as_if_it_were_not_there(seeded: Seeded) -> None:
    theirs = await seeded.add(app_id="other")
    elsewhere = await seeded.add(school_id="riverbank")

    foreign = await seeded.get(f"/v1/writebacks/{theirs}")
    other_school = await seeded.get(f"/v1/writebacks/{elsewhere}", schools=["hillside"])
    nothing = await seeded.get("/v1/writebacks/wb_999")

    for response in (foreign, other_school, nothing):
        assert response.status_code == 404
        assert response.json()["code"] == "writeback_unknown"
    assert foreign.json()["detail"].replace(theirs, "wb_999") == nothing.json()["detail"]
    assert (await seeded.get(f"/v1/writebacks/{theirs}", "admin")).status_code == 200


async def test_what_waits_for_a_school_is_counted(seeded: Seeded) -> None:
    for status in ("queued", "held", "sending", "sent", "unknown", "needs_attention", "confirmed", "failed", "expired"):
        await seeded.add(status=status)
    await seeded.add(school_id="riverbank")

    schools = (await seeded.get("/v1/schools")).json()["items"]

    assert {school["id"]: school["waiting"] for school in schools} == {"hillside": 6, "riverbank": 1}


def _event(writeback_id: str, event: str, status: str, app: str = "registers") -> EventRow:
    return EventRow(writeback_id=writeback_id, app_id=app, at=NOON, actor="worker", event=event, status=status)


def _request(
    request_id: str, school_id: str, members: list[Any], *, at: datetime = NOON + timedelta(minutes=5), **changes: Any
) -> RequestRow:
    return RequestRow(
        id=request_id,
        lane_id=f"{school_id}:session-marks",
        school_id=school_id,
        provider="wonde",
        kind="attendance.session",
        state="settled",
        fence=1,
        members=members,
        created_at=at,
        **changes,
    )
