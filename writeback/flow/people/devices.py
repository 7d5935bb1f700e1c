"""Browsers in which somebody has signed in before: a token in a cookie says so, and nobody else can make one.

Failed tries by strangers count against unknown browsers; known browsers have tries of their own.
"""

import secrets
from datetime import datetime, timedelta

from writeback.core.secrets import SecretBox
from writeback.store.tables import StaffRow

_LONGEST_TOKEN = 200


class Devices:
    """Makes the tokens and recognises them; nothing is stored."""

    def __init__(self, box: SecretBox, keep: timedelta) -> None:
        self._box, self._keep = box, keep

    def token_for(self, row: StaffRow, now: datetime) -> str:
        """Return what the browser is to keep: a number, when it ends, and a seal. The name is not in it."""
        device, until = secrets.token_urlsafe(16), f"{(now + self._keep).timestamp():.0f}"
        return f"{device}.{until}.{self._box.token_for(_purpose(device, until, row))}"

    def known(self, token: str, row: StaffRow | None, now: datetime) -> str | None:
        """Return which browser it is, where the account has signed in with its present password; None for a stranger.

        For a name that nobody has it takes as long as for one that somebody has.
        """
        device, _, rest = (token[:_LONGEST_TOKEN] if token.isascii() else "").partition(".")
        until, _, seal = rest.partition(".")
        is_ours = self._box.is_token_for(_purpose(device, until, row), seal)
        return device if is_ours and row is not None and int(until) > now.timestamp() else None


def _purpose(device: str, until: str, row: StaffRow | None) -> str:
    # The password's hash: with another password, a browser in which the old one was used is a stranger.
    account = "nobody" if row is None else f"{row.id} {row.password_hash}"
    return f"browser {device} until {until} of {account}"
