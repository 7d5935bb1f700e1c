"""Every page in a real browser: nothing serious for axe, nothing wider than the window, usable by keyboard alone."""

import json
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
import pytest_asyncio

pytest.importorskip("playwright", reason="what drives a browser has no wheel for this machine (musl)")

from axe_core_python.async_playwright import Axe
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, expect
from sqlmodel import Session, col, select

from tests.console.bad_morning import bad_morning
from tests.console.browser import CHROMIUM, WHY_NOT, browser, served  # noqa: F401 - a fixture
from tests.console.conftest import PASSWORD
from tests.console.reviews import GRID, MARKS, UNSURE, file_in_review
from tests.console.scenes import DAY, add_writeback
from writeback.console import create_console
from writeback.console.navigation import MENU
from writeback.core.clock import FakeClock
from writeback.core.settings import Settings
from writeback.domain.staff import Role
from writeback.flow.projections.rollups import Rollup
from writeback.store.people import staff as store
from writeback.store.tables import ApiKey, BatchRow, BulkRow, IncidentRow, StaffRow, WebhookRow, WritebackRow
from writeback.wiring import Services, open_services

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason=WHY_NOT),
    pytest.mark.slow,
    pytest.mark.asyncio(loop_scope="module"),  # as the browser, which takes longer to start than a page to look at
]

_COLOURS = ("color-contrast", "link-in-text-block")
"""Rules of axe about colours, which take it longest."""
SIZES = {"phone": (360, 740), "tablet": (820, 1_180), "desk": (1_440, 900)}
PATHS = (
    *(entry.path for entry in MENU),
    "/writebacks?school=st-marys&status=failed&since=yesterday",
    "/writebacks?group=school",
    "/writebacks?sort=-school",
    "/writebacks/{failed}",
    "/writebacks/{failed}/edit",
    "/writebacks/{held}",
    "/writebacks/{confirmed}",
    "/writebacks/{partial}",
    "/writebacks/{needs_attention}",
    "/writebacks/{needs_attention}/resolve",
    "/schools/st-marys",
    "/schools/new",
    "/schools/new?provider=xporter",
    "/schools/new/listed?provider=wonde",
    "/schools/st-marys/connection",
    "/schools/hillside",
    "/schools/st-marys/hold",
    "/holds",
    "/schools/hillside/words",
    "/schools/hillside/settings",
    "/bulks/{bulk}",
    "/batches/{batch}",
    "/batches/{batch}/stop",
    "/upload?school=st-marys",
    "/batches/{review}/review",
    "/batches/{review}/review?show=all",
    "/batches/{review}/review?row=2",
    "/batches/{review}/stop",
    "/batches/{unsure}/review",
    "/batches/{grid}/review",
    "/apps/new",
    "/apps/keys/{key}/rotate",
    "/apps/registers",
    "/webhooks/{webhook}",
    "/webhooks/new",
    "/webhooks/{webhook}/change",
    "/staff/new",
    "/staff/{staff}",
    "/alerts/new",
    "/alerts/{incident}",
    f"/reports?school=oakfield&date={DAY}",
    f"/reports?date={DAY}",
    f"/schools/oakfield/pupil?pupil=A104&date={DAY}",
    "/account",
    "/account/second-factor",
    "/nothing",
)
"""Every page that has an address of its own; those in braces are of `bad_morning`, and one bulk job that is under
way."""
_PATIENCE_MS = 15_000
_AXE: str = Axe().axe_script


@dataclass
class Window:
    """One page of a browser; what it complains of is kept."""

    page: Page
    origin: str
    complaints: list[str] = field(default_factory=list)

    async def open(self, path: str) -> None:
        await self.page.goto(f"{self.origin}/console{path}")

    async def sign_in(self) -> None:
        await self.open("/sign-in")
        await self.page.get_by_label("Name").fill("ann@example.org")
        await self.page.get_by_label("Password").fill(PASSWORD)
        await self.page.get_by_role("button", name="Sign in", exact=True).click()
        await self.page.wait_for_url("**/now")

    async def scrolling(self) -> list[str]:
        """Return which tables have to be scrolled sideways."""
        found: list[str] = await self.page.evaluate(
            "[...document.querySelectorAll('.table')].filter(one => one.scrollWidth > one.clientWidth + 1)"
            ".map(one => one.getAttribute('aria-label'))"
        )
        return found

    async def serious(self, *rules: str, without: Sequence[str] = ()) -> list[str]:
        """Return what axe finds that is serious or critical: by these rules, or by all but some."""
        options: dict[str, Any] = {"resultTypes": ["violations"], "preload": False}  # that is for audio and video
        if rules:
            options["runOnly"] = {"type": "rule", "values": list(rules)}
        options["rules"] = {rule: {"enabled": False} for rule in without}
        if not await self.page.evaluate("'axe' in window"):
            await self.page.evaluate(_AXE)
        found = await self.page.evaluate("options => axe.run(options).then(found => found.violations)", options)
        return [
            f"{one['id']}: {one['help']}: {json.dumps([node['html'] for node in one['nodes']])[:600]}"
            for one in found
            if one["impact"] in ("serious", "critical")
        ]

    async def resize(self, size: str) -> None:
        width, height = SIZES[size]
        await self.page.set_viewport_size({"width": width, "height": height})

    async def overflow(self) -> int:
        """Return by how many pixels the page is wider than the window."""
        return int(
            await self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        )


