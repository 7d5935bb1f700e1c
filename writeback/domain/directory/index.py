"""A list's people as hashes that lead to their ids, small enough to be one text in the database and in memory.

16 ways a pupil make some 250 KB a school of 1,000. Nothing but an id can be read from it: `hashed` needs the key.
"""

import json
from array import array
from base64 import b64decode, b64encode
from bisect import bisect_left
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import NamedTuple, Self

from writeback.domain.directory.people import People
from writeback.domain.directory.ways import LASTING, Lead, Way, leads_of

_EIGHT_BYTES, _FOUR_BYTES = "Q", "I"


class Gone(NamedTuple):
    """Somebody who is not on the list any more: the hash of the lasting number, and the day of leaving."""

    number: int
    on: str


class Hashed(NamedTuple):
    """One person's hashes; `number` is that of the lasting number, 0 for none."""

    hashes: frozenset[int]
    number: int
    ways: frozenset[Way]


def hashed(key: bytes, lead: Lead) -> int:
    """Return what a way is kept as; `key` is that of the school and the list."""
    return int.from_bytes(blake2b(f"{lead.way.value}|{lead.text}".encode(), key=key, digest_size=8).digest()) or 1


def hashed_people(key: bytes, list_name: str, people: People) -> Mapping[str, Hashed]:
    """Return people's hashes by id: 50 µs a pupil."""
    return {person_id: _hashed_person(key, list_name, [*leads_of(list_name, one)]) for person_id, one in people.items()}


def _hashed_person(key: bytes, list_name: str, leads: Collection[Lead]) -> Hashed:
    by_lead = {lead: hashed(key, lead) for lead in leads}
    number = next((value for lead, value in by_lead.items() if lead.way is LASTING[list_name]), 0)
    return Hashed(frozenset(by_lead.values()), number, frozenset(lead.way for lead in by_lead))


@dataclass(frozen=True)
class PeopleIndex:
    """`hashes` are sorted; `places` says of each whose it is, as a place among `ids`; `numbers` are by place."""

    ids: tuple[str, ...] = ()
    numbers: "array[int]" = field(default_factory=lambda: array(_EIGHT_BYTES), repr=False)
    hashes: "array[int]" = field(default_factory=lambda: array(_EIGHT_BYTES), repr=False)
    places: "array[int]" = field(default_factory=lambda: array(_FOUR_BYTES), repr=False)
    ways: frozenset[Way] = frozenset()
    """Those that anybody on the list has."""
    gone: Mapping[str, Gone] = field(default_factory=dict, repr=False)

    def whom(self, value: int) -> frozenset[str]:
        """Return the ids of those that a hash leads to."""
        at, found = bisect_left(self.hashes, value), set[str]()
        while at < len(self.hashes) and self.hashes[at] == value:
            found.add(self.ids[self.places[at]])
            at += 1
        return frozenset(found)

    def with_number(self, ids: Iterable[str]) -> frozenset[str]:
        """Return those of the people whose lasting number is known."""
        places = ((one, bisect_left(self.ids, one)) for one in ids)
        return frozenset(
            one for one, at in places if at < len(self.ids) and self.ids[at] == one and self.numbers[at] != 0
        )

    def now_called(self, ids: Iterable[str]) -> Mapping[str, str]:
        """Return the ids that some who have gone have on the list now, where their number leads to one alone."""
        by_number: dict[int, list[str]] = {}
        for one, number in zip(self.ids, self.numbers, strict=True):
            by_number.setdefault(number, []).append(one)
        led = ((was, by_number.get(gone.number, ())) for was in ids if (gone := self.gone.get(was)) and gone.number)
        return {was: found[0] for was, found in led if len(found) == 1}

    def changed(self, people: Mapping[str, Hashed], on_list: Collection[str], today: str, kept_since: str) -> Self:
        """Return the index with these people in the place of what it had of them, and without those who are not on the
        list. Of these the numbers stay until they went before `kept_since`, an ISO date as `today` is."""
        kept = {one: mine for one, mine in self._by_person().items() if one in on_list and one not in people}
        kept |= {one: mine for one, mine in people.items() if one in on_list}
        earlier = {one: was for one, was in self.gone.items() if was.on >= kept_since}
        left = ((one, number) for one, number in zip(self.ids, self.numbers, strict=True) if one not in on_list)
        return self._made(kept, _with_gone(earlier, left, today))

    def begun_again(self, today: str) -> Self:
        """Return an index of nobody: all whom it had are gone, whatever ids those have who come now."""
        return self._made({}, _with_gone(self.gone, zip(self.ids, self.numbers, strict=True), today))

    def without(self, person_id: str) -> Self:
        """Return the index without anything of one person."""
        kept = {one: mine for one, mine in self._by_person().items() if one != person_id}
        return self._made(kept, {one: was for one, was in self.gone.items() if one != person_id})

    def has(self, person_id: str) -> bool:
        """Whether anything is kept of the person."""
        return person_id in self.ids or person_id in self.gone

    def _by_person(self) -> dict[str, Hashed]:
        of_place: list[set[int]] = [set() for _ in self.ids]
        for value, place in zip(self.hashes, self.places, strict=True):
            of_place[place].add(value)
        return {
            one: Hashed(frozenset(mine), number, self.ways)
            for one, mine, number in zip(self.ids, of_place, self.numbers, strict=True)
        }

    @classmethod
    def _made(cls, people: Mapping[str, Hashed], gone: Mapping[str, Gone]) -> Self:
        ids = tuple(sorted(people))
        pairs = sorted((value, place) for place, one in enumerate(ids) for value in people[one].hashes)
        return cls(
            ids,
            array(_EIGHT_BYTES, (people[one].number for one in ids)),
            array(_EIGHT_BYTES, (value for value, _ in pairs)),
            array(_FOUR_BYTES, (place for _, place in pairs)),
            frozenset().union(*(person.ways for person in people.values())),
            gone,
        )

    def as_text(self) -> str:
        """Return it as it is kept."""
        packed = {name: b64encode(getattr(self, name).tobytes()).decode() for name in ("numbers", "hashes", "places")}
        gone = {one: [str(was.number), was.on] for one, was in sorted(self.gone.items())}
        return json.dumps({"ids": self.ids, **packed, "ways": sorted(self.ways), "gone": gone}, separators=(",", ":"))

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Return what `as_text` gave. Machines of both byte orders would have to share a database to mix them up: all
        that we run on have the same."""
        kept = json.loads(text)
        arrays = {"numbers": _EIGHT_BYTES, "hashes": _EIGHT_BYTES, "places": _FOUR_BYTES}
        return cls(
            ids=tuple(kept["ids"]),
            **{name: array(type_, b64decode(kept[name])) for name, type_ in arrays.items()},
            ways=frozenset(map(Way, kept["ways"])),
            gone={one: Gone(int(number), on) for one, (number, on) in kept["gone"].items()},
        )


def _with_gone(earlier: Mapping[str, Gone], left: Iterable[tuple[str, int]], today: str) -> dict[str, Gone]:
    """Return who has gone, with those who have left now: an id is that of the last who had it, known or not."""
    gone = dict(earlier)
    for one, number in left:
        gone.pop(one, None)
        if number:
            gone[one] = Gone(number, today)
    return gone
