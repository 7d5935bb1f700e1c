"""Submissions that name people as the school knows them; and how much a key may ask."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.integration.flow.conftest import CALLER, World, mark, submission
from tests.integration.flow.directory.conftest import JO, PAT
from writeback.core.errors import BadInput, Forbidden, InvalidSubmission, TooManyAtOnce
from writeback.domain.access import Scope
from writeback.domain.directory import PersonReference
from writeback.domain.lookups import ListName
from writeback.flow.directory.asking import PeopleAsked
from writeback.flow.directory.find import PeopleFinder

pytestmark = pytest.mark.sqlite_first

SUBMITTER = replace(CALLER, scopes=frozenset({Scope.SUBMIT, Scope.FIND}))


@pytest.fixture(autouse=True)
async def synced(world: World, people: Any) -> None:
    await world.syncer.sync_school("hillside")


def named(**changes: Any) -> dict[str, Any]:
    """A mark of a pupil who is named, taken by a member of staff who is."""
    plain = {name: value for name, value in mark().items() if name not in ("student_id", "employee_id")}
    return {**plain, "student": {"upn": PAT.upn}, "employee": {"code": JO.code}, **changes}


async def refusal(world: World, *marks: dict[str, Any], **how: Any) -> list[tuple[str, str]]:
    with pytest.raises(InvalidSubmission) as refused:
        await world.acceptor.submit(SUBMITTER, "hillside", submission(*marks), **how)
    return [(one["code"], one["pointer"]) for one in refused.value.extra["findings"]]


async def test_who_is_named_is_kept_by_id_alone(world: World) -> None:
    answer = await world.acceptor.submit(SUBMITTER, "hillside", submission(named(), mark("A2")))

    assert answer.status == 202
    kept = await world.writeback(str(answer.writeback_id))
    first, second = json.loads(kept.records)
    assert (first["student_id"], first["employee_id"], second["student_id"]) == ("A1", "E1", "A2")
    assert PAT.upn not in kept.records


async def test_each_person_who_is_not_found_is_said_with_the_place(world: World) -> None:
    marks = [
        named(student={"upn": "Z999999999999"}),
        named(student={"surname": "Example", "forename": "Pat"}),
        named(student_id="A1"),
        named(student={"upm": PAT.upn}),
    ]

    assert await refusal(world, *marks) == [
        ("person_unknown", "/records/0/student"),
        ("person_named_too_little", "/records/1/student"),
        ("person_said_twice", "/records/2/student"),
        ("field_unknown", "/records/3/student/upm"),
    ]


async def test_the_good_ones_go_where_the_bad_are_to_be_skipped(world: World) -> None:
    body = submission(named(student={"upn": "Z999999999999"}), named(), on_invalid="skip")

    answer = json.loads((await world.acceptor.submit(SUBMITTER, "hillside", body)).body)

    assert [one["status"] for one in answer["records"]] == ["refused", "queued"]


async def test_nobody_is_found_where_the_directory_is_off(world: World) -> None:
    await world.flow.registry.patch("hillside", {"directory": "off"})

    assert [code for code, _ in await refusal(world, named())] == ["people_not_kept"] * 2


async def test_a_key_without_the_scope_learns_nothing(world: World) -> None:
    caller = replace(CALLER, scopes=frozenset({Scope.SUBMIT, Scope.READ, Scope.SUPPORT}))

    for student in ({"upn": PAT.upn}, {"upn": "Z999999999999"}):
        with pytest.raises(Forbidden) as refused:
            await world.acceptor.submit(caller, "hillside", submission(named(student=student)), dry_run=True)
        assert refused.value.code == "key_lacks_scope"


async def test_a_trial_and_who_is_not_found_are_audited_without_names(world: World) -> None:
    await world.acceptor.submit(SUBMITTER, "hillside", submission(named()), dry_run=True)
    await refusal(world, named(student={"upn": "Z999999999999"}))
    await world.acceptor.submit(SUBMITTER, "hillside", submission(named()))

    lines = [row for row in await world.audited() if row.action == "people.find"]
    assert [(row.subject, row.school, row.changed) for row in lines] == [
        ("employees, students", "hillside", {"asked": 2, "found": 2}),
        ("employees, students", "hillside", {"asked": 2, "found": 1, "unknown": 1}),
    ]


@pytest.mark.parametrize("wrong", [{"code": "no code"}, {"colour": "red"}, {"date": "2031-02-30"}])
async def test_what_is_refused_for_something_else_is_audited_too(world: World, wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidSubmission):
        await world.acceptor.submit(SUBMITTER, "hillside", submission(named(**wrong)))
    with pytest.raises(BadInput):
        await world.acceptor.submit(SUBMITTER, "hillside", submission(named()), idempotency_key="")

    lines = [row.changed for row in await world.audited() if row.action == "people.find"]
    assert lines == [{"asked": 2, "found": 2}] * 2


async def test_whoever_misses_too_often_is_told_nothing_for_a_while(world: World) -> None:
    limits = world.flow.settings.directory.model_copy(update={"missed_per_hour": 3})
    settings = world.flow.settings.model_copy(update={"directory": limits})
    people = PeopleAsked(replace(world.flow, settings=settings), PeopleFinder(world.flow))
    unknown = [PersonReference(upn="Z999999999999")]

    for _ in range(3):
        await people.find(SUBMITTER, "hillside", ListName.STUDENTS, unknown)
    with pytest.raises(TooManyAtOnce) as refused:
        await people.find(SUBMITTER, "hillside", ListName.STUDENTS, [PersonReference(upn=PAT.upn)])
    other = replace(SUBMITTER, key_id="key_2")
    found = await people.find(other, "hillside", ListName.STUDENTS, [PersonReference(upn=PAT.upn)])
    world.clock.advance(timedelta(seconds=refused.value.retry_after_s or 0))
    later = await people.find(SUBMITTER, "hillside", ListName.STUDENTS, [PersonReference(upn=PAT.upn)])

    assert refused.value.code == "people_missed_too_often"
    assert found.found[0].person_id == later.found[0].person_id == "A1"


async def test_whoever_asks_too_fast_waits(world: World) -> None:
    most = world.flow.settings.directory.asked_per_minute
    wanted = [PersonReference(upn=PAT.upn)]

    await world.people.find(SUBMITTER, "hillside", ListName.STUDENTS, wanted * most)
    with pytest.raises(TooManyAtOnce) as refused:
        await world.people.find(SUBMITTER, "hillside", ListName.STUDENTS, wanted)

    assert (refused.value.code, refused.value.retry_after_s) == ("people_asked_too_fast", 1)


@pytest.mark.parametrize("mode", ["hashed", "named"])
async def test_who_comes_near_is_told_to_those_who_look_after_schools(world: World, mode: str) -> None:
    await world.flow.registry.patch("hillside", {"directory": mode})
    await world.syncer.sync_school("hillside")
    support = replace(SUBMITTER, scopes=frozenset({Scope.FIND, Scope.SUPPORT}))
    wanted = [PersonReference(surname="Example", forename="Pat")]

    told = await world.people.find(support, "hillside", ListName.STUDENTS, wanted)
    plain = await world.people.find(SUBMITTER, "hillside", ListName.STUDENTS, wanted)

    assert told.found[0].candidates == ("A1",)
    assert [one["surname"] for one in told.names.values()] == (["Example"] if mode == "named" else [])
    assert (plain.found[0].candidates, plain.names) == ((), {})
    lines = [row.changed for row in await world.audited() if row.action == "people.find"]
    assert [line.get("names_shown") for line in lines] == [1 if mode == "named" else None, None]
