"""Keeping secrets: encryption at rest, hashes of keys, tokens derived from the service's secret key."""

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from cryptography.fernet import Fernet, InvalidToken

from writeback.core.errors import ConfigurationError

KEY_PREFIX = "wbk_"
TEST_KEY_PREFIX = f"{KEY_PREFIX}test_"
"""What test keys begin with, for people and scanners to see. What a key may do is in its row."""


class SecretBox:
    """Encrypts small JSON objects and derives tokens from the service's secret keys.

    The newest key seals and makes tokens; what the older ones sealed or made is taken for as long as they are there.
    """

    def __init__(self, *secret_keys: str) -> None:
        """Take the keys, the newest first; one at least."""
        self._keys = [hashlib.sha256(b"writeback/v1\0" + key.encode()).digest() for key in secret_keys]
        self._fernets = [Fernet(base64.urlsafe_b64encode(key)) for key in self._keys]

    def seal(self, value: Mapping[str, Any]) -> str:
        """Return `value` as encrypted text."""
        return self._fernets[0].encrypt(json.dumps(value).encode()).decode()

    def open(self, sealed: str) -> dict[str, Any]:
        """Return what `seal` took; raise ConfigurationError when it was sealed with none of the keys."""
        for fernet in self._fernets:
            with suppress(InvalidToken):
                opened: dict[str, Any] = json.loads(fernet.decrypt(sealed.encode()))
                return opened
        raise ConfigurationError(
            "stored credentials cannot be decrypted: WRITEBACK_SECRET_KEY is not the one they were stored with"
        )

    def key_of(self, sealed: str) -> int | None:
        """Return the place of the key that sealed it, 0 being the newest; None where it is none of them."""
        for place, fernet in enumerate(self._fernets):
            with suppress(InvalidToken):
                fernet.decrypt(sealed.encode())
                return place
        return None

    def resealed(self, sealed: str) -> str:
        """Return it sealed with the newest key; raise ConfigurationError when none of the keys opens it."""
        return self.seal(self.open(sealed))

    def key_for(self, purpose: str, place: int = 0) -> bytes:
        """Return a key of 32 bytes for keyed hashes, the same for the same purpose; `place`: of which of the keys, 0
        being the newest."""
        return hmac.digest(self._keys[place], purpose.encode(), "sha256")

    def token_for(self, purpose: str) -> str:
        """Return an unguessable token of 43 URL-safe characters, the same for the same purpose."""
        return _token(self._keys[0], purpose)

    def is_token_for(self, purpose: str, token: str) -> bool:
        """Whether `token` is that of `purpose`, made with any of the keys; compared in constant time."""
        return self.key_of_token(purpose, token) is not None

    def key_of_token(self, purpose: str, token: str) -> int | None:
        """Return the place of the key that made the token of that purpose, 0 being the newest; None for any other."""
        are_same = [hmac.compare_digest(_token(key, purpose).encode(), token.encode()) for key in self._keys]
        return are_same.index(True) if any(are_same) else None


def _token(key: bytes, purpose: str) -> str:
    digest = hmac.digest(key, purpose.encode(), "sha256")
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def new_api_key(*, is_test: bool = False) -> str:
    """Return a new key: `wbk_`, or `wbk_test_`, and 43 random characters (256 bits)."""
    return (TEST_KEY_PREFIX if is_test else KEY_PREFIX) + secrets.token_urlsafe(32)


def hash_api_key(key: str) -> str:
    """Return the hash that is stored. A plain SHA-256 is enough: the key has 256 random bits."""
    return hashlib.sha256(key.encode()).hexdigest()
