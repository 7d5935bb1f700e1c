"""One simulated school as its provider sees it: access, connection, pace, and the MIS behind it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from writeback.sandbox.faults import Fault
from writeback.sandbox.mis.mis import Mis, RecordChange, Writing
from writeback.sandbox.mis.records import Effect

WONDE_PERMISSIONS: Final = (
    "students.read", "employees.read", "classes.read", "groups.read", "lessons.read", "rooms.read", "events.read",
    "attendance.read", "attendance.write",
    "achievement.read", "achievement.write", "achievement.delete",
    "behaviour.read", "behaviour.write", "behaviour.delete",
    "detentions.read", "detentions.write", "detentions.delete", "detention-types.read",
    "attendance-detentions.read", "attendance-detentions.write", "attendance-detentions.delete",
    "student-absences.read", "student-absences.write",
    "employees-absence.read", "employees-absence.write", "employees-absence.delete",
)  # fmt: skip
"""Identities of the form of Wonde 1003 and 5427. Of most only the words are printed ("the behaviour delete
permission", 2820): the spelling is a guess, and so is that each `…read` and `…delete` has a `…write` beside it."""
XPORTER_SCOPES: Final = (
    "School", "Student", "StudentLite", "StudentExtended", "UPN", "Staff", "StaffLite", "StaffExtended",
    "Attendance", "WritebackAttendance", "WritebackConduct",
    "Conduct", "ConductComments", "StudentDetentions",
)  # fmt: skip
"""`WritebackConduct` is documented (14492); `WritebackAttendance` is formed after it, a guess."""


@dataclass(slots=True)
class SandboxSchool:
    """State that the control plane can change."""

    provider: str
    id: str
    """Wonde's school id, or the establishment number."""
    name: str
    secret: str
    """Wonde: the token. Xporter: the school secret."""
    mis: Mis
    created_at: datetime
    access: str = "approved"
    """approved | pending | revoked | declined."""
    is_audited: bool = True
    is_online: bool = True
    is_paused: bool = False
    """Xporter: the school is choosing whom to share (99-107)."""
    allows_writeback: bool = True
    has_lesson_attendance: bool = True
    names_conduct_writebacks: bool = True
    """Wonde: whether the calls whose answer is not documented (1300, 1371, 2749, 2814, 5421) give a writeback_id."""
    is_strict: bool = False
    """Whether fields that its provider does not know, and nulls, are refused."""
    migration_scheduled_at: datetime | None = None
    """Wonde: since when a move to another MIS is announced (181)."""
    country_code: str = "GBR"
    """Wonde: of the school's address (291)."""
    has_custom_codes: bool = False
    left_out: set[str] = field(default_factory=set)
    """Pupils and staff whom the provider's lists lack, although the MIS has them."""
    falsely_gone: set[str] = field(default_factory=set)
    """Xporter: pupils who are in the next change set of pupils as deleted, although they are on roll."""
    grants: set[str] = field(default_factory=set)
    """Wonde: permissions. Xporter: scopes."""
    relying_party: str | None = None
    """Xporter: the only application that the secret is good for; None: any."""
    paginates_always: bool = False
    """Wonde: whether a list that fits on one page has `meta.pagination` too. The document says no (70), and official
    clients fail without it."""
    completion_delay_s: float = 0.3
    retry_every_s: float = 300.0
    """Xporter tries an agent that does not answer every 5 minutes (14119)."""
    retry_for_s: float = 3_600.0
    token_ttl_s: float = 12 * 3_600.0
    cache_ttl_s: float = 1_800.0
    """Xporter keeps a date's attendance for 30 minutes (2069)."""

    @property
    def mis_name(self) -> str:
        return self.mis.name

    @mis_name.setter
    def mis_name(self, value: str) -> None:
        self.mis.name = value


@dataclass(slots=True)
class Write:
    """An accepted request on its way into the MIS."""

    ref: str
    school: SandboxSchool
    kind: str
    request: int
    writings: Sequence[Writing]
    created_at: datetime
    updated_at: datetime
    faults: Sequence[Fault] = ()
    callback_url: str | None = None
    status: str = "PENDING"
    last_attempt: datetime | None = None
    next_attempt: datetime | None = None
    message: str | None = None
    changes: Sequence[RecordChange] = ()
    """What is to be done to records other than marks, which are `writings`."""
    effects: Sequence[Effect] = ()
    """What became of the changes; an effect's `index` is the change's place."""

    @property
    def size(self) -> int:
        return len(self.writings) + len(self.changes)

    @property
    def is_done(self) -> bool:
        return self.status != "PENDING"

    def finish(self, status: str, at: datetime, message: str | None = None) -> None:
        """End it. What was written is let go: thousands of finished requests are kept."""
        self.status, self.updated_at, self.next_attempt, self.message = status, at, None, message
        self.writings, self.changes = (), ()
