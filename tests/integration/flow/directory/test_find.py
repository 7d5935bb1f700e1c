"""Finding people in a directory that syncs keep."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import select

from tests.integration.flow.conftest import World
from tests.integration.flow.directory.conftest import BY_UPN, KIM, PAT
from tests.secret_key import SECRET_KEY
from writeback.core.secrets import SecretBox
from writeback.domain.directory import Directory, Match, PersonDetails, PersonReference
from writeback.domain.lookups import ListName
from writeback.flow.directory.find import PeopleFinder
from writeback.providers.base import ListChange
from writeback.store.tables import DirectoryRow

pytestmark = pytest.mark.sqlite_first


async def rows(world: World) -> dict[str, DirectoryRow]:
    async with world.flow.db.read() as session:
        return {row.list: row for row in (await session.exec(select(DirectoryRow))).all()}


async def keep(world: World, mode: Directory) -> None:
    await world.flow.registry.patch("hillside", {"directory": mode.value})
    await world.syncer.sync_school("hillside")


async def find(finder: PeopleFinder, *given: PersonReference, list_name: ListName = ListName.STUDENTS) -> list[Any]:
    return [(one.match, one.person_id) for one in await finder.find("hillside", list_name, given)]


async def test_people_are_found_after_a_sync(world: World, finder: PeopleFinder) -> None:
    await world.syncer.sync_school("hillside")

    found = await find(finder, BY_UPN, PersonReference(surname="SAMPLE", forename="Kim", class_name="8b"))
    staff = await find(finder, PersonReference(code="jsa"), list_name=ListName.EMPLOYEES)

    assert [*found, *staff] == [(Match.FOUND, "A1"), (Match.FOUND, "A2"), (Match.FOUND, "E1")]


async def test_a_list_that_was_fetched_before_is_fetched_whole_once_for_its_people(
    world: World, finder: PeopleFinder
) -> None:
    await world.syncer.sync_school("hillside")
    first = world.provider.cursors[ListName.STUDENTS]
    await world.syncer.sync_school("hillside")

    assert (first, world.provider.cursors[ListName.STUDENTS]) == (None, "c1")


async def test_nothing_of_anybody_can_be_read_where_it_is_hashed(world: World) -> None:
    await world.syncer.sync_school("hillside")

    for row in (await rows(world)).values():
        kept = json.dumps(row.model_dump(), default=str).casefold()
        assert row.mode == "hashed"
        assert not [word for word in ("example", "sample", "pat", "kim", "999432", "8b", "jsa") if word in kept]


async def test_the_same_pupil_has_other_hashes_at_another_school(world: World) -> None:
    box = SecretBox(SECRET_KEY)

    assert box.key_for("directory/hillside/students") != box.key_for("directory/elsewhere/students")


async def test_names_are_there_only_where_they_are_kept(world: World, finder: PeopleFinder) -> None:
    await world.syncer.sync_school("hillside")
    before = await finder.names("hillside", ListName.STUDENTS, ["A1"])
    await keep(world, Directory.NAMED)
    after = await finder.names("hillside", ListName.STUDENTS, ["A1"])

    assert before == {}
    assert after["A1"] == {
        "surname": "Example", "forename": "Pat", "date_of_birth": "2013-09-04", "upn": "A999432113104",
    }  # fmt: skip
    assert "Example" not in (await rows(world))["students"].details


@pytest.mark.both_databases
@pytest.mark.parametrize("mode", [Directory.OFF, Directory.HASHED])
async def test_names_go_at_once_when_they_are_kept_no_longer(
    world: World, finder: PeopleFinder, mode: Directory
) -> None:
    await keep(world, Directory.NAMED)

    await world.flow.registry.patch("hillside", {"directory": mode.value})

    assert await rows(world) == {}
    assert await finder.names("hillside", ListName.STUDENTS, ["A1"]) == {}


async def test_a_directory_that_is_off_finds_nobody_and_fetches_no_names(world: World, finder: PeopleFinder) -> None:
    await keep(world, Directory.OFF)
    world.provider.fetched.clear()

    assert await find(finder, BY_UPN) == [(Match.NOT_KEPT, "")]
    assert (await rows(world), world.provider.fetched) == ({}, [])


async def test_somebody_new_is_fetched_when_they_are_asked_for(
    world: World, finder: PeopleFinder, people: dict[ListName, dict[str, PersonDetails]]
) -> None:
    await world.syncer.sync_school("hillside")
    new = replace(PAT, upn="D999432113199")
    people[ListName.STUDENTS]["A3"] = new
    world.clock.advance(timedelta(minutes=11))

    assert await find(finder, PersonReference(upn=new.upn)) == [(Match.FOUND, "A3")]


async def test_a_list_is_not_fetched_for_each_unknown_person(world: World, finder: PeopleFinder) -> None:
    await world.syncer.sync_school("hillside")
    world.provider.fetched.clear()
    world.clock.advance(timedelta(minutes=11))

    for number in range(5):
        assert await find(finder, PersonReference(upn=f"Z{number}")) == [(Match.UNKNOWN, "")]

    assert world.provider.fetched == [ListName.STUDENTS]


async def test_who_has_left_is_found_no_longer(
    world: World, finder: PeopleFinder, people: dict[ListName, dict[str, PersonDetails]]
) -> None:
    await world.syncer.sync_school("hillside")
    del people[ListName.STUDENTS]["A1"], world.provider.rows[ListName.STUDENTS]["A1"]
    await world.syncer.sync_school("hillside", full=True)

    assert await find(finder, BY_UPN) == [(Match.UNKNOWN, "")]


async def test_a_change_alone_is_taken_into_the_directory(world: World, finder: PeopleFinder) -> None:
    await keep(world, Directory.NAMED)
    world.changed_people[ListName.STUDENTS] = {"A1": replace(PAT, surname="Renamed")}  # type: ignore[attr-defined]
    await world.syncer.sync_school("hillside")

    given = PersonReference(surname="Renamed", forename="Pat", date_of_birth=PAT.date_of_birth)
    assert await find(finder, given, PersonReference(upn=KIM.upn)) == [(Match.FOUND, "A1"), (Match.FOUND, "A2")]
    assert (await finder.names("hillside", ListName.STUDENTS, ["A1", "A2"]))["A2"]["forename"] == "Kim"


@pytest.mark.both_databases
async def test_after_a_move_people_are_known_under_their_new_ids(
    world: World, finder: PeopleFinder, people: dict[ListName, dict[str, PersonDetails]]
) -> None:
    await world.syncer.sync_school("hillside")
    await world.flow.registry.patch("hillside", {"mis": "Arbor"})
    between = await PeopleFinder(world.flow).find("hillside", ListName.STUDENTS, [BY_UPN])
    people[ListName.STUDENTS] = {"B1": PAT, "A1": KIM}
    world.provider.rows[ListName.STUDENTS] = {one: {"id": one} for one in ("B1", "A1")}
    await world.syncer.sync_school("hillside")

    assert between[0].match is Match.NOT_KEPT
    assert await find(finder, BY_UPN) == [(Match.FOUND, "B1")]
    assert await finder.now_called("hillside", ListName.STUDENTS, ["A1", "A2"]) == {"A1": "B1", "A2": "A1"}


async def test_a_key_that_turns_leaves_everybody_known(world: World, finder: PeopleFinder) -> None:
    await world.syncer.sync_school("hillside")
    both = SecretBox("a-newer-key-of-thirty-two-letters-and-more", SECRET_KEY)
    flow = replace(world.flow, secrets=both)

    assert await find(PeopleFinder(flow), BY_UPN) == [(Match.FOUND, "A1")]


async def test_a_key_that_is_gone_leaves_nobody_known_until_the_whole_list_has_come(world: World) -> None:
    await world.syncer.sync_school("hillside")
    flow = replace(world.flow, secrets=SecretBox("a-newer-key-of-thirty-two-letters-and-more"))

    assert await find(PeopleFinder(flow), BY_UPN) == [(Match.NOT_KEPT, "")]


async def test_five_hundred_are_found_with_one_read_at_most(
    world: World, finder: PeopleFinder, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.syncer.sync_school("hillside")
    reads, plain = [], world.flow.db.read
    monkeypatch.setattr(type(world.flow.db), "read", lambda self: reads.append(1) or plain())
    world.flow.registry.changes._looked_at = world.clock.monotonic()

    await finder.find("hillside", ListName.STUDENTS, [BY_UPN] * 500)

    assert len(reads) <= 2  # the school, which this registry does not remember, and the directory


async def test_a_sync_that_brings_nobody_leaves_the_directory_as_it_is(world: World) -> None:
    await world.syncer.sync_school("hillside")
    before = await rows(world)
    world.clock.advance(timedelta(minutes=15))

    await world.syncer.sync_school("hillside")

    assert await rows(world) == before


@pytest.mark.both_databases
async def test_a_sync_under_way_does_not_bring_back_what_is_switched_off(world: World) -> None:
    plain = world.provider.fetch

    async def fetch(account: Any, name: ListName, cursor: str | None, window: Any) -> ListChange:
        if name is ListName.STUDENTS:
            await world.flow.registry.patch("hillside", {"directory": Directory.OFF.value})
        return await plain(account, name, cursor, window)

    world.provider.fetch = fetch  # type: ignore[method-assign]
    await world.syncer.sync_school("hillside")

    assert "students" not in await rows(world)
