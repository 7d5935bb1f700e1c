"""Live or test: what every school, app and key is, from the moment when it is made and for good. Pure.

Its id says it, and nothing else does: the ids of what is for tests begin with `test_`, which no other can, for ids that
people choose have no underscore. So the mark is wherever an id is, and what cannot be renamed cannot change sides.
"""

from writeback_client.words import TEST_PREFIX as TEST_PREFIX
from writeback_client.words import Mode as Mode


def mode_of(some_id: str) -> Mode:
    """Return the mode of a school or an app, by its id."""
    return Mode.of(some_id)


_MARK = " (test)"


def name_in(mode: Mode, name: str) -> str:
    """Return what people read: whatever is for tests says so at the end, wherever its name is shown."""
    return name if mode is Mode.LIVE else name.removesuffix(_MARK) + _MARK


def id_in(mode: Mode, some_id: str) -> str:
    """Return the id that something is given in a mode: with the prefix or, for `live`, as it is."""
    return some_id if mode is Mode.LIVE or not some_id else TEST_PREFIX + some_id.removeprefix(TEST_PREFIX)
