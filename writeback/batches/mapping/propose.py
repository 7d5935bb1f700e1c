"""A mapping is proposed: by the columns' names first, by what stands beneath them where a name leaves it open."""

from collections.abc import Mapping as MappingOf
from collections.abc import Sequence
from dataclasses import replace
from datetime import date as Date

from writeback.batches.columns import CLASS, columns_of
from writeback.batches.days import DayOrder
from writeback.batches.findings import FileRefused, make, refuse
from writeback.batches.layout import Row
from writeback.batches.mapping.columns_by_name import columns_by_name, is_certainly, may_be
from writeback.batches.mapping.grids import Grid, read_grid
from writeback.batches.mapping.header_rows import HEADER_WITHIN, find_header_rows, takes_grid, widest_row, without_data
from writeback.batches.mapping.mapping import ColumnUse, Mapping, check_mapping, fingerprint_of
from writeback.batches.mapping.people import STUDENT, can_be_found
from writeback.batches.mapping.proposal import Proposal, ProposedColumn, ProposedConstant, column_unsure
from writeback.batches.mapping.titles import Titles
from writeback.domain.finding import Finding
from writeback.domain.submission.shape_findings import show

LOOKED_AT = 80
"""Rows from which a mapping is proposed."""


def propose(first: Sequence[Row], kind: str, order: DayOrder | None = None, today: Date | None = None) -> Proposal:
    """Return what the first rows of a table, blank ones left out, come to.

    `order` is what was said of its days; `today` the school's day, by which days without a year are understood.
    """
    found = find_header_rows(first, kind)
    header = found or without_data(widest_row(first))
    below = first[header.last + 1 :]
    columns = columns_by_name(header.names, kind, below)
    titles = Titles(first[: max(header.first, 0)], kind, order or DayOrder.DAY_FIRST, today)
    grid = Grid(columns)
    if takes_grid(kind):
        grid = read_grid(kind, columns, titles, below, order, today)
    constants = _constants(grid.columns, titles, kind)
    said = Proposal(
        kind,
        fingerprint_of(header.names),
        [row.number for row in first[header.first : header.last + 1]],
        _with_candidates(grid.columns, constants, kind),
        constants,
        grid.first_day,
    )
    asked = {column.candidates[0] for column in said.columns if column.use is None and column.candidates}
    if found is None:
        return replace(said, findings=header_missing(first, kind).findings)
    missing = [
        one for one in check_mapping(said.mapping, len(said.columns)) if one.pointer.rpartition("/")[2] not in asked
    ]
    return replace(said, findings=(*grid.findings, *_unsure(said), *missing, *passed_over(said.columns, said.mapping)))


def header_missing(first: Sequence[Row], kind: str | None) -> FileRefused:
    """Return the refusal of a file in whose first rows no column is named."""
    shown = ", ".join(show(cell) for cell in first[0].cells[:8] if cell.strip())
    known = ", ".join(column.name for column in columns_of(kind)) if kind else ""
    said = {"kind": kind or "any kind", "shown": shown, "known": known or "see there"}
    return refuse("header_missing", rows=HEADER_WITHIN, **said)


def _constants(columns: Sequence[ProposedColumn], titles: Titles, kind: str) -> MappingOf[str, ProposedConstant]:
    """Return what titles say of fields that no column has."""
    said = Mapping(kind, "", [column.use or ColumnUse() for column in columns]).fields
    needed = {column.name for column in columns_of(kind) if column.is_needed}
    if not can_be_found(STUDENT, said) and can_be_found(STUDENT, said | {CLASS}):
        needed.add(CLASS)
    return {name: found for name, found in titles.constants.items() if name in needed - said}


def _with_candidates(
    columns: Sequence[ProposedColumn], constants: MappingOf[str, ProposedConstant], kind: str
) -> list[ProposedColumn]:
    """Return the columns; where nothing says what a record needs, those that may say it are asked about."""
    found = list(columns)
    for column in columns_of(kind):
        said = Mapping(kind, "", [one.use or ColumnUse() for one in found], dict.fromkeys(constants, "")).fields
        who = column.name.removesuffix("_id")
        if not column.is_needed or column.name in said or can_be_found(who, said):
            continue
        fitting = [one for one in found if may_be(one, column, kind)]
        if len(fitting) == 1 and not fitting[0].why and is_certainly(fitting[0], column):
            found[fitting[0].place] = replace(fitting[0], use=ColumnUse(column.name), why="")
            continue
        for one in fitting:
            why = one.why or f"no other column is {column.name}"
            candidates = list(dict.fromkeys((column.name, *one.candidates)))
            found[one.place] = replace(one, use=None, candidates=candidates, why=why)
    return found


def passed_over(columns: Sequence[ProposedColumn], mapping: Mapping) -> list[Finding]:
    """Return the warning that names the columns of which nothing is sent."""
    passed = [
        column
        for column, use in zip(columns, mapping.columns, strict=True)
        if use.field is None and (column.name or column.samples) and column.is_certain
    ]
    names = ", ".join(f"{show(one.name) if one.name else 'without a name'} ({one.letter})" for one in passed)
    return [make("columns_not_sent", columns=names)] if passed else []


def _unsure(said: Proposal) -> list[Finding]:
    """Return what a person is to say, and what a title has said; what columns are that are empty is of no interest."""
    found = [column_unsure(column) for column in said.columns if not column.is_certain and column.samples]
    for name, one in said.constants.items():
        code = "constant_used" if one.is_certain else "constant_unsure"
        about = {"field": name, "value": one.value, "source": show(one.source)}
        found.append(make(code, pointer=f"/constants/{name}", **about))
    if said.first_day is not None and not said.first_day.is_certain:
        about = {"field": "first_day", "value": said.first_day.value, "source": show(said.first_day.source)}
        found.append(make("constant_unsure", pointer="/first_day", **about))
    return found
