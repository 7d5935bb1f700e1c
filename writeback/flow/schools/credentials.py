"""A school's sealed credentials, and a new token that a webhook has offered: it is used only once the provider accepts
it.

Until then it is sealed beside the one in use, so that a false webhook takes nothing away and a true one is not lost.
"""

from dataclasses import replace

from writeback.core.secrets import SecretBox
from writeback.domain.school import Account
from writeback.providers.registry import PROVIDERS
from writeback.store.tables import SchoolRow

_OFFERED = "offered"


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
