"""Whom rows of a batch name as the school knows them: found in its directory, or as somebody has chosen in a review."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date as Date
from functools import partial
from hashlib import blake2b
from typing import NamedTuple

from validators.people import person_finding
from writeback.batches.findings import make, refuse
from writeback.batches.records import Unit
from writeback.domain.directory import Found, Match, PersonReference
from writeback.domain.kinds import Kind
from writeback.domain.lookups import ListName
from writeback.domain.submission.people import Mention, mentions_in, with_ids
from writeback.flow.batches.lease import Turn
from writeback.flow.directory.find import PeopleFinder
from writeback.store.batches import reviews
from writeback.store.batches.reviews import PersonNamed
from writeback.store.tables import BatchRow

_CLASS = "class_name"


class _Named(NamedTuple):
    unit: Unit
    mention: Mention
    key: str


@dataclass
class PeopleInRows:
    """Finds whom the records of one batch name, all of a piece at once."""

    turn: Turn
    kind: Kind
    finder: PeopleFinder
    named: dict[PersonNamed, list[int]] = field(default_factory=dict)
    """Whom the piece names, in which rows."""
    missed: set[str] = field(default_factory=set)
    """Who was not found, or not alone, so far."""

    async def find(self, units: Iterable[Unit]) -> None:
        """Put ids in the place of those whom the units' contents name; say of each who was not found."""
        self.named = {}
        mentions = list(self._mentions(units))
        if not mentions:
            return
        if not self.turn.batch.may_find:
            for one in mentions:
                one.unit.say(make("people_not_allowed", pointer=one.mention.pointer(0), field=one.mention.field))
                one.unit.content = None
            return
        chosen = await self._chosen({one.key for one in mentions})
        found = await self._found([one for one in mentions if one.key not in chosen])
        school = await self.turn.flow.registry.school(self.turn.batch.school_id)
        by_unit: dict[int, list[_Named]] = {}
        for one in mentions:
            by_unit.setdefault(one.unit.number, []).append(one)
        for of_unit in by_unit.values():
            unit, ids = of_unit[0].unit, {}
            for one in of_unit:
                match, person_id, by = self._outcome(one, chosen, found)
                self._note(one, match, person_id, by)
                if by is not None:
                    unit.say(make("person_chosen", pointer=one.mention.pointer(0), field=one.mention.field, by=by))
                elif (finding := person_finding(one.mention, match, school, 0)) is not None:
                    unit.say(finding)
                if person_id:
                    ids[one.mention.path] = person_id
            unit.content = with_ids(unit.content or {}, ids) if not unit.is_bad else None

    def _mentions(self, units: Iterable[Unit]) -> Iterable[_Named]:
        for unit in units:
            mentions, findings = mentions_in(self.kind, unit.content, 0)
            for finding in findings:
                unit.say(finding)
            if findings:
                unit.content = None
            for mention in mentions:
                yield _Named(unit, mention, key_of(self.turn.batch, mention.list, mention.reference))

    async def _chosen(self, keys: set[str]) -> Mapping[str, tuple[str, str]]:
        batch = self.turn.batch
        return await self.turn.read(partial(reviews.chosen, batch_id=batch.id, keys=keys)) if batch.review else {}

    async def _found(self, mentions: Sequence[_Named]) -> Mapping[str, Found]:
        """Return what looking for them came to, by key: each is looked for once."""
        wanted: dict[ListName, dict[str, PersonReference]] = {}
        for one in mentions:
            wanted.setdefault(one.mention.list, {})[one.key] = one.mention.reference
        misses, owner = self.finder.misses, (self.turn.batch.app_id, self.turn.batch.school_id)
        if wanted and misses.are_too_many(*owner):
            raise refuse("people_missed_lately", limit=misses.most)
        found: dict[str, Found] = {}
        for list_name, references in wanted.items():
            of_list = await self.finder.find(self.turn.batch.school_id, list_name, list(references.values()))
            found |= dict(zip(references, of_list, strict=True))
        missed = {key for key, one in found.items() if one.match in (Match.UNKNOWN, Match.AMBIGUOUS)}
        misses.note(*owner, {one.mention.reference for one in mentions if one.key in missed})
        self.missed |= missed
        most = self.turn.flow.settings.batches.max_people_missed
        if len(self.missed) > most:
            raise refuse("people_missed", limit=most)
        return found

    def _outcome(
        self, one: _Named, chosen: Mapping[str, tuple[str, str]], found: Mapping[str, Found]
    ) -> tuple[Match, str, str | None]:
        """Return what it came to, the id, and who has chosen it."""
        if one.key in chosen:
            person_id, by = chosen[one.key]
            return Match.FOUND, person_id, by
        return found[one.key].match, found[one.key].person_id, None

    def _note(self, one: _Named, match: Match, person_id: str, by: str | None) -> None:
        row = one.unit.row_of(one.mention.pointer(0))
        one.unit.people.setdefault(row, []).append(one.key)
        if self.turn.batch.review:
            text = reference_text(one.mention.reference)
            named = PersonNamed(one.key, one.mention.list.value, text, match.value, person_id, by)
            self.named.setdefault(named, []).append(row)


def key_of(batch: BatchRow, list_name: ListName, reference: PersonReference) -> str:
    """Return what names a reference in calls about its file.

    It stands in paths, which logs keep, so it is keyed with what nobody knows who has not the file: a plain hash of a
    UPN or a name is soon tried out.
    """
    said = f"{list_name.value}\0{reference_text(reference)}".encode()
    return blake2b(said, digest_size=12, key=f"{batch.id}{batch.sha256}".encode()[-64:]).hexdigest()


def reference_of(text: str) -> PersonReference:
    """Return the reference that `reference_text` has written down."""
    said = {(_CLASS if name == "class" else name): value for name, value in json.loads(text).items()}
    if "date_of_birth" in said:
        said["date_of_birth"] = Date.fromisoformat(said["date_of_birth"])
    return PersonReference(**said)


def reference_text(reference: PersonReference) -> str:
    """Return a reference as JSON, by the names that a record has; what it does not say is left out."""
    said = {name: value for name, value in asdict(reference).items() if value}
    named = {("class" if name == _CLASS else name): str(value) for name, value in said.items()}
    return json.dumps(named, sort_keys=True, ensure_ascii=False)
