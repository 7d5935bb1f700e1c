"""Every attribute that a table of the documents lists for a request is sent, and no other (docs/coverage)."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.documents.table import Section, documents
from tests.unit.providers.conftest import WONDE_SAMPLES
from writeback.domain.kinds import KINDS
from writeback.domain.lookups import LookupView
from writeback.providers.wonde.payloads import build as build_for_wonde
from writeback.providers.xporter.payloads import build as build_for_xporter

REQUESTS = [
    (document.name, section)
    for document in documents()
    for section in document.sections
    if section.kind is not None and section.table is not None
]
_LATE = {"minutes_late": 5, "comment": "Missed the bus", "employee_id": "A50"}
# What a sample of the kind leaves out.
_WONDE_BESIDES: Mapping[str, Mapping[str, Any]] = {
    "attendance.session": _LATE,
    "attendance.lesson": _LATE,
    "behaviour.create": {"lesson_id": "A900"},
    "employee_absence.update": {"absence_code": "A605", "illness_category": "DIG", "comment": "Called at seven"},
}
_XPORTER_DETENTION = {
    "type": "SLTD",
    "location": "HALL",
    "date": "2026-01-12",
    "start_time": "15:20",
    "end_time": "15:50",
    "supervisor_id": "23",
    "recorded_date": "2026-01-12",
    "recorded_by_id": "23",
    "staff_ids": ["24"],
    "students": [
        {
            "student_id": "9919",
            "reason": "LI",
            "attendance": "ATT",
            "non_attendance_reason": "Personal errand",
            "behaviour_id": "1",
            "recorded_by_id": "1",
            "comment": "Biology homework",
        }
    ],
}
XPORTER_SAMPLES: Mapping[str, Mapping[str, Any]] = {
    "attendance.session": {
        "student_id": "9919",
        "date": "2026-01-12",
        "session": "PM",
        "code": "L",
        "minutes_late": 5,
        "comment": "Missed the bus",
        "statutory_comment": "Referral order",
    },
    "attendance.lesson": {"student_id": "9919", "lesson_id": "44905", "code": "L"},
    "achievement.create": {
        "employee_id": "1",
        "date": "2026-01-12",
        "type": "NYPA",
        "activity": "RE",
        "comment": "Solo",
        "students": [{"student_id": "9919", "points": 10, "outcome": "COM"}],
        "staff": [{"employee_id": "2", "role": "WIT"}],
        "media": [
            {
                "file_name": "small_tick.png",
                "media_type": "png",
                "description": "Example image",
                "taken_at": "2026-01-12T12:00:00",
                "content": "iVBORw0KGgo=",
            }
        ],
    },
    "detention.create": _XPORTER_DETENTION,
    "detention.update": {**_XPORTER_DETENTION, "detention_id": "3467"},
}
NOT_IN_THE_TABLE = {"employee_absence.update": {"illness_category"}}
"""What is in a document's example and in no row of its table (Wonde 5373, 5391)."""


@pytest.fixture
def sent_to(wonde_lookups: LookupView, xporter_lookups: LookupView) -> Any:
    def sent(provider: str, section: Section) -> set[str]:
        """Return the names of everything in a full request."""
        kind = section.kind or ""
        if provider == "wonde":
            record = KINDS[kind].record.model_validate({**WONDE_SAMPLES[kind], **_WONDE_BESIDES.get(kind, {})})
            body = build_for_wonde(KINDS[kind], [record], wonde_lookups, school_id="A77").body
            return set(_of_wonde(body))
        (part,) = re.findall(r"`(\w+)`", section.title)
        kinds = [kind, "detention.update"] if kind == "detention.create" else [kind]
        return {name for one in kinds for entry in _xporter_body(one, xporter_lookups)[part] for name in entry}

    return sent


def _xporter_body(kind: str, lookups: LookupView) -> Mapping[str, Any]:
    record = KINDS[kind].record.model_validate(XPORTER_SAMPLES[kind])
    return build_for_xporter(KINDS[kind], [record], lookups, path="/a", callback_url="https://writeback.example/").body


def _of_wonde(body: Mapping[str, Any]) -> Iterator[str]:
    """Yield the attributes of the one entry, those of what it holds as the document writes them: `a > b`."""
    values = list(body.values())
    entry = values[0][0] if len(values) == 1 else body
    for name, value in entry.items():
        yield name
        if isinstance(value, list):
            yield from (f"{name} > {inner}" for row in value for inner in row)


@pytest.mark.parametrize(
    ("provider", "section", "name"),
    [(provider, section, name) for provider, section in REQUESTS for name in section.names],
    ids=lambda value: value.title.replace(" ", "_") if isinstance(value, Section) else value,
)
def test_each_documented_field_of_a_request_is_sent(provider: str, section: Section, name: str, sent_to: Any) -> None:
    assert name in sent_to(provider, section)


@pytest.mark.parametrize(
    ("provider", "section"),
    REQUESTS,
    ids=lambda value: value.title.replace(" ", "_") if isinstance(value, Section) else value,
)
def test_nothing_is_sent_that_no_document_lists(provider: str, section: Section, sent_to: Any) -> None:
    others = sent_to(provider, section) - set(section.names)

    assert others == NOT_IN_THE_TABLE.get(section.kind or "", set())
