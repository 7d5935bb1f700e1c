"""England's attendance codes from August 2024, as both providers describe them. Used by `seed` and `wonde.reads`."""

from dataclasses import dataclass
from typing import Final


@dataclass(slots=True)
class Code:
    """One attendance code as the MIS has it; `type` is Wonde's word for its statistical meaning."""

    id: str
    code: str
    description: str
    type: str
    is_active: bool = True
    is_custom: bool = False


PRESENT, AUTHORISED, UNAUTHORISED, VOID = "PRESENT", "AUTHORISED", "UNAUTHORISED", "VOID"
CODE_TYPES: Final = (PRESENT, AUTHORISED, UNAUTHORISED, VOID)

_ACTIVE: Final = (
    ("/", "Present (AM)", PRESENT),
    ("\\", "Present (PM)", PRESENT),
    ("L", "Late (before registers closed)", PRESENT),
    ("K", "Education provision arranged by the local authority", PRESENT),
    ("V", "Educational visit or trip", PRESENT),
    ("P", "Sporting activity", PRESENT),
    ("W", "Work experience", PRESENT),
    ("B", "Any other approved educational activity", PRESENT),
    ("C", "Leave of absence for exceptional circumstances", AUTHORISED),
    ("C1", "Regulated performance or employment abroad", AUTHORISED),
    ("C2", "Part-time timetable", AUTHORISED),
    ("M", "Medical or dental appointment", AUTHORISED),
    ("J1", "Interview for employment or education", AUTHORISED),
    ("S", "Study leave", AUTHORISED),
    ("R", "Religious observance", AUTHORISED),
    ("T", "Mobile child", AUTHORISED),
    ("I", "Illness", AUTHORISED),
    ("E", "Suspended or permanently excluded", AUTHORISED),
    ("G", "Holiday not granted by the school", UNAUTHORISED),
    ("N", "Reason for absence not yet established", UNAUTHORISED),
    ("O", "Absent in other circumstances", UNAUTHORISED),
    ("U", "Late (after registers closed)", UNAUTHORISED),
    ("D", "Dual registered", VOID),
    ("Q", "Unable to attend: lack of access arrangements", VOID),
    ("X", "Non-compulsory school age, not required", VOID),
    ("Y1", "Transport not available", VOID),
    ("Y2", "Widespread disruption to travel", VOID),
    ("Y3", "Part of the premises closed", VOID),
    ("Y4", "Whole school unexpectedly closed", VOID),
    ("Y5", "Criminal justice detention", VOID),
    ("Y6", "Public health guidance or law", VOID),
    ("Y7", "Any other unavoidable cause", VOID),
    ("Z", "Prospective pupil not on the admission register", VOID),
    ("#", "Planned whole school closure", VOID),
)
_WITHDRAWN: Final = (
    ("H", "Holiday agreed (withdrawn August 2024)", AUTHORISED),
    ("J", "Interview (withdrawn August 2024)", AUTHORISED),
    ("Y", "Unable to attend (withdrawn August 2024)", VOID),
)

CLOSED: Final = "#"
NO_REASON_YET: Final = "N"
NEED_STATUTORY_COMMENT: Final = frozenset({"B", "K", "Y7"})
"""SIMS wants to know why (Xporter 14075)."""

_MEANINGS: Final = {
    PRESENT: ("Present", "Present", "IN"),
    AUTHORISED: ("Authorised Absence", "Authorised", "OUT"),
    UNAUTHORISED: ("Unauthorised Absence", "Unauthorised", "OUT"),
    VOID: ("Attendance not required", "Not required", "OUT"),
}


def dfe_codes() -> list[Code]:
    """Return the national list. Its ids are the same at every school, as Wonde's DfE codes are (Wonde 2411)."""
    rows = [(*row, True) for row in _ACTIVE] + [(*row, False) for row in _WITHDRAWN]
    return [
        Code(id=f"A{1_329_183_376 + 7_919 * place}", code=code, description=text, type=kind, is_active=active)
        for place, (code, text, kind, active) in enumerate(rows)
    ]


def meanings(code: Code) -> tuple[str, str, str]:
    """Return MeaningDescription, ShortMeaningDescription and PhysicalMeaning (Xporter 1985-1987)."""
    if code.code == "L":
        return "Present", "Present", "LATE"
    return _MEANINGS[code.type]
