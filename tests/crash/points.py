"""Which failpoints there are, read from the source, and which work reaches each."""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_SOURCE = Path(__file__).parents[2] / "writeback"


@dataclass(frozen=True)
class Point:
    """One failpoint in the source. `can_repeat`: the call is a condition, so that the step can be taken twice."""

    name: str
    place: str
    can_repeat: bool


@cache
def points() -> Mapping[str, Point]:
    """Return every failpoint of the source, by name; a name that is used twice is an error."""
    found: dict[str, Point] = {}
    for path in sorted(_SOURCE.rglob("*.py")):
        if "failpoints.hit(" not in path.read_text():
            continue
        for point in _points_of(path):
            assert point.name not in found, f"{point.name} is at {point.place} and at {found[point.name].place}"
            found[point.name] = point
    return found


def _points_of(path: Path) -> Iterator[Point]:
    tree = ast.parse(path.read_text())
    conditions = {id(node.test) for node in ast.walk(tree) if isinstance(node, ast.If)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "failpoints.hit":
            (argument,) = node.args
            assert isinstance(argument, ast.Constant), f"{path}:{node.lineno}: a failpoint's name must be a literal"
            place = f"{path.relative_to(_SOURCE)}:{node.lineno}"
            yield Point(str(argument.value), place, id(node) in conditions)
