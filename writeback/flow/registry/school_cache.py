"""A school as a process remembers it for a moment: what the flow asks on every submission, without SQL."""

from datetime import datetime
from functools import cached_property

from writeback.core.secrets import SecretBox
from writeback.domain.directory import Directory
from writeback.domain.mode import mode_of
from writeback.domain.school import Account, Country, HookAddress, LateRegisters, OfficeMarks, School
from writeback.domain.school_settings.words import NO_WORDS, Words
from writeback.domain.school_settings.year import year_of
from writeback.flow.registry.addresses import AddressRules, Connection
from writeback.store.tables import SchoolRow


class SchoolMemory:
    """One school's row; credentials are opened when they are first needed.

    Here and nowhere else do credentials meet the address that they go to; `rules` decide whether they may.
    """

    def __init__(self, row: SchoolRow, secrets: SecretBox, rules: AddressRules, words: Words = NO_WORDS) -> None:
        self._row, self._secrets, self._rules = row, secrets, rules
        self.hook = hook_of(row)
        self.school = School(
            row.id,
            row.name,
            row.provider,
            row.mis,
            row.overrides,
            row.facts,
            directory=Directory(row.directory),
            words=words,
            stated_country=Country(row.country) if row.country else None,
            defaults=row.defaults,
            office_marks=OfficeMarks(row.office_marks),
            year=year_of(row.year),
            late_registers=LateRegisters(row.late_registers),
            former_ids_until=datetime.fromisoformat(row.former_ids["until"]) if row.former_ids else None,
        )

    @cached_property
    def account(self) -> Account:
        row, called = self._row, connection_of(self._row, self._secrets)
        withheld = self._rules.why_withheld(called)
        credentials = {} if withheld else {**self._rules.account_for(called), **called.own}
        return Account(
            row.id,
            row.provider,
            row.provider_school_id,
            row.mis,
            row.base_url,
            credentials,
            timezone=str(row.facts.get("timezone") or ""),
            hook=self.hook,
            with_people=row.directory != Directory.OFF,
            withheld=withheld,
        )


def hook_of(row: SchoolRow) -> HookAddress:
    """Return which of its hook's addresses count."""
    return HookAddress(row.hook_number, row.hook_old_until)


def connection_of(row: SchoolRow, secrets: SecretBox) -> Connection:
    """Return how the school is called, its own credentials opened."""
    own = secrets.open(row.credentials) if row.credentials else {}
    return Connection(row.provider, row.provider_school_id, row.base_url, own, mode_of(row.id))
