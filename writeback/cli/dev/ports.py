"""Ports for `dev`: those asked for when they are free, else free ones."""

import socket

from writeback.cli.exit_codes import CommandFailed, Exit

HOST = "127.0.0.1"


_USERS = ("the API", "the simulated providers", "the sandbox of test schools")


def choose(port: int) -> tuple[int, int, int]:
    """Return the ports of API, simulated providers and test schools' sandbox: `port` and the next ones, or three free
    ones for 0."""
    if port == 0:
        return _three_free()
    for wanted, what in enumerate(_USERS, port):
        if not _is_free(wanted):
            raise CommandFailed(
                Exit.CONFIGURATION,
                f"port {wanted} (for {what}) is taken",
                hint="stop what uses it, choose another with --port, or let free ones be found with --port 0",
            )
    return port, port + 1, port + 2


def _three_free() -> tuple[int, int, int]:
    with socket.socket() as one, socket.socket() as other, socket.socket() as third:
        for each in (one, other, third):
            each.bind((HOST, 0))
        return one.getsockname()[1], other.getsockname()[1], third.getsockname()[1]


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port that was just left is free
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True
