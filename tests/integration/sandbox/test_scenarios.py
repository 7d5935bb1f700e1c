"""Named scenarios: what goes wrong together, ordered by one call."""

from typing import Any

import httpx
import pytest

from writeback.sandbox.control.scenarios import SCENARIOS


@pytest.mark.parametrize("name", SCENARIOS)
async def test_a_scenario_is_ordered_by_its_name_and_cleared_with_the_faults(
    http: httpx.AsyncClient, wonde: Any, name: str
) -> None:
    begun = await http.post("/_sandbox/scenarios", json={"name": name, "school": wonde.id})

    assert begun.status_code == 201
    standing = (await http.get("/_sandbox/faults")).json()["faults"]
    assert {fault["school"] for fault in standing} <= {wonde.id}
    assert len(standing) == len(SCENARIOS[name].faults)
    await http.delete("/_sandbox/faults")
    assert (await wonde.get("students")).status_code == 200


async def test_lost_callbacks_are_lost(http: httpx.AsyncClient, wonde: Any, receiver: Any, control: Any) -> None:
    await http.post("/_sandbox/webhooks", json={"url": receiver.url})
    await http.post("/_sandbox/scenarios", json={"name": "lost callbacks"})

    await wonde.post("session", wonde.session_mark())
    await control.advance()

    assert receiver.got == []


async def test_the_office_edits_marks_of_today(http: httpx.AsyncClient, wonde: Any) -> None:
    begun = (await http.post("/_sandbox/scenarios", json={"name": "office edits"})).json()
    marks = await wonde.rows("attendance/session")

    assert begun["marks_edited"] == 12  # of six pupils in sixty
    assert {mark["attendance_code"] for mark in marks} == {wonde.codes["N"]}


async def test_what_is_no_scenario_is_told_which_there_are(http: httpx.AsyncClient) -> None:
    wrong = await http.post("/_sandbox/scenarios", json={"name": "doom"})
    elsewhere = await http.post("/_sandbox/scenarios", json={"name": "bad morning", "school": "A9"})
    shown = (await http.get("/_sandbox/scenarios")).json()

    assert (wrong.status_code, elsewhere.status_code) == (422, 404)
    assert "bad morning" in wrong.text
    assert set(shown["scenarios"]) == set(SCENARIOS)
