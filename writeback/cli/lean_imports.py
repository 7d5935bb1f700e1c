"""Keeps out of processes that serve what libraries load because it happens to be installed.

structlog and httpx load rich and pygments for a terminal's sake, and Pydantic looks through every installed package
for plugins: a tenth of what a start takes. Each of them does without; the command line has its own rich.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_FOR_TERMINALS = ("rich", "pygments")


def load_libraries() -> None:
    """Load the libraries that would load more than they need; called before anything else loads them."""
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    with _hidden(*_FOR_TERMINALS):
        import httpx  # noqa: F401 - for good
        import structlog  # noqa: F401


@contextmanager
def _hidden(*packages: str) -> Iterator[None]:
    """Have imports in the block not find these, unless they are loaded already."""
    hidden = [name for name in packages if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type] # None: the import system's "there is none"
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]
