"""What is taken from somebody is taken in every process, within the time that the documents say."""

import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session

from tests.crash import processes
from tests.crash.suite import free_port
from tests.secret_key import SECRET_KEY
from tests.security.conftest import Attacked, StartApi, Wire, close_all
from writeback.core.clock import FakeClock
from writeback.core.settings import Settings
from writeback.domain.staff import Role
from writeback.store.people import staff
from writeback.wiring import Services, open_services

_CACHED_S = 1.0
_PATIENCE_S = 10.0


@pytest.fixture
def two(start_api: StartApi) -> Iterator[tuple[Attacked, Attacked]]:
    """Two API processes on one database, that remember a key for a second."""
    one = start_api({"heartbeat_s": 0.5, "poll_s": 0.05}, key_cache_s=_CACHED_S)
    api = one.settings.api.model_copy(update={"port": free_port()})
    settings = one.settings.model_copy(update={"api": api})
    process = processes.start("api", settings, settings.data_dir / "second.log")
    other = Attacked(settings, process, [])
    try:
        _wait_for(lambda: _answers(other))
        yield one, other
    finally:
        close_all(one)
        close_all(other)
        processes.end_all([process])


def _answers(attacked: Attacked) -> bool:
    try:
        return attacked.ask(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").status == 200
    except ConnectionError:
        return False


def _wait_for(holds: Any) -> float:
    """Return after how many seconds it held."""
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < _PATIENCE_S
        time.sleep(0.02)
    return time.monotonic() - began


def _call(method: str, path: str, key: str) -> bytes:
    return f"{method} {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\nContent-Length: 0\r\n\r\n".encode()


def _status(attacked: Attacked, key: str) -> int:
    return attacked.ask(_call("GET", "/v1/features", key)).status


def _id_of(attacked: Attacked, admin: str, app: str) -> str:
    body = attacked.ask(_call("GET", "/v1/keys", admin)).body.decode()
    return next(part.split('"')[0] for part in body.split('"id":"')[1:] if f'"app":"{app}"' in part)


@pytest.mark.slow
def test_a_key_that_one_process_revokes_ends_in_another_within_its_time_and_so_does_its_stream(
    two: tuple[Attacked, Attacked],
) -> None:
    here, there = two
    admin, key = here.key("admin", app="Office"), here.key("read", app="Registers")
    assert (_status(here, key), _status(there, key)) == (200, 200)
    stream: Wire = there.connect().send(
        _call("GET", "/v1/events", key).replace(b"Host:", b"Connection: close\r\nHost:")
    )
    assert stream.answer().status == 200

    revoked = here.ask(_call("DELETE", f"/v1/keys/{_id_of(here, admin, 'registers')}", admin))

    assert revoked.status == 204
    assert _status(here, key) == 401, "at once where it was revoked"
    took_s = _wait_for(lambda: _status(there, key) == 401)
    assert took_s < _CACHED_S + 1.0
    assert stream.is_closed(), "a stream asks again whether its key still holds"


@pytest.mark.slow
def test_a_key_that_was_rotated_without_an_overlap_ends_everywhere_too(two: tuple[Attacked, Attacked]) -> None:
    here, there = two
    admin, key = here.key("admin", app="Office"), here.key("read", app="Registers")
    assert _status(there, key) == 200
    path = f"/v1/keys/{_id_of(here, admin, 'registers')}/rotate"
    body = b'{"overlap_s":0}'
    head = _call("POST", path, admin).replace(b"Content-Length: 0", b"Content-Length: %d" % len(body))

    assert here.ask(head, body).status == 200

    assert _wait_for(lambda: _status(there, key) == 401) < _CACHED_S + 1.0


async def test_whoever_is_signed_out_in_one_process_is_in_every_other_with_the_next_page(
    tmp_path: Path, sqlite_url: str, redis_url: str, fake_clock: FakeClock
) -> None:
    settings = Settings(data_dir=tmp_path, database_url=sqlite_url, redis_url=redis_url, secret_key=SECRET_KEY)
    async with open_services(settings, clock=fake_clock) as here, open_services(settings, clock=fake_clock) as there:
        await here.staff.accounts.add("ann", Role.ADMIN)
        tokens = [await here.reads.db.transact(partial(_signed_in, here)) for _ in range(3)]
        for token in tokens:
            assert await there.staff.sessions.find(token, by_hand=True) is not None

        await there.staff.accounts.sign_out("ann")

        for services in (here, there):
            assert [await services.staff.sessions.find(token, by_hand=True) for token in tokens] == [None] * 3


def _signed_in(services: Services, session: Session) -> str:
    row = staff.by_name(session, "ann")
    assert row is not None
    return services.staff.sessions.begin(session, row)
