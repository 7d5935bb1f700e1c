"""A parent's question, answered in a real browser: in three clicks from Now, without JavaScript, and printed."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest

pytest.importorskip("playwright", reason="what drives a browser has no wheel for this machine (musl)")

from playwright.async_api import expect

from tests.console.bad_morning import bad_morning
from tests.console.browser import CHROMIUM, WHY_NOT, chromium, served
from tests.console.conftest import PASSWORD
from tests.console.names import ADA, BEN, ZOE, keep_codes, keep_names
from tests.console.scenes import DAY
from tests.console.test_in_a_browser import SIZES, Window
from writeback.console import create_console
from writeback.domain.outcome import ReadBack, SlotReadBack
from writeback.domain.staff import Role
from writeback.providers.base import SentRequest
from writeback.wiring import Services

pytestmark = [pytest.mark.skipif(CHROMIUM is None, reason=WHY_NOT), pytest.mark.slow]

Open = Callable[..., AbstractAsyncContextManager[Window]]


@pytest.fixture
async def window(services: Services, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Open]:
    """Open windows in which somebody has signed in; the MIS has L for whatever it is asked first."""

    async def read_back(account: Any, sent: SentRequest, lookups: Any) -> ReadBack:
        return ReadBack({0: SlotReadBack("L", matches=False)})

    monkeypatch.setattr(services.accept.flow.providers["wonde"], "read_back", read_back)
    await services.staff.accounts.add("ann@example.org", Role.SUPPORT, password=PASSWORD)
    await bad_morning(services)
    await keep_names(services, "oakfield", {"A104": ADA, "A105": BEN, "A106": ZOE})
    await keep_codes(services, "oakfield", {"/": "Present", "L": "Late"})
    async with served(create_console(services)) as origin, chromium() as browser:

        @asynccontextmanager
        async def opened(size: str, **options: Any) -> AsyncIterator[Window]:
            width, height = SIZES[size]
            context = await browser.new_context(viewport={"width": width, "height": height}, **options)
            found = Window(await context.new_page(), origin)
            await found.sign_in()
            yield found
            await context.close()

        yield opened


@pytest.mark.parametrize("size", list(SIZES))
async def test_a_parents_question_is_answered_in_three_clicks_without_javascript_and_printed(
    window: Open, size: str
) -> None:
    async with window(size, java_script_enabled=False) as opened:
        page = opened.page
        await page.get_by_label("Pupil’s school").select_option("Oakfield Academy")
        await page.get_by_label("Pupil: name, UPN or id").fill("ada exam")
        await page.get_by_role("button", name="Find the pupil").click()
        await expect(page.get_by_role("heading", level=1)).to_have_text("Example, Ada")
        await page.get_by_role("button", name="What does the MIS say now?").click()

        said = page.get_by_role("table", name="What the MIS says now")
        await expect(said.get_by_role("row").nth(1)).to_contain_text("L – Late")
        asked = page.get_by_role("table", name="What was asked for")
        await expect(asked.get_by_role("row").nth(1)).to_contain_text("A104 is not on roll")

        await page.emulate_media(media="print")
        for hidden in ("Main", "Another day"):
            await expect(page.locator(f"[aria-label='{hidden}']")).to_be_hidden()
        await expect(page.get_by_role("button", name="What does the MIS say now?")).to_be_hidden()
        await expect(page.get_by_role("heading", level=1)).to_have_text("Example, Ada")
        await expect(said).to_be_visible()
        await expect(page.get_by_text(ADA.upn)).to_be_visible()


@pytest.mark.parametrize("size", ["phone", "desk"])
async def test_who_is_found_and_what_the_mis_says_have_no_barrier_and_need_no_mouse(window: Open, size: str) -> None:
    async with window(size) as opened:
        page = opened.page
        await opened.open("/pupils?school=oakfield")
        await page.get_by_label("Pupil: name, UPN or id").focus()
        await page.keyboard.type("o")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("table", name="Pupils whom it may be")).to_be_visible()
        found = await opened.serious()
        assert await opened.overflow() <= 0

        await opened.open(f"/schools/oakfield/pupil?pupil=A104&date={DAY}")
        await page.get_by_role("button", name="What does the MIS say now?").focus()
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", name="What the MIS says now")).to_be_visible()
        found += await opened.serious()
        await page.emulate_media(color_scheme="dark")
        found += await opened.serious("color-contrast", "link-in-text-block")

        await page.get_by_role("table", name="What was asked for").get_by_role("link").first.click()
        await expect(page.get_by_text(f"Example, Ada, 8B, UPN {ADA.upn} (A104)")).to_be_visible()
        found += await opened.serious("color-contrast", "link-in-text-block")
        assert await opened.overflow() <= 0
        await opened.open("/writebacks?school=oakfield&status=partial")
        await expect(page.get_by_role("link", name="Example, Ada").first).to_be_visible()
        found += await opened.serious()

        assert found == []
        assert await opened.overflow() <= 0
        assert size != "phone" or await opened.scrolling() == []
