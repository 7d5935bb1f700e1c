"""Retention: what is kept for how long, what runs have deleted, and what a writeback shows whose content is gone."""

from datetime import timedelta

from tests.console.conftest import SignIn
from tests.console.scenes import add_school, add_writeback, mark
from writeback.core.clock import FakeClock
from writeback.wiring import Services

_FAILED = [{"status": "failed", "findings": []}]


async def test_rules_and_runs_are_shown_to_administrators(
    services: Services, fake_clock: FakeClock, sign_in: SignIn
) -> None:
    await _old(services, fake_clock)
    admin = await sign_in("admin")
    before = await admin.get("/retention")
    await services.retention.run()
    after = await admin.get("/retention")

    assert "No run yet" in before.text
    assert "90 days" in before.text
    assert "What writebacks say, after they ended" in after.text
    assert "Done" in after.text
    assert (await (await sign_in("support")).get("/retention")).status_code == 403


async def test_it_says_when_nothing_has_been_deleted_for_long(
    services: Services, fake_clock: FakeClock, sign_in: SignIn
) -> None:
    await services.retention.run()
    fake_clock.advance(timedelta(days=2))

    answer = await (await sign_in("admin")).get("/retention")

    assert "Nothing has been deleted for more than a day" in answer.text


async def test_a_writeback_whose_content_is_gone_says_so_and_is_not_sent_again(
    services: Services, fake_clock: FakeClock, sign_in: SignIn
) -> None:
    writeback_id = await _old(services, fake_clock)
    await services.retention.run()
    staff = await sign_in("support")

    shown = await staff.get(f"/writebacks/{writeback_id}")
    listed = await staff.get("/writebacks?school=oakfield")
    edit = await staff.get(f"/writebacks/{writeback_id}/edit")

    assert "Deleted for its age" in shown.text
    assert "What it said has been deleted for its age." in shown.text
    assert "Send again" not in shown.text
    assert listed.status_code == 200
    assert writeback_id in listed.text
    assert edit.status_code < 500


async def _old(services: Services, clock: FakeClock) -> str:
    """Have a writeback fail, a hundred days ago."""

    def work(session):  # type: ignore[no-untyped-def]
        add_school(session, clock.now(), "oakfield", "Oakfield", "wonde", "SIMS")
        records = [mark("A101") | {"comment": "at the dentist"}]
        return add_writeback(session, clock.now(), "oakfield", "failed", records=records, progress=_FAILED).id

    writeback_id = await services.reads.db.transact(work)
    clock.advance(timedelta(days=100))
    return writeback_id
