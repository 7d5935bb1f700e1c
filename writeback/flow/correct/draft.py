"""The draft of a resubmission, with edits applied: read and checked before anything is changed."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo
from typing import Any

from writeback.core.errors import MOST_FINDINGS, Conflict, InvalidSubmission
from writeback.domain.changes import Changes, change
from writeback.domain.corrections import RESUBMITTABLE, going_again, in_doubt
from writeback.domain.data_subject import ERASED, has_gap
from writeback.domain.finding import Finding
from writeback.domain.kept import Kept
from writeback.domain.kinds import KINDS, Kind, Record, parse_records
from writeback.domain.submission.submission import OnInvalid, read_record
from writeback.domain.writeback import RecordProgress, RecordStatus, unpack_progress
from writeback.flow.engine.former_ids import said_of_ids
from writeback.store.tables import WritebackRow


@dataclass(frozen=True)
class Edit:
    """A record to be sent instead of the one at `index`, whole; `record` is JSON."""

    index: int
    record: Mapping[str, Any]


@dataclass(frozen=True)
class Order:
    """How to resubmit. `not_in_mis`: somebody has looked, and what was in doubt is not in the MIS."""

    edits: Sequence[Edit] = ()
    on_invalid: OnInvalid = "reject"
    not_in_mis: bool = False
    changes: Changes = field(default_factory=Changes)
    """Made in every record that they touch; with substitutions no other record goes."""


@dataclass(frozen=True)
class Draft:
    """A writeback as it was read, and as it would be sent."""

    row: WritebackRow
    """Read without a lock: `is_still` says whether it has not changed since."""
    records: Sequence[Record | None]
    """With the edits in their places."""
    progress: Sequence[RecordProgress]
    going: Sequence[int]
    """Indexes of the records that go again."""
    edited: frozenset[int]
    """Indexes of the records that say something else from now on."""
    findings: list[Finding] = field(default_factory=list)
    """By the records' places in the writeback."""

    @property
    def kind(self) -> Kind:
        return KINDS[self.row.kind]

    @property
    def unreadable(self) -> set[int]:
        """Indexes of edits of the wrong shape."""
        return {index for index in self.edited if self.records[index] is None}

    @property
    def bad(self) -> set[int]:
        """Indexes of the records that cannot be sent."""
        return {one.record for one in self.findings if one.is_error and one.record is not None}

    @property
    def good(self) -> list[int]:
        return [index for index in self.going if index not in self.bad]

    def is_refused(self, on_invalid: OnInvalid) -> bool:
        """Whether nothing of it may go."""
        errors = [one for one in self.findings if one.is_error]
        about_all = any(one.record is None for one in errors)
        return bool(errors) and (about_all or on_invalid == "reject" or not self.good)

    def is_still(self, row: WritebackRow) -> bool:
        """Whether the row is what this was made from."""
        mine = self.row
        return (row.status, row.progress, row.records) == (mine.status, mine.progress, mine.records)


def draft_of(row: WritebackRow, order: Order, clock: tzinfo | None = None) -> Draft:
    """Return what would go again; raise Conflict where it may not, InvalidSubmission for edits of no record.

    `clock`: the school's time zone, for edits with times that have an offset.
    """
    if row.status not in RESUBMITTABLE:
        raise _not_resubmittable(row)
    if row.kept >= Kept.CONTENT_GONE:
        raise _content_gone(row)
    stored = parse_records(row.kind, row.records)
    progress = unpack_progress(row.progress, len(stored))
    going = going_again(progress)
    if not going and any(entry.erased for entry in progress):
        raise _erased(row)
    edits = order.edits
    if order.changes:
        edits, going = _changed(row, order, progress, going)
    _refuse_misplaced(row, edits, progress, going)
    if row.kept == Kept.TEXTS_GONE:
        _refuse_without_texts(row, order.edits, going)
    if not KINDS[row.kind].is_repeatable and not order.not_in_mis:
        _refuse_in_doubt(row, progress, going)
    records, findings = list(stored), list[Finding]()
    for edit in edits:
        is_brief = len(findings) >= MOST_FINDINGS
        records[edit.index], said = read_record(
            KINDS[row.kind], edit.record, edit.index, is_brief=is_brief, clock=clock
        )
        findings += said
    # Changes in many are made in what is stored: they mend no id, and bring back no text.
    given = {edit.index for edit in order.edits}
    findings += [one for index in going if index not in given for one in said_of_ids(progress[index])]
    if ERASED in row.records:
        _refuse_with_gaps(row, records, going)
    return Draft(row, records, progress, going, frozenset(edit.index for edit in edits), findings)


