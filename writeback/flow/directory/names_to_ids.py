"""Puts ids in the place of people whom records name as the school knows them. Acceptance and batches call this with the
content of records, before these are read."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from validators.people import person_finding
from writeback.domain.directory import Found, Match, PersonReference
from writeback.domain.finding import Finding
from writeback.domain.kinds import Kind
from writeback.domain.lookups import ListName
from writeback.domain.school import School
from writeback.domain.submission.fields import Path
from writeback.domain.submission.people import Mention, mentions_in, with_ids

Find = Callable[[ListName, Sequence[PersonReference]], Awaitable[Sequence[Found]]]
"""Looks for people of a list: `PeopleFinder.find` at a school."""


@dataclass(frozen=True)
class Unfound:
    """Somebody who is named in a record and was not found."""

    place: int
    """Of the record among those that were given."""
    mention: Mention
    found: Found


@dataclass(frozen=True)
class WithIds:
    """`contents` in their places, with ids where somebody was found; `refused` says of each other record why not."""

    contents: Sequence[Any]
    refused: Mapping[int, Sequence[Finding]]
    unfound: Sequence[Unfound] = ()
    asked: Mapping[ListName, Sequence[Found]] = field(default_factory=dict)
    """What looking for people came to and is not in the audit log, by list."""


async def names_to_ids(find: Find, school: School, kind: Kind, contents: Sequence[Any]) -> WithIds:
    """Return the records' contents with ids in the place of names. All people of a list are looked for at once."""
    refused: dict[int, list[Finding]] = {}
    named: list[tuple[int, Mention]] = []
    for place, content in enumerate(contents):
        mentions, findings = mentions_in(kind, content, place)
        named += [(place, one) for one in mentions]
        if findings:
            refused[place] = list(findings)
    if not named:
        return WithIds(contents, refused)
    ids: dict[int, dict[Path, str]] = {}
    unfound: list[Unfound] = []
    for (place, mention), found in zip(named, await _found(find, [one for _, one in named]), strict=True):
        if found.match is Match.FOUND:
            ids.setdefault(place, {})[mention.path] = found.person_id
            continue
        finding = person_finding(mention, found.match, school, place)
        refused.setdefault(place, []).extend([finding] if finding is not None else [])
        unfound.append(Unfound(place, mention, found))
    changed = [with_ids(one, ids[place]) if place in ids else one for place, one in enumerate(contents)]
    return WithIds(changed, refused, unfound)


async def _found(find: Find, mentions: Sequence[Mention]) -> Sequence[Found]:
    """Return what each comes to. Whoever is named several times, e.g. the teacher of a register, is looked for once."""
    results: dict[tuple[ListName, PersonReference], Found] = {}
    for list_name in dict.fromkeys(one.list for one in mentions):
        wanted = list(dict.fromkeys(one.reference for one in mentions if one.list is list_name))
        found = await find(list_name, wanted)
        results |= {(list_name, one): came for one, came in zip(wanted, found, strict=True)}
    return [results[one.list, one.reference] for one in mentions]
