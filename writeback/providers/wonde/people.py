"""What is asked of Wonde about pupils and staff, beside their ids, and what is kept of it. Pure.

Names and dates of birth come with everybody (Wonde 7217-7232, 4633-4650); the rest is included. Of contact details,
which bring addresses and telephones too, only staff's e-mails are kept: pupils' are never asked for.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from writeback.domain.directory import PersonDetails
from writeback.domain.lookups import ListName
from writeback.providers.texts import shorten
from writeback.providers.wonde.fields import data_of, day_of, mapping_of

INCLUDES: Mapping[ListName, Sequence[str]] = {
    ListName.STUDENTS: ("education_details,registration,classes", "education_details"),
    ListName.EMPLOYEES: ("employment_details,contact_details", "employment_details"),
}
"""What is included (7189-7200, 4593-4594), and what in its place where that is refused: classes and groups have
permissions of their own (3152, 6200), what is left comes with pupils and staff themselves (7330, 4720)."""


def read_person(row: Mapping[str, Any]) -> PersonDetails:
    """Return who somebody is; what Wonde does not say is empty."""
    education, employment = _part(row, "education_details"), _part(row, "employment_details")
    surname, forename = _text(row, "surname"), _text(row, "forename")
    legal_surname, legal_forename = _text(row, "legal_surname"), _text(row, "legal_forename")
    return PersonDetails(
        upn=_text(education, "upn"),
        admission_number=_text(education, "admission_number"),
        surname=surname or legal_surname,
        forename=forename or legal_forename,
        other_surname=legal_surname if legal_surname != surname else "",
        other_forename=legal_forename if legal_forename != forename else "",
        date_of_birth=day_of(row.get("date_of_birth")),
        classes=tuple(dict.fromkeys(_classes(row))),
        code=_text(employment, "staff_code"),
        emails=tuple(dict.fromkeys(_emails(row))),
    )


def _classes(row: Mapping[str, Any]) -> Iterator[str]:
    """Yield the registration group, then the classes, by name and code (6174-6176, 3134-3135)."""
    classes = data_of(row.get("classes"))
    for group in (_part(row, "registration"), *(classes if isinstance(classes, list) else ())):
        yield from filter(None, (_text(mapping_of(group), name) for name in ("name", "code")))


def _emails(row: Mapping[str, Any]) -> Iterator[str]:
    """Yield the e-mails at work, then others (3452-3457)."""
    emails = mapping_of(mapping_of(_part(row, "contact_details")).get("emails"))
    return filter(None, (_text(emails, name) for name in ("work", "email", "primary")))


def _part(row: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return an included object: within `data` where it is one of several (7308), plain where it is alone (4673)."""
    return mapping_of(data_of(mapping_of(row.get(name))))


def _text(row: Mapping[str, Any], name: str) -> str:
    value = row.get(name)
    return shorten(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
