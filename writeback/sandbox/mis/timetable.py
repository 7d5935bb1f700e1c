"""The timetable of a simulated school: five periods a day, Monday to Friday, one class a registration group."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

LONDON: Final = ZoneInfo("Europe/London")
DAY_NAMES: Final = ("monday", "tuesday", "wednesday", "thursday", "friday")
PERIOD_TIMES: Final = (
    (time(9, 0), time(10, 0)),
    (time(10, 0), time(11, 0)),
    (time(11, 20), time(12, 20)),
    (time(13, 10), time(14, 10)),
    (time(14, 10), time(15, 10)),
)
SUBJECTS: Final = (
    ("En", "English"), ("Ma", "Mathematics"), ("Sc", "Science"), ("Hi", "History"), ("Gg", "Geography"),
    ("Fr", "French"), ("Ar", "Art"), ("Mu", "Music"), ("Pe", "Physical Education"), ("Co", "Computing"),
)  # fmt: skip


@dataclass(slots=True)
class Group:
    """A registration group, which is also taught together."""

    id: str
    name: str
    year: int
    tutor_id: str
    student_ids: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Period:
    """A place in the week, e.g. `Mon:1`."""

    id: str
    weekday: int
    number: int

    @property
    def name(self) -> str:
        return f"{DAY_NAMES[self.weekday][:3].title()}:{self.number}"


@dataclass(slots=True)
class Lesson:
    """One class in one period on one day; `start` and `end` are the school's own wall clock."""

    id: str
    instance: int
    day: date
    period: Period
    group: Group
    subject: tuple[str, str]
    employee_id: str
    room: str
    updated_at: datetime

    @property
    def start(self) -> datetime:
        return datetime.combine(self.day, PERIOD_TIMES[self.period.number - 1][0])

    @property
    def end(self) -> datetime:
        return datetime.combine(self.day, PERIOD_TIMES[self.period.number - 1][1])

    @property
    def class_name(self) -> str:
        return f"{self.group.name}/{self.subject[0]}"


def instance_of(day: date, number: int) -> int:
    """Return the id that all lessons of one period on one day share (Wonde 2410, Xporter 12975)."""
    return (day.toordinal() - 735_000) * 10 + number


class Timetable:
    """Lessons by id and by day; weeks are added as time goes on."""

    def __init__(
        self, groups: Sequence[Group], staff_ids: Sequence[str], periods: Sequence[Period], new_id: Callable[[], str]
    ) -> None:
        self.groups, self.periods = list(groups), list(periods)
        self._staff_ids, self._new_id = list(staff_ids), new_id
        self.by_id: dict[str, Lesson] = {}
        self.by_day: dict[date, dict[str, Lesson]] = {}
        self._in_instance: Counter[tuple[date, int]] = Counter()

    def cover(self, first: date, last: date, at: datetime) -> None:
        """Make the lessons of every weekday from `first` to `last` that has none yet."""
        day = first
        while day <= last:
            if day.weekday() < len(DAY_NAMES) and day not in self.by_day:
                self._fill(day, at)
            day += timedelta(days=1)

    def on(self, day: date) -> list[Lesson]:
        """Return the lessons of a day, earliest first."""
        return sorted(self.by_day.get(day, {}).values(), key=lambda lesson: (lesson.period.number, lesson.group.name))

    def has_instance(self, instance: int, day: date) -> bool:
        """Whether any lesson of that day has this period instance."""
        return self._in_instance[day, instance] > 0

    def remove(self, lesson_id: str) -> Lesson:
        """Take a lesson out; raise KeyError when there is none."""
        lesson = self.by_id.pop(lesson_id)
        del self.by_day[lesson.day][lesson_id]
        self._in_instance[lesson.day, lesson.instance] -= 1
        return lesson

    def move(self, lesson_id: str, day: date, number: int, at: datetime) -> Lesson:
        """Put a lesson elsewhere under a new id, the old one no longer exists; raise ValueError for no such period."""
        period = self._period(day, number)
        self.cover(day, day, at)
        old = self.remove(lesson_id)
        return self._add(day, period, old.group, old.subject, old.employee_id, at)

    def rename(self, new: Mapping[str, str], at: datetime) -> None:
        """Give lessons and their teachers the ids that `new` has for their old ones."""
        self._staff_ids = [new.get(old, old) for old in self._staff_ids]
        lessons = list(self.by_id.values())
        self.by_id, self.by_day = {}, {day: {} for day in self.by_day}
        for lesson in lessons:
            lesson.id, lesson.updated_at = new[lesson.id], at
            lesson.employee_id = new.get(lesson.employee_id, lesson.employee_id)
            self.by_id[lesson.id] = self.by_day[lesson.day][lesson.id] = lesson

    def _fill(self, day: date, at: datetime) -> None:
        self.by_day[day] = {}
        for number in range(1, len(PERIOD_TIMES) + 1):
            for place, group in enumerate(self.groups):
                turn = place + number + day.weekday()
                teacher = self._staff_ids[turn % len(self._staff_ids)]
                self._add(day, self._period(day, number), group, SUBJECTS[turn % len(SUBJECTS)], teacher, at)

    def _add(
        self, day: date, period: Period, group: Group, subject: tuple[str, str], teacher: str, at: datetime
    ) -> Lesson:
        lesson = Lesson(
            id=self._new_id(),
            instance=instance_of(day, period.number),
            day=day,
            period=period,
            group=group,
            subject=subject,
            employee_id=teacher,
            room=f"R{1 + self.groups.index(group)}",
            updated_at=at,
        )
        self.by_id[lesson.id] = lesson
        self.by_day.setdefault(day, {})[lesson.id] = lesson
        self._in_instance[day, lesson.instance] += 1
        return lesson

    def _period(self, day: date, number: int) -> Period:
        if day.weekday() >= len(DAY_NAMES):
            raise ValueError(f"{day} is a {day:%A}: there are lessons from Monday to Friday")
        if not 1 <= number <= len(PERIOD_TIMES):
            raise ValueError(f"period {number}: there are periods 1 to {len(PERIOD_TIMES)}")
        return self.periods[day.weekday() * len(PERIOD_TIMES) + number - 1]
