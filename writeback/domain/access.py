"""Who calls: the rights of an API key."""

from dataclasses import dataclass
from enum import StrEnum


class Scope(StrEnum):
    SUBMIT = "submit"
    """Send writebacks."""
    READ = "read"
    """See its own app's writebacks, schools and features."""
    SUPPORT = "support"
    """See every app's writebacks of its schools, mend them, sync these schools, hold them, and let them go on."""
    ADMIN = "admin"
    """Everything, for every app: register schools, make keys."""


@dataclass(frozen=True)
class Caller:
    """An authenticated key. `schools` None: every school."""

    key_id: str
    app_id: str
    scopes: frozenset[Scope]
    schools: frozenset[str] | None = None
    staff_name: str | None = None
    """Set for a person at the console, who is of no app; None: a key."""

    def may(self, scope: Scope) -> bool:
        return scope in self.scopes or Scope.ADMIN in self.scopes

    def may_touch(self, school_id: str) -> bool:
        return self.schools is None or school_id in self.schools

    @property
    def sees_app(self) -> str | None:
        """The app whose writebacks it sees; None: every app's, in its schools."""
        return None if self.staff_name is not None or self.may(Scope.SUPPORT) else self.app_id

    @property
    def owns_app(self) -> str | None:
        """The app whose webhooks it looks after; None: every app's. Support sees what an app sees, and is not it."""
        return None if Scope.ADMIN in self.scopes else self.app_id
