"""One person at the console: administrators alone, with a reason, and asked once more before anything is erased."""

import io
import re
import zipfile

import pytest
from sqlmodel import col, select

from tests.console.conftest import SignIn
from tests.console.scenes import morning
from writeback.domain.states import FINAL
from writeback.store.tables import AuditRow, WritebackRow
from writeback.wiring import Services

PATH = "/schools/oakfield/people"


@pytest.fixture
async def pupil(services: Services) -> str:
    """A pupil who has been part of what is over."""
    await morning(services)
    async with services.reads.db.read() as session:
        rows = (
            await session.exec(
                select(WritebackRow).where(col(WritebackRow.status).in_(FINAL), WritebackRow.school_id == "oakfield")
            )
        ).all()
    pupils = [match for row in rows for match in re.findall(r'"student_id": ?"(\w+)"', row.records)]
    return str(pupils[0])


async def test_a_person_is_given_out_as_a_file(sign_in: SignIn, services: Services, pupil: str) -> None:
    visitor = await sign_in("admin", name="ada")
    assert "Save all of it as a file" in (await visitor.get(PATH)).text

    answer = await visitor.post(f"{PATH}/export", {"role": "student", "person": pupil, "reason": "request 17"})

    assert answer.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert f"Pupil {pupil}" in archive.read("export.html").decode()
    assert await _audited(services) == [("person.export", "staff:ada", "request 17")]


async def test_a_person_is_erased_after_a_question_and_shown_as_erased(
    sign_in: SignIn, services: Services, pupil: str
) -> None:
    visitor = await sign_in("admin", name="ada")
    given = {"role": "student", "person": pupil, "reason": "request 18"}

    asked = await visitor.post(f"{PATH}/erase", given)
    assert "Erase this person?" in asked.text
    assert await _audited(services) == []
    done = await visitor.post(f"{PATH}/erase", {**given, "confirmed": "yes"})

    assert "What was erased" in done.text
    assert await _audited(services) == [("person.erase", "staff:ada", "request 18")]
    async with services.reads.db.read() as session:
        rows = (await session.exec(select(WritebackRow).where(col(WritebackRow.progress).contains('"erased"')))).all()
    assert rows
    for row in rows:
        shown = await visitor.get(f"/writebacks/{row.id}")
        assert shown.status_code == 200
        assert "What it said was erased." in shown.text
        edited = await visitor.get(f"/writebacks/{row.id}/edit?check=1")
        assert edited.status_code in (200, 303), edited.text[-500:]


@pytest.mark.parametrize("role", ["viewer", "support"])
async def test_it_is_for_administrators(role: str, sign_in: SignIn, pupil: str) -> None:
    visitor = await sign_in(role)

    given = {"role": "student", "person": pupil, "reason": "r", "confirmed": "yes"}
    asked = [
        await visitor.get(PATH),
        await visitor.post(f"{PATH}/export", given),
        await visitor.post(f"{PATH}/erase", given),
    ]

    assert [one.status_code for one in asked] == [403, 403, 403]
    assert PATH not in (await visitor.get("/schools/oakfield")).text


@pytest.mark.parametrize("reason", ["", "about {}"])
async def test_a_reason_is_needed_and_names_nobody(sign_in: SignIn, pupil: str, reason: str) -> None:
    visitor = await sign_in("admin")
    given = {"role": "student", "person": pupil, "reason": reason.format(pupil), "confirmed": "yes"}

    answer = await visitor.post(f"{PATH}/erase", given)

    assert answer.status_code in (400, 422)


async def _audited(services: Services) -> list[tuple[str, str, str]]:
    async with services.reads.db.read() as session:
        rows = (await session.exec(select(AuditRow).where(col(AuditRow.action).startswith("person.")))).all()
    return [(row.action, row.actor, row.reason) for row in rows]
