"""Pure validation: records, a school and its lookups go in, findings come out, all of them at once.

`accept` calls `validate`, refreshes `lists_to_refresh` once if an id was not found, and validates again.
"""

from collections.abc import Collection, Iterable, Sequence

from validators.attendance import AttendanceCheck
from validators.features import FeatureRule, all_rules, rule_for, validate_overrides, validate_rules
from validators.findings import CATALOGUE, ListFinding, make, texts_of
from writeback.domain.finding import Finding
from writeback.domain.kinds import Family, Kind, Record
from writeback.domain.lookups import ListName, LookupView
from writeback.domain.school import School

CHECKS: dict[Family, type[AttendanceCheck]] = {
    Family.SESSION_MARKS: AttendanceCheck,
    Family.LESSON_MARKS: AttendanceCheck,
}
"""Who validates a family; a new family adds its module and a line here."""

_LIST_NAMES = {
    ListName.STUDENTS: "pupils",
    ListName.EMPLOYEES: "staff",
    ListName.ATTENDANCE_CODES: "attendance codes",
    ListName.LESSONS: "lessons",
}


def validate(
    kind: Kind,
    records: Sequence[Record],
    school: School,
    lookups: LookupView,
    *,
    stale_lists: Collection[ListName] = (),
    positions: Sequence[int] | None = None,
) -> list[Finding]:
    """Return everything that is to be said of `records`: first of the whole, then record by record.

    `positions` says where each record was in the submission, where some could not be read; pointers follow it.
    """
    rule = rule_for(school, kind.name)
    if not rule.supported:
        reason = rule.reason or f"{rule.provider_name} does not carry it"
        return [make("writeback_not_supported", {**texts_of(rule, school), "reason": reason}, provider=rule.provider)]
    check = CHECKS[kind.family](kind, rule, school, lookups, positions)
    findings = check.run(records)
    used = [name for name in kind.lists if name != ListName.EMPLOYEES or check.uses_employees]
    about_lists = [
        finding for name in used if (finding := _about_list(ListName(name), rule, school, lookups, stale_lists))
    ]
    return [*about_lists, *findings]


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
    return make(code, {**texts_of(rule, school), "list": _LIST_NAMES[name]}, provider=rule.provider, list_name=name)


__all__ = [
    "CATALOGUE",
    "CHECKS",
    "FeatureRule",
    "ListFinding",
    "all_rules",
    "lists_to_refresh",
    "rule_for",
    "validate",
    "validate_overrides",
    "validate_rules",
]
