"""Xporter's writebacks without documented fields (14663-14833), over real HTTP."""

from typing import Any

import httpx
import pytest

BODIES: dict[str, dict[str, Any]] = {
    "EntityAttributes": {"attributes": [{"XID": "PL-9919", "Homework": "done"}]},
    "GDPRfilter": {"add": [{"Id": "PL-9919"}], "remove": [{"Id": "PL-9920"}]},
    "Photos": {"PL-9919": "iVBORw0KGgo="},
    "SeatingPlan": {},
    "TagDefinitions": {"definitions": [{"name": "Minibus"}]},
    "Tags": {"tags": []},
}


@pytest.mark.parametrize("path", ["{name}/{estab}", "{name}", "Writeback/{name}/{estab}/", "writeback/{name}"])
@pytest.mark.parametrize("name", BODIES)
async def test_any_object_is_taken_and_kept_in_the_ledger(
    http: httpx.AsyncClient, control: Any, xporter: Any, name: str, path: str
) -> None:
    url = f"/api/v1/{path.format(name=name, estab=xporter.estab)}"
    answer = (await http.post(url, headers=xporter.headers, json=BODIES[name])).json()
    assert (answer["Message"], answer["ExceptionMessage"]) == ("success", None)
    [entry] = (await control.ledger(path=name))["requests"]
    assert (entry["effect"], entry["school"], entry["body"]) == ("applied", xporter.estab, BODIES[name])


@pytest.mark.parametrize("name", [*BODIES, "UserAsync"])
async def test_what_is_no_object_is_refused(http: httpx.AsyncClient, control: Any, xporter: Any, name: str) -> None:
    url = f"/api/v1/{name}/{xporter.estab}"
    for content in (b"[]", b"{"):
        answer = (await http.post(url, headers=xporter.headers, content=content)).json()
        assert "JSON" in answer["ExceptionMessage"]
    assert [row["body"] for row in (await control.ledger(path=name))["requests"]] == [None, None]


async def test_they_need_a_token(http: httpx.AsyncClient, xporter: Any) -> None:
    assert (await http.post("/api/v1/Tags", json={})).json()["ExceptionMessage"]


async def test_users_are_tracked_and_called_back(control: Any, xporter: Any, receiver: Any) -> None:
    sent = {"Users": [{"XID": "PL-9919", "ADUser": "x"}]}
    answer = await xporter.send("UserAsync", sent)
    assert answer["DataSet"]["trackingid"][0]["errorquery"] == "Writeback.UserAsync_OnError"
    await control.advance()
    [said] = receiver.got
    assert (said["query"]["trackingid"], said["query"]["XodCompleted"]) == (answer["TrackingId"], "True")
    assert said["body"] == {"result": []}
    [entry] = (await control.ledger(ref=answer["TrackingId"]))["requests"]
    assert (entry["records"], entry["body"]["Users"]) == (1, sent["Users"])


async def test_users_wait_for_a_silent_agent(control: Any, xporter: Any, receiver: Any) -> None:
    await control.change(xporter.estab, online=False)
    await xporter.send("UserAsync", {"Users": []})
    await control.advance(seconds=3_700)
    assert receiver.got[0]["query"]["XodCompleted"] == "False"
