"""Each kind of fault, over real sockets; and what the ledger says of it."""

import asyncio
import json
import time
from typing import Any

import httpx
import pytest

from writeback.core.network.tls import trusted
from writeback.sandbox.testing import running_sandbox, until

PATH = "/attendance/session"


async def pending_and_last(control: Any) -> tuple[int, dict[str, Any]]:
    """How much is to be written, and the ledger's row of the last request."""
    done = (await control.advance())["done"]
    return done, (await control.ledger(path=PATH, method="post"))["requests"][-1]


async def test_latency_delays_the_answer(control: Any, wonde: Any) -> None:
    await control.fault("latency", seconds=0.3, path=PATH)
    started = time.monotonic()
    assert (await wonde.post("session", wonde.session_mark())).status_code == 200
    assert time.monotonic() - started >= 0.3
    assert (await pending_and_last(control))[0] == 1


async def test_latency_after_the_effect_lets_the_client_give_up_on_what_was_taken(control: Any, wonde: Any) -> None:
    await control.fault("latency", seconds=1, path=PATH, after_effect=True)
    with pytest.raises(httpx.ReadTimeout):
        await wonde.http.post(
            f"/v1.0/schools/{wonde.id}/attendance/session",
            headers=wonde.headers,
            json={"attendance": [wonde.session_mark()]},
            timeout=0.3,
        )
    assert (await pending_and_last(control))[0] == 1


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_a_status_is_answered_and_nothing_happens(control: Any, wonde: Any, status: int) -> None:
    await control.fault(str(status), path=PATH, times=1, retry_after=2)
    response = await wonde.post("session", wonde.session_mark())
    assert (response.status_code, response.headers["retry-after"]) == (status, "2")
    done, row = await pending_and_last(control)
    assert (done, row["status"], row["effect"], row["fault"]) == (0, status, "none", "status")
    assert (await wonde.post("session", wonde.session_mark())).status_code == 200


async def test_a_status_may_come_after_the_effect(control: Any, wonde: Any) -> None:
    await control.fault("status", status=502, path=PATH, after_effect=True)
    assert (await wonde.post("session", wonde.session_mark())).status_code == 502
    done, row = await pending_and_last(control)
    assert (done, row["status"], row["effect"]) == (1, 502, "accepted")


@pytest.mark.parametrize(("kind", "done", "effect"), [("reset_before", 0, "none"), ("reset_after", 1, "accepted")])
async def test_a_reset_is_a_real_one(control: Any, wonde: Any, kind: str, done: int, effect: str) -> None:
    await control.fault(kind, path=PATH)
    with pytest.raises((httpx.ReadError, httpx.WriteError)):
        await wonde.post("session", wonde.session_mark())
    written, row = await pending_and_last(control)
    assert (written, row["status"], row["effect"], row["fault"]) == (done, None, effect, kind)


async def test_a_reset_arrives_as_rst_on_the_socket(control: Any, wonde: Any) -> None:
    await control.fault("reset_after", path=PATH)
    url = httpx.URL(str(wonde.http.base_url))
    reader, writer = await asyncio.open_connection(url.host, url.port)
    body = json.dumps({"attendance": [wonde.session_mark()]})
    writer.write(
        f"POST /v1.0/schools/{wonde.id}/attendance/session HTTP/1.1\r\nHost: x\r\n"
        f"Authorization: Bearer {wonde.token}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()
    )
    with pytest.raises(ConnectionResetError):
        await reader.read()
    writer.close()
    with pytest.raises(ConnectionResetError):
        await writer.wait_closed()


@pytest.mark.parametrize(("after_effect", "done"), [(False, 0), (True, 1)])
async def test_a_hanging_request_never_answers(control: Any, wonde: Any, after_effect: bool, done: int) -> None:
    await control.fault("hang", path=PATH, after_effect=after_effect)
    with pytest.raises(httpx.ReadTimeout):
        await wonde.http.post(
            f"/v1.0/schools/{wonde.id}/attendance/session",
            headers=wonde.headers,
            json={"attendance": [wonde.session_mark()]},
            timeout=0.3,
        )
    written, row = await pending_and_last(control)
    assert (written, row["status"]) == (done, None)


