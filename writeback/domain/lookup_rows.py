"""Rows of a list in little memory: a process keeps those of many schools. They read like the dicts they are made from.

Of pupils and staff only ids are kept. Thousands of lessons take place in some dozens of periods, so that what is the
same is held once, and ids without an object each.
"""

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, KeysView, Mapping
from itertools import accumulate, chain, pairwise
from sys import getsizeof, intern
from typing import Any

Row = Mapping[str, Any]
_Fields = tuple[str, ...]
_Values = tuple[Any, ...]
_Content = tuple[_Fields, _Values]


def packed(rows: Mapping[str, Row]) -> "IdRows | PackedRows":
    """Return the same rows, in the same order, in little memory."""
    if all(row.keys() == {"id"} and row["id"] == row_id for row_id, row in rows.items()):
        return IdRows(rows)
    return PackedRows(rows)


def size_of(rows: Mapping[str, Row]) -> int:
    """Return about how many bytes of memory the rows take."""
    if isinstance(rows, IdRows | PackedRows):
        return rows.size
    return getsizeof(rows) + sum(getsizeof(row_id) + _size_of_row(row) for row_id, row in rows.items())


def _size_of_row(row: Row) -> int:
    return getsizeof(row) + sum(getsizeof(value) for value in row.values() if isinstance(value, str))


class IdRows(Mapping[str, Row]):
    """Rows that are nothing but their ids; whether one is among the `keys` is told as fast as by a dict."""

    def __init__(self, ids: Mapping[str, object]) -> None:
        self._ids: dict[str, None] = dict.fromkeys(ids)

    def __getitem__(self, row_id: str) -> Row:
        if row_id not in self._ids:
            raise KeyError(row_id)
        return {"id": row_id}

    def __contains__(self, row_id: object) -> bool:
        return row_id in self._ids

    def __iter__(self) -> Iterator[str]:
        return iter(self._ids)

    def __len__(self) -> int:
        return len(self._ids)

    def keys(self) -> KeysView[str]:
        return self._ids.keys()

    @property
    def size(self) -> int:
        """About how many bytes of memory they take."""
        return getsizeof(self._ids) + sum(map(getsizeof, self._ids))


class PackedRows(Mapping[str, Row]):
    """Rows of several plain fields, each put together when it is asked for: a microsecond.

    By place, in the order of the rows: where its key ends in one text of them all, and which of the contents it has.
    A key is found by its hash, for these are sorted.
    """

    def __init__(self, rows: Mapping[str, Row]) -> None:
        numbers: dict[_Content, int] = {}
        of_rows = (numbers.setdefault(_content(key, row), len(numbers)) for key, row in rows.items())
        self._content_of = array("I", of_rows)
        self._keys = "".join(rows)
        self._ends = array("I", accumulate(map(len, rows), initial=0))
        self._fields, self._values = _shared(numbers)
        by_hash = sorted((hash(key), place) for place, key in enumerate(rows))
        self._hashes = array("q", (hashed for hashed, _ in by_hash))
        self._places = array("I", (place for _, place in by_hash))

    def __getitem__(self, key: str) -> Row:
        hashed, hashes = hash(key), self._hashes
        at = bisect_left(hashes, hashed)
        while at < len(hashes) and hashes[at] == hashed:
            place = self._places[at]
            if self._keys[self._ends[place] : self._ends[place + 1]] == key:
                return {"id": key, **self._content(self._content_of[place])}
            at += 1
        raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        return (self._keys[start:end] for start, end in pairwise(self._ends))

    def __len__(self) -> int:
        return len(self._places)

    @property
    def contents(self) -> Iterator[Row]:
        """What there is in the rows beside their keys, each once."""
        return map(self._content, range(len(self._values)))

    @property
    def size(self) -> int:
        """About how many bytes of memory they take."""
        by_place = (self._keys, self._ends, self._content_of, self._hashes, self._places, self._fields, self._values)
        texts = (one for values in self._values for one in values if type(one) is str)
        return sum(map(getsizeof, chain(by_place, self._values, texts)))

    def _content(self, number: int) -> dict[str, Any]:
        return dict(zip(self._fields[number], self._values[number], strict=True))


def _content(key: str, row: Row) -> _Content:
    """Return a row's fields and values, without its id where that is its key."""
    kept = dict(row)
    if kept.get("id") == key:
        del kept["id"]
    return tuple(kept), tuple(kept.values())


def _shared(contents: Iterable[_Content]) -> tuple[tuple[_Fields, ...], tuple[_Values, ...]]:
    """Return their fields and their values; the same fields are held once, and the same text once for all schools."""
    known: dict[_Fields, _Fields] = {}
    fields = tuple(known.setdefault(of_one, of_one) for of_one, _ in contents)
    values = tuple(tuple(intern(one) if type(one) is str else one for one in of_one) for _, of_one in contents)
    return fields, values
