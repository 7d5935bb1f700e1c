"""One writeback: what it shows and to whom, correcting it field by field, cancelling it, settling it."""

import json
from collections.abc import Sequence

import pytest
from sqlmodel import select

from tests.console.bad_morning import bad_morning
from tests.console.conftest import SignIn
from writeback.core.secrets import SecretBox
from writeback.domain.outcome import RawAnswer, Refused
from writeback.flow.engine.provider_answers import keep_answer
from writeback.store.tables import AttemptRow, AuditRow, ProviderAnswerRow, RequestRow, WritebackRow
from writeback.wiring import Services

COMMENT = "came with his mother"
WHY = "the code was a typing error"


@pytest.fixture
async def failed(services: Services) -> str:
    """One with a wrong code and a comment."""
    return (await bad_morning(services))[0]


async def _row(services: Services, id_: str) -> WritebackRow:
    async with services.reads.db.read() as session:
        return (await session.exec(select(WritebackRow).where(WritebackRow.id == id_))).one()


async def _of_status(services: Services, status: str) -> str:
    async with services.reads.db.read() as session:
        return (await session.exec(select(WritebackRow.id).where(WritebackRow.status == status))).all()[0]


async def _audited(services: Services, action: str) -> Sequence[AuditRow]:
    async with services.reads.db.read() as session:
        return (await session.exec(select(AuditRow).where(AuditRow.action == action))).all()


@pytest.mark.parametrize("role", ["viewer", "support", "admin"])
async def test_comments_are_hidden_at_first(role: str, sign_in: SignIn, failed: str) -> None:
    answer = await (await sign_in(role)).get(f"/writebacks/{failed}")

    assert COMMENT not in answer.text
    assert ("Show comments" in answer.text) == (role != "viewer")


async def test_showing_comments_is_written_down(sign_in: SignIn, failed: str, services: Services) -> None:
    visitor = await sign_in("support", name="sam")

    answer = await visitor.post(f"/writebacks/{failed}/show")

    assert COMMENT in answer.text
    assert [(row.actor, row.subject) for row in await _audited(services, "writeback.show")] == [("staff:sam", failed)]


@pytest.mark.parametrize(
    "path", ["show", "edit", "edit/show", "cancel", "resubmit", "resolve", "check", "requests/req_1/answer"]
)
async def test_viewer_may_do_nothing(path: str, sign_in: SignIn, failed: str) -> None:
    visitor = await sign_in("viewer")

    answer = await visitor.post(f"/writebacks/{failed}/{path}", {"confirmed": "yes", "reason": "x"})

    assert answer.status_code == 403


async def test_one_field_is_mended_and_the_rest_stays(sign_in: SignIn, failed: str, services: Services) -> None:
    visitor = await sign_in("support", name="sam")
    form = await visitor.get(f"/writebacks/{failed}/edit")
    assert "Z9 (not in the school’s list)" in form.text
    assert COMMENT not in form.text

    answer = await visitor.post(f"/writebacks/{failed}/edit", {"r0.code": "L", "reason": WHY})

    row = await _row(services, failed)
    assert answer.headers["location"] == f"/console/writebacks/{failed}"
    assert row.status == "queued"
    assert '"code":"L"' in row.records
    assert COMMENT in row.records
    written = (await _audited(services, "writeback.resubmit"))[0]
    assert (written.actor, written.reason) == ("staff:sam", WHY)
    assert written.changed["edited"] == [{"record": 0, "fields": ["code"]}]


async def test_what_is_still_wrong_is_said_beside_its_field(sign_in: SignIn, failed: str, services: Services) -> None:
    visitor = await sign_in("support")

    answer = await visitor.post(f"/writebacks/{failed}/edit", {"r0.code": "Q7", "reason": WHY})

    assert answer.status_code == 422
    assert 'id="e-r0.code"' in answer.text
    assert (await _row(services, failed)).status == "failed"


async def test_checking_changes_nothing(sign_in: SignIn, failed: str, services: Services) -> None:
    visitor = await sign_in("support")

    answer = await visitor.post(f"/writebacks/{failed}/edit", {"r0.code": "L", "check": "yes"})

    assert "All of it is good" in answer.text
    assert (await _row(services, failed)).status == "failed"


async def test_mending_without_a_reason_is_refused(sign_in: SignIn, failed: str, services: Services) -> None:
    visitor = await sign_in("support")

    answer = await visitor.post(f"/writebacks/{failed}/edit", {"r0.code": "L"})

    assert answer.status_code == 422
    assert "Say why." in answer.text
    assert (await _row(services, failed)).status == "failed"


