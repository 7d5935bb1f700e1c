"""Pure validation: records, a school and its lookups go in, findings come out, all of them at once.

`accept` calls `validate`, refreshes `lists_to_refresh` once if an id was not found, and validates again.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date as Date
from datetime import datetime

from validators.absence import AbsenceCheck
from validators.attendance import AttendanceCheck
from validators.check import Check
from validators.conduct import ConductCheck
from validators.detention import DetentionCheck
from validators.features import FeatureRule, all_rules, rule_for, validate_overrides, validate_rules
from validators.findings import CATALOGUE, ListFinding, make, texts_of
from validators.permissions import Grant, grant_of
from validators.records import RawCheck
from writeback.domain.finding import Finding
from writeback.domain.kinds import Family, Kind, Record
from writeback.domain.lookups import ListName, LookupView
from writeback.domain.school import School

CHECKS: dict[Family, type[Check]] = {
    Family.SESSION_MARKS: AttendanceCheck,
    Family.LESSON_MARKS: AttendanceCheck,
    Family.CONDUCT: ConductCheck,
    Family.DETENTION: DetentionCheck,
    Family.ABSENCE: AbsenceCheck,
    Family.RAW: RawCheck,
}
"""Who validates a family; a new family adds its module and a line here."""

_UNGRANTED = {Grant.MISSING: "permission_missing", Grant.DOUBTFUL: "permission_doubtful"}
_LIST_NAMES = {
    ListName.STUDENTS: "pupils",
    ListName.EMPLOYEES: "staff",
    ListName.ATTENDANCE_CODES: "attendance codes",
    ListName.LESSONS: "lessons",
    ListName.ACHIEVEMENT_ATTRIBUTES: "types, awards and activities of achievements",
    ListName.BEHAVIOUR_ATTRIBUTES: "types, actions and other choices of behaviours",
    ListName.DETENTION_ATTRIBUTES: "types, rooms and other choices of detentions",
    ListName.STUDENT_ABSENCE_ATTRIBUTES: "types and reasons of pupils' absences",
    ListName.EMPLOYEE_ABSENCE_ATTRIBUTES: "types and other choices of staff absences",
    ListName.CLOSURES: "holidays and closures",
}


def validate(
    kind: Kind,
    records: Sequence[Record],
    school: School,
    lookups: LookupView,
    *,
    stale_lists: Collection[ListName] = (),
    positions: Sequence[int] | None = None,
    today: Date | None = None,
    now: datetime | None = None,
    most: int | None = None,
) -> list[Finding]:
    """Return everything that is to be said of `records`: first of the whole, then record by record.

    Of one record no more than MOST_OF_RECORD findings are made, and once there are `most` of all records, one of each.

    `positions` says where each record was in the submission, where some could not be read; pointers follow it.
    `today` is the school's day, `now` the instant of acceptance; without them nothing is said of past and future.
    """
    rule = rule_for(school, kind.name)
    about_school = _about_school(kind, rule, school)
    if not rule.supported:
        return about_school
    check = CHECKS[kind.family](kind, rule, school, lookups, positions, today)
    check.most, check.now = most, now
    findings = check.run(records)
    about_lists = [
        finding for name in check.used_lists() if (finding := _about_list(name, rule, school, lookups, stale_lists))
    ]
    return [*about_school, *about_lists, *findings]


def validate_rests(
    kind: Kind, rests: Mapping[int, Record], school: School, lookups: LookupView, *, most: int | None = None
) -> list[Finding]:
    """Return what the school's lists say of records of the wrong shape, by place: as much of each as can be read."""
    rule = rule_for(school, kind.name)
    if not rests or not rule.supported:
        return []
    check = CHECKS[kind.family](kind, rule, school, lookups, list(rests), None)
    check.most = most
    return check.run_on_rests(list(rests.values()))


def _about_school(kind: Kind, rule: FeatureRule, school: School) -> list[Finding]:
    """Return what keeps the school from taking this kind at all, or may."""
    texts = texts_of(rule, school)
    if not rule.supported:
        reason = rule.reason or f"{rule.provider_name} does not carry it"
        code, texts = "writeback_not_supported", {**texts, "reason": reason}
    elif (grant := grant_of(rule, school)) in _UNGRANTED:
        code, texts = _UNGRANTED[grant], {**texts, "permission": rule.permission}
    else:
        return []
    return [make(code, texts, provider=rule.provider, family=kind.family)]


def lists_to_refresh(findings: Iterable[Finding]) -> set[ListName]:
    """Return the lists of which a fresh copy may settle a finding: fetch these once, then validate again."""
    return {
        finding.list
        for finding in findings
        if isinstance(finding, ListFinding) and finding.list is not None and finding.code != "lookup_stale"
    }


def _about_list(
    name: ListName, rule: FeatureRule, school: School, lookups: LookupView, stale_lists: Collection[ListName]
) -> Finding | None:
    """Return the warning that a list was never fetched or is old, None where it is there and fresh."""
    if lookups.get(name) is None:
        code = "lookup_missing"
    elif name in stale_lists:
        code = "lookup_stale"
    else:
        return None
    fate = "wait until it has been fetched" if name in rule.waits_for else "are sent unchecked"
    values = {**texts_of(rule, school), "list": _LIST_NAMES[name], "fate": fate}
    return make(code, values, provider=rule.provider, list_name=name)


__all__ = [
    "CATALOGUE",
    "CHECKS",
    "Check",
    "FeatureRule",
    "ListFinding",
    "all_rules",
    "lists_to_refresh",
    "rule_for",
    "validate",
    "validate_overrides",
    "validate_rests",
    "validate_rules",
]
