"""`verify_webhook` takes what the notifier signs, and nothing else."""

import json
import sys
from datetime import timedelta
from typing import Any

import pytest

from writeback.core.clock import FakeClock
from writeback.notifier.signing import new_secret, signed_headers
from writeback_client import Misconfigured, SignatureInvalid, Status, UnexpectedAnswer, verify_webhook

SECRET, OTHER = new_secret(), new_secret()
MESSAGE: dict[str, Any] = {
    "type": "writeback.failed",
    "timestamp": "2026-01-12T09:00:03Z",
    "sequence": 12,
    "data": {
        "event_id": 311, "event": "failed", "writeback_id": "wb_1", "app": "register", "school": "hillside",
        "kind": "attendance.session", "ref": "7B", "status": "failed", "hold_reason": None,
        "records": [
            {"index": 0, "ref": None, "status": "failed",
             "findings": [{"code": "student_not_on_roll", "severity": "error", "message": "not on roll"}]}
        ],
    },
}  # fmt: skip


def _signed(clock: FakeClock, body: str, *secrets: str) -> dict[str, str]:
    return signed_headers("msg_1", clock.now(), body, secrets or (SECRET,))


def _body(**changes: Any) -> str:
    return json.dumps({**MESSAGE, **changes})


def test_a_signed_message_is_read(fake_clock: FakeClock) -> None:
    event = verify_webhook(SECRET, _signed(fake_clock, _body()), _body().encode(), clock=fake_clock)

    assert (event.id, event.type, event.sequence) == ("msg_1", "writeback.failed", 12)
    assert event.writeback is not None
    assert event.writeback.status is Status.FAILED
    assert event.writeback.records[0].findings[0].code == "student_not_on_roll"


@pytest.mark.parametrize(
    ("signing", "known"), [([SECRET, OTHER], OTHER), ([OTHER], [SECRET, OTHER])], ids=["both sign", "both are known"]
)
def test_while_a_secret_is_replaced_either_is_enough(fake_clock: FakeClock, signing: list[str], known: Any) -> None:
    headers = {name.title(): value for name, value in _signed(fake_clock, _body(), *signing).items()}

    assert verify_webhook(known, headers, _body(), clock=fake_clock).id == "msg_1"


def test_a_test_message_is_of_no_writeback(fake_clock: FakeClock) -> None:
    body = _body(type="webhook.test", data={"webhook_id": "whk_1"})

    assert verify_webhook(SECRET, _signed(fake_clock, body), body, clock=fake_clock).writeback is None


def test_what_a_newer_service_says_is_no_error(fake_clock: FakeClock) -> None:
    data = {**MESSAGE["data"], "status": "paused", "mood": "fine"}
    body = _body(type="writeback.paused", data=data, version=2)

    event = verify_webhook(SECRET, _signed(fake_clock, body), body, clock=fake_clock)

    assert event.writeback is not None
    assert event.writeback.status == "paused"
    assert event.writeback.model_extra == {"mood": "fine"}


def test_a_changed_body_is_refused(fake_clock: FakeClock) -> None:
    with pytest.raises(SignatureInvalid, match="no signature"):
        verify_webhook(SECRET, _signed(fake_clock, _body()), _body(sequence=13), clock=fake_clock)


def test_anothers_secret_is_refused(fake_clock: FakeClock) -> None:
    with pytest.raises(SignatureInvalid, match="no signature"):
        verify_webhook(OTHER, _signed(fake_clock, _body()), _body(), clock=fake_clock)


@pytest.mark.parametrize("seconds", [-301, 301])
def test_a_message_of_another_time_is_refused(fake_clock: FakeClock, seconds: int) -> None:
    headers = _signed(fake_clock, _body())
    fake_clock.advance(timedelta(seconds=seconds))

    with pytest.raises(SignatureInvalid, match="300 s"):
        verify_webhook(SECRET, headers, _body(), clock=fake_clock)
    assert verify_webhook(SECRET, headers, _body(), clock=fake_clock, tolerance_s=302).id == "msg_1"


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_a_missing_header_is_named(fake_clock: FakeClock, name: str) -> None:
    headers = _signed(fake_clock, _body())
    del headers[name]

    with pytest.raises(SignatureInvalid, match=name):
        verify_webhook(SECRET, headers, _body(), clock=fake_clock)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("webhook-timestamp", "soon"),
        ("webhook-timestamp", "nan"),
        ("webhook-timestamp", "9e99"),
        ("webhook-signature", ""),
        ("webhook-signature", "v1"),
        ("webhook-signature", "v1,é v2,x  ,"),
    ],
)
def test_headers_that_are_nonsense_are_refused(fake_clock: FakeClock, name: str, value: str) -> None:
    with pytest.raises(SignatureInvalid):
        verify_webhook(SECRET, {**_signed(fake_clock, _body()), name: value}, _body(), clock=fake_clock)


def test_a_body_that_is_not_utf_8_is_refused(fake_clock: FakeClock) -> None:
    with pytest.raises(SignatureInvalid, match="UTF-8"):
        verify_webhook(SECRET, _signed(fake_clock, _body()), b"\xff", clock=fake_clock)


@pytest.mark.parametrize("secret", ["whsec_", "whsec_a", []])
def test_a_secret_that_is_none_is_our_own_mistake(fake_clock: FakeClock, secret: Any) -> None:
    with pytest.raises(Misconfigured):
        verify_webhook(secret, _signed(fake_clock, _body()), _body(), clock=fake_clock)


@pytest.mark.parametrize("body", ["[]", "{}", '{"type": "writeback.failed", "data": {}}'])
def test_a_signed_message_that_is_none_is_reported(fake_clock: FakeClock, body: str) -> None:
    with pytest.raises(UnexpectedAnswer):
        verify_webhook(SECRET, _signed(fake_clock, body), body, clock=fake_clock)


def test_what_is_missing_for_it_is_named(fake_clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "standardwebhooks.webhooks", None)

    with pytest.raises(Misconfigured, match=r"writeback-client\[webhooks\]"):
        verify_webhook(SECRET, _signed(fake_clock, _body()), _body(), clock=fake_clock)
