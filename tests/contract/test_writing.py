"""Every provider: what is sent, taken, confirmed, refused, blocked, not reached, and what leaves it in doubt."""

from dataclasses import replace

import pytest

from writeback.domain.kinds import KINDS
from writeback.domain.outcome import (
    Blocked,
    Evidenced,
    GaveUp,
    NotReached,
    Pending,
    Refused,
    Rejected,
    Taken,
    Uncertain,
)
from writeback.domain.school import HoldReason


async def test_a_register_is_sent_taken_notified_and_confirmed(world):
    records = world.register()
    sent = await world.take(records, await world.lookups())
    assert isinstance(await world.check(sent), Pending)

    await world.advance()

    (hint,) = world.hints()
    assert hint.event == "writeback"
    assert hint.provider_ref == sent.provider_ref
    assert hint.request_id in (None, world.request_id)
    verdict = await world.check(sent)
    assert isinstance(verdict, Evidenced)
    assert verdict.evidence in ("webhook+poll", "callback")
    assert await world.marks() == {record.student_id: "/" for record in records}


async def test_a_lesson_register_is_confirmed_too(world):
    records = await world.lesson_register("L")
    sent = await world.take(records, await world.lookups())

    await world.advance()

    assert isinstance(await world.check(sent), Evidenced)
    assert await world.marks("lesson") == {record.student_id: "L" for record in records}


async def test_every_field_that_a_provider_carries_is_taken(world):
    employee_id = world.school["registers"][0]["employee_id"]
    records = world.register("L", minutes_late=7, comment="Bus", statutory_comment="None", employee_id=employee_id)

    assert isinstance(await world.send(records, await world.lookups()), Taken)


async def test_an_afternoon_is_written_with_its_backslash(world):
    records = world.register("\\", session="PM")
    sent = await world.take(records, await world.lookups())

    await world.advance()

    assert isinstance(await world.check(sent), Evidenced)
    assert set((await world.marks()).values()) == {"\\"}


async def test_the_same_marks_again_leave_the_mis_as_it_is(world):
    lookups = await world.lookups()
    for _ in range(2):
        await world.take(world.register(), lookups)
        await world.advance()

    assert set((await world.marks()).values()) == {"/"}


async def test_a_refusal_names_the_record_that_is_wrong(world):
    lookups = await world.lookups()
    stranger = "A1" if world.name == "wonde" else "1"
    records = world.register(pupils=[*world.pupils[:2], stranger])

    refused = await world.send(records, lookups)

    assert isinstance(refused, Refused)
    assert [(position, said[0].code) for position, said in refused.findings.items()] == [(2, "student_not_on_roll")]
    assert await world.marks() == {}


async def test_a_code_that_the_school_disabled_meanwhile_names_its_records(world):
    lookups = await world.lookups()
    await world.change(deactivate_code="V")
    records = [*world.register("/")[:2], *world.register("V", pupils=world.pupils[2:4])]

    refused = await world.send(records, lookups)

    assert isinstance(refused, Refused)
    assert {position: said[0].code for position, said in refused.findings.items()} == {
        2: "code_unknown",
        3: "code_unknown",
    }


async def test_what_the_mis_refuses_later_is_rejected(world):
    await world.change(refusals=[{"message": "The register is locked"}])
    sent = await world.take(world.register(), await world.lookups())

    await world.advance()

    assert isinstance(await world.check(sent), Rejected)
    assert await world.marks() == {}


async def test_an_offline_school_keeps_it_pending_until_it_is_back(world):
    await world.change(online=False)
    sent = await world.take(world.register(), await world.lookups())
    await world.advance(60)
    assert isinstance(await world.check(sent), Pending)

    await world.change(online=True)
    await world.advance(600)

    assert isinstance(await world.check(sent), Evidenced)


async def test_a_school_that_stays_offline_has_its_request_given_up_in_the_end(world):
    await world.change(online=False)
    sent = await world.take(world.register(), await world.lookups())

    await world.advance(4_000)

    assert isinstance(await world.check(sent), Rejected | GaveUp)


async def test_a_refused_token_blocks(world):
    lookups = await world.lookups()
    wrong = replace(world.account, credentials={"token": "wrong", "secret": "wrong"})

    outcome = await world.send(world.register(), lookups, wrong)

    assert isinstance(outcome, Blocked)
    assert outcome.reason is HoldReason.TOKEN_REFUSED


