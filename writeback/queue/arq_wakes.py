"""Waking over arq, and what its worker needs for it: where Redis is, and how jobs are serialised.

Jobs are put into Redis as arq's own `enqueue_job` does (0.26 to 0.28; a test runs them with arq's worker), but many in
one round trip, and at most one waiting for each job and id. Without that limit, a morning on which no worker runs would
leave hundreds of jobs for every lane.
"""

import asyncio
import json
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import uuid4

import redis.asyncio
from arq.connections import RedisSettings
from arq.constants import default_queue_name, expires_extra_ms, in_progress_key_prefix, job_key_prefix
from arq.jobs import serialize_job
from arq.utils import timestamp_ms
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

from writeback.core import outage_logs
from writeback.core.errors import ConfigurationError
from writeback.core.settings import QueueSettings

GROUPED = {"serve_lane": "serve_lanes", "confirm_lane": "confirm_lanes"}
"""Wakes of lanes, and arq's job for each: one job takes many of the lanes that wait."""
SCHOOL_QUEUE = "writeback:schools"
"""arq's queue of the jobs that look after schools, and bulk jobs; those that send and confirm are in its usual one."""
_QUEUES = {"recheck_school": SCHOOL_QUEUE, "sync_school": SCHOOL_QUEUE, "run_bulk": SCHOOL_QUEUE}

_SOCKET_TIMEOUT_S = 1.0
_MOST_PENDING = 20_000
"""Wakes that wait for Redis; more are dropped, and the sweeper wakes again."""
_WAKES_A_CALL = 500
_GATHER_S = 0.02
"""The first wake goes at once; those that follow closely share a call, which under load saves most of them."""
_CLOCK_SKEW_MS = 60_000
"""arq leaves a job alone until its time has come by the worker's clock, which may be behind ours: wake in the past."""

_SIGNALS_SUFFIX = ":signals"
_MOST_SIGNALS = 16
"""Idle workers that one call wakes; the others look by themselves a moment later."""
_SIGNALS_KEPT_MS = 60_000

_WAKE = f"""
local queue, due_at, keep_ms = KEYS[1], ARGV[1], ARGV[2]
local woken = 0
for i = 2, #KEYS do
  local id, job = ARGV[2 * i - 1], ARGV[2 * i]
  local before = redis.call('GET', KEYS[i])
  -- A job that waits will find in SQL all that is there when it starts; one that runs may have looked already.
  local waits = before and redis.call('ZSCORE', queue, before)
    and redis.call('EXISTS', '{in_progress_key_prefix}' .. before) == 0
  if not waits then
    redis.call('PSETEX', KEYS[i], keep_ms, id)
    redis.call('PSETEX', '{job_key_prefix}' .. id, keep_ms, job)
    redis.call('ZADD', queue, due_at, id)
    woken = woken + 1
  end
end
if woken > 0 then  -- whoever is idle waits for one of these; while nobody is, they stay, and cost one more look
  local signals = queue .. '{_SIGNALS_SUFFIX}'
  for i = 1, math.min(woken, {_MOST_SIGNALS}) do redis.call('LPUSH', signals, '') end
  redis.call('LTRIM', signals, 0, {_MOST_SIGNALS} - 1)
  redis.call('PEXPIRE', signals, {_SIGNALS_KEPT_MS})
end
return woken
"""


def serialize(job: dict[str, Any]) -> bytes:
    """Return the job as JSON. An exception, which arq puts into the result of a failed job, becomes its name."""
    return json.dumps(job, default=lambda value: type(value).__name__, separators=(",", ":")).encode()


def deserialize(data: bytes) -> dict[str, Any]:
    """Return the job that `serialize` wrote."""
    job: dict[str, Any] = json.loads(data)
    return job


def queue_of(job: str) -> str:
    """Return the queue that a job waits in."""
    return _QUEUES.get(job, default_queue_name)


def signals_of(queue: str) -> str:
    """Return the key of the list on which the idle workers of a queue wait."""
    return queue + _SIGNALS_SUFFIX


def redis_settings(url: str, queue: QueueSettings) -> RedisSettings:
    """Return arq's settings for this Redis; raise ConfigurationError when the URL is of no use.

    The pool may grow to what the worker's jobs need at the same time, and no further.
    """
    arguments = _connection_arguments(url)
    return RedisSettings(
        host=arguments.get("host", "localhost"),
        port=arguments.get("port", 6379),
        unix_socket_path=arguments.get("path"),
        database=arguments.get("db", 0),
        username=arguments.get("username"),
        password=arguments.get("password"),
        ssl=url.startswith("rediss:"),
        conn_timeout=5,
        max_connections=4 * queue.max_jobs + 16,
    )


