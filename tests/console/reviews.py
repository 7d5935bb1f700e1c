"""A file that waits for somebody to look at it, as a person has uploaded it at the console."""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest

from tests.console.bad_morning import bad_morning
from writeback.domain.directory import Directory, PersonDetails
from writeback.domain.lookups import ListName
from writeback.domain.staff import Person, Role
from writeback.flow.batches.runner import BatchRunner
from writeback.flow.batches.uploads import NewBatch
from writeback.flow.schools.people_kept import KnownPeople
from writeback.flow.schools.sync import Syncer
from writeback.providers.base import ListChange
from writeback.store.schools import lists
from writeback.store.tables import SchoolRow
from writeback.wiring import Services

SAM = Person("stf_sam", "sam", Role.SUPPORT)
MARKS = """Pupil ID,Name,Date,Session,Mark
A200,"Example, Pat",2026-01-12,AM,/
A201,"Example, Sam",31/02/2026,AM,/
A202,"Example, Kim",2026-01-12,PM,/
A202,"Example, Kim",2026-01-12,PM,N
"""
UNSURE = "Pupil ID,Date,Session,One,Two\nA200,2026-01-12,AM,/,N\nA201,2026-01-12,AM,L,N\n"
"""Nobody can tell which of its last two columns has the marks."""
GRID = "UPN,Surname,Mon 12/01/2026 AM,Mon 12/01/2026 PM\nY999432113104,Example,/,N\nZ123,Example,L,N\n"
"""A row a pupil, a column a session; nobody has the second UPN."""


async def schools_just_synced(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the schools of a bad morning, with lists that have just been fetched whole: again, they are the same."""

    async def fetched_again(*_: object, **__: object) -> list[object]:
        return []

    monkeypatch.setattr(Syncer, "sync_lists", fetched_again)
    await bad_morning(services)
    async with services.reads.db.write() as session:
        for name in (ListName.STUDENTS, ListName.ATTENDANCE_CODES):
            known = await lists.load(session, "st-marys", name)
            assert known is not None
            await lists.save(session, "st-marys", replace(known, full_at=known.fetched_at))


def version_of(page: httpx.Response) -> str:
    """Return the version of the review that the page's forms bring along."""
    found = re.search(r'name="version" value="(\d+)"', page.text)
    assert found, page.text
    return found[1]


async def file_in_review(
    services: Services,
    content: str = MARKS,
    *,
    kind: str = "attendance.session",
    name: str = "register of monday.csv",
) -> str:
    """Upload a file for St Mary's and have it read; return its id."""
    new = NewBatch("st-marys", kind, "text/csv", name, review=True)
    upload = await services.batches.begin(SAM.uploader("st-marys"), new)
    await upload.add(content.encode())
    batch_id = (await upload.finish()).batch_id
    await BatchRunner(services.accept.flow, services.sync, "the tests' worker").run(batch_id)
    return batch_id


async def keep_people(services: Services, people: Mapping[str, PersonDetails]) -> None:
    """Have St Mary's keep a directory of its pupils, with names, as a sync would leave it."""
    now, name = services.clock.now(), ListName.STUDENTS
    async with services.reads.db.write() as session:
        school = await session.get(SchoolRow, "st-marys")
        listed = await lists.load(session, "st-marys", name)
        assert school is not None
        assert listed is not None
        school.directory = Directory.NAMED
        session.add(school)
        await session.flush()
        known = KnownPeople(
            services.accept.flow.secrets, "st-marys", name, Directory.NAMED, None, _nothing, timedelta(days=1)
        )
        write = await known.after(ListChange({}, is_full=True, cursor=None, people=people), listed, now)
        assert write is not None
        await write(session)


async def _nothing() -> None:
    """Load no directory: there is none yet."""
