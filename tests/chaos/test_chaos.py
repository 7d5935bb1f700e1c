"""A short chaos run; `make chaos` is the long one."""

import pytest

from tests.chaos.options import Options
from tests.chaos.report import Screen
from tests.chaos.run import run


@pytest.mark.slow
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
async def test_nothing_is_lost_doubled_or_stuck_whatever_breaks(database: str) -> None:
    options = Options(seed=11, count=200, schools=4, database=database, workers=2, clients=8, per_s=20.0, drain_s=120.0)

    result = await run(options, Screen(options, is_quiet=True))

    assert result.is_right, "\n".join([*(f"{one.name}: {one.value}" for one in result.figures), *result.problems])
    assert result.counts["troubles"]
