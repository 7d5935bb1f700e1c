"""Whatever people do, in whatever order, between whatever the provider says: the table of states holds."""

import random
from contextlib import suppress
from datetime import timedelta

import pytest

from tests.integration.flow.conftest import CALLER, ReadBack, World, mark
from writeback.core.errors import Conflict
from writeback.domain.actor import staff
from writeback.domain.corrections import Outcome
from writeback.domain.finding import Finding
from writeback.domain.outcome import Evidenced, NotReached, Pending, Refused, Rejected, SlotReadBack, Taken, Unclear
from writeback.domain.school import HoldReason
from writeback.domain.states import Status
from writeback.domain.writeback import RecordStatus, overall_status, unpack_progress
from writeback.flow.correct.draft import Edit, Order

SOMEBODY = staff("somebody", "tries everything")
CLOSED = Finding("school_closed", "The school is closed.", "Choose another day.")
STEPS = 120


class Chaos:
    """Does one thing after another at random, and remembers which records were ever confirmed."""

    def __init__(self, world: World, seed: int) -> None:
        self.world, self.random = world, random.Random(seed)
        self.ids: list[str] = []
        self.confirmed: set[tuple[str, int]] = set()

    async def step(self) -> None:
        deeds = [
            self.submit,
            self.serve,
            self.serve,
            self.confirm,
            self.resubmit,
            self.cancel,
            self.resolve,
            self.school,
        ]
        undecided = [each for each in self.ids if await self.world.status(each) == "needs_attention"]
        deed = self.resolve if undecided and self.random.random() < 0.4 else self.random.choice(deeds)
        with suppress(Conflict):  # a precise no is an answer
            await deed()
        self.world.clock.advance(timedelta(seconds=self.random.choice([1, 40, 4_000])))

    async def one(self, *statuses: str) -> str:
        """Return a writeback in one of the statuses, if there is any; now and then another one all the same."""
        fitting = [each for each in self.ids if await self.world.status(each) in statuses]
        return self.random.choice(fitting if fitting and self.random.random() < 0.9 else self.ids)

    async def submit(self) -> None:
        pupils = self.random.sample(["A1", "A2", "A3", "A4"], self.random.randint(1, 3))
        self.ids.append(await self.world.submit(*(mark(pupil, code=self.random.choice("/NI")) for pupil in pupils)))

    async def serve(self) -> None:
        outcomes = [Taken("A"), Taken("A"), Refused("no", {0: [CLOSED]}), NotReached("down"), Refused("no", {})]
        self.world.provider.outcomes = self.random.choices(outcomes, weights=[4, 4, 2, 1, 1])
        await self.world.serve()

    async def confirm(self) -> None:
        verdicts = [Evidenced("webhook"), Rejected("no", {0: [CLOSED]}), Pending(), Unclear("404")]
        readings = [SlotReadBack("/", True), SlotReadBack("I", False), SlotReadBack(None, False)]
        self.world.provider.verdicts = self.random.choices(verdicts, weights=[2, 1, 1, 3], k=5)
        self.world.provider.readings = [
            ReadBack({place: self.random.choice(readings) for place in range(3)}) for _ in range(5)
        ]
        await self.world.confirm(after_s=200)

    async def resubmit(self) -> None:
        edits = [Edit(0, mark("A1", code="N"))] if self.random.random() < 0.3 else []
        await self.world.corrections.resubmits.one(
            CALLER, await self.one("failed", "partial", "cancelled", "expired"), Order(edits, "skip"), SOMEBODY
        )

    async def cancel(self) -> None:
        await self.world.corrections.cancels.one(CALLER, await self.one("queued", "held", "needs_attention"), SOMEBODY)

    async def resolve(self) -> None:
        outcome = self.random.choice(list(Outcome))
        await self.world.corrections.resolves.one(CALLER, await self.one("needs_attention"), outcome, SOMEBODY)

    async def school(self) -> None:
        if self.random.random() < 0.3:
            await self.world.holds.hold("hillside", HoldReason.BY_STAFF, "a pause", SOMEBODY)
        else:
            await self.world.holds.resume("hillside", SOMEBODY)

    async def check(self) -> None:
        for writeback_id in self.ids:
            row = await self.world.writeback(writeback_id)
            progress = unpack_progress(row.progress, row.records.count('"student_id"'))
            whole, status = overall_status(progress), Status(row.status)
            assert status is whole or (status in (Status.HELD, Status.EXPIRED) and whole is Status.QUEUED)
            now = {(row.id, place) for place, one in enumerate(progress) if one.status is RecordStatus.CONFIRMED}
            assert {pair for pair in self.confirmed if pair[0] == row.id} <= now
            self.confirmed |= now


@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.long) for seed in (2, 3))])
async def test_no_sequence_of_deeds_breaks_the_table_or_undoes_what_is_confirmed(world: World, seed: int) -> None:
    chaos = Chaos(world, seed)
    await chaos.submit()

    for _ in range(STEPS):
        await chaos.step()
        await chaos.check()

    assert chaos.confirmed
    actions = {entry.action for entry in await world.audited()}
    assert {"writeback.resubmit", "writeback.cancel", "writeback.resolve", "school.hold", "school.resume"} <= actions
