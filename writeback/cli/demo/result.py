"""What the morning came to: counted from the API's answers, and compared with the simulated MIS. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median, quantiles
from typing import Any

from writeback.cli.demo.player import Answer

Slot = tuple[str, str, str]
"""Student, date, session."""


@dataclass(frozen=True)
class SchoolResult:
    """One school's morning."""

    school: str
    submitted: int
    accepted: int
    refused: int
    marks_confirmed: int
    marks_failed: int
    marks_skipped: int
    not_confirmed: Sequence[str]
    """Ids of writebacks that were accepted and are not confirmed."""
    not_in_mis: int
    """Confirmed marks that the simulated MIS does not hold: must be none."""
    confirm_p50_s: float | None
    confirm_p95_s: float | None


def school_result(
    school: str,
    answers: Sequence[Answer],
    writebacks: Sequence[Mapping[str, Any]],
    held_in_mis: Mapping[Slot, str],
) -> SchoolResult:
    """Return what came of one school's submissions; `held_in_mis`: the codes that its MIS holds."""
    records = [record for writeback in writebacks for record in writeback["records"]]
    confirmed = [record["record"] for record in records if record["status"] == "confirmed"]
    times = sorted(_seconds_to_confirm(entry) for entry in writebacks if entry["status"] == "confirmed")
    return SchoolResult(
        school=school,
        submitted=len(answers),
        accepted=len(writebacks),
        refused=sum(answer.writeback_id is None for answer in answers),
        marks_confirmed=len(confirmed),
        marks_failed=sum(record["status"] == "failed" for record in records),
        marks_skipped=sum(record["status"] == "refused" for record in records),
        not_confirmed=[entry["id"] for entry in writebacks if entry["status"] != "confirmed"],
        not_in_mis=sum(held_in_mis.get(_slot(mark)) != mark["code"] for mark in confirmed),
        confirm_p50_s=round(median(times), 3) if times else None,
        confirm_p95_s=round(quantiles(times, n=20, method="inclusive")[-1], 3) if len(times) > 1 else None,
    )


def _slot(mark: Mapping[str, Any]) -> Slot:
    return mark["student_id"], mark["date"], mark["session"]


def _seconds_to_confirm(writeback: Mapping[str, Any]) -> float:
    accepted = datetime.fromisoformat(writeback["created_at"])
    return (datetime.fromisoformat(writeback["updated_at"]) - accepted).total_seconds()


def surprises(answers: Sequence[Answer], results: Sequence[SchoolResult]) -> list[str]:
    """Return, in words, everything that is not as it must be; empty when the morning went well."""
    found = []
    for result in results:
        if result.not_confirmed:
            count, first = len(result.not_confirmed), result.not_confirmed[0]
            found.append(f"{result.school}: {count} accepted writebacks are not confirmed, e.g. {first}")
        if result.not_in_mis:
            found.append(f"{result.school}: {result.not_in_mis} confirmed marks are not in the MIS")
        if not result.marks_confirmed:
            found.append(f"{result.school}: nothing was confirmed")
    for answer in answers:
        ref = answer.submission.body["ref"]
        if answer.submission.is_refused and answer.writeback_id:
            found.append(f"{answer.submission.school}: {ref} was accepted, with {answer.submission.mistake}")
        if not answer.submission.is_refused and not answer.writeback_id:
            found.append(f"{answer.submission.school}: {ref} was refused with {answer.status}")
        if answer.submission.mistake and not answer.findings:
            found.append(f"{answer.submission.school}: nothing was said of {answer.submission.mistake}")
    return found
