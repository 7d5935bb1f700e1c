"""Backups of the embedded database: one file with a manifest, which `tar` can read where it is not encrypted.

What is in the data directory besides the database is not in it: Redis only wakes workers, and what is remembered of the
database must not come back with it. The secret key is in it only where that is asked for.
"""

import gzip
import hashlib
import io
import json
import os
import tarfile
import tempfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, cast

from writeback import __version__
from writeback.core.errors import ConfigurationError
from writeback.core.private_files import open_private
from writeback.flow.upkeep.encrypted_file import DecryptingReader, EncryptingWriter, is_encrypted
from writeback.store.sql import sqlite_files

DATABASE, KEYS = "writeback.db", "secret.key"
_MANIFEST = "manifest.json"
_FORMAT = 1
_LONGEST_MANIFEST = 100_000
_PIECE = 1 << 20
_COMPRESSION = 3


@dataclass(frozen=True)
class File:
    """One file of a backup."""

    size: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """What a backup has, and of when. It stands at its beginning."""

    taken_at: datetime
    """The database is as it was then, or a moment later."""
    made_by: str
    """The version of the service."""
    files: Mapping[str, File]

    @property
    def has_keys(self) -> bool:
        return KEYS in self.files

    def as_json(self) -> dict[str, Any]:
        files = {name: asdict(file) for name, file in self.files.items()}
        return {"format": _FORMAT, "taken_at": self.taken_at.isoformat(), "made_by": self.made_by, "files": files}


def make(data_dir: Path, target: Path, taken_at: datetime, *, passphrase: str | None, keys: Sequence[str]) -> Manifest:
    """Write a backup of the database in the data directory; `keys`: the secret keys that are to be in it.

    `taken_at` is now. The service may run. Raise ConfigurationError where there is nothing to be backed up, or the
    target is there already; what was begun is taken away again.
    """
    source = data_dir / DATABASE
    if not source.exists():
        raise ConfigurationError(f"{source.absolute()} does not exist: there is nothing to back up")
    if target.exists():
        raise ConfigurationError(f"{target} is there already: give another name, or move it away")
    with tempfile.TemporaryDirectory(prefix=".backup-", dir=data_dir) as name:
        files = {DATABASE: Path(name) / DATABASE}
        sqlite_files.copy_to(source, files[DATABASE])
        if keys:
            files[KEYS] = Path(name) / KEYS
            files[KEYS].write_text("\n".join(keys))
        manifest = Manifest(taken_at, __version__, {name: _described(path) for name, path in files.items()})
        with _placed(target) as file, _written(file, passphrase) as archive:
            _add(archive, _MANIFEST, io.BytesIO(json.dumps(manifest.as_json(), indent=2).encode()))
            for name, path in files.items():
                with path.open("rb") as content:
                    _add(archive, name, content)
    return manifest


