"""A table in a file: its header is understood, or read as somebody has said, and its rows are handed out one by one."""

from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date as Date
from itertools import chain, islice
from typing import Any

from writeback.batches.cells import ERRORS, plain_text
from writeback.batches.columns import KIND, columns_of, letters
from writeback.batches.findings import FileRefused, make, refuse
from writeback.batches.headers import names_for, plain
from writeback.batches.layout import Layout, Row, Stated, checked_kind
from writeback.batches.mapping.header_rows import find_header_rows
from writeback.batches.mapping.mapping import Mapping, check_mapping
from writeback.batches.mapping.other_rows import OtherRows
from writeback.batches.mapping.proposal import Proposal, ProposedColumn, column_unsure
from writeback.batches.mapping.propose import LOOKED_AT, header_missing, passed_over, propose
from writeback.batches.mapping.unfold import Unfolding
from writeback.batches.whole_file_findings import OpenFile, Survey
from writeback.domain.finding import Finding
from writeback.domain.kinds import KINDS
from writeback.domain.submission.shape_findings import show

MOST_COLUMNS = 200
_LAST_ROW = 2_000_000
"""A row's number, with room for its marks, is a whole number of four bytes; a workbook has half as many rows."""


class Table:
    """The rows of a file in which a table is, and what is proposed for it; raise FileRefused where there are no rows.

    `hidden_columns` are places that the spreadsheet does not show; `facts` are what else is known of its layout.
    """

    def __init__(
        self,
        rows: Iterator[Row],
        kind: str | None,
        *,
        today: Date | None,
        stated: Stated,
        hidden_columns: Container[int] = (),
        warnings: Sequence[Finding] = (),
        **facts: Any,
    ) -> None:
        filled = (row for row in rows if not _is_blank(row))
        first = list(islice(filled, LOOKED_AT))
        if not first:
            raise refuse("file_empty")
        self._first, self._rows = first, chain(first, filled)
        self._hidden, self._warnings = hidden_columns, warnings
        self._facts = {**facts, "stated": stated}
        kind = kind or _kind_in(first)
        if not columns_of(kind):
            raise refuse("kind_not_tabular", kind=kind)
        looked_at = [row._replace(cells=row.cells[: MOST_COLUMNS + 1]) for row in first]
        self.proposal = propose(looked_at, kind, stated.date_order, today)
        if len(self.proposal.columns) > MOST_COLUMNS:
            raise refuse("file_too_many_columns", row=self._header_row, limit=MOST_COLUMNS)

    def open(self, mapping: Mapping | None = None) -> OpenFile:
        """Return the table as it is proposed, or read by a mapping that was confirmed; raise FileRefused."""
        proposal, unsure = self.proposal, []
        if mapping is None:
            errors = [one for one in proposal.findings if one.is_error]
            if errors:
                raise FileRefused(errors)
            mapping, unsure = proposal.mapping, [column for column in proposal.columns if not column.is_certain]
            self._warnings = [*self._warnings, *(one for one in proposal.findings if one.code != "columns_not_sent")]
        elif mapping.fingerprint != proposal.fingerprint or mapping.kind != proposal.kind:
            raise refuse("mapping_other_header", row=self._header_row)
        elif wrong := check_mapping(mapping, len(proposal.columns)):
            raise FileRefused(wrong)
        else:
            self._warnings = [*self._warnings, *_said_by_titles(proposal, mapping)]
        return self._opened(mapping, unsure)

    @property
    def _header_row(self) -> int:
        return min(self.proposal.header_rows, default=self._first[0].number)

    def _opened(self, mapping: Mapping, unsure: Sequence[ProposedColumn]) -> OpenFile:
        proposal = self.proposal
        names = [column.name for column in proposal.columns]
        unfolding = Unfolding(mapping, proposal.columns)
        warned = [*self._warnings, *passed_over(proposal.columns, mapping), *self._about_hidden(mapping)]
        if proposal.header_rows and any(one.code == "header_missing" for one in proposal.findings):
            warned.append(make("header_taken", row=self._header_row, value=show(next(filter(None, names)))))
        source = Layout(
            kind=mapping.kind,
            header=names,
            fields=[use.field for use in mapping.columns],
            header_row=max(proposal.header_rows, default=0),
            **self._facts,
        )
        layout = replace(
            source,
            header=unfolding.table.header,
            fields=unfolding.table.fields,
            warnings=[one.as_json() for one in warned],
            is_grid=mapping.is_grid,
        )
        survey = Survey(source)
        header = [row.cells for row in self._first if row.number in proposal.header_rows]
        others = OtherRows(mapping, header, source.stated.date_order)
        rows = self._read(source, unfolding, survey, others, unsure)
        return OpenFile(layout, rows, survey, others.warnings)

    def _read(
        self,
        source: Layout,
        unfolding: Unfolding,
        survey: Survey,
        others: OtherRows,
        unsure: Sequence[ProposedColumn],
    ) -> Iterator[Row]:
        """Yield the rows of the plain table, each with what is to be said of its cells."""
        width = len(source.header)
        for row in self._rows:
            if row.number <= source.header_row:
                continue
            if row.number > _LAST_ROW:
                raise refuse("file_too_many_rows", limit=_LAST_ROW)
            full = row._replace(cells=[*row.cells[:width], *[""] * (width - len(row.cells))])
            if others.has(full):
                continue
            filled = [column for column in unsure if full.cells[column.place].strip()]
            if filled:
                raise FileRefused([column_unsure(column) for column in filled])
            survey.see(full)
            yield from unfolding.rows(full, [*_about_cells(row, source.fields), *_beside_header(row, source)])

    def _about_hidden(self, mapping: Mapping) -> list[Finding]:
        places = [place for place, use in enumerate(mapping.columns) if use.field is not None and place in self._hidden]
        names = self.proposal.columns
        shown = ", ".join(f"{show(names[place].name)} ({letters(place)})" for place in places)
        return [make("columns_hidden", columns=shown)] if places else []


