"""The end of a hold, as a form says it."""

from dataclasses import dataclass
from datetime import datetime

from writeback.console.page import Page
from writeback.core.moments import EXAMPLES_AHEAD


@dataclass(frozen=True)
class HoldEnd:
    """When a hold ends, None: when somebody resumes the school; `words` follow "is held"; what is wrong with it."""

    at: datetime | None = None
    words: str = ""
    error: str = ""


def hold_end(page: Page) -> HoldEnd:
    """Return what the field `until` of the posted form says."""
    text = page.field("until")[:64]
    if not text:
        return HoldEnd()
    try:
        at = page.times.read_ahead(text, page.now)
    except ValueError as error:
        return HoldEnd(error=f"{error}: write a moment to come, like {EXAMPLES_AHEAD}.")
    return HoldEnd(at, f" until {page.times.short(at, page.now)}")
