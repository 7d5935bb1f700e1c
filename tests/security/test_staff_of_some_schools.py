"""Staff who are limited to one school see, find and change nothing of another, on any page that there is."""

import re
from collections.abc import Sequence

import pytest
from sqlmodel import SQLModel, select

from tests.console.bad_morning import bad_morning
from tests.console.conftest import (  # noqa: F401 - fixtures
    SignIn,
    Visitor,
    _passwords_that_cost_little,
    _templates_compiled_once,
    services,
    settings,
    sign_in,
    visit,
)
from tests.console.scenes import SCHOOLS
from tests.security.test_markup_on_pages import read
from writeback.batches.layout import Format, Layout
from writeback.console import pages
from writeback.console.navigation import MENU
from writeback.store.batches.batches import BatchStatus
from writeback.store.tables import (
    ApiKey,
    BatchReviewRow,
    BatchRow,
    SchoolRow,
    SchoolWordsRow,
    StaffRow,
    WebhookRow,
    WritebackRow,
)
from writeback.wiring import Services

_MINE = "hillside"
_OTHERS = [word for school, name, *_ in SCHOOLS if school != _MINE for word in (f'"{school}"', f"={school}", name)]
_MOST_PAGES = 250


async def _all_paths(visitor: Visitor) -> Sequence[str]:
    """Return every page that an admin of all schools comes to by following links."""
    waiting, seen = [f"/console{entry.path}" for entry in MENU], list[str]()
    while waiting and len(seen) < _MOST_PAGES:
        path = waiting.pop(0)
        seen.append(path)
        answer = await visitor.http.get(path)
        if answer.headers.get("content-type", "").startswith("text/html"):
            waiting += [one for one in read(answer.text).links if one not in seen and one not in waiting]
    return seen


def _told(text: str) -> list[str]:
    """Return what a page says of other schools."""
    return [word for word in _OTHERS if word in text]


@pytest.mark.slow
async def test_no_page_of_another_school_is_shown_nor_named(
    services: Services,  # noqa: F811
    sign_in: SignIn,  # noqa: F811
) -> None:
    await bad_morning(services)
    paths = await _all_paths(await sign_in("admin", name="everywhere"))
    assert len(paths) > 60

    for role in ("viewer", "support", "admin"):
        limited = await sign_in(role, name=f"limited {role}", schools=[_MINE])
        told: dict[str, list[str]] = {}
        shown = 0
        for path in paths:
            answer = await limited.http.get(path)
            assert answer.status_code in (200, 303, 401, 403, 404), (role, path)
            asked = answer.text.replace(path, "").replace(path.replace("&", "&amp;"), "")  # what the address says
            if answer.status_code == 200 and (words := [one for one in _told(asked) if one.strip('="') not in path]):
                told[path] = words
            shown += answer.status_code == 200

        assert told == {}, role
        assert shown > 10, role


@pytest.mark.slow
async def test_nothing_of_another_school_is_changed(services: Services, sign_in: SignIn) -> None:  # noqa: F811
    failed = await bad_morning(services)
    limited = await sign_in("support", name="limited", schools=[_MINE])
    batch_id = await _file_of_another(services)
    before = await _everything_of_others(services)
    of = {"id": failed[0], "school": "st-marys", "batch": batch_id}
    form = {"reason": "x", "confirmed": "yes", "id": failed[0], "school": "st-marys", "outcome": "failed"}

    tried = 0
    for path in sorted({route.path for room in pages.ROOMS for route in room.routes if route.method == "POST"}):
        if path.startswith(("/sign", "/account")):
            continue
        target = re.sub(r"\{(\w+)\}", lambda found: of.get(found[1], "1"), path)
        answer = await limited.post(target, form)
        is_of_another = target.startswith(("/schools/st-marys", f"/batches/{batch_id}"))
        assert answer.status_code in ((403, 404) if is_of_another else range(200, 500)), target
        tried += 1

    assert await _everything_of_others(services) == before
    assert tried > 15


async def _file_of_another(services: Services) -> str:  # noqa: F811
    """Return a file of another school that somebody may look at and send."""
    now = services.clock.now()
    layout = Layout(Format.CSV, "attendance.session", ("student_id",), ("student_id",))
    async with services.reads.db.write() as session:
        session.add(
            BatchRow(
                id="bat_other", app_id="registers", school_id="st-marys", kind="attendance.session", format="csv",
                status=BatchStatus.REVIEWING, review=True, rows_good=1, layout=layout.as_json(),
                created_at=now, updated_at=now,
            )
        )  # fmt: skip
        await session.flush()
        session.add(BatchReviewRow(batch_id="bat_other", until=now, understood="", counts={}))
    return "bat_other"


async def _everything_of_others(services: Services) -> list[str]:  # noqa: F811
    async with services.reads.db.read() as session:
        rows: list[SQLModel] = []
        for table in (SchoolRow, WritebackRow, BatchRow, WebhookRow, ApiKey, StaffRow, SchoolWordsRow):
            found = (await session.exec(select(table))).all()
            rows += [row for row in found if _MINE not in (getattr(row, "school_id", ""), getattr(row, "id", ""))]
    return [row.model_dump_json() for row in rows]


async def test_signals_of_another_school_are_not_followed(services: Services, sign_in: SignIn) -> None:  # noqa: F811
    await bad_morning(services)
    limited = await sign_in("support", schools=[_MINE])

    assert (await limited.get("/signals?school=st-marys")).status_code == 404
