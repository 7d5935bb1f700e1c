"""Files in review over HTTP: from the upload to the send, who may, and what is refused."""

from typing import Any

from tests.api.test_batches import MARKS, World
from tests.api.test_batches import world as world

REVIEW = {"kind": "attendance.session", "review": "true"}
UNNAMED = MARKS.replace("Pupil ID", "Who")


async def call(world: World, method: str, path: str, body: Any = None, key: str | None = None) -> Any:
    return await world.api.call(method, path, key or world.key, json=body)


async def test_a_file_is_looked_at_mended_and_sent(world: World) -> None:
    batch = await world.take(params=REVIEW)
    here = f"/v1/batches/{batch['id']}"
    (bad,) = (await world.get(f"{here}/rows?state=bad")).json()["items"]

    mended = (await call(world, "PATCH", f"{here}/rows/{bad['number']}", {"cells": {"D": "/"}})).json()
    late = await call(world, "POST", f"{here}/send", {"version": batch["version"]})
    sent = await call(world, "POST", f"{here}/send", {"version": mended["batch"]["version"]})

    assert (batch["status"], batch["rows"]["good"], batch["rows"]["bad"]) == ("reviewing", 1, 1)
    assert (bad["cells"], bad["findings"][0]["severity"]) == (["A2", "12/01/2026", "AM", "Q9", "E1"], "error")
    assert (mended["rows"][0]["state"], mended["batch"]["rows"]["good"]) == ("good", 2)
    assert (late.status_code, late.json()["code"]) == (409, "batch_changed")
    assert (sent.status_code, sent.json()["status"]) == (200, "queueing")
    await world.runner.run(batch["id"])
    assert (await world.get(here)).json()["rows"]["queued"] == 2
    assert (await call(world, "POST", f"{here}/send")).json()["code"] == "batch_not_in_review"


async def test_columns_are_confirmed_remembered_listed_and_forgotten(world: World, is_problem: Any) -> None:
    batch = await world.take(UNNAMED, params=REVIEW)
    here = f"/v1/batches/{batch['id']}"
    before = (await world.get(f"{here}/review")).json()

    for said, code in (({"field": "who"}, "mapping_invalid"), ({"feild": "student_id"}, "body_invalid")):
        is_problem(await call(world, "PUT", f"{here}/mapping", {"columns": {"A": said}}), 422, code)
    put = await call(world, "PUT", f"{here}/mapping", {"columns": {"A": {"field": "student_id"}}})
    await world.runner.run(batch["id"])
    after = (await world.get(f"{here}/review")).json()
    (saved,) = (await world.get("/v1/schools/hillside/mappings")).json()["items"]
    gone = await call(world, "DELETE", f"/v1/schools/hillside/mappings/{saved['id']}")

    assert (before["is_read"], before["reading"]["missing"]) == (False, ["student_id"])
    assert (put.status_code, put.json()["status"]) == (202, "reading")
    assert (after["is_read"], after["reading"]["columns"][0]["use"]["field"]) == (True, "student_id")
    assert (saved["header"][0], saved["kind"]) == ("Who", "attendance.session")
    assert gone.status_code == 204
    assert (await world.get("/v1/schools/hillside/mappings")).json()["items"] == []


async def test_a_key_that_only_reads_changes_nothing_and_another_app_s_finds_nothing(
    world: World, is_problem: Any
) -> None:
    batch = await world.take(params=REVIEW)
    here = f"/v1/batches/{batch['id']}"
    reader, other = await world.api.key("read"), await world.api.key("read", "submit", app="Other")

    is_problem(await call(world, "POST", f"{here}/send", key=reader), 403, "key_lacks_scope")
    is_problem(await call(world, "PATCH", f"{here}/rows/2", {"left_out": True}, reader), 403, "key_lacks_scope")
    for path in ("review", "rows", "people"):
        is_problem(await world.get(f"{here}/{path}", other), 404, "batch_unknown")
    is_problem(await call(world, "PATCH", f"{here}/rows/2", {"left_out": True}, other), 404, "batch_unknown")
    assert (await world.get(f"{here}/rows", reader)).status_code == 200


async def test_rows_shown_to_another_app_s_key_are_in_the_audit_log(world: World) -> None:
    batch = await world.take(params=REVIEW)
    support = await world.api.key("read", "support", app="Ops")

    await world.get(f"/v1/batches/{batch['id']}/rows", support)

    noted = (await world.api.call("GET", "/v1/audit?action=batch.show", support)).json()["items"]
    assert [one["subject"] for one in noted] == [batch["id"]]
