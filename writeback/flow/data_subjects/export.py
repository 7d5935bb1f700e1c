"""Giving out all that is kept of one person: what erasing would take, as they may see it. Other pupils are withheld."""

import base64
import json
from collections.abc import Mapping
from typing import Any

from writeback.core.errors import ConfigurationError
from writeback.domain.data_subject import Person, read_json
from writeback.domain.writeback import unpack_progress
from writeback.flow.data_subjects.erase import still_waiting
from writeback.flow.data_subjects.places import PLACES
from writeback.flow.data_subjects.rows_without import GONE, Look, as_named_in, directory_details, is_whole_row
from writeback.flow.data_subjects.walk import Found, Walk
from writeback.store.people import data_subjects as store
from writeback.store.reads.views import raw_records
from writeback.store.tables import (
    BatchChunkRow,
    BatchLine,
    CorrectionRow,
    DirectoryRow,
    ProviderAnswerRow,
    WritebackRow,
    table_of,
)
from writeback_client.models.people import HeldPlace, StillWaiting

_NOT_READ_YET = "a piece of an uploaded file whose rows have not been read yet"
_TIMES = ("created_at", "at", "kept_at", "claimed_at", "since", "fetched_at")


async def held(walk: Walk, person: Person) -> tuple[list[HeldPlace], list[StillWaiting]]:
    """Return what each table has of the person, and what of it is on its way."""
    look = await walk.look(person)
    items: dict[str, list[dict[str, Any]]] = {}
    waiting: list[StillWaiting] = []
    async for found in walk.found(person, look):
        items.setdefault(found[0].place.name, []).extend(_item(one, person, look) for one in found)
        waiting += [still_waiting(one) for one in found if one.waits]
    places = [
        HeldPlace(table=place.name, holds=place.holds, items=tuple(items[place.name]))
        for place in PLACES
        if place.name in items
    ]
    return places, waiting


def _item(found: Found, person: Person, look: Look) -> dict[str, Any]:
    row = found.row
    person = as_named_in(row, person)
    keys = [column.name for column in table_of(type(row)).primary_key]
    item: dict[str, Any] = dict(zip(keys, map(str, store.key_of(row)), strict=True))
    for name in _TIMES:
        if (at := getattr(row, name, None)) is not None:
            item[name] = at.isoformat()
            break
    if isinstance(row, WritebackRow):
        return item | _writeback(row, person)
    if isinstance(row, CorrectionRow):
        return item | _correction(row, person, look)
    if isinstance(row, ProviderAnswerRow):
        return item | _answer(row, person, look)
    if isinstance(row, DirectoryRow):
        shown = directory_details(row, look).items()
        return item | {"list": row.list, "names": [details for one, details in shown if person.has_id(one)]}
    if isinstance(row, BatchChunkRow):  # its bytes are not read: they have others' rows too
        return item | {"data": _NOT_READ_YET}
    if isinstance(row, BatchLine) and is_whole_row(found.change):
        return item | {
            name: _json(getattr(row, name)) for name in ("cells", "record", "findings") if getattr(row, name)
        }
    names = found.place.columns if found.change is GONE else tuple(found.change or ())
    return item | {name: of_person(_json(getattr(row, name)), person) for name in names if name in found.place.columns}


def _writeback(row: WritebackRow, person: Person) -> dict[str, Any]:
    records = raw_records(row)
    progress = unpack_progress(row.progress, len(records))
    shown = [
        {
            "index": index,
            "status": entry.status.value,
            "says": says,
            "evidence": entry.evidence,
            "mis_ids": list(entry.mis_ids),
            "findings": [one for one in entry.findings if person.is_about(row.kind, record or {}) or person.is_in(one)],
        }
        for index, (record, entry) in enumerate(zip(records, progress, strict=True))
        if (says := person.only(row.kind, record)) is not None or person.is_in(list(entry.findings))
    ]
    return {"id": row.id, "kind": row.kind, "status": row.status, "app": row.app_id, "records": shown} | (
        {"ref": row.ref} if row.ref and person.is_named_in(row.ref) else {}
    )


def _correction(row: CorrectionRow, person: Person, look: Look) -> dict[str, Any]:
    kind = look.kinds[row.writeback_id]
    said = [
        {**one, **{name: person.only(kind, one.get(name)) for name in ("before", "after")}}
        for one in json.loads(row.records)
        if person.is_in(one)
    ]
    reason = {"reason": row.reason} if person.is_named_in(row.reason) else {}
    return {"writeback_id": row.writeback_id, "action": row.action, "by": row.actor, "records": said, **reason}


def _answer(row: ProviderAnswerRow, person: Person, look: Look) -> dict[str, Any]:
    try:
        kept = look.secrets.open(row.sealed)
    except ConfigurationError:
        return {"sealed": "it cannot be read any more: it was sealed with another secret key"}
    text = base64.b64decode(str(kept["body"])).decode("utf-8", "replace")
    content = read_json(text)
    if content is text:
        content = [line for line in text.splitlines() if person.is_named_in(line)]
    return {"http_status": kept["status"], "said": of_person(content, person)}


def of_person(value: Any, person: Person) -> Any:
    """Return what of JSON names the person: entries of lists and objects that do not are left out."""
    match value:
        case list():
            return [of_person(one, person) for one in value if person.is_in(one)]
        case Mapping():
            return {
                key: one if person.is_named_in(str(key)) else of_person(one, person)
                for key, one in value.items()
                if person.is_named_in(str(key)) or person.is_in(one)
            }
    return value


def _json(value: Any) -> Any:
    return read_json(value) if isinstance(value, str) else value
