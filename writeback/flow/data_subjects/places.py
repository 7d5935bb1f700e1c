"""Where something of a person may lie: each table once, what it may hold, and by what its rows are found.

Export shows what erasure would take; `docs/data_protection.md` has its table from here. A new table, or a column that
may hold something of a person, belongs here: a test walks the metadata, and plants a pupil.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from writeback.domain.data_subject import Person, read_json
from writeback.domain.states import FINAL
from writeback.flow.data_subjects import rows_without as rows
from writeback.flow.data_subjects.rows_without import GONE, Change, Look
from writeback.store import tables as t
from writeback.store.batches.batches import UNDER_WAY
from writeback.store.tables.columns import Stored

_SETTLED = "settled"
_RUNNING = "running"


class Reach(StrEnum):
    """By what the rows of a school are found."""

    WRITEBACK = "writeback"
    REQUEST = "request"
    LANE = "lane"
    BATCH = "batch"
    SCHOOL = "school"
    EVERYWHERE = "everywhere"
    """The table is small, or its rows do not say whose they are."""


@dataclass(frozen=True)
class Place:
    """One table. `waits` says whether a row is still needed for something that is on its way."""

    row: type[Stored]
    reach: Reach
    holds: str
    """What of a person lies there, for people."""
    columns: tuple[str, ...]
    without: Callable[[Any, Person, Look], Change]
    waits: Callable[[Any, Look], bool] = lambda row, look: False

    @property
    def name(self) -> str:
        return str(self.row.__tablename__)


def _of_waiting(row: Any, look: Look) -> bool:
    return row.writeback_id in look.waiting


def _is_waiting(row: t.WritebackRow, look: Look) -> bool:
    return row.status not in FINAL or row.id in look.waiting


def _anything_waits(row: Any, look: Look) -> bool:
    return bool(look.waiting)


def _idempotency_waits(row: t.IdempotencyRow, look: Look) -> bool:
    answer = read_json(row.answer)
    return isinstance(answer, dict) and answer.get("id") in look.waiting


def _texts(*names: str) -> Callable[[Any, Person, Look], Change]:
    return lambda row, person, look: rows.named_texts(row, person, *names) or None


def _json(*names: str) -> Callable[[Any, Person, Look], Change]:
    return lambda row, person, look: rows.named_json(row, person, *names) or None


_BY_WRITEBACK = (
    Place(
        t.WritebackRow,
        Reach.WRITEBACK,
        "Records as an app sent them: marks, incidents, detentions, absences, comments, files; what was found of them",
        ("records", "progress", "ref", "evidence"),
        rows.writeback,
        _is_waiting,
    ),
    Place(t.EventRow, Reach.WRITEBACK, "Why a writeback changed, in words", ("detail",), _texts("detail"), _of_waiting),
    Place(
        t.CorrectionRow,
        Reach.WRITEBACK,
        "What staff changed in a record: as it was, as it became, and why",
        ("records", "reason"),
        rows.correction,
        _of_waiting,
    ),
    Place(
        t.DeliveryRow,
        Reach.WRITEBACK,
        "Messages to apps, delivered or waiting: findings, the app's own references",
        ("payload", "url"),
        rows.delivery,
        _of_waiting,
    ),
    Place(
        t.DropInMemberRow, Reach.WRITEBACK, "What a drop-in call named its records", ("ids",), rows.member, _of_waiting
    ),
    Place(
        t.DropInRow,
        Reach.WRITEBACK,
        "Where a drop-in call is called back, and what with",
        ("callback", "told"),
        rows.door,
        lambda row, look: bool(look.waiting),
    ),
)
_BY_REQUEST = (
    Place(t.AttemptRow, Reach.REQUEST, "What came of one try, in words", ("detail",), _texts("detail")),
    Place(
        t.ProviderAnswerRow,
        Reach.REQUEST,
        "What a provider answered to a request that failed, sealed",
        ("sealed",),
        rows.answer,
    ),
)
_BY_LANE = (
    Place(
        t.RequestRow,
        Reach.LANE,
        "What a call to a provider overwrites: pupil, date and session; a provider's hints",
        ("slots", "hints", "provider_ref", "evidence"),
        rows.request,
        lambda row, look: row.state != _SETTLED,
    ),
    Place(
        t.MarkInDoubtRow,
        Reach.LANE,
        "A mark that may still arrive late: pupil, date, session, code",
        ("slot", "code"),
        rows.doubt,
        lambda row, look: row.until > look.now,
    ),
)
_BY_BATCH = (
    Place(
        t.BatchLine,
        Reach.BATCH,
        "Rows of files: as they were, as records, and what was found of them",
        ("cells", "record", "findings", "same", "group_key", "mended", "people"),
        rows.line,
        lambda row, look: row.batch_id in look.waiting,
    ),
    Place(
        t.BatchPersonRow,
        Reach.BATCH,
        "As whom rows of a file that is looked at name somebody: UPN, number, name",
        ("reference", "person_id"),
        rows.person_of_file,
        lambda row, look: row.batch_id in look.waiting,
    ),
    Place(
        t.BatchReviewRow,
        Reach.BATCH,
        "How the columns of such a file may be read, with some of their cells",
        ("understood", "counts"),
        _json("understood"),
        lambda row, look: row.batch_id in look.waiting,
    ),
    Place(
        t.BatchChunkRow,
        Reach.BATCH,
        "A file as it was uploaded, until its rows have been read; of one that is looked at, until that has ended",
        ("data",),
        lambda row, person, look: GONE,
        lambda row, look: row.batch_id in look.waiting,
    ),
)
_BY_SCHOOL = (
    Place(
        t.BatchRow,
        Reach.SCHOOL,
        "A file's name, its columns, and what was found of it as a whole",
        ("file_name", "findings", "problems", "layout", "mapping"),
        _json("file_name", "findings", "problems", "layout", "mapping"),
        lambda row, look: row.status in UNDER_WAY,
    ),
    Place(
        t.BatchMappingRow,
        Reach.SCHOOL,
        "Names of a file's columns, and what they are; a row of pupils, where a file without names was read so",
        ("header",),
        lambda row, person, look: GONE if person.is_in(row.header) else None,
    ),
    Place(
        t.LookupRow,
        Reach.SCHOOL,
        "The provider's lists of those on roll and of staff: their ids, no names",
        ("rows",),
        rows.lookup,
        _anything_waits,
    ),
    Place(
        t.DirectoryRow,
        Reach.SCHOOL,
        "Keyed hashes of numbers and names of those on roll and of staff; where the school has it so, both also sealed",
        ("people", "details"),
        rows.directory,
    ),
    Place(
        t.RemovalsRow,
        Reach.SCHOOL,
        "Ids that fell out of such a list at once",
        ("ids",),
        rows.removals,
        _anything_waits,
    ),
    Place(
        t.ClaimRow,
        Reach.SCHOOL,
        "Which thing in the MIS a record has made",
        ("mis_id",),
        rows.claim,
        _anything_waits,
    ),
    Place(
        t.RecentCreateRow,
        Reach.SCHOOL,
        "A hash of what was accepted a moment ago",
        ("same",),
        rows.recent_create,
        _of_waiting,
    ),
    Place(
        t.SearchTermRow,
        Reach.SCHOOL,
        "Ids and references that writebacks are found by",
        ("term",),
        rows.search_term,
        lambda row, look: bool(look.waiting),
    ),
    Place(
        t.SchoolRow,
        Reach.SCHOOL,
        "Why a school is held; what the provider says of it; who stands where a record says nothing; its year",
        ("hold_detail", "facts", "defaults", "year"),
        rows.school,
    ),
    Place(
        t.UnknownWordRow,
        Reach.SCHOOL,
        "What was sent in the place of a code, and how often",
        ("word",),
        rows.unknown_word,
    ),
    Place(t.Lane, Reach.SCHOOL, "Why a lane is held", ("hold_detail",), _texts("hold_detail")),
    Place(
        t.AuditRow,
        Reach.SCHOOL,
        "Reasons that staff gave, what they changed, and whom they looked at",
        ("reason", "changed", "subject"),
        rows.audit,
    ),
)
_EVERYWHERE = (
    Place(
        t.IdempotencyRow,
        Reach.EVERYWHERE,
        "The answer to a submission, for a repetition; the app's own key of it",
        ("answer", "key"),
        rows.idempotency,
        _idempotency_waits,
    ),
    Place(
        t.BulkRow,
        Reach.EVERYWHERE,
        "Filters, changes and reasons of bulk jobs, and what could not be done",
        ("reason", "wanted", "changes", "refusals", "trouble"),
        rows.bulk,
        lambda row, look: row.state == _RUNNING,
    ),
)
PLACES: tuple[Place, ...] = (*_BY_WRITEBACK, *_BY_LANE, *_BY_REQUEST, *_BY_BATCH, *_BY_SCHOOL, *_EVERYWHERE)

NOBODY: Mapping[type[Stored], str] = {
    t.App: "the name of an app",
    t.ApiKey: "hashes and rights of keys",
    t.WebhookRow: "where apps are told, with sealed secrets",
    t.UsageRow: "counts of calls and refusals, with ids of requests and JSON pointers",
    t.CarriedRow: "ids of writebacks and requests",
    t.DriftCheckRow: "ids of writebacks that are read once more",
    t.DriftCursorRow: "a number",
    t.BreakerRow: "how schools and providers answer",
    t.RollupRow: "counts",
    t.RollupTimeRow: "counts",
    t.RollupCursorRow: "a number",
    t.SearchCursorRow: "a number",
    t.SchoolWordsRow: "words for codes, as staff have entered them",
    t.AccountHookRow: "numbers of addresses that providers call",
    t.AuditLinkRow: "salted digests of lines of the audit log",
    t.RetentionRunRow: "how much was deleted for its age",
    t.EpochRow: "restores of the database",
    t.SchemaRow: "a revision",
    t.AlertReceiverRow: "who is told of alerts: addresses of staff, sealed, removed with `writeback alerts remove`",
    t.IncidentRow: "what was amiss, at which schools",
    t.AlertMessageRow: "counts, schools and times",
    t.AlertCursorRow: "a time",
    t.StaffRow: "accounts of the console: their own users, who are disabled with `writeback staff`",
    t.StaffSessionRow: "hashes of sessions of the console",
    t.SignInTriesRow: "hashes of names and addresses that failed to sign in",
    t.ErasureRow: "keyed hashes of who was erased",
    t.ErasureKeyRow: "the key of those hashes, sealed",
}
"""The other tables, and what they hold instead."""
