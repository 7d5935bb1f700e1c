"""What looking at the beginning of a file comes to: its header, what each column seems to be, what is not certain."""

from collections.abc import Mapping as MappingOf
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from writeback.batches.columns import letters
from writeback.batches.findings import make
from writeback.batches.mapping.days_of_grids import is_partial_day
from writeback.batches.mapping.mapping import ColumnUse, Mapping, check_mapping
from writeback.domain.finding import Finding, Severity
from writeback.domain.submission.shape_findings import show


@dataclass(frozen=True, slots=True)
class ProposedColumn:
    """One column of the header, at its place from 0."""

    place: int
    name: str
    """Its cells in the header rows, as they stand there."""
    use: ColumnUse | None = None
    """What it seems to be; None: nobody can tell, and a person is to say."""
    candidates: Sequence[str] = ()
    """Fields that it may be as well, the likeliest first."""
    why: str = ""
    """Why it is not certain, in words for a person; empty where it is."""
    samples: Sequence[str] = ()
    """Its first cells below the header that are not empty: they may name pupils."""

    @property
    def is_certain(self) -> bool:
        return self.use is not None and not self.why

    @property
    def letter(self) -> str:
        """Its place as spreadsheets name it."""
        return letters(self.place)


@dataclass(frozen=True, slots=True)
class ProposedConstant:
    """What the file says once for all of its records, in a title above the header."""

    value: str
    source: str
    """The cell and what stands in it: `B2: Date: 23/11/2026`."""
    is_certain: bool


@dataclass(frozen=True, slots=True)
class Proposal:
    """What is known of a table before anybody has said anything of it.

    `is_certain`: it may be read by `mapping` without asking; what was passed over is said all the same.
    """

    kind: str
    fingerprint: str
    header_rows: Sequence[int]
    """Numbers of the rows that name the columns, as a spreadsheet shows them; none where its first row is a record."""
    columns: Sequence[ProposedColumn]
    constants: MappingOf[str, ProposedConstant] = field(default_factory=dict)
    first_day: ProposedConstant | None = None
    """From when on the days of a grid count, where its header does not say their year, month or date."""
    findings: Sequence[Finding] = ()
    """What is wrong, missing or unsure (errors), and what is worth saying (warnings)."""

    @property
    def is_certain(self) -> bool:
        return not any(one.is_error for one in self.findings)

    @property
    def mapping(self) -> Mapping:
        """What it comes to if nobody says anything else: columns of which nobody can tell are not sent."""
        return Mapping(
            self.kind,
            self.fingerprint,
            tuple(one.use or ColumnUse() for one in self.columns),
            {name: one.value for name, one in self.constants.items()},
            self.first_day.value if self.first_day is not None else "",
        )

    def with_remembered(self, remembered: Mapping) -> tuple[Mapping, list[Finding]]:
        """Return what a person has confirmed for this header, with the days of this file; and what is still open."""
        said = {use.field for use in remembered.columns}
        constants = {name: one.value for name, one in self.constants.items() if one.is_certain and name not in said}
        first_day = self.first_day.value if self.first_day is not None and self.first_day.is_certain else ""
        mapping = replace(remembered, constants=constants, first_day=first_day)
        asked = [column_unsure(one) for one in map(_of_that_file_alone, self.columns, remembered.columns) if one]
        return mapping, [*asked, *check_mapping(mapping, len(self.columns))]

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON values; its samples may name pupils."""
        return asdict(self)

    @classmethod
    def of_json(cls, stored: MappingOf[str, Any]) -> "Proposal":
        """Return the proposal that `as_json` has made."""
        constants = {name: ProposedConstant(**one) for name, one in stored["constants"].items()}
        parts = {"constants": constants, "columns": tuple(_column(one) for one in stored["columns"])}
        first_day = ProposedConstant(**stored["first_day"]) if stored["first_day"] else None
        findings = tuple(Finding(**{**one, "severity": Severity(one["severity"])}) for one in stored["findings"])
        return cls(**{**stored, **parts, "first_day": first_day, "findings": findings})


def column_unsure(column: ProposedColumn) -> Finding:
    """Return the question what a column is."""
    return make(
        "column_unsure",
        pointer=f"/columns/{column.place}",
        column=show(column.name),
        place=column.letter,
        why=column.why,
        candidates=", ".join(column.candidates) or "none of ours",
    )


def _of_that_file_alone(column: ProposedColumn, use: ColumnUse) -> ProposedColumn | None:
    """Return the column with the question, where a person said its day or lesson: the next file has another."""
    own = column.use or ColumnUse()
    if (use.day in ("", own.day) or is_partial_day(use.day)) and use.lesson_id in ("", own.lesson_id):
        return None
    return replace(column, why="its day, or lesson, was said for another file", candidates=(str(use.field),))


def _column(stored: MappingOf[str, Any]) -> ProposedColumn:
    use = stored["use"]
    return ProposedColumn(**{**stored, "use": ColumnUse(**use) if use is not None else None})
