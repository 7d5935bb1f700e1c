"""Bodies, paths and headers that nobody sends by mistake: on every route no answer is a 5xx.

On PostgreSQL, which takes less than SQLite does: no NUL, and no half of a letter.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.fuzz.world import World, running_world, settings_of
from tests.long_run import some

_HALF = "\\ud800"
"""Half of a surrogate pair, as JSON can say it and UTF-8 cannot."""
_MARK = '{"student_id":"A1","date":"2026-01-12","session":"AM","code":"/"}'
BODIES: dict[str, bytes] = {
    "nothing": b"",
    "not UTF-8": b'{"kind":"\xff\xfe"}',
    "a byte order mark": b"\xef\xbb\xbf{}",
    "null": b"null",
    "a number": b"1",
    "a list": b"[]",
    "deep lists": b"[" * 50_000 + b"]" * 50_000,
    "deep objects": b'{"records":' * 9_000 + b"1" + b"}" * 9_000,
    "deep in a record": b'{"kind":"attendance.session","records":[' + b"[" * 20_000 + b"]" * 20_000 + b"]}",
    "a huge integer": b'{"kind":"attendance.session","records":[{"minutes_late":' + b"9" * 6_000 + b"}]}",
    "a huge limit": b'{"filter":{"school":"hillside"},"reason":"x","limit":' + b"9" * 30 + b"}",
    "a huge exponent": b'{"kind":"attendance.session","records":[{"minutes_late":1e99999}]}',
    "not a number": b'{"kind":"attendance.session","records":[{"minutes_late":NaN},{"minutes_late":-Infinity}]}',
    "the same name twice": f'{{"kind":"x","kind":"attendance.session","records":[{_MARK}],"records":[]}}'.encode(),
    "half a letter as a ref": f'{{"kind":"attendance.session","ref":"{_HALF}","records":[{_MARK}]}}'.encode(),
    "half a letter in a record": f'{{"kind":"attendance.session","records":[{{"comment":"{_HALF}"}}]}}'.encode(),
    "half a letter as a reason": f'{{"reason":"{_HALF}","outcome":"failed"}}'.encode(),
    "half a letter as a filter": f'{{"filter":{{"student":"{_HALF}"}},"reason":"x"}}'.encode(),
    "half a letter as an app": f'{{"app":"Fuzz{_HALF}","scopes":["read"],"url":"https://x.example/"}}'.encode(),
    "half a letter as a school": f'{{"name":"{_HALF}","id":"s","provider":"wonde","mis":"SIMS",'
    f'"provider_school_id":"{_HALF}"}}'.encode(),
    "half a letter as a credential": f'{{"credentials":{{"token":"{_HALF}"}}}}'.encode(),
    "half a letter in rules": f'{{"overrides":{{"attendance.session":{{"notes":["{_HALF}"]}}}}}}'.encode(),
    "half a letter as a description": f'{{"url":"https://x.example/","description":"{_HALF}"}}'.encode(),
    "a NUL": f'{{"kind":"attendance.session","ref":"\\u0000","records":[{_MARK}]}}'.encode(),
    "a NUL as a reason": b'{"reason":"a\\u0000b","outcome":"failed"}',
    "a NUL as a filter": b'{"filter":{"ref":"\\u0000","app":"\\u0000","batch":"\\u0000"},"reason":"x"}',
    "a NUL in rules": b'{"overrides":{"\\u0000":{"notes":["\\u0000"]}},"credentials":{"\\u0000":"\\u0000"}}',
    "a NUL as a description": b'{"url":"https://x.example/","description":"\\u0000"}',
    "odd letters": '{"reason":"\u202e\u200b\U0010ffff\ufffe","outcome":"failed"}'.encode(),
    "long names": json.dumps({"x" * 50_000: 1}).encode(),
    "the first and the last day": b'{"filter":{"since":"9999-12-31T23:59:59-23:59",'
    b'"until":"0001-01-01T00:00:00+23:59"},"reason":"x"}',
    "more seconds than there are": b'{"overlap_s":99999999999999999999,"keep_old_s":99999999999999999999}',
    "too large": b'{"reason":"' + b"x" * 250_000 + b'"}',
}
TEXTS = (
    "%ED%A0%80",
    "%ff",
    "%C0%80",
    "..%2f..%2fetc",
    "%2e%2e",
    "a%0d%0aX-Evil:1",
    "%F3%A0%80%81",
    "x" * 3_000,
    "%25",
    "%",
)
HEADERS: list[tuple[str, list[tuple[bytes, bytes]]]] = [
    ("two keys", [(b"Authorization", b"Bearer wbk_x")]),
    ("an odd key for once", [(b"Idempotency-Key", b"\xff\xfe")]),
    ("an empty key for once", [(b"Idempotency-Key", b"")]),
    ("a long key for once", [(b"Idempotency-Key", b"k" * 5_000)]),
    ("an odd last event", [(b"Last-Event-ID", "٣".encode())]),
    ("a huge last event", [(b"Last-Event-ID", b"9" * 400)]),
    ("an odd type", [(b"Content-Type", b"application/json; charset=utf-7; boundary=\xff")]),
    ("no type", [(b"Content-Type", b"")]),
    ("a form without parts", [(b"Content-Type", b"multipart/form-data")]),
    ("a form with odd parts", [(b"Content-Type", b'multipart/form-data; boundary="\xff"')]),
    ("an odd host", [(b"Host", b"\xff"), (b"X-Forwarded-For", b"\xff"), (b"X-Forwarded-Proto", b"gopher")]),
    ("an odd file name", [(b"X-Filename", b"%ff%00"), (b"Content-Disposition", b"attachment; filename*=x'\xff")]),
    ("an odd language", [(b"Accept", b"\xff"), (b"Accept-Language", b"x" * 4_000), (b"If-None-Match", b"\xff")]),
    ("an odd trace", [(b"traceparent", b"00-zz-\xff"), (b"X-Request-Id", b"\xff" * 300)]),
    ("a packed body", [(b"Content-Encoding", b"gzip")]),
]


@pytest.fixture
def world(postgres_url: str, redis_server: str, tmp_path: Path) -> Iterator[World]:
    with running_world(settings_of(tmp_path, postgres_url, redis_server)) as made:
        yield made


@pytest.fixture
def http(world: World) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=world.url, timeout=60, trust_env=False) as client:
        client.headers["Authorization"] = f"Bearer {world.key}"
        yield client


def _routes(http: httpx.Client) -> list[tuple[str, str, dict[str, Any]]]:
    document = http.get("/openapi.json").json()
    return [
        (method.upper(), path, operation)
        for path, item in document["paths"].items()
        for method, operation in item.items()
    ]


def _path(world: World, path: str) -> str:
    for name, values in world.ids.items():
        path = path.replace(f"{{{name}}}", values[0])
    query = "?follow=false&since=2026-01-01T00:00:00Z" if path.endswith("/events") else ""
    return path.replace("{kind}", "attendance.session").replace("{format}", "csv").replace("{list}", "students") + query


def _failure(http: httpx.Client, method: str, path: str, **options: Any) -> str:
    """Return what a 5xx says, "" for any other answer: of those no body is read, for a stream of events has no end."""
    with http.stream(method, path, **options) as response:
        if response.status_code < 500:
            return ""
        return f"{response.status_code} {response.read()[:200]!r}"


@pytest.mark.slow
@pytest.mark.more
def test_no_body_is_answered_with_a_5xx(world: World, http: httpx.Client) -> None:
    routes = [(method, path) for method, path, _ in _routes(http) if method not in ("GET", "DELETE")]
    bad = []
    for (method, path), name in some(routes, list(BODIES)):
        headers = {"Content-Type": "text/csv" if path.endswith("/batches") else "application/json"}
        if failure := _failure(http, method, _path(world, path), content=BODIES[name], headers=headers):
            bad.append(f"{method} {path}: {name}: {failure}")

    assert not bad, "\n".join(bad)


@pytest.mark.slow
@pytest.mark.more
def test_no_path_or_query_is_answered_with_a_5xx(world: World, http: httpx.Client) -> None:
    places = [
        (method, path, one["name"])
        for method, path, operation in _routes(http)
        for one in operation.get("parameters", [])
        if one["in"] in ("path", "query")
    ]
    bad = []
    for (method, path, name), text in some(places, TEXTS):
        filled = path.replace(f"{{{name}}}", text) if f"{{{name}}}" in path else path
        query = f"?{name}={text}" if filled == path else ""
        target = _path(world, path).split("?")[0] + query if query else _path(world, filled)
        if failure := _failure(http, method, target):
            bad.append(f"{method} {path}: {name}={text[:30]}: {failure}")

    assert not bad, "\n".join(bad)


@pytest.mark.slow
@pytest.mark.more
def test_no_header_is_answered_with_a_5xx(world: World, http: httpx.Client) -> None:
    bad = []
    for (method, path, _), (name, headers) in some(_routes(http), HEADERS):
        given = [(b"Authorization", f"Bearer {world.key}".encode()), *headers]
        body = None if method in ("GET", "DELETE") else b"{}"
        if failure := _failure(http, method, _path(world, path), content=body, headers=given):
            bad.append(f"{method} {path}: {name}: {failure}")

    assert not bad, "\n".join(bad)
