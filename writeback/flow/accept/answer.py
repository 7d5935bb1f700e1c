"""What a submission is answered with; built as text, because it is on the hot path."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from writeback.domain.finding import Finding, most_telling
from writeback.domain.mode import Mode
from writeback.domain.submission.submission import ParsedSubmission


@dataclass(frozen=True)
class Answer:
    """What the caller gets: `body` is JSON."""

    status: int
    body: bytes
    writeback_id: str | None = None
    replayed: bool = False


@dataclass(frozen=True)
class Checked:
    """A submission with all that validation has to say, by the records' places in the body."""

    parsed: ParsedSubmission
    findings: Sequence[Finding]

    @property
    def bad(self) -> set[int]:
        return {one.record for one in self.findings if one.is_error and one.record is not None}

    @property
    def is_refused(self) -> bool:
        """Whether nothing of it may be kept."""
        errors = [one for one in self.findings if one.is_error]
        if not errors:
            return False
        about_all = any(one.record is None for one in errors)
        return about_all or self.parsed.on_invalid == "reject" or len(self.bad) >= len(self.parsed.refs)


def by_record(findings: Sequence[Finding]) -> dict[int, list[Finding]]:
    """Return the findings of each record, by its place."""
    grouped: dict[int, list[Finding]] = {}
    for one in findings:
        if one.record is not None:
            grouped.setdefault(one.record, []).append(one)
    return grouped


def answer_json(school_id: str, checked: Checked, *, writeback_id: str | None, created_at: str | None) -> bytes:
    """Return the body of the answer: of a kept writeback, or of a dry run where `writeback_id` is None."""
    parsed, shown = checked.parsed, most_telling(checked.findings)
    status = "queued" if writeback_id else ("invalid" if any(f.is_error for f in checked.findings) else "valid")
    head = {
        "id": writeback_id,
        "status": status,
        "school": school_id,
        "mode": Mode.of(school_id),
        "kind": parsed.kind.name,
        "ref": parsed.ref,
        "created_at": created_at,
        "findings": [one.as_json() for one in shown if one.record is None],
        "more_findings": len(checked.findings) - len(shown),
    }
    records = _answered_records(checked, shown, is_kept=writeback_id is not None)
    return f'{json.dumps(head)[:-1]}, "records": [{records}]}}'.encode()


def _answered_records(checked: Checked, shown: Sequence[Finding], *, is_kept: bool) -> str:
    good = "queued" if is_kept else "valid"
    if not checked.findings and not any(checked.parsed.refs):
        return _clean_records(len(checked.parsed.refs), good)
    said, bad = by_record(shown), checked.bad
    return ",".join(
        json.dumps(
            {
                "index": place,
                "ref": ref,
                "status": ("refused" if is_kept else "invalid") if place in bad else good,
                "findings": [one.as_json() for one in said.get(place, ())],
            }
        )
        for place, ref in enumerate(checked.parsed.refs)
    )


@cache
def _clean_records(count: int, status: str) -> str:
    """Return the records of a submission without findings; most are, so the text is made once for each size."""
    return ",".join(f'{{"index":{place},"ref":null,"status":"{status}","findings":[]}}' for place in range(count))


def iso(instant: datetime) -> str:
    """Return the instant as the API shows it, with `Z`."""
    return instant.isoformat().replace("+00:00", "Z")