def unpack(backup: Path, folder: Path, *, passphrase: str | None) -> Manifest:
    """Put the backup's files into the folder, and return what they are; nothing else is written, wherever it says.

    Raise ConfigurationError for a file that is no backup, is not whole, has something else in it than its manifest
    says, or cannot be decrypted.
    """
    try:
        with backup.open("rb") as file:
            return _unpack(_opened(file, passphrase), folder)
    except (tarfile.TarError, EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise ConfigurationError(f"{backup} is no backup, or was cut off or changed: {error}") from None


def put_in_place(draft: Path, database: Path) -> Path | None:
    """Give the database its place; return where the one is that was there. Nobody may have either of them open.

    What lies beside a database that is damaged or was taken away goes with it: SQLite would play its log into this one.
    What if the process dies? A database of that name is there all the time.
    """
    aside = None
    for path in (*sqlite_files.beside(database), database):
        if path.exists():
            stamp = datetime.fromtimestamp(path.stat().st_mtime, UTC)
            aside = path.with_name(f"{path.name}.until-{stamp:%Y%m%dT%H%M%S%f}")
            if path == database:
                aside.unlink(missing_ok=True)  # the same file, where a run before this one died here
                os.link(path, aside, follow_symlinks=False)
            else:
                path.replace(aside)
    draft.replace(database)
    return aside


def needs_passphrase(backup: Path) -> bool:
    """Whether the backup is encrypted."""
    with backup.open("rb") as file:
        return is_encrypted(file.read(100))


def _unpack(file: BinaryIO, folder: Path) -> Manifest:
    with gzip.GzipFile(fileobj=file) as plain, tarfile.open(fileobj=plain, mode="r|") as archive:
        members = iter(archive)
        manifest = _manifest(archive, next(members, None))
        left = dict(manifest.files)
        for member in members:
            expected = left.pop(member.name, None)
            if expected is None or not member.isreg() or member.size != expected.size:
                raise ConfigurationError(f"the backup has something that its manifest does not: {member.name[:100]!r}")
            # By the name that we know, and never by the member's own.
            path = folder / (DATABASE if member.name == DATABASE else KEYS)
            _take_out(cast(BinaryIO, archive.extractfile(member)), path, expected)
        while plain.read(_PIECE):  # to the end: only there is it known that nothing was cut off
            pass
    if left:
        raise ConfigurationError(f"the backup lacks {', '.join(left)}")
    return manifest


def _manifest(archive: tarfile.TarFile, member: tarfile.TarInfo | None) -> Manifest:
    if member is None or member.name != _MANIFEST or not member.isreg() or member.size > _LONGEST_MANIFEST:
        raise ConfigurationError("the file is no backup: it does not begin with a manifest")
    try:
        said = json.loads(cast(BinaryIO, archive.extractfile(member)).read())
        if said["format"] != _FORMAT:
            raise ConfigurationError(
                f"the backup was made by writeback {said['made_by']}: install that, or a newer one"
            )
        files = {name: File(int(file["size"]), str(file["sha256"])) for name, file in said["files"].items()}
        manifest = Manifest(datetime.fromisoformat(said["taken_at"]), str(said["made_by"]), files)
        if manifest.taken_at.tzinfo is None:
            raise ValueError("an instant without an offset")
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ConfigurationError("the backup's manifest cannot be read") from None
    if not {DATABASE} <= files.keys() <= {DATABASE, KEYS}:
        raise ConfigurationError("the backup's manifest names files that are in none of ours")
    return manifest


def _take_out(content: BinaryIO, path: Path, expected: File) -> None:
    digest = hashlib.sha256()
    with open(path, "xb", opener=open_private) as file:
        while piece := content.read(_PIECE):
            digest.update(piece)
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())
    if digest.hexdigest() != expected.sha256:
        raise ConfigurationError(f"{path.name} in the backup is not what its manifest says: it was changed")


def _described(path: Path) -> File:
    with path.open("rb") as file:
        return File(path.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest())


@contextmanager
def _placed(target: Path) -> Iterator[BinaryIO]:
    """Give a file of its owner's alone, which gets its name when all of it is on the disk."""
    # Of a name that nobody knows before: another backup may be under way, and the folder may be anybody's.
    handle, draft = tempfile.mkstemp(prefix=f"{target.name}.", suffix=".unfinished", dir=target.parent)  # mode 0600
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, target)
    finally:
        with suppress(FileNotFoundError):
            os.unlink(draft)


@contextmanager
def _written(file: BinaryIO, passphrase: str | None) -> Iterator[tarfile.TarFile]:
    with (
        nullcontext(file) if passphrase is None else EncryptingWriter(file, passphrase) as below,
        gzip.GzipFile(fileobj=cast(BinaryIO, below), mode="wb", filename="", compresslevel=_COMPRESSION) as plain,
        tarfile.open(fileobj=plain, mode="w|", format=tarfile.PAX_FORMAT) as archive,
    ):
        yield archive


def _opened(file: BinaryIO, passphrase: str | None) -> BinaryIO:
    beginning = file.read(100)
    file.seek(0)
    if not is_encrypted(beginning):
        return file
    if passphrase is None:
        raise ConfigurationError("the backup is encrypted, and there is no passphrase")
    return cast(BinaryIO, DecryptingReader(file, passphrase))


def _add(archive: tarfile.TarFile, name: str, content: BinaryIO) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode = content.seek(0, io.SEEK_END), 0o600
    content.seek(0)
    archive.addfile(member, content)
