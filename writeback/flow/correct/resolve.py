"""Resolve: a person decides what only a person can, after looking in the MIS."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from sqlmodel import Session

from writeback.core.errors import Conflict
from writeback.domain.access import Caller
from writeback.domain.actor import Actor
from writeback.domain.corrections import EVIDENCE, Action, Outcome, resolved, undecided
from writeback.domain.kinds import KINDS
from writeback.domain.states import Event
from writeback.flow.correct.locked_correction import Correction, begin_anew, check_may_correct, locked_for
from writeback.flow.correct.refused_tries import noted
from writeback.flow.engine.context import FlowContext
from writeback.flow.engine.slots import check_later_are_known, later_ones
from writeback.flow.engine.status_changes import OpenWriteback
from writeback.store.writebacks import claimed_things
from writeback_client.models.corrections import Corrected


@dataclass(frozen=True)
class Resolves:
    """Settles records that need attention."""

    flow: FlowContext

    async def one(
        self,
        caller: Caller,
        writeback_id: str,
        outcome: Outcome,
        actor: Actor,
        *,
        records: Sequence[int] | None = None,
        mis_ids: Mapping[int, str] | None = None,
    ) -> Corrected:
        """Settle its records, those named or else all that need it; raise NotFound, or Conflict for others.

        `mis_ids`: by index, as what a confirmed record is in the MIS; where one thing there is nearly it, that one.
        """
        check_may_correct(caller, any_app=True)
        work = partial(self._one, caller, writeback_id, outcome, actor, records, mis_ids or {})
        async with noted(self.flow, caller, writeback_id, Action.RESOLVE, actor):
            lane, view = await self.flow.db.transact(work)
        await self.flow.waker.wake("serve_lane", [lane])
        return view

    def _one(
        self,
        caller: Caller,
        writeback_id: str,
        outcome: Outcome,
        actor: Actor,
        records: Sequence[int] | None,
        mis_ids: Mapping[int, str],
        session: Session,
    ) -> tuple[str, Corrected]:
        opened = locked_for(caller, session, writeback_id)
        correction, later = self._apply(session, opened, outcome, actor, records, mis_ids)
        return opened.row.lane_id, correction.view(later)

    def in_bulk(
        self, session: Session, opened: OpenWriteback, outcome: Outcome, actor: Actor, *, code: str | None, bulk: str
    ) -> Correction:
        """Settle what needs attention of one of many, for the finding `code` (None: any).

        Raise Conflict, before anything is written, for what a person decides one by one: to send again what would be
        created, and which of those in the MIS is ours.
        """
        if outcome is Outcome.RESEND and not KINDS[opened.row.kind].is_repeatable:
            raise Conflict(
                "resend_one_by_one",
                f"{opened.row.id} may be in the MIS, and would be there twice",
                hint="Look in the MIS, then settle it by itself.",
            )
        progress = opened.progress
        alike = [
            index
            for index in undecided(progress)
            if code is None or any(one["code"] == code for one in progress[index].findings)
        ]
        if not alike:
            raise Conflict("nothing_to_resolve", f"no record of {opened.row.id} needs attention for that")
        near = [index for index in alike if progress[index].near]
        if outcome is Outcome.CONFIRMED and near:
            raise Conflict(
                "mis_id_needed",
                f"record {near[0]} of {opened.row.id} is nearly what the MIS has: say whether that is it",
                hint="Look at both, and settle it by itself.",
            )
        return self._apply(session, opened, outcome, actor, alike, {}, bulk)[0]

    def _apply(
        self,
        session: Session,
        opened: OpenWriteback,
        outcome: Outcome,
        actor: Actor,
        records: Sequence[int] | None,
        mis_ids: Mapping[int, str],
        bulk: str | None = None,
    ) -> tuple[Correction, Mapping[int, str]]:
        """Settle them; return what was done, and by record what came after what is sent again."""
        now = self.flow.clock.now()
        correction = Correction(session, now, actor, opened, Action.RESOLVE, bulk)
        chosen = _chosen(opened, records, mis_ids)
        found = _found(opened, chosen, mis_ids) if outcome is Outcome.CONFIRMED else {}
        for index in chosen:
            correction.change(index, resolved(outcome, index, found.get(index)))
        for index, mis_id in found.items():
            _claim(session, opened, index, mis_id, now)
        indexes = [change.index for change in correction.changed]
        later = later_ones(session, opened.row, opened.records, indexes) if outcome is Outcome.RESEND else {}
        if outcome is Outcome.RESEND:
            check_later_are_known(session, opened.row)
            begin_anew(self.flow, opened.row, now)
        elif outcome is Outcome.CONFIRMED:
            opened.row.evidence = EVIDENCE
        noted = {"mis_ids": {str(index): mis_id for index, mis_id in found.items()}} if found else {}
        correction.write_down(queued_by=Event.RETRY, outcome=outcome.value, **noted)
        return correction, later


def _chosen(opened: OpenWriteback, records: Sequence[int] | None, mis_ids: Mapping[int, str]) -> list[int]:
    """Return the indexes to settle; raise Conflict where one of those named, or none at all, waits for a person."""
    waiting, row = undecided(opened.progress), opened.row
    if not waiting:
        raise Conflict(
            "nothing_to_resolve",
            f"no record of {row.id} needs attention: it is {row.status}",
            hint="Somebody may have settled it already; its timeline says so.",
        )
    others = [index for index in (*(records or ()), *mis_ids) if index not in waiting]
    if others:
        raise Conflict(
            "nothing_to_resolve",
            f"record {others[0]} of {row.id} does not need attention",
            hint=f"Those that do are {', '.join(map(str, waiting))}.",
        )
    return sorted({*records, *mis_ids}) if records is not None else waiting


def _found(opened: OpenWriteback, indexes: Sequence[int], mis_ids: Mapping[int, str]) -> dict[int, str]:
    """Return what each record is in the MIS; raise Conflict where several are nearly it, and none is named."""
    found: dict[int, str] = {}
    for index in indexes:
        near = [str(one["mis_id"]) for one in opened.progress[index].near]
        if index not in mis_ids and len(near) > 1:
            raise Conflict(
                "mis_id_needed",
                f"record {index} of {opened.row.id} is nearly {' and '.join(near)}: say which one it is",
                hint=f'Look in the MIS, and send e.g. "mis_ids": {{"{index}": "{near[0]}"}}.',
            )
        if mis_id := mis_ids.get(index) or next(iter(near), None):
            found[index] = mis_id
    return found


def _claim(session: Session, opened: OpenWriteback, index: int, mis_id: str, now: datetime) -> None:
    """Note that the record has made it; raise Conflict where it is another one's."""
    row, kind = opened.row, KINDS[opened.row.kind]
    key = {"school_id": row.school_id, "family": kind.family, "mis_id": mis_id}
    if not claimed_things.take(session, **key, writeback_id=row.id, record=index, now=now):
        raise Conflict(
            "mis_id_taken",
            f"{mis_id} is what another record of this school has made",
            hint="Look in the MIS for the one that this record has made; if there is none, send it again.",
        )
