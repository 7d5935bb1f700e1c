"""The lookups in memory: how often SQL is asked, and who waits for it."""

import asyncio
from datetime import timedelta

from writeback.core.clock import FakeClock
from writeback.domain.lookup_rows import size_of
from writeback.domain.lookups import ListName, Lookup, Stamp
from writeback.lookups.cache import LookupCache


class Sql:
    """One list of every school, and a way to make who asks for its version wait."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock, self.version, self.asked = clock, 1, 0
        self.answers = asyncio.Event()
        self.answers.set()

    async def versions(self, _: str) -> dict[ListName, Stamp]:
        self.asked += 1
        await self.answers.wait()
        return {ListName.STUDENTS: Stamp(self.version, self.clock.now(), None)}

    async def load(self, _: str, name: ListName) -> Lookup:
        return Lookup(name, self.version, self.clock.now(), {})


def _cache() -> tuple[FakeClock, Sql, LookupCache]:
    clock = FakeClock()
    sql = Sql(clock)
    return clock, sql, LookupCache(sql.versions, sql.load, clock, recheck_s=2.0)


async def _version(cache: LookupCache) -> int:
    students = (await cache.view("sch_1")).students
    assert students is not None
    return students.version


async def test_new_version_is_seen_after_the_recheck_time() -> None:
    clock, sql, cache = _cache()
    seen = [await _version(cache)]

    sql.version = 2
    seen.append(await _version(cache))
    clock.advance(timedelta(seconds=2))
    seen.append(await _version(cache))

    assert (seen, sql.asked) == ([1, 1, 2], 2)


async def test_only_one_asks_for_a_newer_version_while_the_others_go_on() -> None:
    clock, sql, cache = _cache()
    await cache.view("sch_1")
    sql.answers.clear()
    sql.version = 2
    clock.advance(timedelta(seconds=2))

    asking = asyncio.create_task(_version(cache))
    await asyncio.sleep(0)  # it waits for SQL
    others = [await _version(cache) for _ in range(10)]
    sql.answers.set()

    assert (others, await asking, await _version(cache)) == ([1] * 10, 2, 2)
    assert sql.asked == 2


async def test_nobody_is_given_lists_that_were_not_looked_at_for_long() -> None:
    clock, sql, cache = _cache()
    await cache.view("sch_1")
    sql.answers.clear()
    sql.version = 2
    clock.advance(timedelta(hours=1))

    asking = [asyncio.create_task(_version(cache)) for _ in range(3)]
    await asyncio.sleep(0)  # all of them wait for SQL
    sql.answers.set()

    assert await asyncio.gather(*asking) == [2, 2, 2]


async def test_failed_look_is_followed_by_another() -> None:
    clock, sql, cache = _cache()
    await cache.view("sch_1")
    sql.answers.clear()
    clock.advance(timedelta(seconds=2))
    asking = asyncio.create_task(_version(cache))
    await asyncio.sleep(0)  # it waits for SQL

    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    sql.answers.set()
    sql.version = 2

    assert await _version(cache) == 2


async def test_a_list_that_is_fetched_again_and_the_same_is_not_read_again() -> None:
    clock, loaded, fetched_at = FakeClock(), [], [FakeClock().now()]

    async def versions(_: str) -> dict[ListName, Stamp]:
        return {ListName.STUDENTS: Stamp(1, fetched_at[-1], None)}

    async def load(_: str, name: ListName) -> Lookup:
        loaded.append(name)
        return Lookup(name, 1, fetched_at[-1], {"A1": {"id": "A1"}})

    cache = LookupCache(versions, load, clock)
    await cache.view("hillside")
    fetched_at.append(clock.now() + timedelta(minutes=15))
    students = (await cache.view("hillside", fresh=True)).get(ListName.STUDENTS)

    assert loaded == [ListName.STUDENTS]
    assert students is not None
    assert (students.fetched_at, list(students.rows)) == (fetched_at[-1], ["A1"])


async def test_lists_used_longest_ago_are_forgotten_where_there_is_no_room() -> None:
    clock, loaded = FakeClock(), list[str]()

    async def versions(_: str) -> dict[ListName, Stamp]:
        return {ListName.STUDENTS: Stamp(1, clock.now(), None)}

    def students_of(school_id: str) -> Lookup:
        rows = {f"{school_id}-{n}": {"id": f"{school_id}-{n}"} for n in range(1_000)}
        return Lookup(ListName.STUDENTS, 1, clock.now(), rows).in_little_memory()

    async def load(school_id: str, _: ListName) -> Lookup:
        loaded.append(school_id)
        return students_of(school_id)

    for_two = int(2.5 * size_of(students_of("three").rows))  # what one takes differs between versions of Python
    cache = LookupCache(versions, load, clock, memory_bytes=for_two)
    for school_id in ("one", "two", "one", "three", "one", "two"):
        await cache.view(school_id)
        clock.advance(timedelta(seconds=2))

    assert loaded == ["one", "two", "three", "two"]


async def test_a_school_larger_than_all_the_room_is_kept_while_it_is_used() -> None:
    clock, sql, _ = _cache()
    cache = LookupCache(sql.versions, sql.load, clock, memory_bytes=1)

    for _ in range(3):
        await cache.view("sch_1")

    assert sql.asked == 1
