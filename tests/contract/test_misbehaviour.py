"""What each adapter does with a provider that answers too much, redirects, or leads astray: over real HTTP."""

from typing import Any

import httpx
import pytest

from tests.contract.conftest import World, listening
from writeback.domain.lookups import ListName
from writeback.domain.outcome import NotReached, ReadBack, Refused, Taken, Uncertain
from writeback.providers.base import LookupFailed

TOO_MUCH = [{"kind": "oversized", "size": 2_000_000}, {"kind": "gzip_bomb", "size": 50_000_000}]
WRITES = {"wonde": "/attendance/session", "xporter": "AttendanceAsync"}
LISTS = {"wonde": "/students", "xporter": "/Students"}


@pytest.fixture
def limited(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """The world with answers of at most a megabyte."""
    monkeypatch.setattr(world.client, "max_answer_bytes", 1_000_000)
    return world


@pytest.mark.parametrize("fault", TOO_MUCH, ids=lambda fault: fault["kind"])
async def test_an_answer_too_large_to_a_write_leaves_it_in_doubt_and_it_is_found_when_read_back(
    limited: World, fault: dict[str, Any]
) -> None:
    lookups = await limited.lookups()
    await limited.order("faults", **fault, path=WRITES[limited.name], times=1)

    outcome = await limited.send(limited.register(), lookups)

    assert isinstance(outcome, Uncertain)
    assert "larger than 1000000 bytes" in outcome.reason
    await limited.advance()
    assert set((await limited.marks()).values()) == {"/"}


@pytest.mark.parametrize("fault", TOO_MUCH, ids=lambda fault: fault["kind"])
async def test_an_answer_too_large_to_a_question_is_no_answer(limited: World, fault: dict[str, Any]) -> None:
    await limited.order("faults", **fault, path=LISTS[limited.name], method="GET")

    with pytest.raises(LookupFailed, match="larger than 1000000 bytes") as failed:
        await limited.provider.fetch(limited.account, ListName.STUDENTS, None, limited.window)

    assert isinstance(failed.value.outcome, NotReached)


async def test_after_an_answer_too_large_the_next_ones_are_read(limited: World) -> None:
    await limited.order("faults", kind="gzip_bomb", path=LISTS[limited.name], times=1)
    with pytest.raises(LookupFailed):
        await limited.provider.fetch(limited.account, ListName.STUDENTS, None, limited.window)

    change = await limited.provider.fetch(limited.account, ListName.STUDENTS, None, limited.window)

    assert len(change.rows) == 60


async def test_a_redirect_to_another_host_is_followed_by_neither_token_nor_query_and_both_hosts_are_named(
    world: World,
) -> None:
    async with listening() as elsewhere:
        await world.order("faults", kind="redirect", location=f"{elsewhere.url}?x=1", path=LISTS[world.name])

        with pytest.raises(LookupFailed) as failed:
            await world.provider.fetch(world.account, ListName.STUDENTS, None, world.window)

        assert not elsewhere.heard
    there, here = httpx.URL(elsewhere.url), httpx.URL(world.account.base_url)
    assert f"http://127.0.0.1:{here.port} redirects to http://127.0.0.1:{there.port}" in failed.value.detail
    assert isinstance(failed.value.outcome, NotReached)


async def test_a_write_that_is_redirected_elsewhere_was_not_reached(world: World) -> None:
    lookups = await world.lookups()
    async with listening() as elsewhere:
        await world.order("faults", kind="redirect", status=307, location=elsewhere.url, path=WRITES[world.name])

        outcome = await world.send(world.register(), lookups)

        assert not elsewhere.heard
    assert isinstance(outcome, NotReached)
    assert "redirects to" in outcome.reason


@pytest.mark.parametrize("world", ["wonde"], indirect=True)  # Xporter counts its pages
async def test_a_list_with_signed_pages_is_read_to_its_end(world: World) -> None:
    await world.order("faults", kind="next_signed")

    change = await world.provider.fetch(world.account, ListName.STUDENTS, None, world.window)

    assert len(change.rows) == 60


@pytest.mark.parametrize("world", ["wonde"], indirect=True)  # Xporter counts its pages
async def test_a_list_that_goes_on_elsewhere_fails_and_the_host_is_named(world: World) -> None:
    await world.order("faults", kind="next_elsewhere", location="https://wonde.evil.example")

    with pytest.raises(LookupFailed, match=r"wonde\.evil\.example") as failed:
        await world.provider.fetch(world.account, ListName.STUDENTS, None, world.window)

    assert isinstance(failed.value.outcome, NotReached)


async def test_what_is_read_back_too_large_says_nothing(limited: World) -> None:
    lookups = await limited.lookups()
    sent = await limited.take(limited.register(), lookups)
    await limited.advance()
    await limited.order("faults", kind="oversized", size=2_000_000, method="GET", times=1)

    assert isinstance(await limited.provider.read_back(limited.account, sent, lookups), NotReached)
    assert isinstance(await limited.provider.read_back(limited.account, sent, lookups), ReadBack)


# Who answers, and what it says.

BEFORE_OR_AFTER = [False, True]


async def strike(world: World, **fault: Any) -> None:
    """Order a fault for the next write."""
    await world.order("faults", method="POST", path=WRITES[world.name], times=1, **fault)


@pytest.mark.parametrize("after_effect", BEFORE_OR_AFTER)
@pytest.mark.parametrize("status", [200, 400, 403, 429, 502, 503])
async def test_a_proxys_page_leaves_it_in_doubt_and_says_who_answered(
    world: World, status: int, after_effect: bool
) -> None:
    lookups = await world.lookups()
    await strike(world, kind="status", status=status, page=True, after_effect=after_effect, retry_after=30)

    outcome = await world.send(world.register(), lookups)

    assert isinstance(outcome, Uncertain)
    name = world.name.title()
    assert outcome.reason == f"answered {status} with a web page: a firewall or proxy in between, not {name}"
    assert outcome.retry_after_s == 30
    await world.advance()
    assert bool(await world.marks()) is after_effect


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "status", "status": 503, "blank": True, "after_effect": True},
        {"kind": "status", "status": 429, "blank": True},
        {"kind": "status", "status": 503, "page": True, "chunked": True},
        {"kind": "cut"},
        {"kind": "status", "status": 503, "body": "Service Unavailable"},
    ],
    ids=str,
)
async def test_what_may_be_anybodys_answer_leaves_it_in_doubt(world: World, fault: dict[str, Any]) -> None:
    lookups = await world.lookups()
    await strike(world, **fault)

    assert isinstance(await world.send(world.register(), lookups), Uncertain)


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_providers_own_503_was_not_reached_however_it_is_sent(world: World, chunked: bool) -> None:
    lookups = await world.lookups()
    await strike(world, kind="503", chunked=chunked)

    assert isinstance(await world.send(world.register(), lookups), NotReached)


