"""What fields a record has, nested ones too, read once from its model. `shape`, the rules and descriptions ask."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, get_args, get_origin

from pydantic import BaseModel

from writeback.domain.kinds.base import Part

Path = Sequence[int | str]


@cache
def parts_of(model: type[BaseModel]) -> Mapping[str, type[Part]]:
    """Return the fields that hold objects of their own (`students`, `media`, …), with the model of these."""
    found = ((name, _part_in(field.annotation)) for name, field in model.model_fields.items())
    return {name: part for name, part in found if part is not None}


@cache
def keys_of(model: type[BaseModel]) -> tuple[str, ...]:
    """Return what the model's fields are called in JSON, in its order."""
    return tuple(field.alias or name for name, field in model.model_fields.items())


@cache
def names_of(model: type[BaseModel]) -> tuple[str, ...]:
    """Return every field in the model's order, those of nested objects dotted: `students`, `students.points`, …"""
    return tuple(_names(model))


@cache
def texts_of(model: type[BaseModel]) -> frozenset[str]:
    """Return the fields whose value is text, or a list of texts, dotted: only these have a length."""
    return frozenset(
        name for name in names_of(model) if str in _types_in(field_at(model, name)) and not has_parts(model, name)
    )


def field_at(model: type[BaseModel], name: str) -> Any:
    """Return the annotation of the field of this dotted name; raise KeyError where there is none."""
    *outer, last = name.split(".")
    for part in outer:
        model = parts_of(model)[part]
    return model.model_fields[last].annotation


def has_parts(model: type[BaseModel], name: str) -> bool:
    """Whether the field of this dotted name holds objects of their own."""
    return _part_in(field_at(model, name)) is not None


def holder_of(model: type[BaseModel], path: Path) -> type[BaseModel]:
    """Return the model of the object that the last step of `path` (a Pydantic location) leads into or out of."""
    for step in path[:-1]:
        nested = parts_of(model).get(step) if isinstance(step, str) else None
        model = nested or model
    return model


def in_words(path: Path) -> str:
    """Return a location as people write it: `students[1].points`."""
    words = ""
    for step in path:
        words += f"[{step}]" if isinstance(step, int) else f".{step}" if words else step
    return words


def _names(model: type[BaseModel]) -> Iterator[str]:
    for name in model.model_fields:
        yield name
        if name in parts_of(model):
            yield from (f"{name}.{inner}" for inner in names_of(parts_of(model)[name]))


def _part_in(annotation: Any) -> type[Part] | None:
    return next((one for one in _types_in(annotation) if issubclass(one, Part)), None)


def _types_in(annotation: Any) -> list[type]:
    """Return the plain types that an annotation is made of, however it wraps them."""
    if get_origin(annotation) is dict:
        return [dict]
    inner = get_args(annotation)
    if not inner:
        return [annotation] if isinstance(annotation, type) else []
    return [found for one in inner for found in _types_in(one)]
