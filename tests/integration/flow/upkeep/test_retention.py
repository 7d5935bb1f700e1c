"""Retention: what is too old goes, in pieces, whoever dies; what has not ended stays; the service agrees with that."""

import asyncio
import json
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import delete, event, text
from sqlmodel import Session, col, select, update

from tests.integration.flow.conftest import CALLER, World, mark, submission
from writeback.core.errors import Conflict
from writeback.domain.actor import Actor
from writeback.domain.changes import Changes, Settable, Substitution
from writeback.domain.corrections import Action, Outcome
from writeback.domain.finding import Finding
from writeback.domain.kept import Kept
from writeback.domain.outcome import Evidenced, RawAnswer, Refused, Uncertain
from writeback.flow.correct.by_filter import Work
from writeback.flow.correct.draft import Edit, Order
from writeback.flow.projections.search import SearchIndex
from writeback.flow.upkeep import retention as module
from writeback.flow.upkeep.retention import Retention, RunView
from writeback.flow.upkeep.retention_rules import RULES
from writeback.store.reads.filters import Filter
from writeback.store.reads.selection import Selection
from writeback.store.reads.writebacks_read import Reads
from writeback.store.retention import ended_writebacks, runs
from writeback.store.retention.old import Old, Scope
from writeback.store.tables import (
    AttemptRow,
    ClaimRow,
    CorrectionRow,
    EventRow,
    RequestRow,
    RetentionRunRow,
    SchoolRow,
    SearchTermRow,
    WritebackRow,
    table_of,
)
from writeback_client.models.writebacks import Writeback

ANN = Actor("staff:ann", "phoned by the mother of Zoe")


async def confirmed(world: World, *marks: dict[str, object], **envelope: object) -> str:
    writeback_id = await world.submit(*marks, **envelope)
    await world.serve()
    world.provider.verdicts.append(Evidenced("webhook"))
    await world.confirm()
    assert await world.status(writeback_id) == "confirmed"
    return writeback_id


async def shown(world: World, writeback_id: str) -> Writeback:
    return await Reads(world.flow.db).show(CALLER, writeback_id)


async def texts_of(world: World) -> str:
    """Return all that is stored in the tables of writebacks, as one text."""
    found = []
    async with world.flow.db.read() as session:
        for row in (WritebackRow, EventRow, RequestRow, AttemptRow, CorrectionRow, SearchTermRow, ClaimRow):
            found += [str(one) for one in (await session.exec(select(*table_of(row).columns))).all()]
    return "\n".join(found)


async def rows_of(world: World, row: type) -> int:
    async with world.flow.db.read() as session:
        return len((await session.exec(select(row))).all())


def keeps_content_for(session: Session, days: float) -> None:
    session.exec(update(SchoolRow).values(content_days=days))


# --- what goes, and when


@pytest.mark.sqlite_first
async def test_comments_and_files_go_after_thirty_days_and_the_rest_stays(world: World) -> None:
    spoken = await confirmed(world, mark("A1", comment="at the dentist"), mark("A2"))
    silent = await confirmed(world, mark("A3"))
    world.clock.advance(timedelta(days=31))

    assert (await world.forget())["texts"] == 2

    assert "dentist" not in await texts_of(world)
    view = await shown(world, spoken)
    assert [(one.record or {}).get("student_id") for one in view.records] == ["A1", "A2"]
    assert (view.texts_forgotten, view.forgotten_at) == (True, None)
    assert not (await shown(world, silent)).texts_forgotten


@pytest.mark.sqlite_first
async def test_content_goes_after_ninety_days_and_what_it_was_stays(world: World) -> None:
    writeback_id = await confirmed(world, mark("A17", comment="at the dentist"), mark("A18"), ref="7B Zoe")
    await SearchIndex(world.flow.db).index()
    world.clock.advance(timedelta(days=89))
    await world.forget()
    assert "A17" in await texts_of(world)
    world.clock.advance(timedelta(days=2))

    assert (await world.forget())["content"] == 1

    stored = await texts_of(world)
    assert not [one for one in ("A17", "A18", "Zoe", "7b zoe", "dentist") if one in stored]
    view = await shown(world, writeback_id)
    assert (view.status, view.kind, view.school, view.evidence) == (
        "confirmed",
        "attendance.session",
        "hillside",
        "webhook",
    )
    assert view.forgotten_at == world.clock.now()
    assert [(one.record, one.status) for one in view.records] == [(None, "confirmed")] * 2
    assert view.counts == {"confirmed": 2}
    assert [one.event for one in view.timeline] == ["accepted", "sending", "sent", "confirmed"]
    assert len(view.requests) == len(view.requests[0].attempts) == 1
    assert await rows_of(world, SearchTermRow) == 0


