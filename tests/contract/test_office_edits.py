"""A create whose answer is lost, and which the office changes in the MIS before anybody has looked: never twice.

The whole flow with each provider's adapter, over real HTTP, against the sandbox; time moves by hand.
"""

import json
import random
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from tests.contract.conftest import World
from tests.contract.test_kinds import CREATES, SENT, in_the_mis, record_of
from tests.secret_key import SECRET_KEY
from writeback.core.secrets import SecretBox
from writeback.core.settings import Settings
from writeback.domain.access import Caller, Scope
from writeback.domain.kinds import KINDS
from writeback.flow.accept import Acceptor
from writeback.flow.cached_lookups import lookup_cache
from writeback.flow.confirm import Confirmer
from writeback.flow.context import FlowContext
from writeback.flow.dispatch import Dispatcher
from writeback.flow.hooks import hook_url
from writeback.flow.miss import Misses
from writeback.flow.registry import NewSchool, Registry
from writeback.flow.sync import Syncer
from writeback.queue.port import RecordingDoorbell
from writeback.store.committer import Committer
from writeback.store.database import Database
from writeback.store.reads import Reads
from writeback.store.views import WritebackDetail

CALLER = Caller("key_1", "app", frozenset(Scope))
POST = {
    ("wonde", "student_absence.create"): "attendance/absence",
    ("wonde", "employee_absence.create"): "employee-absences",
    ("xporter", "achievement.create"): "onduct",
    ("xporter", "behaviour.create"): "onduct",
    ("xporter", "detention.create"): "etention",
}
"""A part of the path to which a kind goes, where it is not called as the MIS's family."""


@dataclass
class Service:
    """The service's own steps for one school, done one by one."""

    world: World
    kind: str
    flow: FlowContext
    committer: Committer
    misses: Misses

    @property
    def lane(self) -> str:
        return f"hillside:{KINDS[self.kind].family}"

    async def submit(self, **changes: Any) -> str:
        record = await record_of(self.world, self.kind, **changes)
        body = json.dumps({"kind": self.kind, "records": [json.loads(record.model_dump_json(exclude_none=True))]})
        answer = await Acceptor(self.flow, self.committer, self.misses).submit(CALLER, "hillside", body.encode())
        assert answer.status == 202, answer.content
        assert answer.writeback_id is not None
        return answer.writeback_id

    async def lose_answer(self, *, takes_effect: bool = True, **changes: Any) -> str:
        """Submit one whose answer is lost; it has reached the MIS, unless it took no effect."""
        path = POST.get((self.world.name, self.kind), SENT[self.world.name][self.kind])
        fault = "reset_after" if takes_effect else "reset_before"
        await self.world.order("faults", kind=fault, method="POST", path=path, times=1)
        writeback_id = await self.submit(**changes)
        await self.serve()
        assert (await self.show(writeback_id)).status == "unknown"
        await self.world.advance()
        return writeback_id

    async def serve(self) -> None:
        await Dispatcher(self.flow, "worker").serve(self.lane)

    async def settle(self) -> None:
        """Let everything pass that is waited for, look, and do what follows from it."""
        for _ in range(3):
            self.world.clock.advance(timedelta(hours=2))
            await Confirmer(self.flow).confirm(self.lane)
            await self.serve()
            await self.world.advance()

    async def look(self) -> None:
        self.world.clock.advance(timedelta(seconds=5))
        await Confirmer(self.flow).confirm(self.lane)

    async def office(self, **change: Any) -> None:
        """Have the office change what is in the MIS: `update` gets the id of what was made last."""
        held = await in_the_mis(self.world, self.kind)
        if "update" in change:
            change["update"] = [{**change["update"], "id": held[-1]["id"]}]
        await self.world.order(f"schools/{{school}}/{SENT[self.world.name][self.kind]}", **change)

    async def show(self, writeback_id: str) -> WritebackDetail:
        return await Reads(self.flow.db).show(CALLER, writeback_id)

    async def created(self) -> int:
        """Return how many things the MIS has ever been made to make, by its own ledger."""
        changes = (await self.world.ask("ledger"))["changes"]
        return sum(change["effect"] == "created" for change in changes)


