"""What a reader of one kind is, and how fields of Wonde's objects are compared with ours. Pure."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from writeback.domain.kinds import Record
from writeback.domain.lookups import ListName, LookupView, Row
from writeback.domain.near_matches import Compared, Near, in_words, plain
from writeback.domain.near_matches import is_same_text as is_same_text
from writeback.domain.outcome import Found, SlotReadBack
from writeback.providers.times import LONDON
from writeback.providers.wonde.fields import id_of, instant_of
from writeback.providers.wonde.payloads.resolving import attribute_row

SlotReadBacks = dict[int, SlotReadBack]


@dataclass(frozen=True)
class Question:
    """One GET below the school. `is_one`: of one thing by its id, which may be gone; else of a list, all its pages."""

    path: str
    params: Mapping[str, str] = field(default_factory=dict)
    is_one: bool = False

    def since(self, updated_after: str) -> "Question":
        """Return it about what has changed since alone."""
        return Question(self.path, {**self.params, "updated_after": updated_after})


@dataclass(frozen=True)
class Scene:
    """What a comparison needs besides records and rows."""

    lookups: LookupView
    zone: ZoneInfo = LONDON
    """The school's own."""


@dataclass(frozen=True)
class Reader:
    """How one kind is read back."""

    questions: Callable[[Sequence[Any], LookupView], Iterator[Question]]
    read: Callable[[Sequence[Any], Sequence[Row], Scene], SlotReadBacks]
    """Compares the records with all rows that came; a record that they cannot tell about is left out."""
    needs_zone: bool = False
    changed: Question | None = None
    """The list of what has changed, without the instant since when: where what is new may stand on another day."""


def around(first: date, last: date, after: str, before: str, *, days: int = 1) -> dict[str, str]:
    """Return the parameters that ask for some days.

    "After" and "before" do not say whether the day itself counts: the neighbours are asked for too, and left out later.
    """
    margin = timedelta(days=days)
    return {after: (first - margin).isoformat(), before: (last + margin).isoformat()}


def by_day(records: Iterable[Record], day_of: Callable[[Any], date]) -> Mapping[date, list[Any]]:
    """Return the records of each day, the earliest first."""
    days: dict[date, list[Any]] = {}
    for record in sorted(records, key=day_of):
        days.setdefault(day_of(record), []).append(record)
    return days


def on_the_wall(value: Any, zone: ZoneInfo) -> datetime | None:
    """Return an instant of Wonde's on the school's own clock, to the minute: MISes keep no seconds."""
    at = instant_of(value, zone)
    return to_the_minute(at.astimezone(zone).replace(tzinfo=None)) if at else None


def to_the_minute(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0)


def says(
    value: Any, given: str | None, name: ListName, type_: str, lookups: LookupView, *, if_hidden: bool = True
) -> bool:
    """Return whether a field says what was given: its id, its code, or what most reads show, its description.

    True too where that cannot be known: nothing was given, or no list has what was given. `if_hidden` where Wonde shows
    nothing: of a thing that may be another it says nothing, of the very thing that it does not say so.
    """
    shown = id_of(value)
    row = attribute_row(lookups, name, type_, given)
    if given is None:
        return True
    if shown is None:
        return if_hidden
    return row is None or plain(shown) in {plain(row.get(field)) for field in ("id", "code", "description")}


def is_same_id(shown: Any, given: str | None) -> bool:
    """Return whether an id is the one given; True too where none was given or Wonde shows none."""
    there = id_of(shown)
    return given is None or there is None or there == given


def found(rows: Iterable[Row]) -> tuple[Found, ...]:
    """Return each thing once, with the instant when Wonde first had it."""
    things = {id_of(row.get("id")): instant_of(row.get("created_at")) for row in rows}
    return tuple(Found(thing, created_at) for thing, created_at in things.items() if thing is not None)


def in_order(rows: Iterable[Row]) -> list[Row]:
    """Return the rows by their last change, so that the later of two for one slot counts."""
    return sorted(rows, key=lambda row: instant_of(row.get("updated_at")) or datetime.min.replace(tzinfo=UTC))


def related(row: Row, name: str) -> list[Row] | None:
    """Return the things that `include` puts into a row; None where there are none to see, e.g. because a scope is
    missing."""
    value = row.get(name)
    inner = value.get("data") if isinstance(value, Mapping) else value
    return [one for one in inner if isinstance(one, Mapping)] if isinstance(inner, list) else None


def reading(things: Sequence[tuple[Row, Sequence[Compared]]]) -> SlotReadBack:
    """Return the read-back of a new record, from all that is like it: what differs in nothing is the same."""
    same = [row for row, fields in things if not any(one.differs for one in fields)]
    near = nearly((row, fields) for row, fields in things if any(one.differs for one in fields))
    return SlotReadBack(None if same else in_words(near), bool(same), found(same), near)


def was_made(row: Row) -> bool:
    """Whether Wonde says when it first had a thing; whether that was since the request is asked later."""
    return instant_of(row.get("created_at")) is not None


def nearly(things: Iterable[tuple[Row, Sequence[Compared]]]) -> tuple[Near, ...]:
    """Return each thing once, beside what was sent."""
    near = {
        thing: Near(thing, tuple(fields), instant_of(row.get("created_at")))
        for row, fields in things
        if (thing := id_of(row.get("id"))) is not None
    }
    return tuple(near.values())


def compared_choice(
    field: str,
    value: Any,
    given: str | None,
    name: ListName,
    type_: str,
    lookups: LookupView,
    *,
    if_hidden: bool = True,
) -> Compared:
    """Return a choice beside the one given, by its code: what no list has may be anything, and is not repeated."""
    shown, lookup = id_of(value), lookups.get(name)
    in_mis = lookup.code_of(type_, shown) if lookup is not None and shown is not None else None
    return Compared(field, given, in_mis, not says(value, given, name, type_, lookups, if_hidden=if_hidden))


def compared_id(field: str, value: Any, given: str | None) -> Compared:
    return Compared(field, given, id_of(value), not is_same_id(value, given))


def compared_text(field: str, value: Any, given: str | None) -> Compared:
    """Return whether a free text was reworded, and neither text: people may be named there."""
    return Compared(field, None, None, not is_same_text(value, given))
