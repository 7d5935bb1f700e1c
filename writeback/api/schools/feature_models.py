"""An example of what a school takes, for the API's documentation."""

EXAMPLE = {
    "school": "hillside",
    "provider": "wonde",
    "mis": "Bromcom",
    "kinds": {
        "attendance.session": {
            "kind": "attendance.session",
            "action": "set",
            "noun": "mark",
            "supported": True,
            "reason": "",
            "is_overridden": False,
            "permission": {
                "name": "attendance-session.write",
                "spelling": "assumed",
                "state": "missing",
                "ask": "Ask Hillside to grant attendance-session.write in Wonde.",
            },
            "readable": True,
            "why_unreadable": "",
            "required": ["employee_id"],
            "forbidden": [],
            "ignored": [],
            "fields": [
                {
                    "name": "code",
                    "path": "code",
                    "type": "string",
                    "use": "needed",
                    "max_length": 64,
                    "emoji": True,
                    "help": "",
                    "choices": [{"id": "A1", "code": "/", "description": "Present AM"}],
                    "choices_of": "attendance_codes",
                    "choices_left_out": 0,
                    "fields": [],
                }
            ],
            "notes": "",
            "source": "Wonde 2175",
        }
    },
}
