"""Alerts in the console: what is amiss, who has it in hand, who is told; each sees what is of their schools."""

from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import select

from tests.console.conftest import SignIn
from tests.console.scenes import morning
from writeback.domain.alerts import AlertKind, Condition
from writeback.flow.alerts.incidents import Look
from writeback.store.tables import AlertMessageRow, AlertReceiverRow, AuditRow, IncidentRow
from writeback.wiring import Services

NEW = {
    "name": "Duty phone",
    "kind": "webhook",
    "address": "https://hooks.example.org/alerts",
    "kinds": [kind.value for kind in AlertKind],
    "schools": "",
    "quiet": "18:00-07:30",
    "timezone": "Europe/London",
    "reports": "yes",
}


@pytest.fixture(autouse=True)
async def something_is_amiss(services: Services) -> None:
    await morning(services)
    now = services.clock.now()
    found = [
        Condition(AlertKind.TOKEN_REFUSED, "wonde", now - timedelta(minutes=5), ["hillside", "st-marys"], 40),
        Condition(AlertKind.SCHOOL_FAILING, "xporter", now - timedelta(minutes=9), ["st-marys"], 7),
    ]
    await services.reads.db.transact(lambda session: Look(session, now, services.settings.alerts).record(found))


async def _incidents(services: Services) -> list[IncidentRow]:
    async with services.reads.db.read() as session:
        return list((await session.exec(select(IncidentRow).order_by(IncidentRow.kind))).all())


async def test_whoever_is_on_duty_sees_what_is_amiss_and_takes_it_in_hand(sign_in: SignIn, services: Services) -> None:
    visitor = await sign_in("support", name="sam")
    page = (await visitor.get("/alerts")).text
    assert "Wonde refuses our token at 2 schools" in page
    assert "Nobody’s" in page
    assert "Who is told" not in page, "that is for administrators"

    incident = next(one for one in await _incidents(services) if one.kind == "token_refused")
    shown = (await visitor.get(f"/alerts/{incident.id}")).text
    assert 'href="/console/schools/hillside"' in shown
    answer = await visitor.post(f"/alerts/{incident.id}/acknowledge")

    assert answer.headers["location"] == f"/console/alerts/{incident.id}"
    assert "sam" in (await visitor.get("/alerts")).text
    async with services.reads.db.read() as session:
        audited = (await session.exec(select(AuditRow).where(AuditRow.action == "incident.acknowledge"))).all()
    assert [(row.actor, row.subject) for row in audited] == [("staff:sam", incident.id)]


async def test_a_viewer_sees_it_and_takes_nothing_in_hand(sign_in: SignIn, services: Services) -> None:
    visitor = await sign_in("viewer")
    incident = (await _incidents(services))[0]

    assert "in hand" not in (await visitor.get(f"/alerts/{incident.id}")).text.replace("In whose hands", "")
    assert (await visitor.post(f"/alerts/{incident.id}/acknowledge")).status_code == 403


async def test_whoever_sees_some_schools_sees_their_troubles_alone(sign_in: SignIn, services: Services) -> None:
    visitor = await sign_in("support", schools=["hillside"])
    failing, refused = await _incidents(services)

    page = (await visitor.get("/alerts")).text
    shown = (await visitor.get(f"/alerts/{refused.id}")).text

    assert "Wonde refuses our token at one school" in page
    assert "st-marys" not in page + shown
    assert "that wait for it" not in shown, "how much waits at others is not theirs to know"
    assert (await visitor.get(f"/alerts/{failing.id}")).status_code == 404
    assert (await visitor.post(f"/alerts/{failing.id}/acknowledge")).status_code == 404
    assert "I have it in hand" not in shown, "it is about other schools, too"
    await visitor.post(f"/alerts/{refused.id}/acknowledge")
    assert [one.acknowledged_by for one in await _incidents(services)] == [None, None]


async def test_an_administrator_tells_somebody_tries_it_out_and_stops(sign_in: SignIn, services: Services) -> None:
    visitor = await sign_in("admin", name="ann")
    made = await visitor.post("/alerts/new", NEW)
    assert made.status_code == 200
    assert "whsec_" in made.text
    page = (await visitor.get("/alerts")).text
    assert "hooks.example.org/…" in page
    assert "not from 18:00 to 07:30" in page

    (row,) = await _rows(services, AlertReceiverRow)
    await visitor.post(f"/alerts/receivers/{row.id}/test")
    (message,) = await _rows(services, AlertMessageRow)
    assert (message.told, message.state) == ("test", "pending")

    asked = await visitor.post(f"/alerts/receivers/{row.id}/remove")
    assert "Tell them nothing more?" in asked.text
    await visitor.post(f"/alerts/receivers/{row.id}/remove", {"confirmed": "yes", "reason": "left"})
    assert await _rows(services, AlertReceiverRow) == []


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"name": ""}, "Give it 1 to 100 characters"),
        ({"address": "http://10.0.0.1/x"}, "Give an https:// address"),
        ({"kind": "email", "address": "duty@example.org"}, "there is no mail server"),
        ({"schools": "nowhere"}, "no school &#39;nowhere&#39; is registered"),
        ({"quiet": "late"}, "are no hours"),
        ({"timezone": "Mars/North"}, "there is no time zone"),
        ({"kinds": []}, "it would be told of nothing"),
    ],
)
async def test_what_cannot_be_is_said_beside_its_field_and_nothing_typed_is_lost(
    sign_in: SignIn, services: Services, change: dict[str, Any], says: str
) -> None:
    answer = await (await sign_in("admin")).post("/alerts/new", NEW | {"name": "Duty & co"} | change)

    assert answer.status_code == 422
    assert says in answer.text
    if "name" not in change:
        assert "Duty &amp; co" in answer.text
    assert await _rows(services, AlertReceiverRow) == []


async def _rows(services: Services, table: Any) -> list[Any]:
    async with services.reads.db.read() as session:
        return list((await session.exec(select(table))).all())