@pytest.mark.parametrize(
    ("retry_after", "seconds"),
    [
        (0, 0.0),
        (17, 17.0),
        (50_000, 50_000.0),
        (1e9, 86_400.0),
        ("-5", 0.0),
        ("soon", None),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 86_400.0),
    ],
)
async def test_retry_after_is_read_in_every_form_and_size(
    world: World, retry_after: Any, seconds: float | None
) -> None:
    lookups = await world.lookups()
    await strike(world, kind="503", retry_after=f"{retry_after:.0f}" if isinstance(retry_after, float) else retry_after)

    outcome = await world.send(world.register(), lookups)

    assert isinstance(outcome, NotReached)
    assert outcome.retry_after_s == seconds


@pytest.mark.parametrize("status", [200, 422])
@pytest.mark.parametrize(
    "body",
    [
        {"message": "The given data was invalid.", "errors": {"attendance.1.student_id": ["It is not on roll."]}},
        {"attendance.1.student_id": ["It is not on roll."]},
        {"attendance.1.student_id": "It is not on roll."},
        {"errors": [{"detail": "It is not on roll.", "source": {"pointer": "/data/attendance/1/student_id"}}]},
        {"detail": [{"loc": ["body", "attendance", 1, "student_id"], "msg": "It is not on roll.", "type": "value"}]},
        {
            "title": "Invalid",
            "status": 422,
            "errors": [{"pointer": "#/attendance/1/student_id", "detail": "It is not on roll."}],
        },
    ],
    ids=str,
)
@pytest.mark.parametrize("world", ["wonde"], indirect=True)
async def test_errors_are_read_under_any_status_in_any_shape(world: World, status: int, body: Any) -> None:
    lookups = await world.lookups()
    await strike(world, kind="status", status=status, body=body)

    outcome = await world.send(world.register(), lookups)

    assert isinstance(outcome, Refused)
    assert list(outcome.findings) == [1]
    assert outcome.findings[1][0].provider_message == "It is not on roll."


@pytest.mark.parametrize("status", [200, 422])
@pytest.mark.parametrize(
    "body", [["The register is closed."], {"errors": ["The register is closed."]}, {"error": "The register is closed."}]
)
async def test_errors_that_name_nobody_are_kept_in_their_own_words(world: World, status: int, body: Any) -> None:
    lookups = await world.lookups()
    await strike(world, kind="status", status=status, body=body)

    outcome = await world.send(world.register(), lookups)

    assert isinstance(outcome, Refused)
    assert "The register is closed." in outcome.message


async def test_a_fault_follows_one_pupil(world: World) -> None:
    lookups = await world.lookups()
    bad = world.register()[0]
    await world.order("faults", kind="500", path=WRITES[world.name], method="POST", containing=bad.student_id)

    assert isinstance(await world.send(world.register(), lookups), Uncertain)
    assert isinstance(await world.send(world.register()[1:], lookups), Taken)
