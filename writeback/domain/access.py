"""Who calls: the rights of an API key."""

from dataclasses import dataclass
from enum import StrEnum

from writeback.core.errors import Forbidden
from writeback.domain.mode import Mode, mode_of


class Scope(StrEnum):
    SUBMIT = "submit"
    """Send writebacks."""
    READ = "read"
    """See its own app's writebacks, schools and features."""
    MIS_READ = "mis:read"
    """Read pupils, staff, lessons and codes of its schools through the drop-in endpoints, where these pass reads on. No
    other scope brings it with it."""
    FIND = "find"
    """Find pupils and staff by UPN, number or name, also in what it submits: it tells who goes to a school."""
    SUPPORT = "support"
    """See and correct every app's writebacks of its schools; sync, hold and resume these schools."""
    ADMIN = "admin"
    """Everything else, for every app: register schools, make keys."""


@dataclass(frozen=True)
class Caller:
    """An authenticated key. `schools` None: every school; `kinds` None: every kind."""

    key_id: str
    app_id: str
    scopes: frozenset[Scope]
    schools: frozenset[str] | None = None
    kinds: frozenset[str] | None = None
    """Names of the kinds that it may send, change and see."""
    staff_name: str | None = None
    """Set for a person at the console, who is of no app; None: a key."""

    def may(self, scope: Scope) -> bool:
        return scope in self.scopes or (Scope.ADMIN in self.scopes and scope is not Scope.MIS_READ)

    @property
    def mode(self) -> Mode | None:
        """Live or test, as the app is: schools of the other mode do not exist for it. None: a person, who sees both."""
        return None if self.staff_name is not None else mode_of(self.app_id)

    def sees_mode_of(self, some_id: str) -> bool:
        """Whether a school or an app, by its id, is of a mode that the caller sees."""
        return self.mode in (None, mode_of(some_id))

    def is_listed(self, school_id: str) -> bool:
        """Whether the school is one of those that the caller is limited to."""
        return self.schools is None or school_id in self.schools

    def may_touch(self, school_id: str) -> bool:
        return self.is_listed(school_id) and self.sees_mode_of(school_id)

    @property
    def is_for_all(self) -> bool:
        """Whether it may do what concerns all schools: it is limited to none, and not to tests."""
        return self.schools is None and self.mode is not Mode.TEST

    def is_for(self, kind: str) -> bool:
        return self.kinds is None or kind in self.kinds

    @property
    def sees_app(self) -> str | None:
        """The app whose writebacks it sees; None: every app's, in its schools."""
        return None if self.staff_name is not None or self.may(Scope.SUPPORT) else self.app_id

    @property
    def sees_names(self) -> bool:
        """Whether it is shown what people are called: it looks after schools, and may find people."""
        return self.may(Scope.FIND) and (self.staff_name is not None or self.may(Scope.SUPPORT))

    @property
    def owns_app(self) -> str | None:
        """The app whose webhooks it looks after; None: every app's. Support sees what an app sees, and is not it."""
        return None if Scope.ADMIN in self.scopes else self.app_id


def check_may_find(caller: Caller) -> None:
    """Raise Forbidden for a key that may not find people as the school knows them."""
    if not caller.may(Scope.FIND):
        raise Forbidden(
            "key_lacks_scope",
            f"this key has no scope {Scope.FIND.value!r}, which finding people by UPN, number or name takes; "
            f"it has {', '.join(sorted(caller.scopes))}",
            hint="Send the provider's ids, or use a key with the scope: whoever looks after the service makes keys.",
        )


def check_kind(caller: Caller, kind: str) -> None:
    """Raise Forbidden for a key that may not make, change or see writebacks of this kind."""
    if not caller.is_for(kind):
        raise Forbidden(
            "key_lacks_kind",
            f"this key is not for {kind}; it is for {', '.join(sorted(caller.kinds or ())) or 'nothing'}",
            hint="Use a key that has this kind, or ask for one: whoever looks after the service makes keys.",
        )
