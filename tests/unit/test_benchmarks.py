"""`make bench`: which parts run. What they measure is for a quiet machine, not for a test."""

import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence

import pytest

import benchmarks.__main__ as bench
from benchmarks.accounts import cpu_of
from benchmarks.simulated_schools import body_of


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The parts that ran; none of them measures anything."""
    names: list[str] = []

    def pretended(name: str, part: bench.Part) -> bench.Part:
        async def run(options: Sequence[str] = ()) -> AsyncIterator[str]:
            names.extend([name, *options])
            yield f"figures of {name}"

        return bench.Part(part.measures, part.minutes, run, part.has_options)

    monkeypatch.setattr(bench, "PARTS", {name: pretended(name, part) for name, part in bench.PARTS.items()})
    return names


def _bench(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["benchmarks", *arguments])
    return bench.main()


def test_without_parts_the_usual_ones_run(
    monkeypatch: pytest.MonkeyPatch, ran: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert _bench(monkeypatch) == 0

    assert ran == list(bench.USUAL)
    assert "figures of idle" in capsys.readouterr().out


def test_all_are_all(monkeypatch: pytest.MonkeyPatch, ran: list[str]) -> None:
    _bench(monkeypatch, "all")

    assert ran == list(bench.PARTS)


def test_what_is_named_runs_in_that_order(monkeypatch: pytest.MonkeyPatch, ran: list[str]) -> None:
    _bench(monkeypatch, "pages", "accept-postgresql")

    assert ran == ["pages", "accept-postgresql"]


def test_what_follows_a_part_with_options_is_its_own(monkeypatch: pytest.MonkeyPatch, ran: list[str]) -> None:
    _bench(monkeypatch, "cost", "--only", "12", "burst")

    assert ran == ["cost", "--only", "12", "burst"]


@pytest.mark.skipif(sys.platform != "linux", reason="it reads /proc")
def test_cpu_of_a_process_has_that_of_children_that_ended() -> None:
    before = cpu_of(os.getpid())

    subprocess.run([sys.executable, "-c", "import time\nwhile time.process_time() < 0.3: pass"], check=True)

    assert 0.25 < cpu_of(os.getpid()) - before < 5


def test_no_register_is_for_marks_that_another_was_for() -> None:
    school = {"registers": [{"student_ids": [f"A{number}" for number in range(120)], "employee_id": "E1"}]}

    bodies = [json.loads(body_of(school, turn)) for turn in range(30)]

    marks = [(one["student_id"], one["date"], one["session"]) for body in bodies for one in body["records"]]
    assert (len(marks), len(set(marks))) == (900, 900)


def test_a_list_says_what_each_measures_and_how_long_it_takes(
    monkeypatch: pytest.MonkeyPatch, ran: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    _bench(monkeypatch, "--list")

    answer = capsys.readouterr().out
    assert ran == []
    assert all(name in answer and part.measures in answer for name, part in bench.PARTS.items())


def test_no_part_of_that_name_says_which_there_are(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        _bench(monkeypatch, "pagse")

    assert "'pagse' is no part: choose from accept, " in capsys.readouterr().err


def test_a_part_that_takes_far_too_long_is_ended(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def run() -> AsyncIterator[str]:
        await bench.asyncio.Event().wait()
        yield "never"

    monkeypatch.setattr(bench, "PARTS", {"idle": bench.Part("nothing", 0.00001, run)})

    assert _bench(monkeypatch, "idle") == 1
    assert "took longer" in capsys.readouterr().err
