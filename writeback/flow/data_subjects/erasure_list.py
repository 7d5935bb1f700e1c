"""The erasure list: who was erased or has left, as keyed hashes, in the database and in a file beside it.

After a restore from an old backup the file knows what the database has forgotten, so that it can be erased again. The
hashes have a key of their own, sealed with the secret key: they stay what they are when that turns. The file is only
ever appended to, a line of JSON each, and is on the disk before anything is erased.
"""

import asyncio
import base64
import hmac
import json
import os
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from sqlmodel import Session, select

from writeback.core.errors import ConfigurationError, Conflict
from writeback.core.private_files import make_private_dir, open_private
from writeback.core.secrets import SecretBox
from writeback.domain.data_subject import folded
from writeback.store.sql.database import Database
from writeback.store.sql.upsert import insert_new
from writeback.store.tables import ErasureKeyRow, ErasureRow

SCHOOL, APP = "school", "app"
"""What has left, in the place of a person's role."""
_THE_ROW = "erasures"


@dataclass(frozen=True)
class Erasure:
    """One entry. `at`: what was there by then is gone."""

    hash: str
    school_id: str | None
    at: datetime


@dataclass(frozen=True)
class Keys:
    """The keys that hashes were made with: the first makes new ones."""

    keys: Sequence[bytes]

    def hashes(self, school_id: str | None, role: str, person_id: str) -> Sequence[str]:
        """Return the hash of somebody with each key."""
        text = "\0".join((school_id or "", role, folded(person_id))).encode()
        return [hmac.digest(key, text, "sha256").hex() for key in self.keys]


@dataclass(frozen=True)
class ErasureList:
    """The list of one database and one file."""

    db: Database
    secrets: SecretBox
    path: Path

    async def keys(self) -> Keys:
        """Return the keys, the first time made; raise Conflict where none of those that are kept can be opened."""
        lines = await asyncio.to_thread(self._lines)
        kept = await self.db.transact(_sealed_key)
        sealed = [*([kept] if kept else []), *(line["key"] for line in reversed(lines) if "key" in line)]
        opened = list(dict.fromkeys(key for one in sealed if (key := self._opened(one)) is not None))
        if sealed and not opened:
            raise Conflict(
                "erasure_list_sealed_otherwise",
                "the key of the erasure list was sealed with another secret key",
                hint="Start with the WRITEBACK_SECRET_KEY of that time beside the new one.",
            )
        if not sealed:
            made = self.secrets.seal({"key": base64.b64encode(secrets.token_bytes(32)).decode()})
            await self.db.transact(partial(_keep_key, made))
            return await self.keys()
        if kept is None:
            await self.db.transact(partial(_keep_key, sealed[0]))
        if sealed[0] not in [line.get("key") for line in lines]:
            await asyncio.to_thread(self._append, [{"key": sealed[0]}])
        return Keys(opened)

    async def follow(self) -> None:
        """Have the file keep the key as the database does, after that was sealed again; what was there stays."""
        if await self.db.transact(_sealed_key) is not None:
            await self.keys()

    async def add(self, school_id: str | None, role: str, person_id: str, at: datetime) -> str:
        """Put somebody on the list, in the file first; return the hash. Raise Conflict where it cannot be written."""
        erasure = Erasure((await self.keys()).hashes(school_id, role, person_id)[0], school_id, at)
        await self._write([erasure])
        await self.db.transact(partial(_keep, [erasure]))
        return erasure.hash

    async def merged(self) -> dict[str, Erasure]:
        """Return all entries by hash, after each of the two places has been given what it lacks."""
        lines = await asyncio.to_thread(self._lines)
        in_file = _latest(map(_of_line, (line for line in lines if "hash" in line)))
        in_database = await self.db.transact(_entries)
        every = _latest([*in_file.values(), *in_database.values()])
        await self.db.transact(partial(_keep, [one for one in every.values() if in_database.get(one.hash) != one]))
        await self._write([one for one in every.values() if in_file.get(one.hash) != one])
        return every

    async def _write(self, erasures: Sequence[Erasure]) -> None:
        lines = [{"hash": one.hash, "school": one.school_id, "at": one.at.isoformat()} for one in erasures]
        await asyncio.to_thread(self._append, lines)

    def _opened(self, sealed: str) -> bytes | None:
        try:
            return base64.b64decode(str(self.secrets.open(sealed)["key"]))
        except ConfigurationError:
            return None

    def _lines(self) -> list[dict[str, Any]]:
        """Return what the file says; a last line that was cut off by a crash is none."""
        try:
            text = self.path.read_text()
        except FileNotFoundError:
            return []
        except OSError as error:
            raise self._not_written(error) from error
        return [line for line in map(_read, text.splitlines()) if line is not None]

    def _append(self, lines: Sequence[Mapping[str, Any]]) -> None:
        if not lines:
            return
        text = "".join(f"{json.dumps(line)}\n" for line in lines)
        try:
            make_private_dir(self.path.parent)
            is_whole = not self.path.exists() or not self.path.stat().st_size or self.path.read_bytes().endswith(b"\n")
            with open(self.path, "a", opener=open_private) as file:
                file.write(text if is_whole else f"\n{text}")
                file.flush()
                os.fsync(file.fileno())
            _fsync_folder(self.path.parent)
        except OSError as error:
            raise self._not_written(error) from error

    def _not_written(self, error: OSError) -> Conflict:
        return Conflict(
            "erasure_list_unusable",
            f"the erasure list cannot be read or written ({type(error).__name__}): nothing was erased",
            hint="See that WRITEBACK_ERASURE_LIST, or the data directory, can be written.",
        )


def _fsync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _read(line: str) -> dict[str, Any] | None:
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _of_line(line: Mapping[str, Any]) -> Erasure:
    return Erasure(line["hash"], line.get("school"), datetime.fromisoformat(line["at"]))


def _latest(erasures: Iterable[Erasure]) -> dict[str, Erasure]:
    latest: dict[str, Erasure] = {}
    for one in erasures:
        if one.hash not in latest or latest[one.hash].at < one.at:
            latest[one.hash] = one
    return latest


def _entries(session: Session) -> dict[str, Erasure]:
    return {row.hash: Erasure(row.hash, row.school_id, row.at) for row in session.exec(select(ErasureRow))}


def _keep(erasures: Sequence[Erasure], session: Session) -> None:
    for one in erasures:
        session.merge(ErasureRow(hash=one.hash, school_id=one.school_id, at=one.at))


def _sealed_key(session: Session) -> str | None:
    row = session.get(ErasureKeyRow, _THE_ROW, populate_existing=True)
    return row.sealed if row is not None else None


def _keep_key(sealed: str, session: Session) -> None:
    insert_new(session, ErasureKeyRow, id=_THE_ROW, sealed=sealed)
