"""Words for codes: what a school's reasons are called elsewhere becomes its code, exactly and never in silence."""

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any, cast

import pytest

from validators import validate
from validators.references import CODED, kinds_with
from writeback.domain.kinds import KINDS, Record
from writeback.domain.kinds.attendance_session import SessionMark
from writeback.domain.kinds.behaviour import Behaviour
from writeback.domain.kinds.incident import Involved
from writeback.domain.lookups import ListName, Lookup, LookupView, attribute_key
from writeback.domain.school import School
from writeback.domain.school_settings.words import EVERY_APP, Word, normal_word, words_of
from writeback.domain.submission.wrong_shapes import rest_of
from writeback.flow.filling.fill_in import fill_in, in_short, with_codes

SESSION, BEHAVIOUR = KINDS["attendance.session"], KINDS["behaviour.create"]
CODE, TYPE, ROLE = "attendance.code", "behaviour.type", "behaviour.role"


def school(*words: Word, app: str = EVERY_APP, more: Any = ()) -> School:
    return School("hillside", "Hillside", "wonde", "Arbor", words=words_of([(app, words), *more]))


def listed(name: ListName, *rows: dict[str, Any]) -> Lookup:
    keyed = {attribute_key(row["type"], row["id"]) if "type" in row else row["id"]: row for row in rows}
    return Lookup(name, 1, datetime(2026, 1, 12, 6, 0, tzinfo=UTC), keyed)


VIEW = LookupView(
    attendance_codes=listed(
        ListName.ATTENDANCE_CODES,
        {"id": "C1", "code": "/", "active": True},
        {"id": "C2", "code": "L", "active": True},
        {"id": "C3", "code": "I", "active": True},
        {"id": "C4", "code": "H", "active": False},
    ),
    behaviour_attributes=listed(
        ListName.BEHAVIOUR_ATTRIBUTES,
        {"id": "T1", "type": "type", "code": "DIS", "description": "Disruption", "active": True},
        {"id": "R1", "type": "role", "code": "AG", "description": "Aggressor", "active": True},
        {"id": "R2", "type": "role", "code": "TA", "description": "Target", "active": True},
    ),
)


def mark(code: str, **values: Any) -> SessionMark:
    return SessionMark(**{"student_id": "A1", "date": date(2026, 1, 12), "session": "AM", "code": code, **values})


def codes(of: School, *records: Record, app: str = "app", lookups: LookupView = VIEW) -> list[str]:
    return [one.code for one in fill_in(SESSION, records, of, lookups, app_id=app).records]  # type: ignore[attr-defined]


def test_a_word_becomes_the_schools_code_and_it_is_said() -> None:
    at = school(Word(CODE, "Late – bus", "L"))

    filled = fill_in(SESSION, [mark("/"), mark("late - BUS ")], at, VIEW, app_id="app", positions=[3, 7])

    assert [one.code for one in filled.records] == ["/", "L"]  # type: ignore[attr-defined]
    (said,) = filled.findings
    assert (said.code, said.severity, said.pointer, said.record) == ("word_used", "warning", "/records/7/code", 7)
    assert said.message == "code is late - BUS , which means L at Hillside"
    assert (
        in_short([[one.code] for one in filled.findings]) == "the school's settings speak in a record: see the findings"
    )


def test_all_else_that_the_record_says_stays() -> None:
    given = mark("Ill", comment="at home", employee_id="E1", ref="r1")

    (filled,) = fill_in(SESSION, [given], school(Word(CODE, "ill", "I")), VIEW, app_id="app").records

    assert filled == given.model_copy(update={"code": "I"})
    assert given.code == "Ill"


def test_a_school_without_words_gets_its_records_back_as_they_are() -> None:
    records = [mark("Late"), mark("/")]

    assert fill_in(SESSION, records, school(), VIEW, app_id="app").records is records
    others = school(Word(TYPE, "late", "DIS"))
    assert fill_in(SESSION, records, others, VIEW, app_id="app").records is records


