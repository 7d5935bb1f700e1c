"""What `LimitedProtocol` builds on inside uvicorn and httptools: when one of these changes, its limits do not hold."""

import asyncio
from collections import deque
from typing import Any

import httptools
import pytest
import uvicorn
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from writeback.api.front.connections import Connections
from writeback.api.front.protocol import LimitedProtocol, limited
from writeback.core.settings import Settings

GET = b"GET / HTTP/1.1\r\n\r\n"


class _Transport(asyncio.Transport):
    """Keeps what is written, and says when it is closed or not read from."""

    def __init__(self) -> None:
        super().__init__({"peername": ("203.0.113.7", 1), "sockname": ("127.0.0.1", 2)})
        self.written = b""
        self.closed = self.paused = False

    def write(self, data: Any) -> None:
        self.written += bytes(data)

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed

    def pause_reading(self) -> None:
        self.paused = True

    def resume_reading(self) -> None:
        self.paused = False


async def _waits(scope: Any, receive: Any, send: Any) -> None:
    """Serve no request until its caller has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def _never(scope: Any, receive: Any, send: Any) -> None:
    """Read nothing, answer nothing."""
    await asyncio.Event().wait()


def _connected(app: Any) -> tuple[LimitedProtocol, _Transport, ServerState]:
    config = uvicorn.Config(app, lifespan="off", ws="none", log_config=None)
    state, transport = ServerState(), _Transport()
    connection = limited(Connections(Settings()))(config=config, server_state=state, app_state={})
    connection.connection_made(transport)
    return connection, transport, state


async def _end(state: ServerState) -> None:
    tasks = list(state.tasks)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def test_every_method_that_is_extended_is_one_of_uvicorns() -> None:
    own = {name for name, value in vars(LimitedProtocol).items() if callable(value) and not name.startswith("_")}

    assert own - set(vars(HttpToolsProtocol)) == {"look"}


async def test_a_connection_has_the_parts_that_are_used() -> None:
    connection, _, state = _connected(_waits)

    assert connection.cycle is None
    assert connection.pipeline == deque()
    assert connection.timeout_keep_alive_task is None
    assert isinstance(connection.flow, FlowControl)
    assert (connection.flow.read_paused, connection.flow.write_paused) == (False, False)
    connection.data_received(GET)
    assert isinstance(connection.cycle, RequestResponseCycle)
    assert (connection.cycle.body, connection.cycle.disconnected) == (b"", False)
    assert (connection.cycle.response_started, connection.cycle.response_complete) == (False, False)
    connection.connection_lost(None)
    await _end(state)


async def test_requests_that_wait_stand_in_the_pipeline_the_earliest_at_its_right_end() -> None:
    connection, _, state = _connected(_waits)

    connection.data_received(GET * 3)

    assert [cycle is connection.cycle for cycle, _ in connection.pipeline] == [True, False]
    connection.connection_lost(None)
    await _end(state)


async def test_a_request_whose_caller_goes_away_is_told_so_though_another_one_waits_behind_it() -> None:
    connection, _, state = _connected(_waits)
    connection.data_received(GET * 2)
    (task,) = state.tasks
    await asyncio.sleep(0)

    connection.connection_lost(None)

    await asyncio.wait_for(task, 5)


async def test_no_more_of_a_body_is_read_than_somebody_takes() -> None:
    connection, transport, state = _connected(_never)

    connection.data_received(b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\n")
    assert not transport.paused
    connection.data_received(b"x")

    assert transport.paused
    connection.connection_lost(None)
    await _end(state)


async def test_a_connection_that_is_reset_leaves_no_timer() -> None:
    async def answers(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})

    connection, _, state = _connected(answers)
    connection.data_received(GET)
    await asyncio.gather(*state.tasks)
    assert connection.timeout_keep_alive_task is not None

    connection.connection_lost(ConnectionResetError())

    assert connection.timeout_keep_alive_task is None
    assert connection not in state.connections


async def test_what_a_callback_raises_is_the_context_of_the_parsers_error() -> None:
    class Raising:
        def on_headers_complete(self) -> None:
            raise KeyError("mine")

    with pytest.raises(httptools.HttpParserCallbackError) as caught:
        httptools.HttpRequestParser(Raising()).feed_data(GET)

    assert isinstance(caught.value.__context__, KeyError)


async def test_trailers_come_to_the_same_callback_as_headers() -> None:
    connection, _, state = _connected(_never)

    connection.data_received(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-Late: 1\r\n\r\n")

    assert connection.headers == [(b"x-late", b"1")]
    assert connection.scope["headers"] == [(b"transfer-encoding", b"chunked")]
    connection.connection_lost(None)
    await _end(state)
