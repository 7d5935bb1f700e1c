"""When Python looks for garbage: seldom. There is little here that reference counts do not free at once."""

import gc

_THRESHOLDS = (100_000, 50, 1_000)
"""Full collections were most of the slowest hundredth of submissions, and up to a fifth of what a start takes."""


def collect_seldom() -> None:
    """Look after as many objects as a burst of work makes; called before much is loaded."""
    gc.set_threshold(*_THRESHOLDS)


def keep_what_is_loaded() -> None:
    """Look once, and never again at what is here by now; called before a process serves."""
    gc.collect()
    gc.freeze()
    collect_seldom()
