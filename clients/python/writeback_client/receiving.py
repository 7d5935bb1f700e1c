"""For receivers of webhooks: `verify_webhook` says whether a message is ours, and reads it."""

import hmac
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from pydantic import ValidationError

from writeback_client.clock import Clock, SystemClock
from writeback_client.errors import Misconfigured, SignatureInvalid, UnexpectedAnswer
from writeback_client.models.webhooks import WebhookEvent, WritebackPayload

_ID, _TIMESTAMP, _SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"
_TOLERANCE_S = 300.0
"""As Standard Webhooks has it."""


def verify_webhook(
    secrets: str | Sequence[str],
    headers: Mapping[str, str],
    body: bytes | str,
    *,
    tolerance_s: float = _TOLERANCE_S,
    clock: Clock | None = None,
) -> WebhookEvent:
    """Return the message; raise SignatureInvalid where none of the secrets has signed it, or it is too old or new.

    Give the body as it came, not parsed and written again. While a secret is being replaced give both.
    """
    found = {name.lower(): value for name, value in headers.items()}
    try:
        message_id, sent, signatures = found[_ID], found[_TIMESTAMP], found[_SIGNATURE]
        text = body if isinstance(body, str) else body.decode()
    except KeyError as error:
        raise SignatureInvalid(f"the header {error.args[0]} is missing") from None
    except UnicodeDecodeError:
        raise SignatureInvalid("the body is not UTF-8") from None
    at = _instant(sent)
    age_s = ((clock or SystemClock()).now() - at).total_seconds()
    if abs(age_s) > tolerance_s:
        raise SignatureInvalid(f"it was signed {age_s:.0f} s ago, and {tolerance_s:g} s either way are allowed")
    given = [one.encode() for one in signatures.split(" ")]
    known = _signatures([secrets] if isinstance(secrets, str) else secrets, message_id, at, text)
    if not any(hmac.compare_digest(mine, theirs) for mine in known for theirs in given):
        raise SignatureInvalid("no signature is by one of the secrets")
    return _read(message_id, text)


def _instant(sent: str) -> datetime:
    try:
        seconds = float(sent)
        return datetime.fromtimestamp(math.floor(seconds), UTC)
    except (ValueError, OverflowError, OSError):
        raise SignatureInvalid(f"the header {_TIMESTAMP} is no time in seconds") from None


def _signatures(secrets: Iterable[str], message_id: str, at: datetime, text: str) -> list[bytes]:
    try:
        from standardwebhooks.webhooks import EmptyWebhookSecretError, Webhook
    except ModuleNotFoundError:
        raise Misconfigured(
            "verify_webhook needs standardwebhooks: install writeback-client with its extra, writeback-client[webhooks]"
        ) from None

    try:
        found = [Webhook(secret).sign(message_id, at, text).encode() for secret in secrets]
    except (ValueError, EmptyWebhookSecretError):  # binascii's error is a ValueError
        raise Misconfigured("a secret is not of the form whsec_…: copy it again") from None
    if not found:
        raise Misconfigured("no secret was given")
    return found


def _read(message_id: str, text: str) -> WebhookEvent:
    try:
        message = json.loads(text)
        data = message.pop("data", None)
        payload = WritebackPayload.model_validate(data) if str(message.get("type")).startswith("writeback.") else None
        return WebhookEvent.model_validate({**message, "id": message_id, "writeback": payload})
    except (ValueError, ValidationError, AttributeError, TypeError):
        raise UnexpectedAnswer("the message is signed, and cannot be read", status=200) from None
