"""The service's secret key: what makes one good enough to start with, and where our own is kept."""

import os
import re
import secrets
import tempfile
import zlib
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


def checked(key: str) -> str:
    """Return the key that was set; raise ConfigurationError for one that can be guessed."""
    if fault := fault_of(key):
        raise ConfigurationError(f"WRITEBACK_SECRET_KEY cannot be used: {fault}; {HOW_TO_MAKE}. {_IN_USE}")
    return key


def key_kept_in(path: Path) -> str:
    """Return the key in the file, making it first; two processes that start at once agree on one.

    Raise ConfigurationError for a file that has no good key: an empty one would be everybody's.
    """
    if not path.exists():
        _make(path)
    key = path.read_text().strip()
    if fault := fault_of(key):
        raise ConfigurationError(
            f"{path.absolute()} holds no usable secret key: {fault}. If it was cut off, put it back from a backup; "
            f"if it is lost, delete the file, and another is made at the next start. {_IN_USE}"
        )
    return key


def _make(path: Path) -> None:
    """Put a new key there, whole and on the disk, unless another process is first."""
    make_private_dir(path.parent)
    handle, draft = tempfile.mkstemp(prefix=f"{path.name}.", dir=path.parent)  # mode 0600
    try:
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_urlsafe(32))
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)  # atomic: fails where another process was first
    except FileExistsError:
        pass
    finally:
        Path(draft).unlink()


def _variety(key: str) -> int:
    """Return how many bytes the key takes when it is packed, or the steps from each character to the next."""
    text = key.encode()
    steps = bytes((after - before) % 256 for before, after in pairwise(text))
    return min(len(zlib.compress(each, 9, wbits=-zlib.MAX_WBITS)) for each in (text, steps))
