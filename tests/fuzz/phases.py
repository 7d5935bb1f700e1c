"""All phases of schemathesis' own engine: examples, coverage of each limit, fuzzing, and calls that follow each other.

In the last, what an answer brings (an id of a key, a batch, a webhook) goes into the next call.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import schemathesis
from schemathesis import hooks
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import Status, events, from_schema

from tests.fuzz.cases import bend
from tests.fuzz.world import World

_CHECKS = (
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)
_FORESEEN = ["2xx", "3xx", "4xx"]
_TIMEOUT_S = 30


@dataclass
class Run:
    """What came of it: scenarios by phase, and what failed, each with its first request."""

    scenarios: Counter[str] = field(default_factory=Counter)
    failures: dict[str, str] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    """Why the engine itself could not go on."""


def run(world: World, *, seed: int, seconds: float, examples: int) -> Run:
    """Go through the phases for at most so many seconds."""
    config = SchemathesisConfig.from_dict(
        {
            "seed": seed,
            "max-time": seconds,
            "continue-on-failure": True,
            "headers": {"Authorization": f"Bearer {world.key}"},
            "request-timeout": _TIMEOUT_S,
            "generation": {"max-examples": examples, "database": "none", "no-shrink": True},
            "checks": {
                "enabled": False,
                "not_a_server_error": {"enabled": True, "expected-statuses": _FORESEEN},
                **{name: {"enabled": True} for name in _CHECKS},
            },
        }
    )
    schema = schemathesis.openapi.from_url(f"{world.url}/openapi.json", config=config, timeout=_TIMEOUT_S)
    found = Run()
    hook = _hook(world)
    schemathesis.hook(hook)
    try:
        for event in from_schema(schema).execute():
            _take(event, found)
    finally:
        hooks.unregister(hook)
    return found


def _hook(world: World) -> Callable[..., None]:
    """Return what is done with each call: streams end, and the key that all of it hangs on stays as it is."""
    bent = bend(world)

    def before_call(context: Any, case: Any, kwargs: Any) -> None:
        if case.operation.path.endswith("/events"):
            bent(case)
        if (case.path_parameters or {}).get("key") == world.key_id:
            case.path_parameters["key"] = "key_of_ours"

    return before_call


def _take(event: Any, found: Run) -> None:
    match event:
        case events.ScenarioFinished():
            found.scenarios[event.phase.value] += 1
            if event.status is Status.FAILURE:
                _note(event.recorder, found)
        case events.NonFatalError():
            found.errors.append(f"{event.phase} {event.label}: {event.value!r}"[:600])
        case events.FatalError():
            found.errors.append(repr(event.exception)[:600])


def _note(recorder: Any, found: Run) -> None:
    for case_id, checks in recorder.checks.items():
        for check in checks:
            if check.status is Status.FAILURE:
                sent, answer = recorder.cases[case_id].value, recorder.interactions[case_id].response
                said = "" if answer is None else f"{answer.status_code} {answer.content[:600]!r}"
                name = f"{recorder.label}: {check.name}"
                found.failures.setdefault(name, f"{sent.as_curl_command()[:1_500]}\n{said}")
