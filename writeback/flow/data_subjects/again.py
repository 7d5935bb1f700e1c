"""Erasing again after a restore: whoever the erasure list names, as far back as they were erased.

The list has only hashes, so every short text in which an id may stand is hashed and compared; what came after an
erasure stays, for somebody may have come back.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlmodel import Session, select

from writeback.domain.actor import Actor
from writeback.domain.data_subject import Person, Role, folded, read_json
from writeback.flow.data_subjects.erase import erase
from writeback.flow.data_subjects.erasure_list import Erasure, Keys
from writeback.flow.data_subjects.leaving import Leaving, remove_again
from writeback.flow.data_subjects.rows_without import Look
from writeback.flow.data_subjects.walk import Walk, layouts_of
from writeback.store.tables import BatchChunkRow, SchoolRow
from writeback_client.models.people import StillWaiting

_LONGEST_ID = 64
_PARTS = re.compile(r"[|\s]+")


@dataclass
class ErasedAgain:
    """`persons`, `schools`, `apps`: how many had come back. `waiting`: what is on its way, as the backup has it."""

    persons: int = 0
    schools: int = 0
    apps: int = 0
    rows: Counter[str] = field(default_factory=Counter)
    waiting: list[StillWaiting] = field(default_factory=list)


async def erase_again(walk: Walk, leaving: Leaving, actor: Actor) -> ErasedAgain:
    """Erase whom the list names, and remove what has left; return what there was."""
    listed = leaving.list
    erasures, done = await listed.merged(), ErasedAgain()
    if not erasures:
        return done
    keys = await listed.keys()

    def has_left(school_id: str | None, role: str, owner_id: str, made_at: datetime) -> bool:
        hashes = keys.hashes(school_id, role, owner_id)
        return any(one in erasures and erasures[one].at >= made_at for one in hashes)

    done.schools, done.apps = await remove_again(leaving, has_left, actor)
    listed_schools = {one.school_id for one in erasures.values()}
    for school_id in await walk.db.transact(_schools):
        if school_id not in listed_schools:
            continue
        for erasure, person in await _named(walk, school_id, erasures, keys):
            rows, waiting = await erase(replace(walk, until=erasure.at), person)
            if rows or waiting:
                done.persons += 1
                done.rows += rows
                done.waiting += waiting
    return done


async def _named(
    walk: Walk, school_id: str, erasures: Mapping[str, Erasure], keys: Keys
) -> Collection[tuple[Erasure, Person]]:
    """Return the entries of the list whose persons the school's rows name, each with the person."""
    found: dict[str, tuple[Erasure, Person]] = {}
    seen: set[str] = set()
    look = Look(walk.secrets, walk.clock.now(), layouts=layouts_of(await walk.batches(school_id)))
    async for place, rows in walk.pages(school_id, look):
        columns = [name for name in place.columns if place.row is not BatchChunkRow]  # its bytes are no text
        new = {folded(one) for row in rows for name in columns for one in _short_texts(getattr(row, name))} - seen
        seen |= new
        for text in new:
            for role in Role:
                for one in keys.hashes(school_id, role.value, text):
                    if one in erasures:
                        found[one] = erasures[one], Person(school_id, role, text)
    return found.values()


def _short_texts(value: Any) -> Iterator[str]:
    """Yield what may be somebody's id: short texts and whole numbers in JSON, and the parts of slots."""
    if isinstance(value, str) and value[:1] in ("[", "{"):
        value = read_json(value)
    match value:
        case str():
            yield from (part for part in (value, *_PARTS.split(value)) if 0 < len(part) <= _LONGEST_ID)
        case int():
            yield str(value)
        case Mapping():
            for key, one in value.items():
                yield str(key)
                yield from _short_texts(one)
        case list() | tuple():
            for one in value:
                yield from _short_texts(one)


def _schools(session: Session) -> Sequence[str]:
    return session.exec(select(SchoolRow.id)).all()