@dataclass
class Scene:
    services: Services
    origin: str
    browser: Browser
    paths: Sequence[str]
    """Of every page."""

    @asynccontextmanager
    async def window(self, size: str = "desk", **options: Any) -> AsyncIterator[Window]:
        width, height = SIZES[size]
        context: BrowserContext = await self.browser.new_context(viewport={"width": width, "height": height}, **options)
        context.set_default_timeout(_PATIENCE_MS)
        window = Window(await context.new_page(), self.origin)

        def keep(message: ConsoleMessage) -> None:
            if message.type in ("error", "warning") and "status of 4" not in message.text:
                window.complaints.append(message.text)

        window.page.on("console", keep)
        window.page.on("pageerror", lambda error: window.complaints.append(str(error)))
        try:
            yield window
        finally:
            await context.close()


@pytest_asyncio.fixture(loop_scope="module")
async def scene(settings: Settings, fake_clock: FakeClock, browser: Browser) -> AsyncIterator[Scene]:  # noqa: F811
    async with open_services(settings, clock=fake_clock) as services:
        await bad_morning(services)
        await services.staff.accounts.add("ann@example.org", Role.ADMIN, password=PASSWORD)
        await services.reads.db.transact(partial(_begin_correction, services))
        ids = await _ids(services)
        files = {"review": MARKS, "unsure": UNSURE, "grid": GRID}
        in_review = {name: await file_in_review(services, content) for name, content in files.items()}
        paths = [path.format(**ids, **in_review) for path in PATHS]
        async with served(create_console(services)) as origin:
            yield Scene(services, origin, browser, paths)


def _begin_correction(services: Services, session: Session) -> None:
    """Begin a bulk job that another process works on."""
    now, account = services.clock.now(), store.by_name(session, "ann@example.org")
    assert account is not None
    row = BulkRow(id="blk_1", staff_id=account.id, action="resubmit", wanted="{}", state="running", created_at=now)
    row.matched, row.looked_at, row.done, row.records = 2_000, 500, 499, 998
    row.lease_owner, row.lease_until = "another", now + timedelta(hours=1)
    session.add(row)


async def _ids(services: Services) -> Mapping[str, str]:
    """Return an id of each sort, and of a writeback in each status."""
    async with services.reads.db.read() as session:
        query = select(WritebackRow.status, WritebackRow.id).order_by(col(WritebackRow.seq).desc())
        found = dict((await session.exec(query)).all())
        rows = {"bulk": BulkRow.id, "batch": BatchRow.id, "key": ApiKey.id, "webhook": WebhookRow.id}
        rows |= {"incident": IncidentRow.id, "staff": StaffRow.id}
        return {**found, **{name: (await session.exec(select(id_))).first() for name, id_ in rows.items()}}


async def test_no_page_has_a_serious_barrier_or_is_wider_than_the_window(scene: Scene) -> None:
    """Each is opened once, at a desk, and made as narrow as a phone; the test below opens them on a phone."""
    async with scene.window("desk") as window:

        async def look(path: str) -> list[str]:
            light = await window.serious()
            await window.page.emulate_media(color_scheme="dark")  # nothing but colours differs there
            dark = await window.serious(*_COLOURS)
            await window.page.emulate_media(color_scheme="light")
            assert await window.overflow() <= 0, path
            await window.resize("phone")
            phone = await window.serious(without=_COLOURS)  # they are the desk's
            assert await window.overflow() <= 0, path
            assert await window.scrolling() == [], path
            await window.resize("desk")
            return [*light, *(f"in the dark: {one}" for one in dark), *(f"on a phone: {one}" for one in phone)]

        await window.open("/sign-in")
        found = {"/sign-in": await look("/sign-in")}
        await window.sign_in()
        for path in scene.paths:
            await window.open(path)
            found[path] = await look(path)

        assert {path: several for path, several in found.items() if several} == {}
        assert window.complaints == [], "the policy, or a script"


