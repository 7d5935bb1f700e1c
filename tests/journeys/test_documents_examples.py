"""The examples of both providers' documents, adapted in their ids alone, through the whole service: accepted, sent as
the document has them, confirmed.
"""

from collections.abc import AsyncIterator, Callable
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio

from tests.journeys.documents import WONDE, Body, example, xporter_records
from tests.journeys.house import running_house
from tests.journeys.town import SCHOOLS, WONDE_SCHOOL, XPORTER_SCHOOL, Town
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


def _xporter(kind: str, place: str, name: str, changed: Callable[[Body], Body] = _as_it_is, mis: str = "SIMS") -> Case:
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
