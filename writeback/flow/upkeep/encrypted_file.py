"""Files encrypted with a passphrase, read and written as streams: nobody can read, change, shorten or reorder them.

The key comes from the passphrase by scrypt and a salt of the file's own. The content is cut into pieces, each sealed
with ChaCha20-Poly1305 under a nonce that is its number and whether it is the last (the STREAM construction, as in age).
The header is authenticated with each piece.
"""

import io
import secrets
from typing import BinaryIO, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from writeback.core.errors import ConfigurationError

_MAGIC = b"writeback encrypted file 1\n"
_SALT, _TAG = 32, 16
_PIECE = 1 << 16
_COST = 17
"""scrypt's N is two to this: 128 MiB and some tenths of a second for each guess."""
_COSTS = range(14, 21)
"""What a file may ask for: its header is not believed before the key is known."""
SHORTEST_PASSPHRASE = 12


class _Header(NamedTuple):
    cost: int
    salt: bytes

    def __bytes__(self) -> bytes:
        return _MAGIC + bytes([self.cost]) + self.salt

    def cipher(self, passphrase: str) -> ChaCha20Poly1305:
        return ChaCha20Poly1305(Scrypt(self.salt, length=32, n=1 << self.cost, r=8, p=1).derive(passphrase.encode()))


def is_encrypted(beginning: bytes) -> bool:
    """Whether a file that begins so is one of these."""
    return beginning.startswith(_MAGIC)


class EncryptingWriter(io.RawIOBase):
    """Encrypts what is written into it; `close` writes the last piece, and leaves the file below open."""

    def __init__(self, below: BinaryIO, passphrase: str) -> None:
        header = _Header(_COST, secrets.token_bytes(_SALT))
        self._below, self._header, self._cipher = below, bytes(header), header.cipher(passphrase)
        self._waiting, self._number = bytearray(), 0
        below.write(self._header)

    def writable(self) -> bool:
        return True

    def write(self, data: "bytes | bytearray | memoryview") -> int:  # type: ignore[override]
        self._waiting += data
        while len(self._waiting) > _PIECE:  # one is kept back: it may be the last
            self._put(bytes(self._waiting[:_PIECE]), is_last=False)
            del self._waiting[:_PIECE]
        return len(data)

    def close(self) -> None:
        if not self.closed:
            self._put(bytes(self._waiting), is_last=True)
        super().close()

    def _put(self, piece: bytes, *, is_last: bool) -> None:
        self._below.write(self._cipher.encrypt(_nonce(self._number, is_last=is_last), piece, self._header))
        self._number += 1


class DecryptingReader(io.RawIOBase):
    """Gives what was encrypted, each piece once it is known to be genuine.

    Raise ConfigurationError for a wrong passphrase, and for a file that was changed or cut off.
    """

    def __init__(self, below: BinaryIO, passphrase: str) -> None:
        beginning = below.read(len(_MAGIC) + 1 + _SALT)
        if not is_encrypted(beginning) or len(beginning) < len(_MAGIC) + 1 + _SALT:
            raise ConfigurationError("the file is no encrypted one, or was cut off at its beginning")
        header = _Header(beginning[len(_MAGIC)], beginning[-_SALT:])
        if header.cost not in _COSTS:
            raise ConfigurationError("the beginning of the file was changed: it asks for more memory than any of ours")
        self._below, self._header, self._cipher = below, beginning, header.cipher(passphrase)
        self._sealed, self._opened, self._number = below.read(_PIECE + _TAG), b"", 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "bytearray | memoryview") -> int:  # type: ignore[override]
        if not self._opened and (self._sealed or not self._number):
            following = self._below.read(_PIECE + _TAG)
            self._opened = self._open(self._sealed, is_last=not following)
            self._sealed, self._number = following, self._number + 1
        given = self._opened[: len(buffer)]
        buffer[: len(given)] = given
        self._opened = self._opened[len(given) :]
        return len(given)

    def _open(self, sealed: bytes, *, is_last: bool) -> bytes:
        try:
            return self._cipher.decrypt(_nonce(self._number, is_last=is_last), sealed, self._header)
        except InvalidTag:
            if not self._number:
                raise ConfigurationError(
                    "the passphrase is not the one with which the file was encrypted, or its beginning was changed"
                ) from None
            raise ConfigurationError(f"the file was changed or cut off after {self._number * _PIECE} bytes") from None


def _nonce(number: int, *, is_last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([is_last])
