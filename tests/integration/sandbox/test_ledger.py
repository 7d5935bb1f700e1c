"""The ledger, the running of the server itself, and time that really passes."""

import signal
import socket
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from writeback.core.clock import FakeClock
from writeback.core.network.tls import trusted
from writeback.sandbox.agenda import Agenda, SandboxClock
from writeback.sandbox.testing import running_sandbox, until


async def test_it_has_every_request_with_its_answer_and_effect(control: Any, wonde: Any) -> None:
    writeback_id = await wonde.accepted("session", wonde.session_mark(), wonde.session_mark("\\", session="PM"))
    await wonde.post("session", {})
    await wonde.get("students")
    rows = (await control.ledger(school=wonde.id))["requests"][-3:]
    shown = [(row["method"], row["path"].split("/")[-1], row["status"], row["effect"], row["records"]) for row in rows]
    assert shown == [
        ("POST", "session", 200, "accepted", 2),
        ("POST", "session", 422, "refused", 0),
        ("GET", "students", 200, "read", 0),
    ]
    assert rows[0]["ref"] == writeback_id


async def test_it_tells_what_was_written_for_which_request(control: Any, xporter: Any) -> None:
    await control.set_mark(xporter.estab, student_id=xporter.pupils[0], date="2026-01-12", session="AM", code="L")
    tracking = await xporter.accepted(xporter.mark("N"), xporter.mark(StudentId=xporter.pupils[1]))
    await control.advance()
    ledger = await control.ledger(ref=tracking)
    assert [(row["result"], row["records"], row["marks_set"]) for row in ledger["writes"]] == [("applied", 2, 1)]
    assert ledger["writes"][0]["request"] == ledger["requests"][0]["n"]
    assert [row["status"] for row in ledger["deliveries"]] == [204]


async def test_it_can_be_read_by_school_and_from_a_number_on(control: Any, wonde: Any, xporter: Any) -> None:
    await wonde.accepted("session", wonde.session_mark())
    last = (await control.ledger())["requests"][-1]["n"]
    await xporter.accepted(xporter.mark())
    newer = await control.ledger(since=str(last))
    assert {row["school"] for row in newer["requests"]} == {xporter.estab}
    assert {row["school"] for row in (await control.ledger(school=wonde.id))["requests"]} == {wonde.id}


async def test_the_token_request_is_booked_to_its_school(control: Any, xporter: Any) -> None:
    assert [row["school"] for row in (await control.ledger(path="GetToken"))["requests"]] == [xporter.estab]


async def test_unknown_paths_answer_404_and_are_in_the_ledger(http: httpx.AsyncClient, control: Any) -> None:
    assert (await http.get("/v2/anything")).status_code == 404
    assert [(row["provider"], row["status"]) for row in (await control.ledger())["requests"]] == [(None, 404)]


async def test_with_the_machines_clock_things_happen_by_themselves(receiver: Any) -> None:
    async with (
        running_sandbox() as sandbox,
        httpx.AsyncClient(base_url=sandbox.url, trust_env=False, verify=trusted()) as http,
    ):
        school = (await http.post("/_sandbox/schools", json={"pupils": 5, "mis": "Arbor"})).json()
        await http.post("/_sandbox/webhooks", json={"url": receiver.url})
        headers = {"Authorization": f"Bearer {school['token']}"}
        url = f"/v1.0/schools/{school['provider_school_id']}"
        codes = (await http.get(f"{url}/attendance-codes", headers=headers)).json()["data"]
        mark = {"student_id": school["registers"][0]["student_ids"][0], "date": "2026-01-12", "session": "AM"}
        started = time.monotonic()
        body = {"attendance": [{**mark, "attendance_code_id": codes[0]["id"]}]}
        await http.post(f"{url}/attendance/session", headers=headers, json=body)
        await until(lambda: bool(receiver.got))
        assert time.monotonic() - started >= 0.3


async def test_let_pass_does_each_thing_at_its_own_time() -> None:
    clock = SandboxClock(FakeClock(datetime(2026, 1, 12, 9, tzinfo=UTC)))
    agenda, seen = Agenda(clock), []

    def again() -> None:
        seen.append(clock.now().minute)
        agenda.after(300, again)

    agenda.after(300, again)
    assert agenda.let_pass(timedelta(minutes=16)) == 3
    assert seen == [5, 10, 15]
    assert clock.now().minute == 16


async def test_a_broken_action_stops_no_other() -> None:
    clock = SandboxClock(FakeClock())
    agenda, seen = Agenda(clock), []
    agenda.after(1, lambda: seen.append(1 / 0))
    agenda.after(2, lambda: seen.append(2))
    assert agenda.let_pass(timedelta(seconds=3)) == 2
    assert seen == [2]


def test_it_runs_as_a_process_of_its_own_and_ends_in_good_order() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    script = (
        "from writeback.core.settings import SandboxSettings, Settings; from writeback.sandbox.server import run; "
        f"run(Settings(sandbox=SandboxSettings(port={port})))"
    )
    with subprocess.Popen([sys.executable, "-c", script], stderr=subprocess.PIPE, text=True) as process:
        try:
            assert _answers_within(f"http://127.0.0.1:{port}/_sandbox/health", seconds=20)
        finally:
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=20)
    assert process.returncode == 0, errors
    assert "Traceback" not in errors


def _answers_within(url: str, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            return httpx.get(url, trust_env=False).status_code == 200
        except httpx.TransportError:
            time.sleep(0.05)
    return False