def _said_by_titles(proposal: Proposal, mapping: Mapping) -> Iterator[Finding]:
    """Yield the warnings of what a mapping has from titles of this file, and not from a person."""
    for finding in proposal.findings:
        name = finding.pointer.rpartition("/")[2]
        if finding.code == "constant_used" and mapping.constants.get(name) == proposal.constants[name].value:
            yield finding
        is_first_day = proposal.first_day is not None and mapping.first_day == proposal.first_day.value
        if finding.code == "grid_days_partial" and is_first_day:
            yield finding


def _about_cells(row: Row, fields: Sequence[str | None]) -> Iterator[tuple[int, Finding]]:
    """Yield a finding for each cell that holds a formula, or what a formula without a result shows."""
    for place in row.formulas:
        if place < len(fields) and fields[place] is not None:
            yield place, make("cell_formula", cell=f"{letters(place)}{row.number}")
    for place, (cell, field) in enumerate(zip(row.cells, fields, strict=False)):
        if cell[:1] == "#" and field is not None and cell.strip().upper() in ERRORS:
            yield place, make("cell_error", cell=f"{letters(place)}{row.number}", value=cell.strip())


def _beside_header(row: Row, source: Layout) -> Iterable[tuple[int, Finding]]:
    """Yield a finding for the first cell that has something in it and stands right of all column names."""
    for place, cell in enumerate(row.cells[len(source.header) :], len(source.header)):
        if cell.strip():
            delimiter = "a tab" if source.delimiter == "\t" else source.delimiter
            yield place, make("cell_without_header", cell=f"{letters(place)}{row.number}", delimiter=delimiter)
            return


def _is_blank(row: Row) -> bool:
    return not any(plain_text(cell) for cell in row.cells)


def _kind_in(first: Sequence[Row]) -> str:
    """Return the kind that the column `kind` names in the first row below the header."""
    header = find_header_rows(first, None)
    if header is None:
        raise header_missing(first, None)
    fields = [names_for(None).get(plain(name)) for name in header.names]
    below = first[header.last + 1 :]
    if KIND not in fields or not below:
        raise refuse("kind_missing", known=", ".join(KINDS))
    place = fields.index(KIND)
    return checked_kind(below[0].cells[place] if place < len(below[0].cells) else "")