async def test_what_was_refused_and_edited_quotes_nobody_afterwards(world: World) -> None:
    answer = RawAnswer(403, "text/plain", b"no mark for Zoe Adams", 21)
    finding = Finding("school_closed", "There is no Zoe Adams.", "Ask Zoe.")
    writeback_id = await world.submit(mark("A41", comment="Zoe is ill"))
    world.provider.outcomes.append(Refused("Zoe is on no roll", {0: [finding]}, raw=answer))
    await world.serve()
    await world.corrections.resubmits.one(
        CALLER, writeback_id, Order([Edit(0, mark("A42", comment="Zoe is well"))]), ANN
    )
    await world.serve()
    world.provider.verdicts.append(Evidenced("webhook"))
    await world.confirm()
    world.clock.advance(timedelta(days=91))

    await world.forget()

    stored = await texts_of(world)
    assert not [one for one in ("Zoe", "A41", "A42", "roll") if one in stored]
    view = await shown(world, writeback_id)
    assert [(one.actor, one.action, one.reason) for one in view.mendings] == [("staff:ann", "resubmit", "")]


async def test_a_school_may_have_its_content_kept_for_longer(world: World) -> None:
    writeback_id = await confirmed(world, mark("A17"))
    await world.flow.db.transact(partial(keeps_content_for, days=396))
    world.clock.advance(timedelta(days=390))
    await world.forget()
    assert (await shown(world, writeback_id)).forgotten_at is None
    world.clock.advance(timedelta(days=7))

    await world.forget()

    assert (await shown(world, writeback_id)).forgotten_at is not None


async def test_history_goes_after_thirteen_months_and_the_row_after_seven_years(world: World) -> None:
    old = await confirmed(world, mark("A1"))
    world.clock.advance(timedelta(days=397))
    recent = await confirmed(world, mark("A2"))

    assert (await world.forget())["history"] == 1
    view = await shown(world, old)
    assert (view.status, view.timeline, view.requests) == ("confirmed", (), ())
    assert len(await world.requests()) == len(await world.attempts()) == 1

    world.clock.advance(timedelta(days=2_557))
    assert (await world.forget())["writebacks"] == 1
    assert (await shown(world, recent)).kind == "attendance.session"


async def test_the_newest_event_and_writeback_stay_so_that_their_numbers_are_not_given_twice(world: World) -> None:
    await confirmed(world, mark("A41"))
    world.clock.advance(timedelta(days=4_000))

    await world.forget()

    assert await rows_of(world, WritebackRow) == 1
    assert await rows_of(world, EventRow) > 0
    assert "A41" not in await texts_of(world)


# --- what never goes


async def test_what_has_not_ended_is_never_deleted(world: World) -> None:
    far = (world.clock.now() + timedelta(days=9_999)).isoformat()
    waiting = await world.submit(mark("A1", comment="a"), expires_at=far)
    await world.serve()  # with the provider
    queued = await world.submit(mark("A2", comment="b"), expires_at=far)
    world.clock.advance(timedelta(days=4_000))

    await world.forget()

    for writeback_id, pupil in ((waiting, "A1"), (queued, "A2")):
        record = (await shown(world, writeback_id)).records[0].record or {}
        assert (record["student_id"], "comment" in record) == (pupil, True)
        assert (await world.writeback(writeback_id)).kept == Kept.WHOLE


@pytest.mark.sqlite_first
async def test_what_needs_a_person_is_never_deleted_and_can_be_resolved(world: World) -> None:
    writeback_id = await needs_attention(world)
    world.clock.advance(timedelta(days=4_000))

    await world.forget()

    assert (await shown(world, writeback_id)).records[0].record is not None
    await world.corrections.resolves.one(CALLER, writeback_id, Outcome.FAILED, ANN)
    assert await world.status(writeback_id) == "failed"


async def needs_attention(world: World) -> str:
    world.provider.outcomes = [Uncertain("timeout")]
    older = await world.submit(mark("A1", code="N"))
    await world.serve()
    await set_status(world, older, "needs_attention")
    return older


