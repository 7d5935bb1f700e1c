"""What the rules say waits for a list is what the adapters cannot build without it."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import pytest

from tests.unit.validators.test_examples import ACCEPTED, read, school_of, view_of
from validators import validate
from writeback.domain.kinds import Kind, Record
from writeback.domain.lookups import ListName, LookupView
from writeback.domain.submission.submission import parse_submission
from writeback.providers.base import ListsMissing
from writeback.providers.wonde import payloads as wonde
from writeback.providers.xporter import payloads as xporter

Build = Callable[[Kind, Sequence[Record], LookupView], object]
BUILDS: dict[str, Build] = {
    "wonde": partial(wonde.build, school_id="A77"),
    "xporter": partial(xporter.build, path="/", callback_url="https://example.com"),
}
CLEAN = [path for path in ACCEPTED if not read(path).get("warnings") and not read(path).get("lookups")]


@pytest.mark.parametrize("path", CLEAN, ids=lambda path: f"{path.parts[-3]}-{path.stem}")
def test_what_is_said_to_wait_for_its_list_cannot_be_built_without_it_and_all_else_can(path) -> None:
    example = read(path)
    school = school_of(example)
    parsed = parse_submission(json.dumps(example["body"]).encode(), max_records=10)
    for name in ListName:
        view = replace(view_of(example), **{name.value: None})
        found = validate(parsed.kind, parsed.records[:1], school, view)
        if any(finding.is_error for finding in found):
            continue  # it is refused
        says_that_it_waits = any("The records wait until" in finding.hint for finding in found)

        assert says_that_it_waits == _waits(BUILDS[school.provider], parsed.kind, parsed.records[:1], view)


def _waits(build: Build, kind: Kind, records: Sequence[Record], view: LookupView) -> bool:
    try:
        build(kind, records, view)
    except ListsMissing:
        return True
    return False
