"""Where providers are to call us: the addresses of schools' hooks, of accounts' hooks, and of single callbacks.

Their tokens are derived from the secret key, so that nothing is kept. `dispatch` sends them, `confirm` checks them.
"""

from collections.abc import Sequence
from urllib.parse import quote, urlencode

from writeback.core.errors import NotFound
from writeback.core.secrets import SecretBox
from writeback.core.settings import Settings
from writeback.domain.school import Account
from writeback.flow.engine.context import FlowContext
from writeback.providers.registry import PROVIDERS
from writeback_client.models.access import Hook

_ALL = "all"


def hook_token(secrets: SecretBox, provider: str, school_id: str) -> str:
    """Return the unguessable part of a school's hook URL; derived, so that it is kept nowhere."""
    return f"{school_id}~{secrets.token_for(f'hook:{provider}:{school_id}')}"


def account_hook_token(secrets: SecretBox, provider: str) -> str:
    """Return the secret part of our account's hook with a provider; it differs from every school's, one named `all`
    too."""
    return f"{_ALL}~{secrets.token_for(_account_purpose(provider))}"


def hook_url(settings: Settings, secrets: SecretBox, provider: str, school_id: str) -> str:
    """Return where the provider should call for this school."""
    return _url(settings, provider, hook_token(secrets, provider, school_id))


def account_hooks(settings: Settings, secrets: SecretBox) -> Sequence[Hook]:
    """Return the hooks to register with providers that have one for an application with all its schools."""
    return [
        Hook(
            provider=name,
            url=_url(settings, name, account_hook_token(secrets, name)),
            events=known.events,
            where=known.where,
        )
        for name, one in PROVIDERS.items()
        if (known := one.account_webhook) is not None
    ]


def _url(settings: Settings, provider: str, token: str) -> str:
    return f"{settings.effective_public_url}/hooks/{provider}/{quote(token, safe='~')}"


def _account_purpose(provider: str) -> str:
    return f"account-hook:{provider}"


def callback_url(flow: FlowContext, account: Account, request_id: str) -> str:
    """Return the callback of one request: Xporter gives `id` and `estab` back as they are (14141)."""
    url = hook_url(flow.settings, flow.secrets, account.provider, account.school_id)
    return f"{url}?{urlencode({'id': request_id, 'estab': account.provider_school_id})}"


def school_of(secrets: SecretBox, provider: str, token: str) -> str | None:
    """Return the school whose hook it is, None for that of the account; raise NotFound where it is nobody's."""
    subject, _, signature = token.rpartition("~")
    if secrets.is_token_for(f"hook:{provider}:{subject}", signature):
        return subject
    has_one = provider in PROVIDERS and PROVIDERS[provider].account_webhook is not None
    if subject == _ALL and has_one and secrets.is_token_for(_account_purpose(provider), signature):
        return None
    raise hook_unknown()


def hook_unknown() -> NotFound:
    return NotFound("hook_unknown", "there is no such hook", hint="Register the hook_url as it is.")
