"""One lane against a model of a MIS: whatever happens, in whatever order, in the end the guarantees hold."""

import asyncio
import itertools
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.integration.flow.conftest import TODAY
from tests.long_run import examples
from tests.properties.lane import CODES, Lane, copied
from tests.properties.model_provider import Mood, slot_of
from writeback.domain.superseding import SentMark, is_later
from writeback.domain.writeback import RecordStatus as R

_numbers = itertools.count()
_ENDED = (R.FAILED, R.CANCELLED, R.SUPERSEDED)
MOODS = st.sampled_from(Mood)
LATE = st.sampled_from((5.0, 50.0, 100.0))
WAITS = st.sampled_from((1.0, 4.0, 45.0, 130.0, 2_000.0))
SEEN = st.sampled_from((None, None, 0.0, 70.0, 140.0, 3_000.0))
"""How long before it is submitted a mark was seen, in seconds; None: it does not say."""


class LaneMachine(RuleBasedStateMachine):
    """What can happen to any lane."""

    template: ClassVar[Path]
    folder: ClassVar[Path]
    lane_id: ClassVar[str]

    @initialize()
    def open(self) -> None:
        self._runner = asyncio.Runner()
        self._copy = copied(self.template, self.folder, f"{type(self).__name__}{next(_numbers)}")
        self.lane = Lane(self._runner, self._copy.__enter__(), self.lane_id)

    @rule(mood=MOODS, late_s=LATE)
    def serve(self, mood: Mood, late_s: float) -> None:
        self.lane.provider.late_s = late_s
        self.lane.serve(mood)

    @rule()
    def confirm(self) -> None:
        self.lane.confirm()

    @rule(seconds=WAITS)
    def a_while_later(self, seconds: float) -> None:
        """What the workers would have done by then."""
        self.lane.let_pass(seconds)
        self.lane.sweep()
        self.lane.confirm()

    @precondition(lambda self: self.lane.has_stopped)
    @rule()
    def wake(self) -> None:
        self.lane.wake()

    @precondition(lambda self: self.lane.provider.is_at_work)
    @rule()
    def the_mis_refuses_the_next(self) -> None:
        self.lane.provider.fails_next = True

    @precondition(lambda self: self.lane.provider.jobs)
    @rule(data=st.data(), times=st.integers(1, 3), is_true=st.booleans())
    def hook(self, data: st.DataObject, times: int, is_true: bool) -> None:
        """A webhook comes, late, repeated, or about what has not happened."""
        refs = [ref for ref, job in self.lane.provider.jobs.items() if (job.state == "applied") == is_true]
        for _ in range(times if refs else 0):
            self.lane.hook(data.draw(st.sampled_from(refs)))

    @invariant()
    def the_books_agree(self) -> None:
        if hasattr(self, "lane"):
            self.lane.check_books()

    def teardown(self) -> None:
        if not hasattr(self, "lane"):
            return
        try:
            self.lane.drain()
            self.lane.check_books()
            self.judge()
        finally:
            self.lane.close()
            self._runner.close()
            self._copy.__exit__(None, None, None)

    def judge(self) -> None:
        for row, _, entry in self.lane.progress():
            if entry.status in (R.FAILED, R.NEEDS_ATTENTION):
                assert entry.findings, f"{row.id} says nothing of why"


class MarksMachine(LaneMachine):
    """A lane of session marks: two pupils, so that marks meet in their slots."""

    lane_id = "hillside:session-marks"

    @rule(
        pupils=st.lists(st.sampled_from(("A1", "A2", "A3")), min_size=1, max_size=3, unique=True),
        code=st.sampled_from(CODES),
        only_if_blank=st.sampled_from((False, False, True)),
        seen=SEEN,
    )
    def submit(self, pupils: list[str], code: str, only_if_blank: bool, seen: float | None = None) -> None:
        given: dict[str, Any] = {"date": str(TODAY), "session": "AM", "code": code, "employee_id": "E1"}
        if only_if_blank:
            given["only_if_blank"] = True
        if seen is not None:
            given["observed_at"] = (self.lane.clock.now() - timedelta(seconds=seen)).isoformat()
        self.lane.submit("attendance.session", [{"student_id": pupil, **given} for pupil in pupils])

    @rule(code=st.sampled_from(CODES), seen=SEEN, mood=MOODS, late_s=LATE)
    def submit_and_serve(self, code: str, seen: float | None, mood: Mood, late_s: float) -> None:
        self.submit(["A1"], code, only_if_blank=False, seen=seen)
        self.serve(mood, late_s)

    @rule(pupil=st.sampled_from(("A1", "A2", "A3")), code=st.sampled_from(CODES))
    def the_office_sets_a_mark(self, pupil: str, code: str) -> None:
        self.lane.provider.set_by_office(f"{pupil} AM", code)

    def judge(self) -> None:
        super().judge()
        assert not self.lane.provider.gone_over, "a late mark went over what the office had entered since"
        slots: defaultdict[str, list[Any]] = defaultdict(list)
        for row, says, entry in self.lane.progress():
            slots[slot_of(dict(says)) or ""].append((row, says, entry))
        for slot, records in slots.items():
            self._judge_slot(slot, records)

    def _judge_slot(self, slot: str, records: list[Any]) -> None:
        mis = self.lane.provider
        for _, says, entry in records:
            if entry.status is R.CONFIRMED and entry.evidence != "left as it was":
                codes = {finding["code"] for finding in entry.findings}
                was_there = (slot, says["code"]) in mis.stood
                assert was_there or slot in mis.by_office or "changed_in_mis" in codes
        live = [(says, entry) for _, says, entry in records if entry.status not in _ENDED]
        if slot in mis.by_office or any(entry.status is R.NEEDS_ATTENTION for _, entry in live):
            return
        allowed = _allowed([(row, says) for row, says, entry in records if entry.status not in _ENDED])
        assert mis.slots.get(slot) in allowed or not live, (slot, mis.slots.get(slot), allowed)


