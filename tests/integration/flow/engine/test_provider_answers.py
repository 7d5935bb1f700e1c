"""What a provider answered to a request that failed is kept sealed, shown to support, and deleted."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text

from tests.integration.flow.conftest import CALLER, World, mark
from writeback.core.errors import Conflict, Forbidden, NotFound
from writeback.core.secrets import SecretBox
from writeback.domain.access import Scope
from writeback.domain.actor import Actor
from writeback.domain.outcome import Blocked, NotReached, RawAnswer, Refused, Rejected, Uncertain
from writeback.domain.school import HoldReason
from writeback.flow.engine.provider_answers import ProviderAnswers

pytestmark = pytest.mark.sqlite_first

SAM = Actor("staff:sam")
PUPIL = "Persephone Quill"
BODY = f'{{"errors": {{"attendance.0.student_id": ["{PUPIL} has left"]}}}}'.encode()
RAW = RawAnswer(422, "application/json", BODY, len(BODY))


async def failed(world: World, outcome, *marks) -> tuple[str, str]:
    """Send marks to a provider that answers so; return the ids of writeback and request."""
    writeback_id = await world.submit(*marks)
    world.provider.outcomes = [outcome]
    await world.serve()
    return writeback_id, (await world.requests())[-1].id


async def show(world: World, ids: tuple[str, str], caller=CALLER):
    return await world.corrections.answers.show(caller, *ids, SAM)


@pytest.mark.parametrize(
    "outcome",
    [
        Refused("422", raw=RAW),
        NotReached("429", raw=RAW),
        Uncertain("500", raw=RAW),
        Blocked(HoldReason.SCOPE_MISSING, "403", raw=RAW),
    ],
)
async def test_of_whatever_failed_the_answer_is_kept_and_each_look_is_written_down(world: World, outcome):
    ids = await failed(world, outcome)
    answer = await show(world, ids)
    assert PUPIL in answer.body
    assert (answer.http_status, answer.content_type, answer.encoding) == (422, "application/json", "utf-8")
    assert (answer.size, answer.is_cut) == (len(BODY), False)
    await show(world, ids)
    looks = [row for row in await world.audited() if row.action == "writeback.answer"]
    assert [(row.actor, row.subject, row.school) for row in looks] == [("staff:sam", ids[0], "hillside")] * 2
    assert looks[0].changed == {"request": ids[1]}


async def test_what_a_poll_says_of_a_request_that_failed_later_is_kept(world: World):
    writeback_id = await world.submit()
    await world.serve()
    world.provider.verdicts = [Rejected("FAILED", raw=RAW)]
    await world.confirm()
    assert PUPIL in (await show(world, (writeback_id, (await world.requests())[0].id))).body


async def test_where_all_goes_well_nothing_is_kept(world: World):
    writeback_id = await world.submit()
    await world.serve()
    request_id = (await world.requests())[0].id
    with pytest.raises(NotFound) as refused:
        await show(world, (writeback_id, request_id))
    assert refused.value.code == "answer_not_kept"
    assert await everything_in(world, "provider_answer") == ""


async def test_nowhere_in_the_database_does_it_stand_in_plain_text(world: World):
    await failed(world, Refused("refused", raw=RAW))
    tables = ("provider_answer", "request", "attempt", "event", "writeback", "audit", "search_term", "delivery")
    stored = "".join([await everything_in(world, table) for table in tables])
    assert "wb_" in stored
    for planted in (PUPIL, "attendance.0", "UGVyc2VwaG9uZ"):
        assert planted not in stored


async def test_it_is_gone_after_two_weeks_a_few_at_a_time(world: World, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("writeback.flow.upkeep.retention._MOST", 2)
    monkeypatch.setattr("writeback.flow.upkeep.retention._FIRST", 2)
    old = [await failed(world, Refused("refused", raw=RAW), mark(f"A{number}")) for number in range(1, 6)]
    world.clock.advance(timedelta(days=13))
    new = await failed(world, Refused("refused", raw=RAW), mark("A9"))
    await world.forget()
    assert PUPIL in (await show(world, old[0])).body

    world.clock.advance(timedelta(days=1, seconds=1))
    await world.forget()
    for ids in old:
        with pytest.raises(NotFound):
            await show(world, ids)
    assert PUPIL in (await show(world, new)).body


async def test_sealed_with_another_key_it_says_so(world: World):
    ids = await failed(world, Refused("refused", raw=RAW))
    other = replace(world.flow, secrets=SecretBox("another key " * 4))
    with pytest.raises(Conflict) as refused:
        await ProviderAnswers(other, world.corrections.answers.reads).show(CALLER, *ids, SAM)
    assert refused.value.code == "answer_sealed_otherwise"


@pytest.mark.parametrize("scopes", [{Scope.READ}, {Scope.SUBMIT}, {Scope.READ, Scope.SUBMIT}])
async def test_an_app_may_not_read_it_not_even_of_its_own(world: World, scopes):
    ids = await failed(world, Refused("refused", raw=RAW))
    with pytest.raises(Forbidden):
        await show(world, ids, replace(CALLER, scopes=frozenset(scopes)))


async def test_a_key_of_other_schools_does_not_learn_that_there_is_one(world: World):
    ids = await failed(world, Refused("refused", raw=RAW))
    with pytest.raises(NotFound) as refused:
        await show(world, ids, replace(CALLER, schools=frozenset({"elsewhere"})))
    assert refused.value.code == "writeback_unknown"


async def test_the_answer_to_another_writebacks_request_is_not_shown(world: World):
    _, request_id = await failed(world, Refused("refused", raw=RAW), mark("A1"))
    other, _ = await failed(world, Refused("refused", raw=RAW), mark("A2"))
    with pytest.raises(NotFound):
        await show(world, (other, request_id))


@pytest.mark.parametrize(
    ("content_type", "body", "size", "encoding", "shown"),
    [
        ("application/json", b'{"a":[1]}', 9, "utf-8", '{\n  "a": [\n    1\n  ]\n}'),
        ("text/html", b"<script>alert(1)</script>", 25, "utf-8", "<script>alert(1)</script>"),
        ("", b"", 0, "utf-8", ""),
        ("text/plain; charset=ISO-8859-1", "Zoë".encode("latin-1"), 3, "iso-8859-1", "Zoë"),
        ("text/plain", "Zoë’s".encode("cp1252"), 5, "windows-1252", "Zoë’s"),
        ("text/plain; charset=nonsense", "Zoë".encode("cp1252"), 3, "windows-1252", "Zoë"),
        ("text/plain; charset=utf-16", "Zoë".encode("utf-16"), 8, "utf-16", "Zoë"),
        ("text/plain", "Zoë".encode()[:3], 4, "utf-8", "Zo"),
        ("application/gzip", b"\x1f\x8b\x08\x00\x81", 5, "hex", "1f 8b 08 00 81"),
        ("text/plain", "a\x1b[2J\u202eb\ncd".encode(), 12, "utf-8", "a\\x1b[2J\\u202eb\ncd"),
    ],
)
async def test_any_body_is_shown_so_that_it_can_be_read(world: World, content_type, body, size, encoding, shown):
    ids = await failed(world, Refused("refused", raw=RawAnswer(400, content_type, body, size)))
    answer = await show(world, ids)
    assert (answer.encoding, answer.body) == (encoding, shown)
    assert answer.is_cut == (len(body) < size)


async def everything_in(world: World, table: str) -> str:
    async with world.flow.db.read() as session:
        rows = (await (await session.connection()).execute(text(f"select * from {table}"))).all()
    return "\n".join(str(tuple(row)) for row in rows)