@pytest.mark.long
@pytest.mark.parametrize("size", ["phone", "tablet"])
async def test_nor_has_any_that_was_opened_there(scene: Scene, size: str) -> None:
    async with scene.window(size) as window:
        await window.sign_in()
        for path in scene.paths:
            await window.open(path)
            assert await window.serious() == [], path
            assert await window.overflow() <= 0, path
            assert size != "phone" or await window.scrolling() == [], path
        assert window.complaints == [], "the policy, or a script"


@pytest.mark.parametrize("size", ["phone", pytest.param("desk", marks=pytest.mark.long)])
async def test_every_page_works_without_javascript(scene: Scene, size: str) -> None:
    async with scene.window(size, java_script_enabled=False) as window:
        await window.sign_in()
        for path in scene.paths:
            await window.open(path)
            assert await window.page.get_by_role("heading", level=1).count() == 1, path
            assert await window.page.get_by_role("main").count() == 1, path
            assert await window.overflow() <= 0, path

        await window.open("/now")
        await window.page.get_by_text("As a table", exact=True).click()
        await expect(window.page.get_by_role("columnheader", name="Accepted")).to_be_visible()
        await window.page.get_by_role("link", name="Refresh").click()
        await window.page.get_by_role("button", name="Sign out").click()
        await expect(window.page.get_by_role("status").first).to_contain_text("You are signed out.")


async def test_all_that_can_be_done_is_done_without_javascript(scene: Scene) -> None:
    async with scene.window("phone", java_script_enabled=False) as window:
        page = window.page
        await window.sign_in()

        async def confirm(button: str, said: str) -> None:
            await page.get_by_label("Why").fill("as the office asked")
            await page.get_by_role("button", name=button, exact=True).click()
            await expect(page.get_by_role("status").first).to_contain_text(said)

        await window.open("/schools/st-marys")
        await page.get_by_role("link", name="Hold it").click()
        await confirm("Hold it", "is held")
        await page.get_by_role("button", name="Let it go on").click()
        await confirm("Let it go on", "goes on")

        await window.open("/writebacks?school=hillside&status=held")
        await page.get_by_role("checkbox", name="Choose the writeback").first.check()
        await page.get_by_role("button", name="Cancel", exact=True).click()
        await page.get_by_label("Why").fill("as the office asked")
        await page.get_by_role("button", name="Cancel them").click()
        await expect(page.get_by_role("heading", level=1)).to_have_text(re.compile("Cancel(led|ling)"))

        await window.open("/writebacks?school=hillside&status=held")
        await page.get_by_role("rowheader").first.get_by_role("link").click()
        await page.get_by_role("button", name="Cancel it").click()
        await confirm("Cancel it", "Cancelled: 1 record.")

        await window.open("/writebacks?status=needs_attention")
        await page.get_by_role("rowheader").first.get_by_role("link").click()
        await page.get_by_role("link", name="Decide what is right").click()
        await page.get_by_label("take ours for failed").check()
        await confirm("Settle it", "Settled: 1 record.")

        await window.open("/apps")
        await page.get_by_role("link", name="Rotate").click()
        await page.get_by_label("The old secret works").select_option("for an hour")
        await page.get_by_label("Why").fill("it was in a screenshot")
        await page.get_by_role("button", name="Make a new secret").click()
        await expect(page.get_by_label("Key of registers")).to_have_value(re.compile("^wbk_"))

        await window.open("/account")
        await page.get_by_role("button", name="Sign out everywhere").click()
        await expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")


@pytest.mark.long
async def test_no_page_has_a_serious_barrier_while_our_scripts_do_not_load(scene: Scene) -> None:
    # axe is a script itself, so it cannot look where there are none at all.
    async with scene.window("phone") as window:
        await window.page.route("**/static/*.js*", lambda route: route.abort())
        await window.sign_in()
        for path in scene.paths:
            await window.open(path)
            assert await window.serious() == [], path


