"""A school that goes quiet is asked about: its provider may know why (its agent is offline, access was withdrawn)."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial

import structlog
from sqlmodel import Session

from writeback.domain.school import ASKED_AT
from writeback.flow.engine.context import FlowContext
from writeback.store.writebacks import holds

log = structlog.get_logger()

_AGAIN_AFTER = timedelta(minutes=1)
_AT_ONCE = 100
"""Of more, others come with the next look: which, is left to chance."""


async def ask_about(flow: FlowContext, school_ids: Sequence[str]) -> Sequence[str]:
    """Have those schools asked about soon that nobody has asked about lately; return which. Held ones are anyway."""
    if not school_ids:
        return ()
    some = flow.rng.sample(list(school_ids), min(_AT_ONCE, len(school_ids)))
    asked = await flow.db.transact(partial(_ask, some, flow.clock.now()))
    if asked:
        log.info("quiet_schools_asked_about", schools=len(asked))
        await flow.waker.wake("recheck_school", asked)
    return asked


def _ask(school_ids: Sequence[str], now: datetime, session: Session) -> Sequence[str]:
    asked = []
    for row in holds.lock_unwatched(session, school_ids):
        last = row.facts.get(ASKED_AT)
        if isinstance(last, str) and now - datetime.fromisoformat(last) < _AGAIN_AFTER:
            continue
        row.recheck_at = now
        session.add(row)
        asked.append(row.id)
    return asked
