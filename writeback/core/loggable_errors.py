"""What may be logged of an error nobody foresaw: its class and place. Its text may quote a pupil's record."""

import os
import traceback
from pathlib import Path

_ROOT = f"{Path(__file__).parents[2]}{os.sep}"
_OURS = (f"{_ROOT}writeback{os.sep}", f"{_ROOT}validators{os.sep}")


def class_of(error: BaseException) -> str:
    """Return the error's class with its module, e.g. `asyncpg.exceptions.DataError`."""
    return f"{type(error).__module__}.{type(error).__qualname__}"


def place_of(error: BaseException) -> str:
    """Return the last line of ours that it came through, as `writeback/flow/accept/accept.py:71`; empty: none."""
    # Not `extract_tb`: it reads the sources, which takes most of a millisecond, and an outage asks this of every call.
    frames = [(frame.f_code.co_filename, line) for frame, line in traceback.walk_tb(error.__traceback__)]
    ours = [(name, line) for name, line in frames if name.startswith(_OURS)]
    return f"{ours[-1][0].removeprefix(_ROOT)}:{ours[-1][1]}" if ours else ""
