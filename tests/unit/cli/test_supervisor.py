"""The supervisor with real child processes."""

import asyncio
import os
import signal
import stat
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from writeback.cli.dev import ports, supervisor
from writeback.cli.dev.supervisor import Service, Supervisor, own_environment
from writeback.cli.exit_codes import CommandFailed
from writeback.core.clock import SystemClock

SLEEPER = "import time; print('up', flush=True); time.sleep(60)"
ORPHAN = "from writeback.cli.dev.orphans import end_with_parent; end_with_parent(); " + SLEEPER


def _python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


async def _eventually(is_so: Callable[[], bool], what: str) -> None:
    try:
        async with asyncio.timeout(20):
            while not is_so():  # noqa: ASYNC110 - what is waited for happens in other processes
                await asyncio.sleep(0.02)
    except TimeoutError:
        pytest.fail(f"never: {what}")


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z" if Path("/proc").is_dir() else True


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def keeper(tmp_path: Path, said: list[str]) -> Supervisor:
    return Supervisor(os.environ, tmp_path / "logs", said.append, SystemClock())


async def test_a_child_that_dies_is_started_again_and_greeted_again(keeper: Supervisor, said: list[str]) -> None:
    greetings = []

    async def greet() -> None:
        greetings.append(keeper.pids()["sleeper"])

    await keeper.start(Service("sleeper", _python(SLEEPER), when_up=greet))
    first = keeper.pids()["sleeper"]
    os.kill(first, signal.SIGKILL)

    await _eventually(lambda: len(greetings) == 2, "the second start")
    assert greetings[0] == first != greetings[1]
    assert "sleeper ended with code -9" in said[0]
    await keeper.stop()


async def test_stop_ends_every_child(keeper: Supervisor) -> None:
    await keeper.start(Service("one", _python(SLEEPER)))
    await keeper.start(Service("two", _python(SLEEPER)))
    pids = keeper.pids().values()

    await keeper.stop()

    assert keeper.pids() == {}
    assert not any(_is_alive(pid) for pid in pids)


async def test_a_child_that_heeds_no_signal_is_killed(keeper: Supervisor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "_GRACE_S", 0.2)
    deaf = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + SLEEPER
    log = keeper._log_dir / "deaf.log"
    await keeper.start(Service("deaf", _python(deaf)))
    await _eventually(lambda: "up" in log.read_text(), "the child came up")
    pid = keeper.pids()["deaf"]

    await keeper.stop()

    assert not _is_alive(pid)


async def test_a_child_that_is_just_being_made_ends_with_the_others(
    keeper: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_making, may_be_there = asyncio.Event(), asyncio.Event()
    make = asyncio.create_subprocess_exec
    made: list[asyncio.subprocess.Process] = []

    async def slowly(*command: str, **options: object) -> asyncio.subprocess.Process:
        is_making.set()
        await may_be_there.wait()
        made.append(await make(*command, **options))  # type: ignore[arg-type] # whatever the supervisor gives
        return made[0]

    monkeypatch.setattr(asyncio, "create_subprocess_exec", slowly)
    starting = asyncio.create_task(keeper.start(Service("mute", _python(SLEEPER), health_url="http://127.0.0.1:1/")))
    await is_making.wait()

    starting.cancel()  # as Ctrl-C does
    stopping = asyncio.create_task(keeper.stop())
    await asyncio.sleep(0)
    may_be_there.set()
    async with asyncio.timeout(20):
        await stopping

    assert not _is_alive(made[0].pid)


async def test_logs_are_their_owners_alone(keeper: Supervisor) -> None:
    await keeper.start(Service("sleeper", _python(SLEEPER)))
    await keeper.stop()

    folder = keeper._log_dir
    assert [stat.S_IMODE(path.stat().st_mode) for path in (folder, folder / "sleeper.log")] == [0o700, 0o600]


async def test_a_child_that_cannot_start_is_reported_with_the_end_of_its_log(
    keeper: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "_FIRST_DELAY_S", 0.01)
    broken = Service("broken", _python("raise SystemExit('no such table')"), health_url="http://127.0.0.1:1/")

    with pytest.raises(CommandFailed, match=r"broken ended 3 times, last with code 1\n.*no such table"):
        await keeper.start(broken)

    await keeper.stop()


async def test_a_child_that_never_answers_is_reported(keeper: Supervisor) -> None:
    with pytest.raises(CommandFailed, match="did not answer within"):
        await keeper.start(Service("mute", _python(SLEEPER), health_url="http://127.0.0.1:1/"), patience_s=0.3)

    await keeper.stop()


async def test_children_end_when_their_parent_is_killed(tmp_path: Path) -> None:
    log = tmp_path / "child.log"
    parent = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', sys.argv[1]], stdin=subprocess.PIPE, start_new_session=True,"
        " stdout=open(sys.argv[2], 'w'))\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(60)",
        ORPHAN,
        str(log),
        stdout=asyncio.subprocess.PIPE,
    )
    assert parent.stdout is not None
    child = int(await parent.stdout.readline())
    await _eventually(lambda: log.exists() and "up" in log.read_text(), "the child came up")

    parent.kill()
    await parent.wait()

    await _eventually(lambda: not _is_alive(child), "the child ended")


def test_what_names_another_installation_is_not_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WRITEBACK_DATABASE_URL", "postgresql://production")
    monkeypatch.setenv("WRITEBACK_LOG_LEVEL", "DEBUG")

    environment = own_environment(WRITEBACK_DATA_DIR="/tmp/x")

    assert "WRITEBACK_DATABASE_URL" not in environment
    assert (environment["WRITEBACK_LOG_LEVEL"], environment["WRITEBACK_DATA_DIR"]) == ("DEBUG", "/tmp/x")


def test_a_taken_port_is_shown_with_what_to_do() -> None:
    import socket

    with socket.socket() as taken:
        taken.bind((ports.HOST, 0))
        taken.listen()
        with pytest.raises(CommandFailed, match="is taken") as caught:
            ports.choose(taken.getsockname()[1])

    assert "--port 0" in caught.value.hint


def test_port_0_finds_three_free_ones() -> None:
    found = ports.choose(0)

    assert len(set(found)) == 3
    assert min(found) > 0
