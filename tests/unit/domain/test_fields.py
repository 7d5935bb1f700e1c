"""Fields are read from the models: their dotted names, which hold objects, and which hold text."""

import pytest

from writeback.domain.kinds import KINDS
from writeback.domain.kinds.behaviour import Behaviour
from writeback.domain.kinds.incident import Involved
from writeback.domain.submission.fields import field_at, has_parts, holder_of, in_words, names_of, texts_of


def test_nested_fields_are_named_with_a_dot_after_what_holds_them() -> None:
    names = names_of(Behaviour)

    assert names.index("students.points") == names.index("students") + 2
    assert "media.content" in names


def test_only_text_has_a_length() -> None:
    texts = texts_of(Behaviour)

    assert {"comment", "students.role", "media.description"} <= texts
    assert not {"students", "students.points", "date", "media.taken_at", "staff"} & texts
    assert "body" not in texts_of(KINDS["xporter.raw"].record)


def test_what_holds_objects_is_told_from_what_holds_values() -> None:
    assert has_parts(Behaviour, "students")
    assert not has_parts(Behaviour, "students.points")


def test_a_name_that_is_none_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        field_at(Behaviour, "students.colour")


def test_the_holder_of_a_nested_place_is_its_own_object() -> None:
    assert holder_of(Behaviour, ("students", 1, "pionts")) is Involved
    assert holder_of(Behaviour, ("colour",)) is Behaviour


@pytest.mark.parametrize(
    ("path", "words"),
    [(("date",), "date"), (("students", 1, "points"), "students[1].points"), (("staff_ids", 0), "staff_ids[0]")],
)
def test_a_place_is_put_into_words(path: tuple[int | str, ...], words: str) -> None:
    assert in_words(path) == words
