"""What only Xporter has: MIS ids in callbacks, Bromcom's split, files, synchronous endpoints, undocumented bodies."""

import json
from dataclasses import replace

import pytest

import schemas
from writeback.core.settings import Settings, XporterSettings
from writeback.domain.kinds import KINDS
from writeback.domain.lookups import ListName
from writeback.domain.outcome import Applied, Blocked, Evidenced, Pending, ReadBack, Refused, Rejected, Taken
from writeback.providers.base import ListsSchools, LookupFailed, SentRequest
from writeback.providers.http import create_client
from writeback.providers.registry import create_providers

pytestmark = pytest.mark.parametrize("world", ["xporter"], indirect=True)

ATTRIBUTES = [ListName.ACHIEVEMENT_ATTRIBUTES, ListName.BEHAVIOUR_ATTRIBUTES, ListName.DETENTION_ATTRIBUTES]
MEDIUM = {
    "file_name": "small_tick.png",
    "media_type": "png",
    "description": "Example image",
    "taken_at": "2026-01-12T08:30:00",
    "content": "iVBORw0KGgo=",
}


async def type_of(world, name):
    rows = (await world.ask("schools/{school}/attributes", list=name, type="type"))["attributes"]
    return next(row["id"] for row in rows if row["active"])


async def achievement(world, pupils, **changes):
    given = {
        "students": [{"student_id": pupil, "points": 3} for pupil in pupils],
        "employee_id": world.school["registers"][0]["employee_id"],
        "date": world.today.isoformat(),
        "type": await type_of(world, "achievement"),
        "comment": "Solo",
        **changes,
    }
    return KINDS["achievement.create"].record.model_validate(given)


async def held(world, family="achievements"):
    return (await world.ask(f"schools/{{school}}/{family}"))[family]


async def moved_to(world, mis):
    """Return the world with a school of another MIS."""
    given = {"provider": "xporter", "mis": mis, "pupils": 60, "id": "3281199"}
    seeded = await world.control.post("/_sandbox/schools", json=given)
    assert seeded.status_code == 201, seeded.text
    school = seeded.json()
    account = replace(
        world.account, provider_school_id=school["provider_school_id"], mis=mis, credentials=school["credentials"]
    )
    world.account, world.school = account, school
    return world


async def test_several_records_go_in_one_request_and_each_gets_its_mis_id(world):
    records = [await achievement(world, world.pupils[place : place + 2], comment=str(place)) for place in range(3)]
    sent = await world.take(records, await world.lookups())

    await world.advance()

    verdict = await world.check(sent)
    by_comment = {row["comment"]: row.get("mis_id") or row["id"] for row in await held(world)}
    assert isinstance(verdict, Evidenced)
    assert verdict.mis_ids == {place: (by_comment[str(place)],) for place in range(3)}


async def test_one_wrong_record_of_several_is_named_and_none_is_written(world):
    records = [await achievement(world, world.pupils[:2]), await achievement(world, [world.pupils[0], "1"])]

    refused = await world.send(records, await world.lookups())
    await world.advance()

    assert isinstance(refused, Refused)
    assert {at: [one.pointer for one in said] for at, said in refused.findings.items()} == {
        1: ["/students/1/student_id"]
    }
    assert await held(world) == []


async def test_bromcom_makes_a_record_for_each_pupil_and_all_their_ids_come_back(world):
    await moved_to(world, "Bromcom")
    lookups = await world.lookups()
    sent = await world.take([await achievement(world, world.pupils[:3])], lookups)
    before = await world.provider.read_back(world.account, sent, lookups)
    await world.advance()

    verdict = await world.check(sent)
    after = await world.provider.read_back(world.account, sent, lookups)

    ids = {row["mis_id"] for row in await held(world)}
    assert len(ids) == 3
    assert all(one.startswith("B") for one in ids)
    assert isinstance(verdict, Evidenced)
    assert set(verdict.mis_ids[0]) == ids
    assert (before.readings[0].value, before.readings[0].matches) == (None, False)
    assert after.readings[0].matches
    assert {mis_id for one in after.readings[0].found for mis_id in (one.mis_id, *one.parts)} == ids


async def test_a_bromcom_record_is_changed_by_its_own_id(world):
    await moved_to(world, "Bromcom")
    lookups = await world.lookups()
    await world.take([await achievement(world, world.pupils[:1])], lookups)
    await world.advance()
    (made,) = await held(world)
    change = KINDS["achievement.update"].record(
        achievement_id=made["mis_id"], students=[{"student_id": world.pupils[0], "points": 9}]
    )

    sent = await world.take([change], lookups)
    await world.advance()

    read = await world.provider.read_back(world.account, sent, lookups)
    assert read.readings[0].matches
    assert [(await held(world))[0]["students"][0]["points"]] == [9]


