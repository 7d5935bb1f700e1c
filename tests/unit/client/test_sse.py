"""Server-sent events, however the bytes are cut."""

import pytest

from writeback_client.sse import Decoder, ServerEvent

STREAM = (
    'retry: 2000\n\n: still here\n\nid: 5\ndata: {"a":\r\ndata: "é\u2028"}\r\n\r\nid: 6\rdata:x\r\rdata: y\n\n'.encode()
)
EVENTS = [ServerEvent("5", '{"a":\n"é\u2028"}'), ServerEvent("6", "x"), ServerEvent("6", "y")]


@pytest.mark.parametrize("size", [1, 2, 3, 7, len(STREAM)])
def test_events_are_the_same_however_they_are_cut(size: int) -> None:
    decoder = Decoder()

    found = [event for at in range(0, len(STREAM), size) for event in decoder.feed(STREAM[at : at + size])]

    assert found == EVENTS
    assert decoder.retry_s == 2.0


def test_half_an_event_is_none() -> None:
    assert list(Decoder().feed(b"id: 5\ndata: x\n")) == []


def test_an_event_without_an_id_has_the_last_one() -> None:
    assert list(Decoder("4").feed(b"data: x\n\n")) == [ServerEvent("4", "x")]
