"""Ports for `dev`: those asked for when they are free, else free ones."""

import socket

from writeback.cli.exit_codes import CommandFailed, Exit

HOST = "127.0.0.1"


def choose(port: int) -> tuple[int, int]:
    """Return the ports of API and sandbox: `port` and the next one, or two free ones for 0."""
    if port == 0:
        return _two_free()
    for wanted, what in ((port, "the API"), (port + 1, "the sandbox")):
        if not _is_free(wanted):
            raise CommandFailed(
                Exit.CONFIGURATION,
                f"port {wanted} (for {what}) is taken",
                hint="stop what uses it, choose another with --port, or let free ones be found with --port 0",
            )
    return port, port + 1


def _two_free() -> tuple[int, int]:
    with socket.socket() as one, socket.socket() as other:
        one.bind((HOST, 0))
        other.bind((HOST, 0))
        return one.getsockname()[1], other.getsockname()[1]


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port that was just left is free
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True
