"""`make chaos SEED=… N=…`: real processes in every sort of trouble; in the end nothing may be missing or doubled."""

import argparse
import asyncio
import json
import sys

from tests.chaos.options import TROUBLES, Options
from tests.chaos.report import Screen, table
from tests.chaos.run import run
from writeback.core.logging import configure_logging


def main() -> int:
    options, as_json = _options()
    configure_logging(level="ERROR")
    with Screen(options, is_quiet=as_json) as screen:
        result = asyncio.run(run(options, screen))
    if as_json:
        print(json.dumps(result.as_json(), indent=2))
    else:
        table(result)
    return 0 if result.is_right else 1


def _options() -> tuple[Options, bool]:
    default = Options()
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=default.seed, help="the same seed orders the same troubles")
    parser.add_argument("-n", "--count", type=int, default=default.count, help="how many writebacks are sent")
    parser.add_argument("--schools", type=int, default=default.schools, help="with fewer than 4 none is spared")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default=default.database)
    parser.add_argument("--only", nargs="*", choices=TROUBLES, help="only these troubles; with none: a quiet run")
    parser.add_argument(
        "--drain",
        type=float,
        default=default.drain_s,
        help="seconds after which what has not settled counts as stuck, from when the last one did",
    )
    parser.add_argument("--rate", type=float, default=default.per_s, help="most submissions a second")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON, and nothing else")
    given = parser.parse_args()
    troubles = frozenset(TROUBLES if given.only is None else given.only)
    options = Options(
        seed=given.seed,
        count=given.count,
        schools=given.schools,
        database=given.database,
        troubles=troubles,
        drain_s=given.drain,
        per_s=given.rate,
    )
    return options, given.json


if __name__ == "__main__":
    sys.exit(main())
