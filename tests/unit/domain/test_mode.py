"""Which mode an id has, and that no id that people choose has the other."""

import pytest

from writeback.domain.mode import TEST_PREFIX, Mode, id_in, mode_of, name_in
from writeback.flow.registry.slugs import is_slug, slug_of


@pytest.mark.parametrize("name", ["test_hillside", "Test Hillside", "test-hillside", "test", "TEST_ School"])
def test_no_id_made_from_a_name_is_a_test_schools(name: str) -> None:
    assert mode_of(slug_of(name)) is Mode.LIVE


def test_no_slug_begins_as_the_ids_of_test_schools() -> None:
    assert not is_slug(TEST_PREFIX + "hillside")


@pytest.mark.parametrize("given", ["hillside", "test_hillside"])
def test_an_id_gets_the_prefix_once(given: str) -> None:
    assert id_in(Mode.TEST, given) == "test_hillside"
    assert mode_of(id_in(Mode.TEST, given)) is Mode.TEST


def test_nothing_stays_nothing() -> None:
    assert id_in(Mode.TEST, "") == ""


def test_a_name_says_once_that_it_is_for_tests() -> None:
    assert name_in(Mode.TEST, name_in(Mode.TEST, "Hillside")) == "Hillside (test)"
    assert name_in(Mode.LIVE, "Hillside") == "Hillside"
