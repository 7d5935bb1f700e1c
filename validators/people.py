"""What is to be said of a person who was looked for as the school knows them. Pure."""

from validators.catalogue import CATALOGUE
from writeback.domain.directory import Match
from writeback.domain.finding import Finding
from writeback.domain.lookups import ListName
from writeback.domain.school import School
from writeback.domain.submission.people import Mention

_CODES = {
    Match.UNKNOWN: "person_unknown",
    Match.AMBIGUOUS: "person_ambiguous",
    Match.TOO_LITTLE: "person_named_too_little",
    Match.NOT_KEPT: "people_not_kept",
}
_NUMBERS = {ListName.STUDENTS: "upn or admission_number", ListName.EMPLOYEES: "code or email"}
_ENOUGH = {
    ListName.STUDENTS: "upn, admission_number, or surname and forename with date_of_birth or class",
    ListName.EMPLOYEES: "code, email, or surname and forename",
}


def person_finding(mention: Mention, match: Match, school: School, record: int | None = None) -> Finding | None:
    """Return what is to be said of a person who was looked for; None of one who was found."""
    if match is Match.FOUND:
        return None
    entry = CATALOGUE[_CODES[match]]
    values = {
        "field": mention.field,
        "school": school.name,
        "numbers": _NUMBERS[mention.list],
        "enough": _ENOUGH[mention.list],
    }
    texts = entry.message.format_map(values), entry.hint.format_map(values)
    return Finding(entry.code, *texts, entry.severity, mention.pointer(record), record)
