"""Who is at a simulated school, and what every part of its MIS asks: its name, new ids, what has been deleted."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime

from writeback.sandbox.mis.records import Deletion


@dataclass(slots=True)
class Person:
    """A pupil or a member of staff. `id` is the provider's, `mis_id` the MIS's own."""

    id: str
    mis_id: str
    forename: str
    surname: str
    gender: str
    born: date
    group_id: str
    updated_at: datetime
    created_at: datetime
    upn: str = ""
    """Of pupils: a number for life, which a move of MIS leaves alone."""
    admission_number: str = ""
    """Of pupils: with zeros in front, as SIMS prints it."""
    code: str = ""
    """Of staff: the initials on a timetable, none twice."""
    legal_forename: str = ""
    """Where it is not the one that is used."""

    @property
    def email(self) -> str:
        """Of staff: the address at work."""
        return f"{self.code.lower()}@school.example" if self.code else ""


@dataclass(kw_only=True)
class Roll:
    """The people of one school; `name` is the product that is its MIS."""

    name: str
    pupils: dict[str, Person]
    staff: dict[str, Person]
    new_id: Callable[[], str]
    """Makes the provider's ids."""
    new_mis_id: Callable[[], str]
    has_own_ids: bool
    """Whether the provider's ids are others than the MIS's: Wonde's are, Xporter's are the MIS's own."""
    deletions: list[Deletion] = field(default_factory=list)

    def new_record_ids(self, prefix: str = "") -> tuple[str, str]:
        """Return the ids of a new record: the provider's, and the MIS's own, which starts with `prefix`."""
        mis_id = prefix + self.new_mis_id()
        return (self.new_id() if self.has_own_ids else mis_id), mis_id

    def note_deletion(self, type_: str, record_id: str, mis_id: str, at: datetime) -> None:
        self.deletions.append(Deletion(type_, record_id, mis_id, at))
