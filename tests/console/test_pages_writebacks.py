"""Finding writebacks, correcting some or all that match: who may, what is asked first, what is recorded."""

import re
from collections.abc import Sequence

import httpx
import pytest
from sqlmodel import select

from tests.console.bad_morning import FAILED, bad_morning
from tests.console.conftest import SignIn, WorkOff
from writeback.store.tables import AuditRow, RequestRow, WritebackRow
from writeback.wiring import Services


@pytest.fixture
async def failed(services: Services) -> Sequence[str]:
    return await bad_morning(services)


async def _statuses(services: Services, ids: Sequence[str]) -> list[str]:
    async with services.reads.db.read() as session:
        rows = (await session.exec(select(WritebackRow).where(WritebackRow.id.in_(ids)))).all()  # type: ignore[attr-defined] # a column
    found = {row.id: row.status for row in rows}
    return [found[id_] for id_ in ids]


async def _audited(services: Services, action: str) -> Sequence[AuditRow]:
    async with services.reads.db.read() as session:
        return (await session.exec(select(AuditRow).where(AuditRow.action == action))).all()


def _listed(answer: httpx.Response) -> list[str]:
    return re.findall(r'href="/console/writebacks/(wb_\w+)"', answer.text)


async def test_filter_finds_what_failed_at_a_school(sign_in: SignIn, failed: Sequence[str]) -> None:
    visitor = await sign_in("viewer")

    answer = await visitor.get("/writebacks?school=st-marys&status=failed")

    assert sorted(_listed(answer)) == sorted(failed)
    assert "the school has no such attendance code" in answer.text
    assert "A200" in answer.text, "pupils by their ids"


async def test_viewer_is_offered_nothing_to_do_and_may_not_do_it(sign_in: SignIn, failed: Sequence[str]) -> None:
    visitor = await sign_in("viewer")

    shown = await visitor.get("/writebacks?status=failed")
    answer = await visitor.post("/writebacks/mend", {"action": "cancel", "id": failed[0]})

    assert 'type="checkbox" name="id"' not in shown.text
    assert answer.status_code == 403


async def test_schools_of_others_are_not_there(sign_in: SignIn, failed: Sequence[str], services: Services) -> None:
    visitor = await sign_in("support", schools=["hillside"])

    everything = await visitor.get("/writebacks")
    foreign = await visitor.get("/writebacks?school=st-marys")
    one = await visitor.get(f"/writebacks/{failed[0]}")
    ticked = {"action": "resubmit", "which": "ticked", "id": failed[1], "confirmed": "yes", "reason": "why not"}
    corrected = await visitor.post("/writebacks/mend", ticked)

    assert failed[0] not in everything.text
    assert (foreign.status_code, one.status_code) == (404, 404)
    assert corrected.headers["location"] == "/console/writebacks", "nothing of it is there for them"
    assert await _statuses(services, [failed[1]]) == ["failed"]


async def test_asks_how_many_and_why_before_anything_happens(
    sign_in: SignIn, failed: Sequence[str], services: Services
) -> None:
    visitor = await sign_in("support")
    wanted = {"school": "st-marys", "status": "failed", "which": "all", "action": "resubmit"}

    asked = await visitor.post("/writebacks/mend", wanted)
    without = await visitor.post("/writebacks/mend", {**wanted, "confirmed": "yes"})

    assert f'<strong class="count">{FAILED}</strong>' in asked.text
    assert without.status_code == 422
    assert set(await _statuses(services, failed)) == {"failed"}


async def test_all_that_match_go_again_and_what_cannot_says_why(
    sign_in: SignIn, failed: Sequence[str], services: Services, work_off: WorkOff
) -> None:
    visitor = await sign_in("support", name="sam")
    wanted = {"school": "st-marys", "status": "failed", "which": "all", "action": "resubmit"}

    answer = await visitor.post("/writebacks/mend", {**wanted, "confirmed": "yes", "reason": "codes were wrong"})
    begun = await visitor.get(answer.headers["location"].removeprefix("/console"))
    result = await visitor.get(await work_off(answer))

    assert await _statuses(services, failed) == ["failed", *["queued"] * (FAILED - 1)], "the first has a wrong code"
    assert "<progress" in begun.text
    assert f"<dd>{FAILED - 1}<small>" in result.text
    assert failed[0] in result.text, "what could not be done, to be corrected"
    written = await _audited(services, "writeback.resubmit")
    assert {(row.actor, row.reason) for row in written} == {("staff:sam", "codes were wrong")}
    assert len(written) == FAILED - 1


async def test_only_those_ticked_are_cancelled(
    sign_in: SignIn, failed: Sequence[str], services: Services, work_off: WorkOff
) -> None:
    visitor = await sign_in("support")
    held = _listed(await visitor.get("/writebacks?school=hillside&status=held"))
    ticked = {"action": "cancel", "which": "ticked", "id": held[:2], "confirmed": "yes", "reason": "sent twice"}

    await work_off(await visitor.post("/writebacks/mend", ticked))

    assert await _statuses(services, held[:3]) == ["cancelled", "cancelled", "held"]


