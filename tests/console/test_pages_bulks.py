"""Bulk jobs in the console: listed with their authors, stopped and gone on with by whoever may, and by nobody else."""

import json
from collections.abc import Sequence

import pytest
from sqlmodel import col, select

from tests.console.bad_morning import FAILED, WRONG_CODE, bad_morning
from tests.console.conftest import SignIn, Visitor, WorkOff
from writeback.store.tables import WritebackRow
from writeback.wiring import Services

_WANTED = {"school": "st-marys", "status": "failed", "which": "all", "action": "resubmit", "confirmed": "yes"}


@pytest.fixture
async def failed(services: Services) -> Sequence[str]:
    return await bad_morning(services)


async def _begin(visitor: Visitor) -> str:
    answer = await visitor.post("/writebacks/mend", {**_WANTED, "reason": "codes were wrong"})
    return answer.headers["location"].removeprefix("/console")


async def test_all_who_may_mend_see_who_began_what_and_why(
    sign_in: SignIn, failed: Sequence[str], work_off: WorkOff
) -> None:
    sam, kim = await sign_in("support", name="sam"), await sign_in("support", name="kim")
    begun = await sam.post("/writebacks/mend", {**_WANTED, "reason": "codes were wrong"})

    before = await kim.get("/bulks")
    path = await work_off(begun)
    after, one = await kim.get("/bulks"), await kim.get(path)

    assert "Goes on" in before.text
    assert f'href="/console{path}"' in after.text
    for answer in ("sam", "codes were wrong", f"{FAILED} of {FAILED}", "Done, not all of it", "St Mary"):
        assert answer in after.text
    assert failed[0] in one.text, "what could not be"


async def test_another_stops_it_and_has_it_go_on(sign_in: SignIn, failed: Sequence[str]) -> None:
    path = await _begin(await sign_in("support", name="sam"))
    kim = await sign_in("support", name="kim")

    await kim.post(f"{path}/stop")
    stopped = await kim.get(path)
    twice = await kim.get((await kim.post(f"{path}/stop")).headers["location"].removeprefix("/console"))
    await kim.post(f"{path}/go-on")
    going = await kim.get(path)
    audit = await kim.get("/audit?action=bulk.")

    assert "kim stopped it" in stopped.text
    assert "It had ended by then." in twice.text
    assert "<progress" in going.text
    for answer in ("Began a bulk job", "Stopped a bulk job", "Had a bulk job go on", f"resubmit: {FAILED} writebacks"):
        assert answer in audit.text


@pytest.mark.parametrize("change", ["stop", "go-on", ""])
async def test_it_is_not_there_for_other_schools_and_not_for_viewers(
    sign_in: SignIn, failed: Sequence[str], change: str
) -> None:
    path = await _begin(await sign_in("support", name="sam"))
    elsewhere = await sign_in("support", name="far", schools=["hillside"])
    viewer = await sign_in("viewer")

    async def answer(visitor: Visitor) -> int:
        address = f"{path}/{change}"
        return (await visitor.post(address) if change else await visitor.get(path)).status_code

    assert (await answer(elsewhere), await answer(viewer)) == (404, 403)
    assert "codes were wrong" not in (await elsewhere.get("/bulks")).text
    assert (await viewer.get("/bulks")).status_code == 403


async def test_those_that_are_alike_are_settled_by_many(sign_in: SignIn, services: Services, work_off: WorkOff) -> None:
    ids = await bad_morning(services)
    finding = {**WRONG_CODE, "code": "other_value_in_mis", "message": "the MIS has B"}
    async with services.reads.db.write() as session:
        for row in (await session.exec(select(WritebackRow).where(col(WritebackRow.id).in_(ids[:3])))).all():
            row.status = "needs_attention"
            row.progress = json.dumps([{"status": "needs_attention", "findings": [finding]}], separators=(",", ":"))
            session.add(row)
    visitor = await sign_in("support", name="sam")
    form = {"school": "st-marys", "status": "needs_attention", "which": "ticked", "id": list(ids[:3])}

    listed = await visitor.get("/writebacks?school=st-marys&status=needs_attention")
    asked = await visitor.post("/writebacks/settle", form)
    unsaid = await visitor.post("/writebacks/settle", {**form, "begin": "yes"})
    begun = await visitor.post("/writebacks/settle", {**form, "begin": "yes", "outcome": "confirmed", "reason": "seen"})
    done = await visitor.get(await work_off(begun))
    refused = await (await sign_in("viewer")).post("/writebacks/settle", form)

    assert "Settle those alike" in listed.text
    assert '<strong class="count">3</strong>' in asked.text
    assert unsaid.status_code == 422
    assert "Say what is right." in unsaid.text
    assert "Settled" in done.text
    async with services.reads.db.read() as session:
        rows = (await session.exec(select(WritebackRow).where(col(WritebackRow.id).in_(ids[:3])))).all()
    assert [(row.status, row.evidence) for row in rows] == [("confirmed", "a person's word")] * 3
    assert refused.status_code == 403
