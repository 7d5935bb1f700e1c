"""The OpenAPI entries of the drop-in endpoints: every call with an example of its body, every answer, errors in the
endpoint's own shape.

The bodies are the providers' own, so their schemas stand in the providers' documents and in `schemas/wonde/`,
`schemas/xporter/`.
"""

from collections.abc import Mapping
from typing import Any

from writeback.api.dropin import docs_of_reads
from writeback.api.dropin.wonde_fields import OPERATIONS as WONDE
from writeback.api.dropin.wonde_fields import Operation
from writeback.api.dropin.xporter import OPERATIONS as XPORTER

_PUPIL, _STAFF, _ID = "A1849765024", "A1329183376", "A1161584171"
_INCIDENT = {"employee_id": _STAFF, "date": "2026-01-12", "type": "NYPA", "comment": "Explained it to the class"}
_ATTENDEE = {"student_id": _PUPIL, "detention_attendance_code_id": _ID, "comments": None}
_ABSENCE = {
    "start_at": "2026-01-12 08:00:00",
    "end_at": "2026-01-13 12:00:00",
    "working_days": "1.5",
    "number_of_hours": "12",
    "absence_type": "sic",
    "authorised_pay_rate": "f",
    "absence_note": None,
}
_MARK = {"student_id": _PUPIL, "attendance_code_id": _STAFF}
_WONDE_BODIES: Mapping[str, Any] = {
    "attendance.session": {"attendance": [{**_MARK, "date": "2026-01-12", "session": "AM"}]},
    "attendance.lesson": {"attendance": [{**_MARK, "lesson_id": "A1052845378"}]},
    "achievement.create": {"students": [{"student_id": _PUPIL, "points": 2, "award": "TROP"}], **_INCIDENT},
    "behaviour.create": {
        "students": [{"student_id": _PUPIL, "points": 2, "role": "AG"}],
        **_INCIDENT,
        "status": "REV2",
    },
    "detention.create": {
        "detention": [
            {
                "detention_type_id": "A1362597725",
                "room_id": "A259582724",
                "start_at": "2026-01-12 12:30:00",
                "end_at": "2026-01-12 13:00:00",
                "attendees": [_ATTENDEE],
            }
        ]
    },
    "detention_attendance.set": {"attendance": [{"detention_id": "A1410636307", **_ATTENDEE}]},
    "student_absence.create": {
        "absence": [
            {
                "student_id": _PUPIL,
                "start_at": "2026-01-12 08:00:00",
                "event_type": "sign in",
                "absence_type": "Sickness",
            }
        ]
    },
    "employee_absence.create": {"employee_absence": [{"employee_id": _STAFF, **_ABSENCE}]},
    "employee_absence.update": _ABSENCE,
}
_CALLBACK = {"Method": "POST", "Url": "https://app.example/callback?id=7&estab=3281102"}
_CONDUCT = {
    "Conducts": [
        {"Id": 1, "IncidentType": "Ach", "RecordedById": 1, "EntryDate": "2026-01-12", "TypeId": 4, "Note": "Well done"}
    ],
    "Participants": [{"ConductId": 1, "Points": 10, "StudentId": 9919}],
    "Callback": _CALLBACK,
}
_MARKS = {
    "Marks": [{"StudentId": "9919", "MarkType": "S", "Date": "2026-01-12", "Session": "AM", "Mark": "/"}],
    "Callback": _CALLBACK,
}
_XPORTER_BODIES: Mapping[str, Any] = {
    "Attendance": _MARKS,
    "AttendanceAsync": _MARKS,
    "Conduct": _CONDUCT,
    "ConductAsync": _CONDUCT,
    "DetentionAsync": {
        "Detentions": [{"Id": 1, "DetentionTypeId": "24", "LocationId": "1", "DetentionDate": "2026-01-12"}],
        "DetentionStudents": [{"DetentionId": 1, "StudentId": "9919"}],
        "Callback": _CALLBACK,
    },
}
_TRACKING = "20260112090000.66a1289c-5186-4448-9847-ccdd28054230"
_ENVELOPE = {"Message": None, "ExceptionType": None, "ExceptionMessage": None, "InnerException": None}
_WONDE_ERRORS = {
    400: ("bad_request", "The body is not JSON."),
    401: ("unauthorized", "API key is invalid."),
    403: ("forbidden", "this key may not touch the school 'A1930499544'"),
    404: ("not_found", "no school 'A1930499544' of wonde is registered"),
    503: ("service_unavailable", "the database cannot be reached"),
}
_KEY_WONDE = "Our key, as `Bearer`, as Basic `token:` in Base64, or as Basic with the raw key."
_KEY_XPORTER = "`Authorization: Idaas …` with our key, or with a token from GetToken."


def paths() -> dict[str, Any]:
    """Return the drop-in endpoints' part of the document's `paths`."""
    found: dict[str, Any] = {}
    for one in WONDE:
        found.setdefault(f"/wonde/v1.0/schools/{{school}}/{one.path}", {})[one.method.lower()] = _wonde(one)
    found["/wonde/v1.0/writebacks/{writeback}"] = {"get": _wonde_status()}
    for path, described in docs_of_reads.wonde_reads().items():
        responses = {**described.pop("responses"), **_wonde_errors()}
        read = {**described, "description": f"{described['description']} {_KEY_WONDE}", "responses": responses}
        found.setdefault(path, {})["get"] = read
    for path, described in docs_of_reads.xporter_reads().items():
        found[path] = {"get": {**described, "description": f"{described['description']} {_KEY_XPORTER}"}}
    for operation in XPORTER.values():
        found[f"/xporter/api/v1/{operation.name}/{{estab}}"] = {"post": _xporter(operation.name)}
    found["/xporter/idaas/sts/STS/GetToken"] = {"post": _token()}
    return found


