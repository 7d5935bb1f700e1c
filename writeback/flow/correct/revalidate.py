"""Revalidation of drafts: what was accepted before is validated again, against lists that are fetched first, once."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import timedelta

from validators import validate
from writeback.domain.finding import MOST_MADE
from writeback.domain.kinds import Kind
from writeback.domain.lookups import ListName, LookupView
from writeback.domain.school import School
from writeback.domain.writeback import RecordStatus
from writeback.flow.correct.draft import Draft
from writeback.flow.engine.context import FlowContext
from writeback.flow.filling.fill_in import fill_in, said_of_filling
from writeback.flow.schools.unknown_id_refresh import ListRefresher

_NOT_THERE = (RecordStatus.REFUSED, RecordStatus.SUPERSEDED)


@dataclass(frozen=True)
class DraftRevalidation:
    """Validates drafts again."""

    flow: FlowContext
    refresher: ListRefresher

    async def fresh_view(self, school_id: str, kind: Kind) -> LookupView:
        """Return the school's lists after fetching those that the kind needs and that are not from this minute.

        Where the provider does not answer within a moment, the lists are used as they are.
        """
        view = await self.flow.lookups.view(school_id)
        recent = self.flow.clock.now() - timedelta(seconds=self.flow.settings.lookups.miss_again_after_s)
        old = {
            name for name in map(ListName, kind.lists) if (known := view.get(name)) is None or known.fetched_at < recent
        }
        if old and (await self.refresher.refresh(school_id, old)).is_any:
            view = await self.flow.lookups.view(school_id, fresh=True)
        return view

    async def check(self, draft: Draft) -> Draft:
        """Return the draft with what the school's settings add by now, and all findings, by fresh lists; raise NotFound
        for the school."""
        school = await self.flow.registry.school(draft.row.school_id)
        view = await self.fresh_view(school.id, draft.kind)
        filled = _filled(draft, school, view)
        self.judge(filled, school, view)
        return filled

    def judge(self, draft: Draft, school: School, view: LookupView) -> None:
        """Add the findings of the records that are sent again, compared with those that stay: no slot may come
        twice."""
        unreadable = draft.unreadable
        others = [
            index
            for index, entry in enumerate(draft.progress)
            if index not in draft.going and entry.status not in _NOT_THERE
        ]
        going = [index for index in draft.going if index not in unreadable]
        places = [place for place in (*others, *going) if draft.records[place] is not None]
        records = [record for place in places if (record := draft.records[place]) is not None]
        if not records:
            return
        stale = self._stale(draft.kind, view)
        found = validate(
            draft.kind,
            records,
            school,
            view,
            stale_lists=stale,
            positions=places,
            today=school.latest_day(self.flow.clock.now()),
            now=self.flow.clock.now(),
            most=MOST_MADE,
        )
        draft.findings.extend(one for one in found if one.record is None or one.record in draft.going)

    def _stale(self, kind: Kind, view: LookupView) -> Collection[ListName]:
        oldest = self.flow.clock.now() - timedelta(seconds=self.flow.settings.lookups.stale_after_s)
        lists = ((ListName(name), view.get(ListName(name))) for name in kind.lists)
        return [name for name, lookup in lists if lookup is not None and lookup.fetched_at < oldest]


def _filled(draft: Draft, school: School, view: LookupView) -> Draft:
    """Return the draft as the school's settings have it meant by now: what failed for a word that was unknown goes once
    it is known. A code that stands for a word already is none itself, and what was said of it stays."""
    places = [index for index in draft.going if draft.records[index] is not None]
    given = [record for index in places if (record := draft.records[index]) is not None]
    said = [one for index in places if index not in draft.edited for one in said_of_filling(draft.progress[index])]
    filled = fill_in(draft.kind, given, school, view, app_id=draft.row.app_id, positions=places)
    settled = {one.pointer for one in said}
    again = {one.record for one in filled.findings if one.pointer in settled}
    records = list(draft.records)
    for index, record in zip(places, filled.records, strict=True):
        if index not in again:
            records[index] = record
    changed = {index for index in places if records[index] is not draft.records[index]}
    findings = [*draft.findings, *said, *(one for one in filled.findings if one.record not in again)]
    return replace(draft, records=records, edited=draft.edited | changed, findings=findings)
