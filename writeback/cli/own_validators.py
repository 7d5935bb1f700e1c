"""Sees to it that `validators` is ours before anything imports it: a package of PyPI has that name, too."""

from importlib.util import find_spec
from pathlib import Path

import writeback
from writeback.core.errors import ConfigurationError

_MEND = (
    "Take the other one out (`pip uninstall validators`, or away from PYTHONPATH) and install writeback again, or give "
    "writeback an environment of its own. An app that only calls the API needs writeback-client alone."
)


def check_validators() -> None:
    """Raise ConfigurationError where the top-level package `validators` is not the one that came with writeback."""
    spec = find_spec("validators")
    place = spec.origin if spec is not None else None
    if place is None:
        raise ConfigurationError(f"no package `validators` beside {_home()}, where writeback is. {_MEND}")
    # Installed over ours it is in our own folder, so what it says counts, not where it is.
    if "writeback.domain" not in Path(place).read_text(encoding="utf-8", errors="replace"):
        raise ConfigurationError(f"the package `validators` at {place} is not that of writeback. {_MEND}")


def _home() -> Path:
    return Path(writeback.__file__).parents[1]
