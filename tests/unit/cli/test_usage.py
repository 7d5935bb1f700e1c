"""`writeback usage` on the command line."""

import json
from collections.abc import Callable

from typer.testing import Result

from tests.unit.cli.conftest import FakeApi
from writeback.cli.exit_codes import Exit

CAUSE = {
    "code": "student_not_on_roll",
    "number": 3,
    "examples": [{"request_id": "call-1", "at": "2026-01-12T09:00:00Z", "pointers": ["/records/0/student_id"]}],
}
USAGE = {
    "app": "registers",
    "since": "2026-01-12T08:00:00Z",
    "calls": 1_200,
    "refused": 3,
    "routes": [{"route": "GET /v1/features", "calls": 1_200, "refused": 3}],
    "periods": [{"at": "2026-01-12T08:00:00Z", "calls": 1_200, "refused": 3}],
    "refusals": [],
    "findings": [CAUSE],
    "statuses": {"confirmed": 7},
    "failures": [],
    "evidence": {"looked_at": 7, "half_within_s": 1.5, "most_within_s": 4.0},
    "webhooks": [
        {
            "id": "whk_1",
            "looked_at": 2,
            "delivered": 1,
            "failed": 1,
            "waiting": 0,
            "answers": [{"at": "2026-01-12T09:00:00Z", "http_status": 500, "error": "http_500"}],
        }
    ],
}


def test_it_shows_calls_causes_and_webhooks(run: Callable[..., Result], api: FakeApi) -> None:
    api.on("GET", "/v1/usage", USAGE)

    result = run("usage", "--by", "day")

    assert result.exit_code == Exit.OK, result.output
    for shown in ("1,200 calls, 3 refused", "7 confirmed", "1.5 s", "call-1", "http_500"):
        assert shown in result.stdout


def test_as_json_it_is_what_the_api_says(run: Callable[..., Result], api: FakeApi) -> None:
    api.on("GET", "/v1/usage", USAGE)

    assert json.loads(run("usage", "--json").stdout) == USAGE
