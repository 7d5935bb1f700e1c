"""Which column of a file is which: names are matched kindly, but never guessed. Other names are in `headers.toml`."""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path

from writeback.batches.cells import without_apostrophe
from writeback.batches.columns import CLASS, INCIDENT, KIND, NOT_SENT, OURS, columns_of, is_grouped
from writeback.batches.findings import FileRefused, make
from writeback.domain.finding import Finding
from writeback.domain.kinds import KINDS
from writeback.domain.submission.shape_findings import show

_TABLE = tomllib.loads((Path(__file__).parent / "headers.toml").read_text(encoding="utf-8"))


def plain(name: str) -> str:
    """Return a column's name without letter case, blanks, underscores and the like."""
    return "".join(letter for letter in without_apostrophe(name).casefold() if letter.isalnum())


_NOT_IDS: dict[str, str] = {plain(name): why for name, why in _TABLE["not_ids"].items()}


@dataclass(frozen=True)
class Header:
    """The row of column names: what each column is, None where it has no name or one that nobody knows."""

    row: int
    cells: Sequence[str]
    fields: Sequence[str | None]

    @property
    def unknown(self) -> tuple[int, ...]:
        """Places of columns whose name nobody knows: all is well as long as they are empty."""
        return tuple(
            place
            for place, (cell, field) in enumerate(zip(self.cells, self.fields, strict=True))
            if field is None and cell.strip()
        )


@cache
def names_for(kind: str | None) -> dict[str, str]:
    """Return the field for each plain name that a column of this kind may have; None: of any kind."""
    kinds = [kind] if kind is not None else list(KINDS)
    fields = dict.fromkeys(column.name for one in kinds for column in columns_of(one))
    fields |= dict.fromkeys((KIND, CLASS, *OURS))
    if any(is_grouped(one) for one in kinds):
        fields[INCIDENT] = None
    by_name: dict[str, str] = dict.fromkeys(map(plain, _TABLE["not_sent"]["names"]), NOT_SENT)
    for field in fields:
        by_name |= {plain(other): field for other in _TABLE["names"].get(field, ())}
    return by_name | {plain(field): field for field in fields}


def score(cells: Sequence[str], kind: str | None) -> int:
    """Return how many cells name a column that is sent."""
    names = names_for(kind)
    return sum(names.get(plain(cell), NOT_SENT) != NOT_SENT for cell in cells)


def find_header(rows: Sequence[tuple[int, Sequence[str]]], kind: str | None) -> Header | None:
    """Return the row of column names among the first rows of a file; None where no row names any."""
    best = max(rows, key=lambda row: (score(row[1], kind), -row[0]), default=None)
    if best is None or not score(best[1], kind):
        return None
    names = names_for(kind)
    number, cells = best
    while cells and not cells[-1].strip():
        cells = cells[:-1]
    return Header(number, tuple(cells), tuple(names.get(plain(cell)) for cell in cells))


def check_header(header: Header, kind: str) -> None:
    """Raise FileRefused where columns are missing or come twice; unknown ones may be empty."""
    findings = [*_twice(header), *_missing(header, kind)]
    if not findings:
        return
    in_place_of_ids = (place for place, cell in enumerate(header.cells) if plain(cell) in _NOT_IDS)
    raise FileRefused([*findings, *about_unknown(header, kind, sorted({*header.unknown, *in_place_of_ids}))])


def about_unknown(header: Header, kind: str, places: Sequence[int] | None = None) -> list[Finding]:
    """Return what is to be said of each column whose name nobody knows; or of those at `places`."""
    names = {name: field for name, field in names_for(kind).items() if field != NOT_SENT}
    known, findings = _known(kind), []
    for place in header.unknown if places is None else places:
        name = header.cells[place]
        close = get_close_matches(plain(name), names, n=1, cutoff=0.7)
        suggestion = _NOT_IDS.get(plain(name)) or (f"Did you mean {names[close[0]]}? " if close else "")
        findings.append(
            make(
                "column_unknown",
                column=show(name),
                place=letters(place),
                kind=kind,
                suggestion=suggestion,
                known=known,
            )
        )
    return findings


def letters(place: int) -> str:
    """Return a column's place as spreadsheets name it: A, B, …, AA."""
    name, place = "", place + 1
    while place:
        place, rest = divmod(place - 1, 26)
        name = chr(ord("A") + rest) + name
    return name


def _twice(header: Header) -> list[Finding]:
    first: dict[str, int] = {}
    findings = []
    for place, field in enumerate(header.fields):
        if field is None or field in (NOT_SENT, *OURS):
            continue
        before = first.setdefault(field, place)
        if before != place:
            findings.append(make("column_twice", first=letters(before), second=letters(place), field=field))
    return findings


def _missing(header: Header, kind: str) -> list[Finding]:
    return [
        make("column_missing", field=column.name, kind=kind, known=_known(kind))
        for column in columns_of(kind)
        if column.is_needed and column.name not in header.fields
    ]


def _known(kind: str) -> str:
    grouped = (INCIDENT,) if is_grouped(kind) else ()
    return ", ".join((*grouped, *(column.name for column in columns_of(kind))))