async def test_all_that_match_and_await_evidence_are_checked(
    sign_in: SignIn, failed: Sequence[str], services: Services, work_off: WorkOff
) -> None:
    visitor = await sign_in("support", name="sam")
    now = services.clock.now()
    async with services.reads.db.write() as session:
        row = (await session.exec(select(WritebackRow).where(WritebackRow.id == failed[0]))).one()
        row.status, row.progress = "sent", '[{"status": "sent"}]'
        session.add(row)
        about = {"lane_id": row.lane_id, "school_id": row.school_id, "kind": row.kind, "provider": "wonde"}
        session.add(
            RequestRow(
                id="req_1", state="taken", fence=1, members=[[row.id, [0]]], created_at=now, sent_at=now, **about
            )
        )
    form = {"action": "check", "which": "ticked", "id": list(failed[:3])}

    asked = await visitor.post("/writebacks/mend", form)
    assert "Check these now?" in asked.text
    assert "2 of those that you ticked are left out" in asked.text
    done = await visitor.post("/writebacks/mend", {**form, "confirmed": "yes", "reason": "the head asks"})

    shown = await visitor.get(await work_off(done))
    assert "They are looked at now" in shown.text
    assert [row.subject for row in await _audited(services, "writeback.check")] == [failed[0]]


@pytest.mark.parametrize("form", [{"which": "all"}, {"which": "ticked"}])
async def test_everything_there_is_and_nothing_ticked_are_refused(
    form: dict[str, str], sign_in: SignIn, failed: Sequence[str], services: Services
) -> None:
    visitor = await sign_in("admin")

    answer = await visitor.post("/writebacks/mend", {"action": "resubmit", "confirmed": "yes", "reason": "x", **form})

    assert answer.status_code == 303
    assert set(await _statuses(services, failed)) == {"failed"}


async def test_date_that_is_none_is_said_beside_its_field(sign_in: SignIn, failed: Sequence[str]) -> None:
    visitor = await sign_in("viewer")

    answer = await visitor.get("/writebacks?since=some+day")

    assert answer.status_code == 422
    assert 'id="e-since"' in answer.text


async def test_a_date_as_people_say_it_stays_the_same_until_it_is_confirmed(
    sign_in: SignIn, failed: Sequence[str]
) -> None:
    visitor = await sign_in("admin")

    shown = await visitor.get("/writebacks?since=yesterday")
    later = await visitor.get("/writebacks?until=yesterday")

    assert failed[0] in shown.text
    assert 'value="yesterday"' in shown.text
    assert failed[0] not in later.text
    asked = await visitor.post(
        "/writebacks/mend", {"action": "resubmit", "which": "all", "status": "failed", "since": "yesterday"}
    )
    assert 'name="since" value="2026-01-11 00:00:00"' in asked.text


async def test_tabs_say_how_many_and_keep_to_the_filter(sign_in: SignIn, failed: Sequence[str]) -> None:
    visitor = await sign_in("viewer")

    shown = await visitor.get("/writebacks?school=st-marys&status=failed")
    own = await (await sign_in("viewer", schools=["hillside"])).get("/writebacks")

    assert _numbers(shown)["Went wrong"] == f"{FAILED}"
    assert _numbers(shown)["Needs a person"] == "1"
    assert f"<strong>{FAILED}</strong> match" in shown.text
    assert _numbers(own)["Went wrong"] == "0"


def _numbers(answer: httpx.Response) -> dict[str, str]:
    """Return what the tabs say; one without a number has none."""
    tabs = re.search(r'<nav class="views".*?</nav>', answer.text, re.S)
    assert tabs
    return dict(re.findall(r'>([^<>]+) <span class="number">([^<]+)<', tabs[0]))


async def test_list_is_put_into_another_order_by_its_heads(sign_in: SignIn, failed: Sequence[str]) -> None:
    visitor = await sign_in("viewer")

    newest = await visitor.get("/writebacks?school=st-marys&status=failed")
    head = re.search(r'href="/console(/writebacks\?[^"]*sort=accepted[^"]*)"', newest.text)
    assert head
    oldest = await visitor.get(head[1].replace("&amp;", "&"))
    by_school = await visitor.get("/writebacks?sort=school")
    nonsense = await visitor.get("/writebacks?sort=colour&group=mood")

    assert _listed(newest) == list(reversed(failed))
    assert _listed(oldest) == list(failed)
    assert 'aria-sort="ascending"' in oldest.text
    named = re.findall(r'href="/console/schools/([\w-]+)"', by_school.text)
    assert named == sorted(named), "ids and names of these schools are in one order"
    assert nonsense.status_code == 200


async def test_groups_lead_to_what_is_in_them(sign_in: SignIn, failed: Sequence[str]) -> None:
    visitor = await sign_in("viewer")

    schools = await visitor.get("/writebacks?status=failed&group=school")
    leads = re.search(r'href="/console(/writebacks\?[^"]*school=st-marys[^"]*)"', schools.text)
    assert leads
    listed = await visitor.get(leads[1].replace("&amp;", "&"))
    causes = await visitor.get("/writebacks?school=st-marys&group=cause")
    held = await visitor.get("/writebacks?status=held&group=cause")
    own = await (await sign_in("viewer", schools=["hillside"])).get("/writebacks?group=school")

    assert sorted(_listed(listed)) == sorted(failed)
    assert "code=code_unknown" in causes.text
    assert "hold=school_offline" in held.text
    assert "St Mary" not in own.text
