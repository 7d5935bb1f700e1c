"""A short chaos run; `make chaos` is the long one."""

from typing import Literal

import pytest

from tests.chaos.options import TROUBLES, Options
from tests.chaos.report import Screen
from tests.chaos.run import run
from tests.long_run import LEFT_OUT, seconds_left, seed_or

_DRAIN_S, _PER_S = 150.0, 20.0


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_nothing_is_lost_doubled_or_stuck_whatever_breaks() -> None:
    await _run(Options(11, 300, 6, "sqlite", workers=2, clients=8, per_s=_PER_S, drain_s=_DRAIN_S))


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_nor_on_postgresql_which_is_broken_off_too() -> None:
    """Lists that err take longest to have met everybody, and no database has a part in them; other seeds try both."""
    troubles = frozenset(TROUBLES) - {"lists"}
    options = Options(11, 300, 6, "postgresql", troubles, workers=2, clients=8, per_s=_PER_S, drain_s=_DRAIN_S)
    await _run(options)


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.timeout(1_200)
@pytest.mark.parametrize("part", range(6))
async def test_nor_with_other_seeds(part: int) -> None:
    count = int(seconds_left(200) * 5)  # what two cores do in that time, with what has to be waited for
    if count < 100:
        pytest.skip(LEFT_OUT)
    database: Literal["sqlite", "postgresql"] = "postgresql" if part % 3 else "sqlite"
    seed = seed_or(11) * 10 + part
    await _run(Options(seed, count, 8, database, workers=2, clients=8, per_s=_PER_S, drain_s=_DRAIN_S))


async def _run(options: Options) -> None:
    result = await run(options, Screen(options, is_quiet=True))

    found = [*(f"{one.name}: {one.value}" for one in result.figures), *result.problems]
    assert result.is_right, "\n".join([f"seed {options.seed}, {options.count} on {options.database}", *found])
    assert result.counts["troubles"]
