"""A process dies, loses an answer, or takes a step twice, at every point there is; afterwards the books agree.

What is compared with the sandbox's own ledger is in `rig.py`: nothing lost, nothing made twice, the latest mark stands,
and our log has at least as many attempts as the provider saw requests.
"""

from typing import Any

import pytest

from tests.crash.cases import SCENES, Case, actions_of
from tests.crash.points import points
from tests.long_run import LEFT_OUT

_AT_THE_PROVIDER = ("dispatch.before_send", "dispatch.after_send", "confirm.after_ask", "confirm.after_read")
"""Where it matters which provider it is."""
_AT_A_COMMIT = (
    "accept.before_commit",
    "accept.after_commit",
    "dispatch.begin_uncommitted",
    "dispatch.after_begin",
    "dispatch.finish_uncommitted",
    "dispatch.after_finish",
    "confirm.settle_uncommitted",
    "confirm.after_settle",
    "notify.step_uncommitted",
    "notify.after_step",
    "bulk.piece_uncommitted",
    "bulk.after_piece",
)
"""Where it matters which database it is."""


def _cases() -> list[Case]:
    everywhere = [
        Case(point, action, work, nth=nth)
        for point, scene in SCENES.items()
        for action in actions_of(point)
        for work in scene.works
        for nth in scene.nths
    ]
    at_xporter = [
        Case(point, action, work, provider="xporter")
        for point in _AT_THE_PROVIDER
        for action in ("kill", "raise")
        for work in SCENES[point].works
    ]
    on_postgresql = [
        Case(point, "kill", work, database="postgresql") for point in _AT_A_COMMIT for work in SCENES[point].works
    ]
    return [*everywhere, *at_xporter, *on_postgresql]


def _param(case: Case) -> Any:
    """Have `make test` kill at every point, with each work, and take a point's other ways with one work alone."""
    works = list(SCENES[case.point].works)
    is_one_of_many = case.action != "kill" and case.work != works[-1]
    return pytest.param(case, id=case.id, marks=[pytest.mark.long] * (is_one_of_many or case.nth > 2))


def test_every_failpoint_has_a_crash_test_and_every_crash_test_a_failpoint() -> None:
    assert set(points()) == set(SCENES)


@pytest.mark.slow
@pytest.mark.timeout(900)  # the first of them waits for all, which run side by side
@pytest.mark.parametrize("case", [_param(case) for case in _cases()])
def test_nothing_is_lost_and_nothing_made_twice(case: Case, outcomes: dict[Case, list[str]]) -> None:
    if LEFT_OUT in outcomes[case]:
        pytest.skip(LEFT_OUT)
    assert outcomes[case] == []
