"""One crash test's world: a database and a queue of its own, and a school of its own in the module's sandbox."""

import asyncio
import json
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from sqlmodel import Session, col, select, update

from tests.crash import processes
from tests.crash.processes import Running
from tests.secret_key import SECRET_KEY
from writeback.core.network.tls import trusted
from writeback.core.settings import Settings
from writeback.domain.access import Caller, Scope
from writeback.domain.actor import SERVICE
from writeback.domain.staff import Person, Role
from writeback.domain.states import Status
from writeback.flow.people.sessions import person_of
from writeback.flow.registry.entries import NewSchool
from writeback.store.batches.bulk_jobs import BulkState
from writeback.store.reads.filters import Filter
from writeback.store.reads.selection import Selection
from writeback.store.sql.database import Database
from writeback.store.tables import AttemptRow, BulkRow, CorrectionRow, SchoolRow, StaffRow, WritebackRow
from writeback.wiring import Services

SCHOOL = "hillside"
WITHDRAWN = Selection(Filter(school=SCHOOL, statuses=["cancelled"]))
_PATH = f"/v1/schools/{SCHOOL}/writebacks"
PATIENCE_S = 60.0
_FINAL = {
    Status.CONFIRMED,
    Status.PARTIAL,
    Status.FAILED,
    Status.SUPERSEDED,
    Status.CANCELLED,
    Status.EXPIRED,
    Status.NEEDS_ATTENTION,
}
_QUICK: Mapping[str, Any] = {
    "secret_key": SECRET_KEY,
    "database_busy_timeout_s": 1.5,
    "api": {"key_cache_s": 0.0},
    "queue": {"poll_delay_s": 0.1, "sweep_every_s": 0.4, "job_timeout_s": 4},
    "dispatch": {
        "request_timeout_s": 1.5,
        "connect_timeout_s": 1.0,
        "lease_s": 2.2,
        "heartbeat_s": 0.3,
        "backoff_base_s": 0.05,
        "backoff_cap_s": 0.2,
        "hold_recheck_s": 0.3,
        "breaker_failures": 50,
        "provider_breaker_failures": 50,
    },
    "confirm": {
        "first_check_s": 0.1,
        "check_cap_s": 0.3,
        "callback_patience_s": 1.0,
        "late_after_s": 2.0,
        "absence_patience_s": 2.5,
        "give_up_s": 60.0,
    },
    "xporter": {"keeps_trying_s": 1.0},
    "webhooks": {
        "allow_http": True,
        "allow_private_addresses": True,
        "timeout_s": 1.0,
        "connect_timeout_s": 0.5,
        "claim_margin_s": 0.3,
        "retry_after_s": [0.1, 0.2, 0.4, 0.8, 1.6, 3.2],
        "disable_after_s": 3600,
    },
}
"""Patience in tenths of a second; the relations between the times are those of the true settings."""


def quick_settings(**more: Any) -> Settings:
    """Return settings that wait for little; groups in `more` are merged with those."""
    values: dict[str, Any] = {**_QUICK}
    for name, value in more.items():
        values[name] = {**_QUICK.get(name, {}), **value} if isinstance(value, dict) else value
    return Settings(**values)


@dataclass
class Sandbox:
    """The simulated providers, a process of their own."""

    url: str
    http: httpx.AsyncClient

    async def get(self, path: str, **params: str) -> Any:
        return _checked(await self.http.get(f"{self.url}/_sandbox/{path}", params=params))

    async def post(self, path: str, /, **body: Any) -> Any:
        return _checked(await self.http.post(f"{self.url}/_sandbox/{path}", json=body))

    async def delete(self, path: str, **params: str) -> Any:
        return _checked(await self.http.delete(f"{self.url}/_sandbox/{path}", params=params))


def _checked(answer: httpx.Response) -> Any:
    assert not answer.is_error, (
        f"{answer.request.method} {answer.request.url}: {answer.status_code} {answer.text[:300]}"
    )
    return answer.json()


