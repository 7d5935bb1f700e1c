"""SQL is compiled once for all tests of a process, and not for each one's engines: that was a tenth of their time."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest
from sqlalchemy.engine import Dialect

from writeback.store.sql import engines


class _ByKindOfDialect(dict[Any, Any]):
    """SQLAlchemy's keys begin with the dialect, which each engine has one of; those of a kind compile alike."""

    def get(self, key: Any, default: Any = None) -> Any:
        return super().get(_shared(key), default)

    def __setitem__(self, key: Any, compiled: Any) -> None:
        super().__setitem__(_shared(key), compiled)


def _shared(key: Any) -> Any:
    dialect: Dialect = key[0]
    return (type(dialect), dialect.statement_compiler, *key[1:])


@contextmanager
def compiled_once() -> Iterator[None]:
    """Have all engines that are made in the block use one cache: SQLAlchemy's own option for that."""
    option = {"execution_options": {"compiled_cache": _ByKindOfDialect()}}
    with pytest.MonkeyPatch.context() as patch:
        for name in ("create_engine", "create_async_engine"):
            patch.setattr(engines, name, partial(getattr(engines, name), **option))
        yield
