"""`make fuzz`: a long run. Prints what the document does not foresee; exits with 1 where there is anything."""

import argparse
import asyncio
import random
import sys
import tempfile
from pathlib import Path

import structlog

from tests.fuzz.runner import fuzz
from tests.fuzz.world import running_world, settings_of
from writeback.queue.embedded import EmbeddedRedis
from writeback.store.sql import migrate


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--examples", type=int, default=200, help="good and bad requests for each operation")
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--seed", type=int, default=random.randrange(2**32))
    parser.add_argument("--database-url", default="", help="an empty database; without it SQLite")
    parser.add_argument("--only", action="append", default=[], help='e.g. "POST /v1/keys"; may be repeated')
    chosen = parser.parse_args()
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    with tempfile.TemporaryDirectory(prefix="writeback-fuzz-") as folder:
        url = chosen.database_url or f"sqlite:///{folder}/fuzz.db"
        asyncio.run(migrate.upgrade(url))
        redis = EmbeddedRedis(Path(folder))
        redis_url = asyncio.run(redis.start())
        try:
            with running_world(settings_of(Path(folder), url, redis_url)) as world:
                found = fuzz(
                    world,
                    examples=chosen.examples,
                    seed_=chosen.seed,
                    seconds=chosen.minutes * 60,
                    only=chosen.only,
                )
        finally:
            asyncio.run(redis.stop())
    for what, request in found.failures.items():
        print(f"\n{what}\n  {request}")
    counts = f"{found.requests} requests to {found.operations} operations"
    print(f"\n{counts}, seed {chosen.seed}: {len(found.failures)} unforeseen answers")
    return 1 if found.failures else 0


if __name__ == "__main__":
    sys.exit(main())
