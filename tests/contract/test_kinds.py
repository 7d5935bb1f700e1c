"""Every kind that a provider takes besides marks: sent, taken, confirmed, read back, refused."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest

import schemas
from writeback.domain.kinds import KINDS
from writeback.domain.kinds.base import Action
from writeback.domain.lookups import ATTRIBUTE_LISTS
from writeback.domain.outcome import (
    Blocked,
    Evidenced,
    Pending,
    ReadBack,
    Refused,
    Rejected,
    Taken,
    Uncertain,
    Unclear,
)
from writeback.domain.school import HoldReason
from writeback.providers.base import ListsSchools, LookupFailed, SentRequest

SENT = {
    "wonde": {
        "achievement.create": "achievements",
        "achievement.delete": "achievements",
        "behaviour.create": "behaviours",
        "behaviour.delete": "behaviours",
        "detention.create": "detentions",
        "detention.delete": "detentions",
        "detention_attendance.set": "detentions",
        "detention_attendance.delete": "detentions",
        "student_absence.create": "student-absences",
        "employee_absence.create": "employee-absences",
        "employee_absence.update": "employee-absences",
        "employee_absence.delete": "employee-absences",
    },
    "xporter": {
        "achievement.create": "achievements",
        "achievement.update": "achievements",
        "behaviour.create": "behaviours",
        "behaviour.update": "behaviours",
        "detention.create": "detentions",
        "detention.update": "detentions",
        "detention_attendance.set": "detentions",
        "detention_attendance.delete": "detentions",
    },
}
"""By provider: the kinds that it takes, and where the sandbox's MIS shows them."""
CASES = [(provider, kind) for provider, kinds in SENT.items() for kind in kinds]
CREATES = [(provider, kind) for provider, kind in CASES if KINDS[kind].action is Action.CREATE]
NAMING = [case for case in CASES if not case[1].endswith(".delete") and case[1] != "employee_absence.update"]
"""Those that name a person."""
TARGETED = [(provider, kind) for provider, kind in CASES if KINDS[kind].action in (Action.UPDATE, Action.DELETE)]
SPOKEN = {
    "achievements": {"type": "NYPA"},
    "behaviours": {"type": "BULL", "status": "REV2"},
    "employee-absences": {"type": "SIC", "pay_rate": "F", "working_days": "2", "hours": "16"},
}
"""What the office says of things that are there already."""

each = pytest.mark.parametrize(("world", "kind"), CASES, indirect=["world"])
each_create = pytest.mark.parametrize(("world", "kind"), CREATES, indirect=["world"])
each_target = pytest.mark.parametrize(("world", "kind"), TARGETED, indirect=["world"])


async def there_already(world, kind):
    """Return the id of something that the office has made."""
    family = SENT[world.name][kind]
    day = world.today.isoformat()
    pupils, employee = world.pupils, world.school["registers"][0]["employee_id"]
    if family == "detentions":
        given = await a_place(world)
        given |= {"date": day, "start_time": "12:30", "end_time": "13:00"}
        given["students"] = [{"student_id": pupils[0], "attendance": "NOR"}]
    elif family == "employee-absences":
        given = {"employee_id": employee, "start_at": f"{day} 08:00:00", "end_at": f"{day} 17:00:00", **SPOKEN[family]}
    else:
        given = {"employee_id": employee, "date": day, **SPOKEN[family]}
        given["students"] = [{"student_id": pupils[0], "points": 1}]
    made = await world.order(f"schools/{{school}}/{family}", create=[given])
    return id_of(made[family][0])


def id_of(row):
    """Return the id that the provider shows."""
    return str(row.get("mis_id") or row["id"]) if row["id"].isdigit() else row["id"]


async def a_type(world, name, code):
    """Return how a type of conduct is given: through Xporter it has no code (7449-7458)."""
    rows = (await world.ask("schools/{school}/attributes", list=name, type="type"))["attributes"]
    return code if world.name == "wonde" else next(row["id"] for row in rows if row["code"] == code)


async def a_place(world):
    """Return a detention's type and room, by id."""
    types = (await world.ask("schools/{school}/detention-types"))["detention_types"]
    rooms = (await world.ask("schools/{school}/rooms"))["rooms"]
    return {"type": types[0]["id"], "location": rooms[0]["id"]}


