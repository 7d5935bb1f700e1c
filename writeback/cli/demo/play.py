"""The demo from start to end: bring the stack up, send a morning, follow it, compare with the MIS."""

import asyncio
import random
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

from writeback.cli.demo.morning import Submission, latest_weekday, morning
from writeback.cli.demo.player import Answer, Player
from writeback.cli.demo.result import SchoolResult, school_result, surprises
from writeback.cli.demo.screen import Screen, print_end
from writeback.cli.dev.simulated import SCHOOLS, SandboxControl
from writeback.cli.dev.stack import Stack, running_stack
from writeback.cli.dev.waiting import Waiting

_SEED = 9


async def play(data_dir: Path, port: int, timeout_s: float | None, waiting: Waiting) -> dict[str, Any]:
    """Return the summary that `--json` prints; `ok` says whether all is as it must be."""
    clock, console = waiting.clock, waiting.console
    day = latest_weekday(clock.now().date())
    async with running_stack(data_dir, port, waiting) as stack, stack.api() as api:
        player, control = Player(api, clock), stack.control()
        submissions = await _submissions(control, day)
        console.print(f"submitting {len(submissions)} registers of {day:%A %d %B}, a few wrong on purpose\n")
        began = clock.monotonic()
        submitting = asyncio.create_task(player.submit(submissions))
        with Screen(console) as screen:
            schools = [school.id for school in SCHOOLS]
            async for progress in player.follow(
                schools,
                patience_s=waiting.patience_s,
                timeout_s=timeout_s,
                is_more_to_come=lambda: not submitting.done(),
            ):
                screen.show(progress)
        answers = await submitting
        total_s = clock.monotonic() - began
        results = await _results(player, control, answers, day)
    wrong = surprises(answers, results)
    print_end(console, answers, results, wrong, total_s)
    return _summary(stack, day, answers, results, wrong) | {"total_s": round(total_s, 3)}


async def _submissions(control: SandboxControl, day: date) -> list[Submission]:
    rng = random.Random(_SEED)  # noqa: S311 - the same morning each time
    submissions = [
        submission
        for school in SCHOOLS
        for submission in morning(
            school.id, await control.registers(school), day, rng, names_employee=school.names_employee
        )
    ]
    rng.shuffle(submissions)  # schools submit at the same time
    return submissions


async def _results(player: Player, control: SandboxControl, answers: list[Answer], day: date) -> list[SchoolResult]:
    results = []
    for school in SCHOOLS:
        own = [answer for answer in answers if answer.submission.school == school.id]
        held = await control.session_codes(school, day)
        results.append(school_result(school.id, own, await player.fetch(own), held))
    return results


def _summary(
    stack: Stack, day: date, answers: list[Answer], results: list[SchoolResult], wrong: list[str]
) -> dict[str, Any]:
    return {
        "ok": not wrong,
        "problems": wrong,
        "date": day.isoformat(),
        "schools": [asdict(result) for result in results],
        "refusals": [
            {
                "school": answer.submission.school,
                "mistake": answer.submission.mistake,
                "status": answer.status,
                "findings": list(answer.findings),
            }
            for answer in answers
            if answer.submission.mistake
        ],
        "marks_confirmed": sum(result.marks_confirmed for result in results),
        "data_dir": str(stack.data_dir),
    }
