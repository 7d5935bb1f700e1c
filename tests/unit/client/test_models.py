"""The shapes that service and client share: both read them, and schemas say what the service sends."""

from typing import Any

import pytest
from pydantic import BaseModel

from writeback_client.models import access, base, corrections, features, schools, webhooks, writebacks

NAMES = {"id": "wb_1", "school": "hillside", "kind": "attendance.session"}
TIMES = {"created_at": "2026-01-12T09:00:00Z", "updated_at": "2026-01-12T09:00:00Z"}


def _schema(model: type[BaseModel]) -> dict[str, Any]:
    return model.model_json_schema(mode="serialization")


@pytest.mark.parametrize(("word", "kind"), [("confirmed", "Status"), ("paused", "str")])
def test_a_known_status_is_one_and_another_stays_a_word(word: str, kind: str) -> None:
    given = writebacks.Writeback(**NAMES, **TIMES, status=word)

    for found in (given, writebacks.Writeback.model_validate_json(given.model_dump_json())):
        assert type(found.status).__name__ == kind
        assert found.status == word


def test_results_cannot_be_changed() -> None:
    found = writebacks.Writeback(**NAMES, **TIMES, status="queued")

    with pytest.raises(ValueError, match="frozen"):
        found.status = "confirmed"  # type: ignore[misc] # what a user may try


def test_fields_of_an_older_service_may_be_missing_and_those_of_a_newer_one_are_kept() -> None:
    older = writebacks.Writeback.model_validate({**NAMES, **TIMES, "status": "queued"})
    newer = writebacks.Writeback.model_validate({**NAMES, **TIMES, "status": "queued", "mood": "good"})

    assert (older.mendings, older.batch_id, older.counts) == ((), None, {})
    assert newer.model_extra == {"mood": "good"}


def test_a_trial_has_no_id_which_is_null_in_json_and_empty_in_the_client() -> None:
    read = corrections.Corrected.model_validate_json(
        '{"id":null,"status":"valid","school":"hillside","kind":"xporter.raw"}'
    )

    assert read.id == ""
    assert read.model_dump(mode="json")["id"] is None
    assert _schema(corrections.Corrected)["properties"]["id"]["anyOf"] == [{"type": "string"}, {"type": "null"}]


@pytest.mark.parametrize(
    "model", [writebacks.Writeback, schools.School, webhooks.Delivery, access.Key, corrections.Report]
)
def test_schemas_say_that_the_service_sends_every_field(model: type[BaseModel]) -> None:
    schema = _schema(model)

    assert set(schema["required"]) == set(model.model_fields)
    assert not any("default" in field for field in schema["properties"].values())


def test_schemas_name_the_words_that_the_service_knows() -> None:
    schema = _schema(writebacks.TimelineEntry)

    assert schema["properties"]["status"]["$ref"] == "#/$defs/Status"
    assert schema["properties"]["event"]["anyOf"] == [{"$ref": "#/$defs/Event"}, {"$ref": "#/$defs/Remark"}]
    assert _schema(features.Permission)["properties"]["state"]["enum"] == ["granted", "missing", "doubtful", "unknown"]


def test_schemas_say_what_stands_below_a_field_where_it_was_described_last() -> None:
    described = _schema(writebacks.Record)["properties"]

    assert described["ref"]["description"] == "The app's own name for it.", "of the base"
    assert described["status"]["description"] == "Where it is.", "of its own"
    assert "additionalProperties" not in _schema(writebacks.Record)
    assert _schema(features.Choice)["additionalProperties"] is True


def test_a_page_is_read_of_whatever_it_is_of() -> None:
    page = base.Page[access.Hook].model_validate_json('{"items":[{"provider":"wonde","url":"https://a.test"}]}')

    assert page.items == (access.Hook(provider="wonde", url="https://a.test"),)
    assert page.next_cursor is None
