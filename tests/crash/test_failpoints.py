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
    "retention.piece_uncommitted",
    "retention.after_piece",
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
    """Have `make test` kill at every point on SQLite, and take its other ways where most depends on them."""
    return pytest.param(case, id=case.id, marks=[] if _is_of_the_short_run(case) else [pytest.mark.long])


def _is_of_the_short_run(case: Case) -> bool:
    """One work a case, another one at each next point; both works where the provider matters, at one of the two."""
    works = list(SCENES[case.point].works)
    is_its_work = case.work == works[list(SCENES).index(case.point) % len(works)]
    matters = case.point in (*_AT_A_COMMIT, *_AT_THE_PROVIDER)
    match case.action:
        case "kill":
            both_works = case.point in _AT_THE_PROVIDER and case.provider == "wonde"
            return case.nth == 1 and (is_its_work or both_works)
        case "raise":
            return case.nth == 1 and is_its_work and matters
        case _:
            return case.nth == 1 and is_its_work


def test_every_failpoint_has_a_crash_test_and_every_crash_test_a_failpoint() -> None:
    assert set(points()) == set(SCENES)


def test_a_short_run_kills_at_every_point_and_at_every_commit_on_either_database() -> None:
    kills = {(case.point, case.database) for case in _cases() if _is_of_the_short_run(case) and case.action == "kill"}

    assert kills == {(point, "sqlite") for point in SCENES} | {(point, "postgresql") for point in _AT_A_COMMIT}


@pytest.mark.slow
@pytest.mark.timeout(900)  # the first of them waits for all, which run side by side
@pytest.mark.parametrize("case", [_param(case) for case in _cases()])
def test_nothing_is_lost_and_nothing_made_twice(case: Case, outcomes: dict[Case, list[str]]) -> None:
    if LEFT_OUT in outcomes[case]:
        pytest.skip(LEFT_OUT)
    assert outcomes[case] == []
