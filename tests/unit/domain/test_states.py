"""The table of states, and that the document draws the same."""

import re
from pathlib import Path

import pytest

from writeback.core.errors import IllegalTransition
from writeback.domain.states import FINAL, TRANSITIONS, Event, Status, advance

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
