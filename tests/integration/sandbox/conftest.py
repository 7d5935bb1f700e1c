"""A sandbox on a real socket with a clock that stands still, one school of each provider, and a receiver of hooks."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from writeback.core.clock import FakeClock
from writeback.core.network.tls import trusted
from writeback.sandbox.testing import PromptServer, RunningSandbox, running_sandbox, until

MONDAY = date(2026, 1, 12)
PUPILS = 60


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def sandbox(clock: FakeClock) -> AsyncIterator[RunningSandbox]:
    async with running_sandbox(clock) as running:
        yield running


@pytest.fixture
async def http(sandbox: RunningSandbox) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=sandbox.url, trust_env=False, verify=trusted(), timeout=10) as client:
        yield client


@dataclass
class Control:
    """The control plane, in the words of the tests."""

    http: httpx.AsyncClient

    async def seed(self, **school: Any) -> dict[str, Any]:
        response = await self.http.post("/_sandbox/schools", json={"pupils": PUPILS, **school})
        assert response.status_code == 201, response.text
        return dict(response.json())

    async def change(self, school: str, **changes: Any) -> dict[str, Any]:
        response = await self.http.post(f"/_sandbox/schools/{school}", json=changes)
        assert response.status_code == 200, response.text
        return dict(response.json())

    async def fault(self, kind: str, **order: Any) -> None:
        response = await self.http.post("/_sandbox/faults", json={"kind": kind, **order})
        assert response.status_code == 201, response.text

    async def advance(self, seconds: float | None = None) -> dict[str, Any]:
        response = await self.http.post("/_sandbox/advance", json={} if seconds is None else {"seconds": seconds})
        assert response.status_code == 200, response.text
        return dict(response.json())

    async def ledger(self, **filters: str) -> dict[str, list[dict[str, Any]]]:
        return dict((await self.http.get("/_sandbox/ledger", params=filters)).json())

    async def marks(self, school: str, **filters: str) -> list[dict[str, Any]]:
        body = (await self.http.get(f"/_sandbox/schools/{school}/marks", params=filters)).json()
        return list(body["history"] if filters.get("history") else body["marks"])

    async def set_mark(self, school: str, **mark: Any) -> None:
        response = await self.http.post(f"/_sandbox/schools/{school}/marks", json={"marks": [mark]})
        assert response.status_code == 200, response.text

    async def records(self, school: str, family: str, **filters: str) -> list[dict[str, Any]]:
        response = await self.http.get(f"/_sandbox/schools/{school}/{family}", params=filters)
        assert response.status_code == 200, response.text
        return list(response.json()[family])

    async def office(self, school: str, family: str, **actions: Any) -> list[dict[str, Any]]:
        """Create, update or delete records by hand, as a person in the school's office does."""
        response = await self.http.post(f"/_sandbox/schools/{school}/{family}", json=actions)
        assert response.status_code == 200, response.text
        return list(response.json()[family])

    async def lessons(self, school: str, day: date = MONDAY) -> list[dict[str, Any]]:
        body = (await self.http.get(f"/_sandbox/schools/{school}/lessons", params={"date": str(day)})).json()
        return list(body["lessons"])


@pytest.fixture
def control(http: httpx.AsyncClient) -> Control:
    return Control(http)


@dataclass
class Wonde:
    """One Wonde school, seen by an application that holds its token."""

    http: httpx.AsyncClient
    id: str
    token: str
    pupils: list[str]
    employee: str
    codes: dict[str, str] = field(default_factory=dict)

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    async def get(self, path: str, **params: Any) -> httpx.Response:
        url = f"/v1.0{path}" if path.startswith("/") else f"/v1.0/schools/{self.id}/{path}"
        return await self.http.get(url, headers=self.headers, params=params)

    async def rows(self, path: str, **params: Any) -> list[dict[str, Any]]:
        response = await self.get(path, **params)
        assert response.status_code == 200, response.text
        return list(response.json()["data"])

    def session_mark(self, code: str = "/", **fields: Any) -> dict[str, Any]:
        mark = {"student_id": self.pupils[0], "date": str(MONDAY), "session": "AM"}
        return {**mark, "attendance_code_id": self.codes[code], **fields}

    async def post(self, kind: str, *marks: Any) -> httpx.Response:
        url = f"/v1.0/schools/{self.id}/attendance/{kind}"
        return await self.http.post(url, headers=self.headers, json={"attendance": list(marks)})

    async def accepted(self, kind: str, *marks: Any) -> str:
        response = await self.post(kind, *marks)
        assert response.status_code == 200, response.text
        return str(response.json()["writeback_id"])

    async def send(self, method: str, path: str, body: Any = None) -> httpx.Response:
        """Send a writeback other than marks; `path` is that below the school's."""
        url = f"/v1.0/schools/{self.id}/{path}"
        return await self.http.request(method, url, headers=self.headers, json=body)

    async def taken(self, method: str, path: str, body: Any = None) -> str:
        """Send one, and return its writeback_id."""
        response = await self.send(method, path, body)
        assert response.status_code == 200, response.text
        return str(response.json()["writeback_id"])

    async def status(self, writeback_id: str) -> dict[str, Any]:
        return dict((await self.get(f"/writebacks/{writeback_id}")).json()["data"])


