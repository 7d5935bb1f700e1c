"""The OpenAPI entry of the submit endpoint, which is no FastAPI route: request by kind, every answer, examples."""

from typing import Any

from pydantic.json_schema import models_json_schema

from writeback.api.front.errors_doc import error
from writeback.domain.finding import Finding
from writeback.domain.submission.submission import SUBMISSIONS
from writeback_client.models.writebacks import Submitted

_REF = "#/components/schemas/{model}"
_ANSWER_REF = {"$ref": "#/components/schemas/Submitted"}

_FINDING = Finding(
    code="student_not_on_roll",
    message="Pupil A1921160062: not on roll at Hillside",
    hint="Leave the record out, or ask the school to check its roll.",
    pointer="/records/1/student_id",
    record=1,
).as_json()

_PUPIL, _OTHER_PUPIL, _STAFF = "A1921160061", "A1921160062", "A1329183376"
_ABSENCE = {
    "start_at": "2026-01-12T08:00:00",
    "end_at": "2026-01-13T12:00:00",
    "working_days": 1.5,
    "hours": 12,
    "type": "SIC",
    "pay_rate": "F",
    "illness_category": "DIG",
    "absence_code": "A1986776951",
}
_RECORDS: dict[str, dict[str, Any]] = {
    "achievement.create": {
        "students": [
            {"student_id": _PUPIL, "points": 2, "outcome": "TROP", "outcome_date": "2026-01-14"},
            {"student_id": _OTHER_PUPIL, "points": 1},
        ],
        "employee_id": _STAFF,
        "date": "2026-01-12",
        "type": "NYPA",
        "activity": "RE",
        "comment": "Explained it to the class",
    },
    "achievement.update": {"achievement_id": "1811", "students": [{"student_id": _PUPIL, "points": 3}]},
    "achievement.delete": {"achievement_id": "A1849765024"},
    "behaviour.create": {
        "students": [
            {"student_id": _PUPIL, "points": 2, "role": "AG", "outcome": "COOL", "outcome_date": "2026-01-12"},
            {"student_id": _OTHER_PUPIL, "points": 0, "role": "TA"},
        ],
        "employee_id": _STAFF,
        "date": "2026-01-12",
        "type": "BULL",
        "bullying_type": "B_INT",
        "status": "REV2",
        "activity": "RE",
        "location": "CORR",
        "time": "LUN",
        "comment": "In the queue",
    },
    "behaviour.update": {"behaviour_id": "1812", "status": "RES", "remove_students": [_OTHER_PUPIL]},
    "behaviour.delete": {"behaviour_id": "A1849765025"},
    "detention.create": {
        "type": "AFT",
        "location": "HALL",
        "date": "2026-01-14",
        "start_time": "15:20",
        "end_time": "15:50",
        "supervisor_id": _STAFF,
        "students": [{"student_id": _PUPIL, "attendance": "EXP", "comment": "Biology homework"}],
    },
    "detention.update": {"detention_id": "3467", "location": "LIB", "remove_students": [_PUPIL]},
    "detention.delete": {"detention_id": "A1362597725"},
    "detention_attendance.set": {"detention_id": "A1362597725", "student_id": _PUPIL, "attendance": "ATT"},
    "detention_attendance.delete": {"detention_id": "A1362597725", "student_id": _PUPIL},
    "student_absence.create": {
        "student_id": _PUPIL,
        "start_at": "2026-01-12T10:30:00",
        "event": "sign_in",
        "type": "SIC",
        "reason": "NUR",
        "comment": "Back from the dentist",
    },
    "employee_absence.create": {"employee_id": _STAFF, **_ABSENCE},
    "employee_absence.update": {"absence_id": "A2054198853", **_ABSENCE},
    "employee_absence.delete": {"absence_id": "A2054198853"},
    "xporter.raw": {"operation": "Tags", "body": {"tags": []}},
}
_BODIES: dict[str, dict[str, Any]] = {
    "attendance.session": {
        "kind": "attendance.session",
        "ref": "7B-2026-01-12-AM",
        "records": [
            {"student_id": "A1921160061", "date": "2026-01-12", "session": "AM", "code": "/"},
            {"student_id": "A1921160062", "date": "2026-01-12", "session": "AM", "code": "L", "minutes_late": 7},
        ],
    },
    "attendance.lesson": {
        "kind": "attendance.lesson",
        "on_invalid": "skip",
        "records": [{"student_id": "A1921160061", "lesson_id": "A1329183376", "code": "/", "date": "2026-01-12"}],
    },
    **{kind: {"kind": kind, "records": [record]} for kind, record in _RECORDS.items()},
}


