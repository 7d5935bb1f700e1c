"""What is left of a row without the person: a rule for each table, called from `places.py`. Pure but for seals.

A record that is about them goes as a whole; free text that names them too; of what is about others they are taken out.
"""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit, urlunsplit

from writeback.batches.cells import plain_text
from writeback.batches.columns import column_map
from writeback.batches.layout import Layout
from writeback.core.errors import ConfigurationError
from writeback.core.secrets import SecretBox
from writeback.domain.data_subject import ALL_ID_FIELDS, ERASED, LIST_OF, Person, read_json
from writeback.domain.directory.index import PeopleIndex
from writeback.domain.writeback import RecordProgress, RecordStatus, pack_progress, unpack_progress
from writeback.store import tables as t
from writeback.store.batches.batches import LineState
from writeback.store.people import audit as audit_log
from writeback.store.tables.columns import Stored


class _Gone(Enum):
    GONE = "gone"


GONE = _Gone.GONE
"""Nothing is left: the row is deleted."""
Change = dict[str, Any] | _Gone | None
"""What is to be written into a row; None: it has nothing of the person."""


@dataclass
class Look:
    """What is known while the tables are gone through."""

    secrets: SecretBox
    now: datetime
    kinds: dict[str, str] = field(default_factory=dict)
    """Of the writebacks of the page."""
    layouts: dict[str, Layout | None] = field(default_factory=dict)
    """Of the school's batches."""
    touched: set[str] = field(default_factory=set)
    """Writebacks that name the person."""
    erased: set[tuple[str, int]] = field(default_factory=set)
    """Records of which nothing is left: writeback and index."""
    waiting: set[str] = field(default_factory=set)
    """Ids of what is still on its way, or needed for that: writebacks, and batches."""
    lanes_with_marks: set[str] = field(default_factory=set)
    """Lanes in which marks of the pupil are among these."""


def named_texts(row: Any, person: Person, *names: str) -> dict[str, Any]:
    """Return the change of columns of free text: one that names the person goes as a whole."""
    return {name: ERASED for name in names if (text := getattr(row, name)) and person.is_named_in(text)}


def named_json(row: Any, person: Person, *names: str) -> dict[str, Any]:
    """Return the change of JSON, in columns of JSON or of text: each text in it that names the person goes."""
    changed = {}
    for name in names:
        before = getattr(row, name)
        content = read_json(before) if isinstance(before, str) else before
        if content and (after := person.scrubbed(content)) != content:
            changed[name] = compact(after) if isinstance(before, str) and not isinstance(after, str) else after
    return changed


def school(row: t.SchoolRow, person: Person, look: Look) -> Change:
    """Take a default that names the person away: nothing may be written in the place of its id."""
    defaults = {
        kind: {name: value for name, value in fields.items() if not person.is_named_in(value)}
        for kind, fields in row.defaults.items()
    }
    changed = {"defaults": defaults} if defaults != row.defaults else {}
    return {**changed, **named_json(row, person, "hold_detail", "facts", "year")} or None


def compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


# --- writebacks and what hangs on them


def writeback(row: t.WritebackRow, person: Person, look: Look) -> Change:
    if not any(map(person.may_be_in, (row.records, row.progress, row.ref or "", row.evidence or ""))):
        return None
    records = json.loads(row.records)
    progress = unpack_progress(row.progress, len(records))
    after = [person.without(row.kind, record) for record in records]
    entries = [
        _entry(entry, person, is_about=record is not None and kept is None)
        for record, kept, entry in zip(records, after, progress, strict=True)
    ]
    changed: dict[str, Any] = {}
    if after != records:
        changed["records"] = compact(after)
    if entries != progress:
        changed["progress"] = pack_progress(entries)
    changed |= named_texts(row, person, "ref", "evidence")
    return changed or None


def _entry(entry: RecordProgress, person: Person, *, is_about: bool) -> RecordProgress:
    """Return what is known of a record: of one about the person its state, evidence and the codes of its findings."""
    findings = tuple(person.finding_without(one, is_about=is_about) for one in entry.findings)
    if is_about:
        # One that never left, of a writeback that expired, would keep the others waiting if these were sent again.
        status = RecordStatus.CANCELLED if entry.status is RecordStatus.QUEUED else entry.status
        return replace(entry, status=status, findings=findings, mis_ids=(), mis_holds=None, near=(), erased=True)
    near = tuple(one for one in entry.near if not person.is_in(one))
    mis_ids = tuple(one for one in entry.mis_ids if not person.is_named_in(one))
    held = person.scrubbed(entry.mis_holds)
    if (findings, near, mis_ids, held) == (entry.findings, entry.near, entry.mis_ids, entry.mis_holds):
        return entry
    return replace(entry, findings=findings, near=near, mis_ids=mis_ids, mis_holds=held)


