"""How far a writeback's records are, and what follows for the whole."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from writeback.domain.finding import Finding
from writeback.domain.states import Status
from writeback.domain.writeback import (
    RecordProgress,
    RecordStatus,
    move_alike,
    overall_status,
    pack_progress,
    unpack_progress,
)

R, S = RecordStatus, Status
FINDING = Finding("code_unknown", "Code X is not known.", "Choose another.", record=0)


@pytest.mark.parametrize(
    ("records", "whole"),
    [
        ([R.QUEUED, R.CONFIRMED], S.QUEUED),
        ([R.SENDING, R.QUEUED], S.SENDING),
        ([R.SENT, R.CONFIRMED], S.SENT),
        ([R.UNKNOWN, R.SENT], S.UNKNOWN),
        ([R.NEEDS_ATTENTION, R.CONFIRMED], S.NEEDS_ATTENTION),
        ([R.CONFIRMED, R.CONFIRMED], S.CONFIRMED),
        ([R.CONFIRMED, R.FAILED], S.PARTIAL),
        ([R.FAILED, R.FAILED], S.FAILED),
        ([R.SUPERSEDED, R.SUPERSEDED], S.SUPERSEDED),
        ([R.SUPERSEDED, R.CONFIRMED], S.CONFIRMED),
        ([R.REFUSED, R.CONFIRMED], S.CONFIRMED),
        ([R.REFUSED, R.FAILED], S.FAILED),
        ([R.CANCELLED, R.CANCELLED], S.CANCELLED),
        ([R.CANCELLED, R.CONFIRMED], S.PARTIAL),
        ([R.CANCELLED, R.FAILED], S.FAILED),
        ([R.CANCELLED, R.SUPERSEDED], S.CANCELLED),
        ([R.CANCELLED, R.SENT], S.SENT),
    ],
)
def test_the_status_of_the_whole_follows_from_the_records(records, whole):
    assert overall_status(RecordProgress(status) for status in records) is whole


@given(
    st.lists(
        st.builds(
            RecordProgress,
            status=st.sampled_from(RecordStatus),
            findings=st.sampled_from([(), (FINDING.as_json(),)]),
            evidence=st.none() | st.just("callback"),
            mis_ids=st.sampled_from([(), ("17",)]),
            group=st.none() | st.just("req_1a"),
            mis_holds=st.none() | st.sampled_from(["", "L"]),
        ),
        max_size=5,
    )
)
def test_progress_comes_back_as_it_was_packed(progress):
    assert unpack_progress(pack_progress(progress), len(progress)) == progress


def test_records_that_are_alike_are_stored_once():
    sent = [RecordProgress()] * 30
    move_alike(sent, range(30), RecordStatus.SENT)
    assert pack_progress(sent) == '[{"times":30,"status":"sent"}]'
    assert unpack_progress(pack_progress(sent), 30) == sent == [RecordProgress(RecordStatus.SENT)] * 30


def test_moving_some_leaves_the_others():
    progress = [RecordProgress(), RecordProgress(evidence="callback"), RecordProgress()]
    move_alike(progress, [0, 1], RecordStatus.SENT)
    moved = [RecordStatus.SENT, RecordStatus.SENT, RecordStatus.QUEUED]
    assert [entry.status for entry in progress] == moved
    assert progress[1].evidence == "callback"


def test_untouched_progress_takes_no_room():
    assert pack_progress([RecordProgress()] * 30) == ""
