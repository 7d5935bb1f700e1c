"""Signatures that any library of Standard Webhooks checks."""

from datetime import UTC, datetime

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from writeback.core.clock import SystemClock
from writeback.notifier.signing import new_secret, signed_headers

AT = datetime(2026, 1, 12, 9, 0, 0, 700_000, tzinfo=UTC)


def test_secrets_differ_and_have_the_form_of_standard_webhooks() -> None:
    secrets = {new_secret() for _ in range(20)}

    assert len(secrets) == 20
    assert all(secret.startswith("whsec_") and len(secret) == 6 + 44 for secret in secrets)


def test_a_receiver_verifies_what_was_signed() -> None:
    secret, body = new_secret(), '{"type":"writeback.confirmed"}'

    headers = signed_headers("msg_1", SystemClock().now(), body, [secret])

    assert Webhook(secret).verify(body, headers) == {"type": "writeback.confirmed"}
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(body.replace("confirmed", "failed"), headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(new_secret()).verify(body, headers)


def test_with_two_secrets_either_verifies() -> None:
    new, old, body = new_secret(), new_secret(), "{}"

    headers = signed_headers("msg_1", SystemClock().now(), body, [new, old])

    assert len(headers["webhook-signature"].split(" ")) == 2
    assert Webhook(new).verify(body, headers) == Webhook(old).verify(body, headers) == {}


def test_the_timestamp_is_in_whole_seconds() -> None:
    assert signed_headers("msg_1", AT, "{}", [new_secret()])["webhook-timestamp"] == "1768208400"
