"""Every provider: what is sent, taken, confirmed, refused, blocked, not reached, and what leaves doubt."""

from dataclasses import replace

import pytest
from conftest import REQUEST_ID, World

from writeback.domain.kinds import KINDS
from writeback.domain.outcome import Blocked, Evidenced, NotReached, Pending, Refused, Rejected, Taken, Uncertain
from writeback.domain.school import HoldReason


async def test_a_register_is_sent_taken_told_and_confirmed(world: World) -> None:
    records = world.register()
    sent = await world.take(records, await world.lookups())
    assert isinstance(await world.check(sent), Pending)

    await world.advance()

    (hint,) = world.hints()
    assert hint.event == "writeback"
    assert hint.provider_ref == sent.provider_ref
    assert hint.request_id in (None, REQUEST_ID)
    verdict = await world.check(sent)
    assert isinstance(verdict, Evidenced)
    assert verdict.evidence in ("webhook+poll", "callback")
    assert await world.marks() == {record.student_id: "/" for record in records}