@pytest.mark.parametrize("written", ["LATE–BUS", "late—bus", "Late‑Bus", "\uff2cate-bus", " late-bus\t", "Late – bus"])
def test_letter_case_blanks_and_dashes_make_no_difference(written: str) -> None:
    assert normal_word(written) == "late-bus"


def test_what_is_only_like_a_word_is_none() -> None:
    assert codes(school(Word(CODE, "late", "L")), mark("lat"), mark("late2"), mark("late bus")) == [
        "lat",
        "late2",
        "late bus",
    ]


def test_an_apps_own_word_goes_before_the_schools() -> None:
    at = school(Word(CODE, "Late", "L"), more=[("register", [Word(CODE, "late", "I")])])

    assert codes(at, mark("Late"), app="register") == ["I"]
    assert codes(at, mark("Late"), app="another") == ["L"]


def test_words_of_an_app_are_no_other_apps() -> None:
    assert codes(school(Word(CODE, "Late", "L"), app="register"), mark("Late"), app="another") == ["Late"]


def test_a_code_of_the_schools_is_no_word() -> None:
    at = school(Word(CODE, "I", "L"), Word(CODE, "C1", "L"))

    assert codes(at, mark("I"), mark("C1")) == ["I", "C1"]


def test_a_code_is_a_word_where_the_word_says_always() -> None:
    assert codes(school(Word(CODE, "I", "L", always=True)), mark("I"), mark("/")) == ["L", "/"]


def test_a_code_that_is_no_longer_in_use_may_be_a_word() -> None:
    assert codes(school(Word(CODE, "H", "I")), mark("H")) == ["I"]


def test_words_hold_while_the_list_has_never_been_fetched() -> None:
    assert codes(school(Word(CODE, "Late", "L")), mark("Late"), lookups=LookupView()) == ["L"]


def test_a_word_for_a_code_that_the_school_has_no_longer_is_refused_by_validation() -> None:
    at = school(Word(CODE, "Late", "LX"))
    filled = fill_in(SESSION, [mark("Late")], at, VIEW, app_id="app")

    found = validate(SESSION, filled.records, at, VIEW)

    assert [one.code for one in found if one.is_error] == ["code_unknown"]
    assert filled.findings[0].message == "code is Late, which means LX at Hillside"


def incident(*roles: str | None) -> Behaviour:
    students = [Involved(student_id=f"A{number}", points=1, role=role) for number, role in enumerate(roles)]
    return Behaviour(employee_id="E1", date=date(2026, 1, 12), type="Talking back", students=students)


def test_words_of_pupils_within_an_incident_are_found_where_they_are() -> None:
    at = school(Word(TYPE, "talking back", "DIS"), Word(ROLE, "Bully", "AG"), Word(ROLE, "Victim", "TA"))

    filled = fill_in(BEHAVIOUR, [incident("Victim", None, "AG", "bully")], at, VIEW, app_id="app")

    (record,) = filled.records
    assert isinstance(record, Behaviour)
    assert (record.type, [one.role for one in record.students]) == ("DIS", ["TA", None, "AG", "AG"])
    assert [one.pointer for one in filled.findings] == [
        "/records/0/type",
        "/records/0/students/0/role",
        "/records/0/students/3/role",
    ]


def test_of_a_record_of_the_wrong_shape_only_what_is_wrong_is_said() -> None:
    at, rests = school(Word(CODE, "Late", "L")), {4: cast(Record, rest_of(SESSION, {"code": "Late"}))}

    meant = with_codes(SESSION, rests, at, VIEW, app_id="app")

    assert {place: one.code for place, one in meant.items()} == {4: "L"}  # type: ignore[attr-defined]
    assert with_codes(SESSION, rests, replace(at, words=words_of([])), VIEW, app_id="app") is rests


def test_every_field_with_a_code_may_have_words() -> None:
    assert {"attendance.code", "behaviour.type", "achievement.outcome", "detention.location"} <= CODED.keys()
    assert {"student_absence.reason", "employee_absence.pay_rate"} <= CODED.keys()
    assert kinds_with("attendance.code") == {"attendance.session", "attendance.lesson"}
    assert "detention.create" in kinds_with("behaviour.type")  # a detention's behaviour_type