async def test_cancelling_asks_first(sign_in: SignIn, failed: str, services: Services) -> None:
    visitor, held = await sign_in("support"), await _of_status(services, "held")

    asked = await visitor.post(f"/writebacks/{held}/cancel")
    before = (await _row(services, held)).status
    await visitor.post(f"/writebacks/{held}/cancel", {"confirmed": "yes", "reason": "sent twice"})

    assert "Cancel this writeback?" in asked.text
    assert (before, (await _row(services, held)).status) == ("held", "cancelled")


async def test_what_the_mis_has_is_shown_and_a_person_decides(sign_in: SignIn, failed: str, services: Services) -> None:
    visitor, uncertain = await sign_in("support"), await _of_status(services, "needs_attention")
    shown = await visitor.get(f"/writebacks/{uncertain}/resolve")
    form = {"record": "0", "outcome": "failed", "reason": "the office was right"}

    without = await visitor.post(f"/writebacks/{uncertain}/resolve", {"record": "0"})
    await visitor.post(f"/writebacks/{uncertain}/resolve", form)

    assert '<strong class="mono value">N</strong>' in shown.text
    assert without.status_code == 422
    assert (await _row(services, uncertain)).status == "failed"


NEAR = [
    {
        "mis_id": mis_id,
        "created_at": None,
        "fields": [
            {"field": "students", "ours": "A104, A105", "in_mis": "A104", "differs": True},
            {"field": "type", "ours": "BULL", "in_mis": "BULL", "differs": False},
            {"field": "comment", "ours": None, "in_mis": None, "differs": True},
        ],
    }
    for mis_id in ("B7", "B8")
]


@pytest.fixture
async def uncertain(services: Services, failed: str) -> str:
    """One of which two things in the MIS are nearly what it says."""
    id_ = await _of_status(services, "needs_attention")
    async with services.reads.db.write() as session:
        row = (await session.exec(select(WritebackRow).where(WritebackRow.id == id_))).one()
        row.progress = json.dumps([{"status": "needs_attention", "near": NEAR}])
        session.add(row)
    return id_


@pytest.mark.parametrize("page", ["", "/resolve"])
async def test_what_is_nearly_it_in_the_mis_is_shown_beside_what_was_sent(
    page: str, sign_in: SignIn, uncertain: str
) -> None:
    shown = (await (await sign_in("support")).get(f"/writebacks/{uncertain}{page}")).text

    assert '<strong class="mono">B7</strong>' in shown
    assert '<strong class="mono">A104</strong>, we sent <strong class="mono">A104, A105</strong>' in shown
    assert "<strong>in other words</strong>, not shown here" in shown
    assert ('name="mis-0" value="B8"' in shown) == bool(page)


async def test_a_person_chooses_which_of_several_it_is(sign_in: SignIn, uncertain: str, services: Services) -> None:
    visitor, form = await sign_in("support"), {"record": "0", "outcome": "confirmed", "reason": "the office says so"}

    without = await visitor.post(f"/writebacks/{uncertain}/resolve", form)
    await visitor.post(f"/writebacks/{uncertain}/resolve", {**form, "mis-0": "B8"})

    assert without.status_code == 422
    assert "Choose which of those in the MIS is ours" in without.text
    row = await _row(services, uncertain)
    assert (row.status, json.loads(row.progress)[0]["mis_ids"]) == ("confirmed", ["B8"])


PUPIL = "Persephone Quill"


async def _carried(services: Services, writeback_id: str, state: str, said: bytes | None = None) -> None:
    """Let a request have carried it, and the provider have answered so."""
    row, now = await _row(services, writeback_id), services.clock.now()
    request = RequestRow(
        id="req_1",
        lane_id=row.lane_id,
        school_id=row.school_id,
        provider="wonde",
        kind=row.kind,
        state=state,
        fence=1,
        members=[[row.id, [0]]],
        created_at=now,
        sent_at=now,
    )
    async with services.reads.db.write() as session:
        session.add(request)
        await session.flush()
        session.add(AttemptRow(request_id="req_1", number=1, started_at=now, finished_at=now, outcome="refused"))
    if said is not None:
        refused = Refused("422", raw=RawAnswer(422, "text/html", said, len(said) + 1))
        secrets = SecretBox(*services.settings.effective_secret_keys)
        await services.reads.db.transact(lambda session: keep_answer(secrets, session, "req_1", refused, now))


