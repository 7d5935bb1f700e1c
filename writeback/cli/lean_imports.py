"""Keeps out of processes that serve what libraries load because it happens to be installed.

structlog and httpx load rich and pygments for a terminal's sake, and Pydantic looks through every installed package
for plugins: a tenth of what a start takes. Each of them does without; the command line has its own rich. redis loads
PyJWT, and that half of cryptography, for sign-ins by token that we have none of.
"""

import importlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

_FOR_TERMINALS = ("rich", "pygments")
_FOR_TOKENS = "jwt"


def load_libraries() -> None:
    """Load the libraries that would load more than they need; called before anything else loads them."""
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    sys.modules.setdefault(_FOR_TOKENS, _WhenUsed(_FOR_TOKENS))
    with _hidden(*_FOR_TERMINALS):
        import httpx  # noqa: F401 - for good
        import structlog  # noqa: F401


class _WhenUsed(ModuleType):
    """Stands for a package until something of it is used."""

    def __getattr__(self, name: str) -> Any:
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(importlib.import_module(self.__name__), name)


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