async def test_files_are_attached_and_removed(world):
    lookups = await world.lookups()
    sent = await world.take([await achievement(world, world.pupils[:1], media=[MEDIUM, MEDIUM])], lookups)
    await world.advance()
    (made,) = await held(world)
    assert isinstance(await world.check(sent), Evidenced)
    assert len(made["media"]) == 2
    mis_id = made.get("mis_id") or made["id"]
    removal = KINDS["achievement.update"].record(achievement_id=mis_id, remove_media=[made["media"][0]["id"]])

    await world.take([removal], lookups)
    await world.advance()

    (changed,) = await held(world)
    assert [medium["id"] for medium in changed["media"]] == [made["media"][1]["id"]]


async def test_two_entries_of_one_detention_go_in_one_request(world):
    types = (await world.ask("schools/{school}/detention-types"))["detention_types"]
    rooms = (await world.ask("schools/{school}/rooms"))["rooms"]
    given = {"type": types[0]["id"], "location": rooms[0]["id"], "date": world.today.isoformat()}
    given |= {"start_time": "12:30", "end_time": "13:00"}
    made = (await world.order("schools/{school}/detentions", create=[given]))["detentions"][0]
    entries = [
        KINDS["detention_attendance.set"].record(detention_id=made["id"], student_id=pupil, attendance="ATT")
        for pupil in world.pupils[:2]
    ]
    lookups = await world.lookups()

    sent = await world.take(entries, lookups)
    await world.advance()

    verdict = await world.check(sent)
    read = await world.provider.read_back(world.account, sent, lookups)
    assert isinstance(verdict, Evidenced)
    assert verdict.mis_ids == {0: (made["id"],), 1: (made["id"],)}
    assert all(reading.matches for reading in read.readings.values())
    (there,) = await held(world, "detentions")
    assert {student["student_id"] for student in there["students"]} == set(world.pupils[:2])


@pytest.mark.parametrize("is_online", [True, False])
async def test_a_synchronous_endpoint_is_confirmed_by_its_callback(world, is_online):
    settings = Settings(xporter=XporterSettings(use_async=False))
    lookups = await world.lookups()
    async with create_client(settings.dispatch) as client:
        world.provider = create_providers(settings, world.clock, client)["xporter"]
        await world.change(online=is_online)
        records = [await achievement(world, world.pupils[:1])]
        outcome = await world.send(records, lookups)
        await world.advance()
        sent = replace(_sent(world, records), provider_ref=None)
        verdict = await world.check(sent)
        unheard = await world.check(sent, with_hints=False)

    if is_online:
        assert outcome == Taken(None)
        assert isinstance(verdict, Evidenced)
        assert verdict.mis_ids
    else:
        assert not isinstance(verdict, Evidenced | Rejected)
        assert await held(world) == []
    assert isinstance(unheard, Pending)
    assert unheard.awaits_callback


def _sent(world, records):
    kind = next(kind for kind in KINDS.values() if kind.record is type(records[0]))
    return SentRequest(world.request_id, kind, records, None, world.clock.now())


def raw(operation, **body):
    return [KINDS["xporter.raw"].record(operation=operation, body=body)]


@pytest.mark.parametrize(
    "operation", ["EntityAttributes", "GDPRfilter", "Photos", "SeatingPlan", "TagDefinitions", "Tags"]
)
async def test_an_undocumented_body_arrives_as_it_is(world, operation):
    body = {"attributes": [{"XID": "x1", "Homework": "late"}]}

    assert await world.send(raw(operation, **body), await world.lookups()) == Applied("answer")

    (entry,) = [one for one in (await world.ask("ledger"))["requests"] if operation in one["path"]]
    assert entry["body"] == body


async def test_users_are_confirmed_by_our_callback(world):
    lookups = await world.lookups()
    sent = await world.take(raw("UserAsync", Users=[{"Id": 1}]), lookups)

    await world.advance()

    assert await world.check(sent) == Evidenced("callback")
    assert await world.provider.read_back(world.account, sent, lookups) == ReadBack({})


# Lists.


@pytest.mark.parametrize("name", ATTRIBUTES)
async def test_attributes_are_those_that_are_active_at_the_school(world, name):
    list_name = name.removesuffix("_attributes")
    answer = (await world.ask("schools/{school}/attributes", list=list_name))["attributes"]

    change = await world.provider.fetch(world.account, name, None, world.window)

    expected = {f"{row['type']}:{row['id']}" for row in answer if row["active"]}
    if name == ListName.DETENTION_ATTRIBUTES:
        types = (await world.ask("schools/{school}/detention-types"))["detention_types"]
        rooms = (await world.ask("schools/{school}/rooms"))["rooms"]
        expected = {key for key in expected if not key.startswith("activity:")}
        expected |= {f"type:{row['id']}" for row in types if row["active"]} | {f"location:{row['id']}" for row in rooms}
    staff_roles = {key for key in change.rows if key.startswith("staff_role:")}
    assert set(change.rows) - staff_roles == {key for key in expected if not key.startswith("staff_role:")}
    if name != ListName.DETENTION_ATTRIBUTES:
        assert staff_roles


