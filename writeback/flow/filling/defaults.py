"""A school's defaults: who, where and what stands in a record that is silent about it. Pure; called by `fill_in`."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from validators.features import FeatureRule, rule_for
from validators.findings import make, texts_of
from validators.references import is_listed
from writeback.domain.finding import Finding
from writeback.domain.kinds import Kind, Record
from writeback.domain.lookups import LookupView
from writeback.domain.school import School
from writeback.domain.school_settings.defaults import ONLY_WHERE_NEEDED
from writeback.domain.submission.shape_findings import show


@dataclass(frozen=True, slots=True)
class _Default:
    field: str
    value: str
    is_usable: bool
    """False: the school's list has it no longer, and the record goes without."""
    finding: Finding
    """What is said of it, of no record yet."""


def with_defaults(
    kind: Kind, records: Sequence[Record], school: School, lookups: LookupView, positions: Sequence[int] | None
) -> tuple[Sequence[Record], list[Finding]]:
    """Return the records with the school's defaults where they say nothing, and a warning for each that was used.

    What the MIS needs is filled in whatever the lists say: validation looks it up as if the app had sent it. What it
    can do without is left out where the school's list has it no longer, for no record is refused for that.
    """
    rule = rule_for(school, kind.name)
    defaults = list(_usable(kind, rule, school, lookups))
    if not defaults:
        return records, []
    filled, findings = list(records), list[Finding]()
    for index, record in enumerate(records):
        silent = [one for one in defaults if getattr(record, one.field) is None]
        if not silent:
            continue
        given = {one.field: one.value for one in silent if one.is_usable}
        filled[index] = record.model_copy(update=given) if given else record
        position = index if positions is None else positions[index]
        findings += [
            replace(one.finding, pointer=f"/records/{position}/{one.field}", record=position) for one in silent
        ]
    return filled, findings


def _usable(kind: Kind, rule: FeatureRule, school: School, lookups: LookupView) -> Iterator[_Default]:
    """Yield the defaults that the MIS has a place for, and needs where only a need speaks for them."""
    for field, value in school.defaults.get(kind.name, {}).items():
        is_needed = field in rule.required
        if field in rule.ignored | rule.forbidden or (field in ONLY_WHERE_NEEDED and not is_needed):
            continue
        is_usable = is_needed or is_listed(kind.name, field, value, lookups)
        code = "default_used" if is_usable else "default_not_on_list"
        values = {**texts_of(rule, school), "field": field, "value": show(value)}
        yield _Default(field, value, is_usable, make(code, values, provider=rule.provider))
