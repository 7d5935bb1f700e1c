"""Where providers are to call us: the addresses of schools' hooks, of accounts' hooks, and of single callbacks.

Their tokens are derived from the secret key, so that nothing is kept. `dispatch` sends them, `confirm` checks them.
"""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple
from urllib.parse import quote, urlencode

from writeback.core.errors import NotFound
from writeback.core.secrets import SecretBox
from writeback.core.settings import Settings
from writeback.domain.school import Account, HookAddress
from writeback.flow.engine.context import FlowContext
from writeback.providers.registry import PROVIDERS
from writeback_client.models.access import Hook

_ALL = "all"
_NUMBER = re.compile(r"[1-9][0-9]{0,8}")


class Called(NamedTuple):
    """Which hook a call came to: that of a school, None: of our account; and at which of its addresses."""

    hook_of: str | None
    number: int
    key: int
    """The place of the secret key that its address was made with: 0 is the newest."""


def hook_token(secrets: SecretBox, provider: str, school_id: str, number: int = 0) -> str:
    """Return the unguessable part of a school's hook URL; derived, so that it is kept nowhere.

    `number` is how often the address was renewed; it stands in the address, so that nobody has to try them all.
    """
    return _numbered(school_id, number, secrets.token_for(_purpose(provider, school_id, number)))


def account_hook_token(secrets: SecretBox, provider: str, number: int = 0) -> str:
    """Return the secret part of our account's hook with a provider; it differs from every school's, one named `all`
    too."""
    return _numbered(_ALL, number, secrets.token_for(_account_purpose(provider, number)))


def hook_url(settings: Settings, secrets: SecretBox, provider: str, school_id: str, number: int = 0) -> str:
    """Return where the provider should call for this school."""
    return _url(settings, provider, hook_token(secrets, provider, school_id, number))


def account_hooks(settings: Settings, secrets: SecretBox, renewed: Mapping[str, HookAddress]) -> Sequence[Hook]:
    """Return the hooks to register with providers that have one for an application with all its schools.

    `renewed` has the addresses of those that were renewed, by provider.
    """
    addresses = {name: renewed.get(name, HookAddress()) for name in PROVIDERS}
    return [
        Hook(
            provider=name,
            url=_url(settings, name, account_hook_token(secrets, name, addresses[name].number)),
            old_until=addresses[name].old_until,
            events=known.events,
            where=known.where,
        )
        for name, one in PROVIDERS.items()
        if (known := one.account_webhook) is not None
    ]


def _numbered(subject: str, number: int, secret: str) -> str:
    return f"{subject}~{number}~{secret}" if number else f"{subject}~{secret}"


def _url(settings: Settings, provider: str, token: str) -> str:
    return f"{settings.effective_public_url}/hooks/{provider}/{quote(token, safe='~')}"


def _purpose(provider: str, school_id: str, number: int) -> str:
    return f"{_renewed('hook', number)}:{provider}:{school_id}"


def _account_purpose(provider: str, number: int) -> str:
    return f"{_renewed('account-hook', number)}:{provider}"


def _renewed(hook: str, number: int) -> str:
    return f"{hook} {number}" if number else hook


def callback_url(flow: FlowContext, account: Account, request_id: str) -> str:
    """Return the callback of one request: Xporter gives `id` and `estab` back as they are (14141)."""
    url = hook_url(flow.settings, flow.secrets, account.provider, account.school_id, account.hook.number)
    return f"{url}?{urlencode({'id': request_id, 'estab': account.provider_school_id})}"


def called(secrets: SecretBox, provider: str, token: str) -> Called:
    """Return whose hook it is, at whichever of its addresses; raise NotFound where it is nobody's."""
    subject, _, secret = token.rpartition("~")
    subject, _, digits = subject.partition("~")
    number = int(digits) if _NUMBER.fullmatch(digits) else 0
    if _numbered(subject, number, secret) == token:  # spelt as we do
        if (key := secrets.key_of_token(_purpose(provider, subject, number), secret)) is not None:
            return Called(subject, number, key)
        has_one = provider in PROVIDERS and PROVIDERS[provider].account_webhook is not None
        key = secrets.key_of_token(_account_purpose(provider, number), secret)
        if subject == _ALL and has_one and key is not None:
            return Called(None, number, key)
    raise hook_unknown()


def hook_unknown() -> NotFound:
    return NotFound("hook_unknown", "there is no such hook", hint="Register the hook_url as it is.")
