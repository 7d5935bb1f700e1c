"""A school's settings: what stands where a record is silent, the office's marks, its year."""

from collections.abc import Awaitable, Callable
from typing import Any

from tests.console.conftest import SignIn
from writeback.core.clock import FakeClock
from writeback.domain.lookups import ListName, Lookup
from writeback.store.schools import lists
from writeback.wiring import Services

AddSchool = Callable[..., Awaitable[None]]
PATH = "/schools/hillside/settings"
YEAR = b"kind,first,last,name\nterm,2026-01-05,2026-02-13,Spring 1\ninset,2026-01-12,,Training\n"
PARENTS = b"x,2026-02-02,,Parents' evening\n"


async def _with_staff(services: Services, clock: FakeClock) -> None:
    async with services.reads.db.write() as session:
        staff = Lookup(ListName.EMPLOYEES, 1, clock.now(), {"E1": {"id": "E1"}})
        await lists.save(session, "hillside", staff)


async def test_defaults_and_the_offices_marks_are_changed_together(
    services: Services, fake_clock: FakeClock, sign_in: SignIn, add_school: AddSchool
) -> None:
    await add_school(mis="Bromcom")
    await _with_staff(services, fake_clock)
    admin = await sign_in("admin")

    form = await admin.get(PATH)
    data = {
        "attendance.session.employee_id": "E1",
        "office_marks": "leave",
        "late_registers": "send",
        "country": "wales",
    }
    saved = await admin.post(PATH, data)
    shown = await admin.get(PATH)

    assert 'name="attendance.session.employee_id"' in form.text
    assert saved.status_code == 303
    assert 'value="E1"' in shown.text
    assert '<option value="leave" selected>' in shown.text
    view = await services.registry.get("hillside")
    assert (view.defaults, view.office_marks) == ({"attendance.session": {"employee_id": "E1"}}, "leave")
    assert (view.late_registers, view.country) == ("send", "wales")
    usual = await admin.post(PATH, {**data, "country": ""})
    forged = await admin.post(PATH, {**data, "late_registers": "drop"})
    assert (usual.status_code, forged.status_code) == (303, 422)
    assert (await services.registry.get("hillside")).country is None


async def test_a_default_that_is_on_no_list_is_refused_at_its_field(
    services: Services, fake_clock: FakeClock, sign_in: SignIn, add_school: AddSchool
) -> None:
    await add_school(mis="Bromcom")
    await _with_staff(services, fake_clock)

    refused = await (await sign_in("admin")).post(
        PATH, {"attendance.session.employee_id": "E9", "office_marks": "leave"}
    )

    assert refused.status_code == 422
    assert 'id="e-attendance.session.employee_id"' in refused.text
    assert "not on the school" in refused.text
    assert (await services.registry.get("hillside")).office_marks == "overwrite"


async def test_a_year_is_loaded_shown_and_forgotten(services: Services, sign_in: SignIn, add_school: AddSchool) -> None:
    await add_school()
    admin = await sign_in("admin")

    loaded = await admin.post(f"{PATH}/year", files={"file": ("terms.csv", YEAR, "text/csv")})
    shown, school = await admin.get(PATH), await admin.get("/schools/hillside")
    report = await admin.get("/reports?school=hillside&date=2026-01-12")
    asked = await admin.post(f"{PATH}/year/forget")
    forgotten = await admin.post(f"{PATH}/year/forget", {"confirmed": "yes", "reason": "it was another school's"})

    assert loaded.status_code == 303
    for words in ("Mon 5 Jan 2026 – Fri 13 Feb 2026", "Spring 1", "INSET day", "Training"):
        assert words in shown.text
    assert "No pupils come today: by its year it is an INSET day (Training)." in school.text
    assert "No pupils come on that day: by the school’s year it is an INSET day (Training)." in report.text
    assert (asked.status_code, forgotten.status_code) == (200, 303)
    assert (await services.years.show("hillside")).stretches == ()


async def test_what_a_file_says_besides_is_shown_as_passed_over(sign_in: SignIn, add_school: AddSchool) -> None:
    await add_school()

    loaded = await (await sign_in("admin")).post(
        f"{PATH}/year", files={"file": ("terms.csv", YEAR + PARENTS, "text/csv")}
    )

    assert loaded.status_code == 200
    assert "2 entries of its year loaded." in loaded.text
    assert "evening: it does not say whether pupils come" in loaded.text


async def test_a_file_that_says_nothing_is_refused_with_why(sign_in: SignIn, add_school: AddSchool) -> None:
    await add_school()
    admin = await sign_in("admin")

    other = await admin.post(f"{PATH}/year", files={"file": ("marks.csv", b"pupil,mark\nA1,/\n", "text/csv")})
    none = await admin.post(f"{PATH}/year", {})

    assert (other.status_code, none.status_code) == (422, 422)
    assert "the columns are pupil, mark" in other.text
    assert "Choose a file." in none.text


async def test_only_who_may_change_schools_sees_and_changes_them(sign_in: SignIn, add_school: AddSchool) -> None:
    await add_school()
    await add_school("riverbank")
    support, elsewhere = await sign_in("support"), await sign_in("admin", schools=["riverbank"])

    answers: list[Any] = [await support.get(PATH), await support.post(PATH, {"office_marks": "leave"})]
    others = [await elsewhere.get(PATH), await elsewhere.post(PATH, {"office_marks": "leave"})]
    others.append(await elsewhere.post(f"{PATH}/year", files={"file": ("terms.csv", YEAR, "text/csv")}))
    others.append(await elsewhere.post(f"{PATH}/year/forget", {"confirmed": "yes", "reason": "x"}))

    assert [one.status_code for one in answers] == [403, 403]
    assert [one.status_code for one in others] == [403] * 4  # who manages schools manages all of them