async def record_of(world, kind, **changes):
    """Return a full record of the kind, about something that is there where it needs to be."""
    pupils, employee = world.pupils, world.school["registers"][0]["employee_id"]
    day = world.today.isoformat()
    absence = {
        "start_at": f"{day}T08:00:00",
        "end_at": f"{day}T12:00:00",
        "working_days": "0.5",
        "hours": "4",
        "type": "SIC",
        "pay_rate": "F",
        "illness_category": "DIG",
        "comment": "Called at seven",
    }
    match kind.split("."):
        case ["achievement", "create"]:
            given = {
                "students": [{"student_id": pupils[0], "points": 5, "outcome": "TROP", "outcome_date": day}],
                "employee_id": employee,
                "date": day,
                "type": await a_type(world, "achievement", "NYPA"),
                "activity": "RE",
                "comment": "Solo",
            }
        case ["achievement" | "behaviour" as thing, "update"]:
            given = {
                f"{thing}_id": await there_already(world, kind),
                "employee_id": employee,
                "activity": "RE",
                "comment": "Seen by others",
                "students": [{"student_id": pupils[0], "points": 7}, {"student_id": pupils[1], "points": 2}],
            }
        case ["detention", "update"]:
            given = {
                "detention_id": await there_already(world, kind),
                "end_time": "13:30",
                "remove_students": pupils[:1],
            }
            given["students"] = [{"student_id": pupils[1], "attendance": "NOR"}]
        case ["behaviour", "create"]:
            given = {
                "students": [
                    {"student_id": pupils[0], "points": 3, "role": "AG", "outcome": "COOL"},
                    {"student_id": pupils[1], "points": 0, "role": "TA"},
                ],
                "employee_id": employee,
                "date": day,
                "type": await a_type(world, "behaviour", "BULL"),
                "status": "REV2",
                "bullying_type": "B_INT",
                "activity": "RE",
                "location": "CORR",
                "time": "LUN",
                "comment": "Seen by many",
            }
        case ["detention", "create"]:
            given = await a_place(world)
            given |= {"date": day, "start_time": "12:30", "end_time": "13:00", "supervisor_id": employee}
            given["students"] = [
                {"student_id": pupil, "attendance": "NOR", "behaviour_type": "BULL"} for pupil in pupils[:2]
            ]
        case ["detention_attendance", "set"]:
            detention = await there_already(world, kind)
            given = {"detention_id": detention, "student_id": pupils[0], "attendance": "ATT", "comment": "Worked well"}
        case ["detention_attendance", "delete"]:
            given = {"detention_id": await there_already(world, kind), "student_id": pupils[0]}
        case ["student_absence", "create"]:
            given = {
                "student_id": pupils[0],
                "start_at": f"{day}T08:30:00",
                "event": "sign_out",
                "type": "TRA",
                "reason": "DEN",
                "authorised_by_id": employee,
            }
        case ["employee_absence", "create"]:
            given = {"employee_id": employee, **absence}
        case ["employee_absence", "update"]:
            given = {"absence_id": await there_already(world, kind), **absence}
        case [thing, "delete"]:
            given = {f"{thing.removeprefix('employee_')}_id": await there_already(world, kind)}
    return KINDS[kind].record.model_validate({**given, **changes})


async def in_the_mis(world, kind):
    family = SENT[world.name][kind]
    return (await world.ask(f"schools/{{school}}/{family}"))[family]


async def reading_of(world, sent, lookups):
    read = await world.provider.read_back(world.account, sent, lookups)
    assert isinstance(read, ReadBack), read
    return read.readings[0]


# Sent and confirmed.


@each
async def test_each_kind_is_taken_notified_and_confirmed(world, kind):
    record = await record_of(world, kind)
    sent = await world.take([record], await world.lookups())
    assert isinstance(await world.check(sent), Pending)

    await world.advance()

    assert [hint.provider_ref for hint in world.hints()] == [sent.provider_ref]
    assert isinstance(await world.check(sent), Evidenced)


