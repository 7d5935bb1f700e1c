"""When Python looks for garbage: seldom. There is little here that reference counts do not free at once."""

import gc

_THRESHOLDS = (100_000, 50, 1_000)
"""Full collections were most of the slowest hundredth of submissions, and up to a fifth of what a start takes."""


def collect_seldom() -> None:
    """Look after as many objects as a burst of work makes; called before much is loaded."""
    gc.set_threshold(*_THRESHOLDS)


def keep_what_is_loaded() -> None:
    """Never look at what is here by now; called before a process serves.

    Of 200,000 objects that a start makes some 50 are garbage: to look for those once would take a tenth of a start.
    """
    gc.freeze()
    collect_seldom()
