"""For how long each kind of data is kept, and which rule each table is under: the one place that says so.

`retention.py` deletes by these rules, docs/operating.md has their table, and a test walks every table of the database:
a new one needs a line here.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from functools import reduce

from writeback.core.settings import Settings
from writeback.domain.kept import Kept
from writeback.flow.projections.rollups import KEPT as COUNTS_KEPT
from writeback.flow.projections.usage import KEPT as USAGE_KEPT
from writeback.store.retention import ended_writebacks, old_rows
from writeback.store.retention.old import Old, Scope


class Own(Enum):
    """What a school's own number of days for its content does to a rule."""

    NOTHING = "nothing"
    INSTEAD = "instead"
    """It holds in the place of the setting."""
    AT_LEAST = "at least"
    """What is deleted here stays as long as the content, at least."""


@dataclass(frozen=True)
class Rule:
    """What is deleted, and when."""

    name: str
    what: str
    """In words, for people."""
    setting: str
    """The setting that says its age, in days or seconds as its name ends; empty: the row says when its time is over."""
    old: Callable[[Scope], Old]
    own: Own = Own.NOTHING
    of: Collection[Kept] = ()
    """What goes school by school: that of writebacks of which so much is left."""
    always: timedelta | None = None
    """Its age where that is no setting."""

    def age(self, settings: Settings, own_days: float | None = None) -> timedelta:
        """Return after how long it is deleted; `own_days`: of a school that has a number of its own for its content."""
        age = self.always or _value(settings, self.setting)
        if own_days is None or self.own is Own.NOTHING:
            return age
        own = timedelta(days=own_days)
        return own if self.own is Own.INSTEAD else max(own, age)


def _value(settings: Settings, path: str) -> timedelta:
    if not path:
        return timedelta(0)
    value = reduce(getattr, path.split("."), settings)
    assert isinstance(value, int | float), path
    return timedelta(days=value) if path.endswith("_days") else timedelta(seconds=value)


def variable_of(rule: Rule) -> str:
    """Return the variable that says a rule's age; empty where there is none."""
    return f"WRITEBACK_{rule.setting.replace('.', '__').upper()}" if rule.setting else ""


def age_in_words(age: timedelta) -> str:
    """Return an age as people say it."""
    if not age:
        return "until they run out"
    for unit, seconds in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        number = age.total_seconds() / seconds
        if number >= 1:
            return f"{number:,.4g} {unit}{'' if number == 1 else 's'}"
    return f"{age.total_seconds():g} seconds"


RULES: Sequence[Rule] = (
    Rule(
        "idempotency_keys",
        "Idempotency keys and the answers that they replay",
        "api.idempotency_keep_s",
        old_rows.idempotency_keys,
    ),
    Rule(
        "recent_creates",
        "Hashes by which an incident, detention or absence is known that is posted again",
        "api.same_again_within_s",
        old_rows.recent_creates,
    ),
    Rule(
        "marks_in_doubt",
        "Marks that might still arrive late, after they could",
        "confirm.give_up_s",
        old_rows.marks_in_doubt,
    ),
    Rule("sessions", "Sessions of staff", "", old_rows.sessions),
    Rule("sign_in_tries", "Hashes of whose sign-ins failed", "", old_rows.sign_in_tries),
    Rule(
        "provider_answers",
        "What providers answered to requests that failed, sealed",
        "retention.provider_answers_days",
        old_rows.provider_answers,
    ),
    Rule(
        "deliveries",
        "Deliveries to webhooks that have ended, or whose webhook is disabled",
        "retention.deliveries_days",
        old_rows.deliveries,
    ),
    Rule(
        "drop_ins",
        "Requests to drop-in endpoints, after all of one has ended",
        "retention.drop_ins_days",
        old_rows.drop_ins,
    ),
    Rule("batch_rows", "Rows of files, after the batch ended", "retention.batch_rows_days", old_rows.batch_rows),
    Rule(
        "batch_people",
        "As whom rows of such files named people",
        "retention.batch_rows_days",
        old_rows.batch_people,
    ),
    Rule("batch_reviews", "How such files were understood", "retention.batch_rows_days", old_rows.batch_reviews),
    Rule("batch_quotes", "Names and findings of such files", "retention.batch_rows_days", old_rows.batch_quotes),
    Rule(
        "upload_pieces",
        "Pieces of files whose upload did not end",
        "batches.give_up_upload_s",
        old_rows.given_up_uploads,
    ),
    Rule("uploads", "Uploads that did not end", "batches.give_up_upload_s", old_rows.uploads_without_file),
    Rule(
        "directories",
        "Hashes and names of a school's people, where its lists have not been fetched for so long; so long also the "
        "hashed UPNs of pupils, and e-mails of staff, who have left",
        "retention.people_days",
        old_rows.directories,
    ),
    Rule(
        "batch_mappings",
        "Confirmed mappings of columns, after a file was last read by them",
        "retention.batch_mappings_days",
        old_rows.batch_mappings,
    ),
    Rule(
        "unknown_words",
        "What was refused as no code of a school's, and how often; after it was refused last",
        "retention.batch_rows_days",
        old_rows.unknown_words,
    ),
    Rule("bulk_jobs", "Bulk jobs, after they ended or were stopped", "retention.content_days", old_rows.bulk_jobs),
    Rule("counts", "Counts of a minute each, for the console", "", old_rows.counts, always=COUNTS_KEPT),
    Rule("usage", "How often apps called, and why calls were refused", "", old_rows.usage, always=USAGE_KEPT),
    Rule("count_times", "How long confirmations took, likewise", "", old_rows.count_times, always=COUNTS_KEPT),
    Rule(
        "texts",
        "Comments and files in records, after the writeback ended",
        "retention.texts_days",
        ended_writebacks.texts,
        of=ended_writebacks.WITH_TEXTS,
    ),
    Rule(
        "content",
        "What writebacks say, after they ended: records, findings, references, edits and their reasons, details of "
        "events and attempts, and what they are found by",
        "retention.content_days",
        ended_writebacks.content,
        own=Own.INSTEAD,
        of=ended_writebacks.WITH_CONTENT,
    ),
    Rule(
        "history",
        "Events, requests and attempts of writebacks, and which things in the MIS they made; after they ended",
        "retention.history_days",
        ended_writebacks.history,
        own=Own.AT_LEAST,
        of=ended_writebacks.WITH_HISTORY,
    ),
    Rule(
        "writebacks",
        "That there was a writeback: its app, kind, school, state, evidence and times",
        "retention.writebacks_days",
        ended_writebacks.writebacks,
        own=Own.AT_LEAST,
        of=ended_writebacks.BARE,
    ),
    Rule("batches", "That there was a batch, and its counts", "retention.writebacks_days", old_rows.batches),
    Rule(
        "incidents",
        "What was amiss, after it was over: kinds, schools and times",
        "retention.history_days",
        old_rows.incidents,
    ),
    Rule(
        "alert_messages",
        "Messages to whoever is told of alerts, after they were sent or given up",
        "retention.deliveries_days",
        old_rows.alert_messages,
    ),
    Rule("audit", "The audit log", "retention.audit_days", old_rows.audit_entries),
    Rule("runs", "What such runs have deleted: numbers", "retention.history_days", old_rows.runs),
)
"""In the order in which a run goes through them."""

