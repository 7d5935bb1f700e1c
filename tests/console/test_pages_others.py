"""Schools, batches, keys, webhooks and the audit log: who sees them, who acts, and what is written down."""

import re
from collections.abc import Sequence
from datetime import timedelta

import pytest
from sqlmodel import col, select

from tests.console.bad_morning import bad_morning
from tests.console.conftest import SignIn
from tests.console.scenes import DAY
from writeback.console.navigation import MENU
from writeback.core.clock import FakeClock
from writeback.core.errors import Unauthenticated
from writeback.domain.access import Scope
from writeback.domain.lookups import ListName
from writeback.store.schools import lists, removals
from writeback.store.tables import AuditRow, BatchRow, DeliveryRow, WebhookRow, WritebackRow
from writeback.wiring import Services

YES = {"confirmed": "yes", "reason": "as the office asked"}


@pytest.fixture(autouse=True)
async def a_bad_morning(services: Services) -> None:
    await bad_morning(services)


async def _audited(services: Services, action: str) -> Sequence[tuple[str, str, str]]:
    async with services.reads.db.read() as session:
        rows = (await session.exec(select(AuditRow).where(AuditRow.action == action))).all()
    return [(row.actor, row.subject, row.reason) for row in rows]


async def test_school_says_why_it_waits_and_for_how_much(sign_in: SignIn) -> None:
    answer = await (await sign_in("viewer")).get("/schools/hillside")

    assert "Its agent does not answer" in answer.text
    assert ">34<" in answer.text
    assert "Let it go on" not in answer.text, "a viewer changes nothing"


async def test_school_is_held_with_a_reason_and_resumed(sign_in: SignIn, services: Services) -> None:
    visitor = await sign_in("support", name="sam")

    without = await visitor.post("/schools/st-marys/hold", {"confirmed": "yes"})
    await visitor.post("/schools/st-marys/hold", YES)
    held = (await services.registry.get("st-marys")).hold
    await visitor.post("/schools/st-marys/resume", YES)

    assert without.status_code == 422
    assert held is not None
    assert held.reason == "held_by_staff"
    assert (await services.registry.get("st-marys")).hold is None
    for action in ("school.hold", "school.resume"):
        assert await _audited(services, action) == [("staff:sam", "st-marys", YES["reason"])]


async def test_hold_with_an_end_says_so_wherever_the_hold_is(sign_in: SignIn, services: Services) -> None:
    visitor = await sign_in("support", name="sam")

    asked = await visitor.get("/schools/st-marys/hold")
    wrong = await visitor.post("/schools/st-marys/hold", {**YES, "until": "08:00"})
    done = await visitor.post("/schools/st-marys/hold", {**YES, "until": "11:30"})

    assert 'name="until"' in asked.text
    assert wrong.status_code == 422
    assert "&#39;08:00&#39; has passed" in wrong.text
    assert done.status_code == 303
    hold = (await services.registry.get("st-marys")).hold
    assert hold is not None
    assert hold.until is not None
    assert hold.until.isoformat() == "2026-01-12T11:30:00+00:00"
    for path in ("/schools/st-marys", "/schools", "/holds", "/now"):
        shown = await visitor.get(path)
        assert re.search(r'<time datetime="2026-01-12T11:30:00[^>]*>11:30', shown.text), path


async def test_several_are_held_and_go_on_at_once(sign_in: SignIn, services: Services) -> None:
    visitor = await sign_in("support", name="sam")
    both = {"school": ["st-marys", "oakfield"]}

    nothing = await visitor.post("/holds", {"provider": ""})
    asked = await visitor.post("/holds", {**both, "until": "in 2 hours"})
    without = await visitor.post("/holds", {**both, "confirmed": "yes"})
    held = await visitor.post("/holds", {**both, **YES, "until": "in 2 hours"})
    states = {one: (await services.registry.get(one)).hold for one in both["school"]}
    gone = await visitor.post("/holds/end", {**both, **YES})

    assert nothing.headers["location"] == "/console/holds"
    assert '<strong class="count">2</strong>' in asked.text
    assert without.status_code == 422
    assert (held.status_code, gone.status_code) == (303, 303)
    assert [(one.reason, one.detail, str(one.until)) for one in states.values() if one] == [
        ("held_by_staff", YES["reason"], "2026-01-12 11:00:00+00:00")
    ] * 2
    assert [(await services.registry.get(one)).hold for one in both["school"]] == [None, None]
    assert len(await _audited(services, "school.hold")) == len(await _audited(services, "school.resume")) == 2


