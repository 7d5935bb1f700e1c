"""The fifteen with one wrong code, mended in a few clicks: seen before and after, then done by one job."""

import re
from collections.abc import Sequence

import pytest

from tests.console.bad_morning import ADMIN, bad_morning
from tests.console.conftest import SignIn, WorkOff
from writeback.wiring import Services

FILTER = {"school": "st-marys", "status": "failed", "which": "all"}
CHANGE = {**FILTER, "field": "code", "was": "Z9", "becomes": "N"}


@pytest.fixture
async def failed(services: Services) -> Sequence[str]:
    return await bad_morning(services)


async def test_a_wrong_code_is_changed_in_all_that_match(
    sign_in: SignIn, services: Services, failed: Sequence[str], work_off: WorkOff
) -> None:
    visitor = await sign_in("support", name="sam")
    listed = await visitor.get("/writebacks?school=st-marys&status=failed")
    assert "Change, then send" in listed.text

    asked = await visitor.post("/writebacks/change", FILTER)
    assert "Z9" in asked.text, "the codes that failed are there to choose from"
    seen = await visitor.post("/writebacks/change", {**CHANGE, "step": "preview"})
    row = re.search(rf"…{failed[0][-8:]}.*?</tr>", seen.text, re.DOTALL)
    assert row is not None
    assert re.sub(r"<[^>]+>", "", row[0]).split()[-3:] == ["Z9", "→", "N"]
    assert "11 are not touched" in seen.text

    digest = re.search(r'name="seen" value="(\w+)"', seen.text)
    assert digest is not None
    shown = {**CHANGE, "step": "begin", "seen": digest[1]}
    without_reason = await visitor.post("/writebacks/change", shown)
    assert (without_reason.status_code, "Say why." in without_reason.text) == (422, True)
    other = await visitor.post("/writebacks/change", {**shown, "becomes": "L", "reason": "x"})
    assert (other.status_code, "This is not what was shown" in other.text) == (422, True)
    begun = await visitor.post("/writebacks/change", {**shown, "reason": "Z9 is no code"})
    done = (await visitor.get(await work_off(begun))).text

    assert "Z9</span> → <span" in done
    found = await services.reads.show(ADMIN.caller, failed[0])
    assert (found.status, found.records[0].record["code"]) == ("queued", "N")


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"was": "Z9"}, "Say both"),
        ({"becomes": "N"}, "Say both"),
        ({}, "Say what is to be changed, or left out."),
        ({"field": "student_id", "was": "A1", "becomes": "A2"}, "Choose one of these."),
    ],
)
async def test_half_a_change_is_asked_about_and_nothing_is_done(
    sign_in: SignIn, services: Services, failed: Sequence[str], given: dict[str, str], says: str
) -> None:
    visitor = await sign_in("support")

    answer = await visitor.post(
        "/writebacks/change", {**FILTER, "field": "code", "step": "begin", "reason": "x", **given}
    )

    assert (answer.status_code, says in answer.text) == (422, True)
    assert (await services.bulks.list(ADMIN, limit=5)).items == ()


async def test_nothing_ticked_and_no_filter_lead_back(sign_in: SignIn, failed: Sequence[str]) -> None:
    visitor = await sign_in("support")

    for form in ({"school": "st-marys"}, {"which": "all"}):
        assert (await visitor.post("/writebacks/change", form)).status_code == 303


async def test_a_viewer_and_other_schools_change_nothing(sign_in: SignIn, failed: Sequence[str]) -> None:
    assert (await (await sign_in("viewer")).post("/writebacks/change", CHANGE)).status_code == 403
    elsewhere = await sign_in("support", schools=["hillside"])
    assert (await elsewhere.post("/writebacks/change", CHANGE)).status_code == 404
