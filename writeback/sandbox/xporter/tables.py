"""Tables as Xporter answers them: change sets, pages, and `meta` with the age of the data.

The document names the tables `meta` and `__pagination__` (2047) and shows no columns; the columns of the latter and
the name `__changedRows__` follow an old public client, those of `meta` are a guess.
"""

import json
import re
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import sha1
from typing import Any, Final
from zlib import crc32

from starlette.requests import Request
from starlette.responses import Response

from writeback.sandbox.http import answer, entry_of, sandbox_of
from writeback.sandbox.state import SandboxState
from writeback.sandbox.xporter.access import XporterError, parameters

LARGEST_PAGE: Final = 100_011
"""`The default maximum number of records in a response` (2019)."""
CHANGESETS_KEPT: Final = 500
START: Final = "*"
"""The document's first token."""
Row = Mapping[str, Any]


def tables(
    request: Request,
    found: Mapping[str, Sequence[Row]],
    *,
    key: str = "Id",
    read_at: datetime | None = None,
    falsely_gone: set[str] | None = None,
) -> Response:
    """Return the tables; `key` is the column that a change set is about, `read_at` when the MIS was last read.

    `falsely_gone` are said to be deleted although they are there, once.
    """
    entry_of(request).effect = "read"
    state, given = sandbox_of(request), parameters(request)
    body: dict[str, Any] = {}
    changed: Mapping[str, Sequence[Row]] = found
    token = given.get("changedrows")
    if token:
        changed, deleted, following = _changed(state, request.scope["path"], token, found, key)
        body["__changedRows__"] = [{"changedRows": following}]
        if falsely_gone and token != START:
            first = next(iter(deleted))
            deleted[first] += [{key: int(row_id)} for row_id in sorted(falsely_gone)]
            falsely_gone.clear()
        body |= deleted
    page, size = _number(given, "page", 1), min(_number(given, "pagesize", LARGEST_PAGE), LARGEST_PAGE)
    columns = _selected(given.get("select", "*"))
    for name, rows in changed.items():
        body[name] = [_only(row, columns) for row in rows[(page - 1) * size : page * size]]
    total = max((len(rows) for rows in changed.values()), default=0)
    body["meta"] = [_meta(name, read_at or state.now(), state.now()) for name in found]
    body["__pagination__"] = [
        {"PageNumber": page, "PageSize": size, "PageCount": max(1, -(-total // size)), "RowCount": total}
    ]
    return answer(body)


def stamp(at: datetime) -> str:
    """Return an instant as the columns `LastUpdated` show it (503)."""
    return at.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3]


def hashed(row: Row) -> Row:
    """Return the row with a `RowHash` "for change comparison" (504)."""
    return {**row, "RowHash": sha1(json.dumps(row).encode(), usedforsecurity=False).hexdigest().upper()}


def _selected(text: str) -> dict[str, str]:
    """Return the columns of `select` by the name that they get, e.g. `DisplayName as Name` (2026); empty for all."""
    if text.strip() in ("", "*"):
        return {}
    pairs = (re.split(r"(?<!\s)\s+as\s+", part.strip(), maxsplit=1, flags=re.IGNORECASE) for part in text.split(","))
    return {pair[-1]: pair[0] for pair in pairs}


def _only(row: Row, columns: Mapping[str, str]) -> Row:
    return {name: row.get(column) for name, column in columns.items()} if columns else row


def _changed(
    state: SandboxState, path: str, token: str, found: Mapping[str, Sequence[Row]], key: str
) -> tuple[dict[str, list[Row]], dict[str, list[Row]], str]:
    """Return the rows that are new since `token`, the ids that are gone, and the next token."""
    now = {
        (name, row[key]): crc32(json.dumps(row, sort_keys=True).encode())
        for name, rows in found.items()
        for row in rows
    }
    before = {} if token == START else state.changesets.get((path, token))
    if before is None:
        raise XporterError(f"Invalid changedRows value provided: {token}")
    following = secrets.token_hex(16)
    state.changesets[path, following] = now
    while len(state.changesets) > CHANGESETS_KEPT:
        state.changesets.pop(next(iter(state.changesets)))
    fresh = {
        name: [row for row in rows if before.get((name, row[key])) != now[name, row[key]]]
        for name, rows in found.items()
    }
    gone = [missing for missing in before if missing not in now]
    deleted: dict[str, list[Row]] = {
        f"{name}_deleted": [{key: row_id} for table, row_id in gone if table == name] for name in found
    }
    return fresh, deleted, following


def _meta(table: str, read_at: datetime, now: datetime) -> Row:
    """Say how old a table is: "see when the data behind each endpoint was last updated" (5375)."""
    return {
        "Table": table,
        "LastUpdated": read_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "AgeSeconds": round((now - read_at).total_seconds(), 3),
    }


def _number(given: Mapping[str, str], name: str, default: int) -> int:
    text = given.get(name) or str(default)
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise XporterError(f"Invalid {name} provided: {text}")
    return int(text)
