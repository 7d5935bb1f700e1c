"""The state machine, whatever happens to records in whatever order: it stays in the table, and loses none."""

import json
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from sqlmodel import Session, SQLModel, create_engine, select

from tests.long_run import examples
from writeback.core.clock import FakeClock
from writeback.domain.states import FINAL, TRANSITIONS, Event, Status
from writeback.domain.writeback import RecordStatus as R
from writeback.domain.writeback import overall_status, unpack_progress
from writeback.flow.dispatch.deadlines import expire
from writeback.flow.engine.status_changes import Changes, OpenWriteback
from writeback.store.tables import EventRow, WritebackRow

MOVES = {
    R.QUEUED: (R.SENDING, R.SUPERSEDED, R.FAILED, R.CANCELLED),
    R.SENDING: (R.SENT, R.CONFIRMED, R.FAILED, R.QUEUED, R.UNKNOWN),
    R.SENT: (R.CONFIRMED, R.FAILED, R.QUEUED, R.NEEDS_ATTENTION),
    R.UNKNOWN: (R.CONFIRMED, R.QUEUED, R.NEEDS_ATTENTION),
    R.NEEDS_ATTENTION: (R.CONFIRMED, R.QUEUED, R.FAILED, R.CANCELLED),
}
"""What the steps of the flow do to one record."""
RECORDS = [{"student_id": f"A{n}", "date": "2026-01-12", "session": "AM", "code": "/"} for n in range(4)]


class WritebackMachine(RuleBasedStateMachine):
    """One writeback of four records, kept in SQL, changed as the flow changes it."""

    def __init__(self) -> None:
        super().__init__()
        engine = create_engine("sqlite://")
        SQLModel.metadata.create_all(engine, tables=[WritebackRow.__table__, EventRow.__table__])  # type: ignore[attr-defined]
        self.session, self.clock, self._engine = Session(engine), FakeClock(), engine
        now = self.clock.now()
        self.row = WritebackRow(
            id="wb_1",
            app_id="app",
            school_id="hillside",
            lane_id="hillside:session-marks",
            kind="attendance.session",
            status=Status.QUEUED,
            records=json.dumps(RECORDS),
            expires_at=now + timedelta(days=1),
            created_at=now,
            updated_at=now,
        )
        self.session.add(self.row)
        self.session.commit()
        self.followed = [Status.QUEUED]

    @property
    def opened(self) -> OpenWriteback:
        return OpenWriteback(self.row)

    @property
    def changes(self) -> Changes:
        return Changes(self.session, self.clock.now(), "worker")

    def _finish(self) -> None:
        self.session.commit()
        self.session.refresh(self.row)
        self.clock.advance(timedelta(seconds=1))

    @precondition(lambda self: self.row.status != Status.EXPIRED)  # nobody takes up what has expired
    @rule(places=st.sets(st.integers(0, 3), min_size=1), choice=st.integers(0, 4))
    def a_step_moves_records(self, places: set[int], choice: int) -> None:
        """Move those records that share a status as one step of the flow does, and settle the writeback once."""
        opened = self.opened
        first = opened.progress[min(places)].status
        moves = MOVES.get(first, ())
        if not moves or (self.row.status == Status.HELD and moves[choice % len(moves)] is R.SENDING):
            return
        target = moves[choice % len(moves)]
        for place in places:
            if opened.progress[place].status is first:
                opened.progress[place] = opened.progress[place].moved(target)
        queued_by = Event.CONTINUED if self.row.status == Status.SENDING and target is R.SENT else Event.RETRY
        self.changes.settle(opened, queued_by=queued_by)
        self._finish()

    @precondition(lambda self: self.row.status == Status.QUEUED)
    @rule()
    def the_school_is_held(self) -> None:
        self.changes.event(self.row, Event.HELD)
        self._finish()

    @precondition(lambda self: self.row.status == Status.HELD)
    @rule()
    def the_school_goes_on(self) -> None:
        self.changes.event(self.row, Event.RELEASED)
        self._finish()

    @precondition(lambda self: self.row.status in (Status.QUEUED, Status.HELD))
    @rule()
    def its_deadline_passes(self) -> None:
        expire(self.changes, self.row)
        self._finish()

    @precondition(lambda self: self.row.status in (Status.PARTIAL, Status.FAILED, Status.CANCELLED, Status.EXPIRED))
    @rule()
    def a_person_sends_it_again(self) -> None:
        opened = self.opened
        for place, entry in enumerate(opened.progress):
            if entry.status in (R.FAILED, R.CANCELLED):
                opened.progress[place] = entry.moved(R.QUEUED)
        self.changes.settle(opened, queued_by=Event.RESUBMITTED)
        self._finish()

    @invariant()
    def its_status_follows_from_its_records(self) -> None:
        follows = overall_status(unpack_progress(self.row.progress, len(RECORDS)))
        is_aside = self.row.status in (Status.HELD, Status.EXPIRED) and follows is Status.QUEUED
        assert self.row.status == follows or is_aside

    @invariant()
    def no_record_is_lost(self) -> None:
        assert len(unpack_progress(self.row.progress, len(RECORDS))) == len(RECORDS)
        assert json.loads(self.row.records) == RECORDS

    @invariant()
    def its_timeline_is_a_way_through_the_table(self) -> None:
        status = Status.QUEUED
        for event in self.session.exec(select(EventRow).order_by(EventRow.id)).all():  # type: ignore[arg-type]
            transition = TRANSITIONS[Event(event.event)]
            assert status in transition.sources
            assert event.status == transition.target
            assert status not in FINAL or transition.event is Event.RESUBMITTED
            status = transition.target
        assert self.row.status == status

    def teardown(self) -> None:
        self.session.close()
        self._engine.dispose()


@pytest.mark.slow
@pytest.mark.more
def test_no_sequence_of_events_leads_outside_the_table_or_loses_a_record() -> None:
    run_state_machine_as_test(
        WritebackMachine,
        settings=settings(
            max_examples=examples(30), stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
