"""What stands below a field, for JSON schemas: read from the source when a schema is made, which programs seldom do.

Pydantic can do this (`use_attribute_docstrings`), when each class is made: a tenth of a second of every start.
"""

import ast
import inspect
import sys
from collections.abc import Mapping
from functools import cache
from itertools import pairwise

from pydantic import BaseModel, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema


class Described(BaseModel):
    """A model whose JSON schema says what stands below each of its fields."""

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        found = handler(schema)
        for name, field in handler.resolve_ref_schema(found).get("properties", {}).items():
            if text := text_below(cls, name):
                field.setdefault("description", text)
        return found


def text_below(model: type[BaseModel], field: str) -> str | None:
    """Return what stands below a field, where it was described last; None where nothing does."""
    described = (fields_of(one.__module__).get(one.__name__, {}) for one in model.__mro__ if issubclass(one, Described))
    return next((texts[field] for texts in described if field in texts), None)


@cache
def fields_of(module: str) -> Mapping[str, Mapping[str, str]]:
    """Return the text below each field of each class of a module; none where the module has no source."""
    try:
        source = inspect.getsource(sys.modules[module])
    except OSError:
        return {}
    classes = [node for node in ast.parse(source).body if isinstance(node, ast.ClassDef)]
    return {one.name: dict(_described(one)) for one in classes}


def _described(of: ast.ClassDef) -> list[tuple[str, str]]:
    return [
        (field.target.id, inspect.cleandoc(text.value.value))
        for field, text in pairwise(of.body)
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
        if isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant) and isinstance(text.value.value, str)
    ]
