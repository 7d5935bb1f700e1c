"""A school office's morning in the console, without a terminal: a register as SIMS lays it out, to marks in the MIS.

The file has UPNs and no ids. Its shape, a row a pupil and a column a session, is that of the registers which schools
print from SIMS; its pupils are invented.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import pytest
import pytest_asyncio

pytest.importorskip("playwright", reason="what drives a browser has no wheel for this machine (musl)")

from playwright.async_api import Browser, Page, expect

from tests.console.browser import CHROMIUM, WHY_NOT, browser, served  # noqa: F401 - a fixture
from tests.console.conftest import PASSWORD
from tests.journeys.house import House, School, running_house
from tests.secret_key import SECRET_KEY
from writeback.console import create_console
from writeback.core.clock import SystemClock
from writeback.core.settings import Settings
from writeback.domain.staff import Role
from writeback.wiring import open_services

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason=WHY_NOT),
    pytest.mark.slow,
    pytest.mark.asyncio(loop_scope="module"),  # as the browser
    pytest.mark.filterwarnings("ignore:Call to deprecated close:DeprecationWarning"),  # arq's, of redis
]

_PATIENCE_MS = 30_000
UPNS = ["Y999999926001", "Z999999926002", "A999999926003"]
NAMES = ["Pat", "Kim", "Lee"]


@dataclass
class Office:
    house: House
    school: School
    origin: str
    browser: Browser
    day: date
    pupils: list[str]
    """The provider's ids of those in the file, in its order."""

    @property
    def register(self) -> str:
        """The file: one UPN has a digit too few, and one mark is none of the school's."""
        day = f"{self.day:%a %d/%m/%Y}"
        rows = [
            f'"Example, {NAMES[0]}",{UPNS[0]},8B,/,\\',
            f'"Example, {NAMES[1]}",{UPNS[1]},8B,Late,\\',
            f'"Example, {NAMES[2]}",{UPNS[2][:-1]},8B,L,\\',
        ]
        head = ["Springfield School,,,,", "Registration group 8B,,,,", f"Name,UPN,Reg,{day} AM,{day} PM"]
        return "\r\n".join([*head, *rows, "Total present,,,3,3", ""])


@pytest_asyncio.fixture(loop_scope="module")
async def office(tmp_path: Path, browser: Browser) -> AsyncIterator[Office]:  # noqa: F811
    """A school with three pupils whose UPNs are known, and a person of its office with an account."""
    settings = Settings(data_dir=tmp_path, secret_key=SECRET_KEY, console={"refresh_s": 1})
    async with running_house(tmp_path) as house, open_services(settings) as services:
        school = await house.open_school("wonde", "SIMS")
        new = [{"surname": "Example", "forename": name, "upn": upn} for name, upn in zip(NAMES, UPNS, strict=True)]
        await house.order(f"schools/{school.provider_id}", add_pupils=new)
        before = set(await _listed(house, school))
        await house.ask_api("POST", f"/v1/schools/{school.id}/sync?full=true")
        pupils = [one for one in await _listed(house, school) if one not in before]
        await services.staff.accounts.add("sam", Role.SUPPORT, password=PASSWORD, schools=[school.id])
        async with served(create_console(services)) as origin:
            today = SystemClock().now().date()
            day = today - timedelta(days=max(0, today.weekday() - 4))
            yield Office(house, school, origin, browser, day, pupils)


async def _listed(house: House, school: School) -> list[str]:
    found = await house.ask_api("GET", f"/v1/schools/{school.id}/lookups/students?limit=200")
    return [row["id"] for row in found["items"]]


@pytest.mark.parametrize("javascript", [True, False])
async def test_a_register_is_uploaded_mended_sent_and_confirmed(office: Office, javascript: bool) -> None:
    context = await office.browser.new_context(java_script_enabled=javascript)
    context.set_default_timeout(_PATIENCE_MS)
    page = await context.new_page()
    await _sign_in(page, office.origin)

    await page.get_by_role("link", name="Upload", exact=True).click()
    register = {"name": "8B.csv", "mimeType": "text/csv", "buffer": office.register.encode()}
    await page.get_by_label("File", exact=True).set_input_files(register)
    await page.get_by_role("button", name="Upload and look at it").click()
    await _look_until(page, page.get_by_role("heading", name="What was understood"), by_itself=javascript)

    await expect(page.get_by_text("2 found, 1 unknown")).to_be_visible()
    await page.get_by_label("Their UPN or admission number").fill(UPNS[2])
    await page.get_by_role("button", name="Take these").click()
    await expect(page.get_by_text("1 person chosen: 1 row to be corrected.")).to_be_visible()

    await expect(page.get_by_role("group", name="Row 5 (D)")).to_contain_text("Late")
    await page.get_by_role("group", name="Row 5 (D)").get_by_label("Mark", exact=True).select_option("L")
    await page.get_by_role("button", name="Check these rows again").click()
    await expect(page.get_by_text("1 row changed and checked: nothing is left")).to_be_visible()

    await page.get_by_role("button", name="Send the 6 good rows").click()
    await _look_until(page, page.get_by_text("Done", exact=True), by_itself=javascript)

    marks = (await office.house.ask(f"schools/{office.school.provider_id}/marks"))["marks"]
    day = office.day.isoformat()
    own = {(one["student_id"], one["session"]): one["code"] for one in marks if one["date"] == day}
    assert sorted(code for (pupil, _), code in own.items() if pupil in office.pupils) == sorted("/LL\\\\\\")
    await context.close()


async def _look_until(page: Page, wanted: object, *, by_itself: bool) -> None:
    """Wait for what the page shows by itself; without JavaScript look again, as somebody would."""
    for _ in range(0 if by_itself else 60):
        if await wanted.count():  # type: ignore[attr-defined]
            break
        await page.wait_for_timeout(500)
        await page.reload()
    await expect(wanted.first).to_be_visible(timeout=_PATIENCE_MS)  # type: ignore[attr-defined]


async def _sign_in(page: Page, origin: str) -> None:
    await page.goto(f"{origin}/console/now")
    await page.get_by_label("Name").fill("sam")
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in", exact=True).click()
    await page.wait_for_url("**/now")
