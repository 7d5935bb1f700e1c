"""Confirmed mappings: how the columns of a file are read as somebody has said, of this one or of an earlier one.

An earlier one is of the same app, for the same school, and has the same header.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import partial

from sqlmodel import Session

from writeback.batches.findings import FileRefused, make
from writeback.batches.mapping.mapping import Mapping
from writeback.batches.mapping.proposal import Proposal
from writeback.core.errors import NotFound
from writeback.core.ids import new_id
from writeback.domain.access import Caller
from writeback.domain.actor import Actor
from writeback.domain.finding import Finding
from writeback.flow.accept.answer import iso
from writeback.flow.correct.locked_correction import check_may_correct
from writeback.flow.engine.context import FlowContext
from writeback.store.batches import mappings
from writeback.store.people import audit
from writeback.store.reads.pages import cut, decode_cursor
from writeback.store.tables import BatchMappingRow, BatchRow
from writeback_client.models.base import Page
from writeback_client.models.reviews import ColumnUse, SavedMapping


@dataclass(frozen=True)
class Confirmed:
    """A mapping that somebody has confirmed. `saved_id`: where it was for an earlier file, what it is kept as."""

    mapping: Mapping
    by: str
    at: str
    saved_id: str | None = None

    def as_json(self) -> str:
        """Return it as it is kept with its batch."""
        return json.dumps({"mapping": self.mapping.as_json(), "by": self.by, "at": self.at, "saved_id": self.saved_id})

    @classmethod
    def of_json(cls, text: str) -> "Confirmed | None":
        """Return what is kept with a batch; None where nothing is."""
        if not text:
            return None
        stored = json.loads(text)
        return cls(Mapping.of_json(stored["mapping"]), stored["by"], stored["at"], stored["saved_id"])

    @property
    def names_people(self) -> bool:
        """Whether rows that are read so name people as the school knows them."""
        return any("." in field for field in self.mapping.fields)

    @property
    def finding(self) -> Finding:
        """What is said of a file that is read by it, where that was confirmed for an earlier one."""
        return make("mapping_used", by=self.by, at=self.at)


def remembered_for(session: Session, batch: BatchRow, proposal: Proposal) -> Confirmed | None:
    """Return what was confirmed for an earlier file with this header; raise FileRefused where more has to be said."""
    row = mappings.find(session, batch.app_id, batch.school_id, proposal.kind, proposal.fingerprint)
    if row is None:
        return None
    mapping, open_ = proposal.with_remembered(Mapping.of_json(json.loads(row.mapping)))
    if open_:
        raise FileRefused(open_)
    return Confirmed(mapping, row.confirmed_by, iso(row.confirmed_at), row.id)


def remember(session: Session, batch: BatchRow, header: Sequence[str], confirmed: Confirmed, now: datetime) -> None:
    """Keep a mapping for the next file with this header: what each column is, not what is said of this file alone."""
    mapping = confirmed.mapping
    row = BatchMappingRow(
        id=new_id("map", now),
        app_id=batch.app_id,
        school_id=batch.school_id,
        kind=mapping.kind,
        fingerprint=mapping.fingerprint,
        header=list(header),
        mapping=json.dumps(mapping.to_remember().as_json()),
        confirmed_by=confirmed.by,
        confirmed_at=now,
    )
    mappings.remember(session, row)


@dataclass(frozen=True)
class SavedMappings:
    """The mappings that are remembered. What a key may not see is not there for it."""

    flow: FlowContext

    async def list(
        self, caller: Caller, school_id: str, *, limit: int, cursor: str | None = None
    ) -> Page[SavedMapping]:
        """Return a page of a school's, the newest first; raise NotFound for the school."""
        await self.flow.registry.school(school_id)
        before = decode_cursor(cursor)
        async with self.flow.db.read() as session:
            rows = await mappings.page(session, caller, school_id, before=before, limit=limit + 1)
        page = cut(rows, limit, lambda row: row.id)
        return Page(items=tuple(map(_shown, page.items)), next_cursor=page.next_cursor)

    async def forget(self, caller: Caller, school_id: str, mapping_id: str, actor: Actor) -> None:
        """Delete one: the next file with its header is asked about; raise NotFound."""
        check_may_correct(caller)
        await self.flow.registry.school(school_id)
        await self.flow.db.transact(partial(self._forget, caller, school_id, mapping_id, actor))

    def _forget(self, caller: Caller, school_id: str, mapping_id: str, actor: Actor, session: Session) -> None:
        row = mappings.forget(session, school_id, mapping_id, caller.sees_app)
        if row is None or not caller.is_for(row.kind):
            raise NotFound(
                "mapping_unknown",
                f"{school_id} has no mapping {mapping_id[:64]!r} that this key may see",
                hint="List them, and check the id.",
            )
        noted = {"kind": row.kind, "columns": len(row.header)}
        now = self.flow.clock.now()
        audit.note(session, actor, now, "mapping.delete", row.id, app=row.app_id, school=school_id, changed=noted)


def _shown(row: BatchMappingRow) -> SavedMapping:
    mapping = Mapping.of_json(json.loads(row.mapping))
    return SavedMapping(
        id=row.id,
        app=row.app_id,
        school=row.school_id,
        kind=row.kind,
        header=tuple(row.header),
        columns=tuple(ColumnUse(**asdict(one)) for one in mapping.columns),
        constants=dict(mapping.constants),
        confirmed_by=row.confirmed_by,
        confirmed_at=row.confirmed_at,
        used_at=row.used_at,
    )
