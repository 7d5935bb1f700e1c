"""Examples of batches, for the API's documentation."""

_FINDING = {
    "code": "file_uploaded_before",
    "severity": "warning",
    "pointer": "",
    "record": None,
    "message": "The same file was uploaded at 2026-01-12T08:55:00Z as bat_01kbn5h2…",
    "hint": "If that was not meant, look at what became of the first.",
    "provider_message": None,
}
ANSWER_EXAMPLE = {
    "id": "bat_01kbn5h2m0000000000000000",
    "status": "reading",
    "school": "hillside",
    "kind": "attendance.session",
    "dry_run": False,
    "format": "csv",
    "file_name": "marks.csv",
    "size": 214_311,
    "findings": [_FINDING],
    "created_at": "2026-01-12T09:00:00Z",
}
BATCH_EXAMPLE = {
    "id": "bat_01kbn5h2m0000000000000000",
    "status": "delivering",
    "app": "app_registers",
    "school": "hillside",
    "kind": "attendance.session",
    "dry_run": False,
    "file_name": "marks.csv",
    "size": 214_311,
    "format": "csv",
    "file": {
        "format": "csv",
        "encoding": "windows-1252",
        "delimiter": ";",
        "header_row": 1,
        "columns": {"Pupil ID": "student_id", "Date": "date", "Session": "session", "Mark": "code"},
        "date_order": "dmy",
    },
    "rows": {"read": 5_000, "good": 4_960, "bad": 40, "queued": 4_960},
    "writebacks": {
        "total": 6,
        "waiting": 2,
        "confirmed": 4,
        "failed": 0,
        "needs_attention": 0,
        "by_status": {"confirmed": 4, "sent": 1, "queued": 1},
    },
    "problems": [
        {
            "code": "student_not_on_roll",
            "severity": "error",
            "count": 40,
            "row": 17,
            "message": "Pupil A1921160062: not on roll at Hillside",
            "hint": "Leave the record out, or ask the school to check its roll.",
        }
    ],
    "findings": [],
    "errors": "/v1/batches/bat_01kbn5h2m0000000000000000/errors.csv",
    "created_at": "2026-01-12T09:00:00Z",
    "updated_at": "2026-01-12T09:00:04Z",
    "finished_at": "2026-01-12T09:00:04Z",
}
