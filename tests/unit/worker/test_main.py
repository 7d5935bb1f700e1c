"""What a worker does beside the jobs that it is woken for."""

import asyncio
import gc
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.secret_key import SECRET_KEY
from writeback.core.settings import Settings
from writeback.flow.confirm.drift import Drift
from writeback.worker import main

pytestmark = pytest.mark.filterwarnings("ignore:Call to deprecated close:DeprecationWarning")  # arq's


@pytest.fixture(autouse=True)
def garbage_as_before() -> Iterator[None]:
    """Undo what a worker asks of the garbage collector: it thinks that the process is its own."""
    thresholds = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*thresholds)


async def test_it_reads_the_sample_of_confirmed_marks_once_more(
    tmp_path: Path, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopping, looks = asyncio.Event(), 0

    async def look(_: Drift) -> int:
        nonlocal looks
        looks += 1
        if looks == 1:
            raise OSError("the database is away for a moment")
        stopping.set()
        return 0

    monkeypatch.setattr(Drift, "look", look)
    monkeypatch.setattr(main, "_DRIFT_EVERY_S", 0.01)
    settings = Settings(secret_key=SECRET_KEY, data_dir=tmp_path, redis_url=redis_url)
    async with asyncio.timeout(20):
        assert await main.serve(settings, stopping)
    assert looks >= 2
