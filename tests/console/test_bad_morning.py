"""A bad morning as support staff live it, in a real browser, with a worker and simulated providers behind it."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import pytest
import pytest_asyncio

pytest.importorskip("playwright", reason="what drives a browser has no wheel for this machine (musl)")

from playwright.async_api import Browser, Page, expect
from sqlmodel import Session, select

from tests.console.browser import CHROMIUM, WHY_NOT, browser, served  # noqa: F401 - a fixture
from tests.console.conftest import PASSWORD
from tests.journeys.house import House, School, running_house
from tests.secret_key import SECRET_KEY
from writeback.console import create_console
from writeback.core.clock import SystemClock
from writeback.core.settings import Settings
from writeback.domain.actor import SERVICE
from writeback.domain.school import HoldReason
from writeback.domain.staff import Role
from writeback.store.tables import WritebackRow
from writeback.store.writebacks.writebacks import add_event
from writeback.wiring import Services, open_services

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason=WHY_NOT),
    pytest.mark.slow,
    pytest.mark.asyncio(loop_scope="module"),  # as the browser
    pytest.mark.filterwarnings("ignore:Call to deprecated close:DeprecationWarning"),  # arq's, of redis
]

FAILED = 12
WHY = "the app sent an old code"
_PATIENCE_MS = 30_000


@dataclass
class Morning:
    services: Services
    origin: str
    browser: Browser
    hillside: School
    oakfield: School


@pytest_asyncio.fixture(loop_scope="module")
async def bad_morning(tmp_path: Path, browser: Browser) -> AsyncIterator[Morning]:  # noqa: F811
    """One school's agent is offline, and marks wait; at the other 12 have failed, one of them with a wrong code."""
    settings = Settings(data_dir=tmp_path, secret_key=SECRET_KEY, console={"refresh_s": 1})
    async with running_house(tmp_path) as house, open_services(settings) as services:
        await services.staff.accounts.add("sam", Role.SUPPORT, password=PASSWORD)
        hillside = await house.open_school("xporter", "SIMS")
        oakfield = await house.open_school("wonde", "SIMS")
        for school in (hillside, oakfield):
            await services.holds.hold(school.id, HoldReason.OFFLINE, "Its agent has not answered.", SERVICE)
        await _submit(house, hillside, 3)
        await _submit(house, oakfield, FAILED)
        await services.reads.db.transact(lambda session: _fail(session, oakfield.id))
        await services.holds.resume(oakfield.id, SERVICE)
        async with served(create_console(services)) as origin:
            yield Morning(services, origin, browser, hillside, oakfield)


async def _submit(house: House, school: School, marks: int) -> None:
    day = _school_day().isoformat()
    for pupil in school.pupils[:marks]:
        record = {"student_id": pupil, "date": day, "session": "AM", "code": "/"}
        await house.submit(school, "attendance.session", [record])


def _school_day() -> date:
    """Return today or, at a weekend, the Friday before."""
    today = SystemClock().now().date()
    return today - timedelta(days=max(0, today.weekday() - 4))


def _fail(session: Session, school: str) -> None:
    rows = session.exec(select(WritebackRow).where(WritebackRow.school_id == school)).all()
    finding = {
        "code": "code_unknown",
        "severity": "error",
        "pointer": "/records/0/code",
        "record": 0,
        "message": "code is Q7: there is no such code",
        "hint": "Use one of the school's codes.",
        "provider_message": None,
    }
    for number, row in enumerate(rows):
        row.status, row.hold_reason = "failed", None
        row.progress = json.dumps([{"status": "failed", "findings": [] if number else [finding]}])
        if not number:
            row.records = row.records.replace('"code":"/"', '"code":"Q7"')
        session.add(row)
        add_event(session, row, "failed", now=SystemClock().now(), actor="provider:wonde", detail=None)


@pytest.mark.parametrize("javascript", [True, False])
async def test_support_finds_what_failed_corrects_one_and_sees_all_confirmed(
    bad_morning: Morning, javascript: bool
) -> None:
    morning = bad_morning
    context = await morning.browser.new_context(java_script_enabled=javascript)
    context.set_default_timeout(_PATIENCE_MS)
    page = await context.new_page()
    await _sign_in(page, morning.origin)

    await page.get_by_role("link", name="SIMS through xporter").first.click()
    await expect(page.get_by_text("Its agent does not answer").first).to_be_visible()
    await expect(page.get_by_role("link", name="3 held session marks")).to_be_visible()

    await page.get_by_role("navigation", name="Main").get_by_role("link", name="Writebacks").click()
    await page.get_by_label("School").first.select_option(label="SIMS through wonde")
    await page.get_by_role("button", name="Show", exact=True).click()
    await page.get_by_role("link", name="Went wrong").click()
    await expect(page.locator("tbody tr")).to_have_count(FAILED)

    await page.locator("tbody tr", has_text="Q7").get_by_role("link").first.click()
    await page.get_by_role("link", name="Correct and resubmit").click()
    await page.get_by_label("Mark", exact=True).select_option("/")
    await page.get_by_label("Why").fill(WHY)
    await page.get_by_role("button", name="Send again", exact=True).click()
    await expect(page.get_by_text("On its way again: 1 record, 1 of them corrected.")).to_be_visible()

    await page.goto(f"{morning.origin}/console/writebacks?school={morning.oakfield.id}&status=failed")
    await page.get_by_label("all that match").check()
    await page.get_by_role("button", name="Send again").click()
    await expect(page.locator("strong.count")).to_have_text(str(FAILED - 1))
    await page.get_by_label("Why").fill(WHY)
    await page.get_by_role("button", name="Send them again").click()
    await expect(page.get_by_role("heading", name="Sent again")).to_be_visible()
    await expect(page.locator(".figure").first).to_contain_text(str(FAILED - 1))

    await _see_confirmed(page, f"{morning.origin}/console/writebacks?school={morning.oakfield.id}&status=confirmed")
    await page.goto(f"{morning.origin}/console/audit?who=sam&action=writeback.")
    await expect(page.locator("tbody tr", has_text=WHY)).to_have_count(FAILED)
    await context.close()


async def _sign_in(page: Page, origin: str) -> None:
    await page.goto(f"{origin}/console/now")
    await page.get_by_label("Name").fill("sam")
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in", exact=True).click()
    await page.wait_for_url("**/now")


async def _see_confirmed(page: Page, address: str) -> None:
    """Look again until all are there, as somebody would."""
    for _ in range(60):
        await page.goto(address)
        if await page.locator("tbody tr").count() == FAILED:
            return
        await page.wait_for_timeout(500)
    raise AssertionError(f"not all were confirmed: {await page.locator('tbody tr').count()}")