def schemas() -> dict[str, Any]:
    """Return the component schemas of every kind's submission and of the answer."""
    models = [(model, "validation") for model in SUBMISSIONS.values()]
    _, definitions = models_json_schema([*models, (Submitted, "serialization")], ref_template=_REF)  # type: ignore[list-item] # mypy widens the literal
    found: dict[str, Any] = definitions["$defs"]
    return found


def operation() -> dict[str, Any]:
    """Return the operation object."""
    return {
        "tags": ["writebacks"],
        "summary": "Submit a writeback",
        "description": (
            "Validates the records against the school's lists and what its MIS takes, keeps the writeback, and "
            "answers 202 once it is durable. Needs the scope `submit`; records that name people by UPN, number or "
            "name, `student: {…}` in the place of `student_id`, need `find` too."
        ),
        "operationId": "submit_writeback",
        "parameters": _parameters(),
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": _request(), "examples": _named()}},
        },
        "responses": _responses(),
    }


def _request() -> dict[str, Any]:
    refs = {kind: _REF.format(model=model.__name__) for kind, model in SUBMISSIONS.items()}
    return {
        "oneOf": [{"$ref": ref} for ref in refs.values()],
        "discriminator": {"propertyName": "kind", "mapping": refs},
    }


def _named() -> dict[str, Any]:
    return {kind: {"summary": kind, "value": body} for kind, body in _BODIES.items()}


def _parameters() -> list[dict[str, Any]]:
    text = {"type": "string"}
    return [
        {"name": "school", "in": "path", "required": True, "schema": text, "description": "The school's id."},
        {
            "name": "dry_run",
            "in": "query",
            "required": False,
            "schema": {"type": "boolean", "default": False},
            "description": "Only validate; nothing is kept.",
        },
        {
            "name": "Idempotency-Key",
            "in": "header",
            "required": False,
            "schema": {**text, "minLength": 1, "maxLength": 255},
            "description": "The same key and body replay the first answer; another body is answered with 409. "
            "Without a key an incident, detention or absence that comes again within minutes is kept once more, with "
            "the warning accepted_before.",
        },
    ]


def _responses() -> dict[str, Any]:
    refused = error(
        422, code="submission_invalid", detail="1 of 2 records cannot be sent", findings=[_FINDING], more_findings=0
    )
    busy = error(503, hint="Send it again in 2 seconds.")
    reused = error(409, code="idempotency_key_reused", detail="this Idempotency-Key was used for another body")
    return {
        "200": {
            "description": "A dry run: what would have become of it.",
            "content": {"application/json": {"schema": _ANSWER_REF, "example": _answer(is_kept=False)}},
        },
        "202": {
            "description": "Kept. It will be sent, and nothing can lose it.",
            "headers": {
                "Location": {"schema": {"type": "string"}, "description": "Where to ask how far it is."},
                "Idempotent-Replayed": {
                    "schema": {"type": "string", "enum": ["true"]},
                    "description": "There when this is the answer to an earlier call with the same Idempotency-Key.",
                },
            },
            "content": {"application/json": {"schema": _ANSWER_REF, "example": _answer(is_kept=True)}},
        },
        **{str(status): error(status) for status in (400, 401, 403, 404, 413, 415)},
        "409": reused,
        "422": refused,
        "503": busy,
    }


def _answer(*, is_kept: bool) -> dict[str, Any]:
    good = "queued" if is_kept else "valid"
    return {
        "id": "wb_01kexampleexampleexample00" if is_kept else None,
        "status": good,
        "school": "hillside",
        "mode": "live",
        "kind": "attendance.session",
        "ref": "7B-2026-01-12-AM",
        "created_at": "2026-01-12T09:00:00Z" if is_kept else None,
        "findings": [],
        "more_findings": 0,
        "records": [
            {"index": 0, "ref": None, "status": good, "findings": []},
            {"index": 1, "ref": None, "status": good, "findings": []},
        ],
    }
