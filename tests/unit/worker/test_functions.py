"""What arq runs takes the lanes that wait, within the places of their providers, and no lane spoils another."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from writeback.domain.school import Account
from writeback.flow.engine.bulkhead import Bulkhead
from writeback.flow.engine.turn import Answered
from writeback.queue.port import RecordingWaker
from writeback.worker.functions import confirm_lanes, serve_lanes


@dataclass
class Dispatcher:
    """Begins every lane that it is asked for but the idle ones; the bad one cannot be carried on."""

    idle: Sequence[str] = ()
    bad: str = ""
    begun: list[list[str]] = field(default_factory=list)
    carried_on: list[str] = field(default_factory=list)
    under_way: int = 0
    most_under_way: int = 0

    async def begin(self, lane_ids: Sequence[str]) -> Sequence[Any]:
        self.begun.append(sorted(lane_ids))
        return [SimpleNamespace(lane_id=lane_id) for lane_id in lane_ids if lane_id not in self.idle]

    async def carry_on(self, turn: Any, answered: Answered) -> None:
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        await asyncio.sleep(0)
        self.under_way -= 1
        if turn.lane_id == self.bad:
            raise RuntimeError("it is bad")
        await answered()
        self.carried_on.append(turn.lane_id)


@dataclass
class Redis:
    """Has lanes that wait."""

    waiting: list[str]

    async def zpopmin(self, key: str, most: int) -> list[tuple[bytes, float]]:
        taken, self.waiting = self.waiting[:most], self.waiting[most:]
        return [(lane_id.encode(), 0.0) for lane_id in taken]


class Registry:
    async def account(self, school_id: str) -> Account:
        if school_id == "gone":
            raise LookupError("there is no such school")
        return Account(school_id, "wonde", "A1", "SIMS", "", {})


def context(dispatcher: Dispatcher, lanes: Sequence[str], places: int = 100) -> dict[str, Any]:
    flow = SimpleNamespace(registry=Registry(), waker=RecordingWaker())
    services = SimpleNamespace(flow=flow, bulkhead=Bulkhead(places), dispatcher=dispatcher)
    return {"services": services, "redis": Redis(list(lanes)), "gathering": set()}


def lanes(count: int) -> list[str]:
    return [f"s{number}:session-marks" for number in range(count)]


async def test_all_that_wait_begin_together():
    dispatcher = Dispatcher()
    await serve_lanes(context(dispatcher, lanes(3)), "")
    assert dispatcher.begun == [lanes(3)]
    assert sorted(dispatcher.carried_on) == lanes(3)


async def test_more_than_fit_into_a_job_are_another_one_s():
    dispatcher = Dispatcher()
    ctx = context(dispatcher, lanes(51))
    await serve_lanes(ctx, "")
    assert len(dispatcher.begun[0]) == 50
    assert ctx["services"].flow.waker.wakes == [("serve_lane", "s50:session-marks")]


async def test_one_that_cannot_be_carried_on_does_not_stop_the_others():
    dispatcher = Dispatcher(bad="s1:session-marks")
    ctx = context(dispatcher, lanes(3))
    await serve_lanes(ctx, "")
    assert sorted(dispatcher.carried_on) == ["s0:session-marks", "s2:session-marks"]
    assert ctx["services"].bulkhead.room("provider:wonde") == 100


async def test_a_school_that_is_gone_does_not_stop_the_others():
    dispatcher = Dispatcher()
    await serve_lanes(context(dispatcher, ["gone:conduct", *lanes(1)]), "")
    assert dispatcher.begun == [lanes(1)]


@pytest.mark.parametrize("idle", [(), ("s0:session-marks",)])
async def test_who_finds_no_place_is_woken_when_one_is_given_back(idle: Sequence[str]):
    dispatcher = Dispatcher(idle=idle)
    ctx = context(dispatcher, lanes(3), places=2)
    await serve_lanes(ctx, "")
    assert dispatcher.begun == [lanes(2)]
    assert dispatcher.most_under_way <= 2
    assert ctx["services"].flow.waker.wakes == [("serve_lane", "s2:session-marks")]
    assert ctx["services"].bulkhead.room("provider:wonde") == 2


async def test_a_redis_that_is_away_is_no_error_of_the_job():
    ctx = context(Dispatcher(), lanes(1))

    async def away(key: str, most: int) -> list[tuple[bytes, float]]:
        raise ConnectionRefusedError

    ctx["redis"].zpopmin = away
    await serve_lanes(ctx, "")
    assert ctx["services"].dispatcher.begun == []


async def test_where_none_waits_nothing_is_begun():
    dispatcher = Dispatcher()
    await serve_lanes(context(dispatcher, []), "")
    assert dispatcher.begun == []


@dataclass
class Confirmer:
    """Has nothing to carry on."""

    claimed: list[list[str]] = field(default_factory=list)

    async def claim(self, lane_ids: Sequence[str]) -> Sequence[Any]:
        self.claimed.append(sorted(lane_ids))
        return []

    async def carry_on(self, claimed: Any, answered: Answered) -> None:
        raise AssertionError("nothing was claimed")


async def test_what_is_to_be_confirmed_within_a_moment_is_asked_about_together():
    confirmer = Confirmer()
    ctx = context(Dispatcher(), lanes(1))
    settings = SimpleNamespace(dispatch=SimpleNamespace(gather_s=0.05))
    ctx["services"].confirmer, ctx["services"].settings = confirmer, settings
    first = asyncio.create_task(confirm_lanes(ctx, ""))
    await asyncio.sleep(0)
    ctx["redis"].waiting += lanes(3)[1:]
    await confirm_lanes(dict(ctx), "")
    assert confirmer.claimed == []
    await first
    assert confirmer.claimed == [lanes(3)]
    ctx["redis"].waiting = lanes(1)
    await confirm_lanes(ctx, "")
    assert confirmer.claimed == [lanes(3), lanes(1)]
