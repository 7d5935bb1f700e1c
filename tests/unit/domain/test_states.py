"""The table of states, and that the document draws the same."""

import re
from pathlib import Path

import pytest

from writeback.core.errors import IllegalTransition
from writeback.domain.corrections import RESUBMITTABLE
from writeback.domain.states import FINAL, TRANSITIONS, Event, Status, advance
from writeback.domain.writeback import RecordProgress, RecordStatus, event_towards, overall_status

DOCUMENT = Path(__file__).parents[3] / "docs" / "state_machine.md"


def test_an_event_leads_to_its_status():
    assert advance(Status.SENDING, Event.SENT) is Status.SENT


def test_an_event_out_of_place_is_an_error():
    with pytest.raises(IllegalTransition, match="sent cannot happen to a writeback that is confirmed"):
        advance(Status.CONFIRMED, Event.SENT)


def test_only_a_person_leaves_a_final_status():
    leaving = {event for event, row in TRANSITIONS.items() if row.sources & FINAL}
    assert leaving == {Event.RESUBMITTED}


def test_every_status_but_the_first_can_be_reached():
    assert {row.target for row in TRANSITIONS.values()} == set(Status)


def test_every_waiting_status_can_be_left():
    left = set().union(*(row.sources for row in TRANSITIONS.values()))
    assert set(Status) - FINAL <= left


def test_the_document_draws_exactly_the_table():
    drawn = set(re.findall(r"^\s+(\w+) --> (\w+): (\w+)$", DOCUMENT.read_text(), re.MULTILINE))
    table = {
        (source.value, row.target.value, row.event.value) for row in TRANSITIONS.values() for source in row.sources
    }
    assert drawn == table


R = RecordStatus
RECORD_MOVES = {
    R.QUEUED: {R.SENDING, R.SUPERSEDED, R.FAILED, R.CANCELLED},
    R.SENDING: {R.SENT, R.CONFIRMED, R.FAILED, R.QUEUED, R.UNKNOWN},
    R.SENT: {R.CONFIRMED, R.FAILED, R.QUEUED, R.NEEDS_ATTENTION},
    R.UNKNOWN: {R.CONFIRMED, R.QUEUED, R.NEEDS_ATTENTION},
    R.NEEDS_ATTENTION: {R.CONFIRMED, R.QUEUED, R.FAILED, R.CANCELLED},
}
"""What the flow, or a person, does to one record."""


def test_whatever_becomes_of_three_records_the_whole_can_follow():
    seen, open_ends = set(), [((R.QUEUED,) * 3, Status.QUEUED)]
    while open_ends:
        records, status = open_ends.pop()
        if (records, status) in seen:
            continue
        seen.add((records, status))
        for place, record in enumerate(records):
            for move in RECORD_MOVES.get(record, ()):
                moved = tuple(sorted([*records[:place], move, *records[place + 1 :]]))
                whole = overall_status(RecordProgress(one) for one in moved)
                if whole != status:
                    queued_by = Event.CONTINUED if status is Status.SENDING else Event.RETRY
                    assert advance(status, event_towards(whole, queued_by=queued_by)) is whole
                open_ends.append((moved, whole))
        if status in RESUBMITTABLE:
            again = tuple(sorted(R.QUEUED if one in (R.FAILED, R.CANCELLED) else one for one in records))
            assert advance(status, Event.RESUBMITTED) is overall_status(RecordProgress(one) for one in again)
            open_ends.append((again, Status.QUEUED))
    assert len(seen) > 100
