"""Finding writebacks by what they are about, and counting them: the same before and after they have been indexed."""

import json
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import pytest
from sqlalchemy import event, text
from sqlmodel import col, select

from tests.api.test_writebacks import MARK, Seeded, _event, _request, seeded
from writeback.domain.states import Status
from writeback.flow.projections.search import SearchIndex
from writeback.store.reads.browsing import browsed
from writeback.store.reads.filters import Filter, conditions
from writeback.store.reads.search import Changed, TermWriter, changed, terms_of
from writeback.store.tables import SearchTermRow, WritebackRow

__all__ = ["seeded"]

FINDING = {"code": "code_inactive", "severity": "error", "pointer": "/code", "message": "m", "hint": "h"}
FAILED = json.dumps([{"status": "failed", "findings": [FINDING]}], separators=(",", ":"))
ABSENCE = {"employee_id": "E7", "start_at": "2026-01-12T09:00:00"}
INCIDENT = {"students": [{"student_id": "A8", "points": 1}], "ref": "inc-1", "comment": '"student_id":"A99"'}

Index = Callable[[], Awaitable[object]]


@pytest.fixture(params=["indexed", "not indexed yet"])
def index(request: pytest.FixtureRequest, seeded: Seeded) -> Index:
    """What a worker does every second or so, or nothing."""

    async def do() -> None:
        if request.param == "indexed":
            await SearchIndex(seeded.db).index()

    return do


async def _seed(seeded: Seeded) -> None:
    await seeded.add(status="failed", progress=FAILED, ref="Hillside 7B/2026")
    await seeded.add(status="held", hold_reason="school_offline", school_id="riverbank")
    await seeded.add(kind="employee_absence.create", records=json.dumps([ABSENCE]))
    await seeded.add(kind="behaviour.create", records=json.dumps([INCIDENT]), app_id="conduct")
    mis_ids = json.dumps([{"status": "confirmed", "mis_ids": ["M-55"]}], separators=(",", ":"))
    await seeded.add(status="confirmed", progress=mis_ids)
    await seeded.rows(_request("req_1", "hillside", [["wb_005", [0]]], provider_ref="W4711"))


FOUND = {
    "code=code_inactive": ["wb_001"],
    "code=code_unknown": [],
    "hold=school_offline": ["wb_002"],
    "hold=token_refused": [],
    "student=E7": ["wb_003"],
    "student=A8": ["wb_004"],
    "student=A99": [],
    "student=A1": ["wb_005", "wb_002", "wb_001"],
    "student=A1&school=riverbank": ["wb_002"],
    "student=A1&status=confirmed,held": ["wb_005", "wb_002"],
    "provider_ref=W4711": ["wb_005"],
    "provider_ref=W": [],
    "ref=Hillside%207B/2026": ["wb_001"],
    "q=wb_003": ["wb_003"],
    "q=W4711": ["wb_005"],
}
"""What `_seed` puts there, by each way to look for it."""


async def test_writebacks_are_found_at_once(seeded: Seeded, index: Index) -> None:
    await _seed(seeded)
    await index()

    for query, expected in FOUND.items():
        assert await seeded.ids(query, app="support", schools=None) == [], query
        response = await seeded.get(f"/v1/writebacks?{query}", "read", "support")
        assert [item["id"] for item in response.json()["items"]] == expected, query


FOUND_BY_TEXT = {
    "hillside%207b": ["wb_001"],
    "7B": ["wb_001"],
    "b/20": ["wb_001"],
    "2026": ["wb_001"],
    "side": [],
    "inc": ["wb_004"],
    "A8": ["wb_004"],
    "e7": ["wb_003"],
    "m-5": ["wb_005"],
    "code_inactive": [],
    "%25": [],
    "_": [],
}


async def test_free_text_finds_how_ids_refs_and_their_words_begin(seeded: Seeded) -> None:
    await _seed(seeded)
    await SearchIndex(seeded.db).index()

    for given, expected in FOUND_BY_TEXT.items():
        response = await seeded.get(f"/v1/writebacks?q={given}", "support", "read")
        assert [item["id"] for item in response.json()["items"]] == expected, given


async def test_a_pupils_id_does_not_show_another_apps_writebacks(seeded: Seeded, index: Index) -> None:
    mine, _ = await seeded.add(), await seeded.add(app_id="other", ref="theirs")
    await seeded.rows(_request("req_1", "hillside", [["wb_002", [0]]], provider_ref="W1"))
    await index()

    assert await seeded.ids("student=A1") == [mine]
    assert await seeded.ids("student=A1&app=other") == []
    for query in ("q=A1&status=failed", "q=theirs", "ref=theirs", "q=wb_002", "q=W1", "provider_ref=W1"):
        assert await seeded.ids(query) == [], query
    counts = (await seeded.get("/v1/writebacks/counts?student=A1")).json()
    assert counts["total"] == 1


