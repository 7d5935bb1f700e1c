"""Who calls: the rights of an API key."""

from dataclasses import dataclass
from enum import StrEnum


class Scope(StrEnum):
    SUBMIT = "submit"
    """Send writebacks."""
    READ = "read"
    """See its own app's writebacks, schools and features."""
    SUPPORT = "support"
    """Sync schools, hold them, and let them go on."""
    ADMIN = "admin"
    """Everything, for every app: register schools, make keys."""


@dataclass(frozen=True)
class Caller:
    """An authenticated key. `schools` None: every school."""

    key_id: str
    app_id: str
    scopes: frozenset[Scope]
    schools: frozenset[str] | None = None

    def may(self, scope: Scope) -> bool:
        return scope in self.scopes or Scope.ADMIN in self.scopes

    def may_touch(self, school_id: str) -> bool:
        return self.schools is None or school_id in self.schools

    @property
    def sees_app(self) -> str | None:
        """The app whose writebacks it sees; None: all."""
        return None if Scope.ADMIN in self.scopes else self.app_id
