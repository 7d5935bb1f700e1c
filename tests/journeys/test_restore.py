"""The database is restored to some minutes ago, and apps post again: nothing is made twice, and no mark is wrong."""

import asyncio
import json
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from sqlalchemy.engine import make_url
from typer.testing import CliRunner

from tests.journeys.house import PATIENCE_S, House, School, running_house
from tests.secret_key import SECRET_KEY
from writeback.cli.main import app
from writeback.core.clock import SystemClock
from writeback.sandbox.testing import RunningSandbox, running_sandbox

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(400),
    pytest.mark.filterwarnings("ignore:Call to deprecated close:DeprecationWarning"),  # arq's, of redis
]
QUICK = {
    "database_busy_timeout_s": 1.5,
    "dispatch": {"request_timeout_s": 3.0, "connect_timeout_s": 2.0, "lease_s": 5.0, "heartbeat_s": 1.0},
    "confirm": {
        "late_after_s": 3.5,
        "absence_patience_s": 4.0,
        "first_check_s": 0.1,
        "check_cap_s": 0.5,
        "callback_patience_s": 4.0,
    },
    "xporter": {"keeps_trying_s": 4.0},
}
DAYS = [f"2026-01-{day}" for day in (12, 13, 14, 15)]


@dataclass
class Databases:
    """The database, and how it is saved; what was saved is another one, which takes its place."""

    url: str
    folder: Path

    async def save(self) -> "Databases":
        """Return a copy of it as it is now."""
        if self.url.startswith("sqlite"):
            copy = self.folder / "restored.db"
            with closing(sqlite3.connect(str(make_url(self.url).database))) as connection:
                connection.execute("VACUUM INTO ?", [str(copy)])
            return Databases(f"sqlite+aiosqlite:///{copy}", self.folder)
        name = make_url(self.url).database
        await self._administer(f"CREATE DATABASE {name}_saved TEMPLATE {name}")
        return Databases(make_url(self.url).set(database=f"{name}_saved").render_as_string(False), self.folder)

    async def drop(self) -> None:
        if not self.url.startswith("sqlite"):
            await self._administer(f"DROP DATABASE {make_url(self.url).database} WITH (FORCE)")

    async def _administer(self, statement: str) -> None:
        url = make_url(self.url).set(drivername="postgresql", database="postgres").render_as_string(False)
        connection = await asyncpg.connect(url)
        await connection.execute(statement)
        await connection.close()


