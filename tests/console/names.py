"""Directories with names, as a sync would have kept them: for tests of pages that call people by name."""

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sqlmodel import Session

from writeback.domain.directory import Directory, PersonDetails
from writeback.domain.lookups import ListName, Lookup
from writeback.flow.schools.people_kept import KnownPeople
from writeback.providers.base import ListChange
from writeback.store.tables import LookupRow, SchoolRow
from writeback.wiring import Services

ADA = PersonDetails(upn="A999432113104", admission_number="4505", surname="Example", forename="Ada", classes=("8B",))
BEN = PersonDetails(upn="B999432113105", surname="O’Sample", forename="Ben", classes=("9C",))
ZOE = PersonDetails(upn="C999432113106", surname="Other", forename="Zoe", classes=("7A",))
KAY = PersonDetails(code="KEX", surname="Teacher", forename="Kay")


async def keep_names(
    services: Services,
    school: str,
    pupils: Mapping[str, PersonDetails],
    staff: Mapping[str, PersonDetails] | None = None,
    mode: Directory = Directory.NAMED,
) -> None:
    """Have a school's lists, and its directory in this mode, as if a sync had just brought these people."""

    def set_mode(session: Session) -> None:
        row = session.get_one(SchoolRow, school)
        row.directory = mode.value
        session.add(row)

    flow = services.accept.flow
    await services.reads.db.transact(set_mode)
    await flow.registry.patch(school, {"office_marks": "overwrite"})  # whoever remembers the school is told
    for name, people in ((ListName.STUDENTS, pupils), (ListName.EMPLOYEES, staff or {})):
        rows = {one: {"id": one} for one in people}
        await _keep_list(services, school, name, rows)
        now = flow.clock.now()
        known = KnownPeople(flow.secrets, school, name, mode, None, _nothing, timedelta(days=60))
        written = await known.after(ListChange(rows, is_full=True, people=people), Lookup(name, 1, now, rows), now)
        assert written is not None
        async with services.reads.db.write() as session:
            await written(session)


async def keep_codes(services: Services, school: str, codes: Mapping[str, str]) -> None:
    """Have a school's attendance codes with their meanings."""
    rows = {
        f"C{number}": {"id": f"C{number}", "code": code, "description": words, "type": "PRESENT", "active": True}
        for number, (code, words) in enumerate(codes.items())
    }
    await _keep_list(services, school, ListName.ATTENDANCE_CODES, rows)


async def _keep_list(services: Services, school: str, name: ListName, rows: Mapping[str, Any]) -> None:
    now = services.clock.now()
    row = {"school_id": school, "list": name.value, "version": 1, "fetched_at": now, "full_at": now}
    await services.reads.db.transact(lambda session: session.add(LookupRow(**row, rows=json.dumps(rows))))


async def _nothing() -> None:
    return None
