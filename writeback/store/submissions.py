"""What a submission writes, and the one transaction that writes many of them. Called by the committer alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, select, tuple_

from writeback.store.bulk import BulkInsert
from writeback.store.database import Database, dialect_insert
from writeback.store.tables import EventRow, IdempotencyRow, Lane, WritebackRow, table_of


@dataclass(frozen=True)
class Idempotency:
    """The key that the app gave, and the hash of the body that came with it."""

    key: str
    body_hash: str


@dataclass(frozen=True)
class NewWriteback:
    """A writeback to be kept: the columns of its row but `seq`, and of its first event but `id`."""

    writeback: Mapping[str, Any]
    event: Mapping[str, Any]
    answer: str
    """The body of the response, kept for a replay."""
    idempotency: Idempotency | None

    @property
    def lane_id(self) -> str:
        lane_id: str = self.writeback["lane_id"]
        return lane_id

    @property
    def claim(self) -> tuple[str, str] | None:
        """The app and the key that this submission claims; None without a key."""
        return (self.writeback["app_id"], self.idempotency.key) if self.idempotency else None


@dataclass(frozen=True)
class Committed:
    """The writeback is in the database, for good."""


@dataclass(frozen=True)
class Replayed:
    """The key had been used with the same body: this was the answer."""

    answer: str


@dataclass(frozen=True)
class KeyReused:
    """The key had been used with another body; nothing was written."""


CommitResult = Committed | Replayed | KeyReused


@dataclass(frozen=True)
class _Answered:
    """What a key is known to stand for."""

    body_hash: str
    answer: str


class SubmissionWriter:
    """Writes submissions with a few statements, however many they are."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._known_lanes: set[str] = set()
        self._insert_lanes = dialect_insert(db, Lane).on_conflict_do_nothing()
        self._claim_keys = (
            dialect_insert(db, IdempotencyRow)
            .on_conflict_do_nothing()
            .returning(table_of(IdempotencyRow).c.app_id, table_of(IdempotencyRow).c.key)
        )
        self._writebacks, self._events = BulkInsert(WritebackRow, counted="seq"), BulkInsert(EventRow, counted="id")

    async def write(self, batch: Sequence[NewWriteback], now: datetime) -> list[CommitResult]:
        """Write the batch in one transaction and return what became of each, in order.

        A key belongs to the first submission with it: of this batch, of another process, or of days ago.
        """
        lanes = {new.lane_id: new for new in batch if new.lane_id not in self._known_lanes}
        results = await self._db.write_core(lambda connection: self._write(connection, batch, lanes, now))
        self._known_lanes.update(lanes)
        return results

    def _write(
        self, connection: Connection, batch: Sequence[NewWriteback], lanes: Mapping[str, NewWriteback], now: datetime
    ) -> list[CommitResult]:
        # Every process inserts lanes first, then keys, both sorted: two transactions cannot wait for each other.
        if lanes:
            connection.execute(self._insert_lanes, [_lane_values(lanes[lane_id]) for lane_id in sorted(lanes)])
        results = self._claim(connection, batch, now)
        winners = [new for new, result in zip(batch, results, strict=True) if isinstance(result, Committed)]
        if winners:
            self._writebacks.run(connection, [new.writeback for new in winners])
            self._events.run(connection, [new.event for new in winners])
        return results

    def _claim(self, connection: Connection, batch: Sequence[NewWriteback], now: datetime) -> list[CommitResult]:
        """Claim the batch's keys, and return for each submission whether it is to be written."""
        first: dict[tuple[str, str], NewWriteback] = {}
        for new in batch:
            if new.claim:
                first.setdefault(new.claim, new)
        taken = self._taken(connection, first, now) if first else {}
        return [_result_of(new, first, taken) for new in batch]

    def _taken(
        self, connection: Connection, first: Mapping[tuple[str, str], NewWriteback], now: datetime
    ) -> dict[tuple[str, str], _Answered]:
        """Claim keys for those who come first with them; return those that others had before, with their answers."""
        claims = [_key_values(first[claim], now) for claim in sorted(first)]
        won = {(app_id, key) for app_id, key in connection.execute(self._claim_keys, claims)}
        lost = sorted(first.keys() - won)
        if not lost:
            return {}
        rows = connection.execute(_ANSWERS, {"claims": lost})
        return {(row.app_id, row.key): _Answered(row.body_hash, row.answer) for row in rows}


def _result_of(
    new: NewWriteback, first: Mapping[tuple[str, str], NewWriteback], taken: Mapping[tuple[str, str], _Answered]
) -> CommitResult:
    if new.idempotency is None or new.claim is None:
        return Committed()
    answered = taken.get(new.claim)
    if answered is None:
        owner = first[new.claim]
        if owner is new:
            return Committed()
        assert owner.idempotency is not None
        answered = _Answered(owner.idempotency.body_hash, owner.answer)
    return Replayed(answered.answer) if answered.body_hash == new.idempotency.body_hash else KeyReused()


_KEYS = table_of(IdempotencyRow).c
_ANSWERS = select(_KEYS.app_id, _KEYS.key, _KEYS.body_hash, _KEYS.answer).where(
    tuple_(_KEYS.app_id, _KEYS.key).in_(bindparam("claims", expanding=True))
)


def _lane_values(new: NewWriteback) -> dict[str, Any]:
    school_id = new.writeback["school_id"]
    return {"id": new.lane_id, "school_id": school_id, "family": new.lane_id.rpartition(":")[2], "fence": 0}


def _key_values(new: NewWriteback, now: datetime) -> dict[str, Any]:
    assert new.idempotency is not None
    return {
        "app_id": new.writeback["app_id"],
        "key": new.idempotency.key,
        "body_hash": new.idempotency.body_hash,
        "answer": new.answer,
        "created_at": now,
    }