@dataclass
class Rig:
    """One school of one provider, and the processes that serve it."""

    folder: Path
    sandbox: Sandbox
    settings: Settings
    services: Services
    provider: str
    theirs: str
    pupils: Sequence[str]
    employee: str
    day: str
    type: str
    key: str
    caller: Caller
    running: list[Running] = field(default_factory=list)
    accepted: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)
    """Writebacks in the order of their acceptance, each with what was submitted."""

    @property
    def db(self) -> Database:
        return self.services.accept.flow.db

    # ---- processes

    def start(self, command: str, orders: str = "", *, settings: Settings | None = None) -> Running:
        log = self.folder / f"{command}-{len(self.running)}.log"
        self.running.append(processes.start(command, settings or self.settings, log, orders))
        return self.running[-1]

    @property
    def url(self) -> str:
        return f"http://{self.settings.api.host}:{self.settings.api.port}"

    async def api_answers(self, url: str = "") -> None:
        async with asyncio.timeout(PATIENCE_S), httpx.AsyncClient(trust_env=False, verify=trusted()) as http:
            while True:
                with suppress(httpx.TransportError):
                    if (await http.get(f"{url or self.url}/healthz")).status_code == 200:
                        return
                await asyncio.sleep(0.02)

    # ---- work

    def marks(self, code: str, *, only_if_blank: bool = False, pupils: Sequence[str] | None = None) -> dict[str, Any]:
        blank = {"only_if_blank": True} if only_if_blank else {}
        given = {"date": self.day, "session": "AM", "code": code, "employee_id": self.employee, **blank}
        chosen = self.pupils[:2] if pupils is None else pupils
        return {"kind": "attendance.session", "records": [{"student_id": pupil, **given} for pupil in chosen]}

    def incident(self, comment: str, pupil: str, *, points: int = 1) -> dict[str, Any]:
        record = {
            "students": [{"student_id": pupil, "points": points}],
            "employee_id": self.employee,
            "date": self.day,
            "type": self.type,
            "status": "REV2",
            "activity": "RE",
            "comment": comment,
        }
        return {"kind": "behaviour.create", "records": [record]}

    async def submit(self, body: Mapping[str, Any]) -> str:
        """Have a writeback accepted in this process, and return its id."""
        answer = await self.services.accept.submit(self.caller, SCHOOL, json.dumps(body).encode())
        assert answer.writeback_id is not None
        self.accepted.append((answer.writeback_id, body))
        return answer.writeback_id

    async def post(self, body: Mapping[str, Any], idempotency_key: str, url: str = "") -> str | None:
        """POST a writeback to the API as an app does; None where no 202 comes back."""
        headers = {"Authorization": f"Bearer {self.key}", "Idempotency-Key": idempotency_key}
        try:
            async with httpx.AsyncClient(timeout=5.0, trust_env=False, verify=trusted()) as http:
                answer = await http.post(f"{url or self.url}{_PATH}", json=body, headers=headers)
        except httpx.TransportError:
            return None
        if answer.status_code != 202:
            return None
        writeback_id: str = answer.json()["id"]
        return writeback_id

    # ---- bulk jobs

    async def withdraw(self, work: Callable[["Rig", int], Mapping[str, Any]]) -> None:
        """Have three writebacks accepted and cancelled before any worker is there."""
        for number in range(3):
            cancelled = await self.submit(work(self, number))
            await self.services.corrections.cancels.one(self.caller, cancelled, SERVICE)

    async def person(self) -> Person:
        """Return somebody who may have many go again."""
        await self.services.staff.accounts.add("ann", Role.SUPPORT)
        async with self.db.read() as session:
            return person_of((await session.exec(select(StaffRow))).one())

    async def begin_at_console(self, reason: str) -> None:
        """Have all that was withdrawn go again, with the console's form; its answer may be lost."""
        await self.person()

        def sign_in(session: Session) -> str:
            return self.services.staff.sessions.begin(session, session.exec(select(StaffRow)).one())

        form = {"action": "resubmit", "which": "all", "school": SCHOOL, "status": "cancelled", "confirmed": "yes"}
        cookies = {"wb_console": await self.db.transact(sign_in)}
        async with httpx.AsyncClient(base_url=self.url, cookies=cookies, trust_env=False, verify=trusted()) as http:
            page = await http.get("/console/account")
            token = re.search(r'name="csrf" value="([^"]+)"', page.text)
            assert token is not None, f"{page.status_code} {page.headers} {page.text[:300]}"
            with suppress(httpx.TransportError):
                await http.post(
                    "/console/writebacks/mend",
                    data={**form, "reason": reason, "csrf": token[1]},
                    headers={"Origin": self.url},
                )

    async def _bulk(self, bulk_id: str) -> BulkRow:
        async with self.db.read() as session:
            return await session.get_one(BulkRow, bulk_id)

    async def only_bulk(self) -> str:
        async with self.db.read() as session:
            return (await session.exec(select(BulkRow.id))).one()

    async def problems_of_bulk(self, bulk_id: str) -> list[str]:
        """Look, once it has ended, whether a bulk job over what was withdrawn is done, and each of it once."""
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_S):
                while (await self._bulk(bulk_id)).state == BulkState.RUNNING:  # noqa: ASYNC110 - it is SQL
                    await asyncio.sleep(0.05)
        row = await self._bulk(bulk_id)
        async with self.db.read() as session:
            corrected = (
                await session.exec(select(CorrectionRow.writeback_id).where(CorrectionRow.action == "resubmit"))
            ).all()
        expected = (BulkState.DONE, 3, 3, 0)
        found = (row.state, row.looked_at, row.done, row.not_done)
        return [f"the bulk job is {found}, not {expected}"] * (found != expected) + [
            f"{one} went again {count} times" for one, count in Counter(corrected).items() if count != 1
        ]

    async def statuses(self) -> dict[str, str]:
        async with self.db.read() as session:
            rows = (await session.exec(select(WritebackRow.id, WritebackRow.status))).all()
        return dict(rows)

    async def settled(self, within_s: float = PATIENCE_S) -> bool:
        """Return whether everything comes to an end in time."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                while not all(one in _FINAL for one in (await self.statuses()).values()):  # noqa: ASYNC110 - it is SQL
                    await asyncio.sleep(0.1)
                return True
        return False

    async def sync_now(self) -> None:
        """Have the school's lists be due, all of them: somebody waits for them."""
        async with self.db.write() as session:
            await session.exec(update(SchoolRow).values(sync_at=self.services.clock.now(), sync_first=True))

    # ---- what came of it

    async def problems(self, *, is_all_confirmed: bool = True) -> list[str]:
        """Compare our books with the sandbox's: nothing lost, nothing made twice, the latest mark stands."""
        found = [] if await self.settled() else ["it did not come to an end"]
        statuses = await self.statuses()
        known = {writeback_id for writeback_id, _ in self.accepted}
        found += [f"{one} was accepted and is gone" for one in known - set(statuses)]
        found += [f"{one} was never answered with 202, and is there" for one in set(statuses) - known]
        last = {"confirmed"} if is_all_confirmed else {"confirmed", "needs_attention"}
        for one, status in statuses.items():
            if status not in last and not (status == "superseded" and self._has_later(one)):
                found.append(f"{one} is {status}: {await self._story(one)}")
        found += await self._wrong_marks() + await self._wrong_incidents() + await self._missing_attempts()
        return found

    def _has_later(self, writeback_id: str) -> bool:
        place = [one for one, _ in self.accepted].index(writeback_id)
        kind = self.accepted[place][1]["kind"]
        return any(body["kind"] == kind == "attendance.session" for _, body in self.accepted[place + 1 :])

    async def _story(self, writeback_id: str) -> str:
        detail = await self.services.reads.show(self.caller, writeback_id)
        return "; ".join(f"{event.event} {event.detail or ''}" for event in detail.timeline)

    async def _wrong_marks(self) -> list[str]:
        latest = {
            record["student_id"]: record["code"]
            for _, body in self.accepted
            if body["kind"] == "attendance.session"
            for record in body["records"]
        }
        shown = (await self.sandbox.get(f"schools/{self.theirs}/marks", date=self.day, type="session"))["marks"]
        held = {mark["student_id"]: mark["code"] for mark in shown if mark["session"] == "AM"}
        return [
            f"{pupil} has {held.get(pupil)}, not {code}" for pupil, code in latest.items() if held.get(pupil) != code
        ]

    async def _wrong_incidents(self) -> list[str]:
        incidents = [body for _, body in self.accepted if body["kind"] == "behaviour.create"]
        wanted = sum(len(body["records"]) for body in incidents)
        changes = (await self.sandbox.get("ledger", school=self.theirs))["changes"]
        made = [change for change in changes if change["effect"] == "created"]
        contents = Counter(change["content"] for change in made)
        found = [f"{len(made)} incidents were made, not {wanted}"] * (len(made) != wanted)
        return found + [f"one incident was made {count} times" for count in contents.values() if count > 1]

    async def _missing_attempts(self) -> list[str]:
        requests = (await self.sandbox.get("ledger", school=self.theirs, method="POST"))["requests"]
        writes = [one for one in requests if "GetToken" not in one["path"]]
        async with self.db.read() as session:
            attempts = len((await session.exec(select(col(AttemptRow.request_id)))).all())
        return [f"the provider saw {len(writes)} requests, we know of {attempts}"] * (attempts < len(writes))


