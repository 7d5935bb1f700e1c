"""What a seeded school's lists hold. Called by `seed`.

Codes are those that the providers' documents show in examples, where they do, so that an example can be sent as it is.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, time
from typing import Final, NamedTuple

from writeback.sandbox.mis.lists import NO_TYPE, Attribute, DetentionType, Lists, Room


class Choice(NamedTuple):
    """One choice of a select box; `bullies`: whether it takes a bullying type."""

    code: str
    description: str
    points: int | None = None
    bullies: bool = False
    active: bool = True


_STAFF_ROLES: Final = (Choice("WIT", "Witness"), Choice("INV", "Involved"), Choice("INF", "Informed"))
_SUBJECTS: Final = (
    Choice("ENG", "English"), Choice("MAT", "Mathematics"), Choice("SCI", "Science"), Choice("ART", "Art"),
    Choice("RE", "Religious Education"), Choice("LAT", "Latin", active=False),
)  # fmt: skip
CHOICES: Final[dict[tuple[str, str], Sequence[Choice]]] = {
    ("achievement", "type"): (
        Choice("NYPA", "Excellent Effort", 5), Choice("GOL", "Gold Award", 20), Choice("MUS", "Musical Activity", 10),
        Choice("ACAD", "Academic", 1, active=False),
    ),
    ("achievement", "activity"): _SUBJECTS,
    ("achievement", "outcome"): (
        Choice("TROP", "Trophy"), Choice("CERT", "Certificate"), Choice("MEP", "Merit Points"),
        Choice("COM", "Commended"), Choice("BADGE", "Badge", active=False),
    ),
    ("achievement", "staff_role"): _STAFF_ROLES,
    ("behaviour", "type"): (
        Choice("BULL", "Bullying", 50, bullies=True), Choice("HWK", "Homework Issue", 1),
        Choice("DIS", "Disruptive Behaviour in Class", 2), Choice("ASS", "Assault", 50), Choice("OTH", "Other", 1),
        Choice("SMOK", "Smoking", 10, active=False), Choice(NO_TYPE, NO_TYPE, active=False),
    ),
    ("behaviour", "status"): (
        Choice("REV2", "Review in 2 weeks"), Choice("REV3", "Review in 3 weeks"), Choice("RES", "Resolved"),
        Choice("UNR", "Unresolved"), Choice("FUT", "Further Intervention Required"), Choice("OLD", "Old", active=False),
    ),
    ("behaviour", "bullying_type"): (
        Choice("B_INT", "Cyber Bullying"), Choice("PHY", "Physical Violence"), Choice("VER", "Verbal"),
        Choice("GES", "Gestures", active=False),
    ),
    ("behaviour", "activity"): _SUBJECTS,
    ("behaviour", "location"): (
        Choice("CORR", "Corridor"), Choice("OSG", "Outside School"), Choice("SPORT", "Gym/Sports Hall/Pool"),
        Choice("CLASS", "Classroom"), Choice("HUT", "Old Hut", active=False),
    ),
    ("behaviour", "time"): (
        Choice("BSHRS", "Before School Hours"), Choice("LESS1", "Lesson 1"), Choice("LESS2", "Lesson 2"),
        Choice("LUN", "Lunchtime"), Choice("TWI", "Twilight", active=False),
    ),
    ("behaviour", "role"): (
        Choice("PT", "Participant"), Choice("AG", "Aggressor"), Choice("TA", "Target"),
        Choice("BYS", "Bystander", active=False),
    ),
    ("behaviour", "outcome"): (
        Choice("COOL", "Cooling Off"), Choice("DP", "Discussed with Pupil"),
        Choice("PARL", "Letter to Parent/Guardian"), Choice("LUND", "Lunchtime Detention"),
        Choice("LINES", "Lines", active=False),
    ),
    ("behaviour", "staff_role"): _STAFF_ROLES,
    ("detention", "attendance"): (
        Choice("NOR", "Not Recorded"), Choice("ATT", "Attended"), Choice("NAT", "Not Attended"),
        Choice("EXC", "Excused", active=False),
    ),
    ("detention", "reason"): (
        Choice("LI", "Lunchtime Incident"), Choice("HW", "Homework"), Choice("LATE", "Lateness"),
        Choice("GUM", "Chewing Gum", active=False),
    ),
    ("detention", "activity"): (Choice("HOM", "Homework"), Choice("REF", "Reflection")),
    ("student_absence", "type"): (
        Choice("Sickness", "Sickness"), Choice("TRA", "Training"), Choice("JSP", "Justified with school policy"),
        Choice("OLD", "Old", active=False),
    ),
    ("student_absence", "reason"): (
        Choice("School nurse", "School nurse"), Choice("DIG", "Digestive illness"), Choice("DEN", "Dentist"),
        Choice("FAIR", "Fair", active=False),
    ),
    ("employee_absence", "type"): (
        Choice("SIC", "Sickness"), Choice("TRA", "Training"), Choice("UNATH", "Unauthorised"),
        Choice("OLD", "Old", active=False),
    ),
    ("employee_absence", "illness_category"): (
        Choice("DIG", "Digestive illness"), Choice("MIN", "Minor injury"), Choice("FOO", "Food poisoning"),
        Choice("FLU9", "Flu of 2009", active=False),
    ),
    ("employee_absence", "pay_rate"): (
        Choice("F", "Full pay"), Choice("H", "Half pay"), Choice("N", "No pay"), Choice("Q", "Quarter", active=False),
    ),
}  # fmt: skip
_DETENTION_DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday")


def seed_lists(
    *,
    rooms: Sequence[str],
    staff_ids: Sequence[str],
    new_id: Callable[[], str],
    new_mis_id: Callable[[], str],
    has_own_ids: bool,
    at: datetime,
) -> Lists:
    """Return the lists of a school whose lessons are in `rooms`. Through Xporter ids are MIS ids: those of choices
    count from 1 in each select box (its LocalId, 7469)."""
    lists = Lists(attributes=_attributes(new_id if has_own_ids else None, at))

    def ids() -> tuple[str, str]:
        mis_id = new_mis_id()
        return (new_id() if has_own_ids else mis_id), mis_id

    for code in (*rooms, "HALL"):
        room = Room(*ids(), code, "Main Hall" if code == "HALL" else f"Room {code[1:]}", at, at)
        lists.rooms[room.id] = room
    for kind in _detention_types(ids, room, staff_ids, new_id(), at):
        lists.detention_types[kind.id] = kind
    return lists


def _attributes(new_id: Callable[[], str] | None, at: datetime) -> list[Attribute]:
    local: Counter[tuple[str, str]] = Counter()
    found = []
    for place, ((list_, type_), choice) in enumerate((box, row) for box, rows in CHOICES.items() for row in rows):
        local[list_, type_] += 1
        number = local[list_, type_]
        found.append(
            Attribute(
                id=new_id() if new_id else str(number),
                mis_id=str(1 + place) if new_id else str(number),
                list=list_,
                type=type_,
                code=choice.code,
                description=choice.description,
                order=number,
                created_at=at,
                updated_at=at,
                is_active=choice.active,
                points=choice.points,
                allows_bullying_type=choice.bullies,
            )
        )
    return found


def _detention_types(
    ids: Callable[[], tuple[str, str]], room: Room, staff_ids: Sequence[str], frequency_id: str, at: datetime
) -> list[DetentionType]:
    """Return a lunchtime detention on each day, and one that is held no longer."""
    rows = [(f"LUN{place}", f"{day} Lunchtime", place, True) for place, day in enumerate(_DETENTION_DAYS, start=1)]
    return [
        DetentionType(
            *ids(),
            code=code,
            name=name,
            day_of_week=day,
            start=time(12, 30),
            end=time(13, 0),
            room=room,
            # The second has nobody, as in the document (Wonde 4276).
            employee_id=None if day == 2 else staff_ids[day % len(staff_ids)],
            frequency="Weekly",
            frequency_id=frequency_id,
            created_at=at,
            updated_at=at,
            is_active=is_active,
        )
        for code, name, day, is_active in (*rows, ("SAT", "Saturday Morning", 6, False))
    ]