@pytest.mark.parametrize("status", [404, 405])
async def test_an_address_without_the_school_blocks(world, status):
    lookups = await world.lookups()
    await strike(world, kind="status", status=status)

    outcome = await world.send(world.register(), lookups)

    assert isinstance(outcome, Blocked)
    assert outcome.reason is HoldReason.UNKNOWN_THERE


async def test_an_n_that_is_taken_is_noted_where_the_provider_has_the_n_rule(world):
    records = [*world.register("/")[:1], *world.register("N", pupils=world.pupils[1:2])]
    sent = await world.take(records, await world.lookups())

    await world.advance()

    verdict = await world.check(sent)
    assert isinstance(verdict, Evidenced)
    assert list(verdict.notes) == ([1] if world.name == "xporter" else [])


@pytest.mark.parametrize("credentials", [{}, {"token": "", "secret": ""}, {"token": "a\nb", "secret": " "}])
async def test_a_token_that_cannot_be_one_blocks_without_a_call(world, credentials):
    outcome = await world.send(world.register(), await world.lookups(), replace(world.account, credentials=credentials))

    assert isinstance(outcome, Blocked)
    assert outcome.reason is HoldReason.TOKEN_REFUSED


async def test_a_missing_scope_blocks(world):
    lookups = await world.lookups()
    await world.change(grants=[])

    outcome = await world.send(world.register(), lookups)

    assert isinstance(outcome, Blocked)
    assert outcome.reason is HoldReason.SCOPE_MISSING


async def test_nobody_at_the_address_is_not_reached(world):
    lookups = await world.lookups()
    gone = replace(world.account, base_url="http://127.0.0.1:9")

    assert isinstance(await world.send(world.register(), lookups, gone), NotReached)


async def strike(world, **fault):
    """Order a fault for the next POST of marks; the STS's own POST is not meant."""
    path = {"wonde": "/attendance/session", "xporter": "/AttendanceAsync"}[world.name]
    await world.order("faults", method="POST", path=path, times=1, **fault)


@pytest.mark.parametrize("status", [429, 503])
async def test_a_busy_provider_says_when_to_come_back(world, status):
    lookups = await world.lookups()
    await strike(world, kind="status", status=status, retry_after=17)

    assert await world.send(world.register(), lookups) == NotReached(
        f"{world.name.title()} answered {status}: {'too many requests' if status == 429 else 'not available'}", 17.0
    )


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "reset_before"},
        {"kind": "reset_after"},
        {"kind": "hang"},
        {"kind": "invalid_json"},
        {"kind": "empty"},
        {"kind": "500"},
        {"kind": "status", "status": 502, "after_effect": True},
    ],
    ids=lambda fault: "-".join(map(str, fault.values())),
)
async def test_an_answer_that_never_comes_or_cannot_be_read_leaves_it_in_doubt(world, fault):
    lookups = await world.lookups()
    await strike(world, **fault)

    assert isinstance(await world.send(world.register(), lookups), Uncertain)


async def test_a_redirected_post_is_not_followed(world):
    lookups = await world.lookups()
    await strike(world, kind="status", status=307)

    assert isinstance(await world.send(world.register(), lookups), NotReached)
    assert await world.marks() == {}


@pytest.mark.parametrize("kind", ["callback_repeated", "callback_early"])
async def test_repeated_and_early_hints_confirm_once(world, kind):
    lookups = await world.lookups()
    await strike(world, kind=kind)
    sent = await world.take(world.register(), lookups)
    await world.advance()

    assert len(world.hints()) == (2 if kind == "callback_repeated" else 1)
    assert isinstance(await world.check(sent), Evidenced)


async def test_without_a_hint_the_provider_is_asked_or_the_mis_is_read(world):
    lookups = await world.lookups()
    await world.change(cache_ttl_s=0)
    await strike(world, kind="callback_lost")
    sent = await world.take(world.register(), lookups)
    await world.advance()
    assert world.hints() == []

    verdict = await world.check(sent)

    if world.name == "wonde":
        assert verdict == Evidenced("poll")
    else:
        assert isinstance(verdict, Pending)
        assert verdict.awaits_callback
        read = await world.provider.read_back(world.account, sent, lookups)
        assert all(reading.matches for reading in read.readings.values())


async def test_limits_are_those_of_the_settings(world):
    for name in ("attendance.session", "attendance.lesson"):
        limits = world.provider.limits(KINDS[name])
        assert limits.max_records == 1_000
        assert limits.one_date is (world.name == "xporter")
