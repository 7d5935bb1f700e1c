"""Journeys start the whole service; they are slow, and part of `make test` all the same."""

import pytest


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "slow: takes seconds; leave it out with -m 'not slow'")