def correction(row: t.CorrectionRow, person: Person, look: Look) -> Change:
    kind, changes = look.kinds[row.writeback_id], json.loads(row.records)
    after = [_change_of_record(one, kind, person) for one in changes]
    changed = {"records": compact(after)} if after != changes else {}
    return {**changed, **named_texts(row, person, "reason")} or None


def _change_of_record(change: Mapping[str, Any], kind: str, person: Person) -> dict[str, Any]:
    before, after = change.get("before"), change.get("after")
    is_about = before is not None and person.is_about(kind, before)
    findings = [person.finding_without(one, is_about=is_about) for one in change.get("findings_before", ())]
    left = {"before": person.without(kind, before), "after": person.without(kind, after)}
    return {**change, "findings_before": findings, **left}


def member(row: t.DropInMemberRow, person: Person, look: Look) -> Change:
    ids = [ERASED if person.has_id(one) or person.is_named_in(one) else one for one in row.ids]
    return {"ids": ids} if ids != row.ids else None


def door(row: t.DropInRow, person: Person, look: Look) -> Change:
    return {**_url(row, person, "callback"), **named_json(row, person, "told")} or None


def delivery(row: t.DeliveryRow, person: Person, look: Look) -> Change:
    return {**_url(row, person, "url"), **named_json(row, person, "payload")} or None


def _url(row: Any, person: Person, name: str) -> dict[str, Any]:
    """Return the change of a column that holds a URL: parts of the path and parameters that name the person go."""
    url = getattr(row, name)
    if not url or not person.is_named_in(unquote(url.replace("+", " "))):
        return {}
    split = urlsplit(url)
    path = "/".join(ERASED if person.is_named_in(unquote(part)) else part for part in split.path.split("/"))
    query = [(key, person.scrubbed(value)) for key, value in parse_qsl(split.query, keep_blank_values=True)]
    return {name: urlunsplit(split._replace(path=path, query=urlencode(query)))}


def claim(row: t.ClaimRow, person: Person, look: Look) -> Change:
    return GONE if (row.writeback_id, row.record) in look.erased else None


def recent_create(row: t.RecentCreateRow, person: Person, look: Look) -> Change:
    return GONE if row.writeback_id in look.touched else None


# --- requests


def request(row: t.RequestRow, person: Person, look: Look) -> Change:
    slots = [one for one in row.slots if not person.is_named_in(one)]
    changed: dict[str, Any] = {"slots": slots} if slots != row.slots else {}
    changed |= named_json(row, person, "hints") | named_texts(row, person, "provider_ref", "evidence")
    return changed or None


def answer(row: t.ProviderAnswerRow, person: Person, look: Look) -> Change:
    """An answer that names them goes whole, and so does one that nobody can open any more."""
    try:
        kept = look.secrets.open(row.sealed)
    except ConfigurationError:
        return GONE
    text = base64.b64decode(str(kept["body"])).decode("utf-8", "replace")
    content = read_json(text)
    return GONE if person.is_named_in(text) or (content is not text and person.is_in(content)) else None


def doubt(row: t.MarkInDoubtRow, person: Person, look: Look) -> Change:
    return GONE if person.is_named_in(row.slot) else None


# --- batches


def line(row: t.BatchLine, person: Person, look: Look) -> Change:
    layout = look.layouts.get(row.batch_id)
    kind = layout.kind if layout is not None else ""
    changed: dict[str, Any] = {}
    cells = json.loads(row.cells) if row.cells else []
    record = json.loads(row.record) if row.record else None
    left = person.without(kind, record)
    is_theirs = record is not None and left is None  # though the row may name them by a UPN, or a name that few know
    kept = [ERASED, *[""] * (len(cells) - 1)] if is_theirs and cells else _cells(cells, layout, person)
    if kept != cells or (row.mended and person.is_in(read_json(row.mended))):
        changed |= {"cells": compact(kept), "mended": "", "people": "", "same": "", "group_key": ""}
    if left != record:
        changed |= {"record": compact(left) if left is not None else "", "same": "", "group_key": ""}
    findings = json.loads(row.findings) if row.findings else []
    is_about = is_whole_row(changed)
    without = [person.finding_without(one, is_about=is_about) for one in findings]
    if without != findings:
        changed["findings"] = compact(without)
    if is_about and row.state == LineState.GOOD:  # of a file in review: nothing is left to be sent
        changed["state"] = LineState.LEFT_OUT.value
    return changed or None


def person_of_file(row: t.BatchPersonRow, person: Person, look: Look) -> Change:
    """One that names the person, or has been found to be them, goes whole."""
    return GONE if person.has_id(row.person_id) or person.is_in(read_json(row.reference)) else None


def is_whole_row(change: Change) -> bool:
    """Whether a change of a file's row takes all that it says: the row is about the person."""
    cells = json.loads(change["cells"]) if isinstance(change, dict) and "cells" in change else []
    return bool(cells) and cells[0] == ERASED and not any(cells[1:])