async def test_all_of_a_provider_are_those_that_the_account_sees(sign_in: SignIn, services: Services) -> None:
    limited = await sign_in("support", schools=["oakfield", "hillside"])

    shown = await limited.get("/holds")
    await limited.post("/holds", {"provider": "wonde", "school": "riverside", **YES})
    refused = await (await sign_in("viewer")).post("/holds", {"provider": "wonde", **YES})

    assert "St Mary" not in shown.text
    assert [subject for _, subject, _ in await _audited(services, "school.hold")] == ["oakfield"]
    assert refused.status_code == 403


@pytest.mark.parametrize("path", ["hold", "resume", "sync"])
async def test_school_is_left_alone_by_viewers_and_by_support_of_others(
    path: str, sign_in: SignIn, services: Services
) -> None:
    viewer, foreign = await sign_in("viewer"), await sign_in("support", schools=["oakfield"])

    refused = await viewer.post(f"/schools/hillside/{path}", YES)
    not_there = await foreign.post(f"/schools/hillside/{path}", YES)

    assert (refused.status_code, not_there.status_code) == (403, 404)
    assert (await services.registry.get("hillside")).hold is not None


async def test_schools_of_others_are_not_listed(sign_in: SignIn) -> None:
    visitor = await sign_in("viewer", schools=["oakfield"])

    listed, named = await visitor.get("/schools"), await visitor.get("/schools?q=hill")

    assert "Oakfield Academy" in listed.text
    assert "Hillside" not in listed.text + named.text
    assert (await visitor.get("/schools/hillside")).status_code == 404


async def test_batch_tells_what_was_wrong_and_is_hidden_from_others(sign_in: SignIn, services: Services) -> None:
    async with services.reads.db.read() as session:
        batch = (await session.exec(select(BatchRow.id))).one()
    viewer, foreign = await sign_in("viewer"), await sign_in("support", schools=["oakfield"])

    shown = await viewer.get(f"/batches/{batch}")

    assert "Student not on roll" in shown.text
    assert (await foreign.get(f"/batches/{batch}")).status_code == 404
    assert (await viewer.post(f"/batches/{batch}/errors")).status_code == 403


async def test_bad_rows_are_downloaded_and_that_is_written_down(sign_in: SignIn, services: Services) -> None:
    async with services.reads.db.read() as session:
        batch = (await session.exec(select(BatchRow.id))).one()
    async with services.reads.db.write() as session:
        row = await session.get(BatchRow, batch)
        assert row is not None
        row.format = "ndjson"
        row.layout = '{"format": "ndjson", "kind": "attendance.session"}'
    visitor = await sign_in("support", name="sam")

    answer = await visitor.post(f"/batches/{batch}/errors")

    assert answer.status_code == 200
    assert "marks%20of%20monday.errors.ndjson" in answer.headers["content-disposition"]
    assert await _audited(services, "batch.show") == [("staff:sam", batch, "")]


async def test_batch_under_way_is_stopped_with_a_reason_and_one_that_has_ended_says_so(
    sign_in: SignIn, services: Services
) -> None:
    visitor, viewer = await sign_in("support", name="sam"), await sign_in("viewer")
    async with services.reads.db.write() as session:
        row = (await session.exec(select(BatchRow))).one()
        row.status, row.finished_at = "queueing", None
    stop = f"/batches/{row.id}/stop"

    shown, without = await visitor.get(f"/batches/{row.id}"), await visitor.post(stop, {"confirmed": "yes"})
    await visitor.post(stop, YES)
    stopped = await visitor.get(f"/batches/{row.id}")
    await visitor.post(stop, YES)
    again = await visitor.get(f"/batches/{row.id}")

    assert f"/console{stop}" in shown.text
    assert "4,960 of 4,960 good rows are queued" in shown.text
    assert f"/console{stop}" not in stopped.text
    assert f"/console{stop}" not in (await viewer.get(f"/batches/{row.id}")).text
    assert (await viewer.get(stop)).status_code == (await viewer.post(stop, YES)).status_code == 403
    assert without.status_code == 422
    assert "Stopped. 4,960 rows had been queued by then." in stopped.text
    assert "nothing left to be stopped" in again.text
    assert await _audited(services, "batch.cancel") == [("staff:sam", row.id, YES["reason"])]


