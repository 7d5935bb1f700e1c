"""What is logged of an unforeseen error names its class and place, and nothing that it says."""

from writeback.core.loggable_errors import class_of, place_of
from writeback.core.secrets import SecretBox


def _caught(secret: str) -> Exception:
    try:
        SecretBox("key").seal({"comment": object()})
    except TypeError as error:
        error.args = (secret,)
        return error
    raise AssertionError("an object cannot be sealed")


def test_an_error_is_named_by_its_class_and_the_last_place_of_ours() -> None:
    error = _caught("Jo is ill")

    assert class_of(error) == "builtins.TypeError"
    file, _, line = place_of(error).partition(":")
    assert file == "writeback/core/secrets.py"  # json's own frames come after it
    assert int(line) > 0
    assert "Jo" not in class_of(error) + place_of(error)


def test_an_error_that_passed_none_of_our_files_has_no_place() -> None:
    assert place_of(ValueError("x")) == ""
