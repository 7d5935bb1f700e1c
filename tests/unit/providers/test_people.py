"""What is kept of a person as each provider writes them."""

from datetime import date
from typing import Any

import pytest

from writeback.domain.directory import PersonDetails
from writeback.providers.wonde.people import read_person as read_wonde
from writeback.providers.xporter.people import read_person as read_xporter

BORN = {"date": "2002-09-29 00:00:00.000000", "timezone_type": 3, "timezone": "Europe/London"}


def test_wondes_pupil_is_read_as_its_document_shows_one() -> None:
    """Wonde 7217-7240, 7308-7316, 6174-6176, 3129-3135."""
    row = {
        "id": "A1749191433",
        "surname": "Example",
        "forename": "Tom",
        "legal_surname": "Example",
        "legal_forename": "Thomas",
        "date_of_birth": BORN,
        "education_details": {"data": {"admission_number": "004504", "upn": "N823432113104", "former_upn": None}},
        "registration": {"data": {"name": "10A", "code": "10A"}},
        "classes": {"data": [{"name": "10A/Ar1", "code": "10A/Ar1"}, {"name": "Maths 1", "code": "10x/Ma1"}]},
    }

    assert read_wonde(row) == PersonDetails(
        upn="N823432113104",
        admission_number="004504",
        surname="Example",
        forename="Tom",
        other_forename="Thomas",
        date_of_birth=date(2002, 9, 29),
        classes=("10A", "10A/Ar1", "Maths 1", "10x/Ma1"),
    )


def test_of_wondes_staff_only_emails_are_kept_of_how_to_reach_them() -> None:
    row = {
        "surname": "Sample",
        "forename": "Jo",
        "employment_details": {"data": {"staff_code": "JSA"}},
        "contact_details": {
            "data": {
                "phones": {"home": "01632960000"},
                "emails": {"email": "jo@home.example", "work": "jsa@school.example", "primary": None},
                "addresses": {"home": {"street": "Lane Street"}},
            }
        },
    }

    assert read_wonde(row) == PersonDetails(
        surname="Sample", forename="Jo", code="JSA", emails=("jsa@school.example", "jo@home.example")
    )


@pytest.mark.parametrize(
    "row",
    [
        {},
        {"education_details": None, "registration": {"data": None}, "classes": {"data": None}},
        {"education_details": [], "classes": [1, None, {"name": ["x"]}], "surname": ["x"], "date_of_birth": "soon"},
    ],
)
def test_what_wonde_writes_oddly_is_left_out(row: dict[str, Any]) -> None:
    assert read_wonde(row) == PersonDetails()


def test_xporters_pupil_is_read_as_its_document_shows_one() -> None:
    """Xporter 7764-7785, 7799-7800, 7841."""
    row = {
        "Id": 9919,
        "Forename": "Graham",
        "Surname": "Example",
        "LegalForename": "Graham",
        "LegalSurname": "Sample",
        "RegGroup": "8B",
        "AdmissionNo": "004367",
        "DateOfBirth": "2001-12-10",
        "UPN": "A01937632542",
    }

    assert read_xporter(row) == PersonDetails(
        upn="A01937632542",
        admission_number="004367",
        surname="Example",
        forename="Graham",
        other_surname="Sample",
        date_of_birth=date(2001, 12, 10),
        classes=("8B",),
    )


def test_xporters_staff_are_read() -> None:
    row = {"Forename": "Mark", "Surname": "Sample", "StaffCode": "ML", "WorkEmail": "test@work.example", "UPN": None}

    assert read_xporter(row) == PersonDetails(
        surname="Sample", forename="Mark", code="ML", emails=("test@work.example",)
    )