async def test_hanging_requests_do_not_hold_up_the_end() -> None:
    async with (
        running_sandbox() as sandbox,
        httpx.AsyncClient(base_url=sandbox.url, trust_env=False, verify=trusted()) as http,
    ):
        await http.post("/_sandbox/faults", json={"kind": "hang"})
        hanging = asyncio.create_task(http.get("/v1.0/schools", timeout=30))
        await until(lambda: bool(sandbox.state.ledger.requests))
        started = time.monotonic()
    assert time.monotonic() - started < 3
    with pytest.raises(httpx.TransportError):
        await hanging


async def test_invalid_json_breaks_off_after_the_effect(control: Any, wonde: Any) -> None:
    await control.fault("invalid_json", path=PATH)
    response = await wonde.post("session", wonde.session_mark())
    assert response.status_code == 200
    with pytest.raises(json.JSONDecodeError):
        response.json()
    assert (await pending_and_last(control))[0] == 1


async def test_an_empty_answer_comes_after_the_effect(control: Any, wonde: Any) -> None:
    await control.fault("empty", path=PATH)
    response = await wonde.post("session", wonde.session_mark())
    assert (response.status_code, response.content) == (200, b"")
    assert (await pending_and_last(control))[0] == 1


async def test_a_fault_strikes_only_what_it_names(control: Any, wonde: Any, xporter: Any) -> None:
    await control.fault("503", provider="xporter")
    await control.fault("503", school="A404")
    await control.fault("503", method="DELETE")
    await control.fault("503", path="/nowhere")
    assert (await wonde.post("session", wonde.session_mark())).status_code == 200
    assert (await xporter.post(xporter.mark())).status_code == 503


async def test_a_fault_ends_after_its_times(http: httpx.AsyncClient, control: Any, wonde: Any) -> None:
    await control.fault("500", times=2, path=PATH)
    found = [(await wonde.post("session", wonde.session_mark())).status_code for _ in range(3)]
    assert found == [500, 500, 200]
    assert (await http.get("/_sandbox/faults")).json()["faults"] == []


async def test_the_orders_for_one_school_are_taken_back_alone(http: httpx.AsyncClient, control: Any) -> None:
    await control.fault("500", school="A1")
    await control.fault("503", school="A2")
    (left,) = (await http.delete("/_sandbox/faults", params={"school": "A1"})).json()["faults"]
    assert left["school"] == "A2"
    assert (await http.delete("/_sandbox/faults")).json()["faults"] == []


async def test_a_probability_strikes_the_same_requests_for_the_same_seed(
    http: httpx.AsyncClient, control: Any, wonde: Any
) -> None:
    async def struck() -> list[int]:
        await control.fault("500", probability=0.5, seed=3, path=PATH)
        found = [(await wonde.post("session", wonde.session_mark())).status_code for _ in range(12)]
        await http.delete("/_sandbox/faults")
        return found

    first = await struck()
    assert set(first) == {200, 500}
    assert await struck() == first


async def test_kinds_have_short_names(http: httpx.AsyncClient) -> None:
    for short, kind in (("lost", "callback_lost"), ("503", "status")):
        assert (await http.post("/_sandbox/faults", json={"kind": short})).json()["kind"] == kind


async def test_a_lost_callback_is_never_sent(control: Any, xporter: Any, receiver: Any) -> None:
    await control.fault("callback_lost", school=xporter.estab, times=1)
    tracking = await xporter.accepted(xporter.mark())
    await control.advance()
    assert receiver.got == []
    assert [row["error"] for row in (await control.ledger(ref=tracking))["deliveries"]] == ["lost"]
    assert len(await control.marks(xporter.estab)) == 1


async def test_a_repeated_callback_comes_again(control: Any, xporter: Any, receiver: Any) -> None:
    await control.fault("callback_repeated", repeats=2, times=1)
    tracking = await xporter.accepted(xporter.mark())
    await control.advance()
    assert [row["query"]["trackingid"] for row in receiver.got] == [tracking] * 3


async def test_an_early_callback_comes_before_the_answer(control: Any, xporter: Any, receiver: Any) -> None:
    await control.fault("callback_early", times=1)
    tracking = await xporter.accepted(xporter.mark())
    assert [row["query"]["trackingid"] for row in receiver.got] == [tracking]
    assert len(await control.marks(xporter.estab)) == 1


