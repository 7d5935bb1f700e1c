"""What every check has: one submission, what it is checked against, and a way to report. `attendance` and `records`."""

from collections.abc import Iterable, Sequence
from datetime import date as Date
from functools import cached_property
from typing import Any

from validators.calendar import Calendar
from validators.features import FeatureRule
from validators.findings import make, texts_of
from writeback.domain.fields import Path, in_words
from writeback.domain.finding import Finding
from writeback.domain.kinds import Kind
from writeback.domain.lookups import ListName, LookupView
from writeback.domain.school import School


class Check:
    """One submission being validated: `run` returns its findings, record by record."""

    def __init__(
        self,
        kind: Kind,
        rule: FeatureRule,
        school: School,
        lookups: LookupView,
        positions: Sequence[int] | None,
        today: Date | None,
    ) -> None:
        self.kind, self.rule, self.school, self.lookups = kind, rule, school, lookups
        self.positions = positions
        self.calendar = Calendar(lookups.lessons, today)
        self.findings: list[Finding] = []

    def run(self, records: Sequence[Any]) -> list[Finding]:
        """Check every record and return what was found, in the order of the records."""
        raise NotImplementedError

    def used_lists(self) -> Iterable[ListName]:
        """Return the lists that the records were looked up in, or would have been."""
        raise NotImplementedError

    @cached_property
    def texts(self) -> dict[str, str]:
        return texts_of(self.rule, self.school)

    def sorted_findings(self) -> list[Finding]:
        return sorted(self.findings, key=lambda finding: finding.record or 0)

    def position(self, index: int) -> int:
        """Return where a record was in the submission."""
        return index if self.positions is None else self.positions[index]

    def report(
        self, finding: str, index: int, path: Path, values: dict[str, Any], list_name: ListName | None = None
    ) -> None:
        """Add a finding about the place `path` of a record; `list_name` is the lookup that it rests on."""
        position = self.position(index)
        self.findings.append(
            make(
                finding,
                {"record": position, "field": in_words(path), **self.texts, **values},
                provider=self.rule.provider,
                family=self.kind.family,
                pointer="/".join(("/records", str(position), *map(str, path))),
                record=position,
                list_name=list_name,
            )
        )
