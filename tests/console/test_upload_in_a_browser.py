"""Handing in a file as people do it: dropped on the page, chosen, and chosen without JavaScript."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import pytest_asyncio

pytest.importorskip("playwright", reason="what drives a browser has no wheel for this machine (musl)")

from playwright.async_api import Browser, Page, expect

from tests.console.bad_morning import bad_morning
from tests.console.browser import CHROMIUM, WHY_NOT, browser, served  # noqa: F401 - a fixture
from tests.console.conftest import PASSWORD
from writeback.console import create_console
from writeback.core.clock import FakeClock
from writeback.core.settings import Settings
from writeback.domain.staff import Role
from writeback.wiring import open_services

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason=WHY_NOT),
    pytest.mark.slow,
    pytest.mark.asyncio(loop_scope="module"),  # as the browser
]

MARKS = "student_id,date,session,code\r\nA200,2026-01-12,AM,/\r\n"
_DROP = """([place, files]) => {
  const data = new DataTransfer();
  for (const [name, text] of files) data.items.add(new File([text], name, { type: "text/csv" }));
  const at = document.querySelector(place);
  for (const type of ["dragover", "drop"]) {
    at.dispatchEvent(new DragEvent(type, { dataTransfer: data, bubbles: true, cancelable: true }));
  }
}"""


@dataclass
class Office:
    origin: str
    browser: Browser

    async def open(self, *, javascript: bool = True) -> Page:
        """Return a page on which somebody is about to upload a file for St Mary's."""
        context = await self.browser.new_context(java_script_enabled=javascript)
        context.set_default_timeout(15_000)
        page = await context.new_page()
        await page.goto(f"{self.origin}/console/sign-in")
        await page.get_by_label("Name").fill("sam")
        await page.get_by_label("Password").fill(PASSWORD)
        await page.get_by_role("button", name="Sign in", exact=True).click()
        await page.get_by_role("link", name="Upload", exact=True).click()
        await page.get_by_label("School").select_option("st-marys")
        return page


@pytest_asyncio.fixture(loop_scope="module")
async def office(settings: Settings, fake_clock: FakeClock, browser: Browser) -> AsyncIterator[Office]:  # noqa: F811
    async with open_services(settings, clock=fake_clock) as services:
        await bad_morning(services)
        await services.staff.accounts.add("sam", Role.SUPPORT, password=PASSWORD)
        services.settings.batches.max_file_bytes = 10_000
        async with served(create_console(services)) as origin:
            yield Office(origin, browser)


async def test_file_is_dropped_on_its_place(office: Office) -> None:
    page = await office.open()

    await page.evaluate(_DROP, [".drop", [["marks.csv", MARKS]]])

    await expect(page.locator("#announcer")).to_have_text("marks.csv is chosen.")
    await page.get_by_role("button", name="Upload and look at it").click()
    await expect(page.get_by_role("heading", level=1)).to_contain_text("marks.csv")


async def test_file_dropped_beside_its_place_does_not_take_the_page_away(office: Office) -> None:
    page = await office.open()

    is_prevented = await page.evaluate(
        """() => {
          const data = new DataTransfer();
          data.items.add(new File(["x"], "marks.csv"));
          const event = new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true });
          document.querySelector("h1").dispatchEvent(event);
          return event.defaultPrevented;
        }"""
    )

    assert is_prevented
    assert await page.evaluate("document.getElementById('f-file').files.length") == 0


async def test_several_files_and_one_that_is_too_large_are_told_before_they_are_sent(office: Office) -> None:
    page = await office.open()

    await page.evaluate(_DROP, [".drop", [["a.csv", MARKS], ["b.csv", MARKS]]])
    error = page.locator("[data-drop-error]")
    await expect(error).to_contain_text("That was more than one file")

    await page.evaluate(_DROP, [".drop", [["large.csv", MARKS * 500]]])
    await expect(error).to_contain_text("large.csv is too large")
    await page.get_by_role("button", name="Upload and look at it").click()
    assert page.url.endswith("/console/upload"), "nothing was sent"


@pytest.mark.parametrize("javascript", [True, False])
async def test_file_is_chosen_by_hand(office: Office, javascript: bool) -> None:
    page = await office.open(javascript=javascript)

    await page.get_by_label("File", exact=True).set_input_files(
        {"name": "marks.csv", "mimeType": "text/csv", "buffer": MARKS.encode()}
    )
    await page.get_by_role("button", name="Upload and look at it").click()

    await expect(page.get_by_role("heading", level=1)).to_contain_text("marks.csv")
