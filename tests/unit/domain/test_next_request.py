"""What a lane sends next."""

from datetime import UTC, date, datetime

from hypothesis import given
from hypothesis import strategies as st

from writeback.domain.sending.next_request import Limits, Plan, plan
from writeback.domain.superseding import SentMark, Waiting, is_later

MONDAY, TUESDAY = date(2026, 1, 12), date(2026, 1, 13)


def at(minute: int) -> datetime:
    return datetime(2026, 1, 12, 9, minute, tzinfo=UTC)


def record(writeback_id: str, seq: int, slot: str, index: int = 0, **changes) -> Waiting:
    defaults = {"kind": "attendance.session", "date": MONDAY}
    return Waiting(writeback_id, seq, index, slot=slot, **{**defaults, **changes})


def make_plan(*waiting: Waiting, busy=(), newest=None, max_records=100, one_date=False, max_size=None) -> Plan:
    limits = Limits(max_records, one_date, max_size)
    return plan(waiting, busy=set(busy), newest=newest or {}, limits_of=lambda kind: limits)


def test_what_gathered_goes_in_one_request_in_the_order_of_acceptance():
    made = make_plan(record("wb_b", 2, "s2"), record("wb_a", 1, "s1"))
    assert [one.writeback_id for one in made.chosen] == ["wb_a", "wb_b"]


def test_interactive_goes_before_batch():
    made = make_plan(record("wb_batch", 1, "s1", priority=10), record("wb_now", 2, "s2"), max_records=1)
    assert [one.writeback_id for one in made.chosen] == ["wb_now"]


def test_a_later_mark_for_the_slot_supersedes_the_earlier_one():
    made = make_plan(record("wb_old", 1, "s1"), record("wb_new", 2, "s1"))
    assert [one.writeback_id for one in made.chosen] == ["wb_new"]
    assert [one.writeback_id for one, _ in made.superseded] == ["wb_old"]


def test_only_the_record_whose_slot_is_taken_is_superseded():
    made = make_plan(record("wb_old", 1, "s1"), record("wb_old", 1, "s2", index=1), record("wb_new", 2, "s1"))
    assert [(one.writeback_id, one.index) for one, _ in made.superseded] == [("wb_old", 0)]
    assert [(one.writeback_id, one.index) for one in made.chosen] == [("wb_old", 1), ("wb_new", 0)]


def test_a_retry_that_is_not_due_is_superseded_too():
    made = make_plan(record("wb_old", 1, "s1", is_due=False), record("wb_new", 2, "s1"))
    assert [one.writeback_id for one, _ in made.superseded] == ["wb_old"]


def test_a_mark_is_superseded_by_a_later_one_that_was_sent_before_it():
    made = make_plan(record("wb_old", 1, "s1"), newest={"s1": SentMark("wb_new", 2)})
    assert not made.chosen
    assert [one.writeback_id for one, _ in made.superseded] == ["wb_old"]


def test_a_mark_waits_while_an_earlier_one_for_its_slot_is_on_its_way():
    made = make_plan(record("wb_a", 2, "s1"), record("wb_b", 3, "s2"), busy=["s1"])
    assert [one.writeback_id for one in made.blocked] == ["wb_a"]
    assert [one.writeback_id for one in made.chosen] == ["wb_b"]


def test_a_request_takes_no_more_records_than_the_provider_does():
    made = make_plan(*(record("wb", 1, f"s{n}", index=n) for n in range(5)), max_records=3)
    assert [one.index for one in made.chosen] == [0, 1, 2]


def test_a_request_carries_one_date_where_the_provider_asks_for_it():
    made = make_plan(record("wb", 1, "s1"), record("wb", 1, "s2", index=1, date=TUESDAY), one_date=True)
    assert [one.index for one in made.chosen] == [0]


def test_halves_of_a_refused_request_go_apart():
    made = make_plan(
        record("wb", 1, "s0", index=0, group="a"),
        record("wb", 1, "s1", index=1, group="b"),
        record("wb", 1, "s2", index=2, group="a"),
        record("wb_new", 2, "s3"),
    )
    assert [one.index for one in made.chosen] == [0, 2]


def test_records_that_create_something_never_supersede_each_other():
    made = make_plan(record("wb_a", 1, None), record("wb_b", 2, None))
    assert len(made.chosen) == 2


def test_changes_of_one_slot_keep_their_order_and_none_is_superseded():
    first = record("wb_update", 1, "behaviour|B1", kind="behaviour.update", overwrites=False)
    second = record("wb_delete", 2, "behaviour|B1", kind="behaviour.delete", overwrites=False)
    made = make_plan(second, first)
    assert [one.writeback_id for one in made.chosen] == ["wb_update"]
    assert [one.writeback_id for one in made.blocked] == ["wb_delete"]
    assert made.superseded == []


def test_a_change_waits_for_an_earlier_one_of_its_slot_that_is_not_due_yet():
    first = record("wb_update", 1, "behaviour|B1", overwrites=False, is_due=False)
    made = make_plan(first, record("wb_delete", 2, "behaviour|B1", overwrites=False, priority=-1))
    assert made.chosen == []


