"""Each provider's schemas hold for the examples beside them, found by themselves; every schema has examples."""

import json
from pathlib import Path

import pytest

import schemas

EXAMPLES = Path(__file__).parents[2] / "examples"
PROVIDERS = ("wonde", "xporter")
NAMES = [name for name in schemas.names() if name.startswith(PROVIDERS)]


def examples(verdict: str) -> list[Path]:
    return sorted(path for provider in PROVIDERS for path in (EXAMPLES / provider).glob(f"*/{verdict}/*.json"))


def label(path: Path) -> str:
    return path.relative_to(EXAMPLES).as_posix()


def errors(path: Path) -> list[str]:
    name = path.parents[1].relative_to(EXAMPLES).as_posix()
    return [error.message for error in schemas.validator(name).iter_errors(json.loads(path.read_text("utf-8")))]


@pytest.mark.parametrize("path", examples("accepts"), ids=label)
def test_what_is_to_be_accepted_is(path: Path) -> None:
    assert errors(path) == []


@pytest.mark.parametrize("path", examples("refuses"), ids=label)
def test_what_is_to_be_refused_is(path: Path) -> None:
    assert errors(path) != []


@pytest.mark.parametrize("name", NAMES)
def test_every_schema_has_examples_of_both(name: str) -> None:
    folders = {verdict: list((EXAMPLES / name / verdict).glob("*.json")) for verdict in ("accepts", "refuses")}
    assert all(folders.values()), folders


@pytest.mark.parametrize("name", NAMES)
def test_every_schema_names_itself_and_its_source(name: str) -> None:
    schema = schemas.load(name)
    assert schema["$id"] == f"urn:writeback:schema:{name}"
    assert schema["title"]
    assert schema["description"]
