"""The API with everything behind it, for requests of every shape: real SQL and Redis, a provider that never answers."""

import asyncio
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import uvicorn

from tests.secret_key import SECRET_KEY
from writeback.api.app import create_app
from writeback.core.clock import Clock, SystemClock
from writeback.core.settings import (
    ApiSettings,
    DispatchSettings,
    DropInSettings,
    EventSettings,
    LookupSettings,
    Settings,
)
from writeback.domain.access import Scope
from writeback.domain.lookups import ListName, Lookup
from writeback.flow.registry.entries import NewSchool
from writeback.flow.webhooks.endpoint_checks import NewWebhook
from writeback.store.schools import lists
from writeback.store.tables import BatchRow, DeliveryRow, Lane, WritebackRow
from writeback.wiring import Services, open_services

NOWHERE = "http://127.0.0.1:9"
"""Nothing listens there: providers are not reached, at once."""
_STARTED_WITHIN_S = 30.0
PUPILS = {f"A{number}": {"id": f"A{number}"} for number in range(1, 6)}
CODES = {"C1": {"id": "C1", "code": "/", "active": True, "type": "PRESENT"}}


@dataclass
class World:
    """Where the API is, and what there is in it."""

    url: str
    services: Services
    key: str = ""
    """Of an app called Fuzz, with every scope."""
    key_id: str = ""
    ids: dict[str, list[str]] = field(default_factory=dict)
    """Names of path parameters, and values that something is found by."""


def settings_of(folder: Path, database_url: str, redis_url: str) -> Settings:
    """Return the settings of an API that gives up soon on providers, and never says that it is called too often."""
    return Settings(
        data_dir=folder / "data",
        database_url=database_url,
        redis_url=redis_url,
        secret_key=SECRET_KEY,
        api=ApiSettings(rate_per_s=0, max_body_bytes=200_000),
        dispatch=DispatchSettings(request_timeout_s=2, connect_timeout_s=1),
        doors=DropInSettings(sync_wait_s=0.05),
        lookups=LookupSettings(miss_patience_s=0.05),
        events=EventSettings(max_streams=10_000, max_streams_per_app=10_000),
    )


@contextmanager
def running_world(settings: Settings) -> Iterator[World]:
    """Serve the API from a thread with a loop of its own while the block runs."""
    ready, started = threading.Event(), []
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"

    async def serve() -> None:
        async with open_services(settings, clock=SystemClock()) as services:
            world = World(url, services)
            await _furnish(world, services.clock)
            config = uvicorn.Config(create_app(services), log_config=None, lifespan="off", access_log=False)
            server = uvicorn.Server(config)
            started.append((world, server))
            ready.set()
            await server.serve(sockets=[listener])

    thread = threading.Thread(target=asyncio.run, args=(serve(),), daemon=True)
    thread.start()
    try:
        assert ready.wait(_STARTED_WITHIN_S), "the API has not started"
        world, server = started[0]
        yield world
        server.should_exit = True
        thread.join(_STARTED_WITHIN_S)
    finally:
        listener.close()


async def _furnish(world: World, clock: Clock) -> None:
    """Put one thing of each sort there."""
    services, now = world.services, clock.now()
    made = await services.keys.create("Fuzz", "", list(Scope))
    world.key, world.key_id = made.key, made.id
    spare = await services.keys.create("Spare", "", [Scope.READ])
    for school, provider, mis in (("hillside", "wonde", "Bromcom"), ("riverbank", "xporter", "SIMS")):
        account = {"wonde": "A1930499544", "xporter": "1234567"}[provider]
        credentials = {"wonde": {"token": "t"}, "xporter": {"secret": "s"}}[provider]
        await services.registry.add(
            NewSchool(
                id=school,
                name=school,
                provider=provider,
                mis=mis,
                provider_school_id=account,
                base_url=NOWHERE,
                credentials=credentials,
            )
        )
        async with services.accept.flow.db.write() as session:
            for name, rows in ((ListName.STUDENTS, PUPILS), (ListName.ATTENDANCE_CODES, CODES)):
                await lists.save(session, school, Lookup(name, 1, now, rows))
    marks = [{"student_id": "A1", "date": "2026-01-12", "session": "AM", "code": "/"}]
    about = {"app_id": "fuzz", "school_id": "hillside", "created_at": now, "updated_at": now}
    caller = await services.keys.authenticate(world.key)
    hook = await services.webhooks.create(caller, NewWebhook("https://receiver.example/"))
    rows = [
        Lane(id="hillside:session-marks", school_id="hillside", family="session-marks"),
        *(
            WritebackRow(
                id=f"wb_{status}",
                lane_id="hillside:session-marks",
                kind="attendance.session",
                status=status,
                records=json.dumps(marks),
                progress=json.dumps([{"status": status}]),
                expires_at=now + timedelta(days=7),
                **about,
            )
            for status in ("queued", "failed", "confirmed", "needs_attention", "cancelled")
        ),
        BatchRow(id="bat_1", format="csv", status="checking", **about),
        DeliveryRow(id="msg_1", webhook_id=hook.id, sequence=0, type="t", payload="{}", state="failed", created_at=now),
    ]
    async with services.accept.flow.db.write() as session:
        for row in rows:
            session.add(row)
            await session.flush()
    world.ids = {
        "school": ["hillside", "riverbank"],
        "writeback": [row.id for row in rows if isinstance(row, WritebackRow)],
        "batch": ["bat_1"],
        "webhook": [hook.id],
        "delivery": ["msg_1"],
        "key": [spare.id],
        "provider": ["wonde", "xporter"],
        "estab": ["1234567"],
        "path": ["event", "writebacks/attendance.session.json"],
        "code": ["school_unknown"],
    }
