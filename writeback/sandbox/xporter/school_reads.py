"""Xporter's reads about the school itself: SchoolInfo (6794) and Groups (5112) with their members."""

from starlette.requests import Request
from starlette.responses import Response

from writeback.sandbox.mis.timetable import Group
from writeback.sandbox.xporter.access import is_set, parameters, school_for
from writeback.sandbox.xporter.tables import Row, stamp, tables


async def school_info(request: Request) -> Response:
    """Answer the table `SchoolInfo`, of one row."""
    school = school_for(request, "School")
    row = {
        "Id": 1,
        "Name": school.name,
        "Head": "A Example",
        "MainContact": "Mx A Example",
        "Telephone": "01632960000",
        "Web": "www.school.example",
        "Email": "office@school.example",
        "DeniNo": None,
        "Governance": "Community",
        "Phase": "Secondary",
        "ExamCentre": None,
        "Address": "1 School Lane, London",
        "EstabId": school.id,
    }
    return tables(request, {"SchoolInfo": [row]})


async def groups(request: Request) -> Response:
    """Answer the table `Groups`, and the members that are asked for: registration groups, which are taught together."""
    school, given = school_for(request, "School"), parameters(request)
    only, types = given.get("id"), {one.strip().lower() for one in given.get("type", "").split(",") if one.strip()}
    code = given.get("code")
    found = [
        group
        for group in school.mis.timetable.groups
        if only in (None, "", group.id) and code in (None, "", group.name) and (not types or "reggrp" in types)
    ]
    at = stamp(school.created_at)
    with_ids = is_set(given, "includeMembersIds")
    body: dict[str, list[Row]] = {"Groups": [_group(row, at, with_ids) for row in found]}
    if is_set(given, "includeStudentMembers"):
        body["StudentMembers"] = [
            {"Id": f"{row.id}.{one}", "GroupId": int(row.id), "StudentId": int(one), "LastUpdated": at}
            for row in found
            for one in row.student_ids
        ]
    if is_set(given, "includeStaffMembers"):
        body["StaffMembers"] = [
            {"Id": f"{row.id}.{row.tutor_id}", "GroupId": int(row.id), "StaffId": int(row.tutor_id), "LastUpdated": at}
            for row in found
        ]
    return tables(request, body)


def _group(row: Group, at: str, with_ids: bool) -> Row:
    columns = {"Id": int(row.id), "Type": "RegGrp", "Code": row.name, "Name": row.name, "LastUpdated": at}
    return columns | ({"StudentIds": ",".join(row.student_ids), "StaffIds": row.tutor_id} if with_ids else {})
