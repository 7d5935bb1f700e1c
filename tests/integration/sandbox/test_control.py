"""The control plane: seeding, changing, the office's own marks, errors."""

from typing import Any

import httpx
import pytest

from writeback.sandbox.testing import RunningSandbox

PROVIDERS = ["wonde", "xporter"]


async def test_a_school_of_a_thousand_has_35_registers_of_28_or_29_and_60_staff(control: Any) -> None:
    school = await control.seed(provider="wonde", pupils=1_000)
    sizes = {len(register["student_ids"]) for register in school["registers"]}
    assert (school["pupils"], school["staff"], len(school["registers"])) == (1_000, 60, 35)
    assert sizes == {28, 29}


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_the_same_seed_makes_the_same_school(control: Any, http: httpx.AsyncClient, provider: str) -> None:
    first = await control.seed(provider=provider, seed=7)
    await http.post("/_sandbox/reset")
    assert (await control.seed(provider=provider, seed=7))["registers"] == first["registers"]


async def test_another_seed_makes_another_school(control: Any, http: httpx.AsyncClient) -> None:
    first = await control.seed(provider="wonde", seed=7)
    await http.post("/_sandbox/reset")
    assert (await control.seed(provider="wonde", seed=8))["registers"] != first["registers"]


async def test_every_group_has_five_lessons_on_a_weekday_and_none_on_sunday(control: Any) -> None:
    school = await control.seed(provider="wonde", pupils=58)
    found = await control.lessons(school["provider_school_id"])
    assert len(found) == 5 * len(school["registers"])
    assert len({lesson["period_instance_id"] for lesson in found}) == 5
    assert not await control.lessons(school["provider_school_id"], "2026-01-18")


async def test_no_teacher_is_in_two_lessons_at_once(control: Any) -> None:
    school = await control.seed(provider="wonde", pupils=1_000)
    found = await control.lessons(school["provider_school_id"])
    taught = [(lesson["employee_id"], lesson["start_at"]) for lesson in found]
    assert len(set(taught)) == len(taught)


async def test_the_office_sets_and_clears_a_mark(control: Any, wonde: Any) -> None:
    slot = {"student_id": wonde.pupils[0], "date": "2026-01-12", "session": "AM"}
    await control.set_mark(wonde.id, **slot, code="M")
    assert [(row["code"], row["source"]) for row in await control.marks(wonde.id)] == [("M", "office")]
    await control.set_mark(wonde.id, **slot, code=None)
    assert await control.marks(wonde.id) == []


async def test_marks_are_filtered_by_date_student_and_type(control: Any, wonde: Any) -> None:
    lesson = (await control.lessons(wonde.id))[0]
    await control.set_mark(wonde.id, student_id=wonde.pupils[0], date="2026-01-12", session="AM", code="/")
    await control.set_mark(wonde.id, student_id=wonde.pupils[1], date="2026-01-13", session="PM", code="\\")
    await control.set_mark(wonde.id, student_id=wonde.pupils[0], lesson_id=lesson["lesson_id"], code="L")
    assert len(await control.marks(wonde.id, date="2026-01-12")) == 2
    assert len(await control.marks(wonde.id, student=wonde.pupils[1])) == 1
    assert [row["code"] for row in await control.marks(wonde.id, type="lesson")] == ["L"]


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("/schools", {"provider": "arbor"}, 422, "unknown_provider"),
        ("/schools", {"pupils": 0}, 422, "bad_pupils"),
        ("/schools", {"colour": "red"}, 422, "unknown_field"),
        ("/schools", {"id": "Hillside"}, 422, "bad_id"),
        ("/schools", {"seed": "first"}, 422, "bad_seed"),
        ("/schools/A999", {"online": False}, 404, "unknown_school"),
        ("/schools/{school}", {"onlin": False}, 422, "unknown_change"),
        ("/schools/{school}", {"online": "no"}, 422, "bad_flag"),
        ("/schools/{school}", {"completion_delay_s": -1}, 422, "bad_seconds"),
        ("/schools/{school}", {"closed_days": ["soon"]}, 422, "bad_date"),
        ("/schools/{school}", {"deactivate_code": "QQ"}, 422, "unknown_code"),
        ("/schools/{school}", {"remove_pupils": ["A1"]}, 422, "unknown_student"),
        ("/schools/{school}", {"remove_lessons": ["A1"]}, 422, "unknown_lesson"),
        ("/schools/{school}", {"access": "maybe"}, 422, "bad_access"),
        ("/schools/{school}/marks", {"marks": [{"student_id": "A1"}]}, 422, "unknown_student"),
        ("/schools/{school}/marks", {}, 422, "marks_required"),
        ("/webhooks", {"url": "here"}, 422, "bad_url"),
        ("/webhooks", {"url": "http://x", "school": "A9"}, 404, "unknown_school"),
        ("/faults", {"kind": "flood"}, 422, "bad_fault"),
        ("/faults", {"kind": "500", "pth": "x"}, 422, "bad_fault"),
        ("/faults", {"kind": "500", "times": "many"}, 422, "bad_fault"),
        ("/advance", {"seconds": -1}, 422, "bad_seconds"),
    ],
)
async def test_what_cannot_be_done_is_said_exactly(
    http: httpx.AsyncClient, wonde: Any, path: str, body: dict[str, Any], status: int, code: str
) -> None:
    response = await http.post("/_sandbox" + path.format(school=wonde.id), json=body)
    assert (response.status_code, response.json()["error"]["code"]) == (status, code)
    assert response.json()["error"]["message"]


async def test_a_body_that_is_no_json_is_refused(http: httpx.AsyncClient) -> None:
    response = await http.post("/_sandbox/schools", content=b"{")
    assert (response.status_code, response.json()["error"]["code"]) == (400, "bad_json")


async def test_two_schools_cannot_have_one_id(http: httpx.AsyncClient, wonde: Any) -> None:
    assert (await http.post("/_sandbox/schools", json={"id": wonde.id, "pupils": 1})).status_code == 409


async def test_reset_forgets_schools_faults_and_ledger(http: httpx.AsyncClient, control: Any, wonde: Any) -> None:
    await control.fault("500")
    await http.post("/_sandbox/reset")
    assert (await http.get("/_sandbox/health")).json()["schools"] == 0
    assert (await http.get("/_sandbox/faults")).json() == {"faults": [], "struck": {}}
    assert not any((await control.ledger()).values())


async def test_the_control_plane_is_not_in_the_ledger(control: Any, wonde: Any) -> None:
    await control.change(wonde.id, online=False)
    assert all(not row["path"].startswith("/_sandbox") for row in (await control.ledger())["requests"])


async def test_the_timetable_goes_on_as_weeks_pass(sandbox: RunningSandbox, control: Any, wonde: Any) -> None:
    assert not await wonde.rows("lessons", lessons_start_after="2026-03-16", per_page=5)
    await control.advance(seconds=60 * 86_400)
    assert await wonde.rows("lessons", lessons_start_after="2026-03-16", per_page=5)
