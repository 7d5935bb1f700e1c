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
from writeback.worker.functions import serve_lanes


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

    def register_script(self, script: str) -> Any:
        return self.take

    async def take(self, keys: Sequence[str], args: Sequence[Any]) -> list[bytes]:
        taken, self.waiting = self.waiting[: args[0]], self.waiting[args[0] :]
        return [lane_id.encode() for lane_id in taken]


class Registry:
    async def account(self, school_id: str) -> Account:
        if school_id == "gone":
            raise LookupError("there is no such school")
        return Account(school_id, "wonde", "A1", "SIMS", "", {})


def context(dispatcher: Dispatcher, lanes: Sequence[str], places: int = 100) -> dict[str, Any]:
    flow = SimpleNamespace(registry=Registry(), waker=RecordingWaker())
    settings = SimpleNamespace(  # too little time to listen for more
        queue=SimpleNamespace(job_timeout_s=1), dispatch=SimpleNamespace(request_timeout_s=1, gather_s=0)
    )
    services = SimpleNamespace(flow=flow, bulkhead=Bulkhead(places), dispatcher=dispatcher, settings=settings)
    return {"services": services, "redis": Redis(list(lanes)), "ending": asyncio.Event()}


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

    async def away(keys: Sequence[str], args: Sequence[Any]) -> list[bytes]:
        raise ConnectionRefusedError

    ctx["redis"].take = away
    await serve_lanes(ctx, "")
    assert ctx["services"].dispatcher.begun == []


async def test_where_none_waits_nothing_is_begun():
    dispatcher = Dispatcher()
    await serve_lanes(context(dispatcher, []), "")
    assert dispatcher.begun == []
