"""The console beside the API, as `writeback api` serves them: one address, neither knows of the other."""

import httpx

from writeback.api.app import create_app
from writeback.console import create_console
from writeback.wiring import Services


async def test_the_api_hands_the_console_what_is_below_its_path_and_nothing_else(services: Services) -> None:
    transport = httpx.ASGITransport(create_app(services, {"/console": create_console(services)}))
    async with httpx.AsyncClient(transport=transport, base_url="http://console.example") as http:
        front = await http.get("/")
        home = await http.get("/console")
        page = await http.get("/console/sign-in")
        other = await http.get("/consoles")
        api = await http.get("/v1/schools")

    assert front.headers["location"] == "/console/"
    assert home.headers["location"] == "/console/now"
    assert page.headers["content-type"].startswith("text/html")
    assert page.headers["x-request-id"]
    assert other.status_code == 404
    assert other.headers["content-type"] == "application/problem+json"
    assert api.status_code == 401


async def test_the_access_log_names_pages_by_their_template(services: Services) -> None:
    app = create_app(services, {"/console": create_console(services)})
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://console.example") as http:
        await http.get("/console/sign-in")
        metrics = (await http.get("/metrics")).text

    assert 'route="/console/sign-in"' in metrics
