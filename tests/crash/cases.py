"""What a crash test does: have a process fail at one point while it works, let another go on, and compare the books."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import uuid4

from tests.crash.points import points
from tests.crash.processes import Running
from tests.crash.rig import PATIENCE_S, SCHOOL, WITHDRAWN, Rig
from tests.receiver import Receiver, running_receiver
from writeback.core.failpoints import KILLED
from writeback.domain.corrections import Action
from writeback.domain.states import Status
from writeback.flow.webhooks.endpoint_checks import NewWebhook
from writeback.store.tables import IdempotencyRow

_TRIES = 6
"""Writebacks that a process is given until it fails at the point of a case."""

Work = Callable[[Rig, int], Mapping[str, Any]]
"""Makes the writeback of that number; each differs from the one before."""


def _marks(rig: Rig, number: int) -> Mapping[str, Any]:
    return rig.marks("/CI"[number % 3])


def _careful_marks(rig: Rig, number: int) -> Mapping[str, Any]:
    return rig.marks("/", only_if_blank=True, pupils=[rig.pupils[number % len(rig.pupils)]])


def _incidents(rig: Rig, number: int) -> Mapping[str, Any]:
    return rig.incident(f"incident {number}", rig.pupils[number % len(rig.pupils)])


async def _nothing(_: Rig) -> None:
    return


async def _lose_answers(rig: Rig) -> None:
    """The provider takes each request, and its answer is lost, until `_stop_losing`."""
    for path in ("behaviours", "attendance/") if rig.provider == "wonde" else ("Async",):
        await rig.sandbox.post("faults", kind="reset_after", school=rig.theirs, method="POST", path=path)


async def _stop_losing(rig: Rig) -> None:
    await rig.sandbox.delete("faults", school=rig.theirs)


async def _answer_slowly(rig: Rig) -> None:
    """The provider takes longer than a heartbeat."""
    await rig.sandbox.post("faults", kind="latency", school=rig.theirs, method="POST", seconds=0.8, times=2)


async def _sync_soon(rig: Rig) -> None:
    """The school's lists are due, and it has given up sharing one of them."""
    if rig.provider == "wonde":
        shown = await rig.sandbox.get(f"schools/{rig.theirs}")
        grants = [one for one in shown["grants"] if not one.startswith("achievement")]
        await rig.sandbox.post(f"schools/{rig.theirs}", grants=grants)
    await rig.sync_now()


async def _something_is_old(rig: Rig) -> None:
    """There is something that retention deletes, which a worker does when it starts."""
    old = IdempotencyRow(
        app_id="app", key=uuid4().hex, body_hash="", answer="", created_at=datetime(2020, 1, 1, tzinfo=UTC)
    )
    await rig.services.reads.db.transact(lambda session: session.add(old))


@dataclass(frozen=True)
class Scene:
    """How work meets a point: which process fails, with what work, what is prepared before, and ended after it."""

    process: str = "worker"
    works: Mapping[str, Work] = field(default_factory=dict)
    before: Callable[[Rig], Awaitable[None]] = _nothing
    after: Callable[[Rig], Awaitable[None]] = _nothing
    drive: str = "worker"
    nths: Sequence[int] = (1,)
    settings: Mapping[str, Any] = field(default_factory=dict)


_BOTH: Mapping[str, Work] = {"marks": _marks, "incidents": _incidents}
_PLAIN = Scene(works=_BOTH)
_LOST = Scene(
    works=_BOTH,
    before=_lose_answers,
    after=_stop_losing,
    settings={"dispatch": {"max_attempts": 4}},  # after those a mark is read back, too
)
_CAREFUL = Scene(works={"marks": _careful_marks})
_SLOW = Scene(works=_BOTH, before=_answer_slowly)
_SYNC = Scene(works={"marks": _marks}, before=_sync_soon)
_INCIDENTS: Mapping[str, Work] = {"incidents": _incidents}
_SWEEP = Scene(works=_INCIDENTS)
_OLD = Scene(works=_INCIDENTS, before=_something_is_old)
_ACCEPT = Scene("api", _INCIDENTS, drive="api")
_HOOK = Scene("api", _INCIDENTS, drive="hook")
_EVENT = Scene("api", {"marks": _marks}, drive="event")
_BULK = Scene(works=_INCIDENTS, drive="bulk")
_BULK_BEGUN = Scene("api", _INCIDENTS, drive="console")
_NOTIFY = Scene(works={"marks": _marks}, drive="notify")

