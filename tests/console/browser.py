"""A real browser on the console: Debian's Chromium, driven by Playwright. Where there is none, tests are skipped."""

import asyncio
import contextlib
import os
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest_asyncio
import uvicorn
from playwright.async_api import Browser, async_playwright
from starlette.types import ASGIApp

from writeback.sandbox.testing import PromptServer

CHROMIUM = os.environ.get("WRITEBACK_TEST_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
WHY_NOT = "there is no Chromium: apt-get install chromium, or name one in WRITEBACK_TEST_CHROMIUM"
_ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
)


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=list(_ARGUMENTS))
        try:
            yield browser
        finally:
            await browser.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    """One for all tests of a module, which run in one event loop; each window has cookies and a cache of its own."""
    async with chromium() as started:
        yield started


@asynccontextmanager
async def served(app: ASGIApp) -> AsyncIterator[str]:
    """Serve an app on a free port; yield its origin."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        config: dict[str, Any] = {"lifespan": "off", "access_log": False, "log_level": "error", "ws": "none"}
        config["timeout_graceful_shutdown"] = 1  # a browser keeps its connections
        server = PromptServer(uvicorn.Config(app, **config))
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            with contextlib.suppress(asyncio.CancelledError):
                await serving