@pytest.fixture
async def service(world: World, kind: str, sqlite_url: str) -> AsyncIterator[Service]:
    settings, secrets, bell = Settings(secret_key=SECRET_KEY), SecretBox(SECRET_KEY), RecordingDoorbell()
    database = Database.open(sqlite_url)
    registry = Registry(
        database,
        secrets,
        world.clock,
        known_providers=("wonde", "xporter"),
        hook_url=partial(hook_url, settings, secrets),
        provider_urls={"wonde": "", "xporter": ""},
        cache_s=0.0,
    )
    flow = FlowContext(
        db=database,
        clock=world.clock,
        settings=settings,
        registry=registry,
        lookups=lookup_cache(database, world.clock),
        providers={world.name: world.provider},
        doorbell=bell,
        secrets=secrets,
        rng=random.Random(7),
    )
    account = world.account
    school = NewSchool(
        id="hillside",
        name="Hillside",
        provider=account.provider,
        mis=account.mis,
        provider_school_id=account.provider_school_id,
        base_url=account.base_url,
        credentials=account.credentials,
    )
    await world.change(cache_ttl_s=0)
    await registry.add(school)
    syncer = Syncer(flow)
    await syncer.sync_school("hillside")
    committer = Committer(database, world.clock, max_waiting=100, on_commit=partial(bell.ring, "serve_lane"))
    await committer.start()
    misses = Misses(flow, syncer)
    yield Service(world, kind, flow, committer, misses)
    await misses.aclose()
    await committer.aclose()
    await database.dispose()


EDITS: Mapping[str, Mapping[str, Any]] = {
    "achievement.create": {
        "points": {"students": "with points"},
        "day": {"date": "a week before"},
        "type": {"type": "another"},
        "a pupil more": {"students": "one more"},
    },
    "behaviour.create": {
        "points": {"students": "with points"},
        "day": {"date": "a week before"},
        "type": {"type": "another"},
        "status": {"status": "another"},
        "a pupil fewer": {"remove_students": "the second"},
        "words": {"comment": "Seen by nobody but the office"},
    },
    "detention.create": {
        "end": {"end_time": "13:20"},
        "day": {"date": "a week before"},
        "start": {"start_time": "12:10"},
        "a pupil fewer": {"remove_students": "the second"},
        "words": {"comment": "Bring a book"},
    },
    "student_absence.create": {
        "start": {"start_at": "09:10:00"},
        "day": {"start_at": "a week before"},
        "event": {"event": "sign in"},
        "words": {"comment": "Called at nine"},
    },
    "employee_absence.create": {
        "end": {"end_at": "15:00:00"},
        "day": {"start_at": "a week before", "end_at": "a week before"},
        "start": {"start_at": "07:00:00"},
        "hours": {"hours": "3"},
        "words": {"comment": "Called at nine"},
    },
}
CASES = [(provider, kind, edit) for provider, kind in CREATES for edit in EDITS[kind]]
UNSEEN = {
    ("wonde", "achievement.create", "a pupil more"),
    ("wonde", "behaviour.create", "status"),
    ("wonde", "behaviour.create", "words"),
    ("wonde", "detention.create", "words"),
    ("wonde", "student_absence.create", "words"),
    ("wonde", "employee_absence.create", "words"),
    ("xporter", "detention.create", "words"),
}
"""What no reading holds against a record: it is found, and confirmed."""

each = pytest.mark.parametrize(("world", "kind"), CREATES, indirect=["world"])
each_edit = pytest.mark.parametrize(("world", "kind", "edit"), CASES, indirect=["world"])


async def edit_of(service: Service, name: str) -> dict[str, Any]:
    """Return what the office makes of the thing that was made last."""
    world, held = service.world, (await in_the_mis(service.world, service.kind))[-1]
    family = service.kind.partition(".")[0]
    change = dict(EDITS[service.kind][name])
    if family.endswith("absence"):  # which is said whole
        kept = {field: held[field] for field in held if field not in _MADE_BY_MIS}
        clocks = {field: _moment(world, held[field], change[field]) for field in _DAYS if field in change}
        whole = {**kept, **change, **clocks}
        return {field: str(value).replace("T", " ") if "_at" in field else value for field, value in whole.items()}
    if change.get("date") == _WEEK_BEFORE:
        change["date"] = f"{date.fromisoformat(held['date']) - timedelta(days=7)}"
    for field in ("type", "status"):
        if change.get(field) == "another":
            rows = (await world.ask("schools/{school}/attributes", list=family, type=field))["attributes"]
            change[field] = next(row["code"] for row in rows if row["active"] and row["code"] != held[field])
    match change.get("students"):
        case "with points":
            change["students"] = [{"student_id": world.pupils[0], "points": 9}]
        case "one more":
            change["students"] = [{"student_id": world.pupils[2], "points": 5}]
    if "remove_students" in change:
        change["remove_students"] = [world.pupils[1]]
    return change


