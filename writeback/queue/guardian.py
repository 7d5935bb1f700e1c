"""Runs the embedded Redis server for as long as any process uses it, however those processes end.

Started by `embedded.py` as a script of its own: `guardian.py USERS_LOCK COMMAND…`. Every user holds a shared lock
on USERS_LOCK, which the kernel takes away when a process dies; once the guardian gets the exclusive lock, nobody is
left, and it stops the server. Linux's PR_SET_PDEATHSIG would do for one user only, and it watches the thread that
started the server instead of the process.
"""

import fcntl
import os
import subprocess
import sys
import threading
from typing import IO

_STOP_S = 5.0


def main(users_lock: str, *command: str) -> None:
    if os.fork():  # the starter gets its child's end at once, and need not wait for us
        return
    with open(users_lock, "a") as users:
        server = subprocess.Popen(command)  # noqa: S603 - the command is of our own making
        threading.Thread(target=_stop_when_unused, args=(users, server), daemon=True).start()
        server.wait()


def _stop_when_unused(users: IO[str], server: "subprocess.Popen[bytes]") -> None:
    """Stop the server when the last user is gone. New ones wait for the lock until we have ended."""
    fcntl.flock(users, fcntl.LOCK_EX)
    server.terminate()
    try:
        server.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        server.kill()


if __name__ == "__main__":
    main(*sys.argv[1:])
