"""`GET /v1/usage`: an app sees what it called and why it was refused; never another's, never a pupil."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import select

from tests.console.scenes import add_school, add_writeback
from writeback.core.clock import FakeClock
from writeback.core.errors import InvalidSubmission
from writeback.flow.projections.usage_counter import UsageCounter
from writeback.store.sql.database import Database
from writeback.store.tables import DeliveryRow, UsageRow

SUBMIT = "/v1/schools/hillside/writebacks"
NOT_ON_ROLL = {"code": "student_not_on_roll", "severity": "error", "pointer": "/records/0/student_id"}


def refusing(*findings: dict[str, Any]) -> InvalidSubmission:
    return InvalidSubmission("submission_invalid", "it has errors", findings)


async def usage(api: Any, key: str, query: str = "") -> dict[str, Any]:
    await api.services.usage.flush()
    answer = await api.call("GET", f"/v1/usage{query}", key)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_calls_are_counted_by_route_and_by_hour(api: Any, fake_clock: FakeClock):
    key = await api.key("read", "submit")
    for _ in range(2):
        await api.call("GET", "/v1/features", key)
    await api.services.usage.flush()
    fake_clock.advance(timedelta(hours=1))
    await api.call("GET", "/v1/features", key)
    await api.call("POST", SUBMIT, key, json={})

    found = await usage(api, key)

    assert (found["app"], found["calls"], found["refused"]) == ("registers", 4, 0)
    assert [(one["route"], one["calls"]) for one in found["routes"]] == [
        ("GET /v1/features", 3),
        ("POST /v1/schools/{school}/writebacks", 1),
    ]
    assert [one["calls"] for one in found["periods"]] == [2, 2]
    assert [one["calls"] for one in (await usage(api, key, "?by=day"))["periods"]] == [5]


async def test_refusals_are_shown_by_cause_with_ids_and_places_alone(api: Any):
    key = await api.key("read", "submit")
    own_text = {"code": "field_unknown", "severity": "error", "pointer": "/records/0/Pat Example"}
    api.services.accept.error = refusing(NOT_ON_ROLL, {**NOT_ON_ROLL, "pointer": "/records/3/student_id"}, own_text)
    await api.call("POST", SUBMIT, key, json={}, headers={"x-request-id": "call-1"})

    found = await usage(api, key)

    assert [(one["code"], one["number"]) for one in found["refusals"]] == [("submission_invalid", 1)]
    by_code = {one["code"]: one for one in found["findings"]}
    assert by_code["student_not_on_roll"]["number"] == 2
    (example,) = by_code["student_not_on_roll"]["examples"]
    assert example["request_id"] == "call-1"
    assert example["pointers"] == ["/records/0/student_id", "/records/3/student_id"]
    assert by_code["field_unknown"]["examples"][0]["pointers"] == []
    assert "Pat" not in str(found)


async def test_only_the_latest_few_examples_are_kept(api: Any):
    key = await api.key("read", "submit")
    api.services.accept.error = refusing(NOT_ON_ROLL)
    for number in range(7):
        await api.call("POST", SUBMIT, key, json={}, headers={"x-request-id": f"call-{number}"})

    (cause,) = (await usage(api, key))["findings"]

    assert cause["number"] == 7
    assert [one["request_id"] for one in cause["examples"]] == [f"call-{number}" for number in range(2, 7)]


async def test_another_app_sees_nothing_of_it_whatever_its_scopes(api: Any):
    mine, other = await api.key("read"), await api.key("read", "support", "admin", app="Other")
    await api.call("GET", "/v1/features", mine)

    found = await usage(api, other)

    assert (found["app"], found["calls"], found["statuses"], found["webhooks"]) == ("other", 0, {}, [])


async def test_what_became_of_its_writebacks_is_shown_of_the_schools_of_the_key(api: Any, fake_clock: FakeClock):
    now = fake_clock.now()

    def work(session: Any) -> None:
        for school in ("hillside", "riverbank"):
            add_school(session, now, school, school.title(), "wonde", "SIMS")
            add_writeback(session, now, school, "confirmed")
            add_writeback(session, now, school, "failed", progress=[{"status": "failed", "findings": [NOT_ON_ROLL]}])
        add_writeback(session, now, "hillside", "confirmed").app_id = "other"

    await api.database.transact(work)

    whole = await usage(api, await api.key("read"))
    assert whole["statuses"] == {"confirmed": 2, "failed": 2}
    assert whole["failures"] == [{"code": "student_not_on_roll", "writebacks": 2, "said": []}]
    assert whole["evidence"]["looked_at"] == 2
    part = await usage(api, await api.key("read", schools=["hillside"]))
    assert part["statuses"] == {"confirmed": 1, "failed": 1}
    assert part["evidence"]["looked_at"] == 1


async def test_a_webhook_shows_how_it_does_and_what_it_answered_last(api: Any, fake_clock: FakeClock):
    key = await api.key("read", "submit")
    body = {"url": "https://receiver.example.org/hook"}
    made = (await api.call("POST", "/v1/webhooks", key, json=body)).json()
    now = fake_clock.now()

    def work(session: Any) -> None:
        answers = (("delivered", 200, None), ("failed", 500, "http_500"), ("pending", None, None))
        for number, (state, status, error) in enumerate(answers, start=1):
            session.add(
                DeliveryRow(
                    id=f"msg_{number}",
                    webhook_id=made["id"],
                    sequence=number,
                    type="t",
                    payload="{}",
                    state=state,
                    http_status=status,
                    error=error,
                    last_attempt_at=None if state == "pending" else now,
                    created_at=now,
                )
            )

    await api.database.transact(work)

    (webhook,) = (await usage(api, key))["webhooks"]

    assert (webhook["delivered"], webhook["failed"], webhook["waiting"]) == (1, 1, 1)
    assert [(one["http_status"], one["error"]) for one in webhook["answers"]] == [(500, "http_500"), (200, None)]
    assert (await usage(api, await api.key("read", "admin", app="Other")))["webhooks"] == []


async def test_it_says_for_how_long_calls_are_remembered(api: Any, is_problem: Any):
    key = await api.key("read")
    answer = await api.call("GET", "/v1/usage?since=2020-01-01T00:00:00Z", key)
    assert "30 days" in is_problem(answer, 400, "parameter_invalid")["detail"]


async def test_processes_add_up_on_both_databases(any_database: Database, fake_clock: FakeClock):
    one, other = UsageCounter(any_database, fake_clock), UsageCounter(any_database, fake_clock)
    for counter in (one, other, one):
        for route in ("GET /b", "GET /a"):
            counter.note("registers", route)
    other.note("registers", "GET /a", "key_lacks_scope", request_id="call-1")

    await asyncio.gather(one.aclose(), other.aclose())

    async with any_database.read() as session:
        rows = (await session.exec(select(UsageRow))).all()
    assert sorted((row.route, row.code, row.number) for row in rows) == [
        ("GET /a", "", 3),
        ("GET /a", "key_lacks_scope", 1),
        ("GET /b", "", 3),
    ]


async def test_what_cannot_be_written_now_is_written_later(
    database: Database, fake_clock: FakeClock, monkeypatch: pytest.MonkeyPatch
):
    counter = UsageCounter(database, fake_clock)

    async def refuse(*_: Any) -> None:
        raise OSError("no database")

    counter.note("registers", "GET /a", "key_lacks_scope", request_id="call-1")
    with monkeypatch.context() as away:
        away.setattr(Database, "transact", refuse)
        await counter.flush()
    counter.note("registers", "GET /a", "key_lacks_scope", request_id="call-2")
    await counter.aclose()

    async with database.read() as session:
        (row,) = (await session.exec(select(UsageRow))).all()
    assert row.number == 2
    assert "call-2" in (row.examples or "")