async def set_status(world: World, writeback_id: str, status: str) -> None:
    progress = json.dumps([{"status": status}])

    def work(session: Session) -> None:
        session.exec(
            update(WritebackRow).where(col(WritebackRow.id) == writeback_id).values(status=status, progress=progress)
        )

    await world.flow.db.transact(work)


@pytest.mark.sqlite_first
async def test_what_a_request_under_way_carries_waits_until_that_has_settled(world: World) -> None:
    writeback_id = await world.submit(mark("A1"))
    await world.serve()
    await set_status(world, writeback_id, "cancelled")
    world.clock.advance(timedelta(days=100))

    assert "content" not in await world.forget()


# --- what people may still do with it


@pytest.mark.sqlite_first
async def test_what_is_forgotten_cannot_be_sent_again_and_says_why(world: World) -> None:
    writeback_id = await world.fail(mark("A1"))
    world.clock.advance(timedelta(days=91))
    await world.forget()

    with pytest.raises(Conflict, match=r"was deleted on .* for its age") as refused:
        await world.corrections.resubmits.one(CALLER, writeback_id, Order(), ANN)

    assert refused.value.code == "content_forgotten"
    report = await world.corrections.many.run(CALLER, Work(Action.RESUBMIT, Selection(Filter(school="hillside")), ANN))
    assert [(one.id, one.code) for one in report.not_done] == [(writeback_id, "content_forgotten")]
    with pytest.raises(Conflict):
        await world.corrections.cancels.one(CALLER, writeback_id, ANN)
    with pytest.raises(Conflict):
        await world.corrections.resolves.one(CALLER, writeback_id, Outcome.RESEND, ANN)


async def test_what_has_lost_its_comment_is_not_sent_without_it_unless_a_person_says_so(world: World) -> None:
    writeback_id = await world.fail(mark("A1", comment="at the dentist"))
    world.clock.advance(timedelta(days=31))
    await world.forget()

    with pytest.raises(Conflict) as refused:
        await world.corrections.resubmits.one(CALLER, writeback_id, Order(), ANN)
    assert refused.value.code == "texts_forgotten"
    to_n = Order(on_invalid="skip", changes=Changes((Substitution(Settable.CODE, "/", "N"),)))
    report = await world.corrections.many.run(
        CALLER, Work(Action.RESUBMIT, Selection(Filter(school="hillside")), ANN, to_n)
    )
    assert [(one.id, one.code) for one in report.not_done] == [(writeback_id, "texts_forgotten")]

    await world.corrections.resubmits.one(CALLER, writeback_id, Order([Edit(0, mark("A1"))]), ANN)
    assert await world.status(writeback_id) == "queued"


async def test_an_old_mark_does_not_go_over_a_later_one_that_is_forgotten(world: World) -> None:
    older = await needs_attention(world)
    world.clock.advance(timedelta(days=3))
    later = await world.submit(mark("A1", code="/"))
    await set_status(world, later, "confirmed")
    world.clock.advance(timedelta(days=91))
    await world.forget()
    assert (await shown(world, later)).forgotten_at is not None

    with pytest.raises(Conflict) as refused:
        await world.corrections.resolves.one(CALLER, older, Outcome.RESEND, ANN)

    assert refused.value.code == "later_marks_forgotten"
    assert await world.status(older) == "needs_attention"


@pytest.mark.sqlite_first
async def test_marks_of_the_lane_go_on_past_what_is_forgotten(world: World) -> None:
    forgotten = await confirmed(world, mark("A1"))
    world.clock.advance(timedelta(days=91))
    await world.forget()

    newer = await confirmed(world, mark("A1", code="N"))

    assert await world.status(newer) == "confirmed"
    assert (await shown(world, forgotten)).forgotten_at is not None


async def test_lists_and_counts_have_what_is_forgotten(world: World) -> None:
    writeback_id = await confirmed(world, mark("A1"), mark("A2"))
    world.clock.advance(timedelta(days=91))
    await world.forget()

    page = await Reads(world.flow.db).list(CALLER, Filter(school="hillside"), limit=10)

    assert [(one.id, one.counts) for one in page.items] == [(writeback_id, {"confirmed": 2})]
    assert not (await Reads(world.flow.db).list(CALLER, Filter(student="A1"), limit=10)).items


