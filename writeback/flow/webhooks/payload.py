"""The payload of a webhook: each record's index, ref, status and findings; nothing about pupils."""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from writeback.domain.mode import Mode
from writeback.domain.writeback import unpack_progress
from writeback.flow.accept.answer import iso
from writeback.store.tables import WritebackRow
from writeback.store.writebacks.event_log import LoggedEvent

TEST_TYPE = "webhook.test"


def type_of(event: LoggedEvent) -> str:
    """Return the message's type, e.g. `writeback.confirmed`."""
    return f"writeback.{event.status}"


def message_of(event: LoggedEvent, row: WritebackRow, sequence: int) -> str:
    """Return the body: JSON as `schemas/webhook.json` says."""
    data = {
        "event_id": event.id,
        "event": event.event,
        "writeback_id": event.writeback_id,
        "app": event.app,
        "school": event.school,
        "mode": Mode.of(event.school),
        "kind": event.kind,
        "ref": event.ref,
        "status": event.status,
        "hold_reason": row.hold_reason if event.status == "held" else None,
        "records": list(_records(row)),
    }
    return _body(type_of(event), event.at, sequence, data)


def test_message(webhook_id: str, at: datetime, sequence: int) -> str:
    """Return the body of a message that only says that messages arrive."""
    return _body(TEST_TYPE, at, sequence, {"webhook_id": webhook_id})


def _body(kind: str, at: datetime, sequence: int, data: dict[str, Any]) -> str:
    message = {"type": kind, "timestamp": iso(at), "sequence": sequence, "data": data}
    return json.dumps(message, ensure_ascii=False, separators=(",", ":"))


def _records(row: WritebackRow) -> Iterator[dict[str, Any]]:
    records: list[dict[str, Any] | None] = json.loads(row.records)
    for index, (record, progress) in enumerate(zip(records, unpack_progress(row.progress, len(records)), strict=True)):
        yield {
            "index": index,
            "ref": record.get("ref") if record else None,
            "status": progress.status.value,
            "findings": [
                {"code": one["code"], "severity": one["severity"], "message": one["message"]}
                for one in progress.findings
            ],
        }
