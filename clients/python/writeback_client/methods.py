"""Makes a method show the name, docstring and parameters of the function that builds its call."""

import inspect
from collections.abc import Callable
from typing import Any, TypeVar

M = TypeVar("M", bound=Callable[..., Any])
_SELF = inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)


def like(build: Callable[..., Any], method: M) -> M:
    """Return `method`, described as `build` is, for `help()` and editors that look at run time."""
    signature = inspect.signature(build)
    method.__name__, method.__qualname__ = build.__name__, build.__qualname__
    method.__module__, method.__doc__ = build.__module__, build.__doc__
    shown = signature.replace(parameters=[_SELF, *signature.parameters.values()])
    shown = shown.replace(return_annotation=inspect.Signature.empty)
    method.__signature__ = shown  # type: ignore[attr-defined] # functions may have one, typeshed does not say so
    return method
