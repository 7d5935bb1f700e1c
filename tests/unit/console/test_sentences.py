"""The sentence about a provider says how it really is, and what a school needs."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from writeback.console.presenters.sentences import provider_sentence, queue_sentence, school_words
from writeback.flow.alerts.conditions import QueueState, SilentWorker
from writeback.flow.projections.overview_providers import ProviderState
from writeback.flow.projections.overview_schools import Need, SchoolNeed

NOW = datetime(2026, 1, 12, 9, 20, tzinfo=UTC)
USUAL = timedelta(minutes=5)
WELL = ProviderState(
    provider="wonde",
    accepted=1_240,
    confirmed=1_203,
    failed=3,
    only_registers=True,
    waiting=34,
    held=0,
    held_lately=0,
    held_schools=0,
    waiting_since=NOW - timedelta(seconds=20),
    last_evidence_at=NOW - timedelta(seconds=1),
    median_s=4.2,
    unanswered_since=None,
)


def test_registers_that_get_through_are_shown_with_part_number_and_time() -> None:
    sentence = provider_sentence(WELL, USUAL, NOW)

    assert sentence.tone == "ok"
    assert sentence.text == (
        "registers are getting through; 97% of 1,240 in the last hour are confirmed, half within 4 seconds"
    )


def test_silence_while_something_waits_is_told_first() -> None:
    silent = replace(WELL, waiting_since=NOW - timedelta(minutes=13), last_evidence_at=NOW - timedelta(minutes=12))

    sentence = provider_sentence(silent, USUAL, NOW)

    assert sentence.tone == "bad"
    assert sentence.text == "nothing has been confirmed for 12 minutes; 34 registers wait"


def test_silence_is_none_while_nothing_has_waited_long() -> None:
    quiet = replace(WELL, last_evidence_at=NOW - timedelta(minutes=12))

    assert provider_sentence(quiet, USUAL, NOW).tone == "ok"


def test_a_provider_that_never_bore_evidence_says_so() -> None:
    never = replace(WELL, waiting_since=NOW - timedelta(hours=1), last_evidence_at=None, confirmed=0, median_s=None)

    assert "nothing has been confirmed in the last 12 hours" in provider_sentence(never, USUAL, NOW).text


def test_what_waits_at_a_held_school_is_not_the_provider_s_news() -> None:
    held = replace(WELL, accepted=25, confirmed=25, failed=0, waiting=0, waiting_since=None, held=34, held_schools=1)

    sentence = provider_sentence(held, USUAL, NOW)

    assert sentence.tone == "ok"
    assert sentence.text.startswith("registers are getting through; all of 25")
    assert sentence.note == "34 registers wait at a school that is held."


def test_failures_beyond_the_usual_are_a_warning() -> None:
    failing = replace(WELL, accepted=100, confirmed=85, failed=15)

    sentence = provider_sentence(failing, USUAL, NOW)

    assert sentence.tone == "warn"
    assert "but 15% failed" in sentence.text


def test_what_mostly_fails_is_never_said_to_get_through() -> None:
    failing = replace(WELL, accepted=1_000, confirmed=3, failed=950)

    sentence = provider_sentence(failing, USUAL, NOW)

    assert sentence.tone == "bad"
    assert sentence.text.startswith("most of what comes in fails: 95% failed; less than 1% of 1,000")


@pytest.mark.parametrize(
    ("accepted", "failed", "held", "told"),
    [
        (150, 150, 0, "of 150 registers in the last hour all failed"),
        (0, 0, 34, "of 34 registers in the last hour all are held"),
        (60, 60, 40, "of 100 registers in the last hour 60 failed and 40 are held"),
    ],
)
def test_of_what_nothing_is_confirmed_it_is_said_what_became_of_it(
    accepted: int, failed: int, held: int, told: str
) -> None:
    state = replace(WELL, accepted=accepted, confirmed=0, failed=failed, held=held, held_lately=held, waiting=0)

    sentence = provider_sentence(state, USUAL, NOW)

    assert (sentence.tone, sentence.text) == ("bad", f"nothing is getting through; {told}")


def test_workers_and_redis_are_told_as_they_are() -> None:
    gone = NOW - timedelta(minutes=4)

    assert queue_sentence(QueueState(working=2), NOW)[:2] == ("ok", "2 workers run, and Redis answers")
    assert queue_sentence(QueueState(), NOW)[:2] == ("bad", "No worker runs")
    one_gone = QueueState([SilentWorker("host:1", gone)], working=1)
    assert queue_sentence(one_gone, NOW)[:2] == ("warn", "1 worker runs, and 1 says nothing any more")
    assert "Redis has not answered for 4 minutes" in queue_sentence(QueueState(redis_lost_since=gone), NOW).text


def test_much_that_still_waits_is_a_warning() -> None:
    slow = replace(WELL, accepted=100, confirmed=60, failed=0, waiting=40)

    assert "with 40 still waiting" in provider_sentence(slow, USUAL, NOW).text


def test_a_provider_that_answers_nobody_is_shown_with_how_long() -> None:
    gone = replace(WELL, unanswered_since=NOW - timedelta(minutes=3))

    sentence = provider_sentence(gone, USUAL, NOW)

    assert sentence == ("bad", "no answer for 3 minutes", "34 registers wait; one request at a time tries again.")


def test_nothing_at_all_is_shown_as_such() -> None:
    idle = replace(WELL, accepted=0, confirmed=0, failed=0, waiting=0, waiting_since=None)

    assert provider_sentence(idle, USUAL, NOW).text == "nothing has come in during the last hour, and nothing waits"


@pytest.mark.parametrize(
    ("confirmed", "accepted", "told"),
    [(999, 1_000, "more than 99%"), (1, 1_000, "less than 1%"), (0, 10, "0%"), (10, 10, "all of 10"), (1, 1, "100%")],
)
def test_a_part_is_never_rounded_to_all_or_none(confirmed: int, accepted: int, told: str) -> None:
    state = replace(WELL, accepted=accepted, confirmed=confirmed, failed=0, waiting=0, waiting_since=None)

    assert told in provider_sentence(state, USUAL, NOW).text


def test_other_things_than_marks_are_called_writebacks() -> None:
    assert provider_sentence(replace(WELL, only_registers=False), USUAL, NOW).text.startswith("writebacks are getting")


@pytest.mark.parametrize(
    ("need", "reason", "told"),
    [
        (Need.HELD, "school_offline", "Its agent does not answer"),
        (Need.UNANSWERED, "timeout", "Its requests get no answer"),
        (Need.DECIDE, "", "2 writebacks need a person to decide"),
        (Need.NO_EVIDENCE, "", "Wonde has the writebacks, and does not say what became of them"),
        (Need.FAILING, "", "Most of what it sent in the last hour failed"),
        (Need.STUCK, "", "Writebacks wait to be sent for long"),
    ],
)
def test_what_a_school_needs_is_shown_in_words(need: Need, reason: str, told: str) -> None:
    school = SchoolNeed("hillside", "Hillside", "wonde", "SIMS", need, reason, "", NOW, 34, 2)

    assert school_words(school).text == told
