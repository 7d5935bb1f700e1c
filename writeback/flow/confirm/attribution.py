"""Attribution: which of the things found in the MIS a record of ours has made, where others may have made them too."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from writeback.domain.kinds import KINDS, Action, Kind
from writeback.domain.near_matches import Near
from writeback.domain.outcome import Found, SlotReadBack
from writeback.flow.confirm.candidates import CLOCKS_DIFFER, Candidate, most_pairs
from writeback.flow.engine.context import FlowContext
from writeback.flow.engine.request_members import claim
from writeback.flow.engine.status_changes import Changes
from writeback.flow.engine.turn import Member
from writeback.providers.base import SentRequest
from writeback.store.tables import RequestRow
from writeback.store.writebacks import claimed_things


@dataclass(frozen=True)
class Attributed:
    """What is attributed to a record: the MIS ids that it has made. `ids` None: nothing found is known to be its
    own."""

    ids: tuple[str, ...] | None = None
    is_open: bool = False
    """It can be decided later, when the evidence of the other candidates is there."""
    is_unclear: bool = False
    """Something may have been made by it or by another candidate, and no evidence will decide."""
    near: tuple[Near, ...] = ()
    """Where nothing is its own: what may be its own, had somebody changed it in the MIS."""


@dataclass(frozen=True)
class Attribution:
    """Attributes what was read to the records of one locked request. `candidates`: each with what was read for it."""

    flow: FlowContext
    changes: Changes
    request: RequestRow
    sent: SentRequest
    candidates: Sequence[tuple[Candidate, SlotReadBack | None]]
    given: set[str] = field(default_factory=set)

    @property
    def _kind(self) -> Kind:
        return KINDS[self.request.kind]

    def attribute_all(self, members: Sequence[Member], readings: Sequence[SlotReadBack | None]) -> list[Attributed]:
        """Return what is attributed to each member, in order."""
        pairs = list(zip(members, readings, strict=True))
        all_attributed = [self._attribute(member, reading) for member, reading in pairs]
        return [  # only now: what is nearly one record may be another one exactly
            attributed if attributed.ids is not None else replace(attributed, near=self._near(member, reading))
            for attributed, (member, reading) in zip(all_attributed, pairs, strict=True)
        ]

    def unclaimed(self, member: Member, mis_ids: Collection[str]) -> set[str]:
        """Return those of the ids that no other record has claimed."""
        own, owners = _name(member), self._owners(mis_ids)
        return {mis_id for mis_id in mis_ids if mis_id not in self.given and owners.get(mis_id, own) == own}

    def _owners(self, mis_ids: Collection[str]) -> Mapping[str, tuple[str, int]]:
        return claimed_things.owners(
            self.changes.session, school_id=self.request.school_id, family=self._kind.family, mis_ids=mis_ids
        )

    def _attribute(self, member: Member, reading: SlotReadBack | None) -> Attributed:
        """Claim for the record what must be its own: of things that look the same, one that no other candidate
        needs."""
        if reading is None or not reading.matches:
            return Attributed()
        if self._kind.action is not Action.CREATE or not reading.found:
            return Attributed(tuple(found.mis_id for found in reading.found))
        owners = self._owners([found.mis_id for found in reading.found])
        claimed = next((found for found in reading.found if owners.get(found.mis_id) == _name(member)), None)
        if claimed is not None:  # it stays its own, also where others of the request are still waited for
            self.given.update(claimed.ids)
            return Attributed((claimed.mis_id,))
        there = [one for one in reading.found if one.mis_id not in self.given and one.mis_id not in owners]
        own = [found for found in there if self._is_recent(found)]
        while (found := self._spare(own)) is not None:
            own.remove(found)
            # Else another, settled at the same moment, was first.
            if claim(self.changes, self.request, member, found.mis_id):
                for part in found.parts:
                    claim(self.changes, self.request, member, part)
                self.given.update(found.ids)
                return Attributed((found.mis_id,))
        candidates = self._candidates_for(own)
        elsewhere = [
            found
            for found in there
            if found not in own and any(candidate.may_have_made(found) for candidate in candidates)
        ]
        now, patience_s = self.changes.now, self.flow.settings.confirm.absence_patience_s
        return Attributed(
            is_open=not all(candidate.must_show(now, patience_s) for candidate in candidates),
            is_unclear=len(own) > len(candidates) - len(elsewhere),  # other candidates may have made those instead
        )

    def _spare(self, things: Sequence[Found]) -> Found | None:
        """Return the first thing without which as many candidates still find one that they may have made."""
        makers = {thing.mis_id: self._to_leave_it_to(thing.mis_id) for thing in things}
        most = most_pairs(makers)
        for thing in things:
            if most_pairs({mis_id: places for mis_id, places in makers.items() if mis_id != thing.mis_id}) == most:
                return thing
        return None

    def _near(self, member: Member, reading: SlotReadBack | None) -> tuple[Near, ...]:
        """Return what is nearly the record, may be of its request, and is not what another record has made.

        A candidate accounts for one thing that matches it exactly; what is nearly both may belong to either.
        """
        if reading is None or not reading.near or self._kind.action is not Action.CREATE:
            return ()
        unclaimed = self.unclaimed(member, [near.mis_id for near in reading.near])
        there = [near for near in reading.near if near.mis_id in unclaimed and self._is_recent(near)]
        makers = {near.mis_id: [self.candidates[place][0] for place in self._makers(near.mis_id)] for near in there}
        anybodys = tuple(near for near in there if not makers[near.mis_id])
        candidates = {(candidate.writeback_id, candidate.index) for found in makers.values() for candidate in found}
        return tuple(there) if len(there) - len(anybodys) > len(candidates) else anybodys

    def _is_recent(self, found: Found | Near) -> bool:
        """Whether it may have been made by this request, and not before."""
        return found.created_at is None or found.created_at >= self.sent.sent_at - CLOCKS_DIFFER

    def _candidates_for(self, things: Sequence[Found]) -> list[Candidate]:
        """Return the candidates that one of those things may have to be left to."""
        places = {place for thing in things for place in self._to_leave_it_to(thing.mis_id)}
        return [self.candidates[place][0] for place in sorted(places)]

    def _to_leave_it_to(self, mis_id: str) -> list[int]:
        """Return the places of those that may have made it, but for who is in doubt as well."""
        return [place for place in self._makers(mis_id) if not self.candidates[place][0].is_in_doubt]

    def _makers(self, mis_id: str) -> list[int]:
        """Return the places of the candidates that may have made it."""
        return [
            place
            for place, (candidate, reading) in enumerate(self.candidates)
            if reading is not None
            and any(mis_id in found.ids and candidate.may_have_made(found) for found in reading.found)
        ]


def _name(member: Member) -> tuple[str, int]:
    """Return the writeback and the index of its record, as claims name them."""
    return member.opened.row.id, member.index
