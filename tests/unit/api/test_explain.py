"""Every code that a problem may carry has a page: found by reading the source, so that none is forgotten."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import writeback
from validators import CATALOGUE
from writeback.api.service.explain import explanation_of, page_of
from writeback.core import errors

SOURCE = Path(writeback.__file__).parent
PROBLEMS = {
    name for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, errors.Problem)
} | {"HeadersTooLarge", "MethodNotAllowed", "TimedOut", "UnsupportedMediaType"}


def _codes() -> Iterator[tuple[str, str]]:
    for path in SOURCE.rglob("*.py"):
        if any(path.is_relative_to(SOURCE / room) for room in ("sandbox", "console")):
            continue  # the sandbox has its providers' words, the console's errors are pages themselves
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in PROBLEMS:
                first = node.args[0] if node.args else None
                if isinstance(first, ast.Constant) and isinstance(first.value, str):
                    yield first.value, f"{path.name}:{node.lineno}"


def test_every_code_in_the_source_is_explained() -> None:
    found = dict(_codes())

    assert len(found) > 20
    assert {code: place for code, place in found.items() if explanation_of(code) is None} == {}


@pytest.mark.parametrize("code", CATALOGUE)
def test_every_finding_is_explained_with_what_to_do(code: str) -> None:
    explanation = explanation_of(code)

    assert explanation is not None
    assert explanation.meaning
    assert explanation.remedy


def test_a_page_shows_the_providers_own_words_and_escapes_them() -> None:
    explanation = explanation_of("student_not_on_roll")
    assert explanation is not None

    page = page_of(explanation)

    assert "Invalid StudentId" in page
    assert "Xporter 14052" in page
    assert "<script" not in page
