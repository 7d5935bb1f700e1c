"""Shifts: one job of arq's serves the lanes that wait, and then listens for those that come, for as long as some do.

A job of arq's for each lane that is woken takes Redis 20 commands and more. While a shift listens, whoever wakes a lane
tells it directly (`arq_wakes.py`); where none does, a job is put into arq's queue, with which whichever worker is idle
begins a shift. See `docs/adr/0058-shifts.md`.

What if a worker dies that listens? For `_LISTED_MS` it is told of lanes which nobody takes then: the sweeper finds them
in SQL and wakes them again.
"""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any
from uuid import uuid4

from redis.asyncio import Redis

from writeback.core.background_tasks import end_tasks
from writeback.queue.arq_wakes import listeners_key, told_key, waiting_key

LANES_A_TAKE = 50
"""Lanes that are taken at a time: they begin in one transaction."""
_IDLE_S = 5.0
"""How long a shift listens after the last lane."""
LONGEST_S = 20.0
"""How long it takes lanes, at most."""
_LATE_S = 3.0
"""So much later it may take the last of what it was told of."""
_LISTEN_S = 1.0
"""How long it waits at a time to be told; then it says again that it listens."""
_LISTED_MS = 2_500
"""How long after that it counts as listening."""
_TO_ANSWER_S = 5.0
"""By so much Redis may be late when a wait is over. Then it is taken for lost."""

_TAKE = """
local waiting, listeners = KEYS[1], KEYS[2]
local most, me, listed_ms = ARGV[1], ARGV[2], tonumber(ARGV[3])
local taken, lanes = redis.call('ZPOPMIN', waiting, most), {}
for i = 1, #taken, 2 do lanes[#lanes + 1] = taken[i] end
if #lanes == 0 and listed_ms > 0 then
  local time = redis.call('TIME')
  redis.call('ZADD', listeners, time[1] * 1000 + math.floor(time[2] / 1000) + listed_ms, me)
  redis.call('PEXPIRE', listeners, 60000)
else  -- whoever is at work is told of nothing: an idle worker may have room
  redis.call('ZREM', listeners, me)
end
return lanes
"""


class Shift:
    """Takes lanes that wait for `job`; those that it has taken wait no more.

    `ending`: set when the worker stops. `longest_s`: for how many seconds it takes lanes; with 0, once. `gather_s`: a
    lane that it is told of waits so many seconds for others.
    """

    def __init__(
        self, redis: Redis, job: str, ending: asyncio.Event, *, longest_s: float = LONGEST_S, gather_s: float = 0.0
    ) -> None:
        self._redis, self._job, self._ending = redis, job, ending
        self._longest_s, self._gather_s = longest_s, gather_s
        self._id = uuid4().hex
        self._script = redis.register_script(_TAKE)

    async def takes(self) -> AsyncGenerator[list[str], None]:
        """Yield lanes, some at a time, those that were woken first before the others; end when none come any more.

        There is one more than `LANES_A_TAKE` where more wait. While what was yielded is being handled nothing is taken.
        Raises what the client of Redis raises.
        """
        loop = asyncio.get_running_loop()
        began = came = loop.time()
        if self._gather_s:
            await self._take(most=0, listens=True)
            await asyncio.sleep(self._gather_s)
        while True:
            now = loop.time()
            listens = not self._ending.is_set() and now - began < self._longest_s and now - came < _IDLE_S
            if now - began > self._longest_s + _LATE_S:
                return  # what it took before was slow; it has listened to nothing since
            lanes = await self._take(LANES_A_TAKE + 1, listens=listens)
            if lanes:
                came = now
                yield lanes
            if not listens:
                return
            if not lanes:
                await self._told()

    async def _take(self, most: int, *, listens: bool) -> list[str]:
        """Return lanes; where there are none, and it listens, it is told of the next ones."""
        keys = [waiting_key(self._job), listeners_key(self._job)]
        taken: list[bytes] = await self._script(keys=keys, args=[most, self._id, _LISTED_MS if listens else 0])
        return [lane_id.decode() for lane_id in taken]

    async def _told(self) -> None:
        """Return when there is something to take, the worker stops, or a while has passed."""
        # redis-py's types know whole seconds alone.
        told: Any = self._redis.blpop([told_key(self._id)], timeout=_LISTEN_S)  # type: ignore[arg-type]
        waits = [asyncio.ensure_future(told), asyncio.ensure_future(self._ending.wait())]
        try:
            done, _ = await asyncio.wait(waits, timeout=_LISTEN_S + _TO_ANSWER_S, return_when=asyncio.FIRST_COMPLETED)
            if not done:
                raise TimeoutError("Redis does not answer")
            for one in done:
                if one.result() and one is waits[0] and self._gather_s:
                    await asyncio.sleep(self._gather_s)
        finally:
            await end_tasks(waits)
