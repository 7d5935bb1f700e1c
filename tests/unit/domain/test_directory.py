"""What leads to a person, and what a reference comes to."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from writeback.domain.directory import Match, PersonDetails, PersonReference
from writeback.domain.directory.index import PeopleIndex, hashed, hashed_people
from writeback.domain.directory.ways import LASTING, leads_in, outcome, plain_name

KEY = b"k" * 32
BORN = date(2013, 9, 4)
PAT = PersonDetails(
    upn="A999432113104",
    admission_number="004504",
    surname="O’Example-Smith",
    forename="Pat",
    other_forename="Patricia",
    date_of_birth=BORN,
    classes=("8B", "8B/Ma1"),
)
KIM = PersonDetails(
    upn="B999432113105",
    admission_number="004505",
    surname="Sample",
    forename="Kim",
    date_of_birth=BORN,
    classes=("8B",),
)
KIM_TOO = PersonDetails(upn="C999432113106", surname="Sample", forename="Kim", date_of_birth=BORN, classes=("8C",))
PUPILS = {"A1": PAT, "A2": KIM, "A3": KIM_TOO}
STAFF = {
    "E1": PersonDetails(surname="Sample", forename="Jo", code="JSA", emails=("jsa@school.example",)),
    "E2": PersonDetails(surname="Sample", forename="Alex", code="ASA"),
    "E3": PersonDetails(surname="Sample", forename="Alex", code="ASA2"),
}


def find(given: PersonReference, people=PUPILS, list_name="students"):
    index = PeopleIndex().changed(hashed_people(KEY, list_name, people), people, "2026-01-12", "2026-01-01")
    index = PeopleIndex.from_text(index.as_text())
    leads = [lead for lead in leads_in(list_name, given) if lead.way in index.ways]
    led_to = {lead: index.whom(hashed(KEY, lead)) for lead in leads}
    everybody = frozenset().union(*led_to.values())
    return outcome(leads, led_to, index.with_number(everybody), LASTING[list_name])


@pytest.mark.parametrize(
    "given",
    [
        PersonReference(upn="A999432113104"),
        PersonReference(upn=" a999 4321 13104"),
        PersonReference(admission_number="004504"),
        PersonReference(admission_number="4504"),
        PersonReference(surname="O'Example Smith", forename="pat", date_of_birth=BORN),
        PersonReference(surname="OEXAMPLE–SMITH", forename="PATRICIA", class_name="8b"),
        PersonReference(surname="O'Example-Smith", forename="Pat", class_name="8B/Ma1"),
        PersonReference(surname="O'Example-Smith", forename="Pat", date_of_birth=BORN, class_name="8X/Ar2"),
        PersonReference(upn="A999432113104", surname="Another", forename="Spelling"),
        PersonReference(admission_number="4504", surname="O'Example Smith", forename="Pat Alex"),
        PersonReference(admission_number="4504", surname="O'Example-Smith", forename="Tricia", date_of_birth=BORN),
        PersonReference(admission_number="4504", surname="O'Example-Smith"),
    ],
)
def test_a_pupil_is_found(given: PersonReference) -> None:
    assert (find(given).match, find(given).person_id) == (Match.FOUND, "A1")


@pytest.mark.parametrize(
    ("given", "match", "candidates"),
    [
        (PersonReference(), Match.TOO_LITTLE, ()),
        (PersonReference(surname="O'Example-Smith", forename="Pat"), Match.TOO_LITTLE, ("A1",)),
        (PersonReference(surname="O'Example-Smith", date_of_birth=BORN), Match.TOO_LITTLE, ("A1",)),
        (PersonReference(upn="Z999999999999"), Match.UNKNOWN, ()),
        (PersonReference(surname="Sample", forename="Kim", date_of_birth=BORN), Match.AMBIGUOUS, ("A2", "A3")),
        (PersonReference(surname="Sample", forename="Kim", class_name="9Z"), Match.UNKNOWN, ("A2", "A3")),
        (PersonReference(surname="Sample", forename="Kimberley", date_of_birth=BORN), Match.UNKNOWN, ("A2", "A3")),
        (PersonReference(upn="A999432113104", surname="Sample", forename="Kim"), Match.AMBIGUOUS, ("A1", "A2", "A3")),
        (PersonReference(upn="A999432113104", admission_number="4505"), Match.AMBIGUOUS, ("A1", "A2")),
    ],
)
def test_who_is_not_certain_is_never_taken(given: PersonReference, match: Match, candidates: tuple[str, ...]) -> None:
    found = find(given)

    assert (found.match, found.person_id, tuple(found.candidates)) == (match, "", candidates)


def test_two_of_one_name_are_told_apart_by_their_class() -> None:
    assert (
        find(PersonReference(surname="Sample", forename="Kim", class_name="8C", date_of_birth=BORN)).person_id == "A3"
    )


def test_a_number_that_leads_nowhere_is_not_passed_over_beside_a_name() -> None:
    found = find(PersonReference(upn="Z999", surname="Sample", forename="Kim", class_name="8B"))

    assert (found.match, found.candidates[0]) == (Match.UNKNOWN, "A2")


@pytest.mark.parametrize(
    "given",
    [
        PersonReference(admission_number="4504", upn="Z999"),
        PersonReference(admission_number="4504", surname="Other", forename="Robin"),
        PersonReference(admission_number="4504", surname="Other", forename="Robin", date_of_birth=BORN),
    ],
)
def test_an_admission_number_of_another_school_leads_to_nobody(given: PersonReference) -> None:
    found = find(given)

    assert (found.match, found.candidates) == (Match.UNKNOWN, ("A1",))


def test_the_code_of_staff_with_an_email_of_another_school_leads_to_nobody() -> None:
    given = PersonReference(code="JSA", email="jsa@other.example")

    assert find(given, STAFF, "employees").match is Match.UNKNOWN


def test_a_upn_says_nothing_of_a_pupil_whose_own_the_list_has_not() -> None:
    pupils = {**PUPILS, "A2": replace(KIM, upn="")}

    found = find(PersonReference(upn="Z999", surname="Sample", forename="Kim", class_name="8B"), pupils)

    assert found.person_id == "A2"


def test_a_day_of_birth_that_is_wrong_is_not_passed_over() -> None:
    given = PersonReference(surname="Sample", forename="Kim", class_name="8B", date_of_birth=date(2012, 1, 1))

    assert find(given).match is Match.UNKNOWN


def test_what_a_list_does_not_have_of_anybody_says_nothing() -> None:
    pupils = {one: replace(person, date_of_birth=None) for one, person in PUPILS.items()}

    found = find(PersonReference(surname="Sample", forename="Kim", class_name="8B", date_of_birth=BORN), pupils)

    assert found.person_id == "A2"


@pytest.mark.parametrize(
    "given",
    [
        PersonReference(code="jsa"),
        PersonReference(email="JSA@school.example"),
        PersonReference(surname="sample", forename="JO"),
    ],
)
def test_staff_are_found_by_code_email_and_name(given: PersonReference) -> None:
    assert find(given, STAFF, "employees").person_id == "E1"


def test_two_of_the_staff_with_one_name_are_ambiguous() -> None:
    found = find(PersonReference(surname="Sample", forename="Alex"), STAFF, "employees")

    assert (found.match, found.candidates) == (Match.AMBIGUOUS, ("E2", "E3"))


def test_the_same_way_leads_elsewhere_with_another_key() -> None:
    (lead,) = leads_in("students", PersonReference(upn="A1"))

    assert hashed(KEY, lead) != hashed(b"j" * 32, lead)


def test_who_left_is_found_no_longer_and_known_again_under_a_new_id() -> None:
    before = PeopleIndex().changed(hashed_people(KEY, "students", PUPILS), PUPILS, "2026-01-12", "2026-01-01")
    now = {"B1": PAT, "A2": KIM}

    after = before.changed(hashed_people(KEY, "students", {"B1": PAT}), now, "2026-01-13", "2026-01-01")

    assert after.ids == ("A2", "B1")
    assert after.now_called(["A1", "A2", "A3"]) == {"A1": "B1"}
    assert after.changed({}, now, "2026-03-13", "2026-03-01").now_called(["A1"]) == {}


def test_another_mis_may_give_the_same_ids_to_others() -> None:
    before = PeopleIndex().changed(hashed_people(KEY, "students", PUPILS), PUPILS, "2026-01-12", "2026-01-01")
    moved = {"A2": PAT, "A1": KIM}

    after = before.begun_again("2026-01-13").changed(
        hashed_people(KEY, "students", moved), moved, "2026-01-13", "2026-01-01"
    )

    assert after.now_called(["A1", "A2", "A3"]) == {"A1": "A2", "A2": "A1"}


def test_an_id_is_that_of_the_last_who_had_it_though_nobody_knows_their_number() -> None:
    index, unknown = PeopleIndex(), {"A1": PersonDetails(surname="Sample", forename="Kim")}
    for people in (PUPILS, unknown):  # A1 was Pat's, then that of somebody without a number
        hashes = hashed_people(KEY, "students", people)
        index = index.begun_again("2026-01-13").changed(hashes, people, "2026-01-13", "2026-01-01")
    now = {"B1": PAT, "B3": KIM_TOO}

    after = index.begun_again("2026-01-14").changed(
        hashed_people(KEY, "students", now), now, "2026-01-14", "2026-01-01"
    )

    assert after.now_called(["A1"]) == {}


def test_nothing_is_left_of_somebody_who_is_taken_out() -> None:
    index = PeopleIndex().changed(hashed_people(KEY, "students", PUPILS), PUPILS, "2026-01-12", "2026-01-01")

    without = index.without("A1")

    assert not without.has("A1")
    assert without.as_text() == PeopleIndex().changed(
        hashed_people(KEY, "students", {"A2": KIM, "A3": KIM_TOO}), PUPILS, "2026-01-12", "2026-01-01"
    ).as_text()  # fmt: skip


@given(st.text())
def test_a_plain_name_stays_as_it_is(text: str) -> None:
    assert plain_name(plain_name(text)) == plain_name(text)
