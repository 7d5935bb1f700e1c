"""A fake API for commands: answers that a test lays out, and the requests that came."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import httpx
import pytest
import typer.testing
from typer.testing import CliRunner, Result

from writeback.cli import client
from writeback.cli.main import app

WRITEBACK = {
    "id": "wb_1",
    "school": "hillside",
    "kind": "attendance.session",
    "status": "confirmed",
    "ref": None,
    "app": "dev",
    "priority": "interactive",
    "attempts": 1,
    "next_attempt_at": None,
    "hold_reason": None,
    "evidence": "webhook",
    "created_at": "2026-01-12T09:00:00Z",
    "updated_at": "2026-01-12T09:00:01Z",
    "expires_at": "2026-01-19T09:00:00Z",
    "counts": {"confirmed": 1},
}


@dataclass
class FakeApi:
    """Answers each path with what a test gave it; several answers are given in turn, the last one again and again."""

    answers: dict[tuple[str, str], list[httpx.Response]] = field(default_factory=dict)
    requests: list[httpx.Request] = field(default_factory=list)

    def on(self, method: str, path: str, body: Any, status: int = 200, headers: dict[str, str] | None = None) -> None:
        response = httpx.Response(status, json=body, headers=headers)
        self.answers.setdefault((method, path), []).append(response)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answers = self.answers[request.method, request.url.path]
        given = answers.pop(0) if len(answers) > 1 else answers[0]
        return httpx.Response(given.status_code, content=given.content, headers=given.headers)

    @property
    def last_body(self) -> Any:
        return json.loads(self.requests[-1].content)

    def client(self, key: str | None = "wbk_test") -> client.Api:
        return client.Api("http://api.test", key, transport=httpx.MockTransport(self))


@pytest.fixture(scope="session", autouse=True)
def _commands_built_once() -> Iterator[None]:
    """Building all commands from their functions takes much longer than running one; they keep nothing of a run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(typer.testing, "_get_command", cache(typer.testing._get_command))
        yield


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> FakeApi:
    fake = FakeApi()
    monkeypatch.setattr(client, "connect", lambda url, key: fake.client())
    return fake


@pytest.fixture
def run() -> Callable[..., Result]:
    def run_command(*arguments: str, stdin: str | None = None) -> Result:
        return CliRunner().invoke(app, list(arguments), input=stdin)

    return run_command
