"""Which of the things that the MIS shows a record of ours has made, where other records may have made them."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from writeback.domain.kinds import KINDS, Action, Kind
from writeback.domain.outcome import Found, SlotReading
from writeback.flow.changes import Changes
from writeback.flow.context import FlowContext
from writeback.flow.members import claim
from writeback.flow.rivals import CLOCKS_DIFFER, Rival
from writeback.flow.turn import Member
from writeback.providers.base import SentRequest
from writeback.store import claims
from writeback.store.tables import RequestRow


@dataclass(frozen=True)
class Credit:
    """The MIS ids of what a record has made; of `ids` None: nothing that is there is known to be its own."""

    ids: tuple[str, ...] | None = None
    is_open: bool = False
    """Whose it is may be told later, when the rivals' evidence is there."""
    is_unclear: bool = False
    """Something may be its own as well as a rival's, and no evidence will tell."""


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
        return [self._credit(member, reading) for member, reading in zip(members, readings, strict=True)]

    def _credit(self, member: Member, reading: SlotReading | None) -> Credit:
        """Claim for the record what must be its own: of things that look the same, there are more than rivals."""
        if reading is None or not reading.matches:
            return Credit()
        if self._kind.action is not Action.CREATE or not reading.found:
            return Credit(tuple(found.mis_id for found in reading.found))
        there = self._unclaimed(member, reading)
        own = [found for found in there if self._is_recent(found)]
        while len(own) > len(self._rivals_for(own)):
            found = own.pop(0)
            # It stays its own, also where others of the request are still waited for. Else another, settled at the same
            # moment, was first.
            if claim(self.changes, self.request, member, found.mis_id):
                self.given.add(found.mis_id)
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

    def _unclaimed(self, member: Member, reading: SlotReading) -> list[Found]:
        """Return what no other record has claimed."""
        owners = claims.owners(
            self.changes.session,
            school_id=self.request.school_id,
            family=self._kind.family,
            mis_ids=[found.mis_id for found in reading.found],
        )
        own = (member.opened.row.id, member.index)
        return [
            found for found in reading.found if found.mis_id not in self.given and owners.get(found.mis_id, own) == own
        ]

    def _is_recent(self, found: Found) -> bool:
        """Whether it may have been made by this request, and not before."""
        return found.created_at is None or found.created_at >= self.sent.sent_at - CLOCKS_DIFFER

    def _rivals_for(self, things: Sequence[Found]) -> list[Rival]:
        """Return the rivals that may have made one of those things."""
        ids = {found.mis_id for found in things}
        return [
            rival
            for rival, reading in self.rivals
            if reading is not None
            and any(found.mis_id in ids and rival.may_have_made(found) for found in reading.found)
        ]
