"""Signatures by Standard Webhooks (https://www.standardwebhooks.com), which has libraries for most languages."""

import base64
import secrets
from collections.abc import Sequence
from datetime import datetime

from standardwebhooks import Webhook

_SECRET_BYTES = 32
"""Standard Webhooks asks for 24 to 64."""


def new_secret() -> str:
    """Return a new secret: `whsec_` and 256 random bits in base64."""
    return f"whsec_{base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()}"


def signed_headers(message_id: str, at: datetime, body: str, signing: Sequence[str]) -> dict[str, str]:
    """Return the three headers of one attempt; with several secrets there is a signature by each."""
    signatures = [Webhook(secret).sign(message_id, at, body) for secret in signing]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(signatures),
    }