def test_what_creates_has_no_slot_and_waits_for_nothing():
    made = make_plan(record("wb_a", 1, None, overwrites=False), record("wb_b", 2, None, overwrites=False))
    assert [one.writeback_id for one in made.chosen] == ["wb_a", "wb_b"]


def test_the_limits_of_a_request_are_those_of_its_first_record():
    single, many = Limits(1), Limits(100)
    waiting = [
        record("wb_a", 1, None, kind="one"),
        record("wb_b", 2, None, kind="one"),
        record("wb_c", 3, "s", kind="x"),
    ]
    made = plan(waiting, busy=(), newest={}, limits_of={"one": single, "x": many}.__getitem__)
    assert [one.writeback_id for one in made.chosen] == ["wb_a"]


def test_a_request_is_full_when_its_files_are_but_takes_one_record_however_large():
    waiting = [record(f"wb_{seq}", seq, None, size=size) for seq, size in enumerate((90, 20, 5), 1)]
    made = make_plan(*waiting, max_size=100)
    assert [one.writeback_id for one in made.chosen] == ["wb_1", "wb_3"]
    assert len(make_plan(record("wb_large", 1, None, size=500), max_size=100).chosen) == 1


def test_a_later_mark_that_may_be_left_out_supersedes_nothing():
    made = make_plan(record("wb_mark", 1, "s1"), record("wb_if_blank", 2, "s1", is_conditional=True))
    assert [one.writeback_id for one in made.chosen] == ["wb_mark"]
    assert [one.writeback_id for one in made.blocked] == ["wb_if_blank"]
    assert not made.superseded


def test_a_mark_that_may_be_left_out_is_superseded_by_a_later_one():
    made = make_plan(record("wb_if_blank", 1, "s1", is_conditional=True), record("wb_mark", 2, "s1"))
    assert [one.writeback_id for one, _ in made.superseded] == ["wb_if_blank"]
    assert [one.writeback_id for one in made.chosen] == ["wb_mark"]


def test_a_mark_does_not_supersede_one_that_was_accepted_after_it_was_seen():
    taken = record("wb_at_10", 1, "s1", accepted_at=at(10))
    late = record("wb_seen_at_5", 2, "s1", accepted_at=at(30), seen_at=at(5))
    made = make_plan(taken, late)
    assert [one.writeback_id for one in made.chosen] == ["wb_at_10"]
    assert [(one.writeback_id, later) for one, later in made.superseded] == [("wb_seen_at_5", taken)]


def test_a_retry_stands_over_a_late_mark_that_was_sent_meanwhile():
    sent = SentMark("wb_seen_at_5", 2, "/", at(30), at(5))
    made = make_plan(record("wb_at_10", 1, "s1", accepted_at=at(10)), newest={"s1": sent})
    assert [one.writeback_id for one in made.chosen] == ["wb_at_10"]


def test_a_late_mark_is_superseded_by_one_that_was_sent_since_it_was_seen():
    sent = SentMark("wb_at_10", 1, "I", at(10))
    made = make_plan(record("wb_seen_at_5", 2, "s1", accepted_at=at(30), seen_at=at(5)), newest={"s1": sent})
    assert [(one.writeback_id, later) for one, later in made.superseded] == [("wb_seen_at_5", sent)]


@st.composite
def _accepted(draw: st.DrawFn) -> list[Waiting]:
    """Marks for one slot in the order of acceptance, a minute apart; some say when they were seen."""
    found = []
    for seq in range(1, draw(st.integers(2, 6)) + 1):
        seen = draw(st.none() | st.integers(0, seq))
        seen_at = None if seen is None else at(seen)
        found.append(record(f"wb_{seq}", seq, "s1", accepted_at=at(seq), seen_at=seen_at))
    return found


@given(_accepted(), st.randoms())
def test_of_marks_for_a_slot_one_goes_whatever_their_order_and_none_is_later_than_it(marks, dice):
    shuffled = list(marks)
    dice.shuffle(shuffled)
    (chosen,) = make_plan(*shuffled).chosen
    assert not any(is_later(other, chosen) for other in marks if other is not chosen)
    if all(one.seen_at is None for one in marks):
        assert chosen is marks[-1]


@given(_accepted(), st.data())
def test_what_was_sent_already_decides_as_if_it_waited(marks, data):
    (stands,) = make_plan(*marks).chosen
    count = data.draw(st.integers(1, len(marks) - 1))
    (first,) = make_plan(*marks[:count]).chosen
    sent = SentMark(first.writeback_id, first.seq, first.code, first.accepted_at, first.seen_at)
    rest = make_plan(*marks[count:], newest={"s1": sent}).chosen
    assert [one.writeback_id for one in rest] == ([] if stands.seq <= count else [stands.writeback_id])


@given(_accepted())
def test_which_of_two_marks_is_later_is_an_order(marks):
    for one in marks:
        for other in marks:
            for third in marks:
                if one is not other and other is not third and is_later(one, other) and is_later(other, third):
                    assert one is not third
                    assert is_later(one, third)
