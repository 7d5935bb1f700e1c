"""The worker process: arq runs the functions; tasks beside it sweep, look for drift, delete what is too old.

See `writeback worker`.
"""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Any

import structlog
from arq.worker import Worker, func
from redis.asyncio import Redis
from redis.exceptions import RedisError

from writeback.core import failpoints, garbage_collector, outage_logs, tracing
from writeback.core.background_tasks import end_tasks
from writeback.core.logging import configure_logging
from writeback.core.settings import Settings
from writeback.queue.arq_wakes import SCHOOL_QUEUE, deserialize, redis_settings, serialize
from writeback.queue.arq_worker import WakableWorker
from writeback.store.writebacks import lanes
from writeback.wiring import WorkerServices, open_worker
from writeback.worker import metrics
from writeback.worker.functions import LANE_FUNCTIONS, recheck_school, run_bulk, sync_school
from writeback.worker.role import Role
from writeback.worker.watchdog import STUCK, Watchdog

log = structlog.get_logger()

_NEVER_GIVE_UP = 1_000_000
"""arq's own tries count crashes too; SQL says when something is over, never arq."""
_RESTART_S = 1.0
_HEALTH_EVERY_S = 10
"""How often arq says in Redis that it lives; `writeback doctor` reads it."""
_LINKS_A_SWEEP = 1_000
"""Lines of the audit log that one sweep links: nobody's writebacks wait until a log from before the chain is linked."""
_CARRY_OVER_EVERY_S = 5.0
_DRIFT_EVERY_S = 15.0
_RETENTION_LOOK_S = 60.0
"""How often a worker looks whether it is time to delete what is too old."""
_SCHOOL_POLL_S = 0.2
"""How often an idle worker looks for schools to look after: nobody waits for that so urgently."""
_SCHOOL_JOBS = 32
"""Jobs of schools that a worker starts at a time; their places decide how many go on."""
_TO_WRITE_DOWN_S = 3.0
"""What the outcome of a request takes to be committed, on a machine that is busy."""


def run(settings: Settings, role: Role = Role.ALL) -> None:
    """Run a worker until SIGTERM or SIGINT, then finish what is in flight and give its leases back."""
    configure_logging(level=settings.log_level)
    failpoints.arm(os.environ)
    os.nice(role.niceness)
    with tracing.traced(settings.tracing.endpoint, "worker"):
        try:
            import uvloop
        except ImportError:  # there is none on this platform
            is_well = asyncio.run(serve(settings, role=role))
        else:
            is_well = uvloop.run(serve(settings, role=role))
    if not is_well:
        sys.exit(STUCK)


async def serve(settings: Settings, stopping: asyncio.Event | None = None, *, role: Role = Role.ALL) -> bool:
    """Work until `stopping` is set; without one, until a signal comes. Return whether it was not for being stuck."""
    stopping = stopping or _stop_on_signals()
    settings = role.settings(settings)
    async with (
        open_worker(settings, patience_s=settings.database_patience_s) as services,
        _watched(services, stopping, role) as watchdog,
        metrics.shown(services, watchdog),
    ):
        log.info("worker_started", owner=services.owner, role=role.value)
        garbage_collector.keep_what_is_loaded()
        beside = [asyncio.create_task(_sweep(services, watchdog, role))]
        if role.serves_lanes:
            beside.append(asyncio.create_task(_look_for_drift(services)))
        if settings.queue.sync_jobs:
            beside.append(asyncio.create_task(_carry_over(services)))
            beside.append(asyncio.create_task(_delete_what_is_old(services)))
            beside.append(asyncio.create_task(services.telling.keep_on(services.pace)))
        try:
            await _work(services, stopping, role)
        finally:
            await end_tasks(beside)
            await services.retention.release()
            release = partial(lanes.release_all, owner=services.owner, now=services.clock.now())
            released = await services.flow.db.transact(release)
            log.info("worker_stopped", owner=services.owner, leases_released=released)
    return not watchdog.is_stuck


@contextlib.asynccontextmanager
async def _watched(services: WorkerServices, stopping: asyncio.Event, role: Role) -> AsyncIterator[Watchdog]:
    """Watch the worker while the block runs, and tell Redis how it is."""
    async with Redis.from_url(services.redis_url, socket_timeout=1.0, socket_connect_timeout=1.0) as redis:
        watchdog = Watchdog(
            services.clock, redis, services.owner, services.settings.queue.watchdog_s, stopping, role=role
        )
        watching = asyncio.create_task(watchdog.watch(), name="watchdog")
        try:
            yield watchdog
        finally:
            await end_tasks([watching])
            await watchdog.say_goodbye()


async def _work(services: WorkerServices, stopping: asyncio.Event, role: Role) -> None:
    """Serve the queues of the role side by side: neither's jobs wait for the other's."""
    settings = services.settings
    queues = []
    if role.serves_lanes:
        queues.append(_serve(_lane_worker, services, stopping, settings.dispatch.request_timeout_s + _TO_WRITE_DOWN_S))
    if settings.queue.sync_jobs:
        # What is fetched can be fetched again: nobody waits for it at the end.
        queues.append(_serve(_school_worker, services, stopping, patience_s=0.0))
    await asyncio.gather(*queues)


