"""Requests of every shape, a few of each: the answers are those of the document, and none is a 5xx by mistake."""

from pathlib import Path

import pytest

from tests.fuzz.runner import fuzz
from tests.fuzz.world import running_world, settings_of

_SEED, _EXAMPLES, _SECONDS = 20260112, 5, 600.0


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_every_answer_is_one_that_the_document_foresees(sqlite_url: str, redis_server: str, tmp_path: Path) -> None:
    with running_world(settings_of(tmp_path, sqlite_url, redis_server)) as world:
        found = fuzz(world, examples=_EXAMPLES, seed_=_SEED, seconds=_SECONDS)

    assert found.failures == {}
    assert found.operations > 60
    assert found.requests > found.operations
