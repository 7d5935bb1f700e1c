"""The same as `blocking.py` for asyncio: step by step its mirror."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, Concatenate, ParamSpec, TypeVar

import httpx

from writeback_client.calls import Answer, Request, Source, Task
from writeback_client.methods import like
from writeback_client.options import Options
from writeback_client.steps import Close, Emit, Open, Read, Send, Sleep, Step
from writeback_client.wire import headers_of, httpx_request

P = ParamSpec("P")
T = TypeVar("T")


class Runner:
    """Runs tasks and sources over one httpx client, any number at a time."""

    def __init__(self, options: Options, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self.options = options
        self._http = httpx.AsyncClient(transport=transport, **options.http)

    async def run(self, task: Task[T]) -> T:
        """Return the task's result, or raise."""
        flow, line = task.flow(self.options), _Line(self._http, self.options)
        async with line.closed_in_the_end():
            reply: Any = None
            while True:
                try:
                    step = flow.send(reply)
                except StopIteration as end:
                    result: T = end.value
                    return result
                reply = await line.do(step)

    async def iterate(self, source: Source[T]) -> AsyncIterator[T]:
        """Yield the source's items as they come."""
        flow, line = source.flow(self.options), _Line(self._http, self.options)
        async with line.closed_in_the_end():
            reply: Any = None
            while True:
                try:
                    step = flow.send(reply)
                except StopIteration:
                    return
                if isinstance(step, Emit):
                    yield step.item
                    reply = None
                else:
                    reply = await line.do(step)

    async def close(self) -> None:
        await self._http.aclose()


class _Line:
    """One flow's connection to the API: at most one answer is open in it."""

    def __init__(self, http: httpx.AsyncClient, options: Options) -> None:
        self._http, self._options = http, options
        self._open: httpx.Response | None = None
        self._chunks: AsyncIterator[bytes] | None = None

    @asynccontextmanager
    async def closed_in_the_end(self) -> AsyncIterator[None]:
        try:
            yield
        finally:
            await self._close()

    async def do(self, step: Step) -> Any:
        match step:
            case Send(request):
                return await self._send(request)
            case Sleep(seconds):
                await asyncio.sleep(seconds)
            case Open(request):
                return await self._begin(request)
            case Read():
                return await self._read()
            case Close():
                await self._close()
            case Emit():
                raise AssertionError("a task has no items")
        return None

    async def _send(self, request: Request) -> Answer | httpx.HTTPError:
        try:
            response = await self._http.send(httpx_request(self._http, self._options, request))
        except httpx.HTTPError as error:
            return error
        return Answer(response.status_code, response.headers, response.content)

    async def _begin(self, request: Request) -> Answer | httpx.HTTPError:
        await self._close()
        try:
            response = await self._http.send(httpx_request(self._http, self._options, request), stream=True)
            if not response.is_success:
                try:
                    return Answer(response.status_code, response.headers, await response.aread())
                finally:
                    await response.aclose()
        except httpx.HTTPError as error:
            return error
        self._open, self._chunks = response, response.aiter_bytes()
        return headers_of(response)

    async def _read(self) -> bytes | httpx.HTTPError | None:
        assert self._chunks is not None, "a flow opens before it reads"
        try:
            return await anext(self._chunks, None)
        except httpx.HTTPError as error:
            return error

    async def _close(self) -> None:
        if self._open is not None:
            await self._open.aclose()
        self._open, self._chunks = None, None


class Room:
    """Base of the groups of methods: `client.schools`, `client.webhooks`, …"""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner


def one(build: Callable[P, Task[T]]) -> Callable[Concatenate[Any, P], Coroutine[Any, Any, T]]:
    """Return the method that does what `build` builds, and returns its result."""

    async def method(self: Any, /, *args: P.args, **kwargs: P.kwargs) -> T:
        result: T = await self._runner.run(build(*args, **kwargs))
        return result

    return like(build, method)


def each(build: Callable[P, Source[T]]) -> Callable[Concatenate[Any, P], AsyncIterator[T]]:
    """Return the method that goes through what `build` builds."""

    def method(self: Any, /, *args: P.args, **kwargs: P.kwargs) -> AsyncIterator[T]:
        items: AsyncIterator[T] = self._runner.iterate(build(*args, **kwargs))
        return items

    return like(build, method)
