"""The suite in two sizes: `make test` runs an example of everything, `make test-long` goes on for a given time.

What is marked `long` differs from what `make test` runs in its numbers alone: another point in time, other work,
another seed. Of what is marked `sqlite_first` the twin on PostgreSQL is long; where statements, locks or transactions
are the subject, both are tried always, and so is each statement that no other test runs on PostgreSQL. A long run takes
those tests, and the properties with more examples, in an order of its own until its time is over; then it names what it
left out. A run is repeated by its seed: `make test-long SEED=… MINUTES=…`.
"""

import random
from collections import Counter
from collections.abc import Sequence
from itertools import product
from typing import Any, TypeVar

import pytest

from writeback.core.clock import SystemClock

T = TypeVar("T")
U = TypeVar("U")
LEFT_OUT = "left out: the time is over"
_MORE = 20
"""How many times as many examples a property is given in a long run."""
_PATIENCE_S = 1_200
"""For one test of a long run."""


def _now() -> float:
    return SystemClock().now().timestamp()


class _This:
    """The run of this process."""

    seed: int | None = None
    """None: it is not a long one."""
    until = 0.0
    """By the clock of the machine; every process of the run has the same."""


def addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("long run")
    group.addoption("--long", type=float, metavar="MINUTES", help="run what is marked long, for so many minutes")
    group.addoption("--seed", type=int, default=1, help="of a long run: the order, and what is random in its tests")


def configure(config: pytest.Config) -> None:
    """Begin a long run where one is asked for; in a process of it, go by the time of the whole."""
    minutes = config.option.long
    if minutes is None:
        return
    _This.seed = config.option.seed
    _This.until = getattr(config, "workerinput", {}).get("long_until") or _now() + minutes * 60
    config.option.hypothesis_seed = _This.seed


def configure_node(node: Any) -> None:
    node.workerinput["long_until"] = _This.until


def choose(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep what is of this size; in a long run in an order of its own."""
    if _This.seed is None:
        dropped = [item for item in items if _is_long(item)]
    else:
        dropped = [item for item in items if not _is_long(item) and not {"more", "hypothesis"} & set(item.keywords)]
    if dropped:
        config.hook.pytest_deselected(items=dropped)
        left = set(map(id, dropped))
        items[:] = [item for item in items if id(item) not in left]
    if _This.seed is not None:
        for item in items:
            item.add_marker(pytest.mark.timeout(_PATIENCE_S))
        random.Random(_This.seed).shuffle(items)


def _is_long(item: pytest.Item) -> bool:
    """Whether a test is of the long run alone: another number, or what has been tried on SQLite, on PostgreSQL."""
    if "long" in item.keywords:
        return True
    if "sqlite_first" not in item.keywords or "both_databases" in item.keywords:
        return False
    chosen = getattr(getattr(item, "callspec", None), "params", {})
    return bool(chosen.get("database_url") == "postgresql")


def skip_when_over() -> None:
    if _This.seed is not None and is_over():
        pytest.skip(LEFT_OUT)


def is_over() -> bool:
    """Whether a long run has no time left; a short one ends when all is done."""
    return _This.seed is not None and _now() > _This.until


def seconds_left(at_most: float) -> float:
    """Return how long one test of a long run may go on."""
    return max(0.0, min(at_most, _This.until - _now()))


def examples(usual: int = 100, more: int = _MORE) -> int:
    """Return how many examples a property is given: `more` times as many in a long run."""
    return usual if _This.seed is None else usual * more


def some(first: Sequence[T], second: Sequence[U], one_in: int = 8) -> Sequence[tuple[T, U]]:
    """Return a share of all combinations, in which each of either meets several of the other; in a long run all."""
    every = product(enumerate(first), enumerate(second))
    return [(a, b) for (m, a), (n, b) in every if _This.seed is not None or (m + n) % one_in == 0]


def seed_or(usual: int) -> int:
    """Return the seed of a long run, or the one that a short one always has."""
    return usual if _This.seed is None else _This.seed


def summary(reporter: Any) -> None:
    """Say what the run's seed was, and what it left out."""
    if _This.seed is None:
        return
    left = Counter(report.nodeid.partition("[")[0] for report in _skipped(reporter) if LEFT_OUT in str(report.longrepr))
    reporter.section("long run")
    reporter.line(f"seed {_This.seed}; {left.total()} left out when the time was over{':' if left else ''}")
    for name, count in sorted(left.items()):
        reporter.line(f"  {name}" + f" ({count} cases)" * (count > 1))


def _skipped(reporter: Any) -> Sequence[Any]:
    found: Sequence[Any] = reporter.stats.get("skipped", [])
    return found
