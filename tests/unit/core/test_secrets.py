"""Older secret keys go on opening and recognising; only the newest seals and makes."""

import pytest

from writeback.core.errors import ConfigurationError
from writeback.core.secrets import SecretBox

OLD, NEW, LOST = SecretBox("old"), SecretBox("new", "old"), SecretBox("lost")


def test_what_an_older_key_sealed_is_opened() -> None:
    assert NEW.open(OLD.seal({"token": "t"})) == {"token": "t"}


def test_the_newest_key_seals() -> None:
    sealed = NEW.seal({"token": "t"})

    assert SecretBox("new").open(sealed) == {"token": "t"}
    with pytest.raises(ConfigurationError):
        OLD.open(sealed)


def test_it_is_known_which_key_has_sealed() -> None:
    assert [NEW.key_of(box.seal({})) for box in (NEW, OLD, LOST)] == [0, 1, None]


def test_what_is_sealed_again_says_the_same_under_the_newest_key() -> None:
    resealed = NEW.resealed(OLD.seal({"token": "t"}))

    assert NEW.key_of(resealed) == 0
    assert NEW.open(resealed) == {"token": "t"}


def test_tokens_of_an_older_key_are_recognised_until_it_is_gone() -> None:
    token = OLD.token_for("hook")

    assert NEW.is_token_for("hook", token)
    assert not NEW.is_token_for("another hook", token)
    assert not SecretBox("new").is_token_for("hook", token)
    assert not NEW.is_token_for("hook", LOST.token_for("hook"))


def test_tokens_are_made_with_the_newest_key() -> None:
    assert NEW.token_for("hook") == SecretBox("new").token_for("hook")
