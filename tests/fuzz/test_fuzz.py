"""Requests of every shape, a few of each: the answers are those of the document, and none is a 5xx by mistake."""

from pathlib import Path

import pytest

from tests.fuzz.runner import fuzz
from tests.fuzz.world import running_world, settings_of
from tests.long_run import seed_or
from writeback.core.settings import Settings

_SEED, _EXAMPLES, _MORE_EXAMPLES, _SECONDS = 20260112, 3, 50, 600.0


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_every_answer_is_one_that_the_document_foresees(sqlite_url: str, redis_server: str, tmp_path: Path) -> None:
    _fuzz(settings_of(tmp_path, sqlite_url, redis_server), _EXAMPLES, _SEED)


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.timeout(1_200)
def test_nor_in_a_longer_run(sqlite_url: str, redis_server: str, tmp_path: Path) -> None:
    _fuzz(settings_of(tmp_path, sqlite_url, redis_server), _MORE_EXAMPLES, seed_or(_SEED))


def _fuzz(settings: Settings, examples: int, seed: int) -> None:
    with running_world(settings) as world:
        found = fuzz(world, examples=examples, seed_=seed, seconds=_SECONDS)

    assert found.failures == {}, f"seed {seed}"
    assert found.operations > 60
    assert found.requests > found.operations
