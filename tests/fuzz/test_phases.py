"""All phases of schemathesis, for a moment here and as long as a long run lets them: no 5xx that is not foreseen."""

from pathlib import Path

import pytest

from tests.fuzz.phases import run
from tests.fuzz.world import running_world, settings_of
from tests.long_run import seed_or
from writeback.core.settings import Settings

_SEED = 20260112


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_in_no_phase_is_an_answer_unforeseen(sqlite_url: str, redis_server: str, tmp_path: Path) -> None:
    _run(settings_of(tmp_path, sqlite_url, redis_server), _SEED, seconds=12, examples=1)


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.timeout(1_200)
def test_nor_in_a_longer_run(postgres_url: str, redis_server: str, tmp_path: Path) -> None:
    _run(settings_of(tmp_path, postgres_url, redis_server), seed_or(_SEED), seconds=600, examples=40)


def _run(settings: Settings, seed: int, *, seconds: float, examples: int) -> None:
    print(f"seed {seed}")  # shown where it fails
    with running_world(settings) as world:
        found = run(world, seed=seed, seconds=seconds, examples=examples)

    assert found.failures == {}, f"seed {seed}"
    assert found.errors == [], f"seed {seed}"
    assert sum(found.scenarios.values()) > 50, found.scenarios
