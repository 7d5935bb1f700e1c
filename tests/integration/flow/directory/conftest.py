"""A school whose provider tells who people are."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from tests.integration.flow.conftest import World
from writeback.domain.directory import PersonDetails, PersonReference
from writeback.domain.lookups import ListName
from writeback.flow.directory.find import PeopleFinder
from writeback.providers.base import ListChange

PAT = PersonDetails(upn="A999432113104", surname="Example", forename="Pat", date_of_birth=date(2013, 9, 4))
KIM = PersonDetails(upn="B999432113105", surname="Sample", forename="Kim", classes=("8B",))
JO = PersonDetails(code="JSA", surname="Sample", forename="Jo", emails=("jsa@school.example",))
BY_UPN = PersonReference(upn=PAT.upn)


@pytest.fixture(autouse=True)
def people(world: World) -> dict[ListName, dict[str, PersonDetails]]:
    """Who is at the school, as a provider tells: everybody at first, then who has changed."""
    there = {ListName.STUDENTS: {"A1": PAT, "A2": KIM}, ListName.EMPLOYEES: {"E1": JO}}
    changed: dict[ListName, dict[str, PersonDetails]] = {}
    plain = world.provider.fetch

    async def fetch(account: Any, name: ListName, cursor: str | None, window: Any) -> ListChange:
        whole = await plain(account, name, cursor, window)
        if name not in there or cursor is None:
            return replace(whole, people=there.get(name, {}) if account.with_people else {})
        rows = {one: {"id": one} for one in changed.get(name, {})}
        return ListChange(rows, is_full=False, cursor="c2", people=changed.get(name, {}))

    world.provider.fetch = fetch  # type: ignore[method-assign]
    world.changed_people = changed  # type: ignore[attr-defined]
    return there


@pytest.fixture
def finder(world: World) -> PeopleFinder:
    return PeopleFinder(world.flow, world.refresher)
