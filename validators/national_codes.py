"""England's attendance codes from August 2024, for warnings only: what a school has is in its own list."""

MORNING, AFTERNOON = "/", "\\"

LATE = frozenset({"L", "U"})
"""Late before, and after, the register closed."""

SEEN = frozenset({MORNING, AFTERNOON}) | LATE
"""Say that the pupil was seen in school. Off site and on visits is planned, so none of those is here."""

ADMINISTRATIVE = frozenset({"Z", "#", "X", "Y", "Y1", "Y2", "Y3", "Y4", "Y5", "Y6", "Y7"})
"""Set by the office: not yet on roll, closed, not required to attend, unable to attend."""

NATIONAL = ADMINISTRATIVE | frozenset(
    {MORNING, AFTERNOON, "L", "K", "V", "P", "W", "B"}  # present, or attending elsewhere
    | {"C", "C1", "C2", "M", "J1", "S", "R", "T", "I", "E"}  # authorised absence
    | {"G", "N", "O", "U"}  # unauthorised absence
    | {"D", "Q"}  # not a possible session
)
