"""Every writeback that Xporter offers: who may, what is checked, and what the callback tells (13916-14833)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from writeback.sandbox.mis.mis import RecordChange, Writing
from writeback.sandbox.mis.school import SandboxSchool
from writeback.sandbox.xporter.access import XporterError
from writeback.sandbox.xporter.conduct_validation import check_conduct
from writeback.sandbox.xporter.detention_validation import check_detentions
from writeback.sandbox.xporter.validation import check_at_once, check_with_attendance


@dataclass(frozen=True, slots=True)
class Payload:
    """A body that has passed its checks; `ids`: the Id of each change, as it was sent."""

    writings: Sequence[Writing] = ()
    changes: Sequence[RecordChange] = ()
    ids: Sequence[Any] = ()


def _nothing_late(writings: Sequence[Writing], school: SandboxSchool) -> str | None:
    return None


@dataclass(frozen=True, slots=True)
class Operation:
    """One endpoint. `read` raises XporterError; `check_late` is tier 2 (14092)."""

    name: str
    scope: str | None
    read: Callable[[Any, SandboxSchool, date], Payload]
    check_late: Callable[[Sequence[Writing], SandboxSchool], str | None] = _nothing_late
    id_name: str | None = None
    """What a result calls the Id of the payload; None: the callback has no results."""
    families: frozenset[str] = frozenset()
    """The records that a result gives the MIS's id of."""
    must_call_back: bool = False


def _marks(body: Any, school: SandboxSchool, _: date) -> Payload:
    return Payload(writings=check_at_once(body, school))


def _conduct(body: Any, school: SandboxSchool, _: date) -> Payload:
    changes = check_conduct(body, school)
    return Payload(changes=changes, ids=[row["Id"] for row in body["Conducts"]])


def _conduct_in_sims(body: Any, school: SandboxSchool, today: date) -> Payload:
    if school.mis_name.upper() != "SIMS":
        raise XporterError(f"Conduct writeback is not supported for {school.mis_name}")
    return _conduct(body, school, today)


def _detentions(body: Any, school: SandboxSchool, today: date) -> Payload:
    changes = check_detentions(body, school, today)
    return Payload(changes=changes, ids=[row["Id"] for row in body["Detentions"]])


def _anything(body: Any, school: SandboxSchool, _: date) -> Payload:
    """Take any object: the document shows no fields."""
    if not isinstance(body, dict):
        raise XporterError("The body must be a JSON object")
    return Payload()


_INCIDENTS: Final = frozenset({"achievement", "behaviour"})
ATTENDANCE: Final = Operation("Attendance", "WritebackAttendance", _marks, check_with_attendance)
ATTENDANCE_ASYNC: Final = Operation(
    "AttendanceAsync", "WritebackAttendance", _marks, check_with_attendance, must_call_back=True
)
CONDUCT: Final = Operation("Conduct", "WritebackConduct", _conduct_in_sims, id_name="IncidentId", families=_INCIDENTS)
"""Only SIMS (14180). The section describes POST.ConductAch, whose IncidentType "must be Ach" (14190). POST.ConductBeh
is named beside it (7410, 14293), and old public clients post both to one path."""
CONDUCT_ASYNC: Final = Operation(
    "ConductAsync", "WritebackConduct", _conduct, id_name="IncidentId", families=_INCIDENTS
)
"""That conduct too needs the scope of its name is a guess: it is said of detentions (14492)."""
DETENTION_ASYNC: Final = Operation(
    "DetentionAsync", "WritebackConduct", _detentions, id_name="DetentionId", families=frozenset({"detention"})
)
USER_ASYNC: Final = Operation("UserAsync", None, _anything, id_name="Id")
KEPT_AT_XPORTER: Final = tuple(
    Operation(name, None, _anything)
    for name in ("EntityAttributes", "GDPRfilter", "Photos", "SeatingPlan", "TagDefinitions", "Tags")
)
"""Their bodies are not shown but for names (14663-14790), nor is a scope; nothing of them reaches the MIS."""