async def test_an_early_webhook_comes_before_the_answer(
    http: httpx.AsyncClient, control: Any, wonde: Any, receiver: Any
) -> None:
    await http.post("/_sandbox/webhooks", json={"url": receiver.url})
    await control.fault("callback_early")
    writeback_id = await wonde.accepted("session", wonde.session_mark())
    assert [row["body"]["writeback_id"] for row in receiver.got] == [writeback_id]


async def test_a_delayed_callback_comes_later(control: Any, xporter: Any, receiver: Any) -> None:
    await control.fault("callback_delayed", seconds=30)
    await xporter.accepted(xporter.mark())
    await control.advance(seconds=10)
    assert receiver.got == []
    await control.advance(seconds=30)
    assert len(receiver.got) == 1


async def test_a_callback_that_nobody_takes_is_in_the_ledger(control: Any, xporter: Any) -> None:
    xporter.callback_url = "http://127.0.0.1:1/callback"
    tracking = await xporter.accepted(xporter.mark())
    await control.advance()
    row = (await control.ledger(ref=tracking))["deliveries"][0]
    assert (row["status"], row["error"].split(":")[0]) == (None, "ConnectError")


async def test_an_oversized_answer_comes_after_the_effect(control: Any, wonde: Any) -> None:
    await control.fault("oversized", path=PATH, size=300_000)
    response = await wonde.post("session", wonde.session_mark())
    assert (response.status_code, response.content) == (200, b" " * 300_000)
    assert (await pending_and_last(control))[0] == 1


async def test_a_gzip_bomb_is_small_until_it_is_unpacked(control: Any, wonde: Any) -> None:
    await control.fault("gzip_bomb", path=PATH, size=1_000_000)
    response = await wonde.post("session", wonde.session_mark())
    assert int(response.headers["content-length"]) < 2_000
    assert len(response.content) == 1_000_000
    assert (await pending_and_last(control))[0] == 1


async def test_a_redirect_leads_elsewhere_and_nothing_happens(control: Any, wonde: Any) -> None:
    await control.fault("redirect", path=PATH, location="https://elsewhere.example/x")
    response = await wonde.post("session", wonde.session_mark())
    assert (response.status_code, response.headers["location"]) == (302, "https://elsewhere.example/x")
    assert (await pending_and_last(control))[0] == 0


@pytest.mark.parametrize("kind", ["redirect", "next_elsewhere"])
async def test_what_leads_elsewhere_needs_a_place(control: Any, kind: str) -> None:
    response = await control.http.post("/_sandbox/faults", json={"kind": kind})
    assert response.status_code == 422
    assert "location" in response.text


async def first_page(wonde: Any) -> dict[str, Any]:
    path = f"/v1.0/schools/{wonde.id}/students?per_page=2"
    pagination: dict[str, Any] = (await wonde.http.get(path, headers=wonde.headers)).json()["meta"]["pagination"]
    return pagination


async def test_a_next_page_may_be_said_to_be_elsewhere(control: Any, wonde: Any) -> None:
    honest = (await first_page(wonde))["next"]
    await control.fault("next_elsewhere", location="https://elsewhere.example")
    moved = (await first_page(wonde))["next"]
    assert httpx.URL(moved).host == "elsewhere.example"
    assert httpx.URL(moved).raw_path == httpx.URL(honest).raw_path


async def test_a_signed_next_page_is_taken_byte_for_byte_and_not_otherwise(control: Any, wonde: Any) -> None:
    await control.fault("next_signed", times=1)
    signed = (await first_page(wonde))["next"]
    origin = str(wonde.http.base_url).rstrip("/")
    target = signed.removeprefix(origin)

    async def status_of(target: str) -> int:
        url = httpx.URL(origin)
        reader, writer = await asyncio.open_connection(url.host, url.port)
        head = f"GET {target} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {wonde.token}\r\nConnection: close\r\n\r\n"
        writer.write(head.encode())
        line = await reader.readline()
        writer.close()
        return int(line.split()[1])

    assert await status_of(target) == 200
    for other in (
        target.replace("%73", "s"),
        target.replace("%5b", "%5B"),
        target.replace("+", "%20"),
        target + "&x=1",
    ):
        assert await status_of(other) == 403, other


