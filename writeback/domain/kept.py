"""What is left of a writeback that has ended: first its comments and files are deleted, then all that it says, then its
history. Pure; `store/retention/` does it, `flow/upkeep/retention_rules.py` says when.
"""

import json
from enum import IntEnum
from typing import Any

from writeback.domain.writeback import RecordProgress, pack_progress, unpack_progress


class Kept(IntEnum):
    """How much of it is left."""

    WHOLE = 0
    WITHOUT_TEXTS = 1
    """It had no comments and files, when they would have been deleted."""
    TEXTS_GONE = 2
    """Its comments and files are deleted."""
    CONTENT_GONE = 3
    """What it said is deleted: there are its kind, school, state, evidence, times and history."""
    HISTORY_GONE = 4
    """So are its events, requests and attempts."""


TEXTS = frozenset({"comment", "statutory_comment", "non_attendance_reason", "media"})
"""Fields of records, whatever their kind, that hold free text or files."""


def without_texts(text: str) -> str | None:
    """Return a JSON text without comments and files, wherever they are in it; None where there are none."""
    if not any(f'"{name}"' in text for name in TEXTS):
        return None
    had: list[str] = []
    cut = json.loads(text, object_pairs_hook=lambda pairs: _cut(pairs, had))
    return json.dumps(cut, separators=(",", ":"), ensure_ascii=False) if had else None


def _cut(pairs: list[tuple[str, Any]], had: list[str]) -> dict[str, Any]:
    had.extend(name for name, value in pairs if name in TEXTS and value not in (None, [], ""))
    return {name: value for name, value in pairs if name not in TEXTS}


def no_records(count: int) -> str:
    """Return the text of so many records of which nothing is kept."""
    return f"[{','.join(['null'] * count)}]"


def bare_progress(text: str, count: int) -> str:
    """Return the progress of so many records with nothing but each one's status and evidence."""
    bare = [RecordProgress(one.status, evidence=one.evidence) for one in unpack_progress(text, count)]
    return pack_progress(bare)