@pytest.mark.parametrize("role", ["viewer", "support"])
@pytest.mark.parametrize("path", ["/apps", "/apps/new", "/webhooks"])
async def test_keys_and_webhooks_are_for_administrators(path: str, role: str, sign_in: SignIn) -> None:
    assert (await (await sign_in(role)).get(path)).status_code == 403


async def test_key_is_shown_once_works_and_can_be_revoked(sign_in: SignIn, services: Services) -> None:
    visitor = await sign_in("admin", name="ann")

    made = await visitor.post("/apps/new", {"app": "Registers", "name": "spare", "scope": "submit"})
    key = re.search(r">(wbk_[^<]+)<", made.text)
    listed = await visitor.get("/apps")
    assert key is not None
    caller = await services.keys.authenticate(key[1])
    without = await visitor.post(f"/apps/keys/{caller.key_id}/revoke", {"confirmed": "yes"})
    await visitor.post(f"/apps/keys/{caller.key_id}/revoke", YES)

    assert key[1] not in listed.text
    assert without.status_code == 422
    with pytest.raises(Unauthenticated):
        await services.keys.authenticate(key[1])
    assert await _audited(services, "key.revoke") == [("staff:ann", caller.key_id, YES["reason"])]


async def test_key_is_limited_to_kinds_and_says_so(sign_in: SignIn, services: Services) -> None:
    visitor = await sign_in("admin", name="ann")
    wanted = {"app": "Registers", "scope": "submit", "kinds": "session-marks, behaviour.create"}

    made = await visitor.post("/apps/new", wanted)
    listed = await visitor.get("/apps")
    wrong = await visitor.post("/apps/new", {**wanted, "kinds": "session-marks behavior"})

    key = re.search(r">(wbk_[^<]+)<", made.text)
    assert key is not None
    assert (await services.keys.authenticate(key[1])).kinds == {"attendance.session", "behaviour.create"}
    assert "session-marks, behaviour.create" in made.text
    assert "session-marks, behaviour.create" in listed.text
    assert wrong.status_code == 422
    assert 'id="e-kinds"' in wrong.text


async def test_key_is_given_a_new_secret_beside_which_the_old_one_works_for_a_while(
    sign_in: SignIn, services: Services, fake_clock: FakeClock
) -> None:
    visitor = await sign_in("admin", name="ann")
    old = await services.keys.create("Registers", "spare", [Scope.SUBMIT])
    path = f"/apps/keys/{old.id}/rotate"

    asked = await visitor.get(path)
    without = await visitor.post(path, {"overlap": "3600"})
    made = await visitor.post(path, {"overlap": "3600", **YES})
    listed = await visitor.get("/apps")
    audit = await visitor.get("/audit?action=key.")

    new = re.search(r">(wbk_[^<]+)<", made.text)
    assert new is not None
    assert '<option value="86400" selected>for a day</option>' in asked.text
    assert (without.status_code, "Say why." in without.text) == (422, True)
    assert "The old secret works beside it until" in made.text
    assert (new[1] in listed.text, "its old secret works until" in listed.text) == (False, True)
    assert "Gave a key a new secret" in audit.text
    assert "the old one works for 1 hour" in audit.text
    assert (await services.keys.authenticate(new[1])).key_id == old.id
    assert (await services.keys.authenticate(old.key)).key_id == old.id
    fake_clock.advance(timedelta(hours=1))
    with pytest.raises(Unauthenticated):
        await services.keys.authenticate(old.key)
    assert await _audited(services, "key.rotate") == [("staff:ann", old.id, YES["reason"])]


async def test_secret_that_somebody_else_may_have_works_no_longer_at_once(sign_in: SignIn, services: Services) -> None:
    visitor = await sign_in("admin")
    old = await services.keys.create("Registers", "spare", [Scope.SUBMIT])

    made = await visitor.post(f"/apps/keys/{old.id}/rotate", {"overlap": "0", **YES})

    assert "The old secret works no longer" in made.text
    with pytest.raises(Unauthenticated):
        await services.keys.authenticate(old.key)


