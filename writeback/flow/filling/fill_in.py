"""The one place where a record is made more than its app said: after it was read, before it is validated. Pure.

Whatever is filled in is said by a finding of the record, a warning, so that it stands in the record's timeline.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from writeback.domain.finding import Finding
from writeback.domain.kinds import Kind, Record
from writeback.domain.lookups import LookupView
from writeback.domain.school import School


@dataclass(frozen=True, slots=True)
class Filled:
    """Records as they are validated and kept, in the same places; and what is to be said of what was filled in."""

    records: Sequence[Record]
    findings: Sequence[Finding] = ()


def fill_in(
    kind: Kind,
    records: Sequence[Record],
    school: School,
    lookups: LookupView,
    *,
    app_id: str,
    positions: Sequence[int] | None = None,
) -> Filled:
    """Return the records as this school has them meant, where an app's record is silent or has words of its own.

    `positions` tells where each record is in its submission (None: as they come). A school that has set nothing gets
    its records back as they are.
    """
    return Filled(records)
