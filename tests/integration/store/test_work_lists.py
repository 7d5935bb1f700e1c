"""Numbers, groups and orders of lists of work: exact up to their bound, said where they end, and nobody else's."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from writeback.core.errors import BadInput
from writeback.domain.access import Caller, Scope
from writeback.flow.projections.search import SearchIndex
from writeback.store.reads import work_lists
from writeback.store.reads.filters import Filter
from writeback.store.reads.pages import encode_cursor
from writeback.store.reads.work_lists import By, Column, Order, UpTo, WorkLists
from writeback.store.sql.database import Database
from writeback.store.tables import EventRow, Lane, SchoolRow, WritebackRow

NOON = datetime(2026, 1, 12, 12, tzinfo=UTC)
SUPPORT = Caller("", "", frozenset({Scope.SUPPORT}), staff_name="sam")
OF_HILLSIDE = Caller("", "", frozenset({Scope.SUPPORT}), schools=frozenset({"hillside"}), staff_name="kim")
TABS = ((), ("queued", "held"), ("failed",), ("needs_attention",))
FINDING = {"code": "code_unknown", "severity": "error", "pointer": "/code", "message": "m", "hint": "h"}
FAILED = json.dumps([{"status": "failed", "findings": [FINDING]}], separators=(",", ":"))


@pytest.fixture
async def lists(database: Database) -> WorkLists:
    """Two schools: hillside with 3 failed, 2 held and 1 confirmed; riverbank with 1 failed and 1 in doubt."""
    async with database.write() as session:
        for school, name in (("hillside", "Hillside"), ("riverbank", "Abbey Riverbank")):
            about = {"provider": "wonde", "mis": "SIMS", "provider_school_id": "A1"}
            session.add(SchoolRow(id=school, name=name, created_at=NOON, updated_at=NOON, **about))
            await session.flush()
            session.add(Lane(id=f"{school}:session-marks", school_id=school, family="session-marks"))
    await _add(database, "hillside", ["failed", "held", "confirmed", "failed", "held", "failed"])
    await _add(database, "riverbank", ["failed", "needs_attention"], app="conduct", kind="behaviour.create")
    return WorkLists(database)


async def _add(
    db: Database, school: str, statuses: Sequence[str], app: str = "registers", kind: str = "attendance.session"
) -> None:
    async with db.write() as session:
        for number, status in enumerate(statuses):
            at = NOON + timedelta(minutes=number)
            row: dict[str, Any] = {"id": f"wb_{school}_{number}", "app_id": app, "school_id": school, "kind": kind}
            row |= {"status": status, "records": "[{}]", "created_at": at, "updated_at": at}
            row |= {"hold_reason": "school_offline"} if status == "held" else {}
            row |= {"progress": FAILED} if status == "failed" else {}
            session.add(WritebackRow(lane_id=f"{school}:session-marks", **row))
            await session.flush()
            event = {"event": "accepted", "status": "queued", "at": at, "actor": "app"}
            session.add(EventRow(writeback_id=row["id"], app_id=app, **event))


@pytest.mark.parametrize(
    ("caller", "wanted", "numbers"),
    [
        (SUPPORT, Filter(), [8, 2, 4, 1]),
        (SUPPORT, Filter(statuses=("failed",)), [8, 2, 4, 1]),
        (SUPPORT, Filter(school="riverbank"), [2, 0, 1, 1]),
        (SUPPORT, Filter(app="conduct"), [2, 0, 1, 1]),
        (SUPPORT, Filter(school="hillside", app="conduct"), [0, 0, 0, 0]),
        (SUPPORT, Filter(kinds=("attendance.session",)), [6, 2, 3, 0]),
        (SUPPORT, Filter(since=NOON + timedelta(minutes=4)), [2, 1, 1, 0]),
        (SUPPORT, Filter(hold="school_offline"), [2, 2, 0, 0]),
        (SUPPORT, Filter(code="code_unknown"), [4, 0, 4, 0]),
        (OF_HILLSIDE, Filter(), [6, 2, 3, 0]),
        (OF_HILLSIDE, Filter(school="riverbank"), [0, 0, 0, 0]),
    ],
)
async def test_tabs_say_how_many_of_the_filter_are_in_each(
    lists: WorkLists, caller: Caller, wanted: Filter, numbers: Sequence[int]
) -> None:
    assert await lists.numbers(caller, wanted, TABS) == [UpTo(number) for number in numbers]


@pytest.mark.parametrize("wanted", [Filter(), Filter(kinds=("attendance.session", "behaviour.create"))])
async def test_counting_ends_at_its_bound_and_says_so(
    lists: WorkLists, wanted: Filter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work_lists, "MOST", 3)

    assert await lists.numbers(SUPPORT, wanted, TABS) == [UpTo(3, True), UpTo(2), UpTo(3, True), UpTo(1)]
    groups, seen = await lists.groups(SUPPORT, Filter(), By.SCHOOL)
    assert seen == UpTo(3, True)
    assert {one.key for one in groups} == {"hillside", "riverbank"}


async def test_groups_say_what_is_in_them_and_the_oldest(lists: WorkLists) -> None:
    schools, seen = await lists.groups(SUPPORT, Filter(), By.SCHOOL)
    apps, _ = await lists.groups(SUPPORT, Filter(statuses=("failed",)), By.APP)
    own, _ = await lists.groups(OF_HILLSIDE, Filter(), By.SCHOOL)

    assert seen == UpTo(8)
    assert [(one.key, one.writebacks) for one in schools] == [("hillside", 6), ("riverbank", 2)]
    assert schools[0].statuses == {"failed": 3, "held": 2, "confirmed": 1}
    assert schools[0].oldest_at == NOON
    assert [(one.key, one.writebacks, dict(one.statuses)) for one in apps] == [
        ("registers", 3, {"failed": 3}),
        ("conduct", 1, {"failed": 1}),
    ]
    assert [one.key for one in own] == ["hillside"]


@pytest.mark.parametrize("is_indexed", [False, True])
async def test_causes_are_findings_and_what_is_waited_for(lists: WorkLists, is_indexed: bool) -> None:
    if is_indexed:
        await SearchIndex(lists.db).index()

    causes, _ = await lists.groups(SUPPORT, Filter(), By.CAUSE)
    own, _ = await lists.groups(OF_HILLSIDE, Filter(statuses=("failed",)), By.CAUSE)

    assert [(one.key, one.writebacks, one.is_hold) for one in causes] == [
        ("code_unknown", 4, False),
        ("school_offline", 2, True),
    ]
    assert [(one.key, one.writebacks) for one in own] == [("code_unknown", 3)]


@pytest.mark.parametrize("is_down", [False, True])
@pytest.mark.parametrize("column", list(Column))
async def test_every_order_has_each_once_over_its_pages(lists: WorkLists, column: Column, is_down: bool) -> None:
    order, cursor, found = Order(column, is_down), None, []
    while True:
        page = await lists.page(SUPPORT, Filter(), order, limit=3, cursor=cursor)
        found += page.items
        cursor = page.next_cursor
        if cursor is None:
            break

    assert len(found) == len({one.id for one in found}) == 8
    said = {
        Column.ACCEPTED: [one.created_at.isoformat() for one in found if one.school == "hillside"],
        Column.SCHOOL: [{"hillside": "b", "riverbank": "a"}[one.school] for one in found],
        Column.KIND: [one.kind for one in found],
        Column.APP: [one.app for one in found],
        Column.STATUS: ["abcd"[("failed", "needs_attention", "held", "confirmed").index(one.status)] for one in found],
    }[column]
    assert said == sorted(said, reverse=is_down)


async def test_an_order_keeps_to_the_filter_and_to_what_may_be_seen(lists: WorkLists) -> None:
    failed = await lists.page(SUPPORT, Filter(statuses=("failed",)), Order(Column.SCHOOL), limit=9)
    own = await lists.page(OF_HILLSIDE, Filter(), Order(Column.ACCEPTED), limit=9)

    assert [one.id for one in failed.items] == ["wb_riverbank_0", "wb_hillside_5", "wb_hillside_3", "wb_hillside_0"]
    assert [one.id for one in own.items] == [f"wb_hillside_{number}" for number in range(6)]


@pytest.mark.parametrize("cursor", ["x", encode_cursor("a:b"), encode_cursor("1:failed")])
async def test_a_cursor_of_another_order_is_refused(lists: WorkLists, cursor: str) -> None:
    with pytest.raises(BadInput, match="cursor"):
        await lists.page(SUPPORT, Filter(), Order(Column.STATUS), limit=3, cursor=cursor)
