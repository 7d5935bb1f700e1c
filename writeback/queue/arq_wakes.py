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
QUEUES = {"registers": default_queue_name, "schools": SCHOOL_QUEUE}
"""What each is about, and its name in Redis."""
_QUEUES = {"recheck_school": SCHOOL_QUEUE, "sync_school": SCHOOL_QUEUE, "run_bulk": SCHOOL_QUEUE}

_SOCKET_TIMEOUT_S = 1.0
_MOST_PENDING = 20_000
"""Wakes that wait for Redis; more are dropped, and the sweeper wakes again."""
_WAKES_A_CALL = 500
_GATHER_S = 0.02
"""The first wake goes at once; those that follow closely share a call, which under load saves most of them."""
_CLOCK_SKEW_MS = 60_000
"""arq leaves a job alone until its time has come by the worker's clock, which may be behind ours: wake in the past."""

_SIGNALS_SUFFIX, _TOLD_PREFIX = ":signals", "writeback:told:"
_MOST_SIGNALS = 16
"""Idle workers that one call wakes; the others look by themselves a moment later."""
_SIGNALS_KEPT_MS = 60_000

_PUT = f"""
local function put(queue, due_at, keep_ms, rung, id, job)
  local before = redis.call('GET', rung)
  -- A job that waits will find in SQL all that is there when it starts; one that runs may have looked already.
  local waits = before and redis.call('ZSCORE', queue, before)
    and redis.call('EXISTS', '{in_progress_key_prefix}' .. before) == 0
  if waits then return 0 end
  redis.call('PSETEX', rung, keep_ms, id)
  redis.call('PSETEX', '{job_key_prefix}' .. id, keep_ms, job)
  redis.call('ZADD', queue, due_at, id)
  return 1
end
local function signal(queue, woken)  -- whoever is idle waits for one; while nobody is, they stay, and cost a look
  if woken == 0 then return end
  local signals = queue .. '{_SIGNALS_SUFFIX}'
  for i = 1, math.min(woken, {_MOST_SIGNALS}) do redis.call('LPUSH', signals, '') end
  redis.call('LTRIM', signals, 0, {_MOST_SIGNALS} - 1)
  redis.call('PEXPIRE', signals, {_SIGNALS_KEPT_MS})
end
"""
_WAKE = f"""{_PUT}
local queue, woken = KEYS[1], 0
for i = 2, #KEYS do woken = woken + put(queue, ARGV[1], ARGV[2], KEYS[i], ARGV[2 * i - 1], ARGV[2 * i]) end
signal(queue, woken)
return woken
"""
_WAKE_LANES = f"""{_PUT}
local queue, rung, waiting, listeners = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
for i = 6, #ARGV do redis.call('ZADD', waiting, 'NX', ARGV[5], ARGV[i]) end
local time = redis.call('TIME')
redis.call('ZREMRANGEBYSCORE', listeners, '-inf', time[1] * 1000 + math.floor(time[2] / 1000))
local told = false  -- of several that listen always the same one, whose lists are at hand then
for _, one in ipairs(redis.call('ZRANGE', listeners, 0, -1)) do if not told or one < told then told = one end end
if told then
  local key = '{_TOLD_PREFIX}' .. told
  redis.call('LPUSH', key, '')
  redis.call('LTRIM', key, 0, 0)
  redis.call('PEXPIRE', key, {_SIGNALS_KEPT_MS})
  return 0
end
local woken = put(queue, ARGV[1], ARGV[2], rung, ARGV[3], ARGV[4])
signal(queue, woken)
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
        self._wake_lanes = self._redis.register_script(_WAKE_LANES)
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
        lanes: dict[str, list[str]] = {}
        by_queue: dict[str, list[tuple[str, str]]] = {}
        for job, subject in wakes:
            if job in GROUPED:
                lanes.setdefault(job, []).append(subject)
            else:
                by_queue.setdefault(queue_of(job), []).append((job, subject))
        for job, of_job in lanes.items():
            await self._tell(job, of_job)
        for queue, of_queue in by_queue.items():
            await self._put_into(queue, of_queue)

    async def _tell(self, job: str, lanes: Sequence[str]) -> None:
        """Have lanes wait for a job, and tell the shift that listens for them; where none does, a job begins one."""
        now, grouped = timestamp_ms(), GROUPED[job]
        keys = [queue_of(grouped), _rung_key(grouped, ""), waiting_key(job), listeners_key(job)]
        serialized = serialize_job(grouped, ("",), {}, None, now, serializer=serialize)
        arguments: list[str | int | bytes] = [now - _CLOCK_SKEW_MS, expires_extra_ms, uuid4().hex, serialized, now]
        await self._wake_lanes(keys=keys, args=[*arguments, *lanes])

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


def waiting_key(job: str) -> str:
    """Return the key of the lanes that wait for a job, each with the instant at which it was woken."""
    return f"writeback:waiting:{job}"


def listeners_key(job: str) -> str:
    """Return the key of the shifts that listen for such lanes, each with the instant until which it counts."""
    return f"writeback:listeners:{job}"


def told_key(shift: str) -> str:
    """Return the key of the list on which a shift waits to be told of lanes."""
    return _TOLD_PREFIX + shift


def _rung_key(job: str, lane_id: str) -> str:
    return f"writeback:rung:{job}:{lane_id}"
