"""Directories with names, as a sync would have kept them: for tests of pages that call people by name."""

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from sqlmodel import Session, col, select

from tests.console.conftest import Visitor
from tests.console.scenes import DAY, add_school, add_writeback, mark
from writeback.domain.directory import Directory, PersonDetails
from writeback.domain.lookups import ListName, Lookup
from writeback.flow.schools.people_kept import KnownPeople
from writeback.providers.base import ListChange
from writeback.store.tables import AuditRow, LookupRow, SchoolRow
from writeback.wiring import Services

DONE = {"status": "confirmed", "evidence": "webhook+poll"}
FAILED = {"status": "failed", "findings": [{"code": "x", "severity": "error", "message": "It is not so", "hint": ""}]}
SECRETS = ("Example", "Sample", "Zoe", "Teacher", "999432113")
PAGES = ("/writebacks?school=hillside", "/writebacks/{register}", f"/reports?school=hillside&date={DAY}")
"""On which people of one school are called by name."""

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


async def two_schools_with_one_id(services: Services) -> dict[str, str]:
    """Two schools that both have a pupil A1, who are two people; return writebacks by what they are."""
    now = services.clock.now()
    for school in ("hillside", "oakfield"):
        await services.reads.db.transact(
            lambda session, school=school: add_school(session, now, school, school.title(), "wonde", "SIMS")
        )
    await keep_names(services, "hillside", {"A1": ADA, "A2": BEN}, {"E1": KAY})
    await keep_names(services, "oakfield", {"A1": ZOE})
    await keep_codes(services, "hillside", {"/": "Present", "M": "Medical", "L": "Late"})

    async def add(school: str, *args: Any, **changes: Any) -> str:
        at = now - timedelta(minutes=10)
        return await services.reads.db.transact(lambda session: add_writeback(session, at, school, *args, **changes).id)

    register = [mark("A2"), {**mark("A1", code="M"), "employee_id": "E1", "comment": "at the dentist"}]
    return {
        "register": await add("hillside", "partial", records=register, progress=[DONE, FAILED]),
        "earlier": await add("hillside", "confirmed", records=[mark("A1", session="PM", code="/")], progress=[DONE]),
        "later": await add("hillside", "confirmed", records=[mark("A1", session="PM", code="L")], progress=[DONE]),
        "elsewhere": await add("oakfield", "failed", records=[mark("A1", code="O")], progress=[FAILED]),
    }


async def noted(services: Services, *actions: str) -> Sequence[AuditRow]:
    """Return what was written down of looks, the earliest first."""
    async with services.reads.db.read() as session:
        query = select(AuditRow).where(col(AuditRow.action).in_(actions or ("people.show", "pupil.show")))
        return (await session.exec(query.order_by(col(AuditRow.id)))).all()


def named(text: str) -> list[str]:
    """Return which of these people a text names."""
    return [one for one in SECRETS if one in text]


async def search(visitor: Visitor, text: str, school: str = "hillside", **given: str) -> Any:
    return await visitor.post("/pupils", {"school": school, "pupil": text, **given})
