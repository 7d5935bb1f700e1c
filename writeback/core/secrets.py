"""Keeping secrets: encryption at rest, hashes of keys, tokens derived from the service's secret key."""

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from typing import Any

from cryptography.fernet import Fernet, InvalidToken

from writeback.core.errors import ConfigurationError

KEY_PREFIX = "wbk_"


class SecretBox:
    """Encrypts small JSON objects and derives tokens, all from one secret key."""

    def __init__(self, secret_key: str) -> None:
        self._key = hashlib.sha256(b"writeback/v1\0" + secret_key.encode()).digest()
        self._fernet = Fernet(base64.urlsafe_b64encode(self._key))

    def seal(self, value: Mapping[str, Any]) -> str:
        """Return `value` as encrypted text."""
        return self._fernet.encrypt(json.dumps(value).encode()).decode()

    def open(self, sealed: str) -> dict[str, Any]:
        """Return what `seal` took; raise ConfigurationError when it was sealed with another key."""
        try:
            opened: dict[str, Any] = json.loads(self._fernet.decrypt(sealed.encode()))
        except InvalidToken as error:
            raise ConfigurationError(
                "stored credentials cannot be decrypted: WRITEBACK_SECRET_KEY is not the one they were stored with"
            ) from error
        return opened

    def token_for(self, purpose: str) -> str:
        """Return an unguessable token of 43 URL-safe characters, the same for the same purpose."""
        digest = hmac.digest(self._key, purpose.encode(), "sha256")
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")

    def is_token_for(self, purpose: str, token: str) -> bool:
        """Whether `token` is that of `purpose`, compared in constant time."""
        return hmac.compare_digest(self.token_for(purpose).encode(), token.encode())


def new_api_key() -> str:
    """Return a new key: `wbk_` and 43 random characters (256 bits)."""
    return KEY_PREFIX + secrets.token_urlsafe(32)


def hash_api_key(key: str) -> str:
    """Return the hash that is stored. A plain SHA-256 is enough: the key has 256 random bits."""
    return hashlib.sha256(key.encode()).hexdigest()
