"""What bodies have in common. What is answered is in `writeback_client.models`, submissions in `domain`."""

from typing import Annotated

from pydantic import ConfigDict, StringConstraints

from writeback.domain.kinds.base import NO_CONTROLS
from writeback_client.models.described import Described

Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500, pattern=NO_CONTROLS)]
"""Why somebody does something, in their own words."""
MaybeReason = Annotated[str, StringConstraints(strip_whitespace=True, max_length=500, pattern=NO_CONTROLS)]

FindingCode = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=64)]

Said = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{12}$")]
"""The key of a provider's words."""


def check_said(said: str | None, code: str | None) -> None:
    """Raise ValueError for words without the code that they came with."""
    if said is not None and code is None:
        raise ValueError("said narrows a code down: send the code that the words came with, too")


class Taken(Described):
    """Base of what is taken: unknown fields are refused, for they are mostly misspelt ones."""

    model_config = ConfigDict(extra="forbid")
