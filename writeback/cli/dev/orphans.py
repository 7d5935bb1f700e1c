"""A child of `dev` ends when its parent is gone, however that went: its standard input is a pipe that closes then.

Works on Linux and macOS alike; PR_SET_PDEATHSIG is Linux only and watches a thread instead of a process.
"""

import os
import signal
import sys
import threading
import time

_GRACE_S = 15.0


def end_with_parent() -> None:
    """Send ourselves SIGTERM once standard input closes, and end hard if that does not help."""
    threading.Thread(target=_await_end, args=(sys.stdin.fileno(),), name="end-with-parent", daemon=True).start()


def _await_end(descriptor: int) -> None:
    while os.read(descriptor, 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(_GRACE_S)
    os._exit(1)
