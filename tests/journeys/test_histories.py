"""A whole morning against the sandbox, and the history of each of its writebacks: in order by number and by time."""

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.journeys.house import House, School, running_house
from writeback.console.presenters.history import history_of
from writeback.domain.states import Event, Remark, Status, advance
from writeback_client.models.writebacks import Writeback

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:Call to deprecated close:DeprecationWarning"),  # arq's, of redis
]

_WAVES, _AT_ONCE = 9, 3


async def test_every_history_of_a_morning_is_in_order(tmp_path: Path, database_url: str) -> None:
    async with running_house(tmp_path, database_url=database_url) as house:
        schools = [await house.open_school("wonde", "Bromcom"), await house.open_school("xporter", "SIMS")]
        await house.order("faults", method="POST", kind="503", times=2)
        made: list[str] = []
        for wave in range(_WAVES):
            made += await asyncio.gather(*_registers(house, schools, wave))
            if wave == _WAVES // 3:
                await house.ask_api("POST", f"/v1/schools/{schools[0].id}/hold", {"reason": "held by a test"})
            if wave == 2 * _WAVES // 3:
                await house.ask_api("POST", f"/v1/schools/{schools[0].id}/resume")
        await house.delete("faults")

        found = [Writeback.model_validate(await house.end_of(one)) for one in made]

    assert {event.event for one in found for event in one.timeline} > {"retry", "held", "released", "confirmed"}
    for one in found:
        times = [event.at for event in one.timeline]
        assert times == sorted(times), one.timeline
        assert _led_to(one) == [event.status for event in one.timeline], one.timeline
        _assert_reads_well(one)


def _registers(house: House, schools: Sequence[School], wave: int) -> Iterator[Any]:
    """Yield the submissions of one wave, each of a few marks for pupils of its own."""
    for school in schools:
        for number in range(_AT_ONCE):
            start = (wave * _AT_ONCE + number) * 3 % (len(school.pupils) - 3)
            marks = [
                {
                    "student_id": pupil,
                    "date": "2026-01-12",
                    "session": "AM",
                    "code": "/",
                    "employee_id": school.staff[0],
                }
                for pupil in school.pupils[start : start + 3]
            ]
            yield house.submit(school, "attendance.session", marks)


def _led_to(found: Writeback) -> list[str]:
    """Return the status that each event leads to from the one before; raise IllegalTransition where it cannot."""
    first, *others = found.timeline
    assert first.event == Event.ACCEPTED
    led = [Status.QUEUED]
    for event in others:
        led.append(led[-1] if event.event in set(Remark) else advance(led[-1], Event(event.event)))
    return [status.value for status in led]


def _assert_reads_well(found: Writeback) -> None:
    """Each request stands behind what sent it, and before what came of it."""
    words = [entry.words for entry in history_of(found)]
    assert words[0] == "Accepted"
    sent = [place for place, text in enumerate(words) if text == "Being sent"]
    tried = [place for place, text in enumerate(words) if text.startswith("Request to")]
    assert tried == [place + 1 for place in sent], words
    settled = [place for place, text in enumerate(words) if text.startswith("Request settled")]
    assert len(settled) == len(tried)
    assert all(before < after for before, after in zip(tried, settled, strict=True)), words
    assert not settled or settled[-1] < len(words) - 1, "what came of the last request is an event"
