"""Wonde's GET calls for what records are made from: attributes, rooms, detention types and attendance codes."""

from datetime import datetime, time

from starlette.requests import Request
from starlette.responses import Response

from writeback.sandbox.http import answer, entry_of
from writeback.sandbox.mis.diary import events_of
from writeback.sandbox.wonde import record_rows
from writeback.sandbox.wonde.access import not_found, school_for
from writeback.sandbox.wonde.lists import is_within, listing, updated_between

ROOM_INCLUDES = ("lessons", "lessons.class", "lessons.class.subject", "lessons.period")
DETENTION_TYPE_INCLUDES = ("frequency_per_month", "employee", "room")


async def attributes(request: Request, *, list_: str, permission: str) -> Response:
    """List the choices, withdrawn ones too: they have a flag (1476). Staff roles are unknown to Wonde."""
    lists = school_for(request, permission).mis.lists
    found = list(lists.of(list_, *record_rows.ATTRIBUTE_TYPES[list_]))
    found = updated_between(request, found, lambda row: row.updated_at)
    return listing(request, found, record_rows.attribute, includes=None)


async def detention_attendance_codes(request: Request) -> Response:
    """List those in use: they have no flag (3999)."""
    lists = school_for(request, "attendance-detentions.read").mis.lists
    found = [row for row in lists.of("detention", "attendance") if row.is_active]
    return listing(request, found, record_rows.detention_attendance_code, includes=None)


async def detention_types(request: Request) -> Response:
    """List those in use: they have no flag (4320)."""
    lists, query = school_for(request, "detention-types.read").mis.lists, request.query_params
    found = [
        row
        for row in lists.detention_types.values()
        if row.is_active
        and query.get("frequency_per_month") in (None, row.frequency_id)
        and query.get("employee") in (None, row.employee_id)
        and query.get("room") in (None, row.room.id)
    ]
    found = updated_between(request, found, lambda row: row.updated_at)
    return listing(request, found, record_rows.detention_type, includes=DETENTION_TYPE_INCLUDES)


async def one_detention_type(request: Request) -> Response:
    row = school_for(request, "detention-types.read").mis.lists.detention_types.get(request.path_params["id"])
    if row is None or not row.is_active:
        raise not_found(f"Detention type {request.path_params['id']}")
    entry_of(request).effect = "read"
    return answer({"data": record_rows.detention_type(row)})


async def rooms(request: Request) -> Response:
    found = list(school_for(request, "rooms.read").mis.lists.rooms.values())
    found = updated_between(request, found, lambda row: row.updated_at)
    return listing(request, found, record_rows.room, includes=ROOM_INCLUDES)


async def one_room(request: Request) -> Response:
    row = school_for(request, "rooms.read").mis.lists.rooms.get(request.path_params["id"])
    if row is None:
        raise not_found(f"Room {request.path_params['id']}")
    entry_of(request).effect = "read"
    return answer({"data": record_rows.room(row)})


async def events(request: Request) -> Response:
    """List the diary (5562), by when events end and start (5638-5643)."""
    mis = school_for(request, "events.read").mis
    found = [
        event
        for event in events_of(mis.diary, mis.closed_days)
        if is_within(request, "start", datetime.combine(event.first, time()))
        and is_within(request, "end", datetime.combine(event.last, time()))
    ]
    return listing(request, found, record_rows.event, includes=())