async def test_key_that_was_revoked_gets_no_new_secret(sign_in: SignIn, services: Services) -> None:
    visitor = await sign_in("admin")
    made = await services.keys.create("Registers", "spare", [Scope.SUBMIT])
    await services.keys.revoke(made.id)

    answer = await visitor.post(f"/apps/keys/{made.id}/rotate", {"overlap": "0", **YES})

    assert (answer.status_code, answer.headers["location"]) == (303, "/console/apps")
    assert (await visitor.post("/apps/keys/key_nothing/rotate", {"overlap": "0", **YES})).status_code == 404


async def test_key_without_a_scope_is_refused_beside_the_fields(sign_in: SignIn) -> None:
    answer = await (await sign_in("admin")).post("/apps/new", {"app": "Registers", "schools": "nowhere"})

    assert answer.status_code == 422
    assert "no scope" in answer.text
    assert 'id="e-schools"' in answer.text


async def test_webhook_is_tested_and_a_message_goes_again(sign_in: SignIn, services: Services) -> None:
    visitor = await sign_in("admin", name="ann")
    async with services.reads.db.read() as session:
        webhook = (await session.exec(select(WebhookRow.id))).one()
        before = (await session.exec(select(DeliveryRow.id))).one()

    await visitor.post(f"/webhooks/{webhook}/test")
    await visitor.post(f"/webhooks/{webhook}/deliveries/{before}/redeliver")

    async with services.reads.db.read() as session:
        assert len((await session.exec(select(DeliveryRow.id))).all()) == 2
    assert ("staff:ann", webhook, "") in await _audited(services, "webhook.test")
    assert await _audited(services, "webhook.redeliver") == [("staff:ann", webhook, "")]
    assert "whsec_" not in (await visitor.get(f"/webhooks/{webhook}")).text


async def test_audit_log_says_who_did_what_and_can_be_filtered(sign_in: SignIn) -> None:
    visitor = await sign_in("support", name="sam")
    await visitor.post("/schools/st-marys/hold", YES)

    found, other = await visitor.get("/audit?who=sam&action=school."), await visitor.get("/audit?who=kim")

    assert "Held a school" in found.text
    assert YES["reason"] in found.text
    assert "Nothing matches" in other.text
    assert (await (await sign_in("viewer")).get("/audit")).status_code == 403


async def test_audit_log_of_other_schools_is_not_there(sign_in: SignIn) -> None:
    await (await sign_in("support")).post("/schools/st-marys/hold", YES)

    visitor = await sign_in("support", schools=["oakfield"])

    assert YES["reason"] not in (await visitor.get("/audit")).text
    assert (await visitor.get("/audit?school=st-marys")).status_code == 404


@pytest.mark.parametrize("role", ["viewer", "support", "admin"])
async def test_nothing_of_other_schools_is_on_any_page_of_a_limited_account(
    sign_in: SignIn, services: Services, role: str
) -> None:
    await (await sign_in("admin", name="ann")).post("/schools/hillside/hold", YES)
    async with services.reads.db.read() as session:
        others = col(WritebackRow.school_id) != "oakfield"
        writeback = (await session.exec(select(WritebackRow.id).where(others))).first()
        batch = (await session.exec(select(BatchRow.id))).one()
    visitor = await sign_in(role, schools=["oakfield"])

    open_pages = [
        *(entry.path for entry in MENU),
        "/now/live",
        f"/writebacks?q={writeback}",
        "/writebacks?student=A200",
        "/writebacks?code=code_unknown",
        "/writebacks?status=held",
        f"/writebacks?batch={batch}",
        "/schools?q=hill",
        "/audit?action=school.",
        "/account",
    ]
    seen = {path: await visitor.get(path) for path in open_pages}
    closed = [
        f"/writebacks/{writeback}",
        f"/writebacks/{writeback}/live",
        f"/writebacks/{writeback}/history",
        "/writebacks?school=hillside",
        "/schools/hillside",
        "/schools/hillside/live",
        f"/batches/{batch}",
        f"/batches/{batch}/live",
        "/batches?school=hillside",
        f"/reports/missing.csv?school=hillside&date={DAY}",
    ]

    assert "Oakfield" in seen["/schools"].text
    for path, answer in seen.items():
        for word in ("Hillside", "hillside", "St Mary", "st-marys", "Westbrook", "marks of monday"):
            assert word not in answer.text, (path, word)
    assert {path: (await visitor.get(path)).status_code for path in closed} == dict.fromkeys(closed, 404)
    assert (await visitor.post(f"/batches/{batch}/errors")).status_code in (403, 404)
    assert "34 " not in seen["/now"].text, "what waits at Hillside"


