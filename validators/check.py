"""What every check has: one submission, what it is checked against, and a way to report. `attendance` and `records`."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date as Date
from datetime import datetime
from functools import cached_property
from typing import Any

from validators.calendar import Calendar
from validators.features import FeatureRule
from validators.findings import CATALOGUE, make, texts_of
from writeback.domain.finding import MOST_OF_RECORD, Finding, Severity
from writeback.domain.kinds import Kind
from writeback.domain.lookups import ListName, LookupView
from writeback.domain.school import School
from writeback.domain.submission.fields import Path, in_words
from writeback.domain.submission.shape_findings import more_findings


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
        self.calendar = Calendar(lookups, today, rule.year_begins, school.year)
        self.findings: list[Finding] = []
        self.most: int | None = None
        """Once so many findings have been made, one is made of each record; None: there is no such limit."""
        self.now: datetime | None = None
        """The instant at which the submission is accepted; None: nothing is to be said of it."""
        self._said: Counter[int] = Counter()
        """Findings that there would be of each record, by its place."""
        self._bad: set[int] = set()
        self._lists: set[ListName | None] = {None}
        """The lists that findings rest on."""

    def run(self, records: Sequence[Any]) -> list[Finding]:
        """Check every record and return what was found, in the order of the records."""
        raise NotImplementedError

    def run_on_rests(self, rests: Sequence[Any]) -> list[Finding]:
        """Look up what can be read of records of the wrong shape: None is in the place of what cannot."""
        for index, rest in enumerate(rests):
            self.check_rest(index, rest)
        return self.sorted_findings()

    def check_rest(self, index: int, rest: Any) -> None:
        """Look up what one record names, as far as it can be read."""

    def used_lists(self) -> Iterable[ListName]:
        """Return the lists that the records were looked up in, or would have been."""
        raise NotImplementedError

    @cached_property
    def texts(self) -> dict[str, str]:
        return texts_of(self.rule, self.school)

    def sorted_findings(self) -> list[Finding]:
        """Return the findings record by record; where one has too many, the last of its own says how many more."""
        made = Counter(finding.record for finding in self.findings) if self._is_cut else Counter[int | None]()
        for position, count in made.items():
            assert position is not None
            if more := self._said[position] - count:
                severity = Severity.ERROR if position in self._bad else Severity.WARNING
                self.findings.append(more_findings(more, position, severity))
        return sorted(self.findings, key=lambda finding: finding.record or 0)

    def position(self, index: int) -> int:
        """Return where a record was in the submission."""
        return index if self.positions is None else self.positions[index]

    def report(
        self, finding: str, index: int, path: Path, values: dict[str, Any], list_name: ListName | None = None
    ) -> None:
        """Add a finding about the place `path` of a record; `list_name` is the lookup that it rests on."""
        position = self.position(index)
        if not self._has_room(position, CATALOGUE[finding].severity is Severity.ERROR, list_name):
            return
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

    @property
    def _is_cut(self) -> bool:
        return len(self.findings) < self._said.total()

    def _has_room(self, position: int, is_error: bool, list_name: ListName | None) -> bool:
        """Count a finding, and return whether it is to be made: the first of a record are, and what decides anything.

        That is the first error, for which the record is refused, and the first to rest on a list, which is refreshed.
        """
        self._said[position] += 1
        is_telling = (is_error and position not in self._bad) or list_name not in self._lists
        if is_error:
            self._bad.add(position)
        self._lists.add(list_name)
        is_over = self.most is not None and len(self.findings) >= self.most
        return is_telling or self._said[position] <= (1 if is_over else MOST_OF_RECORD)
