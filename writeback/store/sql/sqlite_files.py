"""The embedded database as a file: a copy of it while it is in use, and whether one may take its place."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from writeback.core.errors import ConfigurationError

_PATIENCE_S = 30.0


def copy_to(source: Path, target: Path) -> None:
    """Write a consistent copy, of one moment, while others read and write.

    VACUUM INTO and not SQLite's backup API: that one begins again whenever another process writes, and takes along
    what lies in free pages, so what was deleted.
    """
    with _connected(f"{source.absolute().as_uri()}?mode=rw") as connection:
        connection.execute("VACUUM INTO ?", (str(target),))


def beside(path: Path) -> Sequence[Path]:
    """Return where SQLite keeps what belongs to the database and is not in it yet, or no more."""
    return [path.with_name(f"{path.name}{suffix}") for suffix in ("-wal", "-shm", "-journal")]


def check(path: Path) -> None:
    """Raise ConfigurationError where the file is no whole database."""
    try:
        with _connected(f"{path.absolute().as_uri()}?mode=rw") as connection:
            (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.DatabaseError as error:
        found = str(error)
    if found != "ok":
        raise ConfigurationError(f"the database in it is damaged: {found}")


def make_one_file(path: Path) -> None:
    """Have all that the database says in this one file.

    Raise ConfigurationError where a process has it open, sqlite3's DatabaseError where it is damaged.
    """
    try:
        with _connected(f"{path.absolute().as_uri()}?mode=rw", patience_s=1.0) as connection:
            (mode,) = connection.execute("PRAGMA journal_mode = DELETE").fetchone()
    except sqlite3.OperationalError:
        mode = "in use"
    if mode != "delete":
        raise ConfigurationError(f"{path} is in use: stop API and workers (`writeback dev` too)")


@contextmanager
def _connected(uri: str, patience_s: float = _PATIENCE_S) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(uri, uri=True, timeout=patience_s, isolation_level=None)) as connection:
        yield connection