async def test_what_the_provider_answered_is_shown_escaped_and_written_down(
    sign_in: SignIn, failed: str, services: Services
) -> None:
    await _carried(services, failed, "settled", f"<script>alert('{PUPIL}')</script>".encode())
    visitor = await sign_in("support", name="sam")
    for page in ("", "/history"):
        shown = await visitor.get(f"/writebacks/{failed}{page}")
        assert "Show what the provider answered" in shown.text
        assert PUPIL not in shown.text

    answer = await visitor.post(f"/writebacks/{failed}/requests/req_1/answer")

    assert answer.status_code == 200
    assert f"&lt;script&gt;alert(&#39;{PUPIL}&#39;)&lt;/script&gt;" in answer.text
    assert "its beginning is kept" in answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert [(row.actor, row.subject) for row in await _audited(services, "writeback.answer")] == [("staff:sam", failed)]
    log = await (await sign_in("admin")).get("/audit")
    assert "Saw what a provider answered" in log.text


async def test_viewers_are_not_offered_what_the_provider_answered(
    sign_in: SignIn, failed: str, services: Services
) -> None:
    await _carried(services, failed, "settled", b"no")
    shown = await (await sign_in("viewer")).get(f"/writebacks/{failed}")
    assert "Show what the provider answered" not in shown.text
    elsewhere = await sign_in("support", schools=["hillside"])
    assert (await elsewhere.post(f"/writebacks/{failed}/requests/req_1/answer")).status_code == 404


async def test_an_answer_that_another_key_has_sealed_says_so(sign_in: SignIn, failed: str, services: Services) -> None:
    await _carried(services, failed, "settled", b"no")
    async with services.reads.db.write() as session:
        row = await session.get(ProviderAnswerRow, "req_1")
        row.sealed = SecretBox("another key").seal({})
        session.add(row)
    visitor = await sign_in("support")
    answer = await visitor.post(f"/writebacks/{failed}/requests/req_1/answer")
    assert answer.is_redirect
    assert "sealed with another secret key" in (await visitor.get(f"/writebacks/{failed}")).text


async def test_what_awaits_evidence_can_be_checked_now(sign_in: SignIn, failed: str, services: Services) -> None:
    visitor = await sign_in("support", name="sam")
    assert "Check now" not in (await visitor.get(f"/writebacks/{failed}")).text
    await _carried(services, failed, "taken")
    assert "Check now" in (await visitor.get(f"/writebacks/{failed}")).text

    assert (await visitor.post(f"/writebacks/{failed}/check")).is_redirect
    assert "It is looked at now" in (await visitor.get(f"/writebacks/{failed}")).text
    await visitor.post(f"/writebacks/{failed}/check")
    assert "It is being looked at already" in (await visitor.get(f"/writebacks/{failed}")).text
    assert [(row.actor, row.subject) for row in await _audited(services, "writeback.check")] == [("staff:sam", failed)]


async def test_where_there_is_nothing_to_check_it_says_so(sign_in: SignIn, failed: str) -> None:
    visitor = await sign_in("support")
    await visitor.post(f"/writebacks/{failed}/check")
    assert "Nothing was done: it is failed" in (await visitor.get(f"/writebacks/{failed}")).text


async def test_a_try_of_which_nothing_could_go_is_in_the_history(sign_in: SignIn, failed: str) -> None:
    visitor = await sign_in("support", name="sam")
    await visitor.post(f"/writebacks/{failed}/resubmit", {"confirmed": "yes", "reason": WHY})

    shown = (await visitor.get(f"/writebacks/{failed}")).text
    audited = (await visitor.get(f"/audit?subject={failed}")).text
    to_viewers = (await (await sign_in("viewer")).get(f"/writebacks/{failed}")).text

    assert f"/console/audit?subject={failed}" in shown
    for page in (shown, audited):
        assert WHY in page
        assert "nothing could go" in page
        assert "because: code unknown (1 record)" in page
    assert "nothing could go" not in to_viewers
    assert "/console/audit?subject" not in to_viewers


async def test_a_request_leads_to_all_that_it_carried(sign_in: SignIn, failed: str, services: Services) -> None:
    partial = await _of_status(services, "partial")
    visitor = await sign_in("viewer")
    shown = (await visitor.get(f"/writebacks/{partial}")).text
    address = shown.partition('href="/console/writebacks?provider_ref=')[2].partition('"')[0]

    listed = (await visitor.get(f"/writebacks?provider_ref={address}")).text

    assert address.startswith("req_")
    assert partial in listed
    assert failed not in listed