@pytest.fixture
def new_wonde(control: Control) -> Callable[..., Awaitable[Wonde]]:
    async def make(**school: Any) -> Wonde:
        seeded = await control.seed(**{"provider": "wonde", "mis": "SIMS", **school})
        pupils = [student for register in seeded["registers"] for student in register["student_ids"]]
        employee = seeded["registers"][0]["employee_id"]
        wonde = Wonde(control.http, seeded["provider_school_id"], seeded["token"], pupils, employee)
        wonde.codes = {row["code"]: row["id"] for row in await wonde.rows("attendance-codes")}
        return wonde

    return make


@pytest.fixture
async def wonde(new_wonde: Callable[..., Awaitable[Wonde]]) -> Wonde:
    return await new_wonde()


@dataclass
class Xporter:
    """One Xporter school, seen by an application that holds its secret."""

    http: httpx.AsyncClient
    estab: str
    secret: str
    pupils: list[str]
    callback_url: str
    token: str = ""

    async def authorise(self, **fields: Any) -> dict[str, Any]:
        body = {"estab": self.estab, "relyingParty": "app.example", "password": self.secret}
        body |= {"thirdpartyid": "XporterOnDemand", **fields}
        return dict((await self.http.post("/idaas/sts/STS/GetToken", json=body)).json())

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Idaas {self.token}"}

    async def get(self, table: str, **params: Any) -> dict[str, Any]:
        url = f"/api/v1/School/{self.estab}/{table}"
        return dict((await self.http.get(url, headers=self.headers, params=params)).json())

    def mark(self, code: str = "/", **fields: Any) -> dict[str, Any]:
        mark = {"StudentId": self.pupils[0], "MarkType": "S", "Date": str(MONDAY), "Session": "AM", "Mark": code}
        return {name: value for name, value in {**mark, **fields}.items() if value is not None}

    async def post(self, *marks: Any, sync: bool = False, params: dict[str, str] | None = None) -> httpx.Response:
        path = "Attendance" if sync else "AttendanceAsync"
        callback = {"Method": "POST", "Url": f"{self.callback_url}?id=req_1&estab={self.estab}"}
        body = {"Marks": list(marks), "Callback": callback}
        url = f"/api/v1/{path}/{self.estab}/"
        return await self.http.post(url, headers=self.headers, json=body, params=params)

    async def send(self, operation: str, body: Any) -> dict[str, Any]:
        """Post a writeback other than marks with a callback of our own, and return what is answered."""
        callback = {"Method": "POST", "Url": f"{self.callback_url}?id=req_1&estab={self.estab}"}
        url = f"/api/v1/{operation}/{self.estab}"
        response = await self.http.post(url, headers=self.headers, json={**body, "Callback": callback})
        assert response.status_code == 200, response.text
        return dict(response.json())

    async def accepted(self, *marks: Any) -> str:
        body = (await self.post(*marks)).json()
        assert body["ExceptionMessage"] is None, body
        return str(body["TrackingId"])

    async def refusal(self, *marks: Any, sync: bool = False) -> str:
        response = await self.post(*marks, sync=sync)
        assert response.status_code == 200
        return str(response.json()["ExceptionMessage"])


@pytest.fixture
def new_xporter(control: Control, receiver: "Receiver") -> Callable[..., Awaitable[Xporter]]:
    async def make(**school: Any) -> Xporter:
        seeded = await control.seed(**{"provider": "xporter", "mis": "SIMS", "estab": "3281102", **school})
        pupils = [student for register in seeded["registers"] for student in register["student_ids"]]
        school_id, secret = seeded["provider_school_id"], seeded["secret"]
        xporter = Xporter(control.http, school_id, secret, pupils, f"{receiver.url}/callback")
        xporter.token = (await xporter.authorise())["token"]
        return xporter

    return make


@pytest.fixture
async def xporter(new_xporter: Callable[..., Awaitable[Xporter]]) -> Xporter:
    return await new_xporter()


@dataclass
class Receiver:
    """Takes webhooks and callbacks on a socket of its own."""

    url: str
    got: list[dict[str, Any]] = field(default_factory=list)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        taken = Receiver(f"http://127.0.0.1:{listener.getsockname()[1]}")

        async def take(request: Request) -> Response:
            body = json.loads(await request.body())
            taken.got.append({"path": request.url.path, "query": dict(request.query_params), "body": body})
            return Response(status_code=204)

        app = Starlette(routes=[Route("/{path:path}", take, methods=["POST"])])
        server = PromptServer(uvicorn.Config(app, log_level="warning", lifespan="off", loop="none", ws="none"))
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        await until(lambda: server.started)
        yield taken
        server.should_exit = True
        await serving
