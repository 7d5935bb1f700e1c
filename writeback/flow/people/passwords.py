"""Passwords of staff: argon2id, off the event loop, and no faster for an account that is not there."""

import asyncio
import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

MIN_LENGTH, MAX_LENGTH = 12, 128
"""OWASP ASVS 4.0.3, 2.1.1 and 2.1.2. A shorter or longer one from before goes on."""
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
"""Those that nobody takes for another when a password is read out."""
_GROUPS, _GROUP = 5, 4
"""Twenty of 31 letters: 99 random bits."""
_LONGEST_TRIED = 201
"""Letters that are looked at: what is longer is wrong, and costs no more."""

_HASHER = PasswordHasher()  # argon2id with the parameters of RFC 9106 for little memory: 64 MiB, 3 passes
_NOBODYS = "$argon2id$v=19$m=65536,t=3,p=4$cN6df+KjtoEEkWMpfaQqmA$9bZmM0Wx9aRev2DXnbrqbDUBpfqpSNeT9vkdFUG4kTY"
"""Of a password that nobody has, with those parameters: what an account that is not there is compared with."""
_AT_ONCE = asyncio.Semaphore(2)
"""Each takes 64 MiB and a core: more at once would only be slower, and could be used to bring the process down."""


def new_password() -> str:
    """Return one for somebody to sign in with for the first time, e.g. `k3hm-…`."""
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(_GROUP)) for _ in range(_GROUPS))


async def hash_password(password: str) -> str:
    """Return what is stored."""
    async with _AT_ONCE:
        return await asyncio.to_thread(_HASHER.hash, password)


async def is_password(password: str, stored: str | None) -> bool:
    """Whether `stored` is the hash of `password`; None, no such account, is refused as slowly as a wrong one."""
    async with _AT_ONCE:
        matches = await asyncio.to_thread(_verify, stored or _NOBODYS, password[:_LONGEST_TRIED])
    return matches and stored is not None


def is_outdated(stored: str) -> bool:
    """Whether it was made with other parameters than those of today."""
    return _HASHER.check_needs_rehash(stored)


def _verify(stored: str, password: str) -> bool:
    try:
        return _HASHER.verify(stored, password)
    except (VerificationError, InvalidHashError):
        return False