async def test_a_pupils_id_does_not_show_what_happened_at_other_schools(seeded: Seeded, index: Index) -> None:
    await seeded.add()
    there = await seeded.add(school_id="riverbank", status="failed", progress=FAILED)
    await seeded.add(status="failed", progress=FAILED)
    await index()

    assert await seeded.ids("student=A1", schools=["riverbank"]) == [there]
    counts = (await seeded.get("/v1/writebacks/counts", schools=["riverbank"])).json()
    assert counts["schools"] == [{"school": "riverbank", "writebacks": 1}]
    assert counts["findings"] == [{"code": "code_inactive", "writebacks": 1, "said": []}]


async def test_what_was_mended_is_not_found_by_what_it_was(seeded: Seeded, index: Index) -> None:
    await seeded.add(status="failed", progress=FAILED)
    await index()

    async with seeded.db.write() as session:
        row = (await session.exec(select(WritebackRow))).one()
        row.status, row.progress = "queued", ""
        row.records = json.dumps([{**MARK, "student_id": "A2"}])
        session.add(row)
        session.add(_event("wb_001", "resubmitted", "queued"))
    await index()

    assert await seeded.ids("code=code_inactive") == []
    assert await seeded.ids("student=A1") == []
    assert await seeded.ids("student=A2") == ["wb_001"]
    assert (await seeded.get("/v1/writebacks/counts")).json()["findings"] == []


async def test_a_worker_that_was_overtaken_brings_back_no_finding_that_is_gone(seeded: Seeded) -> None:
    await seeded.add(status="failed", progress=FAILED)
    slow = TermWriter(seeded.db)
    async with seeded.db.read() as session:
        read = await changed(session, 0, 1)
    rows, seqs = slow.rows_of(read), [one.seq for one in read]
    async with seeded.db.write() as session:
        row = (await session.exec(select(WritebackRow))).one()
        row.status, row.progress = "queued", ""
        session.add_all([row, _event("wb_001", "resubmitted", "queued")])
    await SearchIndex(seeded.db).index()

    wrote = await seeded.db.write_by_driver(partial(slow.write, seqs, rows, 0, 1))

    assert (len(rows) > 0, wrote) == (True, False)
    assert (await seeded.get("/v1/writebacks/counts")).json()["findings"] == []


def _refused(words: str | None, *, is_answered: bool = True) -> str:
    said = {"code": "provider_refused", "provider_message": words, "provider_answered": is_answered}
    return json.dumps([{"status": "failed", "findings": [{**FINDING, **said}]}], separators=(",", ":"))


async def test_causes_of_one_code_are_told_apart_by_what_the_provider_said(seeded: Seeded, index: Index) -> None:
    for words in ("Register 12 is locked", "Register 99 is locked", "No such teacher: 7", None):
        await seeded.add(status="failed", progress=_refused(words))
    await seeded.add(status="failed", progress=_refused("Register 12 is locked", is_answered=False))
    await index()

    (found,) = (await seeded.get("/v1/writebacks/counts")).json()["findings"]

    assert (found["code"], found["writebacks"]) == ("provider_refused", 5)
    assert [(one["words"], one["writebacks"]) for one in found["said"]] == [
        ("Register 99 is locked", 2),
        ("No such teacher: 7", 1),
    ]


async def test_what_the_provider_said_lists_those_of_whom_it_said_so(seeded: Seeded) -> None:
    for words in ("Register 12 is locked", "Register 99 is locked", "No such teacher: 7"):
        await seeded.add(status="failed", progress=_refused(words))
    await SearchIndex(seeded.db).index()
    (found,) = (await seeded.get("/v1/writebacks/counts")).json()["findings"]

    locked, teacher = (one["said"] for one in found["said"])

    assert await seeded.ids(f"code=provider_refused&said={locked}") == ["wb_002", "wb_001"]
    assert await seeded.ids(f"code=provider_refused&said={teacher}") == ["wb_003"]
    assert await seeded.ids(f"code=code_inactive&said={teacher}") == []
    assert (await seeded.get(f"/v1/writebacks?said={teacher}")).status_code == 400


async def test_no_words_of_a_provider_stand_in_the_index(seeded: Seeded) -> None:
    """They may name somebody; who is erased must be found in records alone."""
    await seeded.add(status="failed", progress=_refused("Jo Bloggs is on no roll"))
    await SearchIndex(seeded.db).index()

    async with seeded.db.read() as session:
        terms = (await session.exec(select(SearchTermRow.term))).all()

    assert terms
    assert not [term for term in terms if "jo" in term]


async def test_counts_say_how_many_by_status_cause_and_school(seeded: Seeded, index: Index) -> None:
    await _seed(seeded)
    await index()

    counts = (await seeded.get("/v1/writebacks/counts", "support", "read")).json()

    assert counts == {
        "total": 5,
        "statuses": {"queued": 2, "failed": 1, "held": 1, "confirmed": 1},
        "findings": [{"code": "code_inactive", "writebacks": 1, "said": []}],
        "holds": [{"reason": "school_offline", "writebacks": 1}],
        "schools": [{"school": "hillside", "writebacks": 4}, {"school": "riverbank", "writebacks": 1}],
        "more_schools": 0,
    }


