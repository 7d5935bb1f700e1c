"""The summary of a writeback in a list: the pupils' ids, and why it failed or waits."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import case, func
from sqlalchemy import select as select_row
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from writeback.domain.provider_words import words_in
from writeback.domain.states import Status
from writeback.store.tables import WritebackRow

_READ = 4_000
"""Characters of the records' text: a list shows the first pupils, not all of them."""
_PUPILS = 3
_PUPIL = re.compile(r'"student_id":\s?("(?:[^"\\]|\\.)*")')
_WELL = (Status.CONFIRMED, Status.QUEUED, Status.SENDING, Status.SENT, Status.SUPERSEDED)


@dataclass(frozen=True)
class Summary:
    """The first pupils' ids, whether there are more, and the first finding of severity error, should there be one."""

    pupils: Sequence[str] = ()
    has_more: bool = False
    code: str = ""
    cause: str = ""
    hint: str = ""
    words: str = ""
    """What the provider said with that finding, where it gave words."""


async def summaries_of(session: AsyncSession, ids: Sequence[str]) -> Mapping[str, Summary]:
    """Return the summary of each; the caller has checked that they may be seen."""
    progress = case((col(WritebackRow.status).in_(_WELL), ""), else_=col(WritebackRow.progress))
    query = select_row(col(WritebackRow.id), func.substr(col(WritebackRow.records), 1, _READ), progress)
    rows = (await (await session.connection()).execute(query.where(col(WritebackRow.id).in_(ids)))).all()
    return {row[0]: _summary(row[1], row[2]) for row in rows}


def _summary(records: str, progress: str) -> Summary:
    pupils = list(dict.fromkeys(json.loads(found) for found in _PUPIL.findall(records)))
    first = _first_error(progress)
    return Summary(
        pupils[:_PUPILS],
        len(pupils) > _PUPILS,
        str(first.get("code") or ""),
        str(first.get("message") or ""),
        str(first.get("hint") or ""),
        words_in(first),
    )


def _first_error(progress: str) -> Mapping[str, Any]:
    for entry in json.loads(progress) if progress else ():
        for finding in entry.get("findings", ()):
            if finding.get("severity") == "error":
                found: Mapping[str, Any] = finding
                return found
    return {}
