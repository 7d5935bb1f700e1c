"""Everything that validation can say, by code: one module for each thing that it is about."""

from collections.abc import Mapping

from validators.catalogue import absences, detentions, everywhere, incidents, marks, media, people, shapes
from validators.catalogue.entry import Entry, RaisedBy, Wording

_MODULES = (shapes, everywhere, marks, incidents, media, detentions, absences, people)

CATALOGUE: Mapping[str, Entry] = {entry.code: entry for module in _MODULES for entry in module.ENTRIES}
"""Every finding by its code."""

__all__ = ["CATALOGUE", "Entry", "RaisedBy", "Wording"]
