"""Session and lesson marks. A clean record costs a few dictionary lookups; objects are made only for findings.

Whatever depends on the code alone is judged once for each code of a submission, not once for each record.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date as Date
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from validators.calendar import Said
from validators.catalogue import CATALOGUE
from validators.check import Check
from validators.features import FeatureRule
from validators.field_places import is_nothing
from validators.national_codes import AFTERNOON, CLOSED, MORNING, SEEN, codes_of
from validators.suggestions import Suggestions
from validators.text import first_emoji, length_of
from writeback.domain.finding import Finding, Severity
from writeback.domain.kinds import Family, Kind
from writeback.domain.kinds.base import NO_MARK
from writeback.domain.lookups import ListName, LookupView, Row, is_active
from writeback.domain.school import School
from writeback.domain.submission.shape_findings import show

_CLOCKS_DIFFER = timedelta(minutes=5)
"""So far the clock of a tablet may be ahead of ours; what it says is then taken as now."""


@dataclass(slots=True)
class CodeVerdict:
    """What is to be said of every record that gives this code."""

    code: str
    """The code itself, also where its id was given."""
    session: str | None = None
    """The only session that it is for."""
    findings: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    needs_statutory_comment: bool = False
    is_late: bool = False
    is_seen: bool = False
    """Whether it says that the pupil was there, so that it cannot be for a day to come."""
    is_plain: bool = True
    """Whether there is nothing to say of it, whatever else the record holds."""


class AttendanceCheck(Check):
    """A register, or several, being validated."""

    def __init__(
        self,
        kind: Kind,
        rule: FeatureRule,
        school: School,
        lookups: LookupView,
        positions: Sequence[int] | None,
        today: Date | None,
    ) -> None:
        super().__init__(kind, rule, school, lookups, positions, today)
        self.national = codes_of(school.country)
        self.seen_codes = rule.seen_codes if rule.seen_codes != SEEN else self.national.seen
        self.verdicts: dict[str, CodeVerdict] = {}
        self.lesson_rows: dict[str, Row | None] = {}
        """Lessons that have been looked up."""
        self.warned_days: set[str] = set()
        """Days to come that have been warned of."""
        self.uses_employees = False
        self.carries_employee = "employee_id" not in rule.ignored | rule.forbidden
        self.known_employees = lookups.employees.rows.keys() if lookups.employees else None

    @cached_property
    def tomorrow(self) -> str | None:
        """From this day on a mark that says the pupil was seen is refused; None: it is not."""
        today = self.calendar.today
        return (today + timedelta(1)).isoformat() if today and self.rule.day_to_come == "refused" else None

    @cached_property
    def suggestions(self) -> Suggestions:
        return Suggestions()

    def used_lists(self) -> Iterable[ListName]:
        return [name for name in self.kind.lists if name is not ListName.EMPLOYEES or self.uses_employees]

    def run(self, records: Sequence[Any]) -> list[Finding]:
        is_session = self.kind.family is Family.SESSION_MARKS
        students = self.lookups.students.rows.keys() if self.lookups.students else None
        plain, verdicts = self.rule.plain_fields, self.verdicts
        needs_closer_look = bool(self.rule.required - {"employee_id"})
        are_plain = not needs_closer_look and self._are_fields_plain(records)
        needs_employee = "employee_id" in self.rule.required
        odd_days = self._odd_days(records)
        for index, mark in enumerate(records):
            if students is not None and mark.student_id not in students:
                self._report("student_not_on_roll", index, mark, "student_id", ListName.STUDENTS)
            verdict = verdicts.get(mark.code) or self._judge(mark.code)
            if odd_days and mark.date in odd_days:
                self._report_day(index, mark, verdict, odd_days)
            if not is_session:
                self._check_lesson(index, mark, verdict)
            elif verdict.session is not None and verdict.session != mark.session:
                self._report_session(index, mark, verdict)
            if mark.employee_id is not None:
                self._check_employee(index, mark)
            elif needs_employee:
                self._report("employee_required", index, mark, "employee_id")
            if not (verdict.is_plain and (are_plain or mark.__pydantic_fields_set__ <= plain)) or needs_closer_look:
                self._look_closer(index, mark, verdict)
        if self.now is not None:
            self._check_observed(records, self.now)
        self._check_duplicates(records)
        return self.sorted_findings()

    def check_rest(self, index: int, rest: Any) -> None:
        students, lessons = self.lookups.students, self.lookups.lessons
        if rest.student_id is not None and students is not None and rest.student_id not in students.rows:
            self._report("student_not_on_roll", index, rest, "student_id", ListName.STUDENTS)
        lesson_id = getattr(rest, "lesson_id", None)
        if lesson_id is not None and lessons is not None and lesson_id not in lessons.rows:
            self._report("lesson_unknown", index, rest, "lesson_id", ListName.LESSONS)
        if rest.employee_id is not None:
            self._check_employee(index, rest)
        if rest.code is not None:
            self._report_code(index, rest, self.verdicts.get(rest.code) or self._judge(rest.code))

    def _odd_days(self, records: Sequence[Any]) -> dict[Date, list[Said]]:
        """Return the days of which there is something to say: a register has one day, so each is looked at once."""
        needs_lessons = self.kind.family is Family.SESSION_MARKS  # a lesson's own day is compared instead
        return {
            day: said
            for day in {mark.date for mark in records}
            if day is not None and (said := list(self._about(day, needs_lessons)))
        }

    def _about(self, day: Date, needs_lessons: bool) -> Iterable[Said]:
        return self.calendar.about(day, to_come=self.rule.day_to_come, needs_lessons=needs_lessons, needs_pupils=True)

    def _report_day(self, index: int, mark: Any, verdict: CodeVerdict, odd_days: dict[Date, list[Said]]) -> None:
        """Report what there is to say of a mark's day; warnings once a day, not thirty times a register."""
        stays: list[Said] = []
        for code, values in odd_days[mark.date]:
            if code == "day_is_closed" and verdict.code == CLOSED:
                stays.append((code, values))  # this mark says so itself: the next may not
                continue
            if code == "not_yet_happened":
                self._report_to_come(index, mark, verdict, "date", values)
            else:
                self._report(code, index, mark, "date", **values)
            if CATALOGUE[code].severity is Severity.ERROR:
                stays.append((code, values))
        odd_days[mark.date] = stays

    def _report_to_come(
        self, index: int, mark: Any, verdict: CodeVerdict, name: str, values: Mapping[str, Any]
    ) -> None:
        """Refuse a mark of a day to come that says the pupil was seen; of others warn, once a day."""
        if verdict.is_seen:
            self._report("present_in_future", index, mark, name, **{**values, "code": verdict.code})
        elif values["value"] not in self.warned_days:
            self.warned_days.add(values["value"])
            self._report("date_in_future", index, mark, name, **values)

    def _are_fields_plain(self, records: Sequence[Any]) -> bool:
        """Whether no field of any record needs a closer look: for a whole register this is quicker than one by one."""
        for watched in self.rule.watched_fields:
            given = [value for mark in records if (value := mark.__dict__[watched.name])]
            if not given:
                continue
            if watched.is_forbidden or watched.is_ignored or not all(map(str.isascii, given)):
                return False
            if watched.limit is not None and max(map(len, given)) > watched.limit:
                return False
        return not any(mark.minutes_late for mark in records)

    def _judge(self, given: str) -> CodeVerdict:
        """Decide once what is to be said of a code, given as itself or by its id."""
        codes = self.lookups.attendance_codes
        row = codes.resolve(given) if codes else None
        code = str(row.get("code") or given) if row else given
        verdict = CodeVerdict(code)
        if code == NO_MARK:
            verdict.findings.append(("code_is_no_mark", {}))
        elif codes is not None and row is None:
            suggestion = self.suggestions.of(codes, "", given)
            verdict.findings.append(("code_unknown", {"code": show(given), "suggestion": suggestion}))
        elif row is not None and not is_active(row):
            verdict.findings.append(("code_inactive", {}))
        if code in self.national.administrative:
            verdict.findings.append(("administrative_code", {}))
        verdict.needs_statutory_comment = code in self.rule.needs_statutory_comment
        national = self.national
        verdict.is_late = code in national.needs_minutes
        type_of_own = row.get("type") if row is not None and code not in national.all else None
        verdict.is_seen = code in self.seen_codes or type_of_own in self.rule.seen_types
        if self.kind.family is Family.SESSION_MARKS:
            verdict.session = national.sessions.get(code)
            if row is not None and national.all and self.rule.standard_codes_only and code not in national.all:
                verdict.findings.append(("custom_code_on_session", {}))
        verdict.is_plain = not (verdict.findings or verdict.needs_statutory_comment or verdict.is_late)
        self.verdicts[given] = verdict
        return verdict

    def _check_lesson(self, index: int, mark: Any, verdict: CodeVerdict) -> None:
        lessons = self.lookups.lessons
        row = self._lesson(mark.lesson_id)
        if lessons is not None and row is None:
            self._report("lesson_unknown", index, mark, "lesson_id", ListName.LESSONS)
            return
        lesson_date = row.get("date") if row is not None else None
        if mark.date is None:
            if lesson_date is not None:
                if self.tomorrow is not None and lesson_date >= self.tomorrow:
                    values = {"field": "The lesson's day", "value": lesson_date, "today": self.calendar.today}
                    self._report_to_come(index, mark, verdict, "lesson_id", values)
            elif self.rule.needs_date:
                self._report("date_required", index, mark, "date", ListName.LESSONS)
        elif lesson_date is not None and mark.date.isoformat() != lesson_date:
            self._report("lesson_not_on_date", index, mark, "date", ListName.LESSONS, lesson_date=lesson_date)

    def _lesson(self, lesson_id: str) -> Row | None:
        """Return a lesson; most marks of a register are for one."""
        if lesson_id not in self.lesson_rows:
            lessons = self.lookups.lessons
            self.lesson_rows[lesson_id] = lessons.rows.get(lesson_id) if lessons is not None else None
        return self.lesson_rows[lesson_id]

    def _check_employee(self, index: int, mark: Any) -> None:
        if self.carries_employee:
            self.uses_employees = True
            if self.known_employees is not None and mark.employee_id not in self.known_employees:
                self._report("employee_unknown", index, mark, "employee_id", ListName.EMPLOYEES)

    def _look_closer(self, index: int, mark: Any, verdict: CodeVerdict) -> None:
        """Check a record with fields that the rule says something about, or with a code that is not plain."""
        self._report_code(index, mark, verdict)
        self._check_fields(index, mark)
        if verdict.is_late or mark.minutes_late:
            self._check_late(index, mark, verdict)
        if verdict.needs_statutory_comment and not mark.statutory_comment:
            self._report("statutory_comment_required", index, mark, "statutory_comment", code=verdict.code)

    def _report_code(self, index: int, mark: Any, verdict: CodeVerdict) -> None:
        for code, values in verdict.findings:
            fresh = ListName.ATTENDANCE_CODES if code in ("code_unknown", "code_inactive") else None
            self._report(code, index, mark, "code", fresh, **{"code": verdict.code, **values})

    def _check_fields(self, index: int, mark: Any) -> None:
        """Check what the MIS's rule says of fields: required, forbidden, without a place, too long, with an emoji."""
        values = mark.__dict__
        for watched in self.rule.watched_fields:
            name, value = watched.name, values[watched.name]
            if value is None or is_nothing(value):
                if watched.is_required:
                    self._report("field_required", index, mark, name)
                continue
            if watched.is_forbidden:
                self._report("field_forbidden", index, mark, name)
            elif watched.is_ignored:
                self._report("field_not_carried", index, mark, name)
            if watched.limit is not None and (length := length_of(str(value))) > watched.limit:
                code = "statutory_comment_too_long" if name == "statutory_comment" else "comment_too_long"
                self._report(code, index, mark, name, length=length, limit=watched.limit)
            if watched.is_without_emoji and (emoji := first_emoji(str(value))):
                self._report("comment_emoji", index, mark, name, emoji=emoji)

    def _check_late(self, index: int, mark: Any, verdict: CodeVerdict) -> None:
        if "minutes_late" in self.rule.ignored:
            return
        if verdict.is_late and not mark.minutes_late:
            self._report("late_without_minutes", index, mark, "minutes_late", code=verdict.code)
        elif mark.minutes_late and verdict.code in self.national.all and verdict.code not in self.national.late:
            self._report("minutes_without_late", index, mark, "minutes_late", code=verdict.code)

    def _check_observed(self, records: Sequence[Any], now: datetime) -> None:
        """Refuse what was seen after now, which a clock that is ahead says; warn of what was seen before its day."""
        for index, mark in enumerate(records):
            seen = mark.observed_at
            if seen is None:
                continue
            said = {"value": seen.isoformat(), "now": now.isoformat(timespec="seconds")}
            if seen > now + _CLOCKS_DIFFER:
                self._report("observed_in_future", index, mark, "observed_at", **said)
            elif mark.date is not None and self.school.today(seen) < mark.date:
                self._report("observed_before_its_day", index, mark, "observed_at", **said, day=mark.date)

    def _check_duplicates(self, records: Sequence[Any]) -> None:
        if len({record.student_id for record in records}) == len(records):
            return  # a slot is a pupil's, so there cannot be two
        slots = [self.kind.slot(record) for record in records]
        if len(set(slots)) == len(slots):
            return
        seen: dict[str | None, int] = {}
        for index, slot in enumerate(slots):
            if slot is not None and slot in seen:
                first = self.position(seen[slot])
                self._report("duplicate_slot", index, records[index], "", first=first, slot="pupil and time")
            else:
                seen[slot] = index

    def _report_session(self, index: int, mark: Any, verdict: CodeVerdict) -> None:
        other = AFTERNOON if verdict.code == MORNING else MORNING
        values = {"code": verdict.code, "right": verdict.session, "other": other}
        self._report("code_wrong_session", index, mark, "code", **values)

    def _report(
        self, finding: str, index: int, mark: Any, name: str, list_name: ListName | None = None, /, **values: Any
    ) -> None:
        """Add a finding about the field `name` of a record; `list_name` is the lookup that it rests on."""
        self.report(finding, index, (name,) if name else (), {**mark.__dict__, **values}, list_name)
