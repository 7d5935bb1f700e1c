"""A database that is down when a process starts is waited for, and then named."""

import asyncio
from pathlib import Path

import pytest

from tests.secret_key import SECRET_KEY
from writeback import wiring
from writeback.core.clock import FakeClock
from writeback.core.errors import ConfigurationError
from writeback.core.settings import Settings
from writeback.store.sql import migrate

_DOWN = "postgresql+asyncpg://writeback:hunter2@127.0.0.1:9/writeback"


def _settings(folder: Path) -> Settings:
    return Settings(data_dir=folder, database_url=_DOWN, redis_url="redis://127.0.0.1:9", secret_key=SECRET_KEY)


async def test_a_database_that_stays_down_is_said_in_one_line_without_its_password(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="the database does not answer") as raised:
        async with wiring.open_services(_settings(tmp_path)):
            pass
    assert "hunter2" not in str(raised.value)


async def test_a_database_that_comes_up_meanwhile_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fake_clock: FakeClock
) -> None:
    current = migrate.Schema("0009", None, "0009")
    answers = iter([ConnectionRefusedError("refused"), ConnectionResetError("starting"), current])

    async def inspected(url: str, pool: object) -> migrate.Schema:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(migrate, "inspected", inspected)
    monkeypatch.setattr(wiring, "_ASK_AGAIN_S", 0.0)
    async with asyncio.timeout(10), wiring.open_services(_settings(tmp_path), clock=fake_clock, patience_s=5.0):
        pass
    assert list(answers) == []