@pytest.mark.sqlite_first
async def test_a_key_replays_its_answer_for_a_day_and_then_is_new(world: World) -> None:
    body = submission(mark("A1"))
    first = await world.acceptor.submit(CALLER, "hillside", body, idempotency_key="k1")
    world.clock.advance(timedelta(hours=23))
    await world.forget()
    again = await world.acceptor.submit(CALLER, "hillside", body, idempotency_key="k1")
    assert again.writeback_id == first.writeback_id

    world.clock.advance(timedelta(hours=2))
    await world.forget()

    anew = await world.acceptor.submit(CALLER, "hillside", body, idempotency_key="k1")
    assert anew.writeback_id != first.writeback_id


# --- how a run goes


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_FIRST", "_FEWEST", "_MOST"):
        monkeypatch.setattr(module, name, 2)


async def old_ones(world: World, count: int) -> Sequence[str]:
    ids = [await confirmed(world, mark(f"A{number}")) for number in range(1, count + 1)]
    world.clock.advance(timedelta(days=91))
    return ids


async def test_a_run_is_done_in_pieces_and_says_what_it_did(world: World, small_pieces: None) -> None:
    await old_ones(world, 5)

    run = await world.retention.run()

    assert run is not None
    assert (run.deleted["texts"], run.deleted["content"], run.pieces) == (5, 5, 6)
    state = await world.retention.state()
    assert state.last == run
    assert await world.retention.run_if_due() is None
    world.clock.advance(timedelta(hours=1, seconds=1))
    again = await world.retention.run_if_due()
    assert again is not None
    assert (again.total, again.pieces) == (0, 0)


async def test_what_is_due_can_be_asked_without_deleting_anything(world: World) -> None:
    await old_ones(world, 3)

    due = await world.retention.due()

    assert {name: number for name, number in due.items() if number} == {"texts": 3, "content": 3}
    assert await rows_of(world, RetentionRunRow) == 0