def _connection_arguments(url: str) -> dict[str, Any]:
    try:
        arguments = dict(redis.asyncio.connection.parse_url(url))
    except ValueError as error:
        raise ConfigurationError(
            "WRITEBACK_REDIS_URL cannot be used: write redis://user:password@host:6379/0, rediss://… or unix:///path"
        ) from error
    return arguments


class ArqWaker:
    """Wakes by putting arq jobs into Redis, from a task of its own: a slow or dead Redis delays no caller."""

    def __init__(self, url: str, queue: QueueSettings) -> None:
        _connection_arguments(url)
        self._redis = redis.asyncio.Redis.from_url(
            url,
            socket_timeout=_SOCKET_TIMEOUT_S,
            socket_connect_timeout=_SOCKET_TIMEOUT_S,
            retry=Retry(NoBackoff(), 1),  # after a restart of Redis the first command finds a dead connection
            retry_on_error=[RedisConnectionError],
        )
        self._wake = self._redis.register_script(_WAKE)
        self._pending: dict[tuple[str, str], None] = {}
        self._waking: asyncio.Task[None] | None = None

    async def wake(self, job: str, lane_ids: Iterable[str]) -> None:
        """Ask for a run of `job` for each id. Returns at once and never raises."""
        for lane_id in lane_ids:
            if len(self._pending) >= _MOST_PENDING:
                self._report_down("too many wakes wait")
                break
            self._pending[job, lane_id] = None
        if self._pending and (self._waking is None or self._waking.done()):
            self._waking = asyncio.create_task(self._wake_pending(), name="waker")

    async def ping(self) -> None:
        """Return when Redis answers; else raise what the client says."""
        await self._redis.ping()

    async def settled(self) -> None:
        """Return when nothing is pending: it is in Redis, or it was dropped because Redis is down."""
        if self._waking is not None:
            await self._waking

    async def aclose(self) -> None:
        """Send the pending wakes, then close the connections."""
        await self.settled()
        await self._redis.aclose()

    async def _wake_pending(self) -> None:
        while self._pending:
            wakes = list(self._pending)[:_WAKES_A_CALL]
            for wake in wakes:
                del self._pending[wake]
            try:
                await self._put(wakes)
            except (RedisError, OSError) as error:
                self._pending.clear()
                self._report_down(error)
            else:
                await asyncio.sleep(_GATHER_S)

    async def _put(self, wakes: Sequence[tuple[str, str]]) -> None:
        waiting: dict[str, dict[str, int]] = {}
        by_queue: dict[str, list[tuple[str, str]]] = {}
        for job, subject in wakes:
            if job in GROUPED:
                waiting.setdefault(job, {})[subject] = timestamp_ms()
            else:
                by_queue.setdefault(queue_of(job), []).append((job, subject))
        for job, lanes in waiting.items():  # before the job that takes them
            await self._redis.zadd(_waiting_key(job), dict(lanes), nx=True)
            by_queue.setdefault(queue_of(GROUPED[job]), []).append((GROUPED[job], ""))
        for queue, of_queue in by_queue.items():
            await self._put_into(queue, of_queue)

    async def _put_into(self, queue: str, wakes: Sequence[tuple[str, str]]) -> None:
        now = timestamp_ms()  # arq's worker reads the same clock
        keys: list[str] = [queue]
        arguments: list[str | int | bytes] = [now - _CLOCK_SKEW_MS, expires_extra_ms]
        for job, lane_id in wakes:
            keys.append(_rung_key(job, lane_id))
            arguments += [uuid4().hex, serialize_job(job, (lane_id,), {}, None, now, serializer=serialize)]
        await self._wake(keys=keys, args=arguments)

    def _report_down(self, error: Exception | str) -> None:
        outage_logs.warning("doorbell_down", error, means="wakes are dropped; the sweeper will wake again")


async def take_waiting(redis: "redis.asyncio.Redis", job: str, most: int) -> list[str]:
    """Return so many of the lanes that wait for `job`, those that were woken first; they wait no more.

    Should whoever takes them die, the sweeper wakes them again.
    """
    return [lane_id.decode() for lane_id, _ in await redis.zpopmin(_waiting_key(job), most)]


def _waiting_key(job: str) -> str:
    return f"writeback:waiting:{job}"


def _rung_key(job: str, lane_id: str) -> str:
    return f"writeback:rung:{job}:{lane_id}"