async def make_rig(
    folder: Path, sandbox: Sandbox, settings: Settings, services: Services, *, provider: str, day: str
) -> Rig:
    """Seed a school, register it, fetch its lists, and make a key."""
    seeded = await sandbox.post(
        "schools",
        provider=provider,
        mis="SIMS",
        pupils=6,
        changes={"completion_delay_s": 0.15, "retry_every_s": 0.3, "retry_for_s": 1.0, "cache_ttl_s": 0.2},
    )
    theirs, register = seeded["provider_school_id"], seeded["registers"][0]
    await services.registry.add(
        NewSchool(
            id=SCHOOL,
            name="Hillside",
            provider=provider,
            mis="SIMS",
            provider_school_id=theirs,
            base_url=seeded["base_url"],
            credentials=seeded["credentials"],
        )
    )
    await _fetch_lists(services)
    made = await services.keys.create("crash", "crash", [Scope.SUBMIT, Scope.READ])
    types = (await sandbox.get(f"schools/{theirs}/attributes", list="behaviour", type="type"))["attributes"]
    bullying = next(row for row in types if row["code"] == "BULL")
    return Rig(
        folder=folder,
        sandbox=sandbox,
        settings=settings,
        services=services,
        provider=provider,
        theirs=theirs,
        pupils=register["student_ids"],
        employee=register["employee_id"],
        day=day,
        type="BULL" if provider == "wonde" else bullying["id"],
        key=made.key,
        caller=await services.keys.authenticate(made.key),
    )


async def _fetch_lists(services: Services) -> None:
    """Fetch every list; on a busy machine a request may take longer than these tests' patience."""
    for _ in range(5):
        synced = await services.sync.sync_school(SCHOOL)
        failed = [f"{one.list}: {one.error}" for one in synced.lists if one.error]
        if not failed:
            return
    raise RuntimeError(f"the lists could not be fetched: {failed}")
