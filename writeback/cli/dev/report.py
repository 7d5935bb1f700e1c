"""What `dev` tells of itself: addresses, key, and a request that works as it is."""

import json
import shlex
from datetime import date
from typing import Any

import httpx
from rich.console import Console
from rich.markup import escape

from writeback.cli.dev.stack import Stack


async def example(api: httpx.AsyncClient, day: date) -> tuple[str, dict[str, Any]]:
    """Return a school's id and a submission for it that is accepted: a real pupil and a real teacher of it."""
    school = "hillside"
    student, employee = [await _first(api, school, name) for name in ("students", "employees")]
    mark = {
        "student_id": student,
        "date": day.isoformat(),
        "session": "AM",
        "code": "L",
        "minutes_late": 7,
        "employee_id": employee,
    }
    return school, {"kind": "attendance.session", "records": [mark]}


async def _first(api: httpx.AsyncClient, school: str, name: str) -> str:
    answer = await api.get(f"/v1/schools/{school}/lookups/{name}", params={"limit": 1})
    row: dict[str, Any] = answer.raise_for_status().json()["items"][0]
    return str(row["id"])


def curl(stack: Stack, school: str, body: dict[str, Any]) -> str:
    """Return the command that posts `body`, to be pasted into a shell."""
    parts = [
        f"{stack.url}/v1/schools/{school}/writebacks",
        f"Authorization: Bearer {stack.key}",
        "Content-Type: application/json",
        json.dumps(body),
    ]
    url, key, kind, data = (shlex.quote(part) for part in parts)
    return f"curl -s {url} -H {key} -H {kind} -d {data}"


def as_json(stack: Stack, command: str, body: dict[str, Any]) -> dict[str, Any]:
    return {
        "url": stack.url,
        "docs_url": f"{stack.url}/docs",
        "sandbox_url": stack.sandbox_url,
        "key": stack.key,
        "test": {"sandbox_url": stack.test_sandbox_url, "key": stack.test_key, "schools": stack.test_schools},
        "console": {"url": stack.console_url, "name": stack.console_name, "password": stack.console_password},
        "data_dir": str(stack.data_dir),
        "logs": str(stack.logs),
        "pids": stack.pids,
        "schools": stack.schools,
        "example": body,
        "curl": command,
    }


def print_ready(console: Console, stack: Stack, command: str) -> None:
    """Print where everything is. Lines for a shell stand alone, so that they can be copied whole."""
    console.print("\n[green]✓[/green] [bold]writeback runs[/bold]; Ctrl-C ends it\n")
    for name, value in (
        ("console", stack.console_url),
        ("  name", f"{stack.console_name}, password {stack.console_password}"),
        ("API", stack.url),
        ("its docs", f"{stack.url}/docs"),
        ("sandbox", stack.sandbox_url),
        ("key", stack.key),
        ("test key", stack.test_key),
        ("  sandbox", f"{stack.test_sandbox_url}, where test schools are, and nobody else"),
        ("logs", str(stack.logs)),
    ):
        console.print(f"  {name:<9} {escape(value)}")
    for school in stack.schools:
        students = next((entry["rows"] for entry in school["lookups"] if entry["list"] == "students"), 0)
        console.print(f"  school    {school['id']}: {students} pupils, {school['mis']} through {school['provider']}")
    for school in stack.test_schools:
        console.print(f"  test      {school['id']}: {school['mis']} through {school['provider']}, for tests alone")
    console.print("\nThe key, for what README and docs print:\n")
    console.out(f"export KEY={stack.key}", highlight=False)
    console.print("\nSubmit a mark, and see what becomes of it:\n")
    console.out(command, highlight=False)
    console.print("\nwriteback watch\n", markup=False)
