"""How a command can end: the exit codes, and the error that carries one to the edge."""

from collections.abc import Mapping
from enum import IntEnum
from typing import Any


class Exit(IntEnum):
    """Exit codes; `meaning` is what `--help` and docs/cli.md print."""

    OK = 0
    UNEXPECTED = 1
    USAGE = 2
    UNREACHABLE = 3
    REFUSED = 4
    NOT_CONFIRMED = 5
    CONFIGURATION = 6

    @property
    def meaning(self) -> str:
        return _MEANINGS[self]


_MEANINGS = {
    Exit.OK: "done",
    Exit.UNEXPECTED: "something unexpected happened, here or in the API",
    Exit.USAGE: "the command line is wrong",
    Exit.UNREACHABLE: "the API cannot be reached, or is not ready",
    Exit.REFUSED: "the API refused it: findings, a wrong key, not found, a conflict",
    Exit.NOT_CONFIRMED: "a writeback failed, or was not confirmed in time",
    Exit.CONFIGURATION: "the settings or the machine are not as they must be",
}


class CommandFailed(Exception):
    """A command ends here: what is wrong, where, how to mend it, and the exit code."""

    def __init__(
        self,
        exit_code: Exit,
        detail: str,
        *,
        hint: str = "",
        where: str = "",
        problem: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(detail)
        self.exit_code, self.detail, self.hint, self.where = exit_code, detail, hint, where
        self.problem = dict(problem or {})
        """The API's problem+json, where there is one."""

    @property
    def findings(self) -> list[dict[str, Any]]:
        return list(self.problem.get("findings", ()))

    def as_json(self) -> dict[str, Any]:
        """Return what `--json` prints: the problem's own members win over ours."""
        own = {"detail": self.detail, "hint": self.hint, "where": self.where, "exit_code": int(self.exit_code)}
        return {"error": {**own, **self.problem}}


def epilog() -> str:
    """Return the table of exit codes, for the end of `writeback --help`."""
    rows = "\n".join(f"  {code.value}  {code.meaning}" for code in Exit)
    return f"Exit codes:\n{rows}"
