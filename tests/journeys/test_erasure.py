"""A pupil goes through every door of the running service, is erased over the API, and nothing of them is left: in no
table, no dump and not in Redis; while pages and calls about what they were part of still answer."""

import asyncio
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import redis.asyncio
from openpyxl import Workbook

from tests.integration.flow.data_subjects.test_erase import everything, left_of
from tests.journeys.house import PATIENCE_S, House, School, running_house
from tests.receiver import running_receiver
from writeback.store.sql.database import Database

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:Call to deprecated close:DeprecationWarning"),  # arq's, of redis
]
NAME = "Zyxwvia Quillfeather"
DAY = "2026-01-12"
REASON = {"names": [NAME], "reason": "request 17"}
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


async def _marks(house: House, school: School, pupil: str, other: str) -> str:
    mark = {"date": DAY, "session": "AM", "code": "/", "employee_id": school.staff[0]}
    records = [
        {**mark, "student_id": pupil, "comment": f"{NAME} was here", "ref": f"mark of {pupil}"},
        {**mark, "student_id": other, "comment": f"sat beside {NAME}"},
        {**mark, "student_id": pupil, "session": "PM", "code": "?!"},
    ]
    body = {"kind": "attendance.session", "records": records, "on_invalid": "skip", "ref": f"Register with {NAME}"}
    answer = await house.api.post(
        f"/v1/schools/{school.id}/writebacks", json=body, headers={"Idempotency-Key": f"register of {pupil}"}
    )
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


async def _incident(house: House, school: School, *pupils: str) -> str:
    features = await house.ask_api("GET", f"/v1/schools/{school.id}/lookups/behaviour_attributes")
    types = [row["id"] for row in features["items"] if row["type"] == "type"]
    record = {
        "students": [{"student_id": one, "points": 1} for one in pupils],
        "employee_id": school.staff[0],
        "date": DAY,
        "type": types[0],
        "status": "REV2",
        "activity": "RE",
        "comment": f"{NAME} and others" if len(pupils) > 1 else "alone",
    }
    return await house.submit(school, "behaviour.create", [record])


async def _files(house: House, school: School, pupil: str, other: str) -> list[str]:
    rows = [
        ["Pupil ID", "Date", "Session", "Mark", "Staff ID", "Comment", "Name"],
        [pupil, "2026-01-13", "AM", "/", school.staff[0], "", NAME],
        [pupil, "2026-01-13", "PM", "?!", school.staff[0], f"about {NAME}", NAME],
        [other, "2026-01-13", "PM", "?!", school.staff[0], "about nobody", "Somebody Else"],
    ]
    book = Workbook()
    for row in rows:
        book.active.append(row)
    file = io.BytesIO()
    book.save(file)
    contents = {"text/csv": "\n".join(map(",".join, rows)).encode(), _XLSX: file.getvalue()}
    made = []
    for media_type, content in contents.items():
        answer = await house.api.post(
            f"/v1/schools/{school.id}/batches",
            params={"kind": "attendance.session"},
            content=content,
            headers={"Content-Type": media_type, "X-Filename": f"{NAME}.csv".replace(" ", "%20")},
        )
        assert answer.status_code == 202, answer.text
        made.append(str(answer.json()["id"]))
    return made


async def _until(house: House, path: str, is_so: Callable[[Any], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while True:
            if is_so(await house.ask_api("GET", path)):
                return
            await asyncio.sleep(0.1)


async def _erase(house: House, school: School, pupil: str) -> dict[str, Any]:
    """Erase until nothing is on its way, as somebody does who is told what waits."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            body = {"student_id": pupil, **REASON}
            done: dict[str, Any] = await house.ask_api("POST", f"/v1/schools/{school.id}/people/erase", body)
            if done["is_complete"]:
                return done
            await asyncio.sleep(0.3)


async def _in_redis(url: str) -> str:
    found = []
    async with redis.asyncio.Redis.from_url(url) as client:
        async for key in client.scan_iter():
            found.append(repr((key, await client.dump(key))))
    return "\n".join(found)


async def test_nothing_is_left_of_a_pupil_who_came_through_every_door(
    tmp_path: Path, database_url: str, redis_url: str
) -> None:
    settings: dict[str, Any] = {
        "database_url": database_url,
        "redis_url": redis_url,
        "webhooks": {"allow_http": True, "allow_private_addresses": True},
    }
    async with running_receiver() as receiver, running_house(tmp_path, **settings) as house:
        receiver.always = 500  # what is to be delivered waits
        school = await house.open_school("wonde", "Bromcom")
        pupil, other, *_ = school.pupils
        assert (await house.api.post("/v1/webhooks", json={"url": receiver.url})).is_success
        marks = await _marks(house, school, pupil, other)
        both, alone = await _incident(house, school, pupil, other), await _incident(house, school, pupil)
        batches = await _files(house, school, pupil, other)
        for one in (marks, both, alone):
            await house.end_of(one)
        for batch in batches:
            await _until(house, f"/v1/batches/{batch}", lambda shown: shown["status"] in ("done", "refused"))
        await _until(house, f"/v1/writebacks?q={pupil}", lambda shown: len(shown["items"]) > 2)
        db, traces = Database.open(database_url), (pupil, pupil.lower(), "Quillfeather", "quillfeather")
        wanted = {"writeback", "batch_row", "delivery", "search_term", "idempotency", "lookup", "request"}
        async with asyncio.timeout(PATIENCE_S):
            while True:
                if wanted <= {name for name, _ in left_of(await everything(db), traces)}:
                    break
                await asyncio.sleep(0.1)

        exported = await house.ask_api(
            "POST", f"/v1/schools/{school.id}/people/export", {"student_id": pupil, **REASON}
        )
        await _erase(house, school, pupil)

        assert f"{NAME} was here" in json.dumps(exported)
        assert other not in json.dumps(exported)
        assert left_of(await everything(db), traces) == []
        await db.dispose()
        assert [one for one in traces if one in await _in_redis(redis_url)] == []
        await _still_answers(house, marks, both, batches, other)
        assert (await house.ask_api("GET", f"/v1/writebacks?student={pupil}"))["items"] == []
        mark = {"student_id": pupil, "date": "2026-01-14", "session": "AM", "code": "/", "employee_id": school.staff[0]}
        await house.submit(school, "attendance.session", [mark])  # the school has them on roll still


async def _still_answers(house: House, marks: str, both: str, batches: list[str], other: str) -> None:
    shown = await house.ask_api("GET", f"/v1/writebacks/{marks}")
    first, second, third = shown["records"]
    assert (first["record"], first["erased"], first["status"]) == (None, True, "confirmed")
    assert (second["record"]["student_id"], second["record"]["comment"]) == (other, "[erased]")
    assert (third["erased"], third["findings"][0]["message"]) == (True, "[erased]")
    incident = (await house.ask_api("GET", f"/v1/writebacks/{both}"))["records"][0]["record"]
    assert [one["student_id"] for one in incident["students"]] == ["[erased]", other]
    for batch in batches:
        shown = await house.ask_api("GET", f"/v1/batches/{batch}")
        assert shown["rows"]["read"] == 3
        answer: httpx.Response = await house.api.get(shown["errors"])
        assert answer.status_code == 200, answer.text
    assert "about nobody" in (await house.api.get(f"/v1/batches/{batches[0]}/errors.csv")).text
    assert (await house.ask_api("GET", "/v1/audit?action=person."))["items"]
