"""Who may ask for people, and how much: finding somebody by a UPN or a name tells who goes to a school.

It takes a scope of its own; a key may ask for so many people in a minute, and be told so often in an hour that somebody
is not found; each call is audited, with counts alone.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from writeback.core.buckets import Buckets
from writeback.core.errors import TooManyAtOnce
from writeback.domain.access import Caller, check_may_find
from writeback.domain.actor import actor_of
from writeback.domain.directory import Found, Match, PersonReference
from writeback.domain.directory.searching import fits, references_in
from writeback.domain.kinds import Kind
from writeback.domain.lookups import ListName
from writeback.flow.directory.find import PeopleFinder
from writeback.flow.directory.names_to_ids import WithIds, names_to_ids
from writeback.flow.engine.context import FlowContext
from writeback.store.people import audit

MOST_SHOWN = 25
"""Pupils whom a search shows."""
_MISSED = frozenset({Match.UNKNOWN, Match.AMBIGUOUS, Match.TOO_LITTLE})


@dataclass(frozen=True)
class FoundPeople:
    """What each reference came to; `names` of those who come near, by id, for who may see them."""

    found: Sequence[Found]
    names: Mapping[str, Mapping[str, Any]]


@dataclass
class PeopleAsked:
    """Answers callers of the API. One a process."""

    flow: FlowContext
    finder: PeopleFinder
    _asked: Buckets = field(init=False, repr=False)
    _missed: Buckets = field(init=False, repr=False)

    def __post_init__(self) -> None:
        limits = self.flow.settings.directory
        self._asked = Buckets(self.flow.clock, limits.asked_per_minute / 60, limits.asked_per_minute)
        self._missed = Buckets(self.flow.clock, limits.missed_per_hour / 3_600, limits.missed_per_hour)

    async def find(
        self, caller: Caller, school_id: str, list_name: ListName, references: Sequence[PersonReference]
    ) -> FoundPeople:
        """Return what references come to. Those who come near, only for who may see names.

        Raise Forbidden for a key without the scope, TooManyAtOnce, NotFound for the school.
        """
        self._check(caller, len(references))
        found = await self.finder.find(school_id, list_name, references)
        if not caller.sees_names:
            await self._note(caller, school_id, {list_name: found})
            return FoundPeople([Found(one.match, one.person_id) for one in found], {})
        near = dict.fromkeys(one for each in found for one in each.candidates)
        names = await self.finder.names(school_id, list_name, near)
        await self._note(caller, school_id, {list_name: found}, names_shown=len(names))
        return FoundPeople(found, names)

    async def search(self, caller: Caller, school_id: str, text: str) -> Mapping[str, Mapping[str, Any]]:
        """Return pupils of a school whom a text may mean, by id, the first by name first; with what they are called
        where the school keeps it. Raises as `find` does.

        Where names cannot be read, those are found whom the text names whole, and those who come near.
        """
        self._check(caller, 1)
        students = ListName.STUDENTS
        everybody = await self.finder.everybody(school_id, students)
        pupils: Mapping[str, Mapping[str, Any]] = {
            one: details for one, details in everybody.items() if fits(details, text)
        }
        if not everybody:
            found = await self.finder.find(school_id, students, references_in(text), refresh=False)
            pupils = {one: {} for each in found for one in (each.person_id, *each.candidates) if one}
        ordered = dict(sorted(pupils.items(), key=lambda pair: (*_by_name(pair[1]), pair[0])))
        match = Match.FOUND if ordered else Match.UNKNOWN
        shown = list(ordered)[:MOST_SHOWN]
        await self._note(
            caller, school_id, {students: [Found(match)]}, names_shown=len(shown) if everybody else 0, pupils=shown
        )
        return ordered

    async def with_ids(
        self, caller: Caller, school_id: str, kind: Kind, contents: Sequence[Any], *, is_trial: bool
    ) -> WithIds:
        """Return the contents of records with ids in the place of people whom they name. Raises as `find` does.

        What is kept says by itself who sent it; a trial, and who is not found, is audited. Of what is refused for
        something else, see `note_refused`.
        """
        check_may_find(caller)
        results: dict[ListName, Sequence[Found]] = {}

        async def find(list_name: ListName, references: Sequence[PersonReference]) -> Sequence[Found]:
            self._check(caller, len(references))
            results[list_name] = await self.finder.find(school_id, list_name, references)
            return results[list_name]

        changed = await names_to_ids(find, await self.flow.registry.school(school_id), kind, contents)
        if is_trial or changed.unfound:
            await self._note(caller, school_id, results)
            return changed
        return replace(changed, asked=results)

    async def note_refused(self, caller: Caller, school_id: str, given: WithIds) -> None:
        """Audit that people were found for a submission of which nothing is kept: its sender has learnt it."""
        if given.asked:
            await self._note(caller, school_id, given.asked)

    def _check(self, caller: Caller, count: int) -> None:
        """Count what is asked for; raise Forbidden, or TooManyAtOnce before anything is said."""
        check_may_find(caller)
        limits = self.flow.settings.directory
        wait_s = self._missed.empty_for_s(caller.key_id)
        if wait_s:
            raise TooManyAtOnce(
                "people_missed_too_often",
                f"{limits.missed_per_hour} people for whom this key asked in an hour were not found, or not alone",
                retry_after_s=max(1, round(wait_s)),
                hint="Compare what is sent with the school's MIS; or send the provider's ids.",
            )
        if self._asked.take(caller.key_id, count).is_exceeded:
            raise TooManyAtOnce(
                "people_asked_too_fast",
                f"this key has asked for more than {limits.asked_per_minute} people in a minute",
                retry_after_s=max(1, round(count * 60 / limits.asked_per_minute)),
                hint="Keep the ids that were found, and wait as long as Retry-After says.",
            )

    async def _note(
        self,
        caller: Caller,
        school_id: str,
        results: Mapping[ListName, Sequence[Found]],
        *,
        names_shown: int = 0,
        pupils: Sequence[str] = (),
    ) -> None:
        """Count who was not found, and write down how many were asked for, and how many names were shown; of a search
        whose, by ids."""
        counts = Counter(one.match for found in results.values() for one in found)
        if missed := sum(counts[match] for match in _MISSED):
            self._missed.charge(caller.key_id, missed)
        changed: dict[str, Any] = {
            "asked": counts.total(),
            **{match.value: number for match, number in sorted(counts.items())},
        }
        if names_shown:
            changed["names_shown"] = names_shown
        if pupils:
            changed["pupils"] = list(pupils)
        lists, app, actor = ", ".join(sorted(results)), caller.app_id or None, actor_of(caller)
        async with self.flow.db.write() as session:
            now = self.flow.clock.now()
            audit.note(session, actor, now, "people.find", lists, app=app, school=school_id, changed=changed)


def _by_name(details: Mapping[str, Any]) -> tuple[str, str]:
    return str(details.get("surname", "")).casefold(), str(details.get("forename", "")).casefold()
