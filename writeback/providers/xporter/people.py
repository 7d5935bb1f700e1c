"""What is asked of Xporter about pupils and staff, beside their ids, and what is kept of it. Pure.

Registration groups come with pupils; teaching groups are in an endpoint of their own (7749), and are not asked for.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from writeback.domain.directory import PersonDetails
from writeback.domain.lookups import ListName
from writeback.providers.times import parse_day
from writeback.providers.xporter.fields import text_of, value_of

_COLUMNS = re.compile(r"\b(column|field|select)", re.IGNORECASE)
_PUPILS = "Id,Forename,Surname,RegGroup"
_STAFF = "Id,Forename,Surname,StaffCode,WorkEmail"
COLUMNS: Mapping[ListName, Sequence[str]] = {
    ListName.STUDENTS: (
        f"{_PUPILS},AdmissionNo,LegalForename,LegalSurname,DateOfBirth,UPN",
        f"{_PUPILS},AdmissionNo,UPN",
        _PUPILS,
    ),
    ListName.EMPLOYEES: (f"{_STAFF},LegalForename,LegalSurname", _STAFF),
}
"""The columns (7764-7841, 11727-11760), and those in their place where that is refused. A column whose scope the school
does not share may be left out, or null, or refuse the call: the document does not say."""


def is_about_columns(said: str) -> bool:
    """Whether what was said is about the columns that were asked for."""
    return _COLUMNS.search(said) is not None


def read_person(row: Mapping[str, Any]) -> PersonDetails:
    """Return who somebody is; what Xporter does not say is empty."""
    surname, forename = text_of(row, "Surname"), text_of(row, "Forename")
    legal_surname, legal_forename = text_of(row, "LegalSurname"), text_of(row, "LegalForename")
    group, email = text_of(row, "RegGroup"), text_of(row, "WorkEmail")
    return PersonDetails(
        upn=text_of(row, "UPN"),
        admission_number=text_of(row, "AdmissionNo"),
        surname=surname or legal_surname,
        forename=forename or legal_forename,
        other_surname=legal_surname if legal_surname != surname else "",
        other_forename=legal_forename if legal_forename != forename else "",
        date_of_birth=parse_day(value_of(row, "DateOfBirth")),
        classes=(group,) if group else (),
        code=text_of(row, "StaffCode"),
        emails=(email,) if email else (),
    )
