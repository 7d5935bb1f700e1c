"""Who people are, over real HTTP: what each provider is asked for, and what comes of it where a school shares less."""

from dataclasses import replace
from typing import Any

import pytest

from tests.contract.conftest import World
from writeback.domain.directory import People
from writeback.domain.lookups import ListName
from writeback.providers.base import ListChange

PUPILS, STAFF = ListName.STUDENTS, ListName.EMPLOYEES


async def fetched(world: World, name: ListName, cursor: str | None = None, *, with_people: bool = True) -> ListChange:
    account = replace(world.account, with_people=with_people)
    return await world.provider.fetch(account, name, cursor, world.window)


async def school(world: World) -> Any:
    return await world.ask("schools/{school}")


async def without(world: World, *grants: str) -> None:
    """Have the school share all but these."""
    shared = (await school(world))["grants"]
    await world.change(grants=[one for one in shared if one not in grants])


def whole(people: People) -> bool:
    return all(one.upn and one.admission_number and one.date_of_birth and one.classes for one in people.values())


async def test_pupils_come_with_all_that_a_file_may_name_them_by(world: World) -> None:
    change = await fetched(world, PUPILS)

    assert change.people.keys() == change.rows.keys()
    assert whole(change.people)
    one = change.people[world.pupils[0]]
    assert (len(one.upn), one.admission_number[:2], one.classes[0][0]) == (13, "00", "7")
    assert len({one.upn for one in change.people.values()}) == len(change.people)


async def test_staff_come_with_codes_names_and_emails(world: World) -> None:
    change = await fetched(world, STAFF)

    assert change.people.keys() == change.rows.keys()
    assert all(one.code and one.surname and one.forename and one.emails for one in change.people.values())


async def test_the_list_itself_is_of_ids_alone_as_before(world: World) -> None:
    plain = await fetched(world, PUPILS, with_people=False)

    assert (await fetched(world, PUPILS)).rows == plain.rows
    assert plain.people == {}
    assert all(row.keys() == {"id"} for row in plain.rows.values())


async def test_a_change_brings_who_is_new(world: World) -> None:
    first = await fetched(world, PUPILS)
    new = "A777" if world.name == "wonde" else "777"
    await world.change(add_pupils=[{"id": new, "forename": "Pat", "surname": "Example", "upn": "A999432113104"}])

    change = await fetched(world, PUPILS, first.cursor)

    assert not change.is_full
    assert (change.people[new].surname, change.people[new].upn) == ("Example", "A999432113104")


@pytest.mark.parametrize("world", ["wonde"], indirect=True)
@pytest.mark.parametrize("permission", ["classes.read", "groups.read"])
async def test_wondes_pupils_come_without_classes_where_these_are_not_shared(world: World, permission: str) -> None:
    await without(world, permission)

    change = await fetched(world, PUPILS)

    assert all(one.upn and one.date_of_birth and not one.classes for one in change.people.values())


@pytest.mark.parametrize("world", ["xporter"], indirect=True)
async def test_xporters_pupils_come_without_upns_where_these_are_not_shared(world: World) -> None:
    await without(world, "UPN", "StudentExtended")

    change = await fetched(world, PUPILS)

    assert all(
        one.admission_number and one.classes and not one.upn and not one.date_of_birth for one in change.people.values()
    )


@pytest.mark.parametrize("world", ["xporter"], indirect=True)
async def test_xporters_pupils_come_all_the_same_where_columns_are_refused(world: World) -> None:
    said = {"ExceptionType": "ValidationException", "ExceptionMessage": "Invalid column name 'UPN'."}
    await world.order("faults", kind="status", path="/Students", times=2, status=400, body=said)

    change = await fetched(world, PUPILS)

    assert change.people.keys() == change.rows.keys()
    assert all(one.surname and one.classes and not one.upn for one in change.people.values())


@pytest.mark.parametrize("world", ["xporter"], indirect=True)
async def test_a_changeset_that_is_gone_costs_one_more_fetch(world: World) -> None:
    change = await fetched(world, PUPILS, "gone")

    assert change.is_full
    assert whole(change.people)
