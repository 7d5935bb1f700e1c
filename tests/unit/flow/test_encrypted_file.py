"""A file encrypted with a passphrase: read back as it was, or not at all."""

import io

import pytest

from writeback.core.errors import ConfigurationError
from writeback.flow.upkeep import encrypted_file
from writeback.flow.upkeep.encrypted_file import DecryptingReader, EncryptingWriter, is_encrypted

PASSPHRASE, PIECE, TAG, HEADER = "four words make sense", 1 << 16, 16, 60


@pytest.fixture(autouse=True)
def _cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encrypted_file, "_COST", 14)


def encrypted(content: bytes) -> bytes:
    below = io.BytesIO()
    with EncryptingWriter(below, PASSPHRASE) as file:
        file.write(content)
    return below.getvalue()


def decrypted(file: bytes, passphrase: str = PASSPHRASE) -> bytes:
    return DecryptingReader(io.BytesIO(file), passphrase).read()


@pytest.mark.parametrize("size", [0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE, 3 * PIECE + 7])
def test_what_was_written_is_read_again(size: int) -> None:
    content = bytes(number % 251 for number in range(size))

    file = encrypted(content)

    assert is_encrypted(file)
    assert decrypted(file) == content
    assert size < PIECE - 1 or content[:50] not in file  # a byte or two may stand in any file


def test_the_same_content_is_never_encrypted_alike() -> None:
    assert encrypted(b"the same")[HEADER:] != encrypted(b"the same")[HEADER:]


def test_it_may_be_written_and_read_in_small_pieces() -> None:
    below, content = io.BytesIO(), bytes(range(256)) * 600
    with EncryptingWriter(below, PASSPHRASE) as file:
        for at in range(0, len(content), 1_000):
            file.write(content[at : at + 1_000])
    reader = DecryptingReader(io.BytesIO(below.getvalue()), PASSPHRASE)

    read = b""
    while piece := reader.read(777):
        read += piece

    assert read == content


def test_a_wrong_passphrase_is_said_to_be_one() -> None:
    with pytest.raises(ConfigurationError, match="passphrase is not the one"):
        decrypted(encrypted(b"x"), "some other words")


@pytest.mark.parametrize("left", [HEADER - 1, HEADER, HEADER + 5, HEADER + PIECE + TAG, HEADER + 2 * (PIECE + TAG), -1])
def test_a_file_that_was_cut_off_is_not_read_to_its_end(left: int) -> None:
    file = encrypted(b"y" * (2 * PIECE + 100))

    with pytest.raises(ConfigurationError, match=r"cut off|changed"):
        decrypted(file[:left])


@pytest.mark.parametrize("at", [5, 27, 30, HEADER + 3, HEADER + PIECE + TAG + 3, -1])
def test_one_changed_bit_anywhere_is_found(at: int) -> None:
    file = bytearray(encrypted(b"z" * (2 * PIECE)))
    file[at] ^= 1

    with pytest.raises(ConfigurationError):
        decrypted(bytes(file))


def test_pieces_that_changed_places_are_found() -> None:
    file, size = encrypted(b"z" * (3 * PIECE)), PIECE + TAG
    first, second, last = (file[HEADER + number * size : HEADER + (number + 1) * size] for number in range(3))

    for order in ((second, first, last), (first, last), (first, second, second, last), (first, second, last, last)):
        with pytest.raises(ConfigurationError):
            decrypted(file[:HEADER] + b"".join(order))


def test_a_file_cannot_ask_for_any_amount_of_memory() -> None:
    file = bytearray(encrypted(b"x"))
    file[27] = 30

    with pytest.raises(ConfigurationError, match="more memory"):
        decrypted(bytes(file))
