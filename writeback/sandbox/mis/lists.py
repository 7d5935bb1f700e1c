"""The MIS's own lists: coded select boxes, rooms, detention types. Records of conduct, detention and absence point at
their rows, so that a row whose id changes, or which is withdrawn, does so for every record."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time
from typing import Final

LISTS: Final[dict[str, tuple[str, ...]]] = {
    "achievement": ("type", "activity", "outcome", "staff_role"),
    "behaviour": (
        "type", "status", "bullying_type", "activity", "location", "time", "role", "outcome", "staff_role",
    ),
    "detention": ("attendance", "reason", "activity"),
    "student_absence": ("type", "reason"),
    "employee_absence": ("type", "illness_category", "pay_rate"),
}  # fmt: skip
"""Every list and the select boxes in it, in neither provider's words."""
NO_TYPE: Final = "<NONE>"
"""Code of the behaviour type of a detention's pupil whose record names none (Wonde 3883)."""


@dataclass(slots=True, eq=False)
class Attribute:
    """One choice of a select box. `id` is the provider's: through Xporter only its own within `list` and `type`."""

    id: str
    mis_id: str
    list: str
    type: str
    code: str
    description: str
    order: int
    created_at: datetime
    updated_at: datetime
    is_active: bool = True
    points: int | None = None
    """What a type of conduct counts for unless somebody says otherwise."""
    allows_bullying_type: bool = False


@dataclass(slots=True, eq=False)
class Room:
    """Where lessons and detentions are."""

    id: str
    mis_id: str
    code: str
    name: str
    created_at: datetime
    updated_at: datetime


@dataclass(slots=True, eq=False)
class DetentionType:
    """A detention that is held again and again. `day_of_week`: 0 is Sunday (Wonde 4359)."""

    id: str
    mis_id: str
    code: str
    name: str
    day_of_week: int
    start: time
    end: time
    room: Room
    employee_id: str | None
    frequency: str
    frequency_id: str
    created_at: datetime
    updated_at: datetime
    is_active: bool = True


@dataclass
class Lists:
    """All lists of one school; rooms and detention types by id."""

    attributes: list[Attribute] = field(default_factory=list)
    rooms: dict[str, Room] = field(default_factory=dict)
    detention_types: dict[str, DetentionType] = field(default_factory=dict)

    def of(self, list_: str, *types: str) -> Iterator[Attribute]:
        """Yield the choices of a list, of the types given or of all."""
        return (row for row in self.attributes if row.list == list_ and (not types or row.type in types))

    def by_id(self, list_: str, type_: str, row_id: str) -> Attribute | None:
        """Return the choice with an id, active or not."""
        return next((row for row in self.of(list_, type_) if row.id == row_id), None)

    def find(self, list_: str, type_: str, given: str) -> Attribute | None:
        """Return the choice whose id, or else whose code in any letter case (`dig`, Wonde 5330), is `given`.

        Where an active and a withdrawn one share a code it is the active one.
        """
        wanted = given.casefold()
        found = [row for row in self.of(list_, type_) if row.id == given or row.code.casefold() == wanted]
        return max(found, key=lambda row: (row.id == given, row.is_active), default=None)

    def room(self, given: str) -> Room | None:
        """Return the room whose id, or else whose code, is `given`."""
        return self.rooms.get(given) or next((row for row in self.rooms.values() if row.code == given), None)

    def detention_type(self, given: str) -> DetentionType | None:
        """Return the detention type whose id, or else whose code, is `given`."""
        types = self.detention_types
        return types.get(given) or next((row for row in types.values() if row.code == given), None)

    def rename(self, new: Mapping[str, str], at: datetime, new_id: Callable[[], str] | None) -> None:
        """Give every row another id where `new_id` makes them, and the staff of `new` theirs."""
        if new_id is not None:
            rows: tuple[Attribute | Room | DetentionType, ...] = (
                *self.attributes,
                *self.rooms.values(),
                *self.detention_types.values(),
            )
            for row in rows:
                row.id, row.updated_at = new_id(), at
        for kind in self.detention_types.values():
            kind.employee_id = new.get(kind.employee_id or "", kind.employee_id)
        self.rooms = {room.id: room for room in self.rooms.values()}
        self.detention_types = {kind.id: kind for kind in self.detention_types.values()}


def withdrawn(rows: Sequence[Attribute | DetentionType | None]) -> str | None:
    """Return why a record cannot be made from these rows, or None when all are active."""
    gone = next((row for row in rows if row is not None and not row.is_active), None)
    return f"{gone.code} is not available" if gone else None
