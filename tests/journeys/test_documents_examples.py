"""The examples of both providers' documents, adapted in their ids alone, through the whole service: accepted, sent as
the document has them, confirmed.
"""

from collections.abc import AsyncIterator, Callable
from copy import deepcopy
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio

from tests.journeys.documents import WONDE, Adapter, Body, Pools, example, xporter_records
from tests.journeys.house import Call, House, School, running_house
from writeback.core.clock import SystemClock
from writeback.domain.kinds import KINDS

pytestmark = [
    pytest.mark.slow,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.filterwarnings("ignore:Call to deprecated close:DeprecationWarning"),  # arq's, of redis
]

_PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def _as_it_is(body: Body) -> Body:
    return body


def _of_two_pupils(body: Body) -> Body:
    """The document's two absences are the same in everything; the second is another pupil's here (Wonde 8466-8482)."""
    body["absence"][1]["student_id"] = "another pupil"
    return body


def _at_midnight(body: Body) -> Body:
    """A day alone is its first minute (Wonde 5325)."""
    body["employee_absence"][1]["start_at"] += " 00:00:00"
    return body


def _in_the_afternoon(body: Body) -> Body:
    """The document's row has the mark of an afternoon with a morning (Xporter 14080-14081)."""
    body["Marks"][0]["Session"] = "PM"
    return body


def _with_a_whole_file(body: Body) -> Body:
    """The document's file is cut off (Xporter 14227)."""
    body["MediaFiles"][0]["MediaBase64"] = _PNG
    return body


@dataclass(frozen=True)
class Case:
    """An example, and what besides ids has to be another here."""

    kind: str
    file: str
    changed: Callable[[Body], Body] = _as_it_is
    mis: str = "SIMS"

    @property
    def provider(self) -> str:
        return self.file.partition("/")[0]

    @property
    def school(self) -> str:
        return f"{self.mis} through {self.provider}"

    def __str__(self) -> str:
        return f"{self.kind}-{self.file}"


def _wonde(kind: str, place: str, *names: str, changed: Callable[[Body], Body] = _as_it_is) -> list[Case]:
    return [Case(kind, f"wonde/{place}.request/accepts/{name}.json", changed) for name in names]


def _xporter(
    kind: str, place: str, name: str, changed: Callable[[Body], Body] = _as_it_is, mis: str = "SIMS"
) -> Case:
    return Case(kind, f"xporter/{place}.request/accepts/{name}.json", changed, mis)


BOTH = ("document_curl", "document_request_body")
CASES = [
    *_wonde("attendance.session", "attendance-session", *BOTH),
    *_wonde("attendance.lesson", "attendance-lesson", *BOTH),
    *_wonde("achievement.create", "achievement", *BOTH),
    *_wonde("behaviour.create", "behaviour", "document_request_body"),
    *_wonde("detention.create", "detention", *BOTH),
    *_wonde("detention_attendance.set", "detention-attendance", *BOTH),
    *_wonde("student_absence.create", "student-absence", "document_curl"),
    *_wonde(
        "student_absence.create",
        "student-absence",
        "document_request_body_without_its_trailing_comma",
        changed=_of_two_pupils,
    ),
    *_wonde("employee_absence.create", "employee-absence", "document_curl_without_its_slip"),
    *_wonde("employee_absence.create", "employee-absence", "document_request_body", changed=_at_midnight),
    *_wonde("employee_absence.update", "employee-absence-update", *BOTH),
    _xporter("attendance.session", "attendance", "document_session", _in_the_afternoon),
    _xporter("attendance.lesson", "attendance", "document_lesson"),
    _xporter("achievement.create", "conduct", "document_fields", _with_a_whole_file),
    _xporter("achievement.update", "conduct", "document_update"),
    _xporter("achievement.update", "conduct", "document_removal"),
    _xporter("behaviour.create", "conduct", "several_incidents"),
    _xporter("behaviour.update", "conduct", "bromcom_ids", mis="Bromcom"),
    _xporter("detention.create", "detention", "document_fields"),
    _xporter("detention.update", "detention", "update"),
    _xporter("detention.update", "detention", "removal"),
]
"""Those that a document prints as they are, and for Xporter those made of the fields that its tables list."""
REMOVALS = {
    "achievement.delete": "achievements/{achievement}",
    "behaviour.delete": "behaviours/{behaviour}",
    "detention.delete": "detentions/{detention}",
    "detention_attendance.delete": "attendance/detention/{detention}/attendee/{student}",
    "employee_absence.delete": "employee-absences/{absence}",
}
"""What Wonde's document removes by a path alone (1374, 2817, 3897, 4175, 5424)."""

