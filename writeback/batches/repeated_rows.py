"""Rows about the same thing, over all of a file: those that say it again, and those that contradict each other."""

from dataclasses import dataclass, field
from hashlib import blake2b
from typing import NamedTuple

from writeback.batches.records import said_by, slot_of
from writeback.domain.kinds import Record

_HASH = 12
"""Bytes of a hash."""


class Repeat(NamedTuple):
    """What a row is to the first about the same."""

    first: int
    """That one's number."""
    is_same: bool
    """Whether it says the same; else they contradict each other."""
    is_news: bool
    """Whether no row has contradicted the first before."""


class Key(NamedTuple):
    """Hashes of what a record is about, and of all that it says."""

    slot: bytes
    said: bytes

    @classmethod
    def of(cls, kind: str, record: Record) -> "Key":
        return cls(_hash(slot_of(kind, record)), _hash(said_by(record)))

    @classmethod
    def of_text(cls, text: str) -> "Key":
        both = bytes.fromhex(text)
        return cls(both[:_HASH], both[_HASH:])

    def as_text(self) -> str:
        return self.slot.hex() + self.said.hex()


@dataclass
class Repeats:
    """Sees every record of a file once, in order."""

    _first: dict[bytes, tuple[int, bytes]] = field(default_factory=dict)
    """The first row about each thing, and what it says."""
    _contested: set[bytes] = field(default_factory=set)

    def see(self, key: Key, row: int) -> Repeat | None:
        """Return what the row is to the first about the same; None where it is the first."""
        first, said = self._first.setdefault(key.slot, (row, key.said))
        if first == row:
            return None
        is_contested = key.slot in self._contested
        if said == key.said and not is_contested:
            return Repeat(first, is_same=True, is_news=False)
        self._contested.add(key.slot)
        return Repeat(first, is_same=False, is_news=not is_contested)


def _hash(text: str) -> bytes:
    return blake2b(text.encode(), digest_size=_HASH).digest()
