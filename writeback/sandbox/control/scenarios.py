"""Named scenarios: what goes wrong together on such a day, ordered by one call. Faults carry the scenario's name."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from writeback.sandbox.control.requests import ControlError, json_object
from writeback.sandbox.http import answer, sandbox_of
from writeback.sandbox.mis.mis import Slot
from writeback.sandbox.mis.school import SandboxSchool
from writeback.sandbox.state import SandboxState

Order = Mapping[str, Any]
_EVERY = 10
"""The office has edited the mark of one pupil in so many."""


@dataclass(frozen=True)
class Scenario:
    """What happens: `faults` stand until they are cleared, the office edits once."""

    says: str
    faults: Sequence[Order] = ()
    office_edits: bool = False


SCENARIOS: Final[Mapping[str, Scenario]] = {
    "bad morning": Scenario(
        "The provider is slow, too busy, and now and then breaks off after it has taken effect.",
        (
            {"kind": "latency", "seconds": 2, "probability": 0.3},
            {"kind": "503", "probability": 0.2},
            {"kind": "429", "retry_after": 5, "probability": 0.1},
            {"kind": "reset_after", "method": "POST", "probability": 0.05},
        ),
    ),
    "lost callbacks": Scenario("Webhooks and callbacks never arrive.", ({"kind": "lost"},)),
    "broken answers": Scenario(
        "Every fifth answer is cut off, or no JSON.",
        (
            {"kind": "cut", "probability": 0.1},
            {"kind": "invalid_json", "probability": 0.1},
        ),
    ),
    "token refused": Scenario(
        "The provider refuses the token of every call, until that is cleared.", ({"kind": "status", "status": 401},)
    ),
    "office edits": Scenario(
        "The office has entered N for one pupil in ten, both sessions of today.", office_edits=True
    ),
}


async def scenarios(request: Request) -> Response:
    """Say which there are."""
    return answer({"scenarios": {name: one.says for name, one in SCENARIOS.items()}})


async def begin(request: Request) -> Response:
    """Begin one: `{"name", "school"?, "seed"?}`; without a school everywhere. `DELETE /faults` ends its faults."""
    given, state = await json_object(request), sandbox_of(request)
    if unknown := sorted(set(given) - {"name", "school", "seed"}):
        raise ControlError("unknown_field", f"unknown fields {', '.join(unknown)}: known are name, school, seed")
    name, school = str(given.get("name", "")), given.get("school")
    scenario = SCENARIOS.get(name)
    if scenario is None:
        raise ControlError("unknown_scenario", f"there is no scenario {name!r}: there are {', '.join(SCENARIOS)}")
    if school is not None and school not in state.schools:
        raise ControlError("unknown_school", f"there is no school {school}", status=404)
    where = {} if school is None else {"school": school}
    try:
        ordered = [
            state.faults.order({**fault, **where, "name": name, "seed": given.get("seed", 0)})
            for fault in scenario.faults
        ]
    except (ValueError, TypeError) as error:
        raise ControlError("bad_seed", str(error)) from error
    edited = 0
    if scenario.office_edits:
        edited = sum(_edit(state, one) for one in state.schools.values() if school in (None, one.id))
    return answer({"name": name, "faults": [fault.as_json() for fault in ordered], "marks_edited": edited}, 201)


def _edit(state: SandboxState, school: SandboxSchool) -> int:
    """Have the office enter its marks; return how many."""
    pupils = list(school.mis.pupils)[::_EVERY]
    slots = [Slot("S", pupil, state.today(), session) for pupil in pupils for session in ("AM", "PM")]
    for slot in slots:
        school.mis.set_by_office(slot, "N", state.now())
    return len(slots)
