"""One provider's jobs never fill a worker."""

from writeback.flow.engine.bulkhead import Bulkhead


def test_a_provider_gets_no_more_than_its_share_and_others_go_on():
    bulkhead = Bulkhead(most=2)
    assert bulkhead.enter("wonde", ("serve_lane", "a"))
    assert bulkhead.enter("wonde", ("serve_lane", "b"))
    assert not bulkhead.enter("wonde", ("serve_lane", "c"))
    assert bulkhead.enter("xporter", ("serve_lane", "d"))


def test_who_was_turned_away_is_named_when_there_is_room_the_longest_waiting_first():
    bulkhead = Bulkhead(most=1)
    bulkhead.enter("wonde", ("serve_lane", "a"))
    for lane in ("b", "c", "b"):
        bulkhead.enter("wonde", ("serve_lane", lane))
    assert bulkhead.leave("wonde") == ("serve_lane", "b")
    assert bulkhead.enter("wonde", ("serve_lane", "b"))
    assert bulkhead.leave("wonde") == ("serve_lane", "c")
    assert bulkhead.leave("wonde") is None


def test_there_is_no_room_for_others_before_who_was_turned_away():
    bulkhead = Bulkhead(most=2)
    assert bulkhead.room("wonde") == 2
    for school in ("a", "b", "c"):
        bulkhead.enter("wonde", ("sync_school", school))
    assert bulkhead.room("wonde") == 0
    bulkhead.leave("wonde")
    assert bulkhead.room("wonde") == 1
    assert bulkhead.room("xporter") == 2
