"""Settings of retention: for how long each kind of data is kept. `flow/upkeep/retention.py` deletes what is older.

What each table is kept for is in `flow/upkeep/retention_rules.py`.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, Field

LONGEST_CONTENT_DAYS = 396
"""Thirteen months: the most that a school may have its content kept for."""


class RetentionSettings(BaseModel):
    content_days: float = Field(default=90, gt=0, le=LONGEST_CONTENT_DAYS)
    """What writebacks say (records, findings, references, edits, what they are found by), after they ended. A school
    may have a number of its own. Bulk jobs, which quote it, too."""
    texts_days: float = Field(default=30, gt=0)
    """Comments and files in records, after the writeback ended; where its content goes earlier, with that."""
    provider_answers_days: float = Field(default=14, gt=0)
    """What providers answered to requests that failed, sealed."""
    batch_rows_days: float = Field(default=30, gt=0)
    """Rows of files with all that they say, after the batch ended; the batch and its counts stay."""
    batch_mappings_days: float = Field(default=730, gt=0)
    """Confirmed mappings of the columns of files, after a file was last read by them."""
    deliveries_days: float = Field(default=30, gt=0)
    """Deliveries to webhooks that have ended, or whose webhook is disabled, after they were made."""
    people_days: float = Field(default=60, gt=0)
    """Keyed hashes of the UPNs of pupils (of staff, e-mails) who have left a school's list, by which they are known
    again under a new id; and all of a directory that has not been fetched for so long."""
    drop_ins_days: float = Field(default=30, gt=0)
    """Requests to drop-in endpoints, after all of one has ended: so long it is known by the provider's sort of id."""
    history_days: float = Field(default=LONGEST_CONTENT_DAYS, gt=0)
    """Events, requests and attempts of a writeback, after it ended, and which things in the MIS it made."""
    writebacks_days: float = Field(default=2_557, gt=0)
    """Seven years: that there was a writeback or a batch, its kind, school, state, evidence and times."""
    audit_days: float = Field(default=730, gt=0)
    """The audit log."""
    every_s: float = Field(default=3_600.0, gt=0)
    """How often workers delete what is too old."""
    share: float = Field(default=0.2, gt=0, le=1)
    """The most of the time that this may keep the database busy: it waits after each piece."""


MOVED: Mapping[tuple[str, str], str] = {
    ("dispatch", "keep_answers_s"): "provider_answers_days",
    ("batches", "keep_s"): "batch_rows_days",
    ("webhooks", "keep_s"): "deliveries_days",
    ("doors", "keep_s"): "drop_ins_days",
}
"""Settings that were elsewhere once, in seconds: group and name, and what they are called here."""


def refuse_moved(given: Mapping[str, Any]) -> None:
    """Raise ValueError where one of them is set: it would be ignored, and data kept for longer than was asked for."""
    for (group, name), new in MOVED.items():
        of_group = given.get(group)
        if isinstance(of_group, Mapping) and name in of_group:
            raise ValueError(
                f"WRITEBACK_{group.upper()}__{name.upper()} is none any more: set "
                f"WRITEBACK_RETENTION__{new.upper()}, in days"
            )
