"""Every error that we raise on purpose.

WritebackError
├── ConfigurationError            settings that cannot work; says which and how to mend it
├── IllegalTransition             a status change that the table of states does not have
└── Problem                       becomes application/problem+json
    ├── BadInput          400     the request itself cannot be read
    ├── Unauthenticated   401
    ├── Forbidden         403
    ├── NotFound          404
    ├── Conflict          409
    ├── BodyTooLarge      413
    ├── InvalidSubmission 422     carries the findings
    └── Overloaded        503     carries retry_after_s
        └── TooManyAtOnce 429     the caller's own calls are too many
"""

from collections.abc import Mapping, Sequence
from typing import Any

MOST_FINDINGS = 100
"""Findings that one answer shows; of the others it says how many there are."""


class WritebackError(Exception):
    """Base of our own errors. Messages carry ids, never pupil data."""


class ConfigurationError(WritebackError):
    """A setting is missing or wrong."""


class IllegalTransition(WritebackError):
    """The table of states has no such event for this status."""


class Problem(WritebackError):
    """An answer to the caller: `code` is stable, `detail` says what is wrong, `hint` how to mend it."""

    status = 500
    title = "Something went wrong"

    def __init__(self, code: str, detail: str, *, hint: str = "", extra: Mapping[str, Any] | None = None) -> None:
        super().__init__(detail)
        self.code, self.detail, self.hint, self.extra = code, detail, hint, dict(extra or {})


class BadInput(Problem):
    status, title = 400, "The request cannot be read"


class Unauthenticated(Problem):
    status, title = 401, "No valid key"


class Forbidden(Problem):
    status, title = 403, "The key may not do this"


class NotFound(Problem):
    status, title = 404, "Not found"


class Conflict(Problem):
    status, title = 409, "Conflicts with what is there"


class BodyTooLarge(Problem):
    status, title = 413, "The body is too large"


class InvalidSubmission(Problem):
    """The submission has findings of severity error; `findings` are JSON objects as in the API.

    The answer shows the first MOST_FINDINGS of them. `more`: how many more there are those that are given.
    """

    status, title = 422, "The submission has errors"

    def __init__(
        self, code: str, detail: str, findings: Sequence[Mapping[str, Any]], *, hint: str = "", more: int = 0
    ) -> None:
        shown = list(findings[:MOST_FINDINGS])
        more += len(findings) - len(shown)
        detail += f"; {len(shown)} findings are shown, and there are {more} more" if more else ""
        super().__init__(code, detail, hint=hint, extra={"findings": shown, "more_findings": more})


class Overloaded(Problem):
    status, title = 503, "Too busy just now"

    def __init__(self, code: str, detail: str, *, retry_after_s: int, hint: str = "") -> None:
        super().__init__(code, detail, hint=hint or f"Send it again in {retry_after_s} seconds.")
        self.retry_after_s = retry_after_s


class TooManyAtOnce(Overloaded):
    status, title = 429, "Too many at once"
