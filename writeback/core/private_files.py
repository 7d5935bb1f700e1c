"""Files and folders that their owner alone can read: databases, logs and keys hold what pupils' schools entrust."""

import os
from contextlib import suppress
from pathlib import Path


def make_private_dir(path: Path) -> None:
    """Make the folder, mode 0700; one that is there keeps the rights that it was given."""
    path.mkdir(parents=True, exist_ok=True, mode=0o700)


def make_private_file(path: Path) -> None:
    """Make the file, empty, mode 0600; one that is there is not even opened.

    Closing a file a second time would drop the locks that SQLite holds on it.
    """
    with suppress(FileExistsError):
        path.touch(mode=0o600, exist_ok=False)


def open_private(path: str, flags: int) -> int:
    """Open a file, mode 0600 where it is new; the `opener` of `open()`."""
    return os.open(path, flags, 0o600)
