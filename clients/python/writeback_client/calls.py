"""A call, before anything is sent: where to, with what, whether it is safe to repeat, and how its answer is read.

`resources/` builds calls, `flows.py` says how one is made, and `blocking.py` and `aio.py` do it.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import Enum
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from urllib.parse import quote
from uuid import uuid4

import httpx
from pydantic import BaseModel, ValidationError
from pydantic_core import from_json, to_json

from writeback_client.errors import Misconfigured, UnexpectedAnswer

if TYPE_CHECKING:
    from writeback_client.files import Upload
    from writeback_client.options import Options
    from writeback_client.steps import Step

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
M = TypeVar("M", bound=BaseModel)
_SHOWN = 200


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: httpx.Headers
    body: bytes = field(repr=False)

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300


@dataclass(frozen=True)
class Request:
    """What is sent. `path` begins with a slash, and what stands in it is quoted."""

    method: str
    path: str
    params: Mapping[str, Any] = field(default_factory=dict)
    content: "bytes | Upload | None" = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)
    timeout_s: float | None = None
    """None: the client's."""
    is_repeatable: bool = False
    """Whether it does the same when it is sent twice."""


class Task(ABC, Generic[T_co]):
    """Something that a client does, with one result."""

    @abstractmethod
    def flow(self, options: "Options") -> "Generator[Step, Any, T_co]":
        """Return its steps."""


class Source(ABC, Generic[T_co]):
    """Something that a client goes through, item by item."""

    @abstractmethod
    def flow(self, options: "Options") -> "Generator[Step, Any, None]":
        """Return its steps; `Emit` is an item."""


@dataclass(frozen=True)
class Call(Task[T]):
    """One request, tried again where that is safe, and what its answer says."""

    request: Request
    read: Callable[[Answer], T]

    def flow(self, options: "Options") -> "Generator[Step, Any, T]":
        from writeback_client.flows import exchange

        return self.read((yield from exchange(self.request, options)))


def get(path: str, read: Callable[[Answer], T], **params: Any) -> Call[T]:
    return Call(Request("GET", path, given(params), is_repeatable=True), read)


def post(
    path: str,
    read: Callable[[Answer], T],
    body: Any = None,
    *,
    params: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
    is_repeatable: bool = False,
    timeout_s: float | None = None,
    method: str = "POST",
) -> Call[T]:
    """Return a call with a JSON body; without one where `body` is None."""
    content = None if body is None else to_json(body)
    kind = {} if content is None else {"Content-Type": "application/json"}
    request = Request(
        method,
        path,
        given(params or {}),
        content,
        {**kind, **(headers or {})},
        timeout_s=timeout_s,
        is_repeatable=is_repeatable,
    )
    return Call(request, read)


def patch(path: str, read: Callable[[Answer], T], body: Mapping[str, Any]) -> Call[T]:
    return post(path, read, body, method="PATCH", is_repeatable=True)


def put(path: str, read: Callable[[Answer], T], body: Mapping[str, Any]) -> Call[T]:
    return post(path, read, body, method="PUT", is_repeatable=True)


def delete(path: str) -> Call[None]:
    # A second DELETE would be answered with 404, as if there had never been anything.
    return Call(Request("DELETE", path), nothing)


def path(template: str, *parts: str) -> str:
    """Return the path with its `{}` filled in; a part can hold anything, and stays one part."""
    return template.format(*(_quoted(part) for part in parts))


def _quoted(part: str) -> str:
    if not part.strip("."):  # `..` would be another path, and nothing a list in place of one thing
        raise Misconfigured(f"{part!r} is no id")
    return quote(part, safe="")


def given(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return query parameters without those that are None or empty, as the API writes them."""
    return {name: _text(value) for name, value in values.items() if value is not None and value != [] and value != ()}


def said(**values: Any) -> dict[str, Any]:
    """Return the fields of a body that are not None."""
    return {name: value for name, value in values.items() if value is not None}


def idempotency(key: str | None) -> dict[str, str]:
    """Return the header that makes a POST safe to repeat, with a new key where none is given."""
    return {"Idempotency-Key": key or str(uuid4())}


def _text(value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case Enum():
            return str(value.value)
        case str() | int() | float():
            return str(value)
        case date():  # a datetime is one too
            return value.isoformat()
        case _:
            return ",".join(_text(one) for one in value)


def as_model(model: type[M]) -> Callable[[Answer], M]:
    """Return what reads an answer as a model."""

    def read(answer: Answer) -> M:
        try:
            return model.model_validate_json(answer.body)
        except ValidationError as error:
            raise unreadable(
                answer, f"{model.__name__}: {error.error_count()} fields are not as they should be"
            ) from None

    return read


def as_json(answer: Answer) -> Any:
    """Return the JSON of an answer, None for an empty one."""
    if not answer.body:
        return None
    try:
        return from_json(answer.body)
    except ValueError:
        raise unreadable(answer, "is not JSON") from None


def as_bytes(answer: Answer) -> bytes:
    return answer.body


def nothing(answer: Answer) -> None:
    """Read nothing."""


def unreadable(answer: Answer, why: str) -> UnexpectedAnswer:
    """Return the error for an answer that cannot be read; nothing of its body, which may name pupils."""
    media_type = answer.headers.get("Content-Type", "no content type")[:_SHOWN]
    return UnexpectedAnswer(
        f"the answer is not what this API says ({media_type}): {why}. Is the address that of the API?",
        status=answer.status,
    )
