"""Tests are told from what is real on every page, and can be looked at by themselves."""

from typing import Any

import pytest

from tests.console.scenes import add_writeback
from writeback.domain.access import Scope
from writeback.domain.mode import Mode
from writeback.flow.projections.rollups import Rollup

MARK = "it shows reaches the sandbox"


@pytest.fixture
async def both(services: Any, add_school: Any) -> dict[str, str]:
    """A live school and a test school, each with a writeback that failed; the writebacks by school."""
    await add_school("hillside", name="Hillside")
    await add_school("playground", name="Playground", mode="test")
    now = services.clock.now()

    def add(session: Any) -> dict[str, str]:
        return {one: add_writeback(session, now, one, "failed").id for one in ("hillside", "test_playground")}

    made = await services.reads.db.transact(add)
    await Rollup(services.reads.db, services.clock).count()
    await services.keys.create("Registers", "", [Scope.READ], mode=Mode.TEST)
    return dict(made)


PATHS = [
    "/schools/{school}",
    "/schools/{school}/words",
    "/schools/{school}/settings",
    "/schools/{school}/people",
    "/writebacks/{writeback}",
    "/writebacks/{writeback}/edit",
    "/writebacks?school={school}",
    "/reports?school={school}&date=2026-01-12",
    "/batches?school={school}",
    "/audit?school={school}",
]


@pytest.mark.parametrize("path", PATHS)
async def test_pages_of_a_test_school_say_so_and_others_do_not(both: dict[str, str], sign_in: Any, path: str) -> None:
    visitor = await sign_in()

    for school, is_marked in (("test_playground", True), ("hillside", False)):
        page = await visitor.get(path.format(school=school, writeback=both[school]))
        assert page.status_code == 200, page.text
        assert (MARK in page.text) is is_marked


@pytest.mark.parametrize("path", ["/now", "/schools", "/writebacks"])
async def test_lists_can_be_of_either(both: dict[str, str], sign_in: Any, path: str) -> None:
    visitor = await sign_in()

    live = (await visitor.get(f"{path}?mode=live")).text
    tests = (await visitor.get(f"{path}?mode=test")).text

    assert "/schools/hillside" in live
    assert "/schools/test_playground" not in live
    assert MARK not in live
    assert "/schools/test_playground" in tests
    assert "/schools/hillside" not in tests
    assert MARK in tests


async def test_a_list_of_both_names_tests_as_such(both: dict[str, str], sign_in: Any) -> None:
    page = await (await sign_in()).get("/writebacks")

    assert "Playground (test)" in page.text
    assert "Hillside (test)" not in page.text


async def test_now_leaves_tests_out(both: dict[str, str], sign_in: Any) -> None:
    page = await (await sign_in()).get("/now")

    assert "/schools/hillside" in page.text
    assert "test_playground" not in page.text


async def test_what_is_done_to_a_list_of_one_mode_leaves_the_other_alone(
    both: dict[str, str], services: Any, sign_in: Any
) -> None:
    page = await (await sign_in()).get("/writebacks?mode=test&status=failed")

    assert both["test_playground"] in page.text
    assert both["hillside"] not in page.text
    assert 'name="mode" value="test"' in page.text or "mode=test" in page.text


async def test_test_keys_are_made_and_told_here(both: dict[str, str], services: Any, sign_in: Any) -> None:
    visitor = await sign_in()

    made = await visitor.post("/apps/new", {"app": "Registers", "scope": "read", "test": "yes"})
    shown = (await visitor.get("/apps")).text

    assert "wbk_test_" in made.text
    assert "all test schools" in shown
    assert MARK in made.text
