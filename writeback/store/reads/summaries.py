"""The summary of a writeback in a list: pupils with their marks, and why it failed or waits."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import case, func
from sqlalchemy import select as select_row
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from writeback.domain.provider_words import words_in
from writeback.domain.states import Status
from writeback.domain.writeback import stored_progress
from writeback.store.tables import WritebackRow

_READ = 8_000
"""Characters of the records' text, some fifty marks: a list shows the first pupils, not all of them."""
_PUPILS = 3
_WELL = (Status.CONFIRMED, Status.QUEUED, Status.SENDING, Status.SENT, Status.SUPERSEDED)
_FINE = ("confirmed", "superseded", "queued")
_DECODER = json.JSONDecoder()


class Marked(NamedTuple):
    """A pupil whom a record is about, and the mark that it asks for; empty: it is about no mark."""

    id: str
    code: str
    day: str = ""
    """That the record names, `2026-01-12`."""


@dataclass(frozen=True)
class Summary:
    """Some pupils, whether there are more, and the first finding of severity error, should there be one.

    Pupils who are asked for come first, then those whose records are not in the MIS, then the first of the others.
    """

    pupils: Sequence[Marked] = ()
    has_more: bool = False
    code: str = ""
    cause: str = ""
    hint: str = ""
    words: str = ""
    """What the provider said with that finding, where it gave words."""


async def summaries_of(session: AsyncSession, ids: Sequence[str], pupil: str | None = None) -> Mapping[str, Summary]:
    """Return the summary of each, `pupil` first where one is asked for; the caller has checked that they may be
    seen."""
    progress = case((col(WritebackRow.status).in_(_WELL), ""), else_=col(WritebackRow.progress))
    query = select_row(col(WritebackRow.id), func.substr(col(WritebackRow.records), 1, _READ), progress)
    rows = (await (await session.connection()).execute(query.where(col(WritebackRow.id).in_(ids)))).all()
    return {row[0]: _summary(row[1], stored_progress(row[2]), pupil) for row in rows}


def _summary(text: str, progress: Sequence[Mapping[str, Any]], pupil: str | None) -> Summary:
    is_wrong = {index for index, one in enumerate(progress) if one.get("status") not in _FINE}
    wrong, others = dict[str, Marked](), dict[str, Marked]()
    for index, record in enumerate(_records_in(text)):
        for one in _pupils_of(record):
            (wrong if index in is_wrong else others).setdefault(one.id, one)
    ordered = {**wrong, **{id_: one for id_, one in others.items() if id_ not in wrong}}
    if pupil in ordered:
        ordered = {pupil: ordered[pupil], **ordered}
    first = _first_error(progress)
    return Summary(
        list(ordered.values())[:_PUPILS],
        len(ordered) > _PUPILS or len(text) == _READ,
        str(first.get("code") or ""),
        str(first.get("message") or ""),
        str(first.get("hint") or ""),
        words_in(first),
    )


def _records_in(text: str) -> Iterator[Any]:
    """Yield the records of a JSON text of which the end may be missing."""
    at = 1
    while at < len(text) and text[at] != "]":
        try:
            record, at = _DECODER.raw_decode(text, at)
        except ValueError:
            return  # cut off here
        yield record
        while at < len(text) and text[at] in ", \n":
            at += 1


def _pupils_of(record: Any) -> Iterator[Marked]:
    if not isinstance(record, Mapping):
        return
    code = str(record.get("code") or "")
    day = str(record.get("date") or record.get("start_at") or "")[:10]
    several = record.get("students") or ()
    for one in (record, *several):
        if isinstance(one, Mapping) and one.get("student_id"):
            yield Marked(str(one["student_id"]), code, day)


def _first_error(progress: Iterable[Mapping[str, Any]]) -> Mapping[str, Any]:
    for entry in progress:
        for finding in entry.get("findings", ()):
            if finding.get("severity") == "error":
                found: Mapping[str, Any] = finding
                return found
    return {}
