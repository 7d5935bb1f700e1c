"""Which writebacks somebody wants, and which they may see: filters as SQL conditions.

Lists, counts and calls by filter share these. What a writeback is found by is kept in terms, a moment behind
(`store/reads/search.py`); a writeback with something newer is looked through itself, so that filters are always exact.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, not_, or_
from sqlmodel import col

from writeback.domain.access import Caller
from writeback.domain.mode import TEST_PREFIX, Mode
from writeback.store.reads import search
from writeback.store.reads.search import SUBJECTS, Term
from writeback.store.reads.timeline import as_json_text
from writeback.store.tables import WritebackRow


@dataclass(frozen=True)
class Filter:
    """Which writebacks to list; None and empty: all."""

    school: str | None = None
    kinds: Sequence[str] = ()
    statuses: Sequence[str] = ()
    app: str | None = None
    ref: str | None = None
    since: datetime | None = None
    """Accepted at or after this."""
    until: datetime | None = None
    """Accepted before this."""
    code: str | None = None
    """Of a finding that one of its records has."""
    said: str | None = None
    """With `code`: the key of the provider's words (`domain/provider_words.py`)."""
    hold: str | None = None
    """What it waits for."""
    student: str | None = None
    """The provider's id of a pupil, or of a member of staff, that a record is about."""
    batch: str | None = None
    """The batch that it came in."""
    provider_ref: str | None = None
    """A provider's reference of one of its requests."""
    mode: Mode | None = None
    """Of schools that are live, or for tests."""
    q: str | None = None
    """An id or a reference of any sort, or how one begins."""

    @property
    def is_by_term(self) -> bool:
        """Whether it names something that few writebacks have."""
        return any((self.ref, self.code, self.student, self.provider_ref, self.q))

    @property
    def is_by_school_and_status(self) -> bool:
        """Whether it says nothing but these, and the app."""
        said = {field.name for field in fields(self) if getattr(self, field.name)}
        return said <= {"school", "statuses", "app"}


def visible(caller: Caller) -> list[ColumnElement[bool]]:
    """Return SQL conditions: the caller may see the writeback, so lists and counts have it."""
    found = reachable(caller)
    if caller.kinds is not None:
        found.append(col(WritebackRow.kind).in_(caller.kinds))
    return found


def reachable(caller: Caller) -> list[ColumnElement[bool]]:
    """Return SQL conditions: the writeback is there for the caller, who is told where they may not see its kind."""
    found: list[ColumnElement[bool]] = []
    if caller.sees_app is not None:
        found.append(col(WritebackRow.app_id) == caller.sees_app)
    return [*found, *in_reach(caller, WritebackRow.school_id)]


def in_reach(caller: Caller, column: Any) -> list[ColumnElement[bool]]:
    """Return SQL conditions: the school of this column is one that the caller may touch."""
    found = in_mode(caller.mode, column)
    if caller.schools is not None:
        found.append(col(column).in_(caller.schools))
    return found


def among(schools: Collection[str] | None, column: Any) -> list[ColumnElement[bool]]:
    """Return SQL conditions: the school of this column is one of these; None: of all live ones."""
    return in_mode(Mode.LIVE, column) if schools is None else [col(column).in_(schools)]


def in_mode(mode: Mode | None, column: Any) -> list[ColumnElement[bool]]:
    """Return SQL conditions: the school, or app, of this column is of the mode; None: of either."""
    if mode is None:
        return []
    is_test = col(column).startswith(TEST_PREFIX, autoescape=True)
    return [is_test if mode is Mode.TEST else not_(is_test)]


def conditions(wanted: Filter, carried: Collection[str] = ()) -> list[ColumnElement[bool]]:
    """Return SQL conditions: the writeback is one of those wanted.

    `carried` are the ids of those that the filter's provider reference, or `q` as one, names: `search.carried_by`.
    """
    found: list[ColumnElement[bool]] = []
    for column, value in (
        (WritebackRow.school_id, wanted.school),
        (WritebackRow.app_id, wanted.app),
        (WritebackRow.batch_id, wanted.batch),
        (WritebackRow.hold_reason, wanted.hold),
    ):
        if value is not None:
            found.append(col(column) == value)
    found += in_mode(wanted.mode, WritebackRow.school_id)
    if wanted.kinds:
        found.append(col(WritebackRow.kind).in_(wanted.kinds))
    if wanted.statuses:
        found.append(col(WritebackRow.status).in_(wanted.statuses))
    if wanted.since is not None:
        found.append(col(WritebackRow.created_at) >= wanted.since)
    if wanted.until is not None:
        found.append(col(WritebackRow.created_at) < wanted.until)
    return [*found, *_by_terms(wanted, carried)]


def _by_terms(wanted: Filter, carried: Collection[str]) -> list[ColumnElement[bool]]:
    """Terms narrow it down; the writeback itself has the last word, for it may have changed since."""
    found: list[ColumnElement[bool]] = []
    if wanted.ref is not None:
        found += [search.may_have([Term.REF], wanted.ref, wanted.school), col(WritebackRow.ref) == wanted.ref]
    if wanted.code is not None:
        finding = f'"code":{as_json_text(wanted.code)}'
        found.append(search.may_have([Term.FINDING], wanted.code, wanted.school))
        found.append(col(WritebackRow.progress).contains(finding, autoescape=True))
    if wanted.said is not None:
        found.append(search.has_words(wanted.code or "", wanted.said))  # without a code: none
    if wanted.student is not None:
        found += [search.may_have([Term.PUPIL, Term.EMPLOYEE], wanted.student, wanted.school), _names(wanted.student)]
    if wanted.provider_ref is not None:
        found.append(col(WritebackRow.id).in_(carried))
    if wanted.q is not None:
        found.append(search.is_found_by(wanted.q, carried, wanted.school))
    return found


def _names(person: str) -> ColumnElement[bool]:
    """SQL condition: a record names this person. Records are JSON text, with or without a space after the colon."""
    records, quoted = col(WritebackRow.records), as_json_text(person)
    texts = [f'"{field}":{space}{quoted}' for field in SUBJECTS for space in ("", " ")]
    return or_(*(records.contains(text, autoescape=True) for text in texts))