@each_create
async def test_what_is_made_is_in_the_mis_as_it_was_said(world, kind):
    record = await record_of(world, kind)
    await world.take([record], await world.lookups())
    await world.advance()

    (made,) = await in_the_mis(world, kind)

    said = record.model_dump(mode="json", exclude_none=True)
    pupils = {pupil["student_id"] for pupil in said.get("students", [said]) if "student_id" in pupil}
    assert {pupil["student_id"] for pupil in made.get("students", [made]) if "student_id" in pupil} == pupils
    assert made["comment"] == said.get("comment")
    assert made.get("employee_id") == said.get("employee_id")


@each
async def test_what_the_mis_refuses_later_is_rejected(world, kind):
    record = await record_of(world, kind)
    before = await in_the_mis(world, kind)
    await world.change(refusals=[{"message": "The MIS is being backed up"}])
    sent = await world.take([record], await world.lookups())

    await world.advance()

    assert isinstance(await world.check(sent), Rejected)
    assert await in_the_mis(world, kind) == before


@each
async def test_each_request_is_as_its_schema_says(world, kind):
    record = await record_of(world, kind)
    request = world.build([record], await world.lookups())

    if world.name == "wonde" and request.body:
        subject, action = kind.split(".")
        name = subject.replace("_", "-") + ("-update" if action == "update" else "")
        validator = schemas.validator(f"wonde/{name}.request")
        assert [error.message for error in validator.iter_errors(request.body)] == []
    elif world.name == "xporter":
        name = "detention" if kind.startswith("detention") else "conduct"
        validator = schemas.validator(f"xporter/{name}.request")
        assert [error.message for error in validator.iter_errors(request.body)] == []


# The end of a path → the schema of its answer, where that is Wonde's.
WONDE_ANSWERS = {
    "POST": {"": "writeback"},
    "PUT": {"": "writeback"},
    "DELETE": {"": "writeback"},
    "GET": {
        r"/achievements": "achievements",
        r"/achievements/\w+": "achievement",
        r"/behaviours": "behaviours",
        r"/behaviours/\w+": "behaviour",
        r"/detentions": "detentions",
        r"/detentions/\w+": "detention",
        r"/deletions": "deletions",
        r"/attendance/detention": "detention-attendances",
        r"/attendance/absence": "student-absences",
        r"/employee-absences": "employee-absences",
        r"/employee-absences/\w+": "employee-absence",
        r"/writebacks/\w+": "writeback-status",
    },
}


@pytest.mark.parametrize(("world", "kind"), [case for case in CASES if case[0] == "wonde"], indirect=["world"])
async def test_each_answer_is_as_its_schema_says(world, kind):
    record = await record_of(world, kind)
    lookups = await world.lookups()
    world.answers.clear()
    sent = await world.take([record], lookups)
    await reading_of(world, sent, lookups)
    await world.advance()
    await world.check(sent)

    assert len(world.answers) >= 3
    for response in world.answers:
        ends = WONDE_ANSWERS[response.request.method]
        path = response.url.path.removeprefix("/v1.0").removeprefix(f"/schools/{world.account.provider_school_id}")
        name = next((name for end, name in ends.items() if end == "" or re.fullmatch(end, path)), None)
        if response.status_code == 200 and path:
            validator = schemas.validator(f"wonde/{name}.response")
            assert [error.message for error in validator.iter_errors(response.json())] == []


# Read back.


@each
async def test_each_kind_is_read_back_before_and_after(world, kind):
    record = await record_of(world, kind)
    lookups = await world.lookups()
    sent = await world.take([record], lookups)
    before = await reading_of(world, sent, lookups)

    await world.advance()

    after = await reading_of(world, sent, lookups)
    assert not before.matches
    assert after.matches


@each_create
async def test_what_is_found_has_its_id_and_when_it_came(world, kind):
    lookups = await world.lookups()
    sent = await world.take([await record_of(world, kind)], lookups)
    await world.advance()

    (thing,) = (await reading_of(world, sent, lookups)).found

    (made,) = await in_the_mis(world, kind)
    assert thing.mis_id == id_of(made)
    if (world.name, kind) == ("xporter", "detention.create"):  # its tables tell no time (9320-9331)
        assert thing.created_at is None
    else:
        assert thing.created_at is not None
        assert thing.created_at >= sent.sent_at


