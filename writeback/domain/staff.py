"""People who use the console: their roles, and what each role may do."""

from dataclasses import dataclass, replace
from enum import StrEnum

from writeback.domain.access import Caller, Scope
from writeback.domain.actor import Actor, staff


class Role(StrEnum):
    """What somebody is; each may do all that those before it may."""

    VIEWER = "viewer"
    """Sees everything at the account's schools, and changes nothing."""
    SUPPORT = "support"
    """Corrects writebacks, holds and resumes schools, reads the audit log."""
    ADMIN = "admin"
    """Registers schools, makes keys, looks after webhooks."""


class Permission(StrEnum):
    """What a page asks for."""

    VIEW = "view"
    """See what is there."""
    CORRECT = "mend"
    """Resubmit, cancel and resolve writebacks; hold, resume and sync schools."""
    AUDIT = "audit"
    """Read who did what."""
    MANAGE = "manage"
    """Change schools, keys and webhooks."""


_VIEWER = frozenset({Permission.VIEW})
_SUPPORT = _VIEWER | {Permission.CORRECT, Permission.AUDIT}
PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.VIEWER: _VIEWER,
    Role.SUPPORT: _SUPPORT,
    Role.ADMIN: _SUPPORT | {Permission.MANAGE},
}
_SCOPES: dict[Role, frozenset[Scope]] = {
    Role.VIEWER: frozenset({Scope.READ}),
    Role.SUPPORT: frozenset({Scope.READ, Scope.SUPPORT, Scope.FIND}),
    Role.ADMIN: frozenset({Scope.READ, Scope.SUPPORT, Scope.ADMIN}),
}


@dataclass(frozen=True)
class Person:
    """Somebody who is signed in. `schools` None: every school."""

    id: str
    name: str
    role: Role
    schools: frozenset[str] | None = None

    def may(self, permission: Permission) -> bool:
        """Whether the role has it; changing what all schools share needs an account for all of them."""
        if permission is Permission.MANAGE and self.schools is not None:
            return False
        return permission in PERMISSIONS[self.role]

    def may_touch(self, school_id: str) -> bool:
        return self.schools is None or school_id in self.schools

    @property
    def caller(self) -> Caller:
        """The same rights, as the flow and the reads take them."""
        return Caller(key_id=self.id, app_id="", scopes=_SCOPES[self.role], schools=self.schools, staff_name=self.name)

    def uploader(self, school_id: str) -> Caller:
        """The same rights, as the caller of the app that files belong to which people upload for a school."""
        return replace(self.caller, app_id=console_app(school_id))

    def actor(self, reason: str = "") -> Actor:
        """Who it is in timelines and in the audit log, and why."""
        return staff(self.name, reason)


CONSOLE_APPS = "console."
"""What apps begin with that the console's uploads belong to. No key is of one: other apps' ids have no full stop."""


def console_app(school_id: str) -> str:
    """Return the app that files belong to which people upload for a school: one a school, so none waits for another."""
    return CONSOLE_APPS + school_id
