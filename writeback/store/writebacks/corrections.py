"""What people did to the records of writebacks: kept beside the records, for as long as these."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from writeback.domain.actor import Actor
from writeback.domain.corrections import Action
from writeback.domain.writeback import RecordProgress
from writeback.store.tables import CorrectionRow


@dataclass(frozen=True)
class RecordChange:
    """One record before and after; `was` and `became` are what it says, where that was edited."""

    index: int
    before: RecordProgress
    after: RecordProgress
    was: Mapping[str, Any] | None = None
    became: Mapping[str, Any] | None = None

    @property
    def edited_fields(self) -> list[str]:
        """Names of the fields that differ."""
        was, became = self.was or {}, self.became or {}
        return sorted(name for name in {*was, *became} if was.get(name) != became.get(name))

    def as_json(self) -> dict[str, Any]:
        return {
            "index": self.index,
            "status_before": self.before.status.value,
            "status_after": self.after.status.value,
            "findings_before": list(self.before.findings),
            "before": self.was,
            "after": self.became,
        }


def add(
    session: Session,
    writeback_id: str,
    action: Action,
    changes: Iterable[RecordChange],
    *,
    actor: Actor,
    now: datetime,
) -> None:
    """Keep what is being done, in the transaction of the change."""
    records = json.dumps([change.as_json() for change in changes], separators=(",", ":"), ensure_ascii=False)
    session.add(
        CorrectionRow(
            writeback_id=writeback_id,
            at=now,
            actor=actor.name,
            action=action.value,
            reason=actor.reason,
            records=records,
        )
    )


async def of_writeback(session: AsyncSession, writeback_id: str) -> Sequence[CorrectionRow]:
    """Return what was done to its records, in order."""
    query = select(CorrectionRow).where(CorrectionRow.writeback_id == writeback_id).order_by(col(CorrectionRow.id))
    return (await session.exec(query)).all()
