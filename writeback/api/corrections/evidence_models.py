"""What the API takes and shows of looking for evidence at once, and of what a provider answered."""

from typing import Annotated

from pydantic import Field

from writeback.api.corrections.models import WHY
from writeback.api.models import MaybeReason, Taken


class CheckIn(Taken):
    """Why it is looked at now."""

    reason: Annotated[MaybeReason, Field(description=WHY)] = ""
