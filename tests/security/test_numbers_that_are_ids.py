"""Ids of 64 bits: a number above 2 to the 53rd is another one for whoever reads JSON with floating points."""

import json
from typing import Any

import httpx
import pytest

from tests.security.test_key_kinds import PATH, World, world  # noqa: F401 - a fixture
from writeback.store.tables import WritebackRow

_ABOVE = 9_007_199_254_740_993
"""2 to the 53rd and one: the nearest that a double has is one less."""
_MARK = {"date": "2026-01-12", "session": "AM", "code": "/", "employee_id": "E1"}


async def _sent(world: World, student: str) -> httpx.Response:  # noqa: F811
    """Submit a mark of this pupil, written as JSON says it."""
    mark = json.dumps(_MARK)[:-1] + f', "student_id": {student}}}'
    body = f'{{"kind": "attendance.session", "records": [{mark}]}}'
    return await world.call("POST", PATH, world.whole, content=body, headers={"Content-Type": "application/json"})


@pytest.mark.parametrize("given", [_ABOVE, str(_ABOVE), 2**63 - 1, str(2**64), -1])
async def test_an_id_is_said_again_as_it_was_given_digit_for_digit(world: World, given: Any) -> None:  # noqa: F811
    found = (await _sent(world, json.dumps(given))).text

    assert str(given) in found, found
    assert f"{float(given):.0f}" not in found or f"{float(given):.0f}" == str(given)


@pytest.mark.parametrize("given", ["1e3", "1.0", "NaN", "Infinity", "true"])
async def test_what_is_no_whole_number_is_no_id(world: World, given: str) -> None:  # noqa: F811
    answer = await _sent(world, given)

    assert answer.status_code in (400, 422), answer.text
    assert await world.kinds() == []


@pytest.mark.parametrize("given", [2**64, 10**30, -(2**70)])
async def test_a_number_that_has_no_64_bits_is_asked_for_as_a_text(world: World, given: int) -> None:  # noqa: F811
    answer = await _sent(world, str(given))

    assert answer.status_code == 422
    assert "very large number: send it as text" in answer.json()["findings"][0]["message"]


async def test_a_sequence_of_64_bits_is_not_rounded_on_its_way_through_a_cursor(world: World) -> None:  # noqa: F811
    first = await world.sent({"kind": "attendance.session", "records": [{**_MARK, "student_id": "A1"}]})
    async with world.services.reads.db.write() as session:
        row = await session.get(WritebackRow, 1)
        assert row is not None
        row.seq = _ABOVE
        session.add(row)
    await world.sent({"kind": "attendance.session", "records": [{**_MARK, "student_id": "A2"}]})

    page = (await world.call("GET", "/v1/writebacks?limit=1", world.whole)).json()
    following = await world.call("GET", f"/v1/writebacks?limit=1&cursor={page['next_cursor']}", world.whole)

    assert [one["id"] for one in following.json()["items"]] == [first]
