"""Handing in a file: for whom, what is refused beside its field, and whose it is."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import httpx
import pytest
from sqlmodel import select

from tests.console.bad_morning import bad_morning
from tests.console.conftest import ORIGIN, SignIn, Visitor
from writeback.api.app import create_app
from writeback.console import create_console
from writeback.core.errors import InvalidSubmission
from writeback.domain.access import Scope
from writeback.store.tables import App, AuditRow, BatchChunkRow, BatchRow
from writeback.wiring import Services

MARKS = b"student_id,date,session,code\r\nA200,2026-01-12,AM,/\r\nA201,2026-01-12,AM,Q7\r\n"
OF_MARKS = {"school": "st-marys", "kind": "attendance.session"}
Upload = Callable[..., Awaitable[httpx.Response]]


@pytest.fixture(autouse=True)
async def _schools(services: Services) -> None:
    await bad_morning(services)


async def upload(
    visitor: Visitor, content: bytes | None = MARKS, said: Mapping[str, str] = OF_MARKS, *, name: str = "marks.csv"
) -> httpx.Response:
    # What a browser on Windows with Excel calls a CSV file.
    files: Any = {"file": ("", b"") if content is None else (name, content, "application/vnd.ms-excel")}
    return await visitor.post("/upload", said, files=files)


async def _uploaded(services: Services) -> list[BatchRow]:
    async with services.reads.db.read() as session:
        return [*(await session.exec(select(BatchRow).where(BatchRow.file_name == "marks.csv"))).all()]


async def test_file_is_kept_whole_and_said_to_be_that_person_s(sign_in: SignIn, services: Services) -> None:
    visitor = await sign_in("support", name="sam", schools=["st-marys"])

    answer = await upload(visitor)

    (batch,) = await _uploaded(services)
    async with services.reads.db.read() as session:
        (chunk,) = (await session.exec(select(BatchChunkRow))).all()
        (noted,) = (await session.exec(select(AuditRow).where(AuditRow.action == "batch.upload"))).all()
    assert answer.status_code == 303
    assert batch.id in answer.headers["location"]
    assert chunk.data == MARKS
    assert (batch.school_id, batch.kind, batch.format) == ("st-marys", "attendance.session", "csv")
    assert (noted.actor, noted.school) == ("staff:sam", "st-marys")


async def test_files_of_a_school_belong_to_an_app_of_the_console_that_no_key_is_of(
    sign_in: SignIn, services: Services
) -> None:
    visitor = await sign_in("support")
    await upload(visitor)
    await upload(visitor, MARKS + b"A202,2026-01-12,AM,/\r\n", {**OF_MARKS, "school": "hillside"})

    assert {one.app_id for one in await _uploaded(services)} == {"console.st-marys", "console.hillside"}
    async with services.reads.db.read() as session:
        assert {"console.st-marys", "console.hillside"} <= set((await session.exec(select(App.id))).all())
    with pytest.raises(InvalidSubmission, match="what people upload in the console"):
        await services.keys.create("console.hillside", "", [Scope.READ])


async def test_files_of_one_school_do_not_keep_another_s_waiting(sign_in: SignIn, services: Services) -> None:
    services.settings.batches.max_under_way_per_app = 1
    visitor = await sign_in("support")
    await upload(visitor)

    second = await upload(visitor, MARKS + b"A202,2026-01-12,AM,/\r\n")
    elsewhere = await upload(visitor, MARKS, {**OF_MARKS, "school": "hillside"})

    assert second.status_code == 422
    assert "has 1 files under way" in second.text
    assert elsewhere.status_code == 303


@pytest.mark.parametrize(
    ("content", "said", "field"),
    [
        (None, OF_MARKS, "file"),
        (b"", OF_MARKS, "file"),
        (MARKS, {**OF_MARKS, "school": ""}, "school"),
        (MARKS, {**OF_MARKS, "school": "nowhere"}, "school"),
        (MARKS, {**OF_MARKS, "kind": "marks"}, "kind"),
        (MARKS, {**OF_MARKS, "kind": "behaviour.update"}, "kind"),
        (MARKS, {**OF_MARKS, "date_order": "ymd"}, "date_order"),
    ],
)
async def test_what_is_wrong_stands_beside_its_field_and_nothing_is_kept(
    sign_in: SignIn, services: Services, content: bytes | None, said: dict[str, str], field: str
) -> None:
    answer = await upload(await sign_in("support"), content, said)

    assert answer.status_code == 422
    assert f'id="e-{field}"' in answer.text
    assert await _uploaded(services) == []
    async with services.reads.db.read() as session:
        assert (await session.exec(select(BatchChunkRow))).all() == []


async def test_school_that_the_account_does_not_see_is_as_if_it_were_not_there(
    sign_in: SignIn, services: Services
) -> None:
    answer = await upload(await sign_in("support", schools=["oakfield"]))

    assert (answer.status_code, await _uploaded(services)) == (422, [])
    assert "St Mary" not in answer.text


async def test_viewer_uploads_nothing(sign_in: SignIn, services: Services) -> None:
    visitor = await sign_in("viewer")

    assert (await visitor.get("/upload")).status_code == 403
    assert (await upload(visitor)).status_code == 403
    assert await _uploaded(services) == []


async def test_file_that_is_too_large_is_refused_before_it_is_read_and_in_a_page(
    sign_in: SignIn, services: Services
) -> None:
    services.settings.batches.max_file_bytes = 1_000
    visitor = await sign_in("support")

    a_little = await upload(visitor, MARKS * 20)
    far = await upload(visitor, MARKS * 2_000)

    assert a_little.status_code == 422
    assert "more than 1000 bytes" in a_little.text
    assert far.status_code == 413
    assert "<h1" in far.text
    assert await _uploaded(services) == []


async def test_file_may_be_longer_than_what_the_api_takes_otherwise_and_other_forms_may_not(
    sign_in: SignIn, services: Services
) -> None:
    services.settings.api.max_body_bytes = 2_000
    visitor = await sign_in("support")
    app = create_app(services, {"/console": create_console(services)})
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url=ORIGIN, cookies=visitor.http.cookies
    ) as http:
        behind = Visitor(http)
        taken = await upload(behind, MARKS * 100)
        other = await behind.post("/schools/st-marys/hold", {"reason": "x" * 3_000})

    assert taken.status_code == 303
    assert other.status_code == 413
    assert "<h1" in other.text


async def test_form_remembers_what_was_chosen(sign_in: SignIn) -> None:
    visitor = await sign_in("support")

    first = await visitor.get("/upload?school=oakfield")
    again = await upload(visitor, None, {"school": "st-marys", "kind": "attendance.lesson"})

    assert '<option value="oakfield" selected' in first.text
    assert '<option value="attendance.session" selected' in first.text
    assert '<option value="st-marys" selected' in again.text
    assert '<option value="attendance.lesson" selected' in again.text


async def test_file_of_somebody_who_is_no_longer_signed_in_is_not_kept_and_they_are_told(
    sign_in: SignIn, services: Services
) -> None:
    visitor = await sign_in("support")
    token = await visitor.token()
    visitor.http.cookies.delete("wb_console")

    files: Any = {"file": ("marks.csv", MARKS, "text/csv")}
    answer = await visitor.post("/upload", OF_MARKS, token=token, files=files)

    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/console/sign-in")
    assert "could not be kept" in (await visitor.http.get(answer.headers["location"])).text
    assert await _uploaded(services) == []