_WONDE_SORTS = {
    "achievement": {"award": "outcome", "type": "type", "activity_type": "activity"},
    "behaviour": {
        **{name: name for name in ("role", "status", "type", "bullying_type", "location", "time")},
        "action": "outcome",
        "activity_type": "activity",
    },
    "student_absence": {"absence_type": "type", "reason": "reason"},
    "employee_absence": {
        "absence_type": "type",
        "illness_category": "illness_category",
        "authorised_pay_rate": "pay_rate",
    },
}
_XPORTER_SORTS = {
    "TypeId": "type",
    "ActivityId": "activity",
    "StatusId": "status",
    "BullTypeId": "bullying_type",
    "LocationId": "location",
    "EntryTimeId": "time",
    "OutcomeId": "outcome",
    "RoleId": "role",
    "StaffRoleId": "staff_role",
}


def _sorts(provider: str, kind: str) -> dict[str, str]:
    """Return the fields whose ids are those of an attribute of this kind."""
    subject = kind.partition(".")[0]
    if subject.startswith("detention"):
        return {"LocationId": "room"}
    names = _WONDE_SORTS.get(subject, {}) if provider == "wonde" else _XPORTER_SORTS
    return {name: f"{subject}.{type_}" for name, type_ in names.items()}


WONDE_SCHOOL, XPORTER_SCHOOL = "SIMS through wonde", "SIMS through xporter"
SCHOOLS = {WONDE_SCHOOL: ("wonde", "SIMS"), XPORTER_SCHOOL: ("xporter", "SIMS")}
SCHOOLS["Bromcom through xporter"] = ("xporter", "Bromcom")


class Town:
    """The schools by name, and what there is in them."""

    def __init__(self, house: House, schools: dict[str, School]) -> None:
        self.house, self.schools = house, schools

    async def adapter(self, name: str, kind: str) -> Adapter:
        codes = {
            sort: {code.upper(): row_id for code, row_id in rows}
            for sort, rows in (await self._attributes(name)).items()
        }
        # Through Xporter a choice is given by its LocalId: what looks like one of the document's is no code of ours.
        provider = self.schools[name].provider
        return Adapter(await self.pools(name, kind), _sorts(provider, kind), codes if provider == "wonde" else {})

    async def pools(self, name: str, kind: str) -> Pools:
        school = self.schools[name]
        path = f"schools/{school.provider_id}"
        monday = SystemClock().now().date() - timedelta(days=SystemClock().now().weekday())
        lessons = (await self.house.ask(f"{path}/lessons", date=monday.isoformat()))["lessons"]
        codes = {row["code"]: row["id"] for row in (await self.house.ask(f"{path}/codes"))["codes"]}
        types = (await self.house.ask(f"{path}/detention-types"))["detention_types"]
        rooms = (await self.house.ask(f"{path}/rooms"))["rooms"]
        attributes = await self._attributes(name)
        target = await self.there_already(name, kind)
        return {
            "student": school.pupils,
            "employee": school.staff,
            "lesson": [row["lesson_id"] for row in lessons],
            "code": [codes["/"], codes["\\"]],
            "room": [row["id"] for row in rooms],
            "detention.type": [row["id"] for row in types if row["active"]],
            "behaviour": [await self._made(name, "behaviours") for _ in range(2)],
            "detention": [target],
            "update": [target],
            **{sort: [row_id for _, row_id in rows] for sort, rows in attributes.items()},
        }

    async def there_already(self, name: str, kind: str) -> str:
        """Return the id of something that the office has made for a kind to change or remove."""
        subject = kind.partition(".")[0]
        family = {"employee_absence": "employee-absences", "achievement": "achievements", "behaviour": "behaviours"}
        return await self._made(name, family.get(subject, "detentions"))

    async def _made(self, name: str, family: str) -> str:
        school = self.schools[name]
        day = "2018-01-29"
        pupils = [{"student_id": pupil, "points": 1} for pupil in school.pupils[:2]]
        given: Body = {"employee_id": school.staff[0], "date": day, "students": pupils}
        match family:
            case "achievements":
                given |= {"type": "NYPA"}
            case "behaviours":
                given |= {"type": "BULL", "status": "REV2"}
            case "employee-absences":
                spoken = {"type": "SIC", "pay_rate": "F", "working_days": "1", "hours": "8"}
                given = {"employee_id": school.staff[0], "start_at": f"{day} 08:00:00", "end_at": f"{day} 17:00:00"}
                given |= spoken
            case _:
                path = f"schools/{school.provider_id}"
                kind = (await self.house.ask(f"{path}/detention-types"))["detention_types"][0]
                given = {"type": kind["id"], "location": kind["location"], "date": day}
                given |= {"start_time": "12:30", "end_time": "13:00", "staff_ids": school.staff[:1]}
                given["students"] = [{"student_id": pupil, "attendance": "NOR"} for pupil in school.pupils[:2]]
        made = await self.house.order(f"schools/{school.provider_id}/{family}", create=[given])
        found: str = made[family][0]["id"]
        return found

    async def _attributes(self, name: str) -> dict[str, list[tuple[str, str]]]:
        path = f"schools/{self.schools[name].provider_id}/attributes"
        found: dict[str, list[tuple[str, str]]] = {}
        for row in (await self.house.ask(path))["attributes"]:
            if row["active"]:
                found.setdefault(f"{row['list']}.{row['type']}", []).append((row["code"], row["id"]))
        return found

    async def through(self, name: str, kind: str, records: list[Body]) -> Call:
        """Submit, wait for it to be confirmed, and return the one call by which it went."""
        before = len(self.house.calls)
        school = self.schools[name]

        shown = await self.house.end_of(await self.house.submit(school, kind, records))

        assert shown["status"] == "confirmed", shown
        sent = [call for call in self.house.calls[before:] if "GetToken" not in call.path]
        assert len(sent) == 1, sent
        return sent[0]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Town]:
    async with running_house(tmp_path_factory.mktemp("house")) as house:
        yield Town(house, {name: await house.open_school(*what) for name, what in SCHOOLS.items()})