async def test_what_fell_out_of_a_list_is_shown_and_a_person_decides(services: Services, sign_in: SignIn) -> None:
    now = services.clock.now()
    async with services.reads.db.write() as session:
        known = await lists.load(session, "st-marys", ListName.STUDENTS)
        assert known is not None
        ids = sorted(known.rows)[:2]
        await removals.keep(session, "st-marys", ListName.STUDENTS, ids, now)
    visitor = await sign_in("support")
    assert "fell out at once" in (await visitor.get("/schools/st-marys")).text

    wanted = {"list": "students", "decision": "accept"}
    asked = await visitor.post("/schools/st-marys/removals", wanted)
    assert "entries are missing" in asked.text
    await visitor.post("/schools/st-marys/removals", {**wanted, "count": "7", **YES})
    assert await services.removals.waiting() == 1  # another number than was seen: it asks again
    await visitor.post("/schools/st-marys/removals", {**wanted, "count": "2", **YES})

    assert await services.removals.waiting() == 0
    async with services.reads.db.read() as session:
        after = await lists.load(session, "st-marys", ListName.STUDENTS)
        assert after is not None
    assert set(known.rows) - set(after.rows) == set(ids)
    assert "fell out at once" not in (await visitor.get("/schools/st-marys")).text


async def test_what_is_kept_of_people_is_shown_and_changed_by_those_who_manage(
    services: Services, sign_in: SignIn
) -> None:
    viewer, visitor = await sign_in("viewer"), await sign_in("admin")
    assert "by keyed hashes that nobody can read" in (await viewer.get("/schools/st-marys")).text
    assert (await viewer.post("/schools/st-marys/directory", {"directory": "named"})).status_code == 403

    asked = await visitor.post("/schools/st-marys/directory", {"directory": "named"})
    unasked = (await services.registry.get("st-marys")).directory
    await visitor.post("/schools/st-marys/directory", {"directory": "named", **YES})
    await visitor.post("/schools/st-marys/directory", {"directory": "everything", **YES})

    assert "What was kept until now is deleted at once" in asked.text
    assert (unasked, (await services.registry.get("st-marys")).directory) == ("hashed", "named")
    assert "names are kept, sealed" in (await visitor.get("/schools/st-marys")).text


async def test_all_that_was_given_up_since_is_sent_again(sign_in: SignIn, services: Services) -> None:
    visitor = await sign_in("admin", name="ann")
    async with services.reads.db.write() as session:
        delivery = (await session.exec(select(DeliveryRow))).one()
        delivery.state, delivery.next_attempt_at = "failed", None
        session.add(delivery)
        webhook = delivery.webhook_id

    unread = await visitor.post(f"/webhooks/{webhook}/recover", {"since": "when?"})
    done = await visitor.post(f"/webhooks/{webhook}/recover", {"since": "today"})
    page = await visitor.get(done.headers["location"].removeprefix("/console"))

    assert unread.is_redirect
    assert "On their way again: 1 message." in page.text
    async with services.reads.db.read() as session:
        assert (await session.exec(select(DeliveryRow.state))).one() == "pending"
    assert [one[:2] for one in await _audited(services, "webhook.recover")] == [("staff:ann", webhook)]


async def test_a_webhook_that_nothing_gets_through_to_is_named_on_the_first_page(
    sign_in: SignIn, services: Services
) -> None:
    now = services.clock.now()
    async with services.reads.db.write() as session:
        webhook = (await session.exec(select(WebhookRow))).one()
        webhook.url, webhook.failing_since = "https://app.example/hooks?secret=abc", now - timedelta(minutes=5)
        session.add(webhook)

    seen = (await (await sign_in("admin", name="ann")).get("/now")).text
    by_support = (await (await sign_in("support", name="sam")).get("/now")).text

    assert f"{webhook.app_id} at app.example</a>: nothing has got through for 5 minutes" in seen
    assert f"/console/webhooks/{webhook.id}" in seen
    assert "Nothing gets through to 1 webhook." in seen
    assert "secret=abc" not in seen
    assert "app.example" not in by_support  # webhooks are for whoever manages apps


async def test_a_webhook_that_works_is_not(sign_in: SignIn) -> None:
    assert "nothing has got through" not in (await (await sign_in("admin")).get("/now")).text
