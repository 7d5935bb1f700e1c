"""What one school takes, kind by kind: the rules of its MIS, what it has granted, and the codes that it may choose."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from validators.describe import describe
from validators.features import rule_for
from writeback.domain.kinds import KINDS
from writeback.domain.school import School
from writeback.flow.registry.entries import Registry
from writeback.lookups.cache import LookupCache


@dataclass(frozen=True)
class Features:
    """Describes schools to those who build forms for them."""

    registry: Registry
    lookups: LookupCache

    async def of(self, school_id: str, kinds: Collection[str] = ()) -> tuple[School, Mapping[str, Mapping[str, Any]]]:
        """Return the school, and what it takes of some kinds, or of all; raise NotFound."""
        school = await self.registry.school(school_id)
        view = await self.lookups.view(school_id)
        named = [kind for kind in KINDS if not kinds or kind in kinds]
        return school, {kind: {**rule_for(school, kind).as_json(), **describe(kind, school, view)} for kind in named}