def _without_callback(body: Body) -> Body:
    return {name: value for name, value in body.items() if name != "Callback"}


@pytest.mark.parametrize("case", [case for case in CASES if case.provider == "wonde"], ids=str)
async def test_wondes_example_is_sent_as_it_stands_and_confirmed(case: Case, town: Town) -> None:
    body = case.changed(deepcopy(example(case.file)))
    adapter = await town.adapter(case.school, case.kind)
    records = WONDE[case.kind](adapter.submitted(body))
    if case.kind == "employee_absence.update":
        records[0]["absence_id"] = await town.there_already(case.school, case.kind)

    call = await town.through(case.school, case.kind, records)

    assert _without_nulls(call.body) == adapter.sent(body)


def _without_nulls(node: Any) -> Any:
    if isinstance(node, list):
        return [_without_nulls(item) for item in node]
    if isinstance(node, dict):
        return {name: _without_nulls(value) for name, value in node.items() if value is not None}
    return node


@pytest.mark.parametrize("kind", REMOVALS)
async def test_what_wonde_removes_is_removed_and_confirmed(kind: str, town: Town) -> None:
    target, pupil = await town.there_already(WONDE_SCHOOL, kind), town.schools[WONDE_SCHOOL].pupils[0]
    subject = kind.partition(".")[0].rpartition("_")[2] if "detention" not in kind else "detention"
    record = {f"{subject}_id": target, **({"student_id": pupil} if "attendance" in kind else {})}

    call = await town.through(WONDE_SCHOOL, kind, [record])

    path = REMOVALS[kind].format_map({subject: target, "student": pupil})
    assert (call.method, call.path, call.body) == (
        "DELETE",
        f"/v1.0/schools/{town.schools[WONDE_SCHOOL].provider_id}/{path}",
        None,
    )


@pytest.mark.parametrize("case", [case for case in CASES if case.provider == "xporter"], ids=str)
async def test_xporters_example_is_sent_as_it_stands_and_confirmed(case: Case, town: Town) -> None:
    body = case.changed(_without_callback(example(case.file)))
    adapter = await town.adapter(case.school, case.kind)
    records, expected = xporter_records(case.kind, adapter.submitted(body)), adapter.sent(body)
    if case.kind == "attendance.lesson":  # its day is that of the school's own lesson
        del records[0]["date"], expected["Marks"][0]["Date"]

    call = await town.through(case.school, case.kind, records)

    sent = _without_callback(call.body)
    if case.kind == "attendance.lesson":
        del sent["Marks"][0]["Date"]
    assert sent == expected
    assert call.body["Callback"]["Method"] == "POST"


@pytest.mark.parametrize("minus", ["", "-"])
async def test_a_pupils_entry_goes_to_xporter_as_a_change_of_the_detention(minus: str, town: Town) -> None:
    kind = "detention_attendance.delete" if minus else "detention_attendance.set"
    shown = {} if minus else {"AttendedId": "1", "Comments": "Biology homework"}
    body = {
        "Detentions": [{"Id": 1, "UpdateId": 3467}],
        "DetentionStudents": [{"DetentionId": 1, "StudentId": f"{minus}9919", **shown}],
    }
    adapter = await town.adapter(XPORTER_SCHOOL, kind)

    call = await town.through(XPORTER_SCHOOL, kind, xporter_records(kind, adapter.submitted(body)))

    assert _without_callback(call.body) == adapter.sent(body)


async def test_every_kind_is_here_for_each_provider_that_takes_it(town: Town) -> None:
    features = await town.house.ask_api("GET", "/v1/features")
    taken = {
        (row["provider"], kind)
        for row in features["items"]
        for kind, rule in row["kinds"].items()
        if rule["supported"] and kind in KINDS
    }

    sent = {(case.provider, case.kind) for case in CASES} | {("wonde", kind) for kind in REMOVALS}
    sent |= {("xporter", f"detention_attendance.{action}") for action in ("set", "delete")}

    assert sent == taken