def days_before(service: Service, back: int) -> dict[str, Any]:
    """Return what makes a record one of an earlier day."""
    day = service.world.today - timedelta(days=back)
    match service.kind:
        case "student_absence.create":
            return {"start_at": f"{day}T08:30:00"}
        case "employee_absence.create":
            return {"start_at": f"{day}T08:00:00", "end_at": f"{day}T12:00:00"}
        case _:
            return {"date": day.isoformat()}


def _moment(world: World, held: str, wanted: str) -> str:
    """Return an instant at the clock that is wanted, or that it has a week before."""
    if wanted == _WEEK_BEFORE:
        return f"{datetime.fromisoformat(held) - timedelta(days=7)}"
    return f"{world.today} {wanted}"


_WEEK_BEFORE = "a week before"
_DAYS = ("start_at", "end_at")
_MADE_BY_MIS = ("mis_id", "source", "created_at", "updated_at")


@each_edit
async def test_what_the_office_changed_is_found_and_not_made_again(service: Service, edit: str) -> None:
    writeback_id = await service.lose_answer()
    await service.office(update=await edit_of(service, edit))

    await service.settle()

    found = await service.show(writeback_id)
    assert await service.created() == 1
    if (service.world.name, service.kind, edit) in UNSEEN:
        assert (found.status, found.evidence) == ("confirmed", "read-back")
        return
    assert found.status == "needs_attention"
    (held,) = await in_the_mis(service.world, service.kind)
    comparison = found.records[0].comparison
    assert comparison is not None
    (near,) = comparison.near
    assert near["mis_id"] in (held["id"], held["mis_id"])
    assert [one["field"] for one in near["fields"] if one["differs"]] != []
    assert "Seen by" not in json.dumps(comparison.near)


@each
async def test_what_never_arrived_is_made_once(service: Service) -> None:
    writeback_id = await service.lose_answer(takes_effect=False)

    await service.settle()

    assert await service.created() == 1
    assert len((await service.show(writeback_id)).requests) == 2


@each
async def test_the_same_on_the_days_before_stops_nothing(service: Service) -> None:
    """A pupil has the same incident each day; each was made on its day, and one is lost on its way."""
    for back in (7, 1):
        earlier = await service.submit(**days_before(service, back))
        await service.serve()
        await service.world.advance()
        await service.settle()
        assert (await service.show(earlier)).status == "confirmed"
        service.world.clock.advance(timedelta(days=1))
    await service.lose_answer(takes_effect=False)

    await service.settle()

    assert await service.created() == 3


@each
async def test_what_is_there_as_it_was_sent_is_confirmed(service: Service) -> None:
    writeback_id = await service.lose_answer()

    await service.settle()

    assert await service.created() == 1
    assert (await service.show(writeback_id)).status == "confirmed"


@each
async def test_what_was_seen_changed_and_is_removed_since_is_not_made_again(service: Service) -> None:
    writeback_id = await service.lose_answer()
    await service.office(update=await edit_of(service, next(iter(EDITS[service.kind]))))
    await service.look()
    held = await in_the_mis(service.world, service.kind)
    await service.office(delete=[held[0]["id"]])

    await service.settle()

    assert await service.created() == 1
    assert (await service.show(writeback_id)).status == "needs_attention"


@each
async def test_of_two_at_once_the_one_that_was_changed_is_not_made_again(service: Service) -> None:
    first = await service.lose_answer()
    second = await service.lose_answer()
    await service.office(update=await edit_of(service, next(iter(EDITS[service.kind]))))

    await service.settle()

    assert await service.created() == 2
    states = sorted([(await service.show(one)).status for one in (first, second)])
    assert states == ["confirmed", "needs_attention"]


@each
async def test_what_is_removed_before_anybody_looks_is_asked_about_where_the_provider_lists_it(
    service: Service,
) -> None:
    """Wonde has a list of what is gone (117-171), Xporter none: there it is made again, and the timeline says why."""
    writeback_id = await service.lose_answer()
    (held,) = await in_the_mis(service.world, service.kind)
    await service.office(delete=[held["id"]])

    await service.settle()

    found = await service.show(writeback_id)
    if service.world.name == "wonde":
        assert (found.status, await service.created()) == ("needs_attention", 1)
        assert [one["code"] for one in found.records[0].findings] == ["may_have_been_removed"]
        assert held["id"] in found.records[0].findings[0]["message"]
    else:
        assert any("had the office removed it" in (event.detail or "") for event in found.timeline)
