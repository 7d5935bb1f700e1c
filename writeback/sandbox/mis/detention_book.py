"""The detentions that an MIS holds, who is in them, and what is done to them.

SIMS deletes no detention that is asked for through Xporter (14571); Wonde offers it (3894). So the MIS does as it is
told, and each provider's side asks only for what its document has.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from writeback.sandbox.mis.conduct import Conduct
from writeback.sandbox.mis.detentions import (
    DETENTION,
    ENTRY,
    Detention,
    DetentionChange,
    DetentionEdit,
    DetentionRemoval,
    Entry,
    HeldEntry,
    NewDetention,
    Terms,
)
from writeback.sandbox.mis.lists import withdrawn
from writeback.sandbox.mis.records import CREATED, DELETED, UPDATED, Effect, effect_on, merged
from writeback.sandbox.mis.roll import Roll


class Detentions:
    """The detentions of one MIS by the provider's id."""

    def __init__(self, roll: Roll, conduct: Conduct) -> None:
        self._roll, self._conduct = roll, conduct
        self.by_id: dict[str, Detention] = {}

    def entries(self) -> list[HeldEntry]:
        """Return every pupil's entry in every detention."""
        return [held for row in self.by_id.values() for held in row.entries.values()]

    def objection(self, change: DetentionChange) -> str | None:
        """Return why the MIS cannot do that, or None."""
        if isinstance(change, NewDetention):
            return self._objection(change.terms, change.entries, change.staff, None)
        held = self.by_id.get(change.detention_id)
        if held is None:
            return f"there is no detention {change.detention_id}"
        if isinstance(change, DetentionRemoval):
            return None
        missing = set(change.remove_students) - set(held.entries) or set(change.remove_staff) - set(held.staff)
        if missing:
            return f"{min(missing)} is not part of detention {held.id}"
        return self._objection(change.terms, change.entries, change.staff, held)

    def apply(self, change: DetentionChange, index: int, *, source: str, at: datetime) -> list[Effect]:
        """Do it; `objection` has been asked before."""
        match change:
            case NewDetention():
                return self._create(change, index, source, at)
            case DetentionEdit():
                return self._edit(change, index, source, at)
            case DetentionRemoval():
                gone = self.by_id.pop(change.detention_id)
                self._roll.note_deletion(DETENTION, gone.id, gone.mis_id, at)
                return [effect_on(gone, DETENTION, index, DELETED)]

    def rename(self, new: Mapping[str, str]) -> None:
        """Give detentions, and the people in them, the ids that `new` has for their old ones."""

        def now(old: str | None) -> str | None:
            return new.get(old, old) if old else None

        for row in self.by_id.values():
            row.id = new.get(row.id, row.id)
            row.staff = [new.get(member, member) for member in row.staff]
            row.terms = replace(
                row.terms, supervisor_id=now(row.terms.supervisor_id), recorded_by=now(row.terms.recorded_by)
            )
            for held in row.entries.values():
                held.id, held.detention_id = new.get(held.id, held.id), row.id
                held.entry = replace(
                    held.entry,
                    student_id=new.get(held.entry.student_id, held.entry.student_id),
                    behaviour_id=now(held.entry.behaviour_id),
                    recorded_by=now(held.entry.recorded_by),
                )
            row.entries = {held.entry.student_id: held for held in row.entries.values()}
        self.by_id = {row.id: row for row in self.by_id.values()}

    def _objection(
        self, terms: Terms, entries: Sequence[Entry], staff: Sequence[str], held: Detention | None
    ) -> str | None:
        off_roll = next((entry.student_id for entry in entries if entry.student_id not in self._roll.pupils), None)
        if off_roll:
            return f"student {off_roll} is not on roll"
        named = [terms.supervisor_id, terms.recorded_by, *staff, *(entry.recorded_by for entry in entries)]
        gone = next((member for member in named if member is not None and member not in self._roll.staff), None)
        if gone:
            return f"there is no member of staff {gone}"
        for entry in entries:
            if entry.behaviour_id and self._conduct.get("behaviour", entry.behaviour_id) is None:
                return f"there is no behaviour {entry.behaviour_id}"
        return self._times_objection(terms, held) or withdrawn(
            [terms.type, *(row for entry in entries for row in entry.attributes)]
        )

    def _times_objection(self, terms: Terms, held: Detention | None) -> str | None:
        said = merged(held.terms, terms) if held else terms
        assert said.type is not None
        start, end = said.start or said.type.start, said.end or said.type.end
        return None if start < end else f"a detention from {start:%H:%M} to {end:%H:%M} has no length"

    def _create(self, change: NewDetention, index: int, source: str, at: datetime) -> list[Effect]:
        new_id, mis_id = self._roll.new_record_ids()
        row = Detention(new_id, mis_id, change.terms, {}, list(change.staff), at, at, source)
        self.by_id[row.id] = row
        for entry in change.entries:
            self._put(row, entry, source, at)
        return [effect_on(row, DETENTION, index, CREATED)]

    def _edit(self, change: DetentionEdit, index: int, source: str, at: datetime) -> list[Effect]:
        row = self.by_id[change.detention_id]
        effects = []
        for entry in change.entries:
            is_new = entry.student_id not in row.entries
            held = self._put(row, entry, source, at)
            effects.append(effect_on(held, ENTRY, index, CREATED if is_new else UPDATED))
        for student_id in change.remove_students:
            gone = row.entries.pop(student_id)
            self._roll.note_deletion(ENTRY, gone.id, gone.mis_id, at)
            effects.append(effect_on(gone, ENTRY, index, DELETED))
        row.terms = merged(row.terms, change.terms)
        row.staff += [member for member in change.staff if member not in row.staff]
        row.staff = [member for member in row.staff if member not in change.remove_staff]
        row.updated_at, row.source = at, source
        return [effect_on(row, DETENTION, index, UPDATED), *effects]

    def _put(self, row: Detention, entry: Entry, source: str, at: datetime) -> HeldEntry:
        held = row.entries.get(entry.student_id)
        if held is None:
            new_id, mis_id = self._roll.new_record_ids()
            held = row.entries[entry.student_id] = HeldEntry(new_id, mis_id, row.id, entry, at, at, source)
            return held
        held.entry, held.updated_at, held.source = merged(held.entry, entry), at, source
        return held
