"""A school's people as the school knows them: who they are, by what they are found, and how that is kept. Pure."""

from writeback.domain.directory.people import (
    Directory,
    Found,
    Match,
    People,
    PersonDetails,
    PersonReference,
)

__all__ = ["Directory", "Found", "Match", "People", "PersonDetails", "PersonReference"]
