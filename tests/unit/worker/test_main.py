"""What a worker does beside the jobs that it is woken for."""

import asyncio
import gc
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.secret_key import SECRET_KEY
from writeback.core.settings import Settings
from writeback.flow.confirm.drift import Drift
from writeback.worker import main
from writeback.worker.role import Role

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


@pytest.mark.parametrize(("role", "lower"), [(Role.SYNC, True), (Role.REGISTERS, False), (Role.ALL, False)])
def test_a_process_for_lists_alone_gives_way_to_others_of_the_machine(
    role: Role, lower: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given_way = list[int]()

    async def ends_at_once(_: Settings, *, role: Role) -> bool:
        return True

    monkeypatch.setattr(main, "configure_logging", lambda **_: None)
    monkeypatch.setattr(os, "nice", given_way.append)
    monkeypatch.setattr(main, "serve", ends_at_once)
    main.run(Settings(secret_key=SECRET_KEY, data_dir=tmp_path), role)
    assert (sum(given_way) > 0) is lower