TABLES: Mapping[str, tuple[str, ...] | str] = {
    "writeback": ("texts", "content", "writebacks"),
    "event": ("content", "history"),
    "mending": ("texts", "content", "history"),
    "search_term": ("content",),
    "drift_check": ("content",),
    "request": ("content", "history"),
    "attempt": ("content", "history"),
    "carried": ("history",),
    "claim": ("history",),
    "provider_answer": ("provider_answers", "content"),
    "delivery": ("deliveries",),
    "door": ("drop_ins",),
    "door_member": ("drop_ins",),
    "batch": ("batch_quotes", "uploads", "batches"),
    "batch_row": ("batch_rows",),
    "batch_person": ("batch_people",),
    "batch_review": ("batch_reviews",),
    "batch_mapping": ("batch_mappings",),
    "batch_chunk": ("upload_pieces",),
    "bulk": ("bulk_jobs",),
    "unknown_word": ("unknown_words",),
    "audit": ("audit", "batch_quotes"),
    "idempotency": ("idempotency_keys",),
    "recent_create": ("recent_creates",),
    "doubt": ("marks_in_doubt",),
    "staff_session": ("sessions",),
    "sign_in_tries": ("sign_in_tries",),
    "tally": ("counts",),
    "usage_count": ("usage",),
    "tally_time": ("count_times",),
    "retention_run": ("runs",),
    "incident": ("incidents",),
    "alert_message": ("alert_messages",),
    "alert_receiver": "until it is removed",
    "alert_cursor": "one row: a time",
    "audit_link": "for good: it proves the audit log with digests, and says nothing by itself",
    "erasure": "for good: keyed hashes of who was erased, for old backups",
    "erasure_key": "one row: the key of those hashes, sealed",
    "account_hook": "one row a provider: a number",
    "app": "until the app is removed",
    "api_key": "until the app is removed; a revoked key stays, for timelines name it",
    "webhook": "until it is deleted",
    "staff": "until the account is removed; a disabled one stays, for timelines name it",
    "school": "until the school is removed",
    "lane": "until the school is removed",
    "school_words": "until they are taken out, or the school or app is removed",
    "lookup": "until the next sync: what the provider no longer lists falls out",
    "directory": ("directories",),
    "lookup_removals": "until somebody decides about it",
    "breaker": "until the school or provider answers again",
    "epoch": "for good: when the database was restored; nobody is named",
    "schema_compatibility": "one row: what the schema is",
    "tally_cursor": "one row: a number",
    "search_cursor": "one row: a number",
    "drift_cursor": "one row: a number",
}
"""Of every table the rules by which rows of it, or what they say, are deleted; or how long they stay else."""
