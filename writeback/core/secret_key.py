"""The service's secret keys, the newest first: what makes one good enough to start with, and where our own are kept."""

import json
import os
import re
import secrets
import tempfile
import zlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

from writeback.core.errors import ConfigurationError
from writeback.core.private_files import make_private_dir

HOW_TO_MAKE = "make one with `python3 -c 'import secrets; print(secrets.token_urlsafe(32))'`"
_SHORTEST = 32
_LEAST_VARIETY = 24
"""What 32 random hex digits make is 29 or more; a word, a row of digits or the alphabet over and over 15 at most."""
_PLACEHOLDER = re.compile(r"change.?me|example|insecure|password|placeholder|qwerty|replace.?me|secret|your.?key", re.I)
"""By chance one of these stands in one random key of ten million, which is then refused and made again."""
_IN_USE = (
    "If it is in use already, whatever it encrypted has to be entered again under the new one: "
    'docs/operating.md, "A new secret key"'
)


def is_placeholder(text: str) -> bool:
    """Whether it reads like an example that was never filled in."""
    return _PLACEHOLDER.search(text) is not None


def fault_of(key: str) -> str | None:
    """Return why nobody should rely on this key, without the key itself; None for a good one."""
    if key != key.strip():
        return "it has blanks around it"
    if len(key) < _SHORTEST:
        return f"it has {len(key)} characters, and needs {_SHORTEST} or more"
    if is_placeholder(key):
        return "it is an example that was never filled in"
    if _variety(key) < _LEAST_VARIETY:
        return "it repeats itself, so it can be guessed"
    return None


def keys_in(text: str) -> tuple[str, ...]:
    """Return the keys that were set, one or a JSON list; raise ConfigurationError for one that can be guessed."""
    keys = _listed(text)
    for place, key in enumerate(keys, 1):
        if fault := fault_of(key):
            which = "cannot be used" if len(keys) == 1 else f"has a key that cannot be used, number {place}"
            raise ConfigurationError(f"WRITEBACK_SECRET_KEY {which}: {fault}; {HOW_TO_MAKE}. {_IN_USE}")
    return keys


def _listed(text: str) -> tuple[str, ...]:
    if not text.startswith("["):
        return (text,)
    try:
        keys = json.loads(text)
    except ValueError:
        keys = None
    if not keys or not all(isinstance(key, str) for key in keys):
        raise ConfigurationError(
            'WRITEBACK_SECRET_KEY begins with [ and is no list of keys: write ["new key", "old key"], the newest first'
        )
    return tuple(keys)


def keys_kept_in(path: Path) -> tuple[str, ...]:
    """Return the keys in the file, one a line, making one first; two processes that start at once agree on it.

    Raise ConfigurationError for a file that has no good key: an empty one would be everybody's.
    """
    if not path.exists():
        make_private_dir(path.parent)
        with suppress(FileExistsError):
            _put(path, (new_key(),), os.link)  # atomic: fails where another process was first
    keys = tuple(line.strip() for line in path.read_text().splitlines() if line.strip()) or ("",)
    for key in keys:
        if fault := fault_of(key):
            raise ConfigurationError(
                f"{path.absolute()} holds no usable secret key: {fault}. If it was cut off, put it back from a backup; "
                f"if it is lost, delete the file, and another is made at the next start. {_IN_USE}"
            )
    return keys


def keep_keys_in(path: Path, keys: Sequence[str]) -> None:
    """Put the keys there in the place of those that it has, whole and on the disk."""
    make_private_dir(path.parent)
    _put(path, keys, os.replace)


def new_key() -> str:
    """Return a key of 256 random bits that `fault_of` finds nothing wrong with."""
    while fault_of(key := secrets.token_urlsafe(32)):
        pass
    return key


def _put(path: Path, keys: Sequence[str], place: Callable[[str, Path], None]) -> None:
    handle, draft = tempfile.mkstemp(prefix=f"{path.name}.", dir=path.parent)  # mode 0600
    try:
        with os.fdopen(handle, "w") as file:
            file.write("\n".join(keys))
            file.flush()
            os.fsync(file.fileno())
        place(draft, path)
    finally:
        Path(draft).unlink(missing_ok=True)


def _variety(key: str) -> int:
    """Return how many bytes the key takes when it is packed, or the steps from each character to the next."""
    text = key.encode()
    steps = bytes((after - before) % 256 for before, after in pairwise(text))
    return min(len(zlib.compress(each, 9, wbits=-zlib.MAX_WBITS)) for each in (text, steps))
