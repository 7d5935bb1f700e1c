"""No pattern of ours takes a time that grows faster than the text: texts are chosen by whoever sends them."""

import ast
import importlib
import pkgutil
import re
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import writeback
import writeback_client

_LONG = 10_000
"""Letters of a text: a pattern that looks at each letter once takes less than a millisecond, one that looks at each
pair of them half a second, and one that tries every way to divide it does not end."""
_MOST_S = 0.25
_SKELETONS = (
    "<!---->",
    "<!-- -->",
    "<?a>",
    "a ",
    "0.",
    "a.",
    "a=",
    "a,",
    "1-",
    "/a",
    ". ",
    "'a",
    '"a',
    "a:",
    "a/",
    " \n",
)
"""What patterns are about that have a repetition within a repetition."""
_OF_METHOD = {"match": "match", "fullmatch": "fullmatch"}
"""Whatever else a pattern is used with, it is looked for everywhere in the text."""


class Pattern(NamedTuple):
    """A pattern, and how it is used."""

    compiled: "re.Pattern[Any]"
    methods: Sequence[str]


def _kept() -> Iterator[tuple[str, str, "re.Pattern[Any]"]]:
    """Yield every pattern that a module of ours keeps under a name, with that and the module."""
    for package in (writeback, writeback_client):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if "migrations" in found.name or found.name.endswith("__main__"):
                continue
            for name, value in vars(importlib.import_module(found.name)).items():
                for one in _patterns_in(value):
                    yield name, found.name, one


def _patterns_in(value: Any) -> Iterator["re.Pattern[Any]"]:
    """Yield those that a value is, or has: lists and objects of them too."""
    match value:
        case re.Pattern():
            yield value
        case dict():
            yield from _patterns_in(list(value.values()))
        case list() | tuple() | frozenset():
            for one in value:
                yield from _patterns_in(one)


def _written(names: Iterable[str]) -> tuple[dict[str, set[str]], dict[str, Pattern]]:
    """Return how patterns are used by name, and those that are written where they are used."""
    used: dict[str, set[str]] = {}
    inline: dict[str, Pattern] = {}
    of_use = re.compile(rf"\b(?:re|{'|'.join(sorted(names))})\s*\.")  # no other file is worth parsing
    for path in sorted(Path(writeback.__path__[0]).rglob("*.py")):
        text = path.read_text()
        for node in ast.walk(ast.parse(text)) if of_use.search(text) else ():
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            owner, method = node.func.value, node.func.attr
            if not isinstance(owner, ast.Name):
                continue
            is_pattern = owner.id == "re" and method not in ("compile", "escape") and node.args
            if is_pattern and isinstance(node.args[0], ast.Constant):
                compiled = re.compile(node.args[0].value)
                inline[f"{path.name}:{node.lineno}"] = Pattern(compiled, [_OF_METHOD.get(method, "search")])
            elif owner.id != "re" and method in ("match", "fullmatch", "search", "sub", "split", "findall", "finditer"):
                used.setdefault(owner.id, set()).add(_OF_METHOD.get(method, "search"))
    return used, inline


def _patterns() -> dict[str, Pattern]:
    kept = list(_kept())
    used, inline = _written({name for name, *_ in kept})
    by_place = {
        f"{name} in {module}": Pattern(one, sorted(used.get(name, {"match", "fullmatch"})))
        for name, module, one in kept
    }
    return {**by_place, **inline}


PATTERNS = _patterns()


def _texts(pattern: "re.Pattern[Any]") -> Iterator[str]:
    """Yield texts that make a pattern try again and again: what it is about, repeated, and then something else."""
    said = pattern.pattern if isinstance(pattern.pattern, str) else pattern.pattern.decode("latin-1")
    letters = [*re.findall(r"[\w ./:'\"<>=&%,;@#-]", said), *" a0A.\n\t-/<\"'é"]
    words = [f"{word} " for word in re.findall(r"[A-Za-z]{2,}", said)]
    for piece in dict.fromkeys([*letters, *words, *_SKELETONS]):
        yield piece * (_LONG // len(piece)) + "\x00"


def test_there_are_patterns_to_try_and_how_they_are_used_is_known() -> None:
    assert len(PATTERNS) > 70
    assert {"search", "match", "fullmatch"} == {method for one in PATTERNS.values() for method in one.methods}


@pytest.mark.timeout(60)
@pytest.mark.parametrize("name", PATTERNS)
def test_a_pattern_takes_no_longer_than_its_text(name: str) -> None:
    compiled, methods = PATTERNS[name]
    for text in _texts(compiled):
        given = text if isinstance(compiled.pattern, str) else text.encode("latin-1", "replace")
        for method in methods:
            began = time.thread_time()
            getattr(compiled, method)(given)

            assert time.thread_time() - began < _MOST_S, f"{method} of {text[:20]!r}…, {len(text)} letters"
