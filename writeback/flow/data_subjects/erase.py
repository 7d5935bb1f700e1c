"""Erasing one person: everywhere at once, save what is on its way, which is named.

What if the process dies half-way? The person is on the erasure list before anything is taken; to erase again takes what
is left. Each page is a transaction of its own, so no morning waits for it.
"""

from collections import Counter
from collections.abc import Sequence
from functools import partial

from sqlmodel import Session

from writeback.domain.data_subject import Person
from writeback.domain.states import FINAL
from writeback.flow.data_subjects.rows_without import GONE, Look
from writeback.flow.data_subjects.walk import Found, Walk
from writeback.store.people import data_subjects as store
from writeback.store.tables import WritebackRow
from writeback_client.models.people import StillWaiting

_MOST_TIMES = 4
_BY_ITSELF = "Erase again when it has ended: it ends by itself."
_CANCEL = "Cancel it, or wait until it has been sent; then erase again."
_DECIDE = "Settle or cancel it: it waits for a person; then erase again."
_NEEDED = "It is needed for what is on its way: erase again when that has ended."
_WHAT_TO_DO = {"queued": _CANCEL, "held": _CANCEL, "needs_attention": _DECIDE}


async def erase(walk: Walk, person: Person) -> tuple[Counter[str], list[StillWaiting]]:
    """Take the person out of every row; return how many rows of each table changed, and what is left and why.

    It is gone through until nothing more is found: whoever read a row before, to make a message or search terms of it,
    may have written that down meanwhile.
    """
    rows: Counter[str] = Counter()
    waiting: list[StillWaiting] = []
    for _ in range(_MOST_TIMES):
        taken, waiting = await _go_through(walk, person)
        rows += taken
        if not taken:
            break
    return rows, waiting


async def _go_through(walk: Walk, person: Person) -> tuple[Counter[str], list[StillWaiting]]:
    look = await walk.look(person)
    rows: Counter[str] = Counter()
    waiting: list[StillWaiting] = []
    async for found in walk.found(person, look):
        waiting += [still_waiting(one) for one in found if one.waits]
        free = [one for one in found if not one.waits]
        if free:
            rows += await walk.db.transact(partial(_take, free, person, look))
    return rows, waiting + _files(waiting, look)


def _take(found: Sequence[Found], person: Person, look: Look, session: Session) -> Counter[str]:
    """Take the person out of rows, each locked and looked at once more; return how many there were, by table."""
    taken: Counter[str] = Counter()
    for one in found:
        row = store.lock(session, one.place.row, store.key_of(one.row))
        if row is None or one.place.waits(row, look):
            continue
        change = one.place.without(row, person, look)
        if change is GONE:
            session.delete(row)
        elif isinstance(change, dict):
            store.write(session, row, change)
        else:
            continue
        taken[one.place.name] += 1
    return taken


def still_waiting(found: Found) -> StillWaiting:
    """Return how a row that cannot go yet is named."""
    row = found.row
    key = "/".join(map(str, store.key_of(row))) if not isinstance(row, WritebackRow) else row.id
    status = str(getattr(row, "status", "") or getattr(row, "state", "")) or "needed by what is on its way"
    if found.place.name == "doubt":  # its key says whose mark it is
        key, status = row.writeback_id, f"may still arrive, until {row.until.isoformat(timespec='minutes')}"
    elif found.place.name in ("search_term", "idempotency"):
        key = found.place.holds
    what_to_do = _NEEDED if status in FINAL else _WHAT_TO_DO.get(status, _BY_ITSELF)
    return StillWaiting(table=found.place.name, id=key, status=status, what_to_do=what_to_do)


def _files(waiting: Sequence[StillWaiting], look: Look) -> list[StillWaiting]:
    """Name the files that may have rows of the person, where nothing read of them has named them yet."""
    named = {one.id for one in waiting}
    return [
        StillWaiting(
            table="batch",
            id=batch_id,
            status="being worked through",
            what_to_do="Cancel it, or erase again when it has ended.",
        )
        for batch_id in sorted(look.waiting & look.layouts.keys() - named)
    ]