async def test_a_spared_school_is_never_struck(control: Any, wonde: Any) -> None:
    await control.fault("500", path=PATH, spares=[wonde.id])
    assert (await wonde.post("session", wonde.session_mark())).status_code == 200


async def test_schools_are_spared_by_a_list_of_their_ids(control: Any) -> None:
    response = await control.http.post("/_sandbox/faults", json={"kind": "500", "spares": "A1"})
    assert response.status_code == 422
    assert "spares is 'A1'" in response.text


async def test_what_has_struck_is_counted_by_name_after_it_has_ended(
    http: httpx.AsyncClient, control: Any, wonde: Any
) -> None:
    await control.fault("500", path=PATH, times=1, name="first")
    await control.fault("503", path=PATH, times=1)
    await control.fault("latency", path=PATH, times=1, seconds=0)
    for _ in range(2):
        await wonde.post("session", wonde.session_mark())
    answer = (await http.get("/_sandbox/faults")).json()
    assert answer == {"faults": [], "struck": {"first": 1, "status": 1, "latency": 1}}


async def test_a_packed_answer_is_the_true_one(control: Any, wonde: Any) -> None:
    await control.fault("packed", path=PATH)
    response = await wonde.post("session", wonde.session_mark())
    assert response.headers["content-encoding"] == "gzip"
    assert "content-length" not in response.headers
    assert response.json()["writeback_id"]
    assert (await pending_and_last(control))[0] == 1


async def test_ids_may_come_as_numbers_and_with_more_than_is_known(control: Any, wonde: Any, xporter: Any) -> None:
    await control.fault("oddly_typed")
    answer = (await wonde.get("students", per_page=1)).json()
    assert isinstance(answer["data"][0]["mis_id"], int)
    assert answer["data"][0]["sandbox_extra"] == {"nothing": None, "several": [1, "two"]}
    assert isinstance(answer["data"][0]["id"], str)


async def test_a_lists_pages_may_be_shorter_than_asked_for_and_miss_nothing(control: Any, wonde: Any) -> None:
    whole = [row["id"] for row in await wonde.rows("students", per_page=50)]
    await control.fault("short_pages", size=7)
    page = (await wonde.get("students", per_page=50)).json()
    found = [row["id"] for row in page["data"]]
    assert len(found) == 7
    while (following := page["meta"]["pagination"]["next"]) is not None:
        page = (await wonde.http.get(following, headers=wonde.headers)).json()
        found += [row["id"] for row in page["data"]]
    assert found[: len(whole)] == whole


async def test_a_bare_callback_says_neither_results_nor_reason(control: Any, xporter: Any, receiver: Any) -> None:
    await control.change(xporter.estab, refusals=[{"message": "The register is closed"}])
    await control.fault("callback_bare")
    tracking = await xporter.accepted(xporter.mark())
    await control.advance()
    (answer,) = receiver.got
    assert (answer["query"]["trackingid"], answer["query"]["XodCompleted"]) == (tracking, "")
    assert "ErrorMessage" not in answer["query"]


async def test_a_callback_may_come_with_the_id_of_another_request(control: Any, xporter: Any, receiver: Any) -> None:
    own = xporter.callback_url
    xporter.callback_url = f"{own}?id=req_0&of="
    await xporter.accepted(xporter.mark())
    await control.advance()
    await control.fault("callback_of_another")
    xporter.callback_url = own
    second = await xporter.accepted(xporter.mark())
    await control.advance()
    answer = receiver.got[-1]["query"]
    assert (answer["id"], answer["trackingid"]) == ("req_0", second)


async def test_a_webhook_may_come_with_the_id_of_another_request(
    http: httpx.AsyncClient, control: Any, wonde: Any, receiver: Any
) -> None:
    await http.post("/_sandbox/webhooks", json={"url": receiver.url})
    first = await wonde.accepted("session", wonde.session_mark())
    await control.advance()
    await control.fault("callback_of_another")
    await wonde.accepted("session", wonde.session_mark())
    await control.advance()
    assert [row["body"]["writeback_id"] for row in receiver.got] == [first, first]
