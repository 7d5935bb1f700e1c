"""What is left of a writeback: texts are cut out of records wherever they are; only status and evidence are kept."""

import json
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from writeback.domain.finding import Finding
from writeback.domain.kept import TEXTS, bare_progress, no_records, without_texts
from writeback.domain.kinds import KINDS, parse_records
from writeback.domain.kinds.base import Comment, Part
from writeback.domain.writeback import RecordProgress, RecordStatus, pack_progress, unpack_progress

RECORDS = [
    {"student_id": "A1", "comment": "at the dentist", "participants": [{"student_id": "A2", "comment": "with him"}]},
    None,
    {"student_id": "A3", "media": [{"name": "photo.jpg", "data": "aGk="}], "statutory_comment": "ill"},
]


def test_texts_go_wherever_they_are_and_nothing_else_does() -> None:
    assert json.loads(without_texts(json.dumps(RECORDS)) or "") == [
        {"student_id": "A1", "participants": [{"student_id": "A2"}]},
        None,
        {"student_id": "A3"},
    ]


@pytest.mark.parametrize(
    "records", [[{"student_id": "A1"}], [{"ref": "comment", "media": []}], [{"comment": None}], [{"ref": '"comment"'}]]
)
def test_records_without_texts_stay_as_they_are(records: list[Any]) -> None:
    assert without_texts(json.dumps(records)) is None


def _fields_of(model: type[BaseModel]) -> dict[str, Any]:
    return {name: (field.annotation, field.metadata) for name, field in model.model_fields.items()}


def _says(field: tuple[Any, Any]) -> str:
    return repr(field)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_field_of_a_kind_that_takes_free_text_or_files_is_one_of_them(kind: str) -> None:
    pattern = get_args(Comment)[1].pattern
    takes_text = {
        name
        for name, field in _fields_of(KINDS[kind].record).items()
        if repr(pattern) in _says(field) or any(_is_a_file(one) for one in get_args(field[0]))
    }

    assert takes_text <= TEXTS


def _is_a_file(one: Any) -> bool:
    return isinstance(one, type) and issubclass(one, Part) and "media_type" in one.model_fields


def test_a_kind_with_texts_is_seen_as_one() -> None:
    pattern = get_args(Comment)[1].pattern

    assert repr(pattern) in _says(_fields_of(KINDS["attendance.session"].record)["comment"])
    assert any(_is_a_file(one) for one in get_args(_fields_of(KINDS["behaviour.create"].record)["media"][0]))


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_records_of_which_nothing_is_kept_can_be_read(kind: str) -> None:
    assert list(parse_records(kind, no_records(3))) == [None, None, None]


def test_of_progress_status_and_evidence_are_kept() -> None:
    finding = Finding("student_not_on_roll", "Zoe is not on roll.", "Ask Zoe.")
    progress = [
        RecordProgress(RecordStatus.CONFIRMED, evidence="webhook", mis_ids=("77",)),
        RecordProgress(RecordStatus.FAILED).with_findings([finding]),
        RecordProgress(RecordStatus.FAILED, mis_holds="N", near=({"mis_id": "8"},)),
    ]

    assert unpack_progress(bare_progress(pack_progress(progress), 3), 3) == [
        RecordProgress(RecordStatus.CONFIRMED, evidence="webhook"),
        RecordProgress(RecordStatus.FAILED),
        RecordProgress(RecordStatus.FAILED),
    ]
