"""Lists as parameters of a statement."""

from collections.abc import Iterable
from typing import TypeVar

T = TypeVar("T")


def padded(values: Iterable[T]) -> list[T]:
    """Return the values sorted, without repetitions, the last one repeated up to a power of two.

    So a statement with `IN` has few lengths, which the database and its driver keep prepared.
    """
    distinct = sorted(set(values))  # type: ignore[type-var]
    if not distinct:
        return []
    return distinct + [distinct[-1]] * ((1 << (len(distinct) - 1).bit_length()) - len(distinct))
