"""The whole service in one process: API, worker and sandbox over real HTTP, a real Redis, SQLite or another database.

For tests that have to see what exactly goes to a provider.
"""

import asyncio
import gc
import json
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from starlette.types import Message, Receive, Scope, Send

from tests.secret_key import SECRET_KEY
from writeback.api.app import create_app
from writeback.core.network.tls import trusted
from writeback.core.settings import Settings
from writeback.domain.access import Scope as AccessScope
from writeback.sandbox.before_routes import CONTROL_PREFIX, ProviderEdge
from writeback.sandbox.testing import PromptServer, RunningSandbox, running_sandbox, until
from writeback.wiring import Services, open_services
from writeback.worker import main as worker

PATIENCE_S = 30.0
_WRITING = ("POST", "PUT", "DELETE")


@dataclass(frozen=True)
class Call:
    """A call that writes, as it came to the provider."""

    method: str
    path: str
    body: Any
    """Its JSON; None where it has none."""


@dataclass(frozen=True)
class School:
    """A school on both sides: ours by `id`, the provider's by `provider_id`."""

    id: str
    provider: str
    provider_id: str
    pupils: list[str]
    staff: list[str]


class House:
    """What runs, and what the providers were sent."""

    def __init__(self, api: httpx.AsyncClient, control: httpx.AsyncClient, calls: list[Call]) -> None:
        self.api, self._control, self.calls = api, control, calls

    async def open_school(self, provider: str, mis: str) -> School:
        """Seed a school at the sandbox, register it, fetch its lists."""
        seeded = await self.order(
            "schools", provider=provider, mis=mis, pupils=40, changes={"completion_delay_s": 0.05}
        )
        given = {
            "name": f"{mis} through {provider}",
            "id": f"{mis}-{provider}".lower(),
            "provider": provider,
            "mis": mis,
        }
        given |= {name: seeded[name] for name in ("provider_school_id", "base_url", "credentials")}
        made = await self.ask_api("POST", "/v1/schools", given)
        if provider == "wonde":
            await self.order("webhooks", school=seeded["provider_school_id"], url=made["hook_url"])
        synced = await self.ask_api("POST", f"/v1/schools/{made['id']}/sync")
        assert [row for row in synced["lists"] if row.get("error")] == []
        registers = seeded["registers"]
        pupils = [pupil for register in registers for pupil in register["student_ids"]]
        staff = await self.ask_api("GET", f"/v1/schools/{made['id']}/lookups/employees")
        return School(made["id"], provider, made["provider_school_id"], pupils, [row["id"] for row in staff["items"]])

    async def submit(self, school: School, kind: str, records: list[Any]) -> str:
        """Return the id of a writeback that was accepted whole."""
        body = {"kind": kind, "records": records}
        answer = await self.api.post(f"/v1/schools/{school.id}/writebacks", json=body)
        assert answer.status_code == 202, answer.text
        said: str = answer.json()["id"]
        return said

    async def end_of(self, writeback_id: str) -> dict[str, Any]:
        """Return the writeback once it is no longer on its way."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                shown: dict[str, Any] = await self.ask_api("GET", f"/v1/writebacks/{writeback_id}")
                if shown["status"] not in ("queued", "sending", "sent"):
                    return shown
                await asyncio.sleep(0.05)

    async def ask_api(self, method: str, path: str, body: Any = None) -> Any:
        answer = await self.api.request(method, path, json=body)
        assert answer.is_success, answer.text
        return answer.json()

    async def order(self, path: str, /, **body: Any) -> Any:
        return self._json(await self._control.post(f"/_sandbox/{path}", json=body))

    async def delete(self, path: str) -> Any:
        return self._json(await self._control.delete(f"/_sandbox/{path}"))

    async def ask(self, path: str, **params: str) -> Any:
        return self._json(await self._control.get(f"/_sandbox/{path}", params=params))

    def _json(self, answer: httpx.Response) -> Any:
        assert answer.is_success, answer.text
        return answer.json()


@asynccontextmanager
async def running_house(
    data_dir: Path, *, sandbox: RunningSandbox | None = None, port: int = 0, secret_key: str = SECRET_KEY, **more: Any
) -> AsyncIterator[House]:
    """Start everything in the running loop, and end it; a `sandbox` that is given goes on. `more` are settings."""
    calls: list[Call] = []
    async with AsyncExitStack() as stack:
        stack.enter_context(_heard(calls))
        stack.enter_context(_garbage_as_before())
        sandbox = sandbox or await stack.enter_async_context(running_sandbox())
        listener = stack.enter_context(socket.create_server(("127.0.0.1", port)))
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        settings = Settings(data_dir=data_dir, secret_key=secret_key, public_url=url, **more)
        services = await stack.enter_async_context(open_services(settings))
        await stack.enter_async_context(_serving(services, listener))
        await stack.enter_async_context(running_worker(settings))
        key = (await services.keys.create("journey", "a test's", list(AccessScope))).key
        api = await stack.enter_async_context(_client(url, authorization=f"Bearer {key}"))
        control = await stack.enter_async_context(_client(sandbox.url))
        yield House(api, control, calls)


def _client(url: str, **headers: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=url, headers=headers, timeout=PATIENCE_S, trust_env=False, verify=trusted())


@asynccontextmanager
async def _serving(services: Services, listener: socket.socket) -> AsyncIterator[None]:
    server = PromptServer(uvicorn.Config(create_app(services), loop="none", lifespan="off", log_level="warning"))
    running = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        await until(lambda: server.started)
        yield
    finally:
        services.feed.close()
        server.should_exit = True
        await running


@asynccontextmanager
async def running_worker(settings: Settings) -> AsyncIterator[None]:
    """Run a worker in the running loop, another one beside that of a house."""
    stopping = asyncio.Event()
    running = asyncio.create_task(worker.serve(settings, stopping))
    try:
        yield
    finally:
        stopping.set()
        await running


@contextmanager
def _garbage_as_before() -> Iterator[None]:
    """Undo what a worker asks of the garbage collector: it thinks that the process is its own."""
    before = gc.get_threshold()
    try:
        yield
    finally:
        gc.unfreeze()
        gc.set_threshold(*before)


@contextmanager
def _heard(calls: list[Call]) -> Iterator[None]:
    """Have every call that writes noted as it comes to the simulated providers."""
    passed_on = ProviderEdge.__call__

    async def noting(edge: ProviderEdge, scope: Scope, receive: Receive, send: Send) -> None:
        chunks: list[bytes] = []

        async def keeping() -> Message:
            message = await receive()
            chunks.append(message.get("body", b""))
            return message

        await passed_on(edge, scope, keeping, send)
        if scope["type"] == "http" and scope["method"] in _WRITING and not scope["path"].startswith(CONTROL_PREFIX):
            text = b"".join(chunks)
            calls.append(Call(scope["method"], scope["path"], json.loads(text) if text else None))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ProviderEdge, "__call__", noting)
        yield
