"""Two incidents that only a comment tells apart, of which one never left: it must not take the other one for itself."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.crash.suite import Suite, suite
from writeback.core.failpoints import KILLED

pytestmark = pytest.mark.slow


def _no_postgres() -> tuple[str, str]:
    raise NotImplementedError


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Suite]:
    async with suite(tmp_path, _no_postgres) as made:
        yield made


async def test_an_incident_that_was_never_sent_is_not_confirmed_by_another_of_the_same_pupil(running: Suite) -> None:
    async with running.rig("wonde") as rig:
        await rig.submit(rig.incident("in the corridor", rig.pupils[0]))
        worker = rig.start("worker", "dispatch.after_begin=kill")
        assert await worker.ended(20) == KILLED
        await rig.submit(rig.incident("at the gate", rig.pupils[0]))
        rig.start("worker")

        assert await rig.problems() == []
