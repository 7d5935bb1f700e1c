"""The troubles of a run, each a task of its own that is told by the seed what to do and when."""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.chaos.lists import Lists
from tests.chaos.misbehaviour import CALLBACKS, FOLLOWS, MISBEHAVIOURS, WRITES, Deck, certain
from tests.chaos.office import Office
from tests.chaos.options import LONGEST_PAUSE_S, Options
from tests.chaos.processes import Child, Stack
from tests.chaos.servers import Database, RedisServer
from tests.chaos.world import SchoolUnderTest, World

_NAMES = {"online": "offline", "paused": "with paused authorisation", "access": "with revoked access"}


@dataclass
class Troubles:
    """Makes trouble until it is stopped, and then puts everything right again."""

    options: Options
    world: World
    stack: Stack
    redis: RedisServer
    database: Database
    apis: Sequence[str]
    done: Counter[str] = field(default_factory=Counter)
    struck: Counter[str] = field(default_factory=Counter)
    """Misbehaviours that met a request, by name."""
    sent_all_at: float | None = None
    """When all that the run was asked for had been sent: what goes on is for what has met nobody so far."""
    _deck: Deck | None = None
    _missed: list[str] = field(default_factory=list)
    """Misbehaviours that were ordered, and met nobody."""
    _tasks: list["asyncio.Task[None]"] = field(default_factory=list)
    _stopping: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self._office = Office(self.world, self.done)
        self._lists = Lists(self.world, self.apis)

    def start(self) -> None:
        """Begin; each trouble has dice of its own, so that one more leaves the others as they are."""
        made: Sequence[tuple[Any, Callable[[random.Random], Awaitable[None]], float, float]] = (
            ("kills", self._kill, 2.0, 5.0),
            ("pauses", self._pause, 2.0, 6.0),
            ("redis", self._redis, 2.0, 6.0),
            ("database", self._database, 8.0, 15.0),
            ("faults", self._storm, 0.1, 0.5),
            ("forgeries", self._forge, 0.2, 0.8),
            ("schools", self._school, 0.5, 2.0),
            ("office", self._office_works, 0.1, 0.4),
            ("lists", self._lists_err, 0.2, 1.0),
        )
        for name, act, least, most in made:
            if self.options.has(name):
                dice = random.Random(f"{self.options.seed} {name}")
                self._tasks.append(asyncio.create_task(self._again_and_again(act, dice, least, most), name=name))

    async def start_standing_faults(self) -> None:
        """Order what stands until the end: what becomes of webhooks and callbacks, and a 5xx that follows a pupil."""
        if self.options.has("callbacks"):
            first = self.options.seed * 100 + 1_000 * self.done["storms of faults"]  # else the same dice fall each time
            for number, (name, fault) in enumerate(CALLBACKS.items()):
                await self._order(name, fault, seed=first + number)
        if self.options.has("faults"):
            for school in self.world.schools.values():
                for pupil in school.followed:
                    fault = {**WRITES, "kind": "500", "containing": pupil, "path": "ttendance"}
                    await self._order(FOLLOWS, fault, school=school.provider_school_id)

    async def _order(self, name: str, fault: Mapping[str, Any], **narrowed: Any) -> None:
        spares = [school.provider_school_id for school in self.world.schools.values() if school.is_spared]
        await self.world.control.post("faults", **fault, **narrowed, name=name, spares=spares)

    @property
    def wanted(self) -> list[str]:
        """The names of the faults that are to strike in this run."""
        faults = [*MISBEHAVIOURS, FOLLOWS] if self.options.has("faults") else []
        return [*faults, *CALLBACKS] if self.options.has("callbacks") else faults

    @property
    def missing(self) -> list[str]:
        """What is to go wrong in this run, and has met nobody so far."""
        faults = [name for name in self.wanted if not self.struck[name]]
        return [*faults, *self._lists.missing] if self.options.has("lists") else faults

    async def stop(self) -> None:
        """End every trouble, and put right what it left."""
        self._stopping.set()
        for task in self._tasks:
            await task
        await self._count_faults()
        await self.world.control.clear_faults()
        for child in self.stack.children.values():
            if child.is_stopped:
                child.resume()
        for school in self.world.schools.values():
            await self._put_right(school)
        if self.options.has("lists"):
            await self._put_lists_right()
        self.done.update(self._lists.met)

    async def _again_and_again(
        self, act: Callable[[random.Random], Awaitable[None]], dice: random.Random, least: float, most: float
    ) -> None:
        while not await self._slept(dice.uniform(least, most)):
            await act(dice)

    async def _slept(self, seconds: float) -> bool:
        """Wait; return at once, and True, when it is time to stop."""
        try:
            await asyncio.wait_for(self._stopping.wait(), seconds)
        except TimeoutError:
            return False
        return True

    def _victim(self, dice: random.Random) -> Child | None:
        """Return a process that is at work: killing those that start would only leave nothing to be tested."""
        victim = dice.choice(self.stack.named("worker") * 2 + self.stack.named("api"))
        return victim if victim.is_at_work else None

    async def _kill(self, dice: random.Random) -> None:
        victim = self._victim(dice)
        if victim is None:
            return
        victim.kill()
        self.done[f"killed {victim.name.rstrip('0123456789')}"] += 1

    async def _pause(self, dice: random.Random) -> None:
        victim = self._victim(dice)
        if victim is None:
            return
        victim.pause()
        self.done[f"stopped and continued {victim.name.rstrip('0123456789')}"] += 1
        await self._slept(dice.uniform(0.5, LONGEST_PAUSE_S))
        victim.resume()

    async def _redis(self, dice: random.Random) -> None:
        if dice.random() < 0.6:
            await self.redis.flush()
            self.done["redis flushed"] += 1
        else:
            self.redis.kill()
            await self._slept(dice.uniform(0.1, 1.0))
            await self.redis.start()
            self.done["redis restarted"] += 1

    async def _database(self, dice: random.Random) -> None:
        if self.database.can_restart:
            await self.database.restart()
            self.done["database crashed and restarted"] += 1

    async def _storm(self, dice: random.Random) -> None:
        """Have a few misbehaviours stand for a while, here and there; those that met nobody so far, for certain."""
        deck = self._deck or Deck(list(MISBEHAVIOURS), dice)
        self._deck = deck
        for name in self._missed:
            await self._order(name, certain(MISBEHAVIOURS[name]))
        if self.sent_all_at is None:
            chosen = deck.deal(dice.randint(5, 9))
        else:  # no more than is missing, else the lists that must err could hardly be fetched
            chosen = [name for name in MISBEHAVIOURS if not self.struck[name]][:5]
        for name in chosen:
            narrowed: dict[str, Any] = {"seed": dice.randrange(10**6)}
            if dice.random() < 0.3:
                narrowed["provider"] = dice.choice(("wonde", "xporter"))
            if dice.random() < 0.4:
                narrowed["method"] = "POST"
            await self._order(name, {**narrowed, **MISBEHAVIOURS[name]})
        await self._slept(dice.uniform(1.0, 3.0))
        await self._count_faults()
        self._missed += [name for name in chosen if name not in self._missed]
        self._missed = [name for name in self._missed if not self.struck[name]]
        await self.world.control.clear_faults()
        await self.start_standing_faults()
        self.done["storms of faults"] += 1

    async def _count_faults(self) -> None:
        answer = await self.world.control.get("faults")
        for name in self.wanted:
            self.struck[name] = answer["struck"].get(name, 0)

    async def _forge(self, dice: random.Random) -> None:
        """Say as anybody could that all is well, with a wrong token or about nothing that is known."""
        school = dice.choice(list(self.world.schools.values()))
        wonde = school.provider == "wonde"
        url = school.hook_url if wonde else f"{school.hook_url}?id=req_0000&estab=1&trackingid=1&XodCompleted=True"
        if dice.random() < 0.5:
            url = url.replace("~", "~x")
        known = await self._some_ref(school) if wonde else None
        body = {"payload_type": "writeback", "writeback_id": known or "A0", "status": "SUCCESS"}
        try:
            async with httpx.AsyncClient(timeout=2.0, trust_env=False) as http:
                await http.post(url, json=body)
        except httpx.HTTPError:
            return
        self.done["forged webhooks and callbacks"] += 1

    async def _some_ref(self, school: SchoolUnderTest) -> str | None:
        """Return a true reference of the provider's: what is said of it is false all the same."""
        ledger = await self.world.control.get("ledger", school=school.provider_school_id, method="POST")
        refs = [row["ref"] for row in ledger["requests"] if row["ref"]]
        return refs[-1] if refs else None

    async def _school(self, dice: random.Random) -> None:
        """Take a school's agent offline, or pause what it has authorised, for a moment."""
        school = self._troubled(dice)
        change: dict[str, Any] = {"online": False}
        if school.provider == "xporter" and dice.random() < 0.4:
            change = {"paused": True, "expire_tokens": True}
        elif school.provider == "wonde" and dice.random() < 0.2:
            change = {"access": "revoked"}
        await self._change(school, **change)
        self.done[f"schools {_NAMES[next(iter(change))]}"] += 1
        await self._slept(dice.uniform(0.5, 5.0))
        await self._put_right(school)

    async def _put_right(self, school: SchoolUnderTest) -> None:
        right: dict[str, Any] = {"online": True, "paused": False}
        found = await self.world.control.get("schools")
        shown = next(one for one in found["schools"] if one["provider_school_id"] == school.provider_school_id)
        if shown["access"] != "approved":
            right["access"] = "approved"
        await self._change(school, **right)

    async def _change(self, school: SchoolUnderTest, **changes: Any) -> None:
        await self.world.control.post(f"schools/{school.provider_school_id}", **changes)

    async def _office_works(self, dice: random.Random) -> None:
        school = self._troubled(dice)
        await self._office.mark(school, dice)
        await self._office.change(school, dice)

    async def _lists_err(self, dice: random.Random) -> None:
        school = self._troubled(dice)
        await self._lists.err(school, dice)
        await self._slept(dice.uniform(0.5, 2.0))
        await self._lists.put_right(school)

    async def _put_lists_right(self) -> None:
        """Return once each school's lists have been fetched; what does not come in time is for the verdict."""
        gate = asyncio.Semaphore(4)

        async def put_right(school: SchoolUnderTest) -> None:
            async with gate:
                while not await self._lists.put_right(school):  # noqa: ASYNC110 - an API starts in another process
                    await asyncio.sleep(0.5)

        with suppress(TimeoutError):
            async with asyncio.timeout(self.options.drain_s):
                await asyncio.gather(*(put_right(school) for school in self.world.schools.values()))

    def _troubled(self, dice: random.Random) -> SchoolUnderTest:
        """Return a school that is not spared."""
        return dice.choice([school for school in self.world.schools.values() if not school.is_spared])