async def test_a_run_that_was_left_behind_is_resumed_once_its_lease_is_over(
    world: World, small_pieces: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    await old_ones(world, 5)
    hits = 0

    def hit(point: str) -> bool:
        nonlocal hits
        hits += point == "retention.after_piece"
        if point == "retention.after_piece" and hits == 4:
            raise KeyboardInterrupt
        return False

    monkeypatch.setattr("writeback.core.failpoints.hit", hit)
    with pytest.raises(KeyboardInterrupt):
        await world.retention.run()
    other = Retention(world.flow.db, world.clock, world.flow.settings, "worker-2")
    assert await other.run() is None
    world.clock.advance(timedelta(minutes=3))

    run = await other.run()

    assert run is not None
    assert (run.deleted["texts"], run.deleted["content"]) == (5, 5)
    assert await rows_of(world, RetentionRunRow) == 1


async def test_of_several_that_begin_at_once_one_has_the_run(world: World) -> None:
    now = world.clock.now()
    takes = [
        partial(runs.take, owner=f"worker-{number}", now=now, until=now + timedelta(minutes=1)) for number in range(3)
    ]

    taken = await asyncio.gather(*(world.flow.db.transact(take) for take in takes))

    assert len([one for one in taken if one is not None]) == 1
    assert await rows_of(world, RetentionRunRow) == 1


async def test_one_that_has_lost_its_run_commits_nothing_more(
    world: World, small_pieces: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    await old_ones(world, 5)
    other = Retention(world.flow.db, world.clock, world.flow.settings, "worker-2")
    taken: list[RunView | None] = []

    async def give_way() -> None:
        if not taken:
            taken.append(None)
            world.clock.advance(timedelta(minutes=3))
            taken.append(await other.run())

    monkeypatch.setattr(module, "give_way", give_way)

    assert await world.retention.run() is None
    assert taken[1] is not None
    assert taken[1].deleted["content"] == 5


async def test_one_that_cannot_be_deleted_costs_itself(world: World) -> None:
    first, bad, *others = await old_ones(world, 5)
    spoil = update(WritebackRow).where(col(WritebackRow.id) == bad).values(progress="[{")
    await world.flow.db.transact(lambda session: session.exec(spoil))

    run = await world.retention.run()

    assert run is not None
    assert (run.ended_at, run.deleted["content"]) == (world.clock.now(), 4)
    for writeback_id in (first, *others):
        assert (await world.writeback(writeback_id)).kept == Kept.CONTENT_GONE
    assert (await world.writeback(bad)).kept < Kept.CONTENT_GONE


async def test_a_comment_of_a_resubmission_goes_in_its_own_time(world: World) -> None:
    writeback_id = await world.fail(mark("A1"))
    world.clock.advance(timedelta(days=31))
    await world.forget()
    edit = Edit(0, mark("A1", comment="at the dentist"))
    await world.corrections.resubmits.one(CALLER, writeback_id, Order([edit]), ANN)
    await world.serve()
    world.provider.verdicts.append(Evidenced("webhook"))
    await world.confirm()
    world.clock.advance(timedelta(days=29))
    await world.forget()
    assert "dentist" in await texts_of(world)
    world.clock.advance(timedelta(days=2))

    await world.forget()

    assert "dentist" not in await texts_of(world)


async def test_a_worker_that_stops_leaves_its_run_to_others(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await old_ones(world, 2)
    monkeypatch.setattr("writeback.core.failpoints.hit", _cut_off)
    with pytest.raises(KeyboardInterrupt):
        await world.retention.run()
    monkeypatch.undo()

    await world.retention.release()

    other = Retention(world.flow.db, world.clock, world.flow.settings, "worker-2")
    assert await other.run() is not None


def _cut_off(point: str) -> bool:
    if point == "retention.before_piece":
        raise KeyboardInterrupt
    return False


async def test_it_is_late_when_no_run_has_ended_for_a_day(world: World) -> None:
    assert not (await world.retention.state()).is_late
    await world.forget()
    world.clock.advance(timedelta(hours=24))
    assert not (await world.retention.state()).is_late
    world.clock.advance(timedelta(hours=2))
    assert (await world.retention.state()).is_late


@pytest.mark.parametrize(
    "step", [ended_writebacks.texts, ended_writebacks.content, ended_writebacks.history, ended_writebacks.writebacks]
)
async def test_what_is_too_old_is_found_by_the_index_of_what_has_ended(
    world: World, step: Callable[[Scope], Old]
) -> None:
    now = world.clock.now()

    plan = await explained(world, step(Scope(now - timedelta(days=90), now, "hillside")).due.limit(50))

    assert "ix_writeback_ended" in plan


@pytest.mark.parametrize("of", [rule.of for rule in RULES if rule.of], ids=lambda of: of[0].name)
async def test_schools_that_have_any_are_found_by_the_same_index(world: World, of: Sequence[Kept]) -> None:
    query = ended_writebacks.schools_with(of, world.clock.now(), ["hillside"])

    assert "ix_writeback_ended" in await explained(world, query)


async def test_schools_that_have_nothing_cost_no_statement_each(world: World) -> None:
    await old_ones(world, 1)
    await world.flow.db.transact(partial(add_schools, count=450))
    ran: list[str] = []
    engine = world.flow.db._engines.reader.sync_engine
    event.listen(engine, "before_cursor_execute", lambda *given: ran.append(given[2]))

    run = await world.retention.run()

    assert run is not None
    assert run.deleted == {"texts": 1, "content": 1}
    assert len(ran) < 100


def add_schools(session: Session, count: int) -> None:
    hillside = session.exec(select(SchoolRow)).one()
    for number in range(count):
        session.add(SchoolRow.model_validate({**hillside.model_dump(), "id": f"other-{number}"}))


async def test_terms_are_deleted_by_their_index(world: World) -> None:
    assert "ix_search_term_seq" in await explained(
        world, delete(SearchTermRow).where(col(SearchTermRow.seq).in_([1, 2]))
    )


async def explained(world: World, statement: Any) -> str:
    """Return how the database would run it: of an empty one PostgreSQL looks through the table, where it may."""

    def work(session: Session) -> str:
        connection = session.connection()
        is_sqlite = connection.dialect.name == "sqlite"
        if not is_sqlite:
            connection.execute(text("SET LOCAL enable_seqscan = off"))
        compiled = statement.compile(connection.engine, compile_kwargs={"literal_binds": True})
        rows = connection.execute(text(f"EXPLAIN {'QUERY PLAN ' if is_sqlite else ''}{compiled}".replace(":", r"\:")))
        return "\n".join(str(row) for row in rows)

    return await world.flow.db.transact(work)
