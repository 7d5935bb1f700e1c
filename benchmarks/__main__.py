"""Measures, part by part: `make bench`, `make bench ARGS="idle pages"`, `make bench ARGS=all` for the README's figures.

Some parts have options, which follow their name: `make bench ARGS="cost --only 12 --workers 1"`, or `cost --help`.
Each part starts real processes of its own, prints what it has measured as soon as it has, and cleans up after itself.
"""

import argparse
import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass

from benchmarks import accepting, confirming, cost, growth, idle, isolation, pages, retention, searching, syncing
from writeback.core.logging import configure_logging


@dataclass(frozen=True)
class Part:
    """One thing that is measured."""

    measures: str
    minutes: float
    """What it takes on two cores; it is ended where it takes `_PATIENCE` times as long."""
    run: Callable[..., AsyncIterator[str]]
    has_options: bool = False
    """Whether what follows its name are options of its own, which `run` is given."""


PARTS = {
    "accept": Part("registers accepted a second, beside a bare endpoint, on SQLite", 0.7, accepting.run),
    "accept-postgresql": Part("the same on PostgreSQL", 0.8, accepting.run_on_postgresql),
    "confirm": Part("marks confirmed a second, from POST to evidence", 0.4, confirming.run),
    "cost": Part("CPU, SQL, Redis and WAL of a register; registers confirmed a second", 5, cost.run, has_options=True),
    "growth": Part("every read with 300,000 writebacks stored, and with few", 10, growth.run, has_options=True),
    "idle": Part("milliseconds from POST to the provider's socket, one register at a time", 0.7, idle.run),
    "isolation": Part("what a school or a provider that hangs costs the others", 5, isolation.run),
    "pages": Part("the console's pages with 100,000 writebacks, on SQLite and PostgreSQL", 5, pages.run),
    "retention": Part("deleting 20,000 old writebacks, and what registers feel of it", 2, retention.run),
    "retention-postgresql": Part("the same on PostgreSQL", 2, retention.run_on_postgresql),
    "sync": Part("what a sync costs, and what many that are due cost registers, on SQLite", 2.5, syncing.run),
    "sync-postgresql": Part("what syncs that are due cost registers, on PostgreSQL", 1.5, syncing.run_on_postgresql),
    "searching": Part("lists, searches and counts with 100,000 writebacks, on both", 5, searching.run),
}
USUAL = ("accept", "confirm", "idle")
"""What runs where nothing is named: two minutes."""
_PATIENCE = 6


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="make bench ARGS=…",
        description=(__doc__ or "").partition("\n")[0],
        epilog=_listed(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("part", nargs="*", type=_name, help=f"which parts, or all; none: {', '.join(USUAL)}")
    parser.add_argument("--list", action="store_true", help="say which parts there are, and end")
    arguments = sys.argv[1:]
    configure_logging(level="WARNING")
    if arguments and arguments[0] in PARTS and PARTS[arguments[0]].has_options:
        return asyncio.run(_measure(arguments[0], PARTS[arguments[0]], arguments[1:]))
    given = parser.parse_args(arguments)
    if given.list:
        say(_listed())
        return 0
    names = list(PARTS) if "all" in given.part else list(given.part or USUAL)
    say(f"{', '.join(names)}: about {sum(PARTS[name].minutes for name in names):.0f} min; --list names all parts\n")
    return max(asyncio.run(_measure(name, PARTS[name])) for name in names)


def _name(given: str) -> str:
    if given != "all" and given not in PARTS:
        raise argparse.ArgumentTypeError(f"{given!r} is no part: choose from {', '.join(PARTS)}, all")
    return given


def _listed() -> str:
    rows = [f"  {name:<18} {part.minutes:>4} min  {part.measures}" for name, part in PARTS.items()]
    return "\n".join([f"parts, and what each takes on two cores (without any: {', '.join(USUAL)}):", *rows])


async def _measure(name: str, part: Part, options: Sequence[str] = ()) -> int:
    """Run one part and print what it says; return the exit code."""
    most_s = part.minutes * 60 * _PATIENCE
    try:
        async with asyncio.timeout(most_s):
            async for text in part.run(*([options] if part.has_options else [])):
                say(text)
    except TimeoutError:
        print(f"{name}: ended, for it took longer than {most_s / 60:.0f} minutes", file=sys.stderr)
        return 1
    return 0


def say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
