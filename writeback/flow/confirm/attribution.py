"""Which of the things that the MIS shows a record of ours has made, where other records may have made them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from writeback.domain.kinds import KINDS, Action, Kind
from writeback.domain.near_matches import Near
from writeback.domain.outcome import Found, SlotReading
from writeback.flow.confirm.candidates import CLOCKS_DIFFER, Rival, most_pairs
from writeback.flow.engine.context import FlowContext
from writeback.flow.engine.request_members import claim
from writeback.flow.engine.status_changes import Changes
from writeback.flow.engine.turn import Member
from writeback.providers.base import SentRequest
from writeback.store.tables import RequestRow
from writeback.store.writebacks import claimed_things


@dataclass(frozen=True)
class Credit:
    """The MIS ids of what a record has made; of `ids` None: nothing that is there is known to be its own."""

    ids: tuple[str, ...] | None = None
    is_open: bool = False
    """Whose it is may be told later, when the rivals' evidence is there."""
    is_unclear: bool = False
    """Something may be its own as well as a rival's, and no evidence will tell."""
    near: tuple[Near, ...] = ()
    """Where nothing is its own: what may be, had somebody changed it in the MIS."""


@dataclass(frozen=True)
class Crediting:
    """Credits what was read to the records of one locked request. `rivals`: each with what was read for it."""

    flow: FlowContext
    changes: Changes
    request: RequestRow
    sent: SentRequest
    rivals: Sequence[tuple[Rival, SlotReading | None]]
    given: set[str] = field(default_factory=set)

    @property
    def _kind(self) -> Kind:
        return KINDS[self.request.kind]

    def credit_all(self, members: Sequence[Member], readings: Sequence[SlotReading | None]) -> list[Credit]:
        """Return a credit for each member, in order."""
        pairs = list(zip(members, readings, strict=True))
        credits = [self._credit(member, reading) for member, reading in pairs]
        return [  # only now: what is nearly one record may be another one exactly
            credit if credit.ids is not None else replace(credit, near=self._near(member, reading))
            for credit, (member, reading) in zip(credits, pairs, strict=True)
        ]

    def unclaimed(self, member: Member, mis_ids: Collection[str]) -> set[str]:
        """Return those of the ids that no other record has claimed."""
        own, owners = _name(member), self._owners(mis_ids)
        return {mis_id for mis_id in mis_ids if mis_id not in self.given and owners.get(mis_id, own) == own}

    def _owners(self, mis_ids: Collection[str]) -> Mapping[str, tuple[str, int]]:
        return claimed_things.owners(
            self.changes.session, school_id=self.request.school_id, family=self._kind.family, mis_ids=mis_ids
        )

    def _credit(self, member: Member, reading: SlotReading | None) -> Credit:
        """Claim for the record what must be its own: of things that look the same, one that no rival needs."""
        if reading is None or not reading.matches:
            return Credit()
        if self._kind.action is not Action.CREATE or not reading.found:
            return Credit(tuple(found.mis_id for found in reading.found))
        owners = self._owners([found.mis_id for found in reading.found])
        claimed = next((found for found in reading.found if owners.get(found.mis_id) == _name(member)), None)
        if claimed is not None:  # it stays its own, also where others of the request are still waited for
            self.given.update(claimed.ids)
            return Credit((claimed.mis_id,))
        there = [one for one in reading.found if one.mis_id not in self.given and one.mis_id not in owners]
        own = [found for found in there if self._is_recent(found)]
        while (found := self._spare(own)) is not None:
            own.remove(found)
            # Else another, settled at the same moment, was first.
            if claim(self.changes, self.request, member, found.mis_id):
                for part in found.parts:
                    claim(self.changes, self.request, member, part)
                self.given.update(found.ids)
                return Credit((found.mis_id,))
        rivals = self._rivals_for(own)
        elsewhere = [
            found for found in there if found not in own and any(rival.may_have_made(found) for rival in rivals)
        ]
        now, patience_s = self.changes.now, self.flow.settings.confirm.absence_patience_s
        return Credit(
            is_open=not all(rival.must_show(now, patience_s) for rival in rivals),
            is_unclear=len(own) > len(rivals) - len(elsewhere),  # rivals may have made those instead
        )

    def _spare(self, things: Sequence[Found]) -> Found | None:
        """Return the first thing without which as many rivals still find one that they may have made."""
        makers = {thing.mis_id: self._makers(thing.mis_id) for thing in things}
        most = most_pairs(makers)
        for thing in things:
            if most_pairs({mis_id: places for mis_id, places in makers.items() if mis_id != thing.mis_id}) == most:
                return thing
        return None

    def _near(self, member: Member, reading: SlotReading | None) -> tuple[Near, ...]:
        """Return what is nearly the record, may be of its request, and is not what another record has made.

        A rival accounts for one thing that is exactly its own; what is nearly both of them is anybody's.
        """
        if reading is None or not reading.near or self._kind.action is not Action.CREATE:
            return ()
        unclaimed = self.unclaimed(member, [near.mis_id for near in reading.near])
        there = [near for near in reading.near if near.mis_id in unclaimed and self._is_recent(near)]
        makers = {near.mis_id: self._rivals_for([Found(near.mis_id, near.created_at)]) for near in there}
        anybodys = tuple(near for near in there if not makers[near.mis_id])
        rivals = {(rival.writeback_id, rival.index) for found in makers.values() for rival in found}
        return tuple(there) if len(there) - len(anybodys) > len(rivals) else anybodys

    def _is_recent(self, found: Found | Near) -> bool:
        """Whether it may have been made by this request, and not before."""
        return found.created_at is None or found.created_at >= self.sent.sent_at - CLOCKS_DIFFER

    def _rivals_for(self, things: Sequence[Found]) -> list[Rival]:
        """Return the rivals that may have made one of those things."""
        places = {place for thing in things for place in self._makers(thing.mis_id)}
        return [self.rivals[place][0] for place in sorted(places)]

    def _makers(self, mis_id: str) -> list[int]:
        """Return the places of the rivals that may have made it."""
        return [
            place
            for place, (rival, reading) in enumerate(self.rivals)
            if reading is not None
            and any(mis_id in found.ids and rival.may_have_made(found) for found in reading.found)
        ]


def _name(member: Member) -> tuple[str, int]:
    """Return the writeback and the index of its record, as claims name them."""
    return member.opened.row.id, member.index
