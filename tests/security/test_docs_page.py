"""`/docs` runs what comes from here alone: a key is typed into it."""

from typing import Any

import httpx
import pytest
from playwright.async_api import Page

from tests.api.conftest import FakeServices, database, is_problem, services  # noqa: F401 - fixtures
from tests.console.browser import CHROMIUM, WHY_NOT, chromium, served
from writeback.api.app import create_app
from writeback.domain.access import Scope

ASSETS = ("swagger-ui-bundle.js", "swagger-ui.css", "start.js")


@pytest.fixture
async def http(services: FakeServices) -> Any:  # noqa: F811
    transport = httpx.ASGITransport(create_app(services))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


async def test_the_page_allows_nothing_from_elsewhere_and_no_script_within_it(http: httpx.AsyncClient) -> None:
    answer = await http.get("/docs")

    policy = dict(part.split(" ", 1) for part in answer.headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["form-action"] == policy["base-uri"] == "'none'"
    assert "://" not in answer.text
    assert "<script>" not in answer.text


async def test_what_the_page_loads_is_there_and_may_be_kept_forever(http: httpx.AsyncClient) -> None:
    page = (await http.get("/docs")).text

    for name in ASSETS:
        path = page.split(f'"./docs/{name}?', 1)[1].split('"', 1)[0]
        answer = await http.get(f"/docs/{name}?{path}")
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-type"].startswith(("text/javascript", "text/css"))


async def test_an_asset_at_another_version_is_asked_about_again(http: httpx.AsyncClient) -> None:
    first = await http.get("/docs/start.js?v=older")
    again = await http.get("/docs/start.js", headers={"If-None-Match": first.headers["etag"]})

    assert first.headers["cache-control"] == "no-cache"
    assert again.status_code == 304
    assert again.content == b""


@pytest.mark.parametrize(
    "path",
    [
        "/docs/../app.py",
        "/docs/..%2fapp.py",
        "/docs/%2e%2e%2f%2e%2e%2fcore/settings.py",
        "/docs//etc/passwd",
        "/docs/page.html",
        "/docs/redoc.standalone.js",
        "/docs/start.js%00",
        "/docs/",
        "/docs/oauth2-redirect",
    ],
)
async def test_nothing_else_can_be_had_by_any_path(http: httpx.AsyncClient, path: str) -> None:
    assert (await http.request("GET", httpx.URL("http://test", raw_path=path.encode()))).status_code in (400, 404)


@pytest.mark.skipif(CHROMIUM is None, reason=WHY_NOT)
@pytest.mark.slow
async def test_a_key_can_be_put_in_and_a_call_tried_in_a_browser_that_reaches_nothing_else(
    services: FakeServices,  # noqa: F811
) -> None:
    key = (await services.keys.create("Registers", "", [Scope.READ], None)).key
    complaints: list[str] = []
    origins: set[str] = set()
    async with served(create_app(services)) as origin, chromium() as browser:
        page = await browser.new_page()
        page.set_default_timeout(60_000)
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: origins.add(request.url.split("/docs")[0].split("/v1")[0]))
        await page.goto(f"{origin}/docs")
        answered = await _try(page, key)
    await services.keys.aclose()

    assert '"items"' in answered
    assert complaints == []
    assert {one.removesuffix("/openapi.json") for one in origins if not one.startswith("data:")} == {origin}


async def _try(page: Page, key: str) -> str:
    """Put the key in, open `GET /v1/schools`, call it, and return what the page shows of the answer."""
    await page.locator("button.authorize").click()
    await page.get_by_label("auth-bearer-value").fill(key)
    await page.locator(".auth-btn-wrapper button.authorize").first.click()
    await page.locator("button.btn-done").first.click()
    operation = page.locator(".opblock-get", has=page.locator('[data-path="/v1/schools"]'))
    await operation.locator(".opblock-summary-control").click()
    await operation.locator("button.try-out__btn").click()
    await operation.locator("button.execute").click()
    return await operation.locator(".live-responses-table tbody .response-col_description").first.inner_text()
