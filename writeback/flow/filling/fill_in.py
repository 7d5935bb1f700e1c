"""The one place where a record is made more than its app said: after it was read, before it is validated. Pure.

Whatever is filled in is said by a finding of the record, a warning, so that it stands in the record's timeline.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from validators.catalogue import CATALOGUE, RaisedBy
from writeback.domain.finding import Finding, Severity
from writeback.domain.kinds import Kind, Record
from writeback.domain.lookups import LookupView
from writeback.domain.school import School
from writeback.domain.writeback import RecordProgress
from writeback.flow.filling.defaults import with_defaults
from writeback.flow.filling.school_clock import on_the_schools_clock
from writeback.flow.filling.words import WordFilling

_OURS = frozenset(code for code, entry in CATALOGUE.items() if entry.raised_by is RaisedBy.SETTINGS)
"""Codes of findings that say what was filled in."""


@dataclass(frozen=True, slots=True)
class Filled:
    """Records as they are validated and kept, in the same places; and what is to be said of what was filled in."""

    records: Sequence[Record]
    findings: Sequence[Finding] = ()


def fill_in(
    kind: Kind,
    records: Sequence[Record],
    school: School,
    lookups: LookupView,
    *,
    app_id: str,
    positions: Sequence[int] | None = None,
) -> Filled:
    """Return the records as this school has them meant, where an app's record is silent or has words of its own.

    `positions` tells where each record is in its submission (None: as they come). A school that has set nothing gets
    its records back as they are.
    """
    findings: list[Finding] = []
    records = on_the_schools_clock(records, school)
    if school.words:
        words = WordFilling(kind, school, lookups, app_id)
        records = words.fill(records, lambda index: index if positions is None else positions[index])
        findings += words.findings
    if kind.name in school.defaults:
        records, found = with_defaults(kind, records, school, lookups, positions)
        findings += found
    return Filled(records, findings)


def with_codes(
    kind: Kind, rests: Mapping[int, Record], school: School, lookups: LookupView, *, app_id: str
) -> Mapping[int, Record]:
    """Return what can be read of records of the wrong shape, with codes for words: so that only what is wrong is
    said."""
    if not (rests and school.words):
        return rests
    filled = WordFilling(kind, school, lookups, app_id).fill(list(rests.values()), int)
    return dict(zip(rests, filled, strict=True))


def in_short(said: Iterable[Iterable[str]]) -> str | None:
    """Return for the timeline in how many records something was filled in, by the codes of each record's findings; None
    where nothing was."""
    count = sum(not _OURS.isdisjoint(codes) for codes in said)
    records = "a record" if count == 1 else f"{count} records"
    return f"the school's settings speak in {records}: see the findings" if count else None


def said_of_filling(progress: RecordProgress) -> list[Finding]:
    """Return what was said of a record when it was filled in."""
    return [
        Finding(**{**one, "severity": Severity(one["severity"])}) for one in progress.findings if one["code"] in _OURS
    ]