SCENES: Mapping[str, Scene] = {
    "accept.before_submit": _ACCEPT,
    "accept.after_submit": _ACCEPT,
    "accept.before_commit": _ACCEPT,
    "accept.after_commit": _ACCEPT,
    "accept.before_ring": _ACCEPT,
    "job.before_step": Scene(works=_BOTH, nths=(1, 2, 3)),
    "dispatch.before_begin": _PLAIN,
    "dispatch.begin_uncommitted": _PLAIN,
    "dispatch.after_begin": _PLAIN,
    "dispatch.before_look": _CAREFUL,
    "dispatch.after_look": _CAREFUL,
    "dispatch.after_leave": _CAREFUL,
    "dispatch.before_send": _PLAIN,
    "dispatch.after_send": _PLAIN,
    "dispatch.before_heartbeat": _SLOW,
    "dispatch.after_heartbeat": _SLOW,
    "dispatch.before_finish": _PLAIN,
    "dispatch.finish_uncommitted": _PLAIN,
    "dispatch.after_finish": _PLAIN,
    "confirm.before_claim": _PLAIN,
    "confirm.after_claim": _PLAIN,
    "confirm.before_ask": _PLAIN,
    "confirm.after_ask": _PLAIN,
    "confirm.before_read": _LOST,
    "confirm.after_read": _LOST,
    "confirm.before_settle": _PLAIN,
    "confirm.settle_uncommitted": _PLAIN,
    "confirm.after_settle": _PLAIN,
    "hooks.before_note": _HOOK,
    "hooks.after_note": _HOOK,
    "hooks.before_event": _EVENT,
    "hooks.after_event": _EVENT,
    "notify.before_step": Scene(works={"marks": _marks}, drive="notify", nths=(1, 2)),
    "notify.step_uncommitted": Scene(works={"marks": _marks}, drive="notify", nths=(1, 2)),
    "notify.after_step": Scene(works={"marks": _marks}, drive="notify", nths=(1, 2)),
    "notify.before_send": _NOTIFY,
    "notify.after_send": _NOTIFY,
    "bulk.before_ring": _BULK_BEGUN,
    "bulk.before_piece": _BULK,
    "bulk.piece_uncommitted": _BULK,
    "bulk.after_piece": _BULK,
    "sweep.before_ring": _SWEEP,
    "sweep.after_ring": _SWEEP,
    "retention.before_piece": _OLD,
    "retention.piece_uncommitted": _OLD,
    "retention.after_piece": _OLD,
    "sync.before_take": _SYNC,
    "sync.take_uncommitted": _SYNC,
    "tally.uncommitted": _PLAIN,
    "sync.after_take": _SYNC,
    "sync.before_fetch": _SYNC,
    "sync.after_fetch": _SYNC,
    "sync.before_save": _SYNC,
    "sync.after_save": _SYNC,
    "sync.before_report": _SYNC,
    "sync.after_report": _SYNC,
    "sync.before_keep": _SYNC,
    "sync.after_keep": _SYNC,
    "sync.before_note": _SYNC,
    "sync.after_note": _SYNC,
}
"""Every failpoint of the source, and the work that reaches it."""


@dataclass(frozen=True)
class Case:
    """One crash test."""

    point: str
    action: str
    work: str
    provider: str = "wonde"
    database: str = "sqlite"
    nth: int = 1

    @property
    def id(self) -> str:
        nth = f"@{self.nth}" if self.nth > 1 else ""
        return f"{self.point}{nth}-{self.action}-{self.work}-{self.provider}-{self.database}"

    @property
    def scene(self) -> Scene:
        return SCENES[self.point]

    @property
    def order(self) -> str:
        return f"{self.point}={self.action}@{self.nth}"


def actions_of(point: str) -> Sequence[str]:
    """Return what a test may ask for at a point: to die, to lose the answer, and where that can be, to repeat."""
    return ["kill", "raise", *(["twice"] if points()[point].can_repeat else [])]


async def run(case: Case, rig: Rig) -> list[str]:
    """Return what went wrong."""
    await case.scene.before(rig)
    match case.scene.drive:
        case "worker":
            await _drive_worker(case, rig)
        case "api":
            await _drive_api(case, rig)
        case "bulk":
            return await _drive_bulk(case, rig)
        case "console":
            return await _drive_console(case, rig)
        case "hook" | "event":
            await _drive_hooks(case, rig)
        case _:
            async with running_receiver() as receiver:
                return await _drive_notify(case, rig, receiver)
    return await rig.problems()


async def _drive_worker(case: Case, rig: Rig) -> None:
    """A worker fails with one writeback, or the next; a fresh one has to go on with that and with another."""
    work = case.scene.works[case.work]
    await rig.submit(work(rig, 0))
    victim = rig.start("worker", case.order)
    await _until(lambda: _has_failed(case, victim), rig, or_settled=True)
    for number in range(1, _TRIES):
        if _has_failed(case, victim):
            break
        if number > 1:  # a busy machine has let it pass the point by
            await case.scene.before(rig)
        await rig.submit(work(rig, number))
        with suppress(TimeoutError):
            await _until(lambda: _has_failed(case, victim), rig, within_s=PATIENCE_S / _TRIES)
    assert _has_failed(case, victim), "the point was not reached"
    await case.scene.after(rig)
    await _replace(case, rig, victim)
    await rig.submit(work(rig, _TRIES))


