"""What the API answers is described once, in the client's models: nothing here repeats one of them."""

import ast
import importlib
import pkgutil
from collections.abc import Iterator
from pathlib import Path

from writeback_client import models
from writeback_client.models.base import Model

ROOT = Path(__file__).parents[2]
_FEWEST, _ALIKE = 3, 0.75
MADE_BY_THE_THOUSAND = {
    "Finding": "validation makes a thousand of them for one submission",
    "Compared": "a reading makes them of every field of every row of the MIS",
    "Near": "as those",
    "LoggedEvent": "streams and webhooks go through twenty thousand at a time",
}
OTHERS = {
    "SchoolListing": "what a provider says, before it is known who of them is here",
    "ListState": "a row of a query",
    "OpenBreaker": "why a school or provider gets no requests; a hold has a reason like it",
    "ColumnUse": "how a column is read, row by row",
    "ProposedColumn": "what a look at a file comes to, before anybody has said anything",
    "WordIn": "a word as it is taken, whose unknown fields are refused",
    "_Field": "what is compared before it is a text",
    "Stretch": "what validation asks about a day, with each submission",
    "StretchIn": "what is taken: kinds that there are, and no other fields",
}
"""Classes that look like a model and are something else, and why. Rows of tables are, too."""


def _models() -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for module in pkgutil.iter_modules(models.__path__, f"{models.__name__}."):
        for name, one in vars(importlib.import_module(module.name)).items():
            if isinstance(one, type) and issubclass(one, Model) and len(one.model_fields) >= _FEWEST:
                found[name] = set(one.model_fields)
    return found


def _classes() -> Iterator[tuple[str, set[str]]]:
    for path in sorted((ROOT / "writeback").rglob("*.py")):
        if "tables" in path.parts or "sandbox" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef):
                lines = (one for one in node.body if isinstance(one, ast.AnnAssign))
                fields = {one.target.id for one in lines if isinstance(one.target, ast.Name)}
                if len(fields) >= _FEWEST:
                    yield node.name, fields


def test_no_class_of_the_service_repeats_a_model() -> None:
    known = _models()

    alike = [
        name
        for name, fields in _classes()
        if any(len(fields & theirs) >= _ALIKE * max(len(fields), len(theirs)) for theirs in known.values())
    ]

    assert sorted(alike) == sorted(MADE_BY_THE_THOUSAND | OTHERS), "answer with the model of writeback_client instead"
