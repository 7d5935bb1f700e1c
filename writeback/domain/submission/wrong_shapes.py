"""What can still be read of a record of the wrong shape; `submission` has counted before what it holds."""

from functools import cache
from typing import Annotated, Any

from pydantic import BaseModel, TypeAdapter, ValidationError

from writeback.domain.kinds import Kind, Record
from writeback.domain.submission.fields import parts_of


def rest_of(kind: Kind, item: Any) -> Record | None:
    """Return the texts that can be read of a record of the wrong shape, so that what they name can be looked up.

    None is in the place of all else. Where the record is no object, nothing is read of it.
    """
    if not isinstance(item, dict):
        return None
    values: dict[str, Any] = {**_texts(kind.record, item)}
    for name, part in parts_of(kind.record).items():
        given = item.get(name)
        values[name] = [part.model_construct(**_texts(part, one)) for one in given] if isinstance(given, list) else []
    return kind.record.model_construct(**values)


def _texts(model: type[BaseModel], item: Any) -> dict[str, Any]:
    """Return what an object says in each field of the model, None where that is no text or not as it should be."""
    given = item if isinstance(item, dict) else {}
    return {name: _text(model, name, given.get(name)) for name in model.model_fields}


def _text(model: type[BaseModel], name: str, value: Any) -> str | None:
    if not isinstance(value, str):
        return None
    try:
        read = _adapter_of(model, name).validate_python(value)
    except ValidationError:
        return None
    return read if isinstance(read, str) else None


@cache
def _adapter_of(model: type[BaseModel], name: str) -> TypeAdapter[Any]:
    about = model.model_fields[name]
    shape: Any = Annotated[about.annotation, *about.metadata] if about.metadata else about.annotation
    return TypeAdapter(shape)
