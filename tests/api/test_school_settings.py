"""What a school's settings say of marks and silent records, over HTTP."""

from typing import Any

import pytest
from sqlmodel import select

from writeback.store.tables import AuditRow

DEFAULTS = {"attendance.session": {"employee_id": "E1"}, "behaviour.create": {"location": "CLS"}}


async def test_defaults_and_what_becomes_of_the_offices_marks_are_set_shown_and_audited(api: Any) -> None:
    await api.add_school()
    admin = await api.key("admin")

    usual = (await api.call("GET", "/v1/schools/hillside", admin)).json()
    change = {"defaults": DEFAULTS, "office_marks": "leave"}
    changed = await api.call("PATCH", "/v1/schools/hillside", admin, json=change)
    renamed = await api.call("PATCH", "/v1/schools/hillside", admin, json={"name": "Hill Side"})

    assert (usual["defaults"], usual["office_marks"]) == ({}, "overwrite")
    assert changed.status_code == 200
    for answer in (changed.json(), renamed.json()):
        assert (answer["defaults"], answer["office_marks"]) == (DEFAULTS, "leave")
    async with api.database.read() as session:
        noted = (await session.exec(select(AuditRow).where(AuditRow.action == "school.change"))).all()
    assert [one.changed["fields"] for one in noted] == [["defaults", "office_marks"], ["name"]]


@pytest.mark.parametrize(
    ("defaults", "code", "pointer"),
    [
        ({"attendance.sessions": {"employee_id": "E1"}}, "default_unknown", "/defaults/attendance.sessions"),
        ({"behaviour.create": {"points": "1"}}, "default_unknown", "/defaults/behaviour.create/points"),
        ({"behaviour.create": {"location": "  "}}, "default_invalid", "/defaults/behaviour.create/location"),
    ],
)
async def test_a_default_of_what_can_have_none_is_refused(
    api: Any, is_problem: Any, defaults: dict[str, Any], code: str, pointer: str
) -> None:
    await api.add_school()

    answer = await api.call("PATCH", "/v1/schools/hillside", await api.key("admin"), json={"defaults": defaults})

    (finding,) = is_problem(answer, 422, "school_invalid")["findings"]
    assert (finding["code"], finding["pointer"]) == (code, pointer)


async def test_an_unknown_choice_for_the_offices_marks_is_refused(api: Any, is_problem: Any) -> None:
    await api.add_school()

    answer = await api.call("PATCH", "/v1/schools/hillside", await api.key("admin"), json={"office_marks": "ask"})

    assert answer.status_code == 422
    assert "overwrite" in answer.text


YEAR = "kind,first,last,name\nterm,02/09/2026,23/10/2026,Autumn 1\nterm,2 Nov 2026,18/12/2026,Autumn 2\n"


async def test_a_year_is_loaded_shown_audited_and_taken_away(api: Any) -> None:
    await api.add_school()
    admin, path = await api.key("admin"), "/v1/schools/hillside/year"

    loaded = await api.call("PUT", path, admin, json={"file": YEAR + "x,2026-11-30,,Parents' evening\n"})
    shown = await api.call("GET", path, await api.key("read"))
    emptied = await api.call("PUT", path, admin, json={"stretches": []})

    assert loaded.status_code == 200
    assert loaded.json()["passed_over"] == [
        "row 4, Parents' evening: it does not say whether pupils come",
    ]
    assert shown.json()["stretches"] == [
        {"kind": "term", "first": "2026-09-02", "last": "2026-10-23", "name": "Autumn 1"},
        {"kind": "term", "first": "2026-11-02", "last": "2026-12-18", "name": "Autumn 2"},
    ]
    assert emptied.json()["stretches"] == []
    async with api.database.read() as session:
        noted = (await session.exec(select(AuditRow).where(AuditRow.action == "school.change"))).all()
    assert [one.changed["fields"] for one in noted] == [["year"], ["year"]]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 400, "year_unclear"),
        ({"stretches": [], "file": YEAR}, 400, "year_unclear"),
        ({"file": "pupil,mark\nA1,/\n"}, 422, "year_invalid"),
        ({"stretches": [{"kind": "inset", "first": "2026-09-03", "last": "2026-09-02"}]}, 422, "year_invalid"),
    ],
)
async def test_a_year_that_cannot_be_meant_is_refused(
    api: Any, is_problem: Any, body: dict[str, Any], status: int, code: str
) -> None:
    await api.add_school()

    answer = await api.call("PUT", "/v1/schools/hillside/year", await api.key("admin"), json=body)

    is_problem(answer, status, code)