def _wonde(one: Operation) -> dict[str, Any]:
    body = _WONDE_BODIES.get(one.kind)
    names = ["school", *(part[1:-1] for part in one.path.split("/") if part.startswith("{"))]
    described = {
        "operationId": f"wonde_{one.kind.replace('.', '_')}",
        "summary": f"{one.kind} as Wonde takes it",
        "description": f"Accepts, validates and queues what Wonde would take at this path. {_KEY_WONDE}",
        "tags": ["Wonde drop-in"],
        "parameters": [*map(_in_path, names), _IDEMPOTENCY_KEY],
        "responses": {
            "200": _json("It is kept, and goes to the MIS.", {"writeback_id": "A180024531180024531"}),
            "422": _json(
                "What is wrong, by field; nothing was kept.",
                {"attendance.0.student_id": ["Pupil A1849765024: not on roll at Hillside. Leave the record out."]},
            ),
            **_wonde_errors(),
        },
    }
    return described if body is None else {**described, "requestBody": _body(body)}


def _wonde_status() -> dict[str, Any]:
    moment = {"date": "2026-01-12 09:00:00.000000", "timezone_type": 3, "timezone": "UTC"}
    example = {
        "id": "A180024531180024531",
        "type": "ATTENDANCE",
        "status": "SUCCESS",
        "last_attempt": "2026-01-12 09:00:01",
        "next_attempt": None,
        "created_at": moment,
        "updated_at": moment,
    }
    return {
        "operationId": "wonde_writeback",
        "summary": "How a writeback is doing, as Wonde tells it",
        "description": "SUCCESS and FAILED are ends, PENDING is none; a failed one has `errors` by field. "
        + _KEY_WONDE,
        "tags": ["Wonde drop-in"],
        "parameters": [_in_path("writeback")],
        "responses": {"200": _json("The writeback.", {"data": example}), **_wonde_errors()},
    }


def _wonde_errors() -> dict[str, Any]:
    return {
        str(status): _json(error, {"error": error, "message": message})
        for status, (error, message) in _WONDE_ERRORS.items()
    }


def _xporter(name: str) -> dict[str, Any]:
    tracking = [{"trackingid": _TRACKING, "errorquery": f"Writeback.{name}_OnError"}]
    taken = {"TrackingId": _TRACKING, "DataSet": {"trackingid": tracking}, **_ENVELOPE, "Message": "success"}
    refused = {
        **_ENVELOPE,
        "ExceptionType": "ValidationException",
        "ExceptionMessage": "Invalid StudentId: 9919",
    }
    return {
        "operationId": f"xporter_{name}",
        "summary": f"{name} as Xporter takes it",
        "description": "Accepts, validates and queues what Xporter would take. Errors come as HTTP 200 with an "
        f"ExceptionMessage, unless the query has `httpstatuscodes=true`. {_KEY_XPORTER}",
        "tags": ["Xporter drop-in"],
        "parameters": [_in_path("estab"), _STATUS_CODES, _IDEMPOTENCY_KEY],
        "requestBody": _body(_XPORTER_BODIES[name]),
        "responses": {
            "200": _examples("It is kept, or it says why not.", {"taken": taken, "refused": refused}),
            "503": _json("Too busy.", {**_ENVELOPE, "ExceptionType": "Exception", "ExceptionMessage": "too busy"}),
        },
    }


def _token() -> dict[str, Any]:
    granted = {"token": "gAAAAAB…", "expires": "2026-01-12T21:00:00.000000Z", **_ENVELOPE}
    refused = {
        "token": None,
        "expires": "0001-01-01T00:00:00",
        **_ENVELOPE,
        "ExceptionMessage": "Relying Party not found for estab or secret not correct",
    }
    asked = {"estab": "3281102", "relyingParty": "app.example", "password": "wbk_…", "thirdpartyid": "XporterOnDemand"}
    return {
        "operationId": "xporter_GetToken",
        "summary": "A token for one school, as Xporter's STS gives it",
        "description": "The password is our key. JSON or a form; names in any letter case.",
        "tags": ["Xporter drop-in"],
        "requestBody": _body(asked),
        "responses": {"200": _examples("A token, or why there is none.", {"granted": granted, "refused": refused})},
    }


def _in_path(name: str) -> dict[str, Any]:
    about = "The provider's id of the school, or ours." if name in ("school", "estab") else "As the provider has it."
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string"}, "description": about}


def _in(place: str, name: str, description: str) -> dict[str, Any]:
    return {"name": name, "in": place, "schema": {"type": "string"}, "description": description}


_IDEMPOTENCY_KEY = _in("header", "Idempotency-Key", "The same key and body give the same answer, and nothing new.")
_STATUS_CODES = _in("query", "httpstatuscodes", "`true`: errors have HTTP statuses of their own.")


def _body(example: Any) -> dict[str, Any]:
    return {
        "required": True,
        "content": {"application/json": {"schema": {"type": "object"}, "example": example}},
    }


def _json(description: str, example: Any) -> dict[str, Any]:
    content = {"application/json": {"schema": {"type": "object"}, "example": example}}
    return {"description": description, "content": content}


def _examples(description: str, examples: Mapping[str, Any]) -> dict[str, Any]:
    named = {name: {"value": value} for name, value in examples.items()}
    return {
        "description": description,
        "content": {"application/json": {"schema": {"type": "object"}, "examples": named}},
    }
