"""What is served beside the API: the console, made when somebody comes."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message

from writeback.cli.commands import serve
from writeback.core.settings import Settings
from writeback.wiring import Services


def _services(*, enabled: bool = True) -> Services:
    settings = Settings(console={"enabled": enabled})  # type: ignore[arg-type] # Pydantic makes a group of it
    return cast(Services, SimpleNamespace(settings=settings))


async def _visit(console: ASGIApp) -> int:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "http.request"}

    await console({"type": "http", "method": "GET", "path": "/console", "headers": []}, receive, send)
    return int(sent[0]["status"])


async def test_the_console_is_made_once_when_it_is_first_visited(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Any] = []

    def create(services: Services) -> ASGIApp:
        made.append(services)
        return PlainTextResponse("here")

    monkeypatch.setattr(serve, "_create_console", create)
    services = _services()
    console = serve._beside(services)["/console"]
    assert made == []

    assert await asyncio.gather(*(_visit(console) for _ in range(3))) == [200, 200, 200]
    assert made == [services]


def test_where_there_is_to_be_no_console_nothing_is_served_beside_the_api() -> None:
    assert serve._beside(_services(enabled=False)) == {}
