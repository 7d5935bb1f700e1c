"""Makes a simulated school of N pupils, the same for the same seed. Called by the control plane."""

import math
import random
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from itertools import count
from typing import Final

from writeback.sandbox.mis import numbers
from writeback.sandbox.mis.codes import dfe_codes
from writeback.sandbox.mis.mis import Mis
from writeback.sandbox.mis.roll import Person
from writeback.sandbox.mis.seed_lists import seed_lists
from writeback.sandbox.mis.timetable import DAY_NAMES, PERIOD_TIMES, Group, Period, Timetable

GROUP_SIZE: Final = 29
STAFF_PER_PUPIL: Final = 0.06
_HERE_SINCE: Final = timedelta(days=30)
"""For how long people have been there, and the same: who asks what has changed since yesterday gets none of them."""
FORENAMES: Final = (
    "Amelia", "Noah", "Isla", "Arthur", "Maryam", "Leo", "Freya", "Muhammad", "Grace", "Oscar", "Aisha", "Theo",
    "Ivy", "Kofi", "Poppy", "Yusuf", "Sienna", "Jude", "Zofia", "Arjun", "Evie", "Rory", "Chloe", "Tomasz",
)  # fmt: skip
SURNAMES: Final = (
    "Abbess", "Bello", "Carter", "Dhillon", "Evans", "Farrow", "Green", "Hussain", "Ivanova", "Jones", "Kaur",
    "Lowe", "Mensah", "Nowak", "Okafor", "Patel", "Quinn", "Rahman", "Singh", "Taylor", "Usman", "Vaughan", "Wood",
)  # fmt: skip


def seed_mis(*, provider: str, key: str, name: str, pupils: int, seed: int, today: date, at: datetime) -> Mis:
    """Return the MIS of a school, `name` is the product: about 29 pupils a group, 60 staff a thousand, lessons from
    last week on."""
    rng = random.Random(f"{seed}:{key}")
    has_own_ids, mis_id = provider == "wonde", mis_ids()
    new_id = wonde_ids(rng) if has_own_ids else mis_id
    group_count = max(1, math.ceil(pupils / GROUP_SIZE))
    person = _person_maker(rng, new_id, mis_id, has_own_ids, at)
    staff = [person("", today.year - 40) for _ in range(max(group_count + 2, round(pupils * STAFF_PER_PUPIL)))]
    _give_codes(staff)
    groups = [_group(place, group_count, new_id(), staff[place].id) for place in range(group_count)]
    children: dict[str, Person] = {}
    for place in range(pupils):
        group = groups[place * group_count // pupils]
        child = person(group.id, today.year - group.year - 5)
        child.upn, child.admission_number = numbers.upn(key, place, child.born), numbers.admission_number(place)
        children[child.id] = child
        group.student_ids.append(child.id)
    periods = [Period(new_id(), day, 1 + at) for day in range(len(DAY_NAMES)) for at in range(len(PERIOD_TIMES))]
    timetable = Timetable(groups, [member.id for member in staff], periods, new_id)
    first, last = weeks_around(today)
    timetable.cover(first, last, at)
    codes = {code.id: code for code in dfe_codes()}
    lists = seed_lists(
        rooms=[f"R{1 + place}" for place in range(group_count)],
        staff_ids=[member.id for member in staff],
        new_id=new_id,
        new_mis_id=mis_id,
        has_own_ids=has_own_ids,
        at=at,
    )
    colleagues = {member.id: member for member in staff}
    return Mis(
        name=name,
        pupils=children,
        staff=colleagues,
        new_id=new_id,
        new_mis_id=mis_id,
        has_own_ids=has_own_ids,
        codes=codes,
        timetable=timetable,
        lists=lists,
    )


def _give_codes(staff: Sequence[Person]) -> None:
    taken: set[str] = set()
    for member in staff:
        member.code = numbers.staff_code(member.forename, member.surname, taken)
        taken.add(member.code)


def weeks_around(today: date) -> tuple[date, date]:
    """Return Monday of the week before and Friday of two weeks after (Xporter's default window, 12962)."""
    monday = today - timedelta(days=today.weekday())
    return monday - timedelta(days=7), monday + timedelta(days=18)


def wonde_ids(rng: random.Random) -> Callable[[], str]:
    """Return a maker of ids of the form A123456789 (Wonde 33), none twice."""
    seen: set[int] = set()

    def new_id() -> str:
        while (number := rng.randrange(100_000_000, 2_147_483_647)) in seen:
            pass
        seen.add(number)
        return f"A{number}"

    return new_id


def mis_ids() -> Callable[[], str]:
    """Return a maker of a MIS's own ids: plain numbers that count up."""
    numbers = count(8_404)
    return lambda: str(next(numbers))


def _group(place: int, groups: int, group_id: str, tutor_id: str) -> Group:
    per_year = math.ceil(groups / 5)
    year = 7 + place // per_year
    return Group(group_id, f"{year}{chr(ord('A') + place % per_year)}", year, tutor_id)


def _person_maker(
    rng: random.Random, new_id: Callable[[], str], mis_id: Callable[[], str], has_own_ids: bool, at: datetime
) -> Callable[[str, int], Person]:
    def make(group_id: str, born: int) -> Person:
        person_id = new_id()
        return Person(
            id=person_id,
            mis_id=mis_id() if has_own_ids else person_id,
            forename=rng.choice(FORENAMES),
            surname=rng.choice(SURNAMES),
            gender=rng.choice(("FEMALE", "MALE")),
            born=date(born, 1, 1) + timedelta(days=rng.randrange(365)),
            group_id=group_id,
            updated_at=at - _HERE_SINCE,
            created_at=at - _HERE_SINCE,
        )

    return make
