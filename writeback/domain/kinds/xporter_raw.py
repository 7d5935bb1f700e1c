"""`xporter.raw`: a writeback of Xporter whose body its document does not describe, passed on as it is.

Off unless a school's own rules switch it on: nothing of it can be validated here.
"""

from typing import Any, Literal

from writeback.domain.kinds.base import Action, Family, Kind, Record, nothing

Operation = Literal["EntityAttributes", "GDPRfilter", "Photos", "SeatingPlan", "TagDefinitions", "Tags", "UserAsync"]
"""Xporter 14663-14800."""


class RawWriteback(Record):
    """One call of an operation."""

    operation: Operation
    body: dict[str, Any]
    """What is posted, as it is."""


KINDS = (Kind("xporter.raw", Family.RAW, RawWriteback, Action.RAW, nothing, (), "call"),)
