"""Reads what the MIS holds, through Wonde's own lists, and compares it with what was asked. Pure; `adapter` asks.

Each kind has a `Reader`. What is new is looked for in lists by its content; what was changed or removed by its id.
"""

from collections.abc import Mapping

from writeback.providers.wonde.readings import absence, attendance, conduct, detention, removal
from writeback.providers.wonde.readings.reader import Question, Reader, Scene

READERS: Mapping[str, Reader] = {
    **attendance.READERS,
    **conduct.READERS,
    **detention.READERS,
    **absence.READERS,
    **removal.READERS,
}
"""By kind: all that Wonde takes."""

__all__ = ["READERS", "Question", "Reader", "Scene"]