def _allowed(live: list[Any]) -> set[str | None]:
    """Return what the slot may hold: the latest mark, or what was there where that asks only for a blank."""
    marks = [_mark(row, says) for row, says in live]
    asks_for_blank = {row.id for row, says in live if says.get("only_if_blank")}
    latest = [one for one in marks if one.writeback_id not in asks_for_blank]
    stands = next((one for one in latest if all(one is other or is_later(one, other) for other in latest)), None)
    allowed = {
        one.code for one in marks if one.writeback_id in asks_for_blank and (not stands or is_later(one, stands))
    }
    return {*allowed, stands.code} if stands else {*allowed, *CODES}


def _mark(row: Any, says: Any) -> SentMark:
    said = says.get("observed_at")
    seen = min(row.created_at, datetime.fromisoformat(said)) if said else None
    return SentMark(row.id, row.seq, says["code"], row.created_at, seen)


class CreatesMachine(LaneMachine):
    """A lane of incidents; some are alike in everything."""

    lane_id = "hillside:conduct"

    @rule(contents=st.lists(st.sampled_from(("a", "a", "b")), min_size=1, max_size=2), mood=MOODS, late_s=LATE)
    def submit_and_serve(self, contents: list[str], mood: Mood, late_s: float) -> None:
        self.submit(contents)
        self.serve(mood, late_s)

    @rule(contents=st.lists(st.sampled_from(("a", "a", "b")), min_size=1, max_size=2))
    def submit(self, contents: list[str]) -> None:
        given = {"employee_id": "E1", "date": str(TODAY), "type": "BULL", "status": "OPEN"}
        pupils = [{"student_id": "A1", "points": 1}]
        for content in contents:
            self.lane.submit("behaviour.create", [{**given, "students": pupils, "comment": content}])

    def judge(self) -> None:
        super().judge()
        asked: Counter[str] = Counter()
        confirmed: Counter[str] = Counter()
        for _, says, entry in self.lane.progress():
            asked[says["comment"]] += 1
            confirmed[says["comment"]] += entry.status is R.CONFIRMED
        made = self.lane.provider.count_made()
        for content, count in asked.items():
            assert made[content] <= count, f"{content} was created {made[content]} times, asked for {count}"
            assert confirmed[content] <= made[content], f"{content}: confirmed and not there"


@pytest.fixture
def machines(sqlite_template: Path, tmp_path: Path) -> Iterator[None]:
    """Give the machines a migrated database to copy."""
    LaneMachine.template, LaneMachine.folder = sqlite_template, tmp_path
    yield
    del LaneMachine.template, LaneMachine.folder


_SETTINGS = settings(
    max_examples=examples(20, more=10),
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    print_blob=True,
)


@pytest.mark.slow
@pytest.mark.more
@pytest.mark.usefixtures("machines")
@pytest.mark.parametrize("machine", [MarksMachine, CreatesMachine])
def test_whatever_happens_to_a_lane_the_guarantees_hold(machine: type[LaneMachine]) -> None:
    run_state_machine_as_test(machine, settings=_SETTINGS)


@pytest.mark.usefixtures("machines")
def test_a_record_that_claimed_a_thing_in_doubt_leaves_the_others_theirs_however_it_is_confirmed() -> None:
    """Two are sent by a worker that stands still; one of them claims what a third has made; then the two arrive."""
    machine = CreatesMachine()
    machine.open()
    machine.submit(["a", "a"])
    machine.serve(Mood.STALLS, 50.0)
    machine.a_while_later(45.0)
    machine.submit_and_serve(["a"], Mood.APPLIES_AND_HANGS, 50.0)
    machine.confirm()
    machine.wake()
    machine.teardown()