def _cells(cells: Sequence[str], layout: Layout | None, person: Person) -> list[str]:
    """Return a row's cells: nothing of a row that is theirs, of others what does not name them."""
    kind = layout.kind if layout is not None else ""
    if layout is None or not layout.fields:  # NDJSON: one cell, the line
        return [_ndjson(cell, kind, person) for cell in cells]
    named = dict(zip(layout.fields, cells, strict=False))
    whose = {name: plain_text(cell) for name, cell in named.items() if name in ALL_ID_FIELDS}
    fields = column_map(kind)
    others = " ".join(plain_text(cell) for cell, name in zip(cells, layout.fields, strict=False) if name not in fields)
    if person.is_about(kind, whose) or person.is_named_in(others):
        return [ERASED, *[""] * (len(cells) - 1)]
    return [
        cell if person.cell_without(name, plain_text(cell)) == plain_text(cell) else ERASED
        for cell, name in zip(cells, (*layout.fields, *[None] * len(cells)), strict=False)
    ]


def _ndjson(line: str, kind: str, person: Person) -> str:
    content = read_json(line)
    if not isinstance(content, dict):
        return ERASED if person.is_named_in(line) else line
    left = person.without(kind or str(content.get("kind", "")), content)
    if left == content:
        return ERASED if person.is_in(content) else line
    return ERASED if left is None else compact(left)


# --- lists


def lookup(row: t.LookupRow, person: Person, look: Look) -> Change:
    if row.list != LIST_OF[person.role]:
        return None
    rows = json.loads(row.rows)
    kept = {key: one for key, one in rows.items() if not person.has_id(key)}
    if len(kept) == len(rows):
        return None
    # No cursor: should they be on roll still, the refusal of their next mark has the whole list fetched, and it goes.
    return {"rows": compact(kept), "version": row.version + 1, "cursor": None}


def directory(row: t.DirectoryRow, person: Person, look: Look) -> Change:
    """Hashes lead to a person by the id alone; names are sealed for the whole list."""
    people = PeopleIndex.from_text(row.people)
    theirs = [one for one in (*people.ids, *people.gone) if person.has_id(one)]
    if row.list != LIST_OF[person.role] or not theirs:
        return None
    for one in theirs:
        people = people.without(one)
    change: dict[str, Any] = {"people": people.as_text(), "version": row.version + 1}
    shown = directory_details(row, look)
    if kept := {one: details for one, details in shown.items() if not person.has_id(one)}:
        change["details"] = look.secrets.seal(kept)
    elif row.details:
        change["details"] = ""
    return change


def directory_details(row: t.DirectoryRow, look: Look) -> Mapping[str, Any]:
    """Return the names of a directory; none where they cannot be read any more, so that all of them go."""
    try:
        return look.secrets.open(row.details) if row.details else {}
    except ConfigurationError:
        return {}


def removals(row: t.RemovalsRow, person: Person, look: Look) -> Change:
    if row.list != LIST_OF[person.role]:
        return None
    ids = json.loads(row.ids)
    kept = [one for one in ids if not person.has_id(one)]
    if len(kept) == len(ids):
        return None
    return {"ids": compact(kept), "entries": len(kept)} if kept else GONE


def unknown_word(row: t.UnknownWordRow, person: Person, look: Look) -> Change:
    return GONE if person.is_named_in(row.word) else None


def search_term(row: t.SearchTermRow, person: Person, look: Look) -> Change:
    return GONE if person.has_id(row.term) else None


def idempotency(row: t.IdempotencyRow, person: Person, look: Look) -> Change:
    answer = read_json(row.answer)
    if not isinstance(answer, dict) or answer.get("school") != person.school_id:
        return None
    return GONE if person.is_named_in(row.key) else named_json(row, person, "answer") or None


def as_named_in(row: Stored, person: Person) -> Person:
    """Return the person as a row may name them: by the id alone where it is about many schools, for whoever is
    limited to some; they could read of others there, by giving common words as a name."""
    if person.names_everywhere:
        return person
    is_of_many = (isinstance(row, t.BulkRow) and row.school_id is None) or (
        isinstance(row, t.AuditRow) and row.school is None
    )
    return replace(person, names=()) if is_of_many else person


def bulk(row: t.BulkRow, person: Person, look: Look) -> Change:
    if row.school_id not in (None, person.school_id):
        return None
    person = as_named_in(row, person)
    return named_json(row, person, "reason", "wanted", "changes", "refusals", "trouble") or None


def audit(row: t.AuditRow, person: Person, look: Look) -> Change:
    person = as_named_in(row, person)
    named = {name for name in ("reason", "subject") if person.is_named_in(getattr(row, name))}
    # Numbers there are indexes and counts: one that is a short id as well says nothing of anybody.
    changed = ({name: value} for name, value in row.changed.items())
    named |= {f"changed.{name}" for one in changed for name in one if person.scrubbed(one) != one}
    return audit_log.columns_without(row, named) if named else None
