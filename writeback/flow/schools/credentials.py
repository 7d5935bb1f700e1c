"""A school's credentials: tried before they are kept, and a new token that a webhook has offered.

That one is used only once the provider accepts it. Until then it is sealed beside the one in use, so that a false
webhook takes nothing away and a true one is not lost.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from writeback.core.secrets import SecretBox
from writeback.domain.actor import Actor
from writeback.domain.outcome import NotReached
from writeback.domain.school import Account, HoldReason
from writeback.flow.engine.context import FlowContext
from writeback.flow.registry.entries import NewSchool
from writeback.providers.base import SchoolReport
from writeback.providers.registry import PROVIDERS
from writeback.store.people import audit
from writeback.store.tables import SchoolRow

_OFFERED = "offered"
_NO_GOOD = frozenset({HoldReason.TOKEN_REFUSED, HoldReason.UNKNOWN_THERE, HoldReason.REVOKED, HoldReason.SCOPE_MISSING})
"""What a provider says where credentials, or the id that goes with them, are of no use."""


@dataclass(frozen=True)
class Tried:
    """What a provider answered about a school as it would be called."""

    report: SchoolReport | NotReached

    @property
    def takes_them(self) -> bool:
        """Whether it takes the credentials and knows the school. Whether that can be written to is another matter."""
        if isinstance(self.report, NotReached):
            return False
        return self.report.blocked is None or self.report.blocked.reason not in _NO_GOOD


@dataclass(frozen=True)
class CredentialTrials:
    """Asks a provider about a school before anything of it is kept; that it was asked is in the audit log."""

    flow: FlowContext

    async def of_new(self, new: NewSchool, actor: Actor) -> Tried:
        """Ask about a school that is not registered; raise InvalidSubmission with what is wrong with its entry."""
        return await self._ask(await self.flow.registry.trial_of_new(new), new.draft().id, actor, None)

    async def of_change(self, school_id: str, changes: Mapping[str, Any], actor: Actor) -> Tried:
        """Ask about a school as changes would make it, without any as it is; raise NotFound or InvalidSubmission."""
        account = await self.flow.registry.trial_of_change(school_id, changes)
        return await self._ask(account, school_id, actor, school_id)

    async def _ask(self, account: Account, subject: str, actor: Actor, school: str | None) -> Tried:
        tried = Tried(await self.flow.providers[account.provider].report(account))
        noted = {"provider": account.provider, "takes_them": tried.takes_them}
        async with self.flow.db.write() as session:
            audit.note(session, actor, self.flow.clock.now(), "school.test", subject, school=school, changed=noted)
        return tried


def offer(secrets: SecretBox, school: SchoolRow, token: str) -> None:
    """Keep a new token beside the one in use, unless it is that one."""
    kept = _opened(secrets, school)
    if token not in (kept.get(PROVIDERS[school.provider].credentials.needs), kept.get(_OFFERED)):
        school.credentials = secrets.seal({**kept, _OFFERED: token})


def offered_to(account: Account) -> str | None:
    """Return the token that was offered and not tried yet."""
    return account.credentials.get(_OFFERED)


def with_offered(account: Account) -> Account:
    """Return the account as it is with the offered token."""
    needed = PROVIDERS[account.provider].credentials.needs
    return replace(account, credentials={**account.credentials, needed: account.credentials[_OFFERED]})


def settle_offer(secrets: SecretBox, school: SchoolRow, offered: str, *, is_taken: bool) -> None:
    """Use the offered token from now on, or drop it; one that was offered meanwhile stays."""
    kept = _opened(secrets, school)
    if is_taken:
        kept[PROVIDERS[school.provider].credentials.needs] = offered
    if kept.get(_OFFERED) == offered:
        del kept[_OFFERED]
    school.credentials = secrets.seal(kept) if kept else ""


def _opened(secrets: SecretBox, school: SchoolRow) -> dict[str, str]:
    return dict(secrets.open(school.credentials)) if school.credentials else {}