async def _drive_api(case: Case, rig: Rig) -> None:
    """An app repeats its call, with the same key, until it has an answer."""
    rig.start("worker")
    victim = rig.start("api", case.order)
    await rig.api_answers()
    for number in range(2):
        body = case.scene.works[case.work](rig, number)
        writeback_id = await rig.post(body, f"key-{number}")
        async with asyncio.timeout(PATIENCE_S):
            while writeback_id is None:
                if victim.exit_code is not None:
                    victim = await _replace(case, rig, victim)
                    await rig.api_answers()
                writeback_id = await rig.post(body, f"key-{number}")
        rig.accepted.append((writeback_id, body))
        if number == 0:
            await _until(partial(_was_hit, case, rig, victim), rig)
            again = await _post_again(case, rig, victim, body)
            assert again == writeback_id, "the same key and body made another writeback"


async def _post_again(case: Case, rig: Rig, victim: Running, body: Mapping[str, Any]) -> str | None:
    if victim.exit_code is not None:
        await _replace(case, rig, victim)
        await rig.api_answers()
    return await rig.post(body, "key-0")


async def _drive_hooks(case: Case, rig: Rig) -> None:
    """A provider calls, and the API fails at that."""
    hook_url = (await rig.services.registry.get(SCHOOL)).hook_url
    await rig.sandbox.post("webhooks", school=rig.theirs, url=hook_url)
    rig.start("worker")
    victim = rig.start("api", case.order)
    await rig.api_answers()
    work = case.scene.works[case.work]
    await rig.submit(work(rig, 0))
    if case.scene.drive == "event":
        await rig.sandbox.post(f"schools/{rig.theirs}", access="revoked")
        await rig.submit(work(rig, 1))
    await _until(lambda: _has_failed(case, victim), rig)
    await _replace(case, rig, victim)
    await rig.api_answers()
    if case.scene.drive == "event":
        await rig.sandbox.post(f"schools/{rig.theirs}", access="approved")
    await rig.submit(work(rig, 2))


async def _drive_notify(case: Case, rig: Rig, receiver: Receiver) -> list[str]:
    """An app is notified of the end of each writeback, at least once, with one id for each message."""
    statuses = [Status.CONFIRMED, Status.SUPERSEDED]
    await rig.services.webhooks.create(rig.caller, NewWebhook(f"{receiver.url}/told", statuses))
    await _drive_worker(case, rig)
    found = await rig.problems()
    wanted = {(one, status) for one, status in (await rig.statuses()).items()}

    def told() -> set[tuple[str, str]]:
        return {(one.message["data"]["writeback_id"], one.message["data"]["status"]) for one in receiver.received}

    with suppress(TimeoutError):
        await _until(lambda: told() >= wanted, rig)
    found += [f"nobody was notified that {one} is {status}" for one, status in wanted - told()]
    messages = {one.id: one.body for one in receiver.received}
    events = {one.message["data"]["writeback_id"] + one.message["type"] for one in receiver.received}
    if len(messages) != len(events):
        found.append(f"{len(events)} events were sent with {len(messages)} ids")
    return found


async def _drive_bulk(case: Case, rig: Rig) -> list[str]:
    """A worker fails at a bulk job: all of it is done by the next, and nothing of it twice."""
    await rig.withdraw(case.scene.works[case.work])
    bulk = await rig.services.bulks.begin(await rig.person(), Action.RESUBMIT, WITHDRAWN, "they go", matched=3)
    victim = rig.start("worker", case.order)
    await _until(lambda: _has_failed(case, victim), rig)
    await _replace(case, rig, victim)
    return [*await rig.problems_of_bulk(bulk), *await rig.problems()]


async def _drive_console(case: Case, rig: Rig) -> list[str]:
    """The API fails when somebody has begun a bulk job at its console: a worker does it, whether it lives or not."""
    await rig.withdraw(case.scene.works[case.work])
    rig.start("worker")
    victim = rig.start("api", case.order)
    await rig.api_answers()
    await rig.begin_at_console("they go")
    await _until(lambda: _has_failed(case, victim), rig)
    return [*await rig.problems_of_bulk(await rig.only_bulk()), *await rig.problems()]


def _has_failed(case: Case, victim: Running) -> bool:
    if case.action == "kill":
        return victim.exit_code is not None
    return bool(victim.lines("failpoint_reached"))


def _was_hit(case: Case, rig: Rig, victim: Running) -> bool:
    return _has_failed(case, victim) or len(rig.running) > 2


async def _replace(case: Case, rig: Rig, victim: Running) -> Running:
    """Start a fresh process in the place of one that was killed; one that lost an answer goes on by itself."""
    if case.action != "kill":
        return victim
    assert await victim.ended(PATIENCE_S) == KILLED, f"it ended with {victim.exit_code}"
    return rig.start(case.scene.process)


async def _until(
    holds: Callable[[], bool], rig: Rig, *, or_settled: bool = False, within_s: float = PATIENCE_S
) -> None:
    """Return once it holds; raise TimeoutError."""
    async with asyncio.timeout(within_s):
        while not holds():
            if or_settled and await rig.settled(0.01):
                return
            await asyncio.sleep(0.1)
