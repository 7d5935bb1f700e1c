"""Corrections over HTTP: shapes, scopes, tenants, problems; what it does to writebacks is tested in the flow."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from writeback.core.clock import FakeClock
from writeback.core.secrets import SecretBox
from writeback.domain.finding import Finding
from writeback.domain.outcome import RawAnswer, Refused
from writeback.domain.writeback import RecordProgress, RecordStatus, pack_progress
from writeback.flow.engine.provider_answers import keep_answer
from writeback.store.tables import EventRow, Lane, RequestRow, WritebackRow

NOW = datetime(2026, 1, 12, 9, 0, tzinfo=UTC)
MARK = {"student_id": "A1", "date": "2026-01-12", "session": "AM", "code": "/", "employee_id": "E1"}
CLOSED = Finding("school_closed", "The school is closed.", "Choose another day.", record=0)


@pytest.fixture
def put(api: Any) -> Any:
    """Put a writeback of one mark into the store."""

    async def put(number: int, status: str, *, app: str = "registers", school: str = "hillside", **changes: Any) -> str:
        record = {"failed": RecordStatus.FAILED, "cancelled": RecordStatus.CANCELLED, "sent": RecordStatus.SENT}.get(
            status, RecordStatus(status) if status in set(RecordStatus) else RecordStatus.QUEUED
        )
        progress = RecordProgress(record)
        if status == "failed":
            progress = progress.with_findings([CLOSED])
        lane = f"{school}:session-marks"
        row = {
            "id": f"wb_{number:03}",
            "app_id": app,
            "school_id": school,
            "lane_id": lane,
            "kind": "attendance.session",
            "status": status,
            "records": json.dumps([MARK]),
            "progress": pack_progress([progress]),
            "created_at": NOW,
            "updated_at": NOW,
            "expires_at": datetime(2026, 1, 19, tzinfo=UTC),
        }
        async with api.database.write() as session:
            if await session.get(Lane, lane) is None:
                session.add(Lane(id=lane, school_id=school, family="session-marks"))
            session.add(WritebackRow(**{**row, **changes}))
            session.add(
                EventRow(writeback_id=row["id"], app_id=app, at=NOW, actor="worker", event="accepted", status=status)
            )
        return f"wb_{number:03}"

    return put


async def _post(api: Any, path: str, key: str, body: Any = None) -> Any:
    return await api.call("POST", f"/v1/writebacks/{path}", key, json=body)


async def test_an_app_resubmits_its_own_with_an_edit_and_sees_what_it_was(api: Any, put: Any) -> None:
    await api.add_school()
    failed, key = await put(1, "failed"), await api.key("submit", "read")
    body = {"records": [{"index": 0, "record": {**MARK, "date": "2026-01-09"}}], "reason": "wrong day"}

    answer = await _post(api, f"{failed}/resubmit", key, body)

    assert answer.status_code == 202, answer.text
    assert answer.json()["status"] == "queued"
    shown = (await api.call("GET", f"/v1/writebacks/{failed}", key)).json()
    assert shown["records"][0]["record"]["date"] == "2026-01-09"
    (correction,) = shown["mendings"]
    assert correction["actor"].startswith("app:registers/key:key_")
    assert correction["reason"] == "wrong day"
    assert correction["records"][0]["before"]["date"] == "2026-01-12"
    assert correction["records"][0]["findings_before"][0]["code"] == "school_closed"


async def test_a_resubmission_needs_no_body_and_a_dry_run_changes_nothing(api: Any, put: Any) -> None:
    await api.add_school()
    failed, key = await put(1, "failed"), await api.key("submit", "read")

    trial = await _post(api, f"{failed}/resubmit?dry_run=true", key)
    real = await _post(api, f"{failed}/resubmit", key)

    assert (trial.status_code, trial.json()["status"], trial.json()["id"]) == (200, "valid", None)
    assert real.status_code == 202


async def test_edits_need_a_reason_and_unknown_fields_are_refused(api: Any, put: Any, is_problem: Any) -> None:
    await api.add_school()
    failed, key = await put(1, "failed"), await api.key("submit")

    is_problem(
        await _post(api, f"{failed}/resubmit", key, {"records": [{"index": 0, "record": MARK}]}), 422, "body_invalid"
    )
    is_problem(await _post(api, f"{failed}/resubmit", key, {"recrods": []}), 422, "body_invalid")
    is_problem(await _post(api, f"{failed}/resubmit?dryrun=true", key), 400, "parameter_invalid")


async def test_all_findings_of_an_edit_come_back(api: Any, put: Any, is_problem: Any) -> None:
    await api.add_school()
    failed, key = await put(1, "failed"), await api.key("submit")
    body = {"records": [{"index": 0, "record": {**MARK, "session": "noon", "date": "soon"}}], "reason": "try"}

    problem = is_problem(await _post(api, f"{failed}/resubmit", key, body), 422, "submission_invalid")

    assert {finding["pointer"] for finding in problem["findings"]} >= {"/records/0/session", "/records/0/date"}


@pytest.mark.parametrize("action", ["resubmit", "cancel"])
async def test_another_apps_writeback_is_not_there_for_a_plain_key(
    api: Any, put: Any, is_problem: Any, action: str
) -> None:
    await api.add_school()
    theirs = await put(1, "failed", app="another")
    plain, support = await api.key("submit", "read"), await api.key("support", "read", schools=["hillside"])

    is_problem(await _post(api, f"{theirs}/{action}", plain), 404, "writeback_unknown")
    is_problem(await api.call("GET", f"/v1/writebacks/{theirs}", plain), 404, "writeback_unknown")
    assert (await api.call("GET", f"/v1/writebacks/{theirs}", support)).status_code == 200
    assert (await _post(api, f"{theirs}/{action}", support)).status_code in (202, 409)


async def test_support_sees_every_app_within_its_schools_and_nothing_beyond(
    api: Any, put: Any, is_problem: Any
) -> None:
    await api.add_school()
    await api.add_school("riverbank")
    here, there = await put(1, "failed", app="another"), await put(2, "failed", app="another", school="riverbank")
    support = await api.key("support", "read", schools=["hillside"])

    listed = (await api.call("GET", "/v1/writebacks", support)).json()["items"]

    assert [one["id"] for one in listed] == [here]
    is_problem(await _post(api, f"{there}/resubmit", support), 404, "writeback_unknown")
    is_problem(await _post(api, f"{there}/cancel", support), 404, "writeback_unknown")
    body = {"outcome": "failed", "reason": "not there"}
    is_problem(await _post(api, f"{there}/resolve", support, body), 404, "writeback_unknown")
    bulk = {"filter": {"school": "riverbank"}, "reason": "all of it"}
    is_problem(await _post(api, "resubmit", support, bulk), 403, "school_not_allowed")


async def test_support_does_not_look_after_the_webhooks_of_other_apps(api: Any, is_problem: Any) -> None:
    await api.key("read", app="Another")
    support = await api.key("support", "submit", "read")

    answer = await api.call("POST", "/v1/webhooks", support, json={"url": "https://example.org/", "app": "another"})

    is_problem(answer, 403, "app_not_allowed")


async def test_cancel_and_resolve_answer_with_what_was_done(api: Any, put: Any, is_problem: Any) -> None:
    await api.add_school()
    waiting, undecided = await put(1, "queued"), await put(2, "needs_attention")
    key, support = await api.key("submit"), await api.key("support")

    cancelled = await _post(api, f"{waiting}/cancel", key, {"reason": "wrong class"})
    resolved = await _post(api, f"{undecided}/resolve", support, {"outcome": "confirmed", "reason": "seen in the MIS"})

    assert cancelled.json() == {
        "id": waiting,
        "status": "cancelled",
        "school": "hillside",
        "mode": "live",
        "kind": "attendance.session",
        "ref": None,
        "findings": [],
        "more_findings": 0,
        "records": [{"index": 0, "ref": None, "status": "cancelled", "findings": [], "superseded_by": None}],
    }
    assert (resolved.status_code, resolved.json()["status"]) == (200, "confirmed")
    is_problem(await _post(api, f"{waiting}/cancel", key), 409, "cancelled_already")
    is_problem(
        await _post(api, f"{undecided}/resolve", key, {"outcome": "failed", "reason": "x"}), 403, "key_lacks_scope"
    )
    is_problem(await _post(api, f"{undecided}/resolve", support, {"outcome": "failed"}), 422, "body_invalid")


async def test_a_confirmed_record_is_known_by_what_it_is_in_the_mis(api: Any, put: Any, is_problem: Any) -> None:
    await api.add_school()
    undecided, support = await put(2, "needs_attention"), await api.key("support", "read")
    said = {"reason": "seen in the MIS", "mis_ids": {"0": "B7"}}

    not_there = await _post(api, f"{undecided}/resolve", support, {**said, "outcome": "failed"})
    elsewhere = await _post(
        api, f"{undecided}/resolve", support, {**said, "outcome": "confirmed", "mis_ids": {"7": "B7"}}
    )
    there = await _post(api, f"{undecided}/resolve", support, {**said, "outcome": "confirmed"})

    is_problem(not_there, 422, "body_invalid")
    is_problem(elsewhere, 409, "nothing_to_resolve")
    assert there.json()["status"] == "confirmed"
    shown = (await api.call("GET", f"/v1/writebacks/{undecided}", support)).json()
    assert shown["records"][0]["mis_ids"] == ["B7"]


async def test_by_filter_it_is_counted_then_done_and_an_empty_filter_is_refused(
    api: Any, put: Any, is_problem: Any
) -> None:
    await api.add_school()
    failed = [await put(number, "failed") for number in range(1, 4)]
    await put(9, "failed", app="another")
    key = await api.key("submit")
    body = {"filter": {"school": "hillside", "code": "school_closed"}, "reason": "open again"}

    count = (await _post(api, "resubmit?count=true", key, body)).json()
    report = (await _post(api, "resubmit", key, body)).json()
    again = (await _post(api, "resubmit", key, body)).json()

    assert count == {"writebacks": 3, "records": 3, "more": 0}
    assert [done["id"] for done in report["done"]] == failed
    assert (again["matched"], again["done"]) == (0, [])
    for action in ("resubmit", "cancel"):
        is_problem(await _post(api, action, key, {"filter": {}, "reason": "all"}), 422, "body_invalid")
        is_problem(await _post(api, action, key, {"filter": {"status": []}, "reason": "all"}), 422, "body_invalid")
    too_many = {**body, "limit": 10_001}
    is_problem(await _post(api, "resubmit", key, too_many), 422, "body_invalid")


async def test_cancel_by_filter_leaves_what_has_left(api: Any, put: Any) -> None:
    await api.add_school()
    waiting, sent = await put(1, "queued"), await put(2, "sent")
    key = await api.key("submit")

    report = (await _post(api, "cancel", key, {"filter": {"ids": [waiting, sent]}, "reason": "no more"})).json()

    assert [done["id"] for done in report["done"]] == [waiting]


async def test_the_audit_log_has_everything_that_people_did_and_no_pupil(api: Any, put: Any) -> None:
    admin = await api.key("admin", app="Ops")
    school = {
        "id": "hillside",
        "name": "Hillside",
        "provider": "wonde",
        "mis": "SIMS",
        "provider_school_id": "A7",
        "credentials": {"token": "very-secret"},
    }
    await api.call("POST", "/v1/schools", admin, json=school)
    await api.call("PATCH", "/v1/schools/hillside", admin, json={"mis": "Bromcom"})
    made = (await api.call("POST", "/v1/keys", admin, json={"app": "Registers", "scopes": ["submit"]})).json()
    await api.call("DELETE", f"/v1/keys/{made['id']}", admin)
    hook = (await api.call("POST", "/v1/webhooks", admin, json={"url": "https://example.org/hook"})).json()
    await api.call("DELETE", f"/v1/webhooks/{hook['id']}", admin)
    failed = await put(1, "failed")
    body = {"records": [{"index": 0, "record": {**MARK, "comment": "Ann Ashe was late"}}], "reason": "wrong"}
    await _post(api, f"{failed}/resubmit", admin, body)

    answer = await api.call("GET", "/v1/audit", admin)

    entries = answer.json()["items"]
    actions = [entry["action"] for entry in entries if entry["actor"].startswith("app:ops/key:")]
    assert actions == [
        "writeback.resubmit",
        "webhook.remove",
        "webhook.create",
        "key.revoke",
        "key.create",
        "school.change",
        "school.add",
    ]
    assert entries[0]["changed"]["edited"] == [{"record": 0, "fields": ["comment"]}]
    assert next(entry for entry in entries if entry["action"] == "school.change")["changed"] == {"fields": ["mis"]}
    assert "Ashe" not in answer.text
    assert "very-secret" not in answer.text


async def test_reading_what_another_app_sent_is_in_the_audit_log_once_in_ten_minutes(
    api: Any, put: Any, fake_clock: FakeClock
) -> None:
    await api.add_school()
    support, own = await api.key("read", "support", app="Ops"), await api.key("read", app="Registers")
    failed = await put(1, "failed")

    for key in (support, own, support):
        assert (await api.call("GET", f"/v1/writebacks/{failed}", key)).status_code == 200
    fake_clock.advance(timedelta(minutes=11))
    await api.call("GET", f"/v1/writebacks/{failed}", support)

    noted = (await api.call("GET", "/v1/audit?action=writeback.show", support)).json()["items"]
    assert [(one["actor"].partition("/")[0], one["subject"]) for one in noted] == [("app:ops", failed)] * 2


async def test_the_audit_log_shows_support_its_own_schools_and_admins_all(api: Any, put: Any, is_problem: Any) -> None:
    await api.add_school()
    await api.add_school("riverbank")
    here, there = await put(1, "queued"), await put(2, "queued", school="riverbank")
    admin = await api.key("admin")
    for each in (here, there):
        await _post(api, f"{each}/cancel", admin)

    async def seen(*scopes: str, **query: Any) -> set[str]:
        schools = query.pop("schools", None)
        key = await api.key(*scopes, schools=schools)
        answer = await api.call("GET", "/v1/audit", key, params=query)
        return {entry["subject"] for entry in answer.json()["items"]}

    mine = await seen("support", schools=["hillside"])
    assert mine == {here, "hillside"}
    assert await seen("support") == {here, there, "hillside", "riverbank"}
    assert await seen("admin", schools=["riverbank"]) == {there, "riverbank"}
    assert len(await seen("admin")) > 4  # keys, too
    assert await seen("admin", action="writeback.", school="hillside") == {here}
    key = await api.key("support", schools=["hillside"])
    is_problem(await api.call("GET", "/v1/audit?school=riverbank", key), 403, "school_not_allowed")


async def test_the_audit_log_comes_in_pages(api: Any, put: Any) -> None:
    await api.add_school()
    admin = await api.key("admin")
    for number in range(1, 6):
        await _post(api, f"{await put(number, 'queued')}/cancel", admin)

    found, cursor = [], None
    while True:
        query = {"limit": 2, "action": "writeback.cancel", **({"cursor": cursor} if cursor else {})}
        page = (await api.call("GET", "/v1/audit", admin, params=query)).json()
        found += [entry["subject"] for entry in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break

    assert found == [f"wb_{number:03}" for number in range(5, 0, -1)]


async def test_a_revoked_key_mends_nothing(api: Any, put: Any, is_problem: Any) -> None:
    await api.add_school()
    waiting = await put(1, "queued")
    made = (await api.call("POST", "/v1/keys", await api.key("admin"), json={"app": "R", "scopes": ["support"]})).json()
    await api.services.keys.revoke(made["id"])

    is_problem(await _post(api, f"{waiting}/cancel", made["key"]), 401, "key_revoked")


async def test_a_check_is_for_whoever_may_resubmit(api: Any, put: Any, is_problem: Any) -> None:
    await api.add_school()
    sent, key = await put(1, "sent"), await api.key("submit", "read")
    await _request(api, sent, "taken")

    answer = await _post(api, f"{sent}/check", key)
    assert answer.status_code == 202, answer.text
    said = answer.json()
    assert (said["id"], said["status"], said["requests"]) == (sent, "sent", ["req_1"])
    assert (said["asked_before"], said["hold_reason"], said["left_alone"]) == (False, None, None)
    assert (await _post(api, f"{sent}/check", key, {"reason": "again"})).json()["asked_before"]

    is_problem(await _post(api, f"{sent}/check", await api.key("read")), 403, "key_lacks_scope")
    is_problem(await _post(api, f"{sent}/check", await api.key("submit", app="Other")), 404, "writeback_unknown")
    await api.add_school("elsewhere")
    elsewhere = await api.key("support", schools=["elsewhere"])
    is_problem(await _post(api, f"{sent}/check", elsewhere), 404, "writeback_unknown")


@pytest.mark.parametrize("status", ["queued", "held", "sending", "needs_attention", "confirmed", "failed"])
async def test_where_there_is_nothing_to_check_it_says_so(api: Any, put: Any, is_problem: Any, status: str) -> None:
    await api.add_school()
    key = await api.key("submit")
    problem = is_problem(await _post(api, f"{await put(1, status)}/check", key), 409, "nothing_to_check")
    assert f"wb_001 is {status}: " in problem["detail"]
    assert problem["hint"]


async def test_what_a_provider_answered_is_for_support_alone(api: Any, put: Any, is_problem: Any) -> None:
    await api.add_school()
    failed = await put(1, "failed")
    await _request(api, failed, "settled", answer=b"<b>Persephone has left</b>")
    path = f"/v1/writebacks/{failed}/requests/req_1/answer"

    support = await api.key("support")
    shown = (await api.call("GET", path, support)).json()
    assert (shown["http_status"], shown["body"], shown["is_cut"]) == (422, "<b>Persephone has left</b>", False)
    audited = (await api.call("GET", "/v1/audit?action=writeback.answer", support)).json()["items"]
    assert [(one["subject"], one["changed"]) for one in audited] == [(failed, {"request": "req_1"})]

    own = await api.key("submit", "read")
    is_problem(await api.call("GET", path, own), 403, "key_lacks_scope")
    detail = (await api.call("GET", f"/v1/writebacks/{failed}", own)).json()
    assert detail["requests"][0]["answer_kept"] is True
    assert "Persephone" not in json.dumps(detail)
    await api.add_school("elsewhere")
    elsewhere = await api.key("support", schools=["elsewhere"])
    is_problem(await api.call("GET", path, elsewhere), 404, "writeback_unknown")
    is_problem(await api.call("GET", path.replace("req_1", "req_2"), support), 404, "answer_not_kept")


async def test_an_answer_that_another_key_has_sealed_is_no_failure_of_ours(api: Any, put: Any, is_problem: Any) -> None:
    await api.add_school()
    failed = await put(1, "failed")
    await _request(api, failed, "settled", answer=b"no", secret="another")
    answer = await api.call("GET", f"/v1/writebacks/{failed}/requests/req_1/answer", await api.key("support"))
    is_problem(answer, 409, "answer_sealed_otherwise")


async def _request(
    api: Any, writeback_id: str, state: str, *, answer: bytes | None = None, secret: str = "test"
) -> None:
    row = RequestRow(
        id="req_1",
        lane_id="hillside:session-marks",
        school_id="hillside",
        provider="wonde",
        kind="attendance.session",
        state=state,
        fence=1,
        members=[[writeback_id, [0]]],
        check_at=datetime(2026, 1, 12, 10, 0, tzinfo=UTC),
        created_at=NOW,
        sent_at=NOW,
    )
    async with api.database.write() as session:
        session.add(row)
    if answer is not None:
        refused = Refused("422", raw=RawAnswer(422, "text/html", answer, len(answer)))
        await api.database.transact(lambda session: keep_answer(SecretBox(secret), session, "req_1", refused, NOW))


async def test_checks_by_filter_count_first(api: Any, put: Any, is_problem: Any) -> None:
    await api.add_school()
    sent, key = await put(1, "sent"), await api.key("submit")
    await put(2, "failed")
    await _request(api, sent, "taken")
    body = {"filter": {"school": "hillside"}, "reason": "the head asks"}

    assert (await _post(api, "check?count=true", key, body)).json() == {"writebacks": 1, "records": 1, "more": 0}
    report = (await _post(api, "check", key, body)).json()
    assert (report["done"], report["not_done"]) == ([{"id": sent, "records": 1}], [])
    is_problem(await _post(api, "check", key, {"filter": {}, "reason": "all"}), 422, "body_invalid")


CHANGES = {"set": [{"field": "code", "was": "/", "becomes": "N"}]}


async def test_changes_are_looked_at_over_http_before_they_are_made(api: Any, put: Any) -> None:
    await api.add_school()
    failed, key = await put(1, "failed"), await api.key("submit", "read")
    body = {"filter": {"school": "hillside"}, "reason": "N was meant", "changes": CHANGES}

    seen = (await _post(api, "resubmit?preview=true", key, body)).json()
    done = (await _post(api, "resubmit", key, body)).json()

    (item,) = seen["items"]
    changed = {"field": "code", "before": "/", "after": "N"}
    assert item["records"] == [{"index": 0, "student": "A1", "changed": [changed]}]
    assert [one["id"] for one in done["done"]] == [failed]


@pytest.mark.parametrize("field", ["student_id", "date", "lesson_id"])
async def test_whom_a_record_is_about_is_never_set_in_many(api: Any, field: str) -> None:
    await api.add_school()
    changes = {"set": [{"field": field, "was": "A1", "becomes": "A2"}]}
    body = {"filter": {"school": "hillside"}, "reason": "x", "changes": changes}

    assert (await _post(api, "resubmit", await api.key("submit", "read"), body)).status_code == 422