@each_create
async def test_two_that_look_the_same_are_both_found(world, kind):
    lookups = await world.lookups()
    record = await record_of(world, kind)
    for _ in range(2):
        sent = await world.take([record], lookups)
        await world.advance()

    reading = await reading_of(world, sent, lookups)

    assert {thing.mis_id for thing in reading.found} == {id_of(row) for row in await in_the_mis(world, kind)}
    assert len(reading.found) == 2


@each_create
async def test_what_is_of_another_day_is_not_found(world, kind):
    lookups = await world.lookups()
    record = await record_of(world, kind)
    await world.take([record], lookups)
    await world.advance()
    field = "date" if hasattr(record, "date") else "start_at"
    shift = {field: getattr(record, field) + timedelta(days=1)}
    tomorrow = record.model_copy(update=shift)
    later = replace(await world.take([record], lookups), records=[tomorrow])

    reading = await reading_of(world, later, lookups)
    assert (reading.matches, reading.found) == (False, ())
    assert reading.near  # the office may have moved it to another day


@each
async def test_an_answer_that_never_came_is_settled_by_reading(world, kind):
    lookups = await world.lookups()
    record = await record_of(world, kind)
    method = world.build([record], lookups).method
    await world.order("faults", kind="reset_after", method=method, times=1)
    sent_at = world.clock.now()

    outcome = await world.send([record], lookups)
    await world.advance()

    assert isinstance(outcome, Uncertain)
    sent = SentRequest(world.request_id, KINDS[kind], [record], None, sent_at)
    assert (await reading_of(world, sent, lookups)).matches


# Refused and blocked.


@pytest.mark.parametrize(("world", "kind"), NAMING, indirect=["world"])
async def test_a_pupil_or_employee_whom_nobody_knows_is_named(world, kind):
    lookups = await world.lookups()
    record = await record_of(world, kind)
    stranger = "A1" if world.name == "wonde" else "1"
    if hasattr(record, "students"):
        pupils = [*record.students[:-1], record.students[-1].model_copy(update={"student_id": stranger})]
        pointer = f"/students/{len(pupils) - 1}/student_id"
        record = record.model_copy(update={"students": pupils})
    else:
        field = "student_id" if hasattr(record, "student_id") else "employee_id"
        pointer = f"/{field}"
        record = record.model_copy(update={field: stranger})

    refused = await world.send([record], lookups)

    assert isinstance(refused, Refused)
    code = "employee_unknown" if pointer == "/employee_id" else "student_not_on_roll"
    assert [(one.code, one.pointer) for one in refused.findings[0]] == [(code, pointer)]


@each_target
async def test_what_is_gone_already_is_refused_and_holds_nobody(world, kind):
    lookups = await world.lookups()
    record = await record_of(world, kind)
    family = SENT[world.name][kind]
    (there,) = await in_the_mis(world, kind)
    await world.order(f"schools/{{school}}/{family}", delete=[there["id"]])

    refused = await world.send([record], lookups)
    if isinstance(refused, Taken):  # Xporter leaves it to the MIS
        await world.advance()
        refused = await world.check(
            SentRequest(world.request_id, KINDS[kind], [record], refused.provider_ref, world.clock.now())
        )

    assert isinstance(refused, Refused if world.name == "wonde" else Rejected)
    if world.name == "wonde":
        assert [one.code for one in refused.findings[0]] == ["record_not_found"]


@each
async def test_a_missing_scope_blocks(world, kind):
    lookups = await world.lookups()
    record = await record_of(world, kind)
    await world.change(grants=[])

    outcome = await world.send([record], lookups)

    assert isinstance(outcome, Blocked)
    assert outcome.reason is HoldReason.SCOPE_MISSING


