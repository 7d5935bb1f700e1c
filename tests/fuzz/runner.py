"""Sends requests of every shape to every operation that the document has, and says what it does not foresee."""

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode

from tests.fuzz.cases import CHECKS, bend, schema_of
from tests.fuzz.world import World


@dataclass
class Found:
    """What came of it."""

    requests: int = 0
    operations: int = 0
    failures: dict[str, str] = field(default_factory=dict)
    """By operation and what is wrong: the first request that showed it, and its answer."""


def fuzz(world: World, *, examples: int, seed_: int, seconds: float, only: Sequence[str] = ()) -> Found:
    """Send up to `examples` good and as many bad requests to each operation, for at most so many seconds."""
    found, until = Found(), time.monotonic() + seconds
    operations = [result.ok() for result in schema_of(world).get_all_operations()]
    for place, operation in enumerate(operations):
        if only and operation.label not in only:
            continue
        share = (until - time.monotonic()) / (len(operations) - place)
        _fuzz_one(world, operation, found, examples, seed_, time.monotonic() + share)
        found.operations += 1
    return found


def _fuzz_one(world: World, operation: Any, found: Found, examples: int, seed_: int, until: float) -> None:
    bent = bend(world)
    # In a path any text will do: looking for what is wrong with one takes seconds, and finds nothing.
    can_be_wrong = len(operation.query) or len(operation.body)
    for mode in (GenerationMode.POSITIVE, *([GenerationMode.NEGATIVE] if can_be_wrong else [])):

        @seed(seed_)
        @settings(
            max_examples=examples,
            deadline=None,
            database=None,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode).map(bent))
        def one(case: Any) -> None:
            if time.monotonic() >= until:
                return
            found.requests += 1
            _check(case, operation.label, found)

        with suppress(*([Unsatisfiable] if mode is GenerationMode.NEGATIVE else [])):  # where nothing can be wrong
            one()


def _check(case: Any, label: str, found: Found) -> None:
    response = case.call()
    for check in CHECKS:
        try:
            case.validate_response(response, checks=[check])
        except BaseExceptionGroup as group:
            for error in group.exceptions:
                answer = f"{case.as_curl_command()[:1_500]}\n{response.status_code} {response.text[:600]}"
                found.failures.setdefault(f"{label}: {str(error)[:300]}", answer)