async def test_the_keyboard_alone_is_enough(scene: Scene) -> None:
    async with scene.window() as window:
        await window.open("/sign-in")
        await window.page.keyboard.type("ann@example.org")  # the first field has the focus
        await window.page.keyboard.press("Tab")
        await window.page.keyboard.type(PASSWORD)
        await window.page.keyboard.press("Enter")
        await window.page.wait_for_url("**/now")

        await window.page.keyboard.press("Tab")
        skip = window.page.locator(":focus")
        await expect(skip).to_have_text("Skip to the content")
        await expect(skip).to_be_in_viewport()
        await window.page.keyboard.press("Enter")
        assert await window.page.evaluate("document.activeElement.id") == "main"
        await window.page.keyboard.press("Tab")
        outline = await window.page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline == "solid", "one sees where the focus is"


async def test_what_happens_meanwhile_appears_by_itself_and_is_announced(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scene.services.settings.console, "refresh_s", 1.0)
    async with scene.window() as window:
        await window.sign_in()
        needs = window.page.get_by_role("region", name="Schools that need someone")
        await expect(needs.get_by_role("link", name="Westbrook College")).to_have_count(0)

        services, now = scene.services, scene.services.clock.now()
        wrong = [{"status": "needs_attention"}]
        await services.reads.db.transact(
            lambda session: add_writeback(session, now, "westbrook", "needs_attention", progress=wrong).id
        )
        await Rollup(services.reads.db, services.clock).count()
        services.clock.advance(timedelta(seconds=30))  # type: ignore[attr-defined]

        await expect(needs.get_by_role("link", name="Westbrook College")).to_be_visible()
        await expect(window.page.locator("#announcer")).to_contain_text("3 schools need someone")


async def test_what_another_person_does_appears_at_once(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scene.services.settings.console, "refresh_s", 60.0)
    async with scene.window() as window, scene.window() as other:
        await other.sign_in()
        await window.sign_in()
        await window.open("/writebacks?school=hillside&status=held")
        await window.page.get_by_role("rowheader").first.get_by_role("link").click()
        await expect(window.page.locator("#where")).to_contain_text("Held")

        await other.page.goto(window.page.url)
        await other.page.get_by_role("button", name="Cancel it").click()
        await other.page.get_by_label("Why").fill("the office has put it right")
        await other.page.get_by_role("button", name="Cancel it").click()

        await expect(window.page.locator("#where")).to_contain_text("Cancelled")
        await expect(window.page.locator("#history")).to_contain_text("the office has put it right")


async def test_progress_of_many_is_shown_while_it_goes_on(scene: Scene) -> None:
    async with scene.window() as window:
        await window.sign_in()
        await window.open("/bulks/blk_1")
        await expect(window.page.get_by_role("progressbar")).to_have_attribute("value", "500")

        await scene.services.reads.db.transact(lambda session: _note_progress(session, 1_500))

        await expect(window.page.get_by_role("progressbar")).to_have_attribute("value", "1500")


def _note_progress(session: Session, looked_at: int) -> None:
    row = session.get(BulkRow, "blk_1")
    assert row is not None
    row.looked_at = looked_at
    session.add(row)


async def test_who_is_signed_out_meanwhile_is_reported(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scene.services.settings.console, "refresh_s", 1.0)
    async with scene.window() as window:
        await window.sign_in()
        await scene.services.staff.accounts.disable("ann@example.org")

        await expect(window.page.get_by_text("You have been signed out.")).to_be_visible()


async def test_what_is_printed_is_the_report_alone(scene: Scene) -> None:
    async with scene.window() as window:
        await window.sign_in()
        await window.open(f"/reports?school=oakfield&date={DAY}")

        await window.page.emulate_media(media="print")

        await expect(window.page.get_by_role("navigation", name="Main")).to_be_hidden()
        await expect(window.page.get_by_role("button", name="Show")).to_be_hidden()
        await expect(window.page.get_by_role("cell", name="Failed")).to_be_visible()


@pytest.mark.parametrize("javascript", [True, False])
async def test_menu_of_a_phone_unfolds_and_all_of_it_can_be_reached(scene: Scene, javascript: bool) -> None:
    async with scene.window("phone", java_script_enabled=javascript) as window:
        await window.sign_in()
        menu = window.page.get_by_role("navigation", name="Main")
        await expect(menu.get_by_role("link")).to_have_count(0)

        await menu.get_by_text("Menu").focus()
        await window.page.keyboard.press("Enter")

        links = await menu.get_by_role("link").all()
        boxes = [await link.bounding_box() for link in links]
        assert [await link.inner_text() for link in links] == [entry.words for entry in MENU]
        assert all(box is not None and box["x"] >= 0 and box["x"] + box["width"] <= SIZES["phone"][0] for box in boxes)
        await menu.get_by_role("link", name="Staff").click()
        await expect(window.page.get_by_role("heading", level=1)).to_have_text("Staff")