@pytest.mark.parametrize(
    ("world", "kind", "changes", "pointer"),
    [
        ("wonde", "achievement.create", {"list": "achievement", "type": "type", "code": "NYPA"}, "/type"),
        ("wonde", "behaviour.create", {"list": "behaviour", "type": "location", "code": "CORR"}, "/location"),
        ("wonde", "behaviour.create", {"list": "behaviour", "type": "role", "code": "TA"}, "/students/1/role"),
        ("wonde", "student_absence.create", {"list": "student_absence", "type": "reason", "code": "DEN"}, "/reason"),
        (
            "wonde",
            "employee_absence.create",
            {"list": "employee_absence", "type": "pay_rate", "code": "F"},
            "/pay_rate",
        ),
        ("xporter", "achievement.create", {"list": "achievement", "type": "activity", "code": "RE"}, "/activity"),
        ("xporter", "behaviour.create", {"list": "behaviour", "type": "location", "code": "CORR"}, "/location"),
        ("xporter", "behaviour.create", {"list": "behaviour", "type": "role", "code": "TA"}, "/students/1/role"),
        (
            "xporter",
            "detention.create",
            {"list": "detention", "type": "attendance", "code": "NOR"},
            "/students/0/attendance /students/1/attendance",
        ),
    ],
    indirect=["world"],
)
async def test_a_choice_that_the_school_withdrew_meanwhile_is_named(world, kind, changes, pointer):
    lookups = await world.lookups()
    await world.change(deactivate_attribute=changes)

    refused = await world.send([await record_of(world, kind)], lookups)

    assert isinstance(refused, Refused)
    assert [one.pointer for one in refused.findings[0]] == pointer.split()
    assert refused.findings[0][0].code.endswith("_unknown")


# What Wonde does not document an answer for.

UNNAMED = [
    ("wonde", kind)
    for kind in (
        "achievement.create",
        "achievement.delete",
        "behaviour.create",
        "behaviour.delete",
        "employee_absence.delete",
    )
]


@pytest.mark.parametrize(("world", "kind"), UNNAMED, indirect=["world"])
async def test_without_a_writeback_id_only_the_mis_can_tell(world, kind):
    await world.change(names_conduct_writebacks=False)
    lookups = await world.lookups()

    sent = await world.take([await record_of(world, kind)], lookups)

    assert sent.provider_ref is None
    assert isinstance(await world.check(sent, with_hints=False), Unclear)
    await world.advance()
    assert (await reading_of(world, sent, lookups)).matches


# Lists of attributes, and of schools.


@pytest.mark.parametrize("world", ["wonde"], indirect=True)
@pytest.mark.parametrize("name", sorted(ATTRIBUTE_LISTS))
async def test_attributes_are_those_of_the_school(world, name):
    change = await world.provider.fetch(world.account, name, None, world.window)

    answer = (await world.ask("schools/{school}/attributes", list=name.removesuffix("_attributes")))["attributes"]
    codes = {(row["type"], row["code"]): row["active"] for row in answer if row["type"] not in ("staff_role", "reason")}
    fetched = {(row["type"], row["code"]): row["active"] for row in change.rows.values()}
    if name == "detention_attributes":  # which of them are inactive Wonde does not list
        assert {key for key, active in codes.items() if active} - {("activity", "HOM"), ("activity", "REF")} <= set(
            fetched
        )
    else:
        reasons = {(row["type"], row["code"]): row["active"] for row in answer if row["type"] == "reason"}
        assert fetched == codes | reasons


@pytest.mark.parametrize("world", ["wonde"], indirect=True)
@pytest.mark.parametrize("name", sorted(ATTRIBUTE_LISTS))
async def test_attributes_that_are_not_granted_hold_no_school(world, name):
    await world.change(grants=[])

    with pytest.raises(LookupFailed) as caught:
        await world.provider.fetch(world.account, name, None, world.window)

    assert caught.value.outcome is None


@pytest.mark.parametrize("world", ["wonde"], indirect=True)
async def test_a_school_is_listed_in_its_state(world):
    assert isinstance(world.provider, ListsSchools)
    token, school_id = world.account.credentials["token"], world.account.provider_school_id

    async def listed(state):
        found = await world.provider.schools(token, world.account.base_url, state)
        return {one.provider_school_id: one for one in found}

    (approved,) = (await listed("approved")).values()
    assert (approved.provider_school_id, approved.mis, approved.base_url) == (
        school_id,
        world.account.mis,
        world.account.base_url,
    )
    assert await listed("offline") == {}
    await world.change(online=False)
    assert set(await listed("offline")) == {school_id}
    await world.change(access="revoked")
    assert await listed("approved") == {}
    assert set(await listed("revoked")) == {school_id}
