"""`writeback` for the shells of a test, in milliseconds: each command is forked from a process that has loaded it all.

`QuickCommands` puts a small program of that name into a folder, for `PATH`. It hands its arguments, directory,
environment and open files to the process, which is this module run as a program.
"""

import json
import os
import socket
import subprocess
import sys
import traceback
from pathlib import Path
from types import TracebackType
from typing import Self

_SHIM = """#!{python} -ISB
import json, os, socket, sys
server = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
server.connect({address!r})
given = [sys.argv[1:], os.getcwd(), dict(os.environ)]
socket.send_fds(server, [json.dumps(given).encode()], [0, 1, 2])
sys.exit(int(server.recv(16)))
"""
_MOST = 1 << 17


class QuickCommands:
    """The process, and the folder with the program; a context manager."""

    def __init__(self, folder: Path) -> None:
        self.folder, address = folder, str(folder / "commands")
        program = folder / "writeback"
        program.write_text(_SHIM.format(python=sys.executable, address=address))
        program.chmod(0o755)
        command = [sys.executable, "-m", __name__, address]
        self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)

    def __enter__(self) -> Self:
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == b"ready\n"
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._process.terminate()
        self._process.communicate()


def _serve(address: str) -> None:
    """Take commands one after the other."""
    from tests import preloaded as preloaded
    from writeback.cli.main import app

    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(address)
        listener.listen()
        print("ready", flush=True)
        while True:
            caller, _ = listener.accept()
            with caller:
                given, files, _, _ = socket.recv_fds(caller, _MOST, 3)
                child = os.fork() or _be(app, *json.loads(given), files)
                for file in files:
                    os.close(file)
                caller.send(str(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])).encode())


def _be(app: object, arguments: list[str], directory: str, environment: dict[str, str], files: list[int]) -> int:
    """Be the command; this does not return."""
    code = 1
    try:
        for number, file in enumerate(files):
            os.dup2(file, number)
        os.chdir(directory)
        os.environ.clear()
        os.environ.update(environment)
        sys.argv = ["writeback", *arguments]
        assert callable(app)
        app()
        code = 0
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 0 if ended.code is None else 1
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    _serve(sys.argv[1])
