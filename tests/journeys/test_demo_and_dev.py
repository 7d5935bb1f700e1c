"""What a newcomer does in the first five minutes, for real: `writeback demo`, `writeback dev`, and the commands."""

import json
import os
import shlex
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from tests.journeys.running_dev import PATIENCE_S, Dev, run_writeback
from writeback.core.clock import SystemClock


def _eventually(is_so: Callable[[], bool], what: str) -> None:
    clock = SystemClock()
    deadline = clock.monotonic() + PATIENCE_S
    while not is_so():
        if clock.monotonic() > deadline:
            pytest.fail(f"never: {what}")
        time.sleep(0.1)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return not Path("/proc").is_dir()


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Dev]]:
    """What `running` has started; the last of them may still run."""
    started: list[Dev] = []
    yield started
    if started and started[-1].process.poll() is None:
        started[-1].end(signal.SIGTERM)


@pytest.fixture
def running(started: list[Dev], tmp_path_factory: pytest.TempPathFactory) -> Dev:
    """One `dev` for many tests; where one has ended it, another."""
    if not started or started[-1].process.poll() is not None:
        started.append(Dev(tmp_path_factory.mktemp("dev")))
    return started[-1]


@pytest.mark.slow
def test_a_school_morning_goes_from_nothing_to_confirmed(tmp_path: Path) -> None:
    done = run_writeback(tmp_path, "demo", "--json")

    assert done.returncode == 0, done.stdout + done.stderr
    summary = json.loads(done.stdout)
    assert (summary["ok"], summary["problems"]) == (True, [])
    for school in summary["schools"]:
        assert school["marks_confirmed"] == 1_000
        assert (school["not_in_mis"], school["not_confirmed"], school["marks_failed"]) == (0, [], 0)
        assert (school["refused"], school["marks_skipped"]) == (4, 1)
    assert len(summary["refusals"]) == 10
    assert all(refusal["findings"] for refusal in summary["refusals"])
    assert not Path(summary["data_dir"]).exists()


@pytest.mark.slow
def test_the_first_five_minutes_with_dev(running: Dev) -> None:
    posted = subprocess.run(shlex.split(running.said["curl"]), capture_output=True, text=True, check=True)
    writeback_id = json.loads(posted.stdout)["id"]
    watched = running.run("watch", writeback_id, "--timeout", "30", "--json")
    shown = json.loads(running.run("show", writeback_id, "--json").stdout)
    doctor = running.run("doctor")
    wrong = json.dumps(
        {**running.said["example"], "records": [{**running.said["example"]["records"][0], "code": "QQ"}]}
    )
    refused = running.run("submit", "--school", "hillside", "-", "--json", stdin=wrong)

    assert watched.returncode == 0, watched.stdout + watched.stderr
    assert (shown["status"], shown["records"][0]["status"]) == ("confirmed", "confirmed")
    assert shown["evidence"]
    assert doctor.returncode == 0, doctor.stdout
    assert refused.returncode == 4
    assert json.loads(refused.stdout)["error"]["findings"][0]["pointer"] == "/records/0/code"


@pytest.mark.slow
def test_a_killed_worker_comes_back_and_goes_on(running: Dev) -> None:
    os.kill(running.said["pids"]["worker"], signal.SIGKILL)

    done = running.run(
        "submit", "--school", "hillside", "-", "--wait", "--json", stdin=json.dumps(running.said["example"])
    )

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_a_killed_sandbox_comes_back_with_its_schools(running: Dev) -> None:
    os.kill(running.said["pids"]["sandbox"], signal.SIGKILL)

    def is_back() -> bool:
        try:
            shown = httpx.get(f"{running.said['sandbox_url']}/_sandbox/schools", timeout=5)
        except httpx.TransportError:
            return False
        return len(shown.json()["schools"]) == 2

    _eventually(is_back, "the sandbox has its schools again")
    done = running.run(
        "submit", "--school", "hillside", "-", "--wait", "--json", stdin=json.dumps(running.said["example"])
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_a_second_dev_in_the_same_place_says_where_the_first_is(running: Dev) -> None:
    second = running.run("dev", "--port", "0")

    assert second.returncode == 6
    assert running.said["url"] in second.stderr


@pytest.mark.slow
def test_dev_ends_cleanly_and_starts_again_where_it_left_off(running: Dev, started: list[Dev]) -> None:
    submitted = running.run(
        "submit", "--school", "hillside", "-", "--wait", "--json", stdin=json.dumps(running.said["example"])
    )
    assert submitted.returncode == 0, submitted.stdout + submitted.stderr
    before = json.loads(running.run("list", "--json").stdout)["items"]

    code = running.end(signal.SIGTERM)
    assert code == 0
    assert not any(_is_alive(pid) for pid in running.pids)

    second = Dev(running.data_dir)
    started.append(second)
    listed = json.loads(second.run("list", "--json").stdout)["items"]
    again = second.run(
        "submit", "--school", "hillside", "-", "--wait", "--json", stdin=json.dumps(second.said["example"])
    )

    assert listed[0]["id"] == json.loads(submitted.stdout)["id"]
    assert [entry["id"] for entry in listed] == [entry["id"] for entry in before]
    assert second.said["key"] == running.said["key"]
    assert again.returncode == 0, again.stdout + again.stderr


@pytest.mark.slow
def test_a_killed_dev_leaves_nothing_behind(running: Dev) -> None:
    running.end(signal.SIGKILL)

    _eventually(lambda: not any(_is_alive(pid) for pid in running.pids), "API, worker and sandbox ended")
    _eventually(lambda: not _processes_naming(str(running.data_dir)), "Redis ended")


def _processes_naming(text: str) -> list[int]:
    """Return the processes whose command line or working directory has `text` in it, on Linux."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            named = (process / "cmdline").read_text() + os.readlink(process / "cwd")
        except OSError:
            continue
        if text in named and int(process.name) != os.getpid():
            found.append(int(process.name))
    return found