async def test_bullying_has_types_of_its_own(world):
    answer = (await world.ask("schools/{school}/attributes", list="behaviour", type="type"))["attributes"]

    change = await world.provider.fetch(world.account, ListName.BEHAVIOUR_ATTRIBUTES, None, world.window)

    assert {row["id"] for row in answer if row["allows_bullying_type"]} == {
        row["id"] for row in change.rows.values() if row.get("allows_bullying_type")
    }


@pytest.mark.parametrize("name", ATTRIBUTES)
async def test_attributes_that_are_not_granted_hold_no_school(world, name):
    await world.change(grants=["WritebackAttendance"])

    with pytest.raises(LookupFailed) as caught:
        await world.provider.fetch(world.account, name, None, world.window)

    assert caught.value.outcome is None


async def test_conduct_that_may_not_be_read_is_not_told(world):
    lookups = await world.lookups()
    sent = await world.take([await achievement(world, world.pupils[:1])], lookups)
    await world.change(grants=["WritebackAttendance", "WritebackConduct"])

    assert await world.provider.read_back(world.account, sent, lookups) == ReadBack({})


@pytest.mark.parametrize("grants", [["Conduct", "ConductComments"], ["Conduct"]])
async def test_conduct_is_read_with_and_without_its_comments(world, grants):
    lookups = await world.lookups()
    sent = await world.take([await achievement(world, world.pupils[:1])], lookups)
    await world.change(grants=grants)
    await world.advance()

    read = await world.provider.read_back(world.account, sent, lookups)

    assert read.readings[0].matches


async def test_schools_are_listed_in_their_state(world):
    assert isinstance(world.provider, ListsSchools)
    estab = world.account.provider_school_id
    token = f"{estab}:{world.account.credentials['secret']}"

    async def listed(state):
        return [one.provider_school_id for one in await world.provider.schools(token, world.account.base_url, state)]

    assert await listed("approved") == [estab]
    assert await listed("offline") == []
    await world.change(online=False)
    assert await listed("offline") == [estab]
    assert await listed("revoked") == []
    assert isinstance(await world.provider.schools("wrong", world.account.base_url, "approved"), Blocked)


# Schemas.

ANSWERS = {
    "ConductAsync": "attendance-async.response",
    "DetentionAsync": "attendance-async.response",
    "ConductLookups": "conduct-lookups.response",
    "DetentionLookups": "detention-lookups.response",
    "AchievementForDateRange": "achievements.response",
    "BehaviourForDateRange": "behaviour.response",
    "Detentions": "detentions.response",
    "GetXodSchools": "schools.response",
}


def errors(name, value):
    return [f"{name}: {error.json_path}: {error.message}" for error in schemas.validator(name).iter_errors(value)]


async def test_every_answer_and_callback_is_as_its_schema_says(world):
    lookups = await world.lookups()
    behaviour_type = await type_of(world, "behaviour")
    statuses = (await world.ask("schools/{school}/attributes", list="behaviour", type="status"))["attributes"]
    made = await achievement(world, world.pupils[:2])
    behaviour = KINDS["behaviour.create"].record.model_validate(
        made.model_dump(exclude_none=True) | {"type": behaviour_type, "status": statuses[0]["id"]}
    )
    lists = lookups.detention_attributes
    detention = KINDS["detention.create"].record(
        type=lists.choices("type")[0]["id"], location=lists.choices("location")[0]["id"], date=world.today.isoformat()
    )
    for record in (made, behaviour, detention):
        sent = await world.take([record], lookups)
        await world.advance()
        assert isinstance(await world.check(sent), Evidenced)
        await world.provider.read_back(world.account, sent, lookups)
    secret = world.account.credentials["secret"]
    await world.provider.schools(f"{world.account.provider_school_id}:{secret}", world.account.base_url, "approved")

    seen = set()
    for response in world.answers:
        part = next((one for one in response.url.path.rstrip("/").split("/")[::-1] if one in ANSWERS), None)
        if part is not None:
            seen.add(part)
            assert errors(f"xporter/{ANSWERS[part]}", response.json()) == []
    assert seen == set(ANSWERS)
    bodies = [json.loads(body) for _, body in world.ear.heard]
    assert len(bodies) == 3
    assert all(body["result"] for body in bodies)
    assert [errors("xporter/callback-results", body) for body in bodies] == [[], [], []]
