"""A school as a process remembers it for a moment: what the flow asks on every submission, without SQL."""

from collections.abc import Mapping
from functools import cached_property

from writeback.core.secrets import SecretBox
from writeback.domain.school import Account, School
from writeback.store.tables import SchoolRow


class SchoolMemory:
    """One school's row; credentials are opened when they are first needed.

    `usual_credentials` are those of our own account with the provider, for a school that has none of its own.
    """

    def __init__(self, row: SchoolRow, secrets: SecretBox, usual_credentials: Mapping[str, str]) -> None:
        self._row, self._secrets, self._usual = row, secrets, usual_credentials
        self.school = School(row.id, row.name, row.provider, row.mis, row.overrides, row.facts)

    @cached_property
    def account(self) -> Account:
        row = self._row
        own = self._secrets.open(row.credentials) if row.credentials else {}
        credentials = {**self._usual, **own}
        return Account(row.id, row.provider, row.provider_school_id, row.mis, row.base_url, credentials)
