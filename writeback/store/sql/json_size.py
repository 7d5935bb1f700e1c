"""How many entries a JSON text has, counted by the database, so that the text itself need not be fetched."""

from typing import Any

from sqlalchemy import Integer
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import GenericFunction


class array_size(GenericFunction[int]):
    """Entries of a text column that holds a JSON array."""

    type = Integer()
    inherit_cache = True


class object_size(GenericFunction[int]):
    """Members of a text column that holds a JSON object."""

    type = Integer()
    inherit_cache = True


@compiles(array_size, "sqlite")
@compiles(object_size, "sqlite")
def _sqlite(element: GenericFunction[int], compiler: SQLCompiler, **kwargs: Any) -> str:
    return f"(SELECT count(*) FROM json_each({compiler.process(element.clauses, **kwargs)}))"  # noqa: S608 - compiled by SQLAlchemy


@compiles(array_size, "postgresql")
def _postgres_array(element: GenericFunction[int], compiler: SQLCompiler, **kwargs: Any) -> str:
    return f"json_array_length(CAST({compiler.process(element.clauses, **kwargs)} AS JSON))"


@compiles(object_size, "postgresql")
def _postgres_object(element: GenericFunction[int], compiler: SQLCompiler, **kwargs: Any) -> str:
    column = compiler.process(element.clauses, **kwargs)
    return f"(SELECT count(*) FROM json_object_keys(CAST({column} AS JSON)))"  # noqa: S608 - compiled by SQLAlchemy
