"""One person over HTTP: given out and erased by administrators of the school alone, with a reason that is kept."""

import io
import json
import zipfile
from typing import Any

import pytest
from sqlmodel import Session, select

from writeback.domain.access import Scope
from writeback.store.tables import AuditRow, WritebackRow

PUPIL = {"student_id": "A1930499544", "reason": "request 17"}
EXPORT, ERASE = "/v1/schools/hillside/people/export", "/v1/schools/hillside/people/erase"


@pytest.fixture
async def admin(api: Any) -> str:
    """The key of an administrator, beside a school that has a mark of the pupil."""
    await api.add_school()

    def mark(session: Session) -> None:
        now = api.services.clock.now()
        session.add(
            WritebackRow(
                id="wb_1", app_id="registers", school_id="hillside", lane_id="hillside:session-marks",
                kind="attendance.session", status="confirmed", created_at=now, updated_at=now,
                records=json.dumps([{"student_id": PUPIL["student_id"], "comment": "unwell"}]),
                progress='[{"status":"confirmed"}]',
            )
        )  # fmt: skip

    await api.database.transact(mark)
    key: str = await api.key("admin")
    return key


async def test_an_export_says_what_is_kept(api: Any, admin: str) -> None:
    response = await api.call("POST", EXPORT, admin, json=PUPIL)

    assert response.status_code == 200, response.text
    (place,) = response.json()["places"]
    assert place["table"] == "writeback"
    assert place["items"][0]["records"][0]["says"]["comment"] == "unwell"


async def test_an_export_comes_as_an_archive_too(api: Any, admin: str) -> None:
    response = await api.call("POST", EXPORT, admin, json={**PUPIL, "format": "zip"})

    assert response.headers["content-type"] == "application/zip"
    assert response.headers["cache-control"] == "no-store"
    with zipfile.ZipFile(io.BytesIO(response.content)) as archive:
        assert sorted(archive.namelist()) == ["export.html", "export.json"]
        assert b"unwell" in archive.read("export.html")


async def test_what_is_erased_is_shown_as_erased(api: Any, admin: str) -> None:
    response = await api.call("POST", ERASE, admin, json=PUPIL)

    assert response.status_code == 200, response.text
    done = response.json()
    assert (done["is_complete"], done["rows"], done["waiting"]) == (True, {"writeback": 1}, [])
    (record,) = (await api.call("GET", "/v1/writebacks/wb_1", admin)).json()["records"]
    assert (record["record"], record["erased"], record["status"]) == (None, True, "confirmed")
    async with api.database.read() as session:
        rows = (await session.exec(select(AuditRow).where(AuditRow.action == "person.erase"))).all()
    assert [row.reason for row in rows] == ["request 17"]


async def test_who_is_no_administrator_of_the_school_may_not(api: Any, admin: str, is_problem: Any) -> None:
    await api.add_school("riverbank")
    support, elsewhere = await api.key("support", "read"), await api.key("admin", schools=["riverbank"])
    limited = (await api.services.keys.create("Marks", "", [Scope.ADMIN], kinds=["session-marks"])).key

    for path in (EXPORT, ERASE):
        is_problem(await api.call("POST", path, limited, json=PUPIL), 403, "key_lacks_kind")
        is_problem(await api.call("POST", path, support, json=PUPIL), 403, "key_lacks_scope")
        is_problem(await api.call("POST", path, elsewhere, json=PUPIL), 403, "school_not_allowed")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"reason": "request 17"}, "person_unclear"),
        ({**PUPIL, "employee_id": "E1"}, "person_unclear"),
        ({**PUPIL, "reason": "A1930499544 has left"}, "reason_names_person"),
        ({**PUPIL, "names": ["Ada Lovelace"], "reason": "Lovelace, Ada"}, "reason_names_person"),
    ],
)
async def test_a_call_that_is_unclear_or_would_keep_the_name_is_refused(
    api: Any, admin: str, is_problem: Any, body: Any, code: str
) -> None:
    is_problem(await api.call("POST", ERASE, admin, json=body), 400, code)


async def test_a_school_and_an_app_are_removed_with_what_went(api: Any, admin: str, is_problem: Any) -> None:
    left = await api.call("POST", "/v1/schools/hillside/remove", admin, json={"reason": "contract ended"})

    assert left.status_code == 200, left.text
    assert (left.json()["rows"]["writeback"], left.json()["rows"]["school"]) == (1, 1)
    is_problem(await api.call("GET", "/v1/schools/hillside", admin), 404, "school_unknown")
    await api.key("read", app="Old app")
    gone = await api.call("POST", "/v1/apps/old-app/remove", admin, json={"reason": "contract ended"})
    assert gone.json()["rows"] == {"api_key": 1, "app": 1}


async def test_an_app_is_removed_by_those_alone_who_may_make_keys(api: Any, admin: str, is_problem: Any) -> None:
    limited = await api.key("admin", schools=["hillside"])

    answer = await api.call("POST", "/v1/apps/registers/remove", limited, json={"reason": "contract ended"})

    is_problem(answer, 403, "school_not_allowed")
