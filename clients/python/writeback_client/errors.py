"""Every error of the client. Catch `ClientError` for all of them.

ClientError
├── Misconfigured           no address or key, or a secret that is none
├── Unreachable             no answer: DNS, refused, broken off; nothing is known of what was done
│   └── Timeout             no answer in time
├── UnexpectedAnswer        an answer, but not one of this API: a proxy's page, a redirect
├── NotFinal                (a TimeoutError) `wait` ran out of time; nothing is lost, `writeback` says how far it is
├── SignatureInvalid        a webhook that is not ours, is too old, or was changed
└── Problem                 the API refused: `code`, `detail`, `hint`, `findings`, `request_id`
    ├── Invalid             400, 413, 415, 422   the request or its records
    ├── Unauthenticated     401
    ├── Forbidden           403
    ├── NotFound            404
    ├── Conflict            409
    ├── RateLimited         429   `retry_after_s`
    └── ServerError         5xx
        └── Unavailable     502, 503, 504   `retry_after_s`
"""

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import httpx
from pydantic import ValidationError

from writeback_client.models.base import Finding

if TYPE_CHECKING:
    from writeback_client.models.writebacks import Writeback


class ClientError(Exception):
    """Base of all."""


class Misconfigured(ClientError):
    """The client cannot work as it was made; the message says what to give."""


class Unreachable(ClientError):
    """No answer. What is not named safe to repeat in docs/client.md may have been done all the same."""


class Timeout(Unreachable):
    """No answer in time."""


class UnexpectedAnswer(ClientError):
    """An answer that this API does not give; `status` is its HTTP status."""

    def __init__(self, detail: str, *, status: int) -> None:
        super().__init__(detail)
        self.detail, self.status = detail, status


class NotFinal(ClientError, TimeoutError):
    """A writeback, or a batch, had not ended when `wait` ran out of time."""

    def __init__(self, detail: str, *, writeback: "Writeback | None" = None) -> None:
        super().__init__(detail)
        self.writeback = writeback
        """As it was seen last."""


class SignatureInvalid(ClientError):
    """Answer it with 400, and do nothing."""


class Problem(ClientError):
    """The API refused: decide by `code`, show `detail` and `hint`."""

    def __init__(self, status: int, content: Mapping[str, Any], headers: httpx.Headers) -> None:
        self.status = status
        self.code = str(content.get("code") or f"http_{status}")
        """Stable."""
        self.detail = str(content.get("detail") or content.get("title") or f"the API answered {status}")
        """What is wrong, this time."""
        self.hint = str(content.get("hint") or "")
        """What to do."""
        self.findings = _findings(content.get("findings"))
        """What is wrong with a submission: everything, or the first hundred things."""
        more = content.get("more_findings")
        self.more_findings: int = more if isinstance(more, int) else 0
        """How many more there are; `detail` says so too."""
        self.retry_after_s = retry_after(headers)
        self.request_id = headers.get("X-Request-Id")
        """For whoever looks after the service."""
        self.content = dict(content)
        """The whole problem, as it came."""
        super().__init__(f"{self.detail} ({self.code})")


class Invalid(Problem): ...


class Unauthenticated(Problem): ...


class Forbidden(Problem): ...


class NotFound(Problem): ...


class Conflict(Problem): ...


class RateLimited(Problem): ...


class ServerError(Problem): ...


class Unavailable(ServerError): ...


_BY_STATUS: dict[int, type[Problem]] = {
    400: Invalid,
    401: Unauthenticated,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    413: Invalid,
    415: Invalid,
    422: Invalid,
    429: RateLimited,
    502: Unavailable,
    503: Unavailable,
    504: Unavailable,
}


def refusal(status: int, headers: httpx.Headers, body: bytes) -> Problem:
    """Return the problem that an answer of 4xx or 5xx is; one without problem+json has its status alone."""
    try:
        content = json.loads(body)
    except ValueError:
        content = {}
    kind = _BY_STATUS.get(status, ServerError if status >= 500 else Problem)
    return kind(status, content if isinstance(content, dict) else {}, headers)


def unreachable(error: httpx.HTTPError, url: str) -> Unreachable:
    """Return the error for an httpx one, which is its cause; the address in it is ours, without key or query."""
    kind = Timeout if isinstance(error, httpx.TimeoutException) else Unreachable
    made = kind(f"cannot reach the API at {url}: {str(error) or type(error).__name__}")
    made.__cause__ = error
    return made


def retry_after(headers: httpx.Headers) -> float | None:
    """Return the seconds that the API asks to wait; None where it says nothing, or a date."""
    given = headers.get("Retry-After", "")
    return float(given) if given.isascii() and given.isdigit() else None


def _findings(given: Any) -> Sequence[Finding]:
    """Return the findings that can be read; the problem is reported in any case."""
    found = []
    for one in given if isinstance(given, list) else ():
        try:
            found.append(Finding.model_validate(one))
        except ValidationError:
            continue
    return tuple(found)
