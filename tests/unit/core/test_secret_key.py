"""A secret key that can be guessed does not start anything; one that was made at random always does."""

import base64
import json
import string
import threading
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from writeback.core.errors import ConfigurationError
from writeback.core.secret_key import fault_of, is_placeholder, keep_keys_in, keys_kept_in
from writeback.core.settings import Settings

_ENV_EXAMPLE = Path(__file__).parents[3] / ".env.example"
GOOD = "rF3kQ9xW2mZ7tLbV0nYc5HsD8jPaE6gU1oRiTqK4wXv"


def _examples() -> list[str]:
    values = dict(line.split("=", 1) for line in _ENV_EXAMPLE.read_text().splitlines() if line[:1].isupper())
    return [values["WRITEBACK_SECRET_KEY"], values["POSTGRES_PASSWORD"]]


@pytest.mark.parametrize(
    ("key", "why"),
    [
        ("", "0 characters"),
        ("test", "4 characters"),
        (GOOD[:31], "31 characters"),
        (f" {GOOD}", "blanks"),
        (f"{GOOD}\n", "blanks"),
        ("change-me-to-43-random-characters-and-keep-them", "example"),
        ("CHANGEME-CHANGEME-CHANGEME-CHANGEME", "example"),
        ("my-secret-key-for-the-writeback-service", "example"),
        ("a long example of a key, with many words", "example"),
        ("Password1Password2Password3Password4", "example"),
        ("placeholder-9f8e7d6c5b4a39281706f5e4d3c2", "example"),
        ("your-key-here-0123-4567-89ab-cdef-fedc", "example"),
        ("a" * 64, "repeats itself"),
        ("abc" * 20, "repeats itself"),
        ("1234567890" * 4, "repeats itself"),
        ("0123456789abcdef" * 4, "repeats itself"),
        ("deadbeef" * 8, "repeats itself"),
        (string.ascii_letters, "repeats itself"),
        ((string.ascii_lowercase + string.digits)[::-1], "repeats itself"),
        ("0" * 63 + "1", "repeats itself"),
    ],
)
def test_a_key_that_can_be_guessed_is_refused_with_why_and_how_to_make_one(key: str, why: str) -> None:
    assert why in (fault_of(key) or "")

    if key:
        with pytest.raises(ConfigurationError, match=why) as raised:
            _ = Settings(secret_key=key).effective_secret_keys
        assert "secrets.token_urlsafe(32)" in str(raised.value)
        assert "A new secret key" in str(raised.value)
        assert len(key) < 5 or key not in str(raised.value)


def test_every_example_of_the_repository_is_refused() -> None:
    examples = _examples()

    assert len(examples) == 2
    assert all(is_placeholder(example) for example in examples)


@given(st.binary(min_size=32, max_size=32))
def test_what_the_usual_tools_make_of_32_random_bytes_is_taken(random: bytes) -> None:
    if len(set(random)) < 16:  # hypothesis likes rows of zeros; of 32 random bytes fewer than 20 differ never
        return
    url_safe = base64.urlsafe_b64encode(random).decode().rstrip("=")

    assert fault_of(url_safe) is None  # secrets.token_urlsafe(32)
    assert fault_of(random.hex()) is None  # openssl rand -hex 32
    assert fault_of(base64.b64encode(random).decode()) is None  # openssl rand -base64 32


@given(st.uuids(version=4), st.uuids(version=4))
def test_two_uuids_are_taken(first: UUID, second: UUID) -> None:
    if min(len(set(one.bytes)) for one in (first, second)) < 8:
        return

    assert fault_of(f"{first}{second}") is None
    assert fault_of(f"{first.hex}{second.hex}") is None


def test_a_key_of_our_own_is_made_once_and_is_good(tmp_path: Path) -> None:
    path = tmp_path / "data" / "secret.key"

    (key,) = keys_kept_in(path)

    assert fault_of(key) is None
    assert keys_kept_in(path) == (key,)
    assert [file.name for file in path.parent.iterdir()] == ["secret.key"]


def test_those_who_start_at_once_agree_on_one_key(tmp_path: Path) -> None:
    path, found, together = tmp_path / "secret.key", list[tuple[str, ...]](), threading.Barrier(8)

    def start() -> None:
        together.wait()
        found.append(keys_kept_in(path))

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert found == [keys_kept_in(path)] * 8


@pytest.mark.parametrize("left", ["", "\n", "rF3kQ9xW2mZ7"])
def test_a_key_file_that_was_cut_off_is_named_and_never_used(tmp_path: Path, left: str) -> None:
    (tmp_path / "secret.key").write_text(left)

    with pytest.raises(ConfigurationError, match=r"secret\.key holds no usable secret key") as raised:
        _ = Settings(data_dir=tmp_path).effective_secret_keys

    assert "backup" in str(raised.value)
    assert (tmp_path / "secret.key").read_text() == left


def test_a_list_of_keys_is_taken_the_newest_first() -> None:
    newer = GOOD[::-1]

    assert Settings(secret_key=GOOD).effective_secret_keys == (GOOD,)
    assert Settings(secret_key=json.dumps([newer, GOOD])).effective_secret_keys == (newer, GOOD)


@pytest.mark.parametrize("text", [f'["{GOOD}"', f"[{GOOD}, {GOOD}]", "[]", '[["nested"]]', "[1, 2]", f'["{GOOD}", 5]'])
def test_what_begins_like_a_list_and_is_none_is_refused_and_never_taken_for_one_long_key(text: str) -> None:
    with pytest.raises(ConfigurationError, match="no list of keys") as raised:
        _ = Settings(secret_key=text).effective_secret_keys

    assert GOOD not in str(raised.value)


def test_each_key_of_a_list_is_looked_at_and_the_bad_one_is_named_by_its_place() -> None:
    with pytest.raises(ConfigurationError, match="number 2: it has 5 characters"):
        _ = Settings(secret_key=json.dumps([GOOD, "short"])).effective_secret_keys


def test_a_key_file_holds_one_key_a_line(tmp_path: Path) -> None:
    path, newer = tmp_path / "secret.key", GOOD[::-1]

    keep_keys_in(path, [newer, GOOD])

    assert keys_kept_in(path) == (newer, GOOD)
    assert path.stat().st_mode & 0o777 == 0o600
    assert [file.name for file in tmp_path.iterdir()] == ["secret.key"]
