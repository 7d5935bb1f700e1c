"""A school as a process remembers it for a moment: what the flow asks on every submission, without SQL."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, NamedTuple

from writeback.core.secrets import SecretBox
from writeback.domain.school import Account, HoldReason, School
from writeback.store.tables import SchoolRow


@dataclass(frozen=True)
class SchoolState:
    """Whether a school takes writebacks now, and what its provider last said of it."""

    hold_reason: HoldReason | None
    hold_detail: str | None
    held_at: datetime | None
    facts: Mapping[str, Any]

    @property
    def is_held(self) -> bool:
        return self.hold_reason is not None


class Known(NamedTuple):
    """What the flow needs to know of a school, as it was a moment ago."""

    school: School
    state: SchoolState


class SchoolMemory:
    """One school's row; credentials are opened when they are first needed."""

    def __init__(self, row: SchoolRow, secrets: SecretBox) -> None:
        self._row, self._secrets = row, secrets
        reason = HoldReason(row.hold_reason) if row.hold_reason else None
        self.known = Known(
            School(row.id, row.name, row.provider, row.mis, row.overrides),
            SchoolState(reason, row.hold_detail, row.held_at, row.facts),
        )

    @cached_property
    def account(self) -> Account:
        row = self._row
        credentials = self._secrets.open(row.credentials) if row.credentials else {}
        return Account(row.id, row.provider, row.provider_school_id, row.mis, row.base_url, credentials)
