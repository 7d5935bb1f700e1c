"""Ids that the drop-in endpoints give look like the providers' own."""

import re
from datetime import UTC, datetime

import pytest

from writeback.flow.dropin.requests import new_ref
from writeback.flow.webhooks.dropin_results import callback_url

NOW = datetime(2026, 1, 12, 9, 0, tzinfo=UTC)


def test_wondes_ids_are_an_a_and_digits_that_fit_into_64_bits() -> None:
    refs = [new_ref("wonde", NOW) for _ in range(1_000)]

    assert all(re.fullmatch(r"A[1-9]\d{17}", ref) for ref in refs)
    assert len(set(refs)) == len(refs)


def test_xporters_tracking_ids_are_the_time_and_a_uuid() -> None:
    assert re.fullmatch(r"20260112090000\.[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", new_ref("xporter", NOW))


@pytest.mark.parametrize("query", ["", "?id=7&estab=1", "?id=7&XodCompleted=True&errormessage=x"])
def test_a_callback_keeps_its_own_parameters_and_takes_ours_from_nobody(query: str) -> None:
    url = callback_url(f"https://app.example/x{query}", "T1", "", "it said: 100% & more")

    own = "id=7&" * ("id=7" in query) + "estab=1&" * ("estab" in query)
    assert url == (f"https://app.example/x?{own}trackingid=T1&XodCompleted=&ErrorMessage=it+said%3A+100%25+%26+more")
