"""National attendance codes, for warnings only: what a school has is in its own list.

England's are those from August 2024 (S.I. 2024/208, regulation 10), which holds for independent schools too: "the
proprietor of a school must ensure …". Of the codes of Wales, Scotland (where SEEMiS has numbers), Northern Ireland and
other countries nothing is known here that could be cited: there nothing is warned about.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from writeback.domain.school import Country

MORNING, AFTERNOON = "/", "\\"

CLOSED = "#"
"""The school is closed to pupils."""


@dataclass(frozen=True)
class NationalCodes:
    """What one country's codes mean. Empty where nobody knows: then nothing follows from a code but what the school's
    own list says of it."""

    all: frozenset[str] = frozenset()
    administrative: frozenset[str] = frozenset()
    """Set by the office: not yet on roll, closed, not required to attend, unable to attend."""
    late: frozenset[str] = frozenset()
    """Late before, and after, the register closed."""
    needs_minutes: frozenset[str] = frozenset()
    """Late, and minutes are usually said."""
    seen: frozenset[str] = frozenset()
    """Say that the pupil was seen in school. Off site and on visits is planned, so none of those is here."""
    sessions: Mapping[str, str] = field(default_factory=dict)
    """Codes that are for one session only, and which that is."""


_LATE = frozenset({"L", "U"})
SEEN = frozenset({MORNING, AFTERNOON}) | _LATE
"""Of England: what `seen_codes` of a rule says where nothing else is said."""
_ADMINISTRATIVE = frozenset({"Z", "#", "X", "Y", "Y1", "Y2", "Y3", "Y4", "Y5", "Y6", "Y7"})
_ENGLAND = NationalCodes(
    all=_ADMINISTRATIVE
    | frozenset(
        {MORNING, AFTERNOON, "L", "K", "V", "P", "W", "B"}  # present, or attending elsewhere
        | {"C", "C1", "C2", "M", "J1", "S", "R", "T", "I", "E"}  # authorised absence
        | {"G", "N", "O", "U"}  # unauthorised absence
        | {"D", "Q"}  # not a possible session
    ),
    administrative=_ADMINISTRATIVE,
    late=_LATE,
    needs_minutes=frozenset({"L"}),
    seen=SEEN,
    sessions={MORNING: "AM", AFTERNOON: "PM"},
)
_UNKNOWN = NationalCodes()
_BY_COUNTRY: Mapping[Country, NationalCodes] = {Country.ENGLAND: _ENGLAND, Country.INDEPENDENT: _ENGLAND}


def codes_of(country: Country) -> NationalCodes:
    """Return what is known of a country's codes."""
    return _BY_COUNTRY.get(country, _UNKNOWN)
