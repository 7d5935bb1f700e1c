"""What goes to and fro is as the schemas say, on both sides: they were written from the documents, by hand."""

import json

import schemas

# By provider: method and end of the path → schema of the answer. The first that fits counts.
ANSWERS = {
    "wonde": [
        ("POST", "/attendance/session", "writeback.response"),
        ("POST", "/attendance/lesson", "writeback.response"),
        ("GET", "/attendance/session", "session-marks.response"),
        ("GET", "/attendance/lesson", "lesson-marks.response"),
        ("GET", "/students", "people.response"),
        ("GET", "/employees", "people.response"),
        ("GET", "/attendance-codes", "attendance-codes.response"),
        ("GET", "/lessons", "lessons.response"),
        ("GET", "/deletions", "deletions.response"),
        ("GET", "/writebacks/", "writeback-status.response"),
        ("GET", "/meta/schools/A1329183001", "school-meta.response"),
        ("GET", "/meta/schools/A1329183001/permissions", "permissions.response"),
        ("GET", "/achievements/attributes", "achievement-attributes.response"),
        ("GET", "/behaviours/attributes", "behaviour-attributes.response"),
        ("GET", "/attendance/absence/attributes", "student-absence-attributes.response"),
        ("GET", "/employee-absences/attributes", "employee-absence-attributes.response"),
        ("GET", "/detention-types", "detention-types.response"),
        ("GET", "/detention-attendance-codes", "detention-attendance-codes.response"),
        ("GET", "/rooms", "rooms.response"),
        ("GET", "/events", "events.response"),
    ],
    "xporter": [
        ("POST", "/GetToken", "token.response"),
        ("POST", "/AttendanceAsync/", "attendance-async.response"),
        ("GET", "/Students", "students.response"),
        ("GET", "/Staff", "staff.response"),
        ("GET", "/AttendanceCodes", "attendance-codes.response"),
        ("GET", "/Calendar", "school-calendar.response"),
        ("GET", "/Timetable", "timetable.response"),
        ("GET", "/AttendanceForDate", "attendance-for-date.response"),
        ("GET", "/Health", "health.response"),
    ],
}


def schema_of(provider, response):
    """The schema that the answer must match; None where there is none."""
    path = response.url.path
    for method, part, name in ANSWERS[provider]:
        is_it = part in path if part.endswith("/") else path.rstrip("/").endswith(part)
        if response.request.method == method and is_it:
            return f"{provider}/{name}"
    return None


def errors(name, value):
    return [f"{name}: {error.json_path}: {error.message}" for error in schemas.validator(name).iter_errors(value)]


async def live_a_morning(world):
    """Use every call that there is."""
    lookups = await world.lookups()
    for records in (world.register(), await world.lesson_register()):
        sent = await world.take(records, lookups)
        await world.advance()
        await world.check(sent)
        await world.provider.read_back(world.account, sent, lookups)
    cursor = lookups.students.cursor
    await world.change(remove_pupils=[world.pupils[0]])
    await world.provider.fetch(world.account, lookups.students.list, cursor, world.window)
    await world.provider.report(world.account)


async def test_every_answer_is_as_its_schema_says(world):
    await live_a_morning(world)

    seen = set()
    for response in world.answers:
        name = schema_of(world.name, response)
        if name is not None:
            seen.add(name)
            assert errors(name, response.json()) == []
    assert seen == {f"{world.name}/{name}" for _, _, name in ANSWERS[world.name]}


async def test_every_request_is_as_its_schema_says(world):
    await live_a_morning(world)

    wanted = {
        "/attendance/session": "wonde/attendance-session.request",
        "/attendance/lesson": "wonde/attendance-lesson.request",
        "/AttendanceAsync": "xporter/attendance.request",
        "/GetToken": "xporter/token.request",
    }
    posts = [response.request for response in world.answers if response.request.method == "POST"]
    assert posts
    for request in posts:
        name = next(name for part, name in wanted.items() if part in request.url.path)
        assert errors(name, json.loads(request.content)) == []


async def test_every_hook_is_as_its_schema_says(world):
    await live_a_morning(world)

    assert world.ear.heard
    for query, body in world.ear.heard:
        answer = json.loads(body) if world.name == "wonde" else query
        assert errors({"wonde": "wonde/webhook", "xporter": "xporter/callback"}[world.name], answer) == []


async def test_a_refusal_is_as_its_schema_says(world):
    lookups = await world.lookups()
    stranger = "A1" if world.name == "wonde" else "1"
    await world.send(world.register(pupils=[stranger]), lookups)

    schema = {"wonde": "wonde/validation-errors.response", "xporter": "xporter/exception.response"}[world.name]
    assert errors(schema, world.answers[-1].json()) == []
