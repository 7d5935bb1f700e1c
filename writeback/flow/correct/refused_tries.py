"""What people tried of which nothing could go: written into the audit log, so that a writeback's history is complete.

Called by resubmit, cancel and resolve for one writeback, and by corrections by filter for each that could not be done.
"""

from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlmodel import Session

from writeback.core.errors import Conflict, InvalidSubmission, Problem
from writeback.domain.access import Caller
from writeback.domain.actor import Actor
from writeback.domain.corrections import Action
from writeback.flow.correct.locked_correction import may_see
from writeback.flow.engine.context import FlowContext
from writeback.store.people import audit
from writeback.store.tables import WritebackRow
from writeback.store.writebacks import writebacks

REFUSED = "_refused"
"""How such an action ends: `writeback.resubmit_refused`."""
_SAME = timedelta(minutes=10)
"""The same try, with the same end, is written down once in that time, however often it is made."""


@asynccontextmanager
async def noted(
    flow: FlowContext, caller: Caller, writeback_id: str, action: Action, actor: Actor
) -> AsyncIterator[None]:
    """Write down why nothing came of it, where it ends in Conflict or InvalidSubmission; that is raised on."""
    try:
        yield
    except (Conflict, InvalidSubmission) as problem:
        await flow.db.transact(partial(_note_one, flow.clock.now(), caller, writeback_id, action, actor, problem))
        raise


def _note_one(
    now: datetime,
    caller: Caller,
    writeback_id: str,
    action: Action,
    actor: Actor,
    problem: Problem,
    session: Session,
) -> None:
    row = writebacks.find(session, [writeback_id]).get(writeback_id)
    if row is not None and may_see(caller, row):
        findings = problem.extra.get("findings", ()) if isinstance(problem, InvalidSubmission) else ()
        note(session, now, row, action, actor, problem.code, findings)


def note(
    session: Session,
    now: datetime,
    row: WritebackRow,
    action: Action,
    actor: Actor,
    code: str,
    findings: Any = (),
    *,
    bulk: str | None = None,
) -> None:
    """Write down one; of findings their codes alone, for what they say may name somebody."""
    errors = [one for one in map(_as_json, findings) if one.get("severity") != "warning"]
    changed: dict[str, Any] = {"code": code}
    changed |= {"findings": dict(Counter(str(one["code"]) for one in errors))} if errors else {}
    changed |= {"bulk": bulk} if bulk else {}
    name = f"writeback.{action}{REFUSED}"
    last = audit.latest_of(session, row.id)
    is_same = last is not None and (last.action, last.actor, last.changed) == (name, actor.name, changed)
    if last is None or not is_same or now - last.at >= _SAME:
        audit.note(session, actor, now, name, row.id, app=row.app_id, school=row.school_id, changed=changed)


def _as_json(finding: Any) -> Mapping[str, Any]:
    return finding if isinstance(finding, Mapping) else finding.model_dump()
