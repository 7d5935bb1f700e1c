"""How fast a provider may be called."""

import asyncio

from writeback.core.settings import DispatchSettings
from writeback.providers.throttle import Throttle


async def through(throttle: Throttle, *calls: tuple[str, str]) -> list[bool]:
    return await asyncio.gather(*(throttle.let_through(host, token) for host, token in calls))


async def test_calls_with_one_token_wait_for_one_another_and_in_the_end_come_back_later():
    throttle = Throttle(DispatchSettings(calls_per_s=0.001, connect_timeout_s=0.05))
    assert sorted(await through(throttle, ("wonde", "t1"), ("wonde", "t1"))) == [False, True]


async def test_another_token_is_another_bucket():
    throttle = Throttle(DispatchSettings(calls_per_s=0.001, connect_timeout_s=0.05))
    assert await through(throttle, ("wonde", "t1"), ("wonde", "t2")) == [True, True]


async def test_a_provider_has_a_bucket_for_all_tokens():
    throttle = Throttle(DispatchSettings(provider_calls_per_s=0.001, connect_timeout_s=0.05))
    assert sorted(await through(throttle, ("wonde", "t1"), ("wonde", "t2"), ("xporter", "t3"))) == [False, True, True]


async def test_a_second_brings_new_calls():
    throttle = Throttle(DispatchSettings(calls_per_s=50, connect_timeout_s=5))
    assert all(await through(throttle, *[("wonde", "t1")] * 60))


async def test_calls_in_the_background_leave_half_of_a_rate_to_the_others():
    throttle = Throttle(DispatchSettings(calls_per_s=4, connect_timeout_s=0.05))
    in_background = [asyncio.create_task(throttle.let_through("wonde", "t1", in_background=True)) for _ in range(9)]
    await asyncio.sleep(0)
    assert await through(throttle, *[("wonde", "t1")] * 2) == [True, True]
    for task in in_background:
        task.cancel()
