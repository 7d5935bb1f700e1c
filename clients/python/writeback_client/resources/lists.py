"""Lists, as one page or to be gone through."""

from typing import Any, TypeVar

from writeback_client.calls import Call, Request, as_model, get, given
from writeback_client.flows import Listing
from writeback_client.models.base import Model, Page

M = TypeVar("M", bound=Model)
PAGE = 200
"""The most that the API gives at once."""


def page(path: str, model: type[M], **params: Any) -> Call[Page[M]]:
    return get(path, as_model(Page[model]), **params)  # type: ignore[valid-type] # made at run time


def through(path: str, model: type[M], *, at_most: int | None, **params: Any) -> Listing[M]:
    size = PAGE if at_most is None else max(1, min(PAGE, at_most))
    request = Request("GET", path, given({**params, "limit": size}), is_repeatable=True)
    return Listing(request, as_model(Page[model]), at_most)  # type: ignore[valid-type] # made at run time
