"""Carries out the steps of flows with a blocking httpx client; and turns functions that build calls into methods."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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
    """Runs tasks and sources over one httpx client; may be used by several threads."""

    def __init__(self, options: Options, transport: httpx.BaseTransport | None = None) -> None:
        self.options = options
        self._http = httpx.Client(transport=transport, **options.http)

    def run(self, task: Task[T]) -> T:
        """Return the task's result, or raise."""
        flow, line = task.flow(self.options), _Line(self._http, self.options)
        with line.closed_in_the_end():
            reply: Any = None
            while True:
                try:
                    step = flow.send(reply)
                except StopIteration as end:
                    result: T = end.value
                    return result
                reply = line.do(step)

    def iterate(self, source: Source[T]) -> Iterator[T]:
        """Yield the source's items as they come."""
        flow, line = source.flow(self.options), _Line(self._http, self.options)
        with line.closed_in_the_end():
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
                    reply = line.do(step)

    def close(self) -> None:
        self._http.close()


class _Line:
    """One flow's connection to the API: at most one answer is open in it."""

    def __init__(self, http: httpx.Client, options: Options) -> None:
        self._http, self._options = http, options
        self._open: httpx.Response | None = None
        self._chunks: Iterator[bytes] = iter(())

    @contextmanager
    def closed_in_the_end(self) -> Iterator[None]:
        try:
            yield
        finally:
            self._close()

    def do(self, step: Step) -> Any:
        match step:
            case Send(request):
                return self._send(request)
            case Sleep(seconds):
                time.sleep(seconds)
            case Open(request):
                return self._begin(request)
            case Read():
                return self._read()
            case Close():
                self._close()
            case Emit():
                raise AssertionError("a task has no items")
        return None

    def _send(self, request: Request) -> Answer | httpx.HTTPError:
        try:
            response = self._http.send(httpx_request(self._http, self._options, request))
        except httpx.HTTPError as error:
            return error
        return Answer(response.status_code, response.headers, response.content)

    def _begin(self, request: Request) -> Answer | httpx.HTTPError:
        self._close()
        try:
            response = self._http.send(httpx_request(self._http, self._options, request), stream=True)
            if not response.is_success:
                try:
                    return Answer(response.status_code, response.headers, response.read())
                finally:
                    response.close()
        except httpx.HTTPError as error:
            return error
        self._open, self._chunks = response, response.iter_bytes()
        return headers_of(response)

    def _read(self) -> bytes | httpx.HTTPError | None:
        try:
            return next(self._chunks, None)
        except httpx.HTTPError as error:
            return error

    def _close(self) -> None:
        if self._open is not None:
            self._open.close()
        self._open, self._chunks = None, iter(())


class Room:
    """Base of the groups of methods: `client.schools`, `client.webhooks`, …"""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner


def one(build: Callable[P, Task[T]]) -> Callable[Concatenate[Any, P], T]:
    """Return the method that does what `build` builds, and returns its result."""

    def method(self: Any, /, *args: P.args, **kwargs: P.kwargs) -> T:
        result: T = self._runner.run(build(*args, **kwargs))
        return result

    return like(build, method)


def each(build: Callable[P, Source[T]]) -> Callable[Concatenate[Any, P], Iterator[T]]:
    """Return the method that goes through what `build` builds."""

    def method(self: Any, /, *args: P.args, **kwargs: P.kwargs) -> Iterator[T]:
        items: Iterator[T] = self._runner.iterate(build(*args, **kwargs))
        return items

    return like(build, method)