async def _serve(
    make: Callable[[WorkerServices], WakableWorker],
    services: WorkerServices,
    stopping: asyncio.Event,
    patience_s: float,
) -> None:
    """Run arq's worker, again after each loss of Redis: it ends when its connection does."""
    stopped = asyncio.create_task(stopping.wait())
    while not stopping.is_set():
        worker = make(services)
        running = asyncio.create_task(worker.async_run())
        await asyncio.wait({running, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if running.done() and not running.cancelled() and (error := running.exception()) is not None:
            outage_logs.warning("redis_lost", error, queue=worker.queue_name)
        await _close(worker, running, patience_s)
        if not stopping.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(stopped), _RESTART_S)
    stopped.cancel()


async def _close(worker: WakableWorker, running: "asyncio.Task[None]", patience_s: float) -> None:
    """Take no more jobs, let those in flight end or end them when patience does, then close the connection.

    Leases and SQL take care of what was cut off.
    """
    await worker.take_no_more()
    await end_tasks([running])
    in_flight = [task for task in worker.tasks.values() if not task.done()]
    if in_flight:
        _, late = await asyncio.wait(in_flight, timeout=patience_s)
        await end_tasks(late)
    if ending := [task for task in asyncio.all_tasks() if _ends_a_job(task)]:
        await asyncio.wait(ending, timeout=_TO_WRITE_DOWN_S)
    worker.tasks.clear()  # one that was cancelled would keep arq from closing its connection
    with contextlib.suppress(RedisError, OSError, asyncio.CancelledError):
        await worker.close()


def _ends_a_job(task: "asyncio.Task[Any]") -> bool:
    """Whether it is arq writing down that a job has ended, which it shields: its connection is still in use."""
    return getattr(task.get_coro(), "__qualname__", "") in (
        Worker.finish_job.__qualname__,
        Worker.finish_failed_job.__qualname__,
    )


def _lane_worker(services: WorkerServices) -> WakableWorker:
    queue = services.settings.queue
    return _arq_worker(services, functions=LANE_FUNCTIONS, max_jobs=queue.max_jobs, poll_delay=queue.poll_delay_s)


def _school_worker(services: WorkerServices) -> WakableWorker:
    queue = services.settings.queue
    functions = (
        func(recheck_school, timeout=queue.job_timeout_s),
        func(sync_school, timeout=queue.sync_timeout_s),
        func(run_bulk, timeout=queue.job_timeout_s),
    )
    return _arq_worker(
        services, queue_name=SCHOOL_QUEUE, functions=functions, max_jobs=_SCHOOL_JOBS, poll_delay=_SCHOOL_POLL_S
    )


def _arq_worker(services: WorkerServices, **more: Any) -> WakableWorker:
    queue = services.settings.queue
    return WakableWorker(
        idle_wait_s=queue.idle_wait_s,
        redis_settings=redis_settings(services.redis_url, queue),
        ctx={"services": services},
        handle_signals=False,
        job_timeout=queue.job_timeout_s,
        max_tries=_NEVER_GIVE_UP,
        keep_result=0,
        health_check_interval=_HEALTH_EVERY_S,
        job_serializer=serialize,
        job_deserializer=deserialize,
        allow_abort_jobs=False,
        log_results=False,
        **more,
    )


async def _sweep(services: WorkerServices, watchdog: Watchdog, role: Role) -> None:
    """Sweep for as long as the worker lives; an error is logged and the next sweep tries again."""
    every = services.settings.queue.sweep_every_s
    while True:
        try:
            await services.restore_watch.look()
            await services.sweeper.sweep()
            if role.serves_lanes:
                await services.rollup.count()
                await services.search.index()
                await services.audit_trail.link(at_most=_LINKS_A_SWEEP)
                await services.audit_trail.say_head(services.settings.audit.head_every_s)
        except Exception as error:
            outage_logs.error("sweep_failed", error)
            watchdog.sweep_ended(well=False)
        else:
            watchdog.sweep_ended(well=True)
        await asyncio.sleep(every * services.flow.rng.uniform(0.8, 1.2))


async def _look_for_drift(services: WorkerServices) -> None:
    """Read a sample of confirmed marks once more, a few at a time, for as long as the worker lives."""
    while True:
        await asyncio.sleep(_DRIFT_EVERY_S * services.flow.rng.uniform(0.8, 1.2))
        try:
            await services.drift.look()
        except Exception as error:
            outage_logs.error("drift_look_failed", error)


async def _carry_over(services: WorkerServices) -> None:
    """Carry writebacks over to new ids, now and then, for as long as the worker lives."""
    while True:
        await asyncio.sleep(_CARRY_OVER_EVERY_S * services.flow.rng.uniform(0.8, 1.2))
        try:
            await services.pace.run(services.carry_over.look())
        except Exception as error:
            outage_logs.error("carry_over_failed", error)


async def _delete_what_is_old(services: WorkerServices) -> None:
    """Look whether it is time to delete what is too old, now and then, for as long as the worker lives."""
    while True:
        try:
            await services.pace.run(services.retention.run_if_due())
        except Exception as error:
            outage_logs.error("retention_failed", error)
        await asyncio.sleep(_RETENTION_LOOK_S * services.flow.rng.uniform(0.8, 1.2))


def _stop_on_signals() -> asyncio.Event:
    stopping = asyncio.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(signum, stopping.set)
    return stopping