def _changed(
    row: WritebackRow, order: Order, progress: Sequence[RecordProgress], going: Sequence[int]
) -> tuple[Sequence[Edit], list[int]]:
    """Return the edits that the changes come to, and which records go; raise Conflict where they touch nothing."""
    given, stored = {edit.index for edit in order.edits}, json.loads(row.records)
    edits, left, has_changed = list(order.edits), list[int](), bool(given)
    for index in going:
        if index in given or stored[index] is None:
            left.append(index)
            continue
        codes = [str(finding.get("code")) for finding in progress[index].findings]
        became = change(row.kind, stored[index], codes, order.changes)
        has_changed = has_changed or became.is_touched
        if became.record is None or (order.changes.substitutions and not became.is_touched):
            continue
        left.append(index)
        if became.is_touched:
            edits.append(Edit(index, became.record))
    if not has_changed or not left:
        raise Conflict(
            "nothing_to_change",
            f"nothing in {row.id} is touched by the changes, or nothing would be left of it to send",
            hint="It stays as it is.",
        )
    return edits, left


def _refuse_misplaced(
    row: WritebackRow, edits: Sequence[Edit], progress: Sequence[RecordProgress], going: Sequence[int]
) -> None:
    """Raise where an edit is of no record, of one twice, or of one that does not go again."""
    findings, seen = list[Finding](), set[int]()
    for place, edit in enumerate(edits):
        pointer = f"/records/{place}/index"
        if edit.index >= len(progress):
            hint = f"It has {len(progress)} records; the first is 0."
            findings.append(Finding("record_unknown", f"there is no record {edit.index}", hint, pointer=pointer))
        elif edit.index in seen:
            hint = "Send each record once."
            findings.append(Finding("record_twice", f"record {edit.index} is given twice", hint, pointer=pointer))
        seen.add(edit.index)
    if findings:
        raise InvalidSubmission("edits_invalid", findings[0].message, [one.as_json() for one in findings])
    for edit in edits:
        if edit.index not in going:
            raise _not_editable(row, edit.index, progress[edit.index].status)


def _refuse_without_texts(row: WritebackRow, edits: Sequence[Edit], going: Sequence[int]) -> None:
    """Raise where a record would go without the comment or file that it was accepted with, and nobody has given it
    anew."""
    given = {edit.index for edit in edits}
    stale = [index for index in going if index not in given]
    if stale:
        raise Conflict(
            "texts_forgotten",
            f"comments and files of {row.id} have been deleted for their age: record {stale[0]} would go without them",
            hint="Send the records whole, with their comments, as edits; or submit them as a new writeback.",
        )


def _refuse_with_gaps(row: WritebackRow, records: Sequence[Record | None], going: Sequence[int]) -> None:
    """Raise where a record would go with what stands in the place of somebody who was erased."""
    for index in going:
        record = records[index]
        if record is not None and has_gap(record.model_dump(mode="json")):
            raise Conflict(
                "record_erased_in_part",
                f"somebody who was named in {row.id} was erased: record {index} would go with {ERASED} in their place",
                hint="Send the record whole, without them, as an edit; or submit it as a new writeback.",
            )


def _refuse_in_doubt(row: WritebackRow, progress: Sequence[RecordProgress], going: Sequence[int]) -> None:
    uncertain = [index for index in going if in_doubt(progress[index])]
    if uncertain:
        raise Conflict(
            "may_be_in_mis",
            f"record {uncertain[0]} of {row.id} was cancelled while nobody knew whether it had arrived",
            hint='Look in the MIS. If it is not there, resubmit it with "not_in_mis": true.',
        )


def _content_gone(row: WritebackRow) -> Conflict:
    day = f"{row.forgotten_at:%Y-%m-%d}" if row.forgotten_at else "some day"
    return Conflict(
        "content_forgotten",
        f"what {row.id} said was deleted on {day} for its age: there is nothing left to send",
        hint="Submit it as a new writeback, if it is still to be written.",
    )


def _not_resubmittable(row: WritebackRow) -> Conflict:
    hints = {
        "confirmed": "It is in the MIS; to change it there, send a new writeback.",
        "superseded": "A later writeback took its place; send a new one if this is what is to stand.",
        "needs_attention": "Settle it: POST …/resolve with the outcome resend.",
    }
    hint = hints.get(row.status, "It is still on its way; nothing needs to be done.")
    return Conflict("not_resubmittable", f"{row.id} is {row.status}: it cannot be sent again", hint=hint)


def _erased(row: WritebackRow) -> Conflict:
    return Conflict(
        "record_erased",
        f"what {row.id} said was erased: it cannot be sent again",
        hint="Send a new writeback, if it is still to be written.",
    )


def _not_editable(row: WritebackRow, index: int, status: RecordStatus) -> Conflict:
    return Conflict(
        "record_not_editable",
        f"record {index} of {row.id} is {status}: it cannot be edited or sent again",
        hint="Edit only records that failed, were cancelled or never left; for others send a new writeback.",
    )
