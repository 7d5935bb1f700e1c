"""What a submission writes, and the one transaction that writes many of them. Called by the committer alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from writeback.store.sql.bulk_insert import BulkInsert, Values, together
from writeback.store.sql.database import Database
from writeback.store.sql.drivers import Statements
from writeback.store.tables import (
    DropInMemberRow,
    DropInRow,
    EventRow,
    IdempotencyRow,
    Lane,
    RecentCreateRow,
    WritebackRow,
)


@dataclass(frozen=True)
class Idempotency:
    """The key that the app gave, and the hash of the body that came with it."""

    key: str
    body_hash: str


@dataclass(frozen=True)
class NewDropIn:
    """A drop-in request, as it is stored with its writebacks: the columns of its rows."""

    request: Mapping[str, Any]
    members: Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class NewWriteback:
    """A writeback to be kept: the columns of its row but `seq`, and of its first event but `id`."""

    writeback: Mapping[str, Any]
    event: Mapping[str, Any]
    answer: str
    """The body of the response, kept for a replay."""
    idempotency: Idempotency | None
    others: "Sequence[NewWriteback]" = ()
    """Writebacks that are kept together with this one, or not at all."""
    drop_in: NewDropIn | None = None
    """What it came through, where that was not our own API."""
    same: Sequence[str] = ()
    """Hashes of the records that create something, by which the same is known when it comes again."""

    @property
    def whole(self) -> "Sequence[NewWriteback]":
        """This one and those that are kept with it."""
        return (self, *self.others)

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


_ANSWER = "SELECT body_hash, answer FROM idempotency WHERE app_id = {} AND key = {}"
"""For keys that were used before; replays are so few that each may have a statement of its own."""


class SubmissionWriter:
    """Writes submissions with a few statements, however many they are."""

    def __init__(self, db: Database) -> None:
        self._db, self._is_postgresql = db, db.dialect == "postgresql"
        self._known_lanes: set[str] = set()
        self._lanes = BulkInsert(db.sql_dialect, Lane, ending="ON CONFLICT DO NOTHING")
        self._keys = BulkInsert(db.sql_dialect, IdempotencyRow, ending="ON CONFLICT DO NOTHING RETURNING app_id, key")
        self._writebacks = BulkInsert(db.sql_dialect, WritebackRow, counted="seq")
        self._events = BulkInsert(db.sql_dialect, EventRow, counted="id")
        self._recent = BulkInsert(db.sql_dialect, RecentCreateRow, ending="ON CONFLICT DO NOTHING")
        self._drop_ins = BulkInsert(db.sql_dialect, DropInRow)
        self._drop_in_members = BulkInsert(db.sql_dialect, DropInMemberRow)
        self._answer = _ANSWER.format("?", "?") if db.dialect == "sqlite" else _ANSWER.format("$1", "$2")

    async def write(self, batch: Sequence[NewWriteback], now: datetime) -> list[CommitResult]:
        """Write the batch in one transaction and return what became of each, in order.

        A key belongs to the first submission with it: of this batch, of another process, or of days ago.
        """
        # All that can be made ready before the transaction is: on SQLite it holds up every other writer.
        lanes = {one.lane_id: one for new in batch for one in new.whole if one.lane_id not in self._known_lanes}
        new_lanes = [self._lanes.values(_lane_values(lanes[lane_id])) for lane_id in sorted(lanes)]
        rows = [
            [(self._writebacks.values(one.writeback), self._events.values(one.event)) for one in new.whole]
            for new in batch
        ]
        recent = [self._recent_of(new) for new in batch]

        def work(statements: Statements) -> list[CommitResult]:
            # Every process inserts lanes first, then keys, both sorted: two transactions cannot wait for each other.
            if new_lanes:
                self._lanes.run(statements, new_lanes)
            results = self._claim(statements, batch, now)
            is_new = [isinstance(result, Committed) for result in results]
            won = [row for group, is_one in zip(rows, is_new, strict=True) if is_one for row in group]
            if won:
                self._insert(statements, won)
            creates = [one for group, is_one in zip(recent, is_new, strict=True) if is_one for one in group]
            if creates:
                self._recent.run(statements, creates)
            drop_ins = [
                new.drop_in for new, is_one in zip(batch, is_new, strict=True) if is_one and new.drop_in is not None
            ]
            if drop_ins:
                self._drop_ins.run(statements, [self._drop_ins.values(one.request) for one in drop_ins])
                members = [self._drop_in_members.values(member) for one in drop_ins for member in one.members]
                self._drop_in_members.run(statements, members)
            return results

        results = await self._db.write_by_driver(work)
        self._known_lanes.update(lanes)
        return results

    def _insert(self, statements: Statements, rows: Sequence[tuple[Values, Values]]) -> None:
        """Insert writebacks, each with its first event."""
        writebacks, events = [writeback for writeback, _ in rows], [event for _, event in rows]
        if self._is_postgresql:
            statements.run(*together([self._writebacks.of_arrays(writebacks), self._events.of_arrays(events)]))
        else:
            self._writebacks.run(statements, writebacks)
            self._events.run(statements, events)

    def _recent_of(self, new: NewWriteback) -> list[Values]:
        """Return the rows by which what it creates is known when it comes again; of marks there are none."""
        return [
            self._recent.values(
                {
                    "school_id": one.writeback["school_id"],
                    "same": same,
                    "writeback_id": one.writeback["id"],
                    "created_at": one.writeback["created_at"],
                }
            )
            for one in new.whole
            for same in one.same
        ]

    def _claim(self, statements: Statements, batch: Sequence[NewWriteback], now: datetime) -> list[CommitResult]:
        """Claim the batch's keys, and return for each submission whether it is to be written."""
        first: dict[tuple[str, str], NewWriteback] = {}
        for new in batch:
            if new.claim:
                first.setdefault(new.claim, new)
        taken = self._taken(statements, first, now) if first else {}
        return [_result_of(new, first, taken) for new in batch]

    def _taken(
        self, statements: Statements, first: Mapping[tuple[str, str], NewWriteback], now: datetime
    ) -> dict[tuple[str, str], _Answered]:
        """Claim keys for those who come first with them; return those that others had before, with their answers."""
        claims = [self._keys.values(_key_values(first[claim], now)) for claim in sorted(first)]
        won = {(app_id, key) for app_id, key in self._keys.run(statements, claims)}
        lost = sorted(first.keys() - won)
        return {claim: answered for claim in lost for answered in self._answered(statements, claim)}

    def _answered(self, statements: Statements, claim: tuple[str, str]) -> list[_Answered]:
        return [_Answered(body_hash, answer) for body_hash, answer in statements.run(self._answer, claim)]


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
