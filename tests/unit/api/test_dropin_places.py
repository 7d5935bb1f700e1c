"""Which calls are for a drop-in endpoint: by prefix, by a provider's own path, by host, and by port."""

import asyncio
import socket
from typing import Any

import httpx
import pytest
import uvicorn

from writeback.api.app import _rooms
from writeback.api.dropin.paths import OURS, Place, Places
from writeback.api.server import _Server
from writeback.core.settings import DropInSettings
from writeback.sandbox.testing import until

OWN = DropInSettings(
    wonde_hosts=["Wonde.example", "w.example:8443"], xporter_hosts=["xporter.example"], wonde_port=9001
)


def _place(path: str, *, host: str = "here.example", port: int = 8400, settings: DropInSettings | None = None) -> Any:
    scope = {"path": path, "headers": [(b"host", host.encode())], "server": ("127.0.0.1", port)}
    return Places(settings or DropInSettings()).find(scope)


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("/wonde/v1.0/schools/", Place("wonde", "/wonde", ["v1.0", "schools"])),
        ("/WONDE//v1.0/x//", Place("wonde", "/WONDE", ["v1.0", "x"])),
        ("/wonde", Place("wonde", "/wonde", [])),
        ("/v1.0/schools/A1", Place("wonde", "", ["v1.0", "schools", "A1"])),
        ("//v1.0/schools", Place("wonde", "", ["v1.0", "schools"])),
        ("/xporter/api/v1/TokenDetails", Place("xporter", "/xporter", ["api", "v1", "TokenDetails"])),
        ("/API/v1/Scopes", Place("xporter", "", ["API", "v1", "Scopes"])),
        ("/idaas/sts/STS/GetToken", Place("xporter", "", ["idaas", "sts", "STS", "GetToken"])),
    ],
)
def test_prefixes_and_the_providers_own_paths_lead_to_the_endpoint(path: str, place: Place) -> None:
    assert _place(path) == place


def test_our_own_api_under_a_prefix_that_it_does_not_have_is_not_taken_for_xporters() -> None:
    paths = [path for path in (getattr(route, "path", "") for route in _rooms()) if path.startswith("/v1/")]
    heads = {path.split("/")[2] for path in paths}

    assert heads - OURS == set()
    assert [head for head in heads if _place(f"/api/v1/{head}/x") is not None] == []


@pytest.mark.parametrize(
    "path", ["/", "", "/v1/schools/x/writebacks", "/healthz", "/console/", "/hooks/wonde/x", "/v1"]
)
def test_our_own_paths_are_not_taken(path: str) -> None:
    assert _place(path) is None
    assert _place(path, settings=OWN) is None


@pytest.mark.parametrize(
    ("host", "port", "endpoint"),
    [
        ("wonde.example", 8400, "wonde"),
        ("WONDE.example:8400", 8400, "wonde"),
        ("w.example:8443", 8400, "wonde"),
        ("xporter.example", 8400, "xporter"),
        ("here.example", 9001, "wonde"),
    ],
)
def test_at_a_host_or_port_of_its_own_everything_is_the_endpoints(host: str, port: int, endpoint: str) -> None:
    for path, rest in (("/v1/schools/x/writebacks", ["v1", "schools", "x", "writebacks"]), ("/", [])):
        assert _place(path, host=host, port=port, settings=OWN) == Place(endpoint, "", rest)


def test_a_host_that_is_named_with_a_port_counts_only_with_it() -> None:
    assert _place("/healthz", host="w.example", settings=OWN) is None


async def test_the_server_listens_at_the_further_ports_too() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": str(scope["server"][1]).encode()})

    config = uvicorn.Config(app, port=0, lifespan="off", log_config=None, http="httptools")
    server = _Server(config, _Feed(), [port])  # type: ignore[arg-type]
    serving = asyncio.create_task(server.serve())
    await until(lambda: len(getattr(server, "servers", ())) == 2 or serving.done())
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.get(f"http://127.0.0.1:{port}/")
    server.should_exit = True
    await serving

    assert answer.text == str(port)


class _Feed:
    def close(self) -> None: ...