@dataclass
class Town:
    """A school, and what its app posts."""

    house: House
    school: School
    type: str

    def incident(self, number: int) -> dict[str, Any]:
        pupils = self.school.pupils
        return {
            "students": [{"student_id": pupils[number % len(pupils)], "points": 1}],
            "employee_id": self.school.staff[0],
            "date": DAYS[number // len(pupils)],
            "type": self.type,
            "status": "REV2",
            "activity": "RE",
            "comment": f"incident {number}",
        }

    def mark(self, pupil: int, day: str, code: str) -> dict[str, Any]:
        given = {"student_id": self.school.pupils[pupil], "date": day, "session": "AM", "code": code}
        return {**given, "employee_id": self.school.staff[0]}

    async def post_incidents(self, numbers: Sequence[int]) -> list[str]:
        return [await self.house.submit(self.school, "behaviour.create", [self.incident(one)]) for one in numbers]

    async def post_marks(self, pupils: Sequence[int], day: str, code: str) -> str:
        return await self.house.submit(
            self.school, "attendance.session", [self.mark(pupil, day, code) for pupil in pupils]
        )

    async def ends(self, ids: Sequence[str]) -> list[str]:
        """Return how they end: what is being looked for has not ended."""
        return [await self._end(one) for one in ids]  # in turn: to ask about all at once would be most of the load

    async def _end(self, writeback_id: str) -> str:
        async with asyncio.timeout(5 * PATIENCE_S):
            while True:
                status = str((await self.house.ask_api("GET", f"/v1/writebacks/{writeback_id}"))["status"])
                if status not in ("queued", "held", "sending", "sent", "unknown"):
                    return status
                await asyncio.sleep(0.1)

    async def in_the_mis(self) -> Counter[tuple[str, str]]:
        """Return how many incidents each pupil has on each day."""
        made = (await self.house.ask(f"schools/{self.school.provider_id}/behaviours"))["behaviours"]
        return Counter((pupil["student_id"], one["date"]) for one in made for pupil in one["students"])

    async def marks(self, day: str) -> list[str | None]:
        """Return the mark of each pupil in the MIS."""
        path = f"schools/{self.school.provider_id}/marks"
        shown = (await self.house.ask(path, date=day, type="session"))["marks"]
        held = {one["student_id"]: one["code"] for one in shown if one["session"] == "AM"}
        return [held.get(pupil) for pupil in self.school.pupils]


@pytest.fixture
async def sandbox() -> AsyncIterator[RunningSandbox]:
    async with running_sandbox() as running:
        yield running


@pytest.fixture
def announce(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Say at the command line that a database was restored."""

    def run(url: str, taken_at: str) -> dict[str, Any]:
        given = {"WRITEBACK_DATABASE_URL": url, "WRITEBACK_DATA_DIR": str(tmp_path), "WRITEBACK_SECRET_KEY": SECRET_KEY}
        result = CliRunner().invoke(app, ["db", "restored", "--taken-at", taken_at, "--yes", "--json"], env=given)
        assert result.exit_code == 0, result.output
        answer: dict[str, Any] = json.loads(result.stdout)
        return answer

    return run


@pytest.mark.parametrize(
    ("provider", "database_url"), [("xporter", "sqlite"), ("wonde", "postgresql")], indirect=["database_url"]
)
async def test_after_a_restore_everything_is_in_the_mis_once(
    tmp_path: Path,
    database_url: str,
    redis_url: str,
    sandbox: RunningSandbox,
    announce: Callable[..., dict[str, Any]],
    provider: str,
) -> None:
    live, more = Databases(database_url, tmp_path), {"redis_url": redis_url, "sandbox": sandbox, **QUICK}

    async with running_house(tmp_path / "one", database_url=live.url, **more) as house:
        school = await house.open_school(provider, "SIMS")
        types = (await house.ask(f"schools/{school.provider_id}/attributes", list="behaviour", type="type"))[
            "attributes"
        ]
        bullying = next(row for row in types if row["code"] == "BULL")
        town = Town(house, school, "BULL" if provider == "wonde" else bullying["id"])
        before = await town.post_incidents(range(30))
        register = await town.post_marks(range(40), DAYS[0], "/")
        assert set(await town.ends([*before, register])) == {"confirmed"}
        await house.ask_api("POST", f"/v1/schools/{school.id}/hold", {"reason": "its office asks so"})
        held = [*await town.post_incidents(range(30, 40)), await town.post_marks(range(10), DAYS[1], "/")]
    taken_at, saved = SystemClock().now(), await live.save()

    async with running_house(tmp_path / "one", database_url=live.url, **more) as town.house:
        await town.house.ask_api("POST", f"/v1/schools/{school.id}/resume")
        lost = [*await town.post_incidents(range(40, 60)), await town.post_marks(range(10, 15), DAYS[0], "L")]
        assert set(await town.ends([*held, *lost])) == {"confirmed"}
        assert sum((await town.in_the_mis()).values()) == 60
        path = f"schools/{school.provider_id}/marks"
        entered = {"student_id": school.pupils[3], "date": DAYS[1], "session": "AM", "code": "I"}
        await town.house.order(path, marks=[entered])

    async with running_house(tmp_path / "another-host", database_url=saved.url, **more) as town.house:
        ready = await town.house.ask_api("GET", "/readyz")
        await town.house.ask_api("POST", f"/v1/schools/{school.id}/resume")
        again = [*await town.post_incidents(range(40, 61)), await town.post_marks(range(10, 15), DAYS[0], "L")]
        await asyncio.sleep(1.5)  # a worker that sends would have
        assert town.house.calls == []
        assert (ready["status"], "nothing is sent until" in ready["checks"]["restore"]) == ("degraded", True)

        answer = await asyncio.to_thread(announce, saved.url, taken_at.isoformat())
        ends = await town.ends([*held, *again])
        after = await town.house.ask_api("GET", "/readyz")
        incidents, first, second = await town.in_the_mis(), await town.marks(DAYS[0]), await town.marks(DAYS[1])

    assert answer["waiting"] == len(held)
    assert Counter(ends) == {"confirmed": len(held) + len(again) - 1, "needs_attention": 1}
    assert ends[len(held) - 1] == "needs_attention", "what the office has entered is not written over"
    assert (after["status"], after["restore"]["waiting"], after["restore"]["being_looked_for"]) == ("ready", 0, 0)
    assert (len(incidents), set(incidents.values())) == (61, {1})
    assert first == ["/"] * 10 + ["L"] * 5 + ["/"] * 25
    assert second[:10] == ["I" if pupil == 3 else "/" for pupil in range(10)]
    await saved.drop()
