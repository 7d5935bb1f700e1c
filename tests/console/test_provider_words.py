"""A provider's own words on pages: where it answered, everywhere; its document's wording, nowhere as an answer."""

import json
from datetime import timedelta
from typing import Any

import pytest

from tests.console.conftest import SignIn
from tests.console.scenes import DAY, add_school, add_writeback, mark
from writeback.flow.projections.search import SearchIndex
from writeback.wiring import Services

LOCKED, OTHER, WORDED = "The register of 7B is locked", "No such teacher", "Invalid StudentId: A9"


def _refused(words: str | None, *, is_answered: bool = True) -> list[dict[str, Any]]:
    finding = {
        "code": "provider_refused",
        "severity": "error",
        "pointer": "/records/0",
        "record": 0,
        "message": "The provider refused this record.",
        "hint": "Mend it.",
        "provider_message": words,
        "provider_answered": is_answered,
    }
    return [{"status": "failed", "findings": [finding]}]


@pytest.fixture
async def ids(services: Services) -> dict[str, str]:
    """Three that failed: two that were answered with other words, one of which a document words it."""
    at = services.clock.now() - timedelta(minutes=5)
    async with services.reads.db.write() as session:

        def add(plain: Any) -> dict[str, str]:
            add_school(plain, at, "hillside", "Hillside School", "wonde", "SIMS")
            made = {}
            for number, (words, is_answered) in enumerate(((LOCKED, True), (OTHER, True), (WORDED, False))):
                progress = _refused(words, is_answered=is_answered)
                records = [mark(f"A{number}")]
                row = add_writeback(plain, at, "hillside", "failed", records=records, progress=progress, ended_at=at)
                row.progress = json.dumps(progress, separators=(",", ":"))
                made[words] = row.id
            return made

        found: dict[str, str] = await session.run_sync(add)
    await SearchIndex(services.reads.db).index()
    return found


@pytest.mark.parametrize(
    "path",
    ["/writebacks", "/now", f"/reports?school=hillside&date={DAY}", "/schools/hillside", "/writebacks?status=failed"],
)
async def test_pages_say_what_the_provider_answered_and_no_more(
    sign_in: SignIn, ids: dict[str, str], path: str
) -> None:
    visitor = await sign_in("support")

    shown = (await visitor.get(path)).text

    for words in (LOCKED, OTHER):
        assert f"The provider says: “{words}”" in shown
    assert WORDED not in shown


async def test_a_writebacks_page_says_whose_words_they_are(sign_in: SignIn, ids: dict[str, str]) -> None:
    visitor = await sign_in("support")

    answered, worded = [(await visitor.get(f"/writebacks/{ids[one]}")).text for one in (LOCKED, WORDED)]

    assert f"The provider says: “{LOCKED}”" in answered
    assert f"In its document the provider words this: “{WORDED}”" in worded
    assert "The provider says" not in worded


async def test_a_cause_leads_to_those_of_whom_the_provider_said_so(sign_in: SignIn, ids: dict[str, str]) -> None:
    visitor = await sign_in("support")
    now = (await visitor.get("/now")).text
    before = now[: now.index(f"The provider says: “{LOCKED}”")]
    address = before.rpartition('href="/console')[2].partition('"')[0].replace("&amp;", "&")

    listed = (await visitor.get(address)).text

    assert ids[LOCKED] in listed
    assert ids[OTHER] not in listed
    assert f"<strong>“{LOCKED}”</strong>" in listed
