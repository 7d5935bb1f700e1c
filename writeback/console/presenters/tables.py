"""Tables that become cards on a phone: every cell says which column it stands in. Used by the macro `table`.

A table that is laid out otherwise is no table any more for some screen readers, so the roles are said as well.
"""

import re
from collections.abc import Sequence
from typing import Any

from markupsafe import Markup, escape

CARDS_FROM = 4
"""Columns; a table of fewer fits on a phone."""
_TAG = re.compile(r"<(tr|td|th)\b")
_ROLES = {"tr": "row", "td": "cell", "th": "rowheader"}


def cells(rows: str, head: Sequence[Any]) -> Markup:
    """Return rows with their roles, each cell with the name of its column; `rows` are ours, and escaped already."""
    names = [escape(one if isinstance(one, str) else getattr(one, "words", None) or one[0]) for one in head]
    place = 0

    def say(found: re.Match[str]) -> str:
        nonlocal place
        tag = found[1]
        place = 0 if tag == "tr" else place + 1
        label = f' data-label="{names[place - 1]}"' if 0 < place <= len(names) else ""
        return f'<{tag} role="{_ROLES[tag]}"{label}'

    return Markup(_TAG.sub(say, rows))  # noqa: S704 - tags of ours, and names that are escaped above