async def test_counts_take_the_filters_of_lists(seeded: Seeded) -> None:
    await _seed(seeded)
    await SearchIndex(seeded.db).index()

    for query in ("status=failed", "code=code_inactive", "student=A1", "until=2026-01-01T00:00Z"):
        listed = await seeded.ids(query)
        assert (await seeded.get(f"/v1/writebacks/counts?{query}")).json()["total"] == len(listed), query


async def test_counts_refuse_what_only_lists_take(seeded: Seeded) -> None:
    assert (await seeded.get("/v1/writebacks/counts?limit=3")).status_code == 400
    assert (await seeded.get("/v1/writebacks/counts?school=hillside", schools=["riverbank"])).status_code == 403


async def test_what_arrives_between_two_runs_of_the_index_is_taken_by_the_second(seeded: Seeded) -> None:
    index = SearchIndex(seeded.db)
    await seeded.add(ref="first")
    assert await index.index() > 0
    assert await index.index() == 0
    await seeded.add(ref="second")
    await SearchIndex(seeded.db).index()
    await index.index()

    assert await seeded.ids("q=first") == ["wb_001"]
    assert await seeded.ids("q=second") == ["wb_002"]


async def test_pages_of_a_search_join_while_new_writebacks_arrive(seeded: Seeded, index: Index) -> None:
    before = [await seeded.add() for _ in range(5)]
    await index()
    seen: list[str] = []
    cursor = ""
    while True:
        page = (await seeded.get(f"/v1/writebacks?student=A1&limit=2{cursor}")).json()
        seen += [item["id"] for item in page["items"]]
        await seeded.add()
        await index()
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"

    assert seen == before[::-1]


def test_terms_are_taken_from_json_of_any_spacing_and_with_escapes() -> None:
    records = '[{"student_id" : "A\\u00c9\\"1", "ref":"x"}, null, {"lesson_id":"L1","comment":"\\"ref\\":\\"no\\""}]'

    found = terms_of(Changed(1, "hillside", None, "", records))

    assert found == {('aé"1', "pupil"), ("x", "record")}


def test_nothing_of_the_records_is_taken_where_only_the_progress_changed() -> None:
    assert terms_of(Changed(1, "hillside", "7B", FAILED, None)) == {("code_inactive", "finding")}


async def test_each_way_to_look_has_an_index(seeded: Seeded) -> None:
    """Nothing reads all of the writebacks' rows, whatever the database holds."""
    if seeded.db.dialect != "sqlite":
        pytest.skip("PostgreSQL chooses by what the tables hold")
    one: list[dict[str, Any]] = [{"student": "A1"}, {"code": "x"}, {"ref": "x"}, {"q": "x"}, {"hold": "x"}, {}]
    one += [{"statuses": [Status.FAILED]}, {"school": "x"}, {"app": "x"}, {"batch": "x"}, {"kinds": ["x"]}]
    for given in one:
        wanted = Filter(**given)
        query = browsed(select(WritebackRow.seq), wanted).where(*conditions(wanted, ["wb_1"]))
        query = query.order_by(col(WritebackRow.seq).desc()).limit(51)
        compiled = str(query.compile(dialect=seeded.db.sql_dialect, compile_kwargs={"literal_binds": True}))
        async with seeded.db.read() as session:
            plan = (await (await session.connection()).execute(text(f"EXPLAIN QUERY PLAN {compiled}"))).all()
        steps = [str(row[3]) for row in plan]
        assert not [step for step in steps if step.startswith("SCAN writeback") and "COVERING" not in step], steps
        assert wanted.is_by_term or wanted.batch or steps == ["SCAN writeback USING COVERING INDEX ix_writeback_browse"]


async def test_counting_reads_no_row_that_it_does_not_count(seeded: Seeded) -> None:
    """Each statement of a count goes by an index that has all it asks for."""
    if seeded.db.dialect != "sqlite":
        pytest.skip("PostgreSQL chooses by what the tables hold")
    for query in ("", "status=failed", "school=hillside", "since=2026-01-01T00:00:00Z"):
        for scopes in (["read"], ["read", "support"]):
            for statement, plan in await _counted(seeded, query, *scopes):
                assert plan or "search_term" in statement
                assert not [step for step in plan if "COVERING" not in step], (query, scopes, plan)


async def _counted(seeded: Seeded, query: str, *scopes: str) -> list[tuple[str, list[str]]]:
    """Return the statements of a count, each with how the database looks into the tables of writebacks for it."""
    ran: list[tuple[str, Any]] = []
    engine = seeded.db._engines.reader.sync_engine
    listener = lambda *given: ran.append((given[2], given[3]))  # noqa: E731
    event.listen(engine, "before_cursor_execute", listener)
    response = await seeded.get(f"/v1/writebacks/counts?{query}", *scopes)
    event.remove(engine, "before_cursor_execute", listener)

    assert response.status_code == 200
    counts = [(statement, parameters) for statement, parameters in ran if "count(*)" in statement]
    assert counts
    found: list[tuple[str, list[str]]] = []
    for statement, parameters in counts:
        async with seeded.db.read() as session:
            plan = await (await session.connection()).exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
        found.append((statement, [str(row[3]) for row in plan.all() if "writeback" in str(row[3])]))
    return found
