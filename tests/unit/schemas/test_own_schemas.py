"""Our own schemas are what the models say, and hold for what we write."""

import tomllib
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

import schemas
from schemas import generate
from validators.features import RULES_DIR
from validators.findings import CATALOGUE, make
from writeback.domain.kinds import KINDS
from writeback_client.models.base import Finding


def test_the_committed_schemas_are_what_the_models_say() -> None:
    assert generate.drifted() == [], "run `python -m schemas.generate` and commit what it writes"


@pytest.mark.parametrize("name", schemas.names())
def test_every_schema_is_a_sound_2020_12_schema(name: str) -> None:
    schema = schemas.load(name)

    Draft202012Validator.check_schema(schema)

    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_every_kind_has_its_schema() -> None:
    assert {f"writebacks/{kind}" for kind in KINDS} <= set(schemas.names())


def test_an_unknown_name_is_answered_with_those_that_there_are() -> None:
    with pytest.raises(KeyError, match=r"there is no schema nothing: use one of .*event"):
        schemas.load("nothing")


@pytest.mark.parametrize("path", sorted(RULES_DIR.glob("*.toml")), ids=lambda path: path.name)
def test_every_rule_file_matches_its_schema(path: Path) -> None:
    content = tomllib.loads(path.read_text(encoding="utf-8"))

    assert [error.message for error in schemas.validator("rule").iter_errors(content)] == []


def test_the_schema_of_rules_refuses_an_unknown_key() -> None:
    errors = schemas.validator("rule").iter_errors({"provider": "p", "name": "P", "rules": [], "colour": 1})

    assert [error.validator for error in errors] == ["additionalProperties"]


def test_dates_are_checked() -> None:
    record = {"student_id": "A1", "date": "2031-02-30", "session": "AM", "code": "/"}
    body = {"kind": "attendance.session", "records": [record]}

    errors = schemas.validator("writebacks/attendance.session").iter_errors(body)

    assert [error.validator for error in errors] == ["format"]


def test_the_model_of_a_finding_is_what_the_api_shows() -> None:
    finding = make("comment_emoji", {"field": "comment", "emoji": "U+1F600", "provider": "Wonde"}, provider="wonde")

    assert Finding.model_validate(finding.as_json(), strict=False).code in CATALOGUE
    assert finding.as_json().keys() == Finding.model_fields.keys()


def test_checking_says_what_is_out_of_date_and_writing_mends_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(generate, "ROOT", tmp_path)

    assert generate.main(["--check"]) == 1
    assert "schemas/event.json is out of date" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []
    assert generate.main([]) == 0
    assert generate.main(["--check"]) == 0
