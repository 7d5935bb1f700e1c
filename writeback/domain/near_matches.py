"""What is nearly what a record says: one thing of the MIS beside it, field by field.

A provider's readings make these, `flow/confirm/attribution.py` asks whose they may be, and a person sees both sides.
"""

import html
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

_CUT_AFTER = 60
"""A text of which the MIS keeps at least so many characters from the start has been cut, and not changed."""
_TAG = re.compile(r"<[^<>]{1,200}>")


@dataclass(frozen=True)
class Compared:
    """One field by our own name, what was sent and what the MIS holds; None: nothing, not shown, or free text."""

    field: str
    ours: str | None
    in_mis: str | None
    differs: bool


@dataclass(frozen=True)
class Near:
    """One thing in the MIS that a record of ours may have made, had somebody changed it since."""

    mis_id: str
    fields: tuple[Compared, ...]
    created_at: datetime | None = None
    """When the provider first had it, if it tells."""

    @property
    def differing(self) -> list[str]:
        return [one.field for one in self.fields if one.differs]

    def as_json(self) -> dict[str, Any]:
        """Return what is stored, and shown."""
        return {
            "mis_id": self.mis_id,
            "created_at": self.created_at.isoformat() if self.created_at else None,
            "fields": [asdict(one) for one in self.fields],
        }


def in_words(near: Sequence[Near]) -> str | None:
    """Return how the most similar one differs, by names of fields; None where there is none."""
    likest = min(near, key=lambda one: len(one.differing), default=None)
    if likest is None:
        return None
    return f"one like it with other {', '.join(likest.differing)}" if likest.differing else "one like it"


def plain(value: Any) -> str:
    """Return a value as texts are compared: without regard to case, blanks, line breaks and HTML."""
    text = html.unescape(_TAG.sub(" ", str("" if value is None else value)))
    return " ".join(text.split()).casefold()


def is_same_text(held: Any, given: str | None) -> bool:
    """Return whether a free text is the one given, as far as a MIS leaves texts alone: it tidies and cuts them."""
    shown, wanted = plain(held), plain(given)
    return shown == wanted or (len(shown) >= _CUT_AFTER and wanted.startswith(shown))


def joined(ids: Iterable[str]) -> str | None:
    """Return ids as one text, in order; None for none."""
    return ", ".join(sorted(ids)) or None
