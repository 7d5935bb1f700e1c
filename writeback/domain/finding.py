"""A finding: one thing that validation, ours or a provider's, has to say about a record."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from writeback.core.errors import MOST_FINDINGS
from writeback_client.words import Severity as Severity

MOST_OF_RECORD = 20
"""Findings that are made of one record; of the others it is said how many there are."""
MOST_MADE = 1_000
"""Findings of one submission; once there are so many, one is made of each record."""


@dataclass(frozen=True, slots=True)
class Finding:
    """`pointer` is a JSON Pointer into the submission (`/records/3/code`); `record` its index, None for the whole."""

    code: str
    message: str
    hint: str
    severity: Severity = Severity.ERROR
    pointer: str = ""
    record: int | None = None
    provider_message: str | None = None
    provider_answered: bool = False
    """Whether the provider has answered with these words; else they are those of its document."""

    @property
    def is_error(self) -> bool:
        return self.severity is Severity.ERROR

    def as_json(self) -> dict[str, Any]:
        """Return the finding as the API shows it."""
        return {
            "code": self.code,
            "severity": self.severity.value,
            "pointer": self.pointer,
            "record": self.record,
            "message": self.message,
            "hint": self.hint,
            "provider_message": self.provider_message,
            "provider_answered": self.provider_answered,
        }


def most_telling(findings: Sequence[Finding]) -> Sequence[Finding]:
    """Return the findings that one answer shows: all, or as many as it has room for, errors before warnings."""
    if len(findings) <= MOST_FINDINGS:
        return findings
    return sorted(findings, key=lambda one: not one.is_error)[:MOST_FINDINGS]
