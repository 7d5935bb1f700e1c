"""What a newcomer does in the first five minutes, for real: `writeback demo`, `writeback dev`, and the commands."""

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.journeys import samples
from writeback.core.clock import SystemClock

ROOT = Path(__file__).parents[2]
PATIENCE_S = 60.0


def _environment(data_dir: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WRITEBACK_")}
    return kept | {"WRITEBACK_DATA_DIR": str(data_dir)}


def _writeback(data_dir: Path, *arguments: str, stdin: str | None = None) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "writeback", *arguments],
        capture_output=True,
        text=True,
        input=stdin,
        cwd=ROOT,
        env=_environment(data_dir),
        timeout=PATIENCE_S * 2,
        check=False,
    )


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


class Dev:
    """A running `writeback dev`."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        command = [sys.executable, "-m", "writeback", "dev", "--port", "0", "--json"]
        self.process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env=_environment(data_dir),
            start_new_session=True,  # as in a terminal of its own
        )
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        line = self.process.stdout.readline()
        assert line, self.process.stderr.read()
        self.said: dict[str, Any] = json.loads(line)
        self.pids: list[int] = list(self.said["pids"].values())

    def run(self, *arguments: str, stdin: str | None = None) -> "subprocess.CompletedProcess[str]":
        return _writeback(self.data_dir, *arguments, stdin=stdin)

    def end(self, signum: int) -> int:
        self.process.send_signal(signum)
        code = self.process.wait(PATIENCE_S)
        for stream in (self.process.stdout, self.process.stderr):
            assert stream is not None
            stream.close()
        return code


@pytest.fixture
def start_dev(tmp_path: Path) -> Iterator[Callable[[], Dev]]:
    started: list[Dev] = []

    def start() -> Dev:
        started.append(Dev(tmp_path))
        return started[-1]

    yield start
    for dev in started:
        if dev.process.poll() is None:
            dev.end(signal.SIGTERM)


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
    done = _writeback(tmp_path, "demo", "--json")

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
@pytest.mark.parametrize(
    ("document", "at_least"),
    [("README.md", 1), ("docs/webhooks.md", 2), ("docs/batches.md", 3), ("docs/dropin.md", 1), ("docs/cli.md", 1)],
)
def test_the_commands_of_a_document_work_as_they_are_printed(
    document: str, at_least: int, running: Dev, tmp_path: Path
) -> None:
    commands = samples.commands(document)
    assert len(commands) >= at_least, commands

    for command in commands:
        # A stream has no end: what came within a moment will do. And an answer that is a refusal must not pass.
        is_stream = command.startswith("curl -N")
        answer = command.replace("curl ", "curl --max-time 3 " if is_stream else "curl --fail-with-body ", 1)
        done = _shell(running, answer.replace("http://127.0.0.1:8400", running.said["url"]), tmp_path)

        assert done.returncode in ((0, 28) if is_stream else (0,)), f"{command}\n{done.stdout}{done.stderr}"


@pytest.mark.slow
@pytest.mark.parametrize(("document", "says"), [("README.md", "confirmed"), ("docs/client.md", "confirmed")])
def test_the_python_of_a_document_works_as_it_is_printed(
    document: str, says: str, running: Dev, tmp_path: Path
) -> None:
    (tmp_path / "marks.csv").write_text("student_id,date,session,code\nnobody,2026-01-12,AM,/\n")
    program = samples.python(document).replace("http://127.0.0.1:8400", running.said["url"])

    done = _shell(running, f"{shlex.quote(sys.executable)} -", tmp_path, stdin=program)

    assert done.returncode == 0, done.stdout + done.stderr
    assert says in done.stdout


def _shell(dev: Dev, command: str, folder: Path, stdin: str = "") -> "subprocess.CompletedProcess[str]":
    """Run a command in a shell that knows what a reader has been told to set."""
    environment = _environment(dev.data_dir)
    environment |= {"KEY": dev.said["key"], "WRITEBACK_KEY": dev.said["key"], "WRITEBACK_URL": dev.said["url"]}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    environment["PYTHONPATH"] = str(ROOT)
    return subprocess.run(
        command,
        shell=True,
        capture_output=True,
        text=True,
        input=stdin,
        cwd=folder,
        env=environment,
        timeout=PATIENCE_S * 2,
        check=False,
    )


@pytest.mark.slow
def test_dev_ends_cleanly_and_starts_again_where_it_left_off(start_dev: Callable[[], Dev]) -> None:
    first = start_dev()
    submitted = first.run(
        "submit", "--school", "hillside", "-", "--wait", "--json", stdin=json.dumps(first.said["example"])
    )
    assert submitted.returncode == 0, submitted.stdout + submitted.stderr

    code = first.end(signal.SIGTERM)
    assert code == 0
    assert not any(_is_alive(pid) for pid in first.pids)

    second = start_dev()
    listed = json.loads(second.run("list", "--json").stdout)["items"]
    again = second.run(
        "submit", "--school", "hillside", "-", "--wait", "--json", stdin=json.dumps(second.said["example"])
    )

    assert [entry["id"] for entry in listed] == [json.loads(submitted.stdout)["id"]]
    assert second.said["key"] == first.said["key"]
    assert again.returncode == 0, again.stdout + again.stderr
    assert second.end(signal.SIGINT) == 0


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
